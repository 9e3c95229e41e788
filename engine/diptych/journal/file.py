"""An open journal file: a file descriptor for reading that lives as long as anything points into it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from diptych.change import (
    Change,
    FileIndexed,
    FileRemoved,
    SegmentAdopted,
    TransactionDescribed,
    record_checksum,
)
from diptych.errors import CorruptJournalError
from diptych.fs import open_regular, storage_error, translated
from diptych.journal.format import (
    FRAME_SIZE,
    HEADER_SIZE,
    Entry,
    Frame,
    JournalHeader,
    decode_entries,
    decode_header,
)

_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0)


class JournalFile:
    """One `.wal` file, open for reading.

    Overlay entries point into it, so it stays readable after it was deleted, until the last entry is gone.
    """

    __slots__ = ("fd", "header", "path")

    def __init__(self, path: str) -> None:
        """Open `path` and read its header.

        Raises CorruptJournalError, IncompatibleStoreError, or StorageError.
        """
        self.path = path
        self.fd = -1
        with translated("open", path):
            self.fd = open_regular(path, _READ)
        self.header: JournalHeader = decode_header(self.read(0, HEADER_SIZE), where=path)

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes at `offset`; fewer only at the end of the file. Raises StorageError."""
        with translated("read", self.path):
            data = os.pread(self.fd, length, offset)
            while len(data) < length:
                more = os.pread(self.fd, length - len(data), offset + len(data))
                if not more:
                    break
                data += more
        return data

    def read_exactly(self, offset: int, length: int) -> bytes:
        """`length` bytes at `offset`. Raises StorageError, and CorruptJournalError where it ends before."""
        try:
            data = os.pread(self.fd, length, offset)
        except OSError as error:
            raise storage_error(error, "read", self.path) from error
        if len(data) != length:
            data = self.read(offset, length)
        if len(data) != length:
            raise CorruptJournalError(f"{self.path} ends before byte {offset + length}", where=self.path)
        return data

    def size(self) -> int:
        """The file's size in bytes, now."""
        with translated("examine", self.path):
            return os.fstat(self.fd).st_size

    def in_place(self) -> bool:
        """Whether its path still leads to the open file. Raises StorageError where that is not known."""
        with translated("examine", self.path):
            try:
                return os.path.samestat(os.stat(self.path), os.fstat(self.fd))
            except (FileNotFoundError, NotADirectoryError):
                return False

    def modified_ms(self) -> int:
        """When the file was last written to, in milliseconds since 1970."""
        with translated("examine", self.path):
            return os.fstat(self.fd).st_mtime_ns // 1_000_000

    def __del__(self) -> None:
        if self.fd >= 0:
            with suppress(OSError):
                os.close(self.fd)


class FrameContents(NamedTuple):
    """What a frame of a transaction has: changes, and in the first frame perhaps metadata."""

    changes: list[Change]
    metadata: bytes
    adopted: list[SegmentAdopted]
    """The segments that are adopted; no change is to a key of theirs."""


class JournalPlace(NamedTuple):
    """Where a payload is in a journal file: `length` bytes at `offset`."""

    file: JournalFile
    offset: int
    length: int

    @property
    def schema_version(self) -> int:
        """The version of the schema that it was packed by, as its file says; 0 where that does not."""
        return self.file.header.schema_version

    def read(self, key: bytes, checksum: int) -> bytes:
        """The payload. Raises CorruptJournalError where it fails the checksum, and StorageError."""
        payload = self.file.read_exactly(self.offset, self.length)
        if record_checksum(key, payload) != checksum:
            where = f"{self.file.path}@{self.offset}"
            raise CorruptJournalError(f"{where}: the record of {key!r} fails its checksum", where=where)
        return payload


def contents_of(frame: Frame, journal_file: JournalFile) -> FrameContents:
    """What is in a frame of `journal_file`; see `changes_at`. Raises CorruptJournalError."""
    where = f"{journal_file.path}@{frame.offset}"
    entries = list(decode_entries(frame.payload, where=where))
    metadata = b""
    if entries and isinstance(entries[0].value, TransactionDescribed):
        if frame.continues:
            raise CorruptJournalError(f"{where}: metadata within a transaction", where=where)
        metadata = entries[0].value.packed
    adopted = [entry.value for entry in entries if isinstance(entry.value, SegmentAdopted)]
    return FrameContents(changes_at(journal_file, frame.offset + FRAME_SIZE, entries), metadata, adopted)


def changes_at(journal_file: JournalFile, payload_offset: int, entries: Iterable[Entry]) -> list[Change]:
    """The changes among a frame's entries, with payloads that are read from `journal file` when asked for.

    `payload_offset` is where the frame's payload begins. A transaction may be larger than memory.
    """
    changes: list[Change] = []
    for change, end in entries:
        if isinstance(change, FileIndexed):
            length = len(change.payload)
            # The payload is the last thing in its entry.
            place = JournalPlace(journal_file, payload_offset + end - length, length)
            changes.append(FileIndexed(change.key, change.checksum, place))
        elif isinstance(change, FileRemoved):
            changes.append(change)
    return changes
