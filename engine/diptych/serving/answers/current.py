"""Symbols as the files have them now, and the names by which an agent refers to them.

A record in the store may be of an older text. Before a symbol is shown, its file is compared with its
record, and extracted again where it has changed: no line is shown that is not there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from diptych.errors import InvalidArgumentError
from diptych.model import FileRecord, Symbol, SymbolHit, occurrences
from diptych.names.definitions import definitions
from diptych.names.facts import DECLARED
from diptych.names.infer import Inference
from diptych.names.languages import language
from diptych.schema.code import CODE
from diptych.serving.answers.definition import site_asked
from diptych.serving.source import StoreSource
from diptych.serving.weighted import Weighted
from diptych.store.code import CodeView

PARSES_MAX = 10
"""So many changed files are extracted for one answer; hits in others are left out, and counted."""

# Of the files that were asked about last: one question after the other is about the same.
_SYMBOLS_KEPT = 4_000

_ID = re.compile(r"([^#]+)#([^~:]*[^~]*?)(?::([a-z_ ]+))?(?:~([0-9]{1,6}))?", re.DOTALL)
_PLACE = re.compile(r"(.+):([0-9]{1,9})", re.DOTALL)
_ESCAPED = re.compile(r"\\udc([89a-f][0-9a-f])")


class Located(NamedTuple):
    """A symbol where it is now. `occurrence` counts those of its file that differ in their range alone."""

    path: str
    symbol: Symbol
    occurrence: int = 0

    @property
    def dotted(self) -> str:
        """Its name with those around it."""
        return dotted(self.symbol)

    @property
    def id(self) -> str:
        """`path#dotted.name`, `~2` and so on for the later ones of a kind: stable over edits elsewhere."""
        return f"{self.path}#{self.dotted}" + (f"~{self.occurrence + 1}" if self.occurrence else "")

    @property
    def row(self) -> int:
        """The line of its name, from zero."""
        return self.symbol.name_range[0]


def dotted(symbol: Symbol) -> str:
    """A symbol's name with those around it."""
    return f"{symbol.container}.{symbol.name}" if symbol.container else symbol.name


class CurrentRecords:
    """The records of a source, each replaced by one of the file as it is now where that differs."""

    def __init__(self, source: StoreSource, view: CodeView) -> None:
        """`view` is the one that `source` answers from."""
        self.source = source
        self.view = view
        self.edited: dict[str, None] = {}
        """The files seen in this answer that differ from their records."""
        self._symbols: Weighted[tuple[bytes, list[Located]]] = Weighted(_SYMBOLS_KEPT)
        """Those of stored records, each with its payload."""
        self.unchecked = 0
        """How many questions about a file were left out because too many files had changed."""

    def begin(self) -> None:
        """A new answer: every file is looked at again."""
        self.edited.clear()
        self.unchecked = 0
        self.source.begin()

    def move_to(self, view: CodeView) -> None:
        """Answer from a later view of the same store."""
        self.view = view
        self.source.move_to(view)

    def is_as_recorded(self, path: str) -> bool:
        """Whether the file is the one that its record is of. Without files, every one is."""
        if self.source.is_as_recorded(path):
            return True
        self.edited[path] = None
        return False

    def record(self, path: str) -> FileRecord | None:
        """The record of the file as it is now; None for one that is gone, or is no source file.

        Raises CorruptionError.
        """
        if self.is_as_recorded(path):
            return self.view.file(path)
        if len(self.edited) > PARSES_MAX:
            self.unchecked += 1
            return None
        return self.source.record_now(path)

    def located(self, hit: SymbolHit, view: CodeView | None = None) -> Located | None:
        """Where the symbol of a hit is now; None where it is gone. `view` is where the hit is from."""
        if self._is_of_this_text(hit.path, view):
            return Located(hit.path, hit.symbol, hit.occurrence)
        wanted = (hit.symbol.name, hit.symbol.kind, hit.symbol.container, hit.occurrence)
        for one in self.symbols_in(hit.path):
            symbol = one.symbol
            if (symbol.name, symbol.kind, symbol.container, one.occurrence) == wanted:
                return one
        return None

    def symbols_in(self, path: str) -> list[Located]:
        """The symbols of a file as it is now, in its order."""
        if not self.is_as_recorded(path):
            record = self.record(path)
            return located_in(record) if record is not None else []
        payload = self.view.payload(CODE.key(path))
        if payload is None:
            return []
        known = self._symbols.get(path)
        if known is None or known[0] != payload:
            found = [Located(path, symbol, occurrence) for symbol, occurrence in CODE.symbols(payload)]
            known = payload, found
            self._symbols.keep(path, known, len(found))
        return known[1]

    def symbols(self, name: str) -> list[Located]:
        """The symbols of a name, each where it is now."""
        found = (self.located(hit) for hit in self.view.symbols(name))
        return [one for one in found if one is not None]

    def _is_of_this_text(self, path: str, view: CodeView | None) -> bool:
        files = self.source.files
        if view is None or view is self.view or files is None:
            return self.is_as_recorded(path)
        payload = view.payload(CODE.key(path))
        return payload is not None and CODE.content_hash(payload) == files.hash_of(path)


def located_in(record: FileRecord) -> list[Located]:
    """The symbols of a record."""
    counts = occurrences(record.symbols)
    return [Located(record.path, symbol, count) for symbol, count in zip(record.symbols, counts, strict=True)]


def resolve(records: CurrentRecords, given: str) -> list[Located]:
    """The symbols that an id, a place or a name means; several where that does not decide.

    An id is `path#name`, with `:kind` and `~2` where they are needed; a place is `path:line`; a name may be
    qualified. Raises InvalidArgumentError for an id or place in a file that is not there.
    """
    given = unescaped(given.strip())
    match = _ID.fullmatch(given)
    if match is not None and "/" not in match[2]:
        return _by_id(records, match)
    place = _PLACE.fullmatch(given)
    if place is not None and "::" not in given:
        return _around(records, place[1], int(place[2]) - 1)
    return records.symbols(given)


def without_declarations(source: StoreSource, found: list[Located]) -> list[Located]:
    """`found` without the prototypes and `extern` variables that belong to a definition in it.

    That is in the same file, or in one that includes theirs: another program may have another of that name.
    """
    declared = [one for one in found if _is_declared(source, one)]
    defined = {(one.path, *one.symbol.name_range[:2]) for one in found if one not in declared}
    return [one for one in found if one not in declared or not _is_of(source, one, defined)]


def _is_declared(source: StoreSource, found: Located) -> bool:
    names = source.names_of(found.path)
    bindings = names.at_place(found.symbol.name_range[:2]) if names is not None else ()
    return any(binding.how == DECLARED for binding in bindings)


def _is_of(source: StoreSource, found: Located, defined: set[tuple[str, int, int]]) -> bool:
    """Whether what is declared at `found` is one of those that are defined."""
    parsed = source.parsed(found.path) if defined else None
    if parsed is None:
        return False
    names, site = site_asked(source, parsed, *found.symbol.name_range[:2])
    inference = Inference(source, language(names.language).rules)
    targets = definitions(source, names, site, by_name=False, inference=inference) if site is not None else []
    for target in targets:
        other = source.names_of(target.path)
        if (target.path, *target.place) in defined and other is not None:
            return found.path in inference.included(other)
    return False


def candidate_ids(found: Iterable[Located]) -> list[str]:
    """Ids that tell the candidates apart, also those that differ only in their kind."""
    listed = list(found)
    ids = [one.id for one in listed]
    counts = Counter(ids)
    return [
        f"{one.path}#{one.dotted}:{one.symbol.kind}" + (f"~{one.occurrence + 1}" if one.occurrence else "")
        if counts[identity] > 1
        else identity
        for one, identity in zip(listed, ids, strict=True)
    ]


def unescaped(text: str) -> str:
    """A path or id as it is in the store: bytes that are not UTF-8 are shown as `\\udcXX`."""
    return _ESCAPED.sub(lambda match: chr(0xDC00 + int(match[1], 16)), text)


def _by_id(records: CurrentRecords, match: re.Match[str]) -> list[Located]:
    path, name, kind, number = match[1], match[2], match[3], match[4]
    symbols = symbols_of_file(records, path, advice="find the symbol by its name")
    wanted = int(number) - 1 if number else 0
    found = [one for one in symbols if one.dotted == name and one.occurrence == wanted]
    if kind:
        found = [one for one in found if one.symbol.kind == kind]
    return found


def _around(records: CurrentRecords, path: str, row: int) -> list[Located]:
    """The innermost symbol around a line."""
    symbols = symbols_of_file(records, path)
    around = [one for one in symbols if one.symbol.range[0] <= row <= one.symbol.range[2]]
    return [min(around, key=lambda one: one.symbol.range[2] - one.symbol.range[0])] if around else []


def symbols_of_file(
    records: CurrentRecords, path: str, *, advice: str = "give the path of a file, relative to the repository"
) -> list[Located]:
    """The symbols of a file as it is now. Raises InvalidArgumentError where there is no such file."""
    symbols = records.symbols_in(path)
    if not symbols and not _is_there(records, path):
        raise InvalidArgumentError(f"there is no file {path} in the index", advice=advice)
    return symbols


def _is_there(records: CurrentRecords, path: str) -> bool:
    files = records.source.files
    on_disk = files is not None and bool(files.hash_of(path))
    return on_disk or records.view.payload(CODE.key(path)) is not None


def body_of(records: CurrentRecords, found: Located, lines_max: int) -> tuple[list[str], int]:
    """The lines of a symbol, at most `lines_max`, and how many there are in all."""
    data = records.source.parsed_text(found.path)
    if data is None:
        return [], 0
    first, last = found.symbol.range[0], found.symbol.range[2]
    lines = data.split(b"\n")[first : last + 1]
    return [line.decode("utf-8", "replace") for line in lines[:lines_max]], len(lines)


__all__ = [
    "PARSES_MAX",
    "CurrentRecords",
    "Located",
    "body_of",
    "candidate_ids",
    "dotted",
    "located_in",
    "resolve",
    "symbols_of_file",
    "unescaped",
]
