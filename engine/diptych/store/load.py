"""Loading many records: packed in this process, built into segments, and adopted one segment after the other.

Other processes build, each its share of the keys, so that two records of one key are in the order in which
they came. A schema that they cannot import (one of the main module) has its segments built in this process.
"""

from __future__ import annotations

import os
import pickle
import select
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from functools import partial
from typing import Any

import msgpack

from diptych import fs
from diptych.change import FileIndexed, StoredRecord, term_hash
from diptych.errors import DiptychError, InvalidRecordError, StorageError
from diptych.schema.base import Record, Schema
from diptych.segment.series import SegmentSeries
from diptych.store.checkpoint.folding import LARGE_BYTES, LARGE_DOCUMENTS
from diptych.store.generation import new_incoming_directory, remove_incoming
from diptych.store.healing import log
from diptych.store.transaction import indexed

# So much is held back for a process: records by themselves would wake it for each.
_BATCH_BYTES = 128 * 1024
_PIPE_BYTES = 1024 * 1024
_F_SETPIPE_SZ = 1031
INVALID_RECORD = -1
"""In place of an errno: a record is at fault."""
_START = "from diptych.store.load_worker import main; main()"


def load(
    store: str,
    schema: Schema[Record],
    records: Iterable[Record],
    processes: int,
    adopt: Callable[[str], object],
) -> int:
    """Load the records into the store at `store`; returns how many. `adopt` commits a segment.

    Raises what `pack` raises, StorageError and CorruptSearchError.
    """
    packed = _packed(schema)
    if processes and packed:
        return _load_by_processes(store, schema, packed, records, processes, adopt)
    if processes:
        log.info("the schema %r cannot be sent to other processes: this one builds", schema.name)
    return _load_here(store, schema, records, adopt)


def segments_of(store: str, schema: Schema[Any]) -> SegmentSeries[Any]:
    """What builds segments in the directory of a store."""
    return SegmentSeries(
        schema,
        partial(new_incoming_directory, store),
        documents_most=LARGE_DOCUMENTS,
        payload_bytes_most=LARGE_BYTES,
        age_most_s=float("inf"),
    )


def _packed(schema: Schema[Any]) -> bytes:
    """The schema for another process; b"" where that could not read it."""
    if type(schema).__module__ == "__main__":
        return b""
    try:
        return pickle.dumps(schema)
    except Exception as error:  # noqa: BLE001 - whatever a schema's author has in it
        log.debug("the schema %r cannot be pickled: %s", schema.name, error)
        return b""


def _load_here(
    store: str, schema: Schema[Record], records: Iterable[Record], adopt: Callable[[str], object]
) -> int:
    count = 0
    with segments_of(store, schema) as series:
        for record in records:
            change = _change(schema, record)
            key, payload = change.key, change.payload
            if key in series or series.is_full:
                adopt(series.finish())
            stored = StoredRecord(key, change.checksum, payload)
            series.add(stored, schema.project_record(key, payload, record))
            count += 1
        if not series.is_empty:
            adopt(series.finish())
    return count


def _load_by_processes(
    store: str,
    schema: Schema[Record],
    packed_schema: bytes,
    records: Iterable[Record],
    processes: int,
    adopt: Callable[[str], object],
) -> int:
    count = 0
    with ExitStack() as stack:
        builders = [stack.enter_context(closing(_Builder(store, packed_schema))) for _ in range(processes)]
        for record in records:
            change = _change(schema, record)
            builder = builders[term_hash(change.key) % processes]
            if builder.add(change):
                for path in builder.built():
                    adopt(path)
            count += 1
        for builder in builders:
            builder.end()
        for builder in builders:
            for path in builder.rest():
                adopt(path)
    return count


def _change(schema: Schema[Record], record: Record) -> FileIndexed:
    return indexed(schema.key_of(record), schema.pack(record))


class _Builder:
    """A process that builds segments, and what it is to be given next."""

    def __init__(self, store: str, packed_schema: bytes) -> None:
        """Raises OSError where no process can be started."""
        self._store = store
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
        self._process = subprocess.Popen(
            # -P: a module in the current folder must not pass for one of ours.
            [sys.executable, "-P", "-c", _START, store],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            bufsize=0,
            # Ctrl-C goes to the whole group: this process decides what becomes of it.
            process_group=0,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        if sys.platform == "linux":
            _widen(self._requests.fileno())
        # Not `select`, which has no descriptors from 1,024 on.
        self._poll = select.poll()
        self._poll.register(self._answers, select.POLLIN)
        self._unpacker = msgpack.Unpacker(unicode_errors="surrogateescape")
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._write(packed_schema)

    def add(self, change: FileIndexed) -> bool:
        """Have a record built in; whether something was sent, so that there may be answers."""
        payload = change.payload
        self._held += (change.key, payload)
        self._held_bytes += len(payload)
        if self._held_bytes < _BATCH_BYTES:
            return False
        self._send()
        return True

    def built(self) -> Iterator[str]:
        """The paths of the segments that are complete by now. Raises StorageError."""
        while self._poll.poll(0):
            if not (yield from self._read()):
                raise self._ended()

    def end(self) -> None:
        """Have the last segment completed. Raises StorageError."""
        if self._held:
            self._send()
        self._send()
        self._requests.close()

    def rest(self) -> Iterator[str]:
        """Wait for its end; the paths of the segments that were left. Raises StorageError."""
        while (yield from self._read()):
            pass
        if self._process.wait():
            raise self._ended()

    def close(self) -> None:
        """End the process, whatever it is at, and remove what it built and nobody took."""
        self._process.kill()
        self._process.wait()
        with suppress(OSError):
            self._requests.close()
        self._answers.close()
        with suppress(StorageError):
            remove_incoming(self._store, self._process.pid)

    def _read(self) -> Generator[str, None, bool]:
        """The answers that come next; False at their end."""
        data = os.read(self._answers.fileno(), _PIPE_BYTES)
        self._unpacker.feed(data)
        for answer in self._unpacker:
            if isinstance(answer, str):
                yield answer
            else:
                raise self._error(*answer)
        return bool(data)

    def _error(self, code: int, message: str) -> DiptychError:
        if code == INVALID_RECORD:
            return InvalidRecordError(message)
        if code:
            return fs.storage_error(OSError(code, message), "build in", self._store)
        return StorageError(f"a segment cannot be built: {message}")

    def _send(self) -> None:
        self._write(msgpack.packb(self._held))
        self._held, self._held_bytes = [], 0

    def _write(self, data: bytes) -> None:
        view = memoryview(len(data).to_bytes(4, "little") + data)
        try:
            while view:
                view = view[self._requests.write(view) or 0 :]
        except BrokenPipeError:
            # It says why, if it could.
            for _ in self.rest():
                pass
            raise self._ended() from None

    def _ended(self) -> StorageError:
        return StorageError(
            f"a process that builds segments ended with {self._process.wait()}",
            advice="load the rest again: what was committed stays",
        )


def _widen(fd: int) -> None:
    import fcntl

    with suppress(OSError):
        # Over the user's limit for pipes the usual size does.
        fcntl.fcntl(fd, _F_SETPIPE_SZ, _PIPE_BYTES)
