"""Whether a document is of the file as it is now. SCIP has no hashes: the document is compared with the file.

One with a text is of the file that has that text. One without it is compared place by place: a definition's
text is its symbol's name, and no occurrence is outside of the file, or begins or ends within a word. Where
all is so, it is of this file, but for what has the name of another of its symbols. Where nearly all is so,
the names that are where they should be are kept, and the others dropped; where less is, the file has changed
since.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from diptych.model import Range
from diptych.schema.precise import DEFINITION, Occurrence
from diptych.schema.precise_symbols import NAMESPACE, is_local, last_name
from diptych.serving.scip.messages import UTF8_COLUMNS, UTF16_COLUMNS, UTF32_COLUMNS
from diptych.serving.scip.reading import Document

MIN_FITTING = 0.99
"""The share of occurrences, and of definitions, that must fit."""

# As in `<get>observed` of scip-typescript.
_ACCESSOR = re.compile(r"<[gs]et>")

# They are called by the names of their classes.
_CONSTRUCTORS = frozenset(("<constructor>", "__init__", "__new__"))

# Where the producer does not say: most count as their language's strings do.
_GUESSES = (UTF16_COLUMNS, UTF8_COLUMNS, UTF32_COLUMNS)
_ENCODINGS: dict[int, tuple[str, int]] = {UTF16_COLUMNS: ("utf-16-le", 2), UTF32_COLUMNS: ("utf-32-le", 4)}


class Matched(NamedTuple):
    """The occurrences that fit the file; or `problem`, a clause that says why they are not of this file."""

    occurrences: tuple[Occurrence, ...]
    dropped: int = 0
    problem: str = ""


def matched(document: Document, source: bytes) -> Matched:
    """The occurrences of a document, compared with a file's text as UTF-8, their columns in its bytes."""
    if document.text and not _is_same_text(document.text, source):
        return Matched((), problem="its text is not that of the file")
    lines = Lines(source)
    encodings = (document.position_encoding,) if document.position_encoding in range(1, 4) else _GUESSES
    if lines.is_ascii:
        encodings = encodings[:1]
    tried = [_fitted(document.occurrences, lines, encoding) for encoding in encodings]
    return min(tried, key=lambda one: one.unfit).judged(same_text=bool(document.text))


def _is_same_text(text: str, source: bytes) -> bool:
    # An editor or a producer may have changed the ends of lines; lines and columns are the same.
    return text.encode().replace(b"\r\n", b"\n") == source.replace(b"\r\n", b"\n")


_WORD = frozenset(byte for byte in range(0x100) if byte >= 0x80 or chr(byte).isalnum() or byte == ord("_"))


class Lines:
    """The lines of a text, and places in them."""

    def __init__(self, source: bytes) -> None:
        self.lines = source.split(b"\n")
        self.is_ascii = source.isascii()

    def in_bytes(self, where: Range, encoding: int) -> Range | None:
        """A range with columns in UTF-8 bytes; None if it is outside."""
        row, start, end_row, end = where
        if (
            not 0 <= row <= end_row < len(self.lines)
            or start < 0
            or end < 0
            or (row == end_row and start > end)
        ):
            return None
        first, last = self.lines[row], self.lines[end_row]
        if encoding in _ENCODINGS and not (self.is_ascii or (first.isascii() and last.isascii())):
            start, end = self._column(row, start, encoding), self._column(end_row, end, encoding)
            return Range(row, start, end_row, end) if start >= 0 and end >= 0 else None
        return where if start <= len(first) and end <= len(last) else None

    def _column(self, row: int, column: int, encoding: int) -> int:
        name, width = _ENCODINGS[encoding]
        units = self.lines[row].decode("utf-8", "replace").encode(name)[: column * width]
        return len(units.decode(name, "replace").encode()) if len(units) == column * width else -1

    def text(self, where: Range) -> bytes:
        """What is written there; b"" for several lines."""
        return self.lines[where[0]][where[1] : where[3]] if where[0] == where[2] else b""

    def cuts_word(self, where: Range) -> bool:
        """Whether a range begins or ends within a word."""
        row, start, end_row, end = where
        if start == end and row == end_row:
            return False
        first, last = self.lines[row], self.lines[end_row]
        return (0 < start < len(first) and first[start] in _WORD and first[start - 1] in _WORD) or (
            0 < end < len(last) and last[end] in _WORD and last[end - 1] in _WORD
        )


class _Fitted(NamedTuple):
    """How occurrences fit under one way to count columns."""

    occurrences: list[Occurrence]
    confirmed: list[bool]
    """For each of them, whether its text is the symbol's name."""
    exchanged: list[bool]
    """For each of them, whether its text is the name of another symbol, as where two lines were exchanged."""
    outside: int
    cut: int
    renamed_definitions: int
    definitions: int

    @property
    def unfit(self) -> int:
        """How many of all do not."""
        return self.outside + self.cut + self.renamed_definitions

    def judged(self, *, same_text: bool) -> Matched:
        """Whether that is enough, and what is kept. `same_text`: the document has the text of the file."""
        total = len(self.occurrences) + self.outside + self.cut
        if not self.unfit:
            pairs = zip(self.occurrences, self.exchanged, strict=True)
            kept = [one for one, other in pairs if same_text or not other]
            return Matched(tuple(kept), dropped=total - len(kept))
        if self.outside + self.cut > (1 - MIN_FITTING) * total:
            count = self.outside + self.cut
            return Matched((), problem=f"{count:,} of its {total:,} names are not where it says")
        if self.renamed_definitions > (1 - MIN_FITTING) * self.definitions:
            share = f"{self.renamed_definitions:,} of its {self.definitions:,} definitions"
            return Matched((), problem=f"{share} have another name in the file")
        kept = [one for one, sure in zip(self.occurrences, self.confirmed, strict=True) if sure]
        return Matched(tuple(kept), dropped=total - len(kept))


def _fitted(occurrences: Iterable[Occurrence], lines: Lines, encoding: int) -> _Fitted:
    found: list[Occurrence] = []
    confirmed: list[bool] = []
    texts: list[bytes] = []
    outside = cut = renamed = definitions = 0
    local_names: dict[str, bytes] = {}
    for one in occurrences:
        given, symbol, roles, around = one
        where = lines.in_bytes(given, encoding)
        if where is None:
            outside += 1
            continue
        if lines.cuts_word(where):
            cut += 1
            continue
        text = lines.text(where)
        if is_local(symbol):
            sure = local_names.setdefault(symbol, text) == text
        else:
            sure = _names(text, symbol)
            # A module's definition is nowhere in its text: an empty range at its start.
            if text and roles & DEFINITION:
                definitions += 1
                renamed += not sure
        enclosing = lines.in_bytes(around, encoding) if around is not None else None
        if where is not given or enclosing is not around:
            one = Occurrence(where, symbol, roles, enclosing)
        found.append(one)
        confirmed.append(sure)
        texts.append(text)
    names = {last_name(one.symbol).encode() for one in found if not is_local(one.symbol)}
    exchanged = [
        not sure and text in names and not is_local(one.symbol) and not _has_names(one.symbol)
        for one, sure, text in zip(found, confirmed, texts, strict=True)
    ]
    return _Fitted(found, confirmed, exchanged, outside, cut, renamed, definitions)


def _has_names(symbol: str) -> bool:
    """Whether a symbol is written under names of others, as `socket.py` is by `socket`, and `__init__`."""
    return symbol.endswith(NAMESPACE) or last_name(symbol) in _CONSTRUCTORS


def _names(text: bytes, symbol: str) -> bool:
    """Whether a text is the name of a symbol.

    scip-typescript calls a constructor `<constructor>`, and the `next` of an object literal `next0`.

    Raises SymbolError.
    """
    name = last_name(symbol)
    written = text.decode("utf-8", "replace")
    if written == name:
        return True
    if not written:
        return False
    bare = _ACCESSOR.sub("", name).strip("<>")
    return bare == written or (bare.startswith(written) and bare[len(written) :].isdigit())
