"""A place in the journal, and the transactions after it, in order, each of them durable."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from diptych import fs
from diptych.change import Change, FileIndexed, SegmentAdopted
from diptych.errors import (
    ChangesNotKeptError,
    CorruptionError,
    CorruptJournalError,
    InvalidArgumentError,
    StorageError,
    StoreReplacedError,
)
from diptych.journal.file import JournalFile, contents_of
from diptych.journal.format import COMMIT, CONTROL
from diptych.journal.reader import FrameReader, TailKind
from diptych.layout import JOURNAL, journal_file_name, parse_journal_file_name
from diptych.schema.base import Schema
from diptych.store.adopted import open_adopted
from diptych.store.positions import Position

# How often a file is looked for again that the writer removed between the listing and the opening.
_REMOVED_TRIES = 20
# Errors of fdatasync on a read-only file system, where there is nothing to sync.
_NOTHING_TO_SYNC = frozenset({errno.EROFS, errno.EINVAL})


class JournalTransaction(NamedTuple):
    """A transaction as the journal has it; its payloads are read when they are asked for."""

    position: Position
    changes: list[Change]
    metadata: bytes

    @property
    def lsn(self) -> int:
        """Its LSN."""
        return self.position.lsn


class _End(NamedTuple):
    """Up to where the journal is durable: its newest file, and the size of that."""

    first_lsn: int
    size: int

    def within(self, file: JournalFile) -> int | None:
        """Up to where a file is durable; None where all of it is."""
        first_lsn = file.header.first_lsn
        if first_lsn < self.first_lsn:
            return None
        return self.size if first_lsn == self.first_lsn else 0


class JournalCursor:
    """Reads the journal of the store at `store` from a position on. One thread at a time.

    It takes no lock and changes nothing. A file that it has open stays readable when the writer removes it.
    """

    def __init__(self, store: str, store_id: bytes, position: Position, schema: Schema[Any]) -> None:
        self._schema = schema
        self.position = position
        """Where the follower is. It moves it, to that of a transaction which it has made something of."""
        self._store, self._store_id = store, store_id
        self._directory = os.path.join(store, JOURNAL)
        self._reader: FrameReader | None = None
        """At or before the position's end, and not within a transaction."""
        self._seen_lsn = 0
        """The newest LSN that was met, before the position or after it."""

    def transactions(self, until: int | None = None, *, least: int = 0) -> Iterator[JournalTransaction]:
        """The transactions after the position, up to what there is now.

        The caller moves the position to each before it asks for the next, and by that alone: one that it
        could not read is given again.

        `until`: up to this LSN, which the caller knows to be durable. Without it, what was written is made
        durable first: after a power cut, another transaction might get an LSN that a follower has seen.
        `least`: up to here the caller has seen the journal. Where it ends before, it is damaged.

        Raises ChangesNotKeptError, CorruptJournalError, StoreReplacedError, StorageError, and
        InvalidArgumentError for a position that the store has not reached.
        """
        end = self._make_durable() if until is None else None
        following: FrameReader | None = self._resumed()
        while following is not None:
            reader = self._reader = following
            size = end.within(reader.file) if end is not None else None
            yield from self._read(reader, size, until)
            if size is not None:
                self._refuse_damaged(reader, size)
            is_end = size is not None or self.position.lsn == until
            following = None if is_end else self._following(reader)
            if following is None:
                self._refuse_shorter(reader, least if until is None else until)
        if self._seen_lsn < self.position.lsn:
            raise InvalidArgumentError(
                f"{self._store} is at LSN {self._seen_lsn}, and has not reached LSN {self.position.lsn}",
                advice="follow from an LSN that the store has reached: its `lsn`, or an older one",
            )

    def _read(self, reader: FrameReader, size: int | None, until: int | None) -> Iterator[JournalTransaction]:
        """The transactions of one file that are after the position, up to `size` bytes and up to `until`."""
        # Another one: where this ends within a transaction, `reader` is at the transaction's beginning.
        ahead = FrameReader(reader.file, offset=reader.offset, chain=reader.chain)
        self._seen_lsn = max(self._seen_lsn, reader.file.header.first_lsn - 1)
        changes: list[Change] = []
        metadata = b""
        for frame in ahead:
            if (size is not None and frame.end > size) or (until is not None and frame.lsn > until):
                return
            if frame.kind != CONTROL and frame.lsn > self.position.lsn:
                contents = contents_of(frame, reader.file)
                changes += contents.changes
                for entry in contents.adopted:
                    changes += self._adopted(reader.file, entry)
                metadata = contents.metadata or metadata
            if frame.kind == COMMIT:
                found = Position(frame.lsn, frame.checksum)
                self._seen_lsn = max(self._seen_lsn, frame.lsn)
                if found.lsn > self.position.lsn:
                    self._refuse_gap(reader, found)
                    yield JournalTransaction(found, changes, metadata)
                    changes, metadata = [], b""
                else:
                    self._refuse_other(found)
            if frame.kind in (COMMIT, CONTROL):
                # After the yield: what the caller could not read is read again.
                reader.offset, reader.chain = frame.end, frame.checksum

    def _adopted(self, file: JournalFile, entry: SegmentAdopted) -> list[FileIndexed]:
        """The records of a segment that an entry of `file` names, as changes."""
        try:
            return open_adopted(self._store, entry, self._schema).changes
        except (CorruptionError, StorageError):
            if file.in_place():
                raise
            # It is kept as long as the journal that names it.
            raise self._not_kept(self._firsts()[0] - 1) from None

    def _make_durable(self) -> _End:
        """Sync the newest journal file. The others are durable: a rotation syncs a file before the next."""
        for _ in range(_REMOVED_TRIES):
            first_lsn = self._firsts()[-1]
            path = os.path.join(self._directory, journal_file_name(first_lsn))
            try:
                file = JournalFile(path)
            except StorageError as error:
                if error.errno == errno.ENOENT:
                    continue
                raise
            size = file.size()
            with fs.translated("fsync", path):
                try:
                    fs.fdatasync_fd(file.fd)
                except OSError as error:
                    if error.errno not in _NOTHING_TO_SYNC:
                        raise
            return _End(first_lsn, size)
        raise StorageError(f"the journal files in {self._directory} are removed faster than they are read")

    def _resumed(self) -> FrameReader:
        reader = self._reader
        return reader if reader is not None and reader.file.in_place() else self._found()

    def _found(self) -> FrameReader:
        """At the beginning of the file that has the position's transaction, or else the one after it."""
        self._seen_lsn = 0
        for _ in range(_REMOVED_TRIES):
            firsts = self._firsts()
            lsn, checksum = self.position
            kept = [first for first in firsts if first <= lsn + 1]
            if not kept:
                raise self._not_kept(firsts[0] - 1)
            # With a checksum, the transaction itself is looked at too, if it is kept.
            first = max([first for first in kept if first <= lsn or not checksum] or kept)
            try:
                return FrameReader(self._open(first))
            except StorageError as error:
                if error.errno != errno.ENOENT:
                    raise
        raise StorageError(f"the journal files in {self._directory} are removed faster than they are read")

    def _following(self, reader: FrameReader) -> FrameReader | None:
        """At the beginning of the next file; None where there is none."""
        # The position may be before this file, where its transaction is not kept.
        lsn = max(self.position.lsn, reader.file.header.first_lsn - 1)
        try:
            file = self._open(lsn + 1)
        except StorageError as error:
            if error.errno != errno.ENOENT:
                raise
            self._refuse_damaged(reader, reader.file.size())
            later = [first for first in self._firsts() if first > lsn + 1]
            if later:
                if reader.offset < reader.file.size():
                    # All of a file is synced before the next one is made, so this was a frame.
                    raise self._damaged(reader, reader.offset) from None
                # Pruned meanwhile, or lost and reported by a repair.
                raise self._not_kept(later[0] - 1) from None
            return None
        if file.path == reader.file.path:
            return None
        if file.header.chain != reader.chain:
            raise CorruptJournalError(f"{file.path} does not follow {reader.file.path}", where=file.path)
        return FrameReader(file)

    def _open(self, first_lsn: int) -> JournalFile:
        file = JournalFile(os.path.join(self._directory, journal_file_name(first_lsn)))
        if file.header.store_id != self._store_id:
            raise StoreReplacedError(f"another store is at {self._store} now")
        if file.header.first_lsn != first_lsn:
            raise CorruptJournalError(f"{file.path} is of LSN {file.header.first_lsn}", where=file.path)
        return file

    def _firsts(self) -> list[int]:
        """The first LSN of each journal file, ascending. Raises StoreReplacedError where there is none."""
        with fs.translated("list", self._directory):
            try:
                names = fs.list_directory(self._directory)
            except FileNotFoundError:
                names = []
        firsts = sorted(first for name in names if (first := parse_journal_file_name(name)) is not None)
        if not firsts:
            raise StoreReplacedError(f"there is no journal in {self._store} any more")
        return firsts

    def _not_kept(self, oldest_lsn: int) -> ChangesNotKeptError:
        return ChangesNotKeptError(
            f"the changes after LSN {self.position.lsn} are not kept, only those after LSN {oldest_lsn}",
            oldest_lsn=oldest_lsn,
        )

    def _refuse_damaged(self, reader: FrameReader, size: int) -> None:
        """Raise CorruptJournalError where what follows the last transaction was written, and is damaged."""
        if reader.offset < size:
            tail = FrameReader(reader.file, offset=reader.offset, chain=reader.chain).tail()
            if tail.kind is TailKind.DAMAGED:
                raise self._damaged(reader, tail.offset)

    def _refuse_shorter(self, reader: FrameReader, least: int) -> None:
        """Raise CorruptJournalError where the journal ends before an LSN that was in it."""
        is_rest = reader.offset < reader.file.size()
        # Where the position is not there either, and nothing else is in its place, it may be a copy put back.
        if self._seen_lsn < least and (is_rest or self.position.lsn <= self._seen_lsn):
            raise self._damaged(reader, reader.offset)

    def _damaged(self, reader: FrameReader, offset: int) -> CorruptJournalError:
        where = f"{reader.file.path}@{offset}"
        kind = "damaged" if offset < reader.file.size() else "missing"
        return CorruptJournalError(f"{where}: a {kind} frame after LSN {self._seen_lsn}", where=where)

    def _refuse_gap(self, reader: FrameReader, found: Position) -> None:
        if found.lsn != self.position.lsn + 1:
            where = reader.file.path
            raise CorruptJournalError(f"{where}: LSN {found.lsn} follows {self.position.lsn}", where=where)

    def _refuse_other(self, found: Position) -> None:
        """Raise StoreReplacedError where the transaction that the follower has is another one here."""
        lsn, checksum = self.position
        if found.lsn == lsn and checksum not in (0, found.checksum):
            raise StoreReplacedError(
                f"the transaction of LSN {lsn} is not the one that was followed: "
                f"{self._store} was put back from a copy, and written to",
                advice="read the whole store again, and follow it from its `lsn` on",
            )
