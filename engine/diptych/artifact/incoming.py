"""The folder beside a store in which a pull works: what was fetched, so that a killed pull is resumed.

<store>.incoming/
  LOCK  .gitignore
  pieces/<SHA-256>[.part]     fetched pieces, by their encoded bytes; a part grows at its end
  files/                      the generation as it is decoded
  bases/<BLAKE3>              files that others are decoded with
  store/                      the new store, before it has its place
"""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Self

from diptych import fs
from diptych.artifact.errors import CorruptArtifactError
from diptych.artifact.manifest import Piece
from diptych.artifact.names import digest_of
from diptych.artifact.plan import Read
from diptych.artifact.remotes.base import Remote
from diptych.errors import StorageError, StoreLockedError
from diptych.layout import LOCK

SUFFIX = ".incoming"
KEPT_S = 7 * 86_400.0
"""How long fetched pieces are kept for a pull that never came."""
_PIECES, _PART, _IGNORE = "pieces", ".part", ".gitignore"
_TRIES = 3


class Incoming:
    """The folder beside the store `dest`, locked. Use `with`; `clear` it when the pull is done.

    Raises StoreLockedError where another pull works there, after `timeout_s`, and StorageError.
    """

    def __init__(self, dest: str, *, timeout_s: float = 0.0) -> None:
        self.path = dest + SUFFIX
        self.files = os.path.join(self.path, "files")
        self.bases = os.path.join(self.path, "bases")
        self.store = os.path.join(self.path, "store")
        self._pieces = os.path.join(self.path, _PIECES)
        self._lock = self._locked(timeout_s)

    def __enter__(self) -> Self:
        try:
            ignore = os.path.join(self.path, _IGNORE)
            if not fs.exists(ignore):
                fs.atomic_write(ignore, b"*\n")
            fs.make_dir(self._pieces, follow=False)
            self._remove_old()
            self.begin()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def begin(self) -> None:
        """Remove what a pull decoded before; what it fetched is kept. Raises StorageError."""
        for folder in (self.files, self.bases):
            fs.remove_tree(folder)
            fs.make_dir(folder, follow=False)

    def clear(self) -> None:
        """Remove the folder, or what is ours in it. Raises StorageError."""
        # A write that a crash cut off left its temporary file. Anything else is somebody's; the lock is last.
        written = re.compile(rf"\.{re.escape(_IGNORE)}\..*\.tmp")
        left = [name for name in fs.list_directory(self.path) if written.fullmatch(name)]
        for name in (_PIECES, "files", "bases", "store", _IGNORE, *left, LOCK):
            fs.remove_tree(os.path.join(self.path, name))
        with suppress(OSError):
            os.rmdir(self.path)

    def has(self, piece: Piece) -> bool:
        """Whether the piece was fetched. One that a power cut has damaged was not: it is removed."""
        place = self._place(piece)
        if not fs.is_regular(place):
            return False
        with fs.translated("read", place):
            try:
                if digest_of(fs.read_bounded(place, piece.length)) == piece.sha256:
                    return True
            except OSError as error:
                if error.errno != errno.EFBIG:
                    raise
        fs.remove_file(place)
        return False

    def read(self, piece: Piece) -> bytes:
        """A fetched piece; who decodes it compares it with its name first. Raises StorageError."""
        place = self._place(piece)
        with fs.translated("read", place):
            return fs.read_bounded(place, piece.length)

    def fetch(self, remote: Remote, read: Read) -> Iterator[int]:
        """Fetch the pieces of a request that are not here yet; yields how many bytes came each time.

        What came of a piece before is not asked for again. Raises CorruptArtifactError, MissingObjectError,
        and what the remote raises.
        """
        missing = [piece for piece in read.pieces if not self.has(piece)]
        if not missing:
            return
        start = missing[0].offset + self._part_bytes(missing[0])
        end = max(piece.offset + piece.length for piece in missing)
        stream = _Stream(remote.read_blob(read.blob, start=start, length=end - start), start)
        for piece in missing:
            yield from self._take(stream, piece, where=f"{remote.url} blob sha256:{read.blob}")

    def _take(self, stream: _Stream, piece: Piece, *, where: str) -> Iterator[int]:
        place = self._place(piece)
        part = place + _PART
        # Only the first piece of a request may continue a part: the others begin where the stream is.
        kept = stream.at - piece.offset if stream.at > piece.offset else 0
        with fs.translated("write", part), open(part, "ab", opener=_created) as file:
            file.truncate(kept)
            stream.skip_to(piece.offset + kept)
            while stream.at < piece.offset + piece.length:
                data = stream.take(piece.offset + piece.length - stream.at)
                if not data:
                    had = stream.at - piece.offset
                    raise CorruptArtifactError(
                        f"{where} ends early: of {piece.length:,} bytes it has {max(had, 0):,}", where=where
                    )
                file.write(data)
                yield len(data)
        with fs.translated("read", part):
            data = fs.read_bounded(part, piece.length)
        if digest_of(data) != piece.sha256:
            fs.remove_file(part)
            raise CorruptArtifactError(f"{where} is not what its name says", where=where)
        fs.rename(part, place)

    def _part_bytes(self, piece: Piece) -> int:
        try:
            size_bytes = os.lstat(self._place(piece) + _PART).st_size
        except OSError:
            return 0
        return size_bytes if size_bytes < piece.length else 0

    def _place(self, piece: Piece) -> str:
        return os.path.join(self._pieces, piece.sha256)

    def _remove_old(self) -> None:
        before_s = time.time() - KEPT_S
        with fs.translated("list", self._pieces):
            for entry in list(os.scandir(self._pieces)):
                with suppress(OSError):
                    if entry.stat(follow_symlinks=False).st_mtime < before_s:
                        os.unlink(entry.path)

    def _locked(self, timeout_s: float) -> fs.WriterLock:
        for attempt in range(_TRIES):
            fs.make_dir(self.path, follow=False)
            try:
                return fs.WriterLock(os.path.join(self.path, LOCK), timeout_s=timeout_s)
            except StoreLockedError as error:
                raise StoreLockedError(
                    f"process {error.pid or 'unknown'} is pulling into {self.path.removesuffix(SUFFIX)}",
                    pid=error.pid,
                ) from error
            except StorageError:
                # The one before has just cleared it.
                if attempt == _TRIES - 1:
                    raise
        raise AssertionError


def clear_left(dest: str) -> None:
    """Remove what a pull into `dest` left that was killed when the new store had its place already.

    Nothing else would: a later pull of the same has nothing to do. Raises StorageError.
    """
    if fs.exists(dest + SUFFIX):
        with suppress(StoreLockedError), Incoming(dest) as incoming:
            incoming.clear()


class _Stream:
    """The bytes of a blob as they come, from `at` on."""

    def __init__(self, pieces: Iterator[bytes], at: int) -> None:
        self._pieces = pieces
        self._left = b""
        self.at = at

    def take(self, most_bytes: int) -> bytes:
        """The next bytes, at most so many; b"" at the end."""
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._left = piece
        data, self._left = self._left[:most_bytes], self._left[most_bytes:]
        self.at += len(data)
        return data

    def skip_to(self, offset: int) -> None:
        """Drop what comes before `offset`."""
        while self.at < offset and self.take(offset - self.at):
            pass


def _created(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | os.O_CLOEXEC, 0o666)
