"""Sorted terms (`diptych.segment.terms`) without what neighbours have in common: a third of the size.

In blocks of 64, so that one term is read without all others.

    0       4    0xffffffff (u32, as all numbers here, little-endian), which no number of terms is
    4       4    n: how many terms there are
    8       4 b  where each of the ⌈n / 64⌉ blocks ends, counted from where the first begins
    8+4b    …    the blocks

A block of m terms:

    0       m    of each, how many bytes it has in common with the one before, 254 at most; of the first, 0
    m       m    how many bytes follow these
    2m      m    how many entries the index has for it
    3m      4 e  of each of these numbers that is 255: what it is, in turn
    3m+4e   …    the bytes that follow, one after the other
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Generator, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise

from diptych.errors import CorruptSnapshotError
from diptych.segment.terms import SortedTerms
from diptych.snapshot.format import decode_table, encode_table

_NUMBER_BYTES = 4
_MARKER = 0xFFFFFFFF
_MARKED = _MARKER.to_bytes(_NUMBER_BYTES, "little")
_BLOCK = 64
# A number from here on does not fit, and follows.
_LARGE = 255
# No more is taken from the one before: else a long term could be in a small block 64 times.
_COMMON_MOST = _LARGE - 1
# So many blocks are kept as they were read: names are asked for one by one.
_BLOCKS_KEPT = 32
_FEW = 4

Block = tuple[list[bytes], Sequence[int]]
"""The terms, and the number of each."""


def packing(terms: Mapping[bytes, int]) -> Generator[None, None, bytes]:
    """The content of the section, of terms in any order; in small pieces of work."""
    ordered = sorted(terms)
    blocks = []
    for at in range(0, len(ordered), _BLOCK):
        some = ordered[at : at + _BLOCK]
        blocks.append(_packed(some, [terms[term] for term in some]))
        yield
    head = array("I", [_MARKER, len(ordered)])
    head.extend(accumulate(map(len, blocks)))
    return encode_table(head) + b"".join(blocks)


def _packed(terms: Sequence[bytes], numbers: Sequence[int]) -> bytes:
    common = [0, *(_common(one, other) for one, other in pairwise(terms))]
    rests = [term[begin:] for term, begin in zip(terms, common, strict=True)]
    columns = [*common, *map(len, rests), *numbers]
    large = array("I", [number for number in columns if number >= _LARGE])
    small = bytes([number if number < _LARGE else _LARGE for number in columns])
    return b"".join((small, encode_table(large), *rests))


def _common(one: bytes, other: bytes) -> int:
    """How many bytes both begin with, as far as that counts."""
    size = min(len(one), len(other), _COMMON_MOST)
    differing = int.from_bytes(one[:size], "big") ^ int.from_bytes(other[:size], "big")
    return size - (differing.bit_length() + 7) // 8


def open_sorted_terms(section: bytes, *, where: str) -> SortedTerms:
    """The section, read, whichever of the two it is. Raises CorruptSnapshotError."""
    if section[:_NUMBER_BYTES] == _MARKED:
        return PackedTerms(section, where=where)
    return SortedTerms(section, where=where)


class PackedTerms(SortedTerms):
    """The section, read. Safe to use from several threads."""

    def __init__(self, section: bytes, *, where: str) -> None:
        """Raises CorruptSnapshotError for a section that is none, as does what reads a term of it."""
        self._where, self._section = where, section
        self._read: dict[int, Block] = {}
        self._count = int.from_bytes(section[_NUMBER_BYTES : 2 * _NUMBER_BYTES], "little")
        blocks = -(-self._count // _BLOCK)
        first = _NUMBER_BYTES * (2 + blocks)
        if len(section) < first:
            raise self._cut_off()
        self._begins = [first]
        self._begins += [first + end for end in decode_table("I", section[2 * _NUMBER_BYTES : first])]
        if self._begins[-1] != len(section) or self._begins != sorted(self._begins):
            raise self._cut_off()
        self._firsts = [self._first_of(number) for number in range(blocks)]

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, at: int) -> bytes:  # type: ignore[override]
        at = range(self._count)[at]
        return self.block(at // _BLOCK)[0][at % _BLOCK]

    def __iter__(self) -> Iterator[bytes]:
        for number in range(len(self._firsts)):
            yield from self._decoded(number)[0]

    def places(self, start: bytes, stop: bytes | None) -> range:
        """Where the terms from `start`, before `stop` (None: to the end) are."""
        first = self._place(start)
        return range(first, self._count if stop is None else max(first, self._place(stop)))

    def between(
        self, start: bytes, stop: bytes | None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, int]]:
        """The terms from `start`, before `stop` (None: to the end), each with its number."""
        places = self.places(start, stop)
        numbers = range(places.start // _BLOCK, -(-places.stop // _BLOCK)) if places else range(0)
        # The first and the last were read to find the places, and are kept.
        read = self.block if len(numbers) <= _FEW else self._decoded
        for number in reversed(numbers) if reverse else numbers:
            first = number * _BLOCK
            some = slice(max(places.start - first, 0), places.stop - first)
            terms, counts = read(number)
            pairs = zip(terms[some], counts[some], strict=True)
            yield from reversed(list(pairs)) if reverse else pairs

    def block(self, number: int) -> Block:
        """A block, kept for the next who asks."""
        found = self._read.get(number)
        if found is None:
            found = self._decoded(number)
            if len(self._read) >= _BLOCKS_KEPT:
                self._read = {}
            self._read[number] = found
        return found

    def _first_of(self, number: int) -> bytes:
        """The first term of a block."""
        begin = self._begins[number]
        size = min(_BLOCK, self._count - number * _BLOCK)
        columns = self._section[begin : min(begin + 3 * size, self._begins[number + 1])]
        length = columns[size] if len(columns) == 3 * size else _LARGE
        if length == _LARGE:
            return self._decoded(number)[0][0]
        texts = begin + 3 * size + _NUMBER_BYTES * columns.count(_LARGE)
        return self._section[texts : texts + length]

    def _place(self, term: bytes) -> int:
        """How many terms come before one."""
        number = max(bisect_left(self._firsts, term) - 1, 0)
        return number * _BLOCK + bisect_left(self.block(number)[0], term) if self._count else 0

    def _decoded(self, number: int) -> Block:
        size = min(_BLOCK, self._count - number * _BLOCK)
        data = self._section[self._begins[number] : self._begins[number + 1]]
        columns: Sequence[int] = data[: 3 * size]
        at = 3 * size
        if large := columns.count(_LARGE):
            at += _NUMBER_BYTES * large
            if at > len(data):
                raise self._cut_off()
            follow = iter(decode_table("I", data[3 * size : at]))
            columns = [one if one < _LARGE else next(follow) for one in columns]
        if len(columns) != 3 * size or max(columns[:size]) > _COMMON_MOST:
            raise self._cut_off()
        ends = list(accumulate(columns[size : 2 * size], initial=at))
        if ends[-1] != len(data):
            raise self._cut_off()
        terms = []
        term = b""
        for common, begin, end in zip(columns[:size], ends, ends[1:], strict=False):
            term = term[:common] + data[begin:end]
            terms.append(term)
        return terms, columns[2 * size :]

    def _cut_off(self) -> CorruptSnapshotError:
        return CorruptSnapshotError(f"{self._where}: sorted terms are cut off", where=self._where)
