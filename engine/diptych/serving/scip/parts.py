"""Parts of an export, of so many files each, made in order: here, or by processes that take turns.

A part's bytes depend on nothing but its files and the store, so that an export is the same however many
processes make it.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from typing import BinaryIO, NamedTuple

import msgpack

from diptych.schema.code import CODE
from diptych.serving.files import Files
from diptych.serving.precise import Precise
from diptych.serving.scip.documents import Documents
from diptych.serving.scip.messages import DOCUMENTS
from diptych.serving.scip.stream import field_bytes
from diptych.serving.source import StoreSource
from diptych.store.code import CodeView, Store

PART_FILES = 64

_START = """
import sys
from diptych.serving.scip.parts import main
main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5]), int(sys.argv[6]))
"""
_SIZE_BYTES = 8


class Part(NamedTuple):
    """The documents of some files, as they are written. `changed` are the files that are left out."""

    files: int
    data: bytes
    documents: int
    precise: int
    occurrences: int
    symbols: int
    unresolved: int
    changed: Sequence[str]


def parts_of(source: StoreSource, view: CodeView) -> Generator[Part]:
    """All parts, in the order of paths."""
    documents = Documents(source)
    for paths in _paths_of_parts(view):
        yield _part(documents, view, paths)


def parts_in_workers(source: StoreSource, view: CodeView, store_path: str, processes: int) -> Generator[Part]:
    """The same, made by processes that open the store at `store_path` for themselves.

    What one that ended has not made is made here, and all of it where none can be started.
    """
    assert source.files is not None
    documents = Documents(source)
    imported = source.precise.state if source.precise is not None else ""
    with ExitStack() as stack:
        workers = []
        with suppress(OSError):
            for one in range(processes):
                worker = _Worker(store_path, source.files.root, view.lsn, imported, one, processes)
                workers.append(stack.enter_context(closing(worker)))
        for number, paths in enumerate(_paths_of_parts(view)):
            turn = number % processes
            made = workers[turn].next_part() if turn < len(workers) else None
            yield made if made is not None else _part(documents, view, paths)


def _paths_of_parts(view: CodeView) -> Iterator[list[bytes]]:
    keys = list(view.keys())
    for start in range(0, len(keys), PART_FILES):
        yield keys[start : start + PART_FILES]


def _part(documents: Documents, view: CodeView, keys: list[bytes]) -> Part:
    data = bytearray()
    precise = occurrences = symbols = 0
    changed = []
    # What was inferred before leaves less to infer: each part begins without it, whoever makes it.
    documents.begin()
    for key in keys:
        payload = view.payload(key)
        assert payload is not None
        made = documents.document(CODE.unpack(key, payload))
        if made is None:
            changed.append(key.decode("utf-8", "surrogateescape"))
            continue
        data += field_bytes(DOCUMENTS, made.data)
        precise += made.is_precise
        occurrences += made.occurrences
        symbols += made.symbols
    made_count = len(keys) - len(changed)
    return Part(
        len(keys), bytes(data), made_count, precise, occurrences, symbols, documents.unresolved, changed
    )


class _Worker:
    """A process that makes each `of`-th part, beginning with the part `first`."""

    def __init__(self, store_path: str, root: str, lsn: int, imported: str, first: int, of: int) -> None:
        self._process = subprocess.Popen(
            # -P: a module in the current folder, the repository's perhaps, must not pass for one of ours.
            [sys.executable, "-P", "-c", _START, store_path, root, str(lsn), imported, str(first), str(of)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path))),
        )
        assert self._process.stdout is not None
        self._answers = self._process.stdout

    def next_part(self) -> Part | None:
        """Its next part; None where it has ended."""
        size = self._answers.read(_SIZE_BYTES)
        if len(size) < _SIZE_BYTES:
            return None
        packed = self._answers.read(int.from_bytes(size, "little"))
        if len(packed) < int.from_bytes(size, "little"):
            return None
        return Part._make(msgpack.unpackb(packed, unicode_errors="surrogateescape", use_list=False))

    def close(self) -> None:
        """End it, whatever it is at."""
        self._process.kill()
        self._process.wait()
        self._answers.close()


def main(store_path: str, root: str, lsn: int, imported: str, first: int, of: int) -> None:
    """Make parts and write them to standard output, each after its length, until none reads them."""
    # The command that started it is told by the terminal too, and ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Nothing that is made refers back to itself.
    gc.disable()
    with suppress(BrokenPipeError):
        _write_parts(sys.stdout.buffer, store_path, root, lsn, imported, first, of)


def _write_parts(
    out: BinaryIO, store_path: str, root: str, lsn: int, imported: str, first: int, of: int
) -> None:
    with ExitStack() as stack:
        view = stack.enter_context(stack.enter_context(Store.open(store_path, read_only=True)).view())
        if view.lsn != lsn:
            # Something was committed meanwhile: the one who asked has the view that is to be exported.
            return
        files = stack.enter_context(closing(Files(root)))
        precise = stack.enter_context(closing(Precise(store_path)))
        source = StoreSource(view, files, precise)
        source.begin()
        if precise.state != imported:
            # As above: something was imported meanwhile.
            return
        documents = Documents(source)
        for number, keys in enumerate(_paths_of_parts(view)):
            if number % of == first:
                packed = msgpack.packb(_part(documents, view, keys), unicode_errors="surrogateescape")
                out.write(len(packed).to_bytes(_SIZE_BYTES, "little") + packed)
                out.flush()
