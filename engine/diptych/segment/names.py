"""The terms of an index of names, to be found by how a name is typed: see `diptych.search.typed`.

Nothing of it is stored: it is made of the sorted terms, for one first letter when a name with that is asked
for. The names that begin with one letter lie in two ranges of the sorted terms, with and without a capital;
those that begin with another character, as `_`, are listed by the first letter that they have.
"""

from __future__ import annotations

import string
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from diptych.search.names import alike
from diptych.search.typed import Typed
from diptych.segment.terms import SortedTerms, encode_sorted_terms

_LINE = b"\n"
_KEPT = (string.ascii_letters + string.digits).encode()
_LOWER = bytes(range(256)).lower()
_DROPPED = bytes(code for code in range(128) if code not in _KEPT and code != ord(_LINE))
_PLAIN = frozenset(string.ascii_lowercase + string.digits)


class NamesOfLetter:
    """The terms at some places that have one first letter: the shortest first.

    Each is after a line feed, so that `find` and `re` go through all of them at the speed of C.
    """

    def __init__(self, terms: SortedTerms, places: Sequence[int]) -> None:
        names = [terms[at] for at in places]
        folded = folded_names(names)
        order = sorted(range(len(folded)), key=list(map(len, folded)).__getitem__)
        # In their order here: those of an answer are in as many blocks of the sorted terms.
        self._names = b"".join([names[at] for at in order])
        self._ends = array("I", accumulate([len(names[at]) for at in order], initial=0))
        self._folded = b"".join([_LINE + folded[at] for at in order])

    def beginning(self, typed: Typed) -> Iterator[bytes]:
        """The names that begin so."""
        return self._at(_found(self._folded, _LINE + typed.plain.encode()))

    def with_letters(self, typed: Typed) -> Iterator[bytes]:
        """Those that have these letters, in this order."""
        return self._at(match.start() for match in typed.letters.finditer(self._folded))

    def _at(self, offsets: Iterable[int]) -> Iterator[bytes]:
        """The terms whose lines begin at these offsets, which ascend."""
        row, counted = 0, 0
        for offset in offsets:
            row += self._folded.count(_LINE, counted, offset)
            counted = offset
            yield self._names[self._ends[row] : self._ends[row + 1]]


def _found(lines: bytes, part: bytes) -> Iterator[int]:
    offset = lines.find(part)
    while offset >= 0:
        yield offset
        offset = lines.find(part, offset + 1)


class SegmentNames:
    """The sorted terms of one segment, by first letters. Safe to use from several threads."""

    def __init__(self, terms: SortedTerms) -> None:
        self._terms = terms
        self._letters: dict[str, NamesOfLetter] = {}
        self._others: dict[str, array[int]] | None = None

    def of_letter(self, letter: str) -> NamesOfLetter:
        """The names whose first letter or digit that is, in lower case."""
        found = self._letters.get(letter)
        if found is None:
            places = array("I")
            if letter in _PLAIN:
                for first in sorted({letter.encode(), letter.upper().encode()}):
                    places.extend(self._terms.places(first, bytes([first[0] + 1])))
            if self._others is None:
                self._others = self._listed()
            places.extend(self._others.get(letter, ()))
            found = self._letters[letter] = NamesOfLetter(self._terms, places)
        return found

    def _listed(self) -> dict[str, array[int]]:
        """The names that do not begin with a letter or digit of ASCII, by the first one that they have."""
        others: dict[str, array[int]] = {}
        bounds = [b"", b"0", b":", b"A", b"[", b"a", b"{", None]
        for start, stop in zip(bounds[::2], bounds[1::2], strict=True):
            places = self._terms.places(start or b"", stop)
            for at, folded in zip(places, folded_names([self._terms[at] for at in places]), strict=True):
                if folded:
                    others.setdefault(folded.decode()[0], array("I")).append(at)
        return others


def names_of_terms(terms: Mapping[bytes, int]) -> SegmentNames:
    """The names among terms in any order, as those of a segment."""
    return SegmentNames(SortedTerms(encode_sorted_terms(terms), where="memory"))


def folded_names(names: Sequence[bytes]) -> list[bytes]:
    """The names without case and separators, as `alike` has them."""
    joined = _LINE.join(names)
    if joined.isascii() and joined.count(_LINE) == len(names) - 1:
        return joined.translate(_LOWER, _DROPPED).split(_LINE)
    return [alike(name.decode("utf-8", "replace")).encode() for name in names]
