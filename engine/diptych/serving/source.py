"""What the resolver asks for, from a store and the files beside it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from functools import cached_property

from diptych.model import RelationHit, SymbolHit
from diptych.names.facts import FileFacts, Point, unpack_facts
from diptych.names.source import Defined, Names
from diptych.schema.code import CODE
from diptych.serving.files import Files, ParsedFile
from diptych.store.code import CodeView

_UNPACKED_FILES = 4_096


class StoreSource:
    """One view of a store, and the files that it indexes, as they are now.

    A file that has changed since it was indexed is parsed when a question comes to it; one that is gone has
    no names. `files` is None where there are no files beside the store: then the records are all there is.
    """

    def __init__(self, view: CodeView, files: Files | None) -> None:
        self.view = view
        self.files = files
        self._unpacked: OrderedDict[str, tuple[str, Names]] = OrderedDict()
        self._exists: dict[str, bool] = {}
        self._texts: dict[str, str] = {}

    def begin(self) -> None:
        """A new question: changes to files since the last are seen."""
        self._texts.clear()
        if self.files is not None:
            self.files.begin()

    def parsed(self, path: str) -> ParsedFile | None:
        """The file at `path` with its tree, or None."""
        return self.files.parsed(path) if self.files is not None else None

    def names_of(self, path: str) -> Names | None:
        """See `Source`."""
        digest = self.files.hash_of(path) if self.files is not None else None
        known = self._unpacked.get(path)
        if known is not None and digest in (None, known[0]):
            return known[1]
        payload = self.view.payload(CODE.key(path)) if digest != "" else None
        if payload is None:
            return None
        recorded, language, part = CODE.names_part(payload)
        facts = _facts_of(part) if digest in (None, recorded) else None
        if facts is None:
            return self.complete_names_of(path)
        names = Names(path, language, facts)
        self._unpacked[path] = (recorded, names)
        while len(self._unpacked) > _UNPACKED_FILES:
            self._unpacked.popitem(last=False)
        return names

    def complete_names_of(self, path: str) -> Names | None:
        """See `Source`."""
        parsed = self.parsed(path)
        return parsed.names if parsed is not None else None

    def defined(self, name: str) -> Iterable[Defined]:
        """See `Source`."""
        for hit in self.symbols(name):
            yield Defined(hit.path, name_place(hit), hit.symbol.kind, hit.symbol.container)

    def symbols(self, name: str) -> list[SymbolHit]:
        """The recorded symbols of that name."""
        return self.view.symbols(name)

    def references(self, name: str) -> list[RelationHit]:
        """The recorded relations to that name."""
        return self.view.references(name)

    def exists(self, path: str) -> bool:
        """See `Source`."""
        known = self._exists.get(path)
        if known is None:
            known = self._exists[path] = path in self.view
        return known

    def is_folder(self, path: str) -> bool:
        """See `Source`."""
        return path in self._folders

    def files_in(self, folder: str) -> Iterable[str]:
        """See `Source`."""
        return self._files.get(folder, ())

    def text_of(self, path: str) -> str:
        """See `Source`."""
        if path not in self._texts:
            data = self.files.bytes_of(path) if self.files is not None else None
            self._texts[path] = (data or b"").decode("utf-8", "replace")
        return self._texts[path]

    def roots_of(self, package: str) -> Iterable[str]:
        """See `Source`."""
        return self._roots.get(package, ())

    @cached_property
    def _paths(self) -> dict[str, None]:
        return {record.key.decode("utf-8", "surrogateescape"): None for record in self.view.stored()}

    @cached_property
    def _files(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in sorted(self._paths):
            found.setdefault(path.rpartition("/")[0], []).append(path)
        return found

    @cached_property
    def _folders(self) -> frozenset[str]:
        found: set[str] = set()
        for path in self._paths:
            folder = path.rpartition("/")[0]
            while folder and folder not in found:
                found.add(folder)
                folder = folder.rpartition("/")[0]
        return frozenset(found)

    @cached_property
    def _roots(self) -> dict[str, list[str]]:
        """The folders of top-level modules and packages, the shortest first."""
        packages = {path.rpartition("/")[0] for path in self._paths if path.endswith("/__init__.py")}
        found: dict[str, set[str]] = {}
        for path in self._paths:
            folder, _, file = path.rpartition("/")
            stem, dot, suffix = file.rpartition(".")
            if not dot or suffix not in ("py", "pyi"):
                continue
            if stem != "__init__" and folder not in packages:
                found.setdefault(stem, set()).add(folder)
        for package in packages:
            folder, _, name = package.rpartition("/")
            if folder not in packages:
                found.setdefault(name, set()).add(folder)
        return {name: sorted(folders, key=lambda one: (len(one), one)) for name, folders in found.items()}


def _facts_of(part: bytes) -> FileFacts | None:
    try:
        return unpack_facts(part)
    except ValueError:
        # Its checksum is right: a program of another kind made it. The file itself says what it says.
        return None


def name_place(hit: SymbolHit) -> Point:
    """Where a symbol's name is written."""
    return hit.symbol.name_range[:2]
