"""Appending to the journal: one write per frame, one fsync for all who wait, poisoned by a failed fsync."""

from __future__ import annotations

import os
import threading
from typing import NamedTuple, NoReturn

from diptych import fs
from diptych.errors import DiptychError, PoisonedError, StoreClosedError, StoreReplacedError
from diptych.journal.file import JournalFile
from diptych.journal.format import (
    COMMIT,
    CONTROL,
    FRAME_SIZE,
    HEADER_SIZE,
    PART,
    JournalHeader,
    encode_frame,
    encode_header,
)
from diptych.layout import journal_file_name

_WRITE = os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0)


class Appended(NamedTuple):
    """Where a transaction went: its LSN, the journal file, and the offset of each frame's payload in it."""

    lsn: int
    file: JournalFile
    payload_offsets: list[int]


def create_journal_file(directory: str, header: JournalHeader) -> str:
    """Make a journal file with no frame in it, durable. Returns its path. Raises StorageError."""
    path = os.path.join(directory, journal_file_name(header.first_lsn))
    # Under its own name only when its header is on disk: a crash between would leave a journal file that says
    # nothing, which cannot be told from a damaged one.
    fs.atomic_write(path, encode_header(header))
    return path


class JournalWriter:
    """The one appender of a store's journal.

    `lock` orders appends (and whatever the caller ties to that order); `sync` may be called without it.
    After a failed fsync, or a failed write that could not be undone, every call raises PoisonedError.
    """

    def __init__(self, directory: str, file: JournalFile, *, offset: int, chain: int, last_lsn: int) -> None:
        """Append to `file` from `offset`, its end, after the frame whose checksum is `chain`."""
        self.lock = threading.Lock()
        self.last_lsn = last_lsn
        self.synced_lsn = last_lsn
        self._synced_offset = offset
        self.chain = chain
        self.file = file
        self.offset = offset
        self.poison: BaseException | None = None
        self.syncs = 0
        """How many fsyncs there were."""
        self._directory = directory
        self._sync_lock = threading.Lock()
        # Held open, so that a rotation can be taken back where no more files can be opened.
        self._directory_fd = fs.open_dir(directory)
        try:
            self._fd = self._open(file.path)
        except BaseException:
            # There will be no writer to close it.
            self._close_directory()
            raise

    def append(self, payloads: list[bytes], receipt: list[Appended]) -> None:
        """Write the frames of one transaction; `lock` is held. Durable only after `sync`.

        What was written goes into `receipt`, because a signal may come between any return and the
        caller's next step. Raises StorageError (or what interrupted it) with an empty receipt and the
        journal as it was before, or poisoned.
        """
        if self.poison is not None:
            self._refuse()
        lsn, chain, offset, salt = self.last_lsn + 1, self.chain, self.offset, self.file.header.salt
        last = len(payloads) - 1
        offsets: list[int] = []
        whole = 0
        try:
            for number, payload in enumerate(payloads):
                kind = COMMIT if number == last else PART
                frame, chain = encode_frame(
                    lsn,
                    kind,
                    payload,
                    salt=salt,
                    chain=chain,
                    synced=self._synced_offset,
                    continues=number > 0,
                )
                whole = offset + len(frame) if kind == COMMIT else 0
                self._write(frame)
                offsets.append(offset + FRAME_SIZE)
                offset += len(frame)
            self.chain, self.offset, self.last_lsn = chain, offset, lsn
            receipt.append(Appended(lsn, self.file, offsets))
        except BaseException as error:
            self._undo(error, whole)
            if isinstance(error, OSError):
                raise fs.storage_error(error, "append to", self.file.path) from error
            raise

    def append_control(self, payload: bytes) -> None:
        """Write a control frame, which has no LSN; the next sync covers it. Raises StorageError."""
        with self.lock:
            if self.poison is not None:
                self._refuse()
            frame, chain = encode_frame(
                self.last_lsn,
                CONTROL,
                payload,
                salt=self.file.header.salt,
                chain=self.chain,
                synced=self._synced_offset,
            )
            whole = self.offset + len(frame)
            try:
                self._write(frame)
                self.chain, self.offset = chain, whole
            except BaseException as error:
                self._undo(error, whole)
                if isinstance(error, OSError):
                    raise fs.storage_error(error, "append to", self.file.path) from error
                raise

    def sync(self, lsn: int) -> None:
        """Wait until the transaction `lsn` is on disk; those written meanwhile share the fsync.

        Raises PoisonedError, also in every waiting thread, when the fsync fails: the pages may be marked
        clean by now, so a second fsync would claim what is not true.
        """
        if self.synced_lsn < lsn:
            with self._sync_lock:
                if self.synced_lsn < lsn:
                    self._sync_locked()

    def rotate(self, *, schema_version: int | None = None) -> int:
        """Sync, and continue in a new journal file; returns the LSN before it. Raises StorageError.

        `schema_version`: of the payloads in it, where it is another than in the file before.
        """
        with self._sync_lock, self.lock:
            # A journal file without a transaction is the one that would be made: its name is its first LSN.
            if self.last_lsn >= self.file.header.first_lsn:
                # All of the old journal file first: the new one's existence claims that the old was whole.
                self._sync_rest_locked()
                old = self.file.header
                version = old.schema_version if schema_version is None else schema_version
                salt = int.from_bytes(os.urandom(8))
                header = JournalHeader(old.store_id, self.last_lsn + 1, salt, self.chain, version)
                before = self._fd
                self._go_on_in(header)
                # Last: the number of a closed descriptor goes to whatever file is opened next.
                os.close(before)
            return self.last_lsn

    def set_poison(self, cause: BaseException) -> None:
        """Write no more through this handle: what is on disk is not known any longer."""
        if self.poison is None:
            self.poison = cause

    def finish(self, reason: DiptychError) -> bool:
        """Sync what was written, and raise `reason` from now on. False where that was over before.

        A commit that was written and waits for its sync has it then; no later one is written. Raises
        PoisonedError where the sync fails.
        """
        with self._sync_lock, self.lock:
            if self.poison is not None:
                return False
            self._sync_rest_locked()
            self.set_poison(reason)
            return True

    def close(self) -> None:
        """Close the file; what was not synced stays as it is."""
        # The number of a closed descriptor goes to the next file that is opened: no append may be under way.
        with self._sync_lock, self.lock:
            self.set_poison(RuntimeError("the journal was closed"))
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1
                self._close_directory()

    def _close_directory(self) -> None:
        if self._directory_fd >= 0:
            os.close(self._directory_fd)
            self._directory_fd = -1

    def _sync_rest_locked(self) -> None:
        if self._synced_offset < self.offset:
            self._sync_locked()

    def _sync_locked(self) -> None:
        if self.poison is not None:
            self._refuse()
        # The offset before the LSN: what is appended between the two is claimed by neither.
        offset = self.offset
        target = self.last_lsn
        self.syncs += 1
        try:
            fs.fdatasync_fd(self._fd)
        except BaseException as error:
            self.set_poison(error)
            if isinstance(error, OSError):
                raise PoisonedError(
                    f"cannot fsync {self.file.path}: {error.strerror}",
                    errno=error.errno,
                    advice="close the store and open it again: recovery tells what survived",
                ) from error
            raise
        self._synced_offset = offset
        self.synced_lsn = target

    def _go_on_in(self, header: JournalHeader) -> None:
        """Make a new journal file, and append to it from now on; there is none where that fails."""
        try:
            file = JournalFile(create_journal_file(self._directory, header))
            fd = self._open(file.path)
            # One statement, within which no signal comes: one that no one appends to would claim LSNs.
            self._fd, self.file, self.offset, self._synced_offset = fd, file, HEADER_SIZE, HEADER_SIZE
        except BaseException as error:
            # The journal continues in the old file, and an empty one would claim the LSNs that go there.
            try:
                fs.remove_file(os.path.join(self._directory, journal_file_name(header.first_lsn)))
                if self._directory_fd >= 0:
                    fs.fsync_fd(self._directory_fd)
            except BaseException:
                # Whether the journal file is still there is not known: this handle must not write after it.
                self.set_poison(error)
                raise
            raise

    def _open(self, path: str) -> int:
        with fs.translated("open", path):
            return fs.open_regular(path, _WRITE)

    def _write(self, data: bytes) -> None:
        written = os.write(self._fd, data)
        while written < len(data):
            written += os.write(self._fd, memoryview(data)[written:])

    def _undo(self, error: BaseException, whole: int) -> None:
        """Take back a part of a transaction; poison the handle where that fails, or where it is not a part.

        `whole` is where the transaction ends, 0 when its last frame was not begun.
        """
        try:
            if whole and os.fstat(self._fd).st_size >= whole:
                # A reader may have seen it: too late to take it back.
                self.set_poison(error)
                return
            os.ftruncate(self._fd, self.offset)
            # Durable before the next frame: a crash that kept the old length would leave whole frames of
            # this transaction behind the next one, which reads as damage.
            fs.fsync_fd(self._fd)
        except BaseException:
            # How long the file is, and how much of it on disk, is not known any longer.
            self.set_poison(error)
            raise

    def refuse_poisoned(self) -> None:
        """Raise PoisonedError where an earlier failure left the journal in doubt."""
        if self.poison is not None:
            self._refuse()

    def refuse_deleted(self) -> None:
        """Raise StoreReplacedError where the file that is appended to has no name any more.

        Raises StorageError where it cannot be found out now.
        """
        if self._fd < 0:
            return
        with fs.translated("examine", self.file.path):
            links = os.fstat(self._fd).st_nlink
        if not links:
            raise StoreReplacedError(
                f"{self.file.path} was deleted while it was written to",
                advice="close the store and open it again: recovery tells what survived",
            )

    def _refuse(self) -> NoReturn:
        if isinstance(self.poison, (StoreClosedError, StoreReplacedError)):
            # Nothing is in doubt: these say it themselves.
            raise self.poison
        raise PoisonedError(
            f"an earlier failure left the journal in doubt: {self.poison}",
            advice="close the store and open it again: recovery tells what survived",
        ) from self.poison
