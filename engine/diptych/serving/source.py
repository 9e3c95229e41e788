"""What the resolver asks for, from a store and the files beside it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from diptych.indexer.errors import TooSlowError
from diptych.indexer.parse import record_of
from diptych.model import FileRecord, RelationHit, SearchHit, SymbolHit, occurrences
from diptych.names.facts import FileFacts, Point, unpack_facts
from diptych.names.rules import Rules
from diptych.names.source import Defined, Names
from diptych.schema.code import CODE
from diptych.serving.errors import QuestionCancelledError
from diptych.serving.files import Files, ParsedFile
from diptych.serving.importers import Importers
from diptych.serving.paths import Listed, Paths, PathsOfViews
from diptych.serving.precise import Precise, PreciseFile
from diptych.serving.weighted import Weighted
from diptych.store.symbols import Match

# Scopes and bindings of the files whose names are kept: some 15 MB.
_UNPACKED_FACTS = 30_000
_MADE_RECORDS = 64
_MODULE_PATHS = 16_384
_SEPARATORS = re.compile(r"[.:/#]+")


class Records(Listed, Protocol):
    """A view of a code index, or what is in place of one: see `diptych.serving.empty`."""

    def symbols(self, name: str) -> list[SymbolHit]:
        """The symbols with exactly that name."""

    def find_symbols(self, name: str, match: Match = "exact", *, limit: int = 20) -> list[SymbolHit]:
        """The symbols with that name, or one like it."""

    def symbols_like(self, text: str, *, limit: int) -> list[SymbolHit]:
        """The symbols with a name like what a person typed."""

    def search(self, query: str, limit: int = 20, *, plain: bool = False) -> Sequence[SearchHit]:
        """The best hits of a full-text query."""

    def references(self, name: str) -> list[RelationHit]:
        """The relations whose target is exactly that name."""

    def payload(self, key: bytes) -> bytes | None:
        """The payload of a key, or None."""

    def has_key(self, key: bytes) -> bool:
        """Whether there is a record of that key."""

    def close(self) -> None:
        """Read no more from it."""


class StoreSource:
    """One view of a store, and the files that it indexes, as they are now.

    A file that has changed since it was indexed is parsed when a question comes to it; one that is gone has
    no names. `files` is None where there are no files beside the store: then the records are all there is.
    `precise` are the answers imported from other indexers, which count for files that are as they were then.
    """

    def __init__(self, view: Records, files: Files | None, precise: Precise | None = None) -> None:
        self.view = view
        self.files = files
        self.precise = precise
        self.is_cancelled: Callable[[], bool] = _never
        self._unpacked: Weighted[tuple[str, Names]] = Weighted(_UNPACKED_FACTS)
        self._made: dict[str, FileRecord] = {}
        self._paths_of_views = PathsOfViews()
        self._importers = Importers()
        self._exists: dict[str, bool] = {}
        self._recorded: dict[str, str | None] = {}
        self._texts: dict[str, str] = {}
        self._module_paths: dict[tuple[str, str], str | None] = {}
        self._opened: dict[str, str] = {}
        self.importing: dict[str, frozenset[str]] = {}
        """The files that import each file, as far as that was asked for since a file changed."""

    def move_to(self, view: Records) -> None:
        """Answer from a later view of the same store, or from none until there is another store."""
        if view.lsn < self.view.lsn:
            # What follows is of another store, though its LSNs may look like the next ones of this.
            self._paths_of_views = PathsOfViews()
            self._importers = Importers()
        self.view = view
        self._exists.clear()
        self._module_paths.clear()
        self.importing.clear()
        self._recorded.clear()

    def begin(self) -> None:
        """A new question: changes to files since the last are seen."""
        self._texts.clear()
        if self.files is not None:
            self.files.begin()
            opened = {path: document.content_hash for path, document in self.files.open.items()}
            if opened != self._opened:
                self._opened = opened
                self._module_paths.clear()
                self.importing.clear()
        if self.precise is not None:
            self.precise.begin()

    def check(self) -> None:
        """Raise QuestionCancelledError if nobody waits for the answer any more."""
        if self.is_cancelled():
            raise QuestionCancelledError("the question was cancelled")

    def parsed(self, path: str) -> ParsedFile | None:
        """The file at `path` with its tree, or None. Raises QuestionCancelledError."""
        self.check()
        return self.files.parsed(path) if self.files is not None else None

    def names_of(self, path: str) -> Names | None:
        """See `Source`. Raises QuestionCancelledError."""
        self.check()
        digest = self.files.hash_of(path) if self.files is not None else None
        known = self._unpacked.get(path)
        if known is not None and digest in (None, known[0]):
            return known[1]
        payload = self.view.payload(CODE.key(path)) if digest != "" else None
        if payload is None:
            # What is open counts, though nothing is recorded of it.
            is_open = self.files is not None and path in self.files.open
            return self.complete_names_of(path) if is_open else None
        recorded, language, part = CODE.names_part(payload)
        facts = _facts_of(part) if digest in (None, recorded) else None
        if facts is None:
            return self.complete_names_of(path)
        names = Names(path, language, facts)
        self._unpacked.keep(path, (recorded, names), len(facts.scopes) + len(facts.bindings))
        return names

    def precise_of(self, path: str) -> PreciseFile | None:
        """What was imported of the file as it is now; None where nothing was, or it has changed since."""
        if self.precise is None or not self.precise.is_there or self.files is None:
            return None
        self.check()
        digest = self.files.hash_of(path)
        return self.precise.file(path, digest) if digest else None

    def complete_names_of(self, path: str) -> Names | None:
        """See `Source`."""
        parsed = self.parsed(path)
        return parsed.names if parsed is not None else None

    def names_around(self, path: str, place: Point) -> Names | None:
        """See `Source`. Only a part of the file is parsed for it."""
        parsed = self.parsed(path)
        if parsed is None:
            return None
        seen = self.names_of(path) if not parsed.is_parsed else None
        # For a file that has changed since it was indexed, that has made the complete names.
        part = parsed.part(seen, place) if seen is not None and not parsed.is_parsed else None
        return part.names if part is not None else parsed.names

    def defined(self, name: str) -> Iterable[Defined]:
        """See `Source`."""
        for hit in self.symbols(name):
            yield Defined(hit.path, name_place(hit), hit.symbol.kind, hit.symbol.container)

    def symbols(self, name: str) -> list[SymbolHit]:
        """The symbols of that name, each where it is now."""
        hits = self.view.symbols(name)
        if self.files is None:
            return hits
        changed = set(self.changed_documents(last_name(name)))
        changed |= self.changed_among(hit.path for hit in hits)
        found = [hit for hit in hits if hit.path not in changed]
        for path in sorted(changed):
            record = self.record_now(path)
            found += symbols_in(record, name) if record is not None else []
        return found

    def references(self, name: str) -> list[RelationHit]:
        """The relations to that name: of open documents as they are, of other files as recorded."""
        hits = self.view.references(name)
        changed = self.changed_documents(last_name(name))
        if not changed:
            return hits
        found = [hit for hit in hits if hit.path not in changed]
        for path in changed:
            record = self.record_now(path)
            relations = record.relations if record is not None else ()
            found += [RelationHit(path, one) for one in relations if one.target == name]
        return found

    def importers_of(self, spellings: Iterable[str]) -> set[str]:
        """The files with an import that says one of these, as they are now if they are open."""
        return {path for path, _ in self.imports_of(spellings)}

    def imports_of(self, spellings: Iterable[str]) -> Iterator[tuple[str, str]]:
        """The same files, each with what its import says."""
        wanted = set(spellings)
        changed = self.changed_documents()
        for said in wanted:
            for path in self._importers.of(self.view, said):
                if path not in changed:
                    yield path, said
        for path in changed:
            record = self.record_now(path)
            for one in record.relations if record is not None else ():
                if one.kind == "imports" and one.target in wanted:
                    yield path, one.target

    def module_path(self, rules: Rules, importer: str, module: str) -> str | None:
        """See `Rules`. It is asked again and again for one module, and looks at many places each time."""
        if len(self._module_paths) >= _MODULE_PATHS:
            self._module_paths.clear()
        asked = (importer, module)
        if asked not in self._module_paths:
            self._module_paths[asked] = rules.module_path(self, importer, module)
        return self._module_paths[asked]

    def exists(self, path: str) -> bool:
        """See `Source`."""
        known = self._exists.get(path)
        if known is None:
            known = self._exists[path] = self.view.has_key(path.encode("utf-8", "surrogateescape"))
        return known or (self.files is not None and path in self.files.open)

    def is_folder(self, path: str) -> bool:
        """See `Source`."""
        return self._paths.is_folder(path)

    def files_in(self, folder: str) -> Iterable[str]:
        """See `Source`."""
        return self._paths.files_in(folder)

    def packages_in(self, folder: str) -> Iterable[str]:
        """The packages of Python directly in a folder, sorted."""
        return self._paths.packages_in(folder)

    def text_of(self, path: str) -> str:
        """See `Source`."""
        if path not in self._texts:
            data = self.parsed_text(path)
            self._texts[path] = (data or b"").decode("utf-8", "replace")
        return self._texts[path]

    def files_named(self, name: str) -> Iterable[str]:
        """See `Source`."""
        return self._paths.files_named(name)

    def folders_named(self, name: str) -> Iterable[str]:
        """See `Source`."""
        return self._paths.folders_named(name)

    def roots_of(self, package: str) -> Iterable[str]:
        """See `Source`."""
        return self._paths.roots_of(package)

    def parsed_text(self, path: str) -> bytes | None:
        """The text of a file as UTF-8, not parsed; None where it cannot be read."""
        return self.files.bytes_of(path) if self.files is not None else None

    def is_ascii(self, path: str) -> bool:
        """Whether the text of a file is known to be all ASCII."""
        return self.files is not None and self.files.is_ascii(path)

    def record_now(self, path: str) -> FileRecord | None:
        """What indexing the file as it is now would make of it; None without a file or a parser for it."""
        parsed = self.parsed(path)
        if parsed is None:
            return None
        known = self._made.get(path)
        if known is None or known.content_hash != parsed.content_hash:
            try:
                made = record_of(path, parsed.language, parsed.source)
            except TooSlowError:
                return None
            known = self._made[path] = FileRecord(path, parsed.content_hash, *made[2:])
            if len(self._made) > _MADE_RECORDS:
                del self._made[next(iter(self._made))]
        return known

    def record(self, path: str) -> FileRecord | None:
        """The record of a file as it is now: the stored one, where that is of these bytes."""
        if not self.is_as_recorded(path):
            return self.record_now(path)
        key = CODE.key(path)
        payload = self.view.payload(key)
        return CODE.unpack(key, payload) if payload is not None else None

    def is_as_recorded(self, path: str) -> bool:
        """Whether the file now has the bytes that were indexed."""
        if self.files is None:
            return True
        digest = self.files.hash_of(path)
        if path not in self._recorded:
            payload = self.view.payload(CODE.key(path))
            self._recorded[path] = CODE.content_hash(payload) if payload is not None else None
        return digest == self._recorded[path]

    def changed_among(self, paths: Iterable[str]) -> set[str]:
        """Those of the files that no longer have the bytes that were indexed."""
        # One folder after the other: it is opened once.
        return {path for path in sorted(set(paths)) if not self.is_as_recorded(path)}

    def changed_documents(self, word: str = "") -> list[str]:
        """The open documents that are not as they were indexed and have `word` in them."""
        if self.files is None:
            return []
        encoded = word.encode("utf-8", "surrogateescape")
        return [
            path
            for path, document in self.files.open.items()
            if encoded in document.source and not self.is_as_recorded(path)
        ]

    @property
    def _paths(self) -> Paths:
        return self._paths_of_views.of(self.view)


def _facts_of(part: bytes) -> FileFacts | None:
    try:
        return unpack_facts(part)
    except ValueError:
        # Its checksum is right: a program of another kind made it. The file itself says what it says.
        return None


def name_place(hit: SymbolHit) -> Point:
    """Where a symbol's name is written."""
    return hit.symbol.name_range[:2]


def last_name(name: str) -> str:
    """The last part of a name that may be qualified."""
    return _SEPARATORS.split(name)[-1]


def symbols_in(record: FileRecord, name: str) -> list[SymbolHit]:
    """The symbols of one record with that name, or that qualified name."""
    return [
        SymbolHit(record.path, symbol, count)
        for symbol, count in zip(record.symbols, occurrences(record.symbols), strict=True)
        if symbol.name == name or (symbol.container and f"{symbol.container}.{symbol.name}" == name)
    ]


def _never() -> bool:
    return False
