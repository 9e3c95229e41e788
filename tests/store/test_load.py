"""Loading: by this process and by others, the store holds what transactions would have put."""

from __future__ import annotations

import errno
import os
import pickle
import resource
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgpack
import pytest
from tests.support.children import workers
from tests.support.damage import MANUAL
from tests.support.invariants import check_counts, check_reads, check_search, check_whole
from tests.support.notes import NOTES
from tests.support.records import numbered, record
from tests.support.segments import note
from tests.support.waiting import wait_until

from diptych import (
    FileRecord,
    InvalidArgumentError,
    InvalidRecordError,
    RecordStore,
    StorageError,
    StorageFullError,
    Store,
    fs,
)
from diptych.schema.code import CODE
from diptych.segment.series import SegmentSeries
from diptych.store import load

PROCESSES = [0, 2]


def builders() -> set[int]:
    return workers(of=b"diptych.store.load")


def check(store: Store, *records: FileRecord) -> None:
    files = {one.path: one for one in records}
    check_reads(store, files)
    check_search(store, files)
    check_counts(store, files)
    assert builders() == set()
    incoming = f"{store.path}/incoming"
    assert not os.path.exists(incoming) or os.listdir(incoming) == []


def test_it_works_beside_a_thousand_open_files(store_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "_BATCH_BYTES", 1)
    files = numbered(10)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2048:
        pytest.skip(f"no more than {hard} files may be open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    try:
        with ExitStack() as stack:
            for _ in range(1024):
                stack.enter_context(open(os.devnull, "rb"))
            with Store.open(store_path, policy=MANUAL) as store:
                assert store.load(files, processes=1) == len(files)
                check(store, *files)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("processes", PROCESSES)
def test_it_holds_what_was_loaded(store_path: str, processes: int) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        with store.transaction() as txn:
            for one in numbered(10):
                txn.index_file(one)
        started: list[int] = []

        def records() -> Iterator[FileRecord]:
            yield from numbered(60, 1, first=5)
            # A process has no command line yet while it begins.
            wait_until(lambda: len(builders()) == processes)
            started.extend(builders())

        assert store.load(records(), processes=processes) == 60
        assert len(started) == processes
        check(store, *numbered(5), *numbered(60, 1, first=5))
        assert store.lsn <= 1 + max(processes, 1)
        assert store.load([], processes=processes) == 0
    check_whole(store_path)
    with Store.open(store_path, policy=MANUAL) as store:
        check(store, *numbered(5), *numbered(60, 1, first=5))


@pytest.mark.parametrize("processes", PROCESSES)
def test_the_last_record_of_a_key_counts(store_path: str, processes: int) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        records = [record(f"pkg/{number % 4}.py", number) for number in range(12)]
        assert store.load(records, processes=processes) == 12
        check(store, *records[-4:])
    check_whole(store_path)


@pytest.mark.parametrize("processes", PROCESSES)
def test_any_schema_is_loaded(store_path: str, processes: int) -> None:
    notes = [note(number, "tag") for number in range(30)]
    with RecordStore.open_with(store_path, NOTES, policy=MANUAL) as store:
        store.load(iter(notes), processes=processes)
        assert list(store.records()) == notes
        assert len(store.lookup("tags", "tag")) == 30
        assert store.search("unique7").total == 1


@pytest.mark.parametrize("processes", PROCESSES)
def test_an_invalid_record_ends_it(store_path: str, processes: int) -> None:
    def records() -> Iterator[FileRecord]:
        yield from numbered(20)
        yield FileRecord("/absolute.py", "")

    with Store.open(store_path, policy=MANUAL) as store:
        with pytest.raises(InvalidRecordError):
            store.load(records(), processes=processes)
        check(store)
        store.load(numbered(3), processes=processes)
        check(store, *numbered(3))


@pytest.mark.parametrize("processes", PROCESSES)
def test_what_was_committed_stays(store_path: str, monkeypatch: pytest.MonkeyPatch, processes: int) -> None:
    """Records that come one key again and again: each completes a segment."""
    monkeypatch.setattr(load, "_BATCH_BYTES", 1)

    def records() -> Iterator[FileRecord]:
        for version in range(4):
            yield record("a.py", version)
        raise ZeroDivisionError

    with Store.open(store_path, policy=MANUAL) as store:
        with pytest.raises(ZeroDivisionError):
            store.load(records(), processes=processes)
        assert store.lsn <= 3
        check(store, *([record("a.py", store.lsn - 1)] if store.lsn else []))
        assert processes or store.lsn == 3


def test_a_killed_process_is_said(store_path: str) -> None:
    def records() -> Iterator[FileRecord]:
        yield from numbered(20)
        for pid in builders():
            os.kill(pid, signal.SIGKILL)

    with Store.open(store_path, policy=MANUAL) as store:
        with pytest.raises(StorageError, match="ended with -9"):
            store.load(records(), processes=2)
        check(store)


def test_a_process_whose_parent_was_killed_ends_in_silence(store_path: str) -> None:
    """It has a segment to tell of, or an error, and nobody reads that."""
    records = b"".join(
        len(data).to_bytes(4, "little") + data
        for data in (
            pickle.dumps(CODE),
            msgpack.packb([b"a.py", CODE.pack(record("a.py"))]),
            msgpack.packb([b"a.py", CODE.pack(record("a.py", 1))]),
        )
    )
    for sent in (records, records[: len(records) // 2], records.replace(b"a.py", b"\xc1\xc1\xc1\xc1")):
        process = subprocess.Popen(
            [sys.executable, "-c", load._START, store_path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        process.stdout.close()
        process.stdin.write(sent)
        process.stdin.close()
        assert (process.wait(), process.stderr.read()) == (1, b"")
        process.stderr.close()


def test_a_full_disk_is_said(store_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    script = """
import errno
from diptych.fs import storage_error
from diptych.segment.series import SegmentSeries
from diptych.store.load_worker import main
def finish(self):
    raise storage_error(OSError(errno.ENOSPC, "No space left on device"), "write", "x")
SegmentSeries.finish = finish
main()
"""

    def finish(_: object) -> str:
        raise fs.storage_error(OSError(errno.ENOSPC, "No space left on device"), "write", "x")

    monkeypatch.setattr(load, "_START", script)
    monkeypatch.setattr(SegmentSeries, "finish", finish)
    with Store.open(store_path, policy=MANUAL) as store:
        for processes in PROCESSES:
            with pytest.raises(StorageFullError):
                store.load(numbered(20), processes=processes)
        check(store)


@pytest.mark.parametrize("processes", [-1, 1.5, None])
def test_a_senseless_number_of_processes_is_refused(store_path: str, processes: int) -> None:
    with Store.open(store_path, policy=MANUAL) as store, pytest.raises(InvalidArgumentError):
        store.load([], processes=processes)


def test_a_schema_of_the_main_module_is_built_here(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import sys
        sys.path[:] = {sys.path!r}
        from diptych import RecordStore
        from tests.support.notes import NotesSchema, Note
        class Mine(NotesSchema):
            pass
        with RecordStore.open_with({str(tmp_path / "store")!r}, Mine()) as store:
            print(store.load([Note("a", ("x",), "word")], processes=2), len(store))
        """
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("1 1\n", "")
