"""The terms of an index in their order, a section of `records.msgpack`: to list all, or those with a prefix.

Of the index of the keys these are the keys, each with its record's id; of the others the terms, each with how
many entries the index has for it.

    0       4    n: how many terms there are (u32, as all numbers here, little-endian)
    4       4 n  where each term ends in the bytes of all of them
    4+4n    4 n  the id, or the number of entries, of each
    4+8n    …    the terms, one after the other, ascending as bytes
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from diptych.errors import CorruptSnapshotError
from diptych.snapshot.format import decode_table, encode_table

_NUMBER_BYTES = 4


def encode_sorted_terms(terms: Mapping[bytes, int]) -> bytes:
    """The content of the section, of terms in any order."""
    ordered = sorted(terms)
    numbers = array("I", [len(ordered)])
    numbers.extend(accumulate(map(len, ordered)))
    numbers.extend([terms[term] for term in ordered])
    return encode_table(numbers) + b"".join(ordered)


class SortedTerms(Sequence[bytes]):
    """The section, read: a sequence of the terms. What is in it was checked."""

    def __init__(self, section: bytes, *, where: str) -> None:
        """Raises CorruptSnapshotError for a section that is none."""
        count = int.from_bytes(section[:_NUMBER_BYTES], "little")
        first = _NUMBER_BYTES * (1 + 2 * count)
        if len(section) < first:
            raise CorruptSnapshotError(f"{where}: sorted terms are cut off", where=where)
        numbers = decode_table("I", section[_NUMBER_BYTES:first])
        self._ends, self._numbers = numbers[:count], numbers[count:]
        self._terms = section[first:]
        if len(self._terms) != (self._ends[-1] if count else 0):
            raise CorruptSnapshotError(f"{where}: sorted terms are cut off", where=where)

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, at: int) -> bytes:  # type: ignore[override]
        end = self._ends[at]
        return self._terms[self._ends[at - 1] if at % len(self._ends) else 0 : end]

    def places(self, start: bytes, stop: bytes | None) -> range:
        """Where the terms from `start`, before `stop` (None: to the end) are."""
        first = bisect_left(self, start)
        return range(first, len(self) if stop is None else bisect_left(self, stop, first))

    def between(
        self, start: bytes, stop: bytes | None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, int]]:
        """The terms from `start`, before `stop` (None: to the end), each with its number."""
        places = self.places(start, stop)
        first, last = places.start, places.stop
        ends, numbers, terms = self._ends[first:last], self._numbers[first:last], self._terms
        begins = array("I", [self._ends[first - 1] if first else 0])
        begins.extend(ends[:-1])
        if reverse:
            for of in (begins, ends, numbers):
                of.reverse()
        return (
            (terms[begin:end], number) for begin, end, number in zip(begins, ends, numbers, strict=False)
        )
