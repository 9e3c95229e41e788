"""A process that builds segments of the records that it is sent: see `diptych.store.load`.

On standard input, each after its length as u32: the pickled schema, then msgpack arrays of keys and payloads
in turn, the last one empty. On standard output, msgpack: the path of each complete segment, or [errno,
message] where one cannot be written. It ends with its input; without an empty array, its parent was killed.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import sys
from contextlib import suppress
from typing import Any, BinaryIO

import msgpack

from diptych.change import StoredRecord, record_checksum
from diptych.errors import CallerError, DiptychError
from diptych.schema.base import Schema
from diptych.segment.series import SegmentSeries
from diptych.store.load import INVALID_RECORD, segments_of


def main() -> None:
    """Build until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = os.fdopen(os.dup(0), "rb"), os.dup(1)
    # A print in a schema must not end up between the answers.
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1):
        os.dup2(null, standard)
    # Nothing that is built refers back to itself.
    gc.disable()
    try:
        schema: Schema[Any] = pickle.loads(_next(requests))
        with segments_of(sys.argv[1], schema) as series:
            _build(requests, answers, schema, series)
    except EOFError:
        sys.exit(1)
    except BrokenPipeError:
        # Its parent was killed: there is no one to tell.
        sys.exit(1)
    except CallerError as error:
        _fail(answers, INVALID_RECORD, error.message)
    except DiptychError as error:
        _fail(answers, getattr(error, "errno", None) or 0, error.message)
    except Exception as error:  # noqa: BLE001 - whatever a schema raises
        _fail(answers, 0, repr(error))


def _fail(answers: int, code: int, message: str) -> None:
    with suppress(BrokenPipeError):
        os.write(answers, bytes(msgpack.packb((code, message), unicode_errors="replace")))
    sys.exit(1)


def _build(requests: BinaryIO, answers: int, schema: Schema[Any], series: SegmentSeries[Any]) -> None:
    def complete() -> None:
        os.write(answers, bytes(msgpack.packb(series.finish(), unicode_errors="surrogateescape")))

    project, unpackb = schema.project, msgpack.unpackb
    while batch := unpackb(_next(requests)):
        for key, payload in zip(batch[::2], batch[1::2], strict=True):
            if key in series or series.is_full:
                complete()
            series.add(StoredRecord(key, record_checksum(key, payload), payload), project(key, payload))
    if not series.is_empty:
        complete()


def _next(requests: BinaryIO) -> bytes:
    """The next message. Raises EOFError."""
    head = requests.read(4)
    data = requests.read(int.from_bytes(head, "little")) if len(head) == 4 else b""
    if not data:
        raise EOFError
    return data
