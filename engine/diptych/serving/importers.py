"""Which files have an import that says something: looked up once, and kept true from view to view."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from diptych.change import FileIndexed
from diptych.model import RelationHit
from diptych.schema.code import CODE
from diptych.store.generation import Generation
from diptych.store.overlay import Overlay


class Related(Protocol):
    """A view of a store, as far as its relations are concerned."""

    lsn: int
    generation: Generation | None
    overlay: Overlay

    def references(self, name: str) -> list[RelationHit]:
        """The relations whose target is exactly that name."""


class Importers:
    """The recorded imports, by what they say."""

    def __init__(self) -> None:
        self._known: dict[str, set[str]] = {}
        self._nobody: set[str] = set()
        self._lsn = -1

    def of(self, view: Related, said: str) -> Iterable[str]:
        """The files with an import that says so, in a view that is not older than the last one."""
        if view.lsn != self._lsn:
            self._follow(view)
        found = self._known.get(said)
        if found is None:
            hits = view.references(said)
            # Most of what is asked for nobody says: one set for all of that.
            found = {hit.path for hit in hits if hit.relation.kind == "imports"} or self._nobody
            self._known[said] = found
        return found

    def _follow(self, view: Related) -> None:
        base = view.generation.manifest.lsn if view.generation is not None else 0
        if not base <= self._lsn <= view.lsn:
            self._known.clear()
        elif self._known:
            for entry in view.overlay.between(self._lsn, view.lsn):
                self._replace(entry.change.key, entry.change)
        self._lsn = view.lsn

    def _replace(self, key: bytes, change: object) -> None:
        path = key.decode("utf-8", "surrogateescape")
        for paths in self._known.values():
            paths.discard(path)
        if isinstance(change, FileIndexed):
            for relation in CODE.unpack(key, change.payload).relations:
                if relation.kind == "imports" and relation.target in self._known:
                    self._known[relation.target] = {*self._known[relation.target], path}
