"""Appending and rotating where the system refuses: the journal is as before, or takes no more."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest
from tests.support.waiting import join, wait_for

from diptych import fs
from diptych.errors import PoisonedError, StorageError, StorageFullError
from diptych.journal import writer as writer_module
from diptych.journal.file import JournalFile
from diptych.journal.format import HEADER_SIZE, JournalHeader
from diptych.journal.reader import FrameReader, TailKind
from diptych.journal.writer import JournalWriter, create_journal_file


def make(directory: Path) -> JournalWriter:
    """A writer on a new journal with one transaction in it."""
    journal_file = JournalFile(create_journal_file(str(directory), JournalHeader(b"s" * 16, 1, 77, 0)))
    writer = JournalWriter(str(directory), journal_file, offset=HEADER_SIZE, chain=0, last_lsn=0)
    append(writer, b"one")
    return writer


def append(writer: JournalWriter, *payloads: bytes) -> None:
    with writer.lock:
        writer.append(list(payloads), [])


def payloads(path: str) -> list[bytes]:
    reader = FrameReader(JournalFile(path))
    found = [frame.payload for frame in reader]
    assert reader.tail().kind is TailKind.CLEAN
    return found


def fail_write(monkeypatch: pytest.MonkeyPatch, *, after: int, error: BaseException) -> None:
    """The next write stores `after` bytes, and the one behind it fails."""
    real = os.write
    calls = []

    def write(fd: int, data: bytes) -> int:
        calls.append(fd)
        if len(calls) == 1 and after:
            return real(fd, memoryview(data)[:after])
        raise error

    monkeypatch.setattr(writer_module.os, "write", write)


@pytest.mark.parametrize("after", [0, 5, 32])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_in_mid_frame_takes_the_frame_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int, number: int
) -> None:
    writer = make(tmp_path)
    with monkeypatch.context() as patch:
        fail_write(patch, after=after, error=OSError(number, os.strerror(number)))
        with pytest.raises(StorageFullError):
            append(writer, b"two" * 100, b"three")
    append(writer, b"four")
    assert payloads(writer.file.path) == [b"one", b"four"]
    assert writer.last_lsn == 2


def test_a_signal_in_mid_frame_takes_the_frame_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = make(tmp_path)
    with monkeypatch.context() as patch:
        fail_write(patch, after=20, error=KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            append(writer, b"two")
    append(writer, b"three")
    assert payloads(writer.file.path) == [b"one", b"three"]


def test_what_cannot_be_taken_back_poisons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = make(tmp_path)

    def refuse(fd: int, size: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        fail_write(patch, after=5, error=OSError(errno.ENOSPC, "No space left on device"))
        patch.setattr(writer_module.os, "ftruncate", refuse)
        with pytest.raises(OSError, match="Input/output"):
            append(writer, b"two")
    for call in (lambda: append(writer, b"x"), lambda: writer.append_control(b"x"), lambda: writer.sync(9)):
        with pytest.raises(PoisonedError):
            call()


def test_a_failed_fsync_poisons_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = make(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(fs, "fdatasync_fd", lambda fd: (_ for _ in ()).throw(OSError(errno.EIO, "EIO")))
        with pytest.raises(PoisonedError):
            writer.sync(1)
    with pytest.raises(PoisonedError):
        writer.sync(1)
    with pytest.raises(PoisonedError):
        writer.rotate()
    assert writer.synced_lsn == 0


def test_rotation_goes_on_behind_the_last_frame(tmp_path: Path) -> None:
    writer = make(tmp_path)
    first = writer.file.path
    chain = writer.chain
    assert writer.rotate() == 1
    append(writer, b"two")
    assert payloads(first) == [b"one"]
    assert payloads(writer.file.path) == [b"two"]
    assert (writer.file.header.first_lsn, writer.file.header.chain) == (2, chain)
    assert Path(writer.file.path).name == "00000000000000000002.wal"


def test_rotation_without_a_transaction_since_keeps_the_segment(tmp_path: Path) -> None:
    """A journal file with control frames alone has the name that its successor would get."""
    writer = make(tmp_path)
    writer.rotate()
    writer.append_control(b"note")
    path, header = writer.file.path, writer.file.header
    assert writer.rotate() == 1
    assert (writer.file.path, writer.file.header) == (path, header)
    append(writer, b"two")
    assert payloads(path) == [b"note", b"two"]


@pytest.mark.parametrize("what", ["open", "journal file", "fsync_dir"])
def test_a_rotation_that_fails_leaves_no_second_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """An empty journal file for an LSN that then goes into the old one would mislead the next opening."""
    writer = make(tmp_path)
    error = OSError(errno.EMFILE, "Too many open files")

    def refuse(*arguments: object) -> None:
        raise fs.storage_error(error, "open", "it")

    with monkeypatch.context() as patch:
        if what == "open":
            patch.setattr(writer, "_open", refuse)
        elif what == "journal file":
            patch.setattr(writer_module, "JournalFile", refuse)
        else:
            calls: list[str] = []
            real = fs.durable.fsync_dir

            def once(path: str) -> None:
                calls.append(path)
                if len(calls) == 1:
                    refuse()
                real(path)

            patch.setattr(fs.durable, "fsync_dir", once)
        with pytest.raises(StorageError):
            writer.rotate()
    assert [path.name for path in tmp_path.iterdir()] == ["00000000000000000001.wal"]
    append(writer, b"two")
    writer.sync(2)
    assert payloads(writer.file.path) == [b"one", b"two"]
    assert writer.rotate() == 2


def test_close_waits_for_an_append_that_is_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of a closed descriptor goes to the next file opened: an append must not end up in there."""
    writer = make(tmp_path)
    path = writer.file.path
    writing, go_on = threading.Event(), threading.Event()
    real = os.write

    def write(fd: int, data: bytes) -> int:
        writing.set()
        wait_for(go_on)
        return real(fd, data)

    monkeypatch.setattr(writer_module.os, "write", write)
    appending = threading.Thread(target=append, args=(writer, b"two"))
    appending.start()
    wait_for(writing)
    closing = threading.Thread(target=writer.close)
    closing.start()
    other = os.open(tmp_path / "other", os.O_WRONLY | os.O_CREAT)
    go_on.set()
    join(appending, closing)
    os.close(other)
    assert payloads(path) == [b"one", b"two"]
    assert (tmp_path / "other").read_bytes() == b""
    with pytest.raises(PoisonedError):
        append(writer, b"three")
