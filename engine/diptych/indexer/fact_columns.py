"""The files of a facts file in columns, as stored, for lookups without an object per file."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

_HASH_DIGITS = 64


class Stat(NamedTuple):
    """The fields of a stat that show whether a file was touched; times in nanoseconds.

    `inode` is signed, as stored: some file systems use all 64 bits, and it is only compared for equality.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


class Fact(NamedTuple):
    """The facts of one file: its stat, its content hash, and why it was skipped ("" when indexed).

    `error_bytes` is how many of its bytes are in syntax errors.
    """

    stat: Stat
    content_hash: str
    skipped: str = ""
    error_bytes: int = 0


class FactColumns(Mapping[str, Fact]):
    """Facts by path. Raises ValueError for columns of unequal length."""

    def __init__(
        self,
        paths: list[str],
        stats: list[array[int]],
        hashes: str,
        reasons: list[str],
        skipped: bytes,
        error_bytes: Mapping[int, int],
    ) -> None:
        count = len(paths)
        matching = all(len(column) == count for column in stats) and len(stats) == len(Stat._fields)
        if not matching or len(hashes) != _HASH_DIGITS * count or len(skipped) != count:
            raise ValueError("columns of unequal length")
        if error_bytes and not 0 <= min(error_bytes) <= max(error_bytes) < count:
            raise ValueError("errors in an unknown file")
        if max(skipped, default=0) > len(reasons):
            raise ValueError("an unknown reason")
        self._paths, self._stats, self._hashes = paths, stats, hashes
        self._reasons, self._skipped = ["", *reasons], skipped
        # By place: few files have any.
        self._error_bytes = error_bytes
        self._places = dict(zip(paths, range(count), strict=True))

    def __getitem__(self, path: str) -> Fact:
        place = self._places[path]
        size, mtime_ns, ctime_ns, inode = self._stats
        return Fact(
            Stat(size[place], mtime_ns[place], ctime_ns[place], inode[place]),
            self._hash(place),
            self._reasons[self._skipped[place]],
            self._error_bytes.get(place, 0),
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, path: object) -> bool:
        return path in self._places

    def stats(self) -> dict[str, tuple[int, ...]]:
        """Each path's stat, as the plain tuple that equals it."""
        return dict(zip(self._paths, zip(*self._stats, strict=True), strict=True))

    def stored_hashes(self) -> dict[str, str]:
        """The content hash of each path that was indexed."""
        return {path: self._hash(place) for path, place in self._places.items() if not self._skipped[place]}

    def with_errors(self) -> dict[str, int]:
        """How many bytes are in syntax errors, of each path that has any."""
        return {self._paths[place]: size for place, size in self._error_bytes.items()}

    def _hash(self, place: int) -> str:
        return self._hashes[place * _HASH_DIGITS : (place + 1) * _HASH_DIGITS]


def packed_column(numbers: Iterable[int]) -> bytes:
    """Little-endian int64. Raises OverflowError for a larger number."""
    column = array("q", numbers)
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()


def unpacked_column(data: bytes) -> array[int]:
    """The numbers in `data`. Raises ValueError for bytes whose length is not a multiple of 8."""
    column = array("q")
    column.frombytes(data)
    if sys.byteorder == "big":
        column.byteswap()
    return column
