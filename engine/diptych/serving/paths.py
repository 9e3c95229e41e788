"""The paths of all records of a view, and the folders they are in, kept up to date from view to view."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Protocol

from diptych.change import FileIndexed, StoredRecord
from diptych.store.generation import Generation
from diptych.store.overlay import Overlay


class Listed(Protocol):
    """A view of a store, as far as its paths are concerned."""

    lsn: int
    generation: Generation | None
    overlay: Overlay

    def stored(self) -> Iterable[StoredRecord]:
        """All records."""


class Paths:
    """The paths of the records of one view."""

    def __init__(self, found: Iterable[str]) -> None:
        self.all = frozenset(found)

    def files_in(self, folder: str) -> Iterable[str]:
        """The files directly in a folder, sorted."""
        return self._files.get(folder, ())

    def packages_in(self, folder: str) -> Iterable[str]:
        """The packages of Python directly in a folder, sorted."""
        return self._packages.get(folder, ())

    def is_folder(self, path: str) -> bool:
        """Whether there are files below `path`."""
        return path in self._folders

    def files_named(self, name: str) -> Iterable[str]:
        """The files whose own name, without their folder, is `name`; sorted."""
        return self._files_by_name.get(name, ())

    def folders_named(self, name: str) -> Iterable[str]:
        """The folders with files whose own name, without what they are in, is `name`; sorted."""
        return self._folders_by_name.get(name, ())

    def roots_of(self, package: str) -> Iterable[str]:
        """The folders that have a top-level module or package of that name, the shortest first."""
        return self._roots.get(package, ())

    @cached_property
    def _files(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in sorted(self.all):
            found.setdefault(path.rpartition("/")[0], []).append(path)
        return found

    @cached_property
    def _files_by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in sorted(self.all):
            found.setdefault(path.rpartition("/")[2], []).append(path)
        return found

    @cached_property
    def _folders_by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for folder in sorted(self._files):
            found.setdefault(folder.rpartition("/")[2], []).append(folder)
        return found

    @cached_property
    def _packages(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in sorted(self.all):
            folder, _, file = path.rpartition("/")
            if file == "__init__.py" and folder:
                found.setdefault(folder.rpartition("/")[0], []).append(folder)
        return found

    @cached_property
    def _folders(self) -> frozenset[str]:
        found: set[str] = set()
        for path in self.all:
            folder = path.rpartition("/")[0]
            while folder and folder not in found:
                found.add(folder)
                folder = folder.rpartition("/")[0]
        return frozenset(found)

    @cached_property
    def _roots(self) -> dict[str, list[str]]:
        packages = {path.rpartition("/")[0] for path in self.all if path.endswith("/__init__.py")}
        found: dict[str, set[str]] = {}
        for path in self.all:
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


class PathsOfViews:
    """The paths of one view after the other. Those of the first are read from its records."""

    def __init__(self) -> None:
        self._paths: Paths | None = None
        self._lsn = -1

    def of(self, view: Listed) -> Paths:
        """The paths of a view, which is not older than the last one that was asked for."""
        if self._paths is None or not self._follows(view):
            self._paths = Paths(_text(record.key) for record in view.stored())
        elif view.lsn != self._lsn:
            self._paths = _changed(self._paths, view)
        self._lsn = view.lsn
        return self._paths

    def _follows(self, view: Listed) -> bool:
        """Whether all that was committed since the last view is in the overlay of this one."""
        base = view.generation.manifest.lsn if view.generation is not None else 0
        return base <= self._lsn <= view.lsn


def _changed(before: Paths, view: Listed) -> Paths:
    added: set[str] = set()
    removed: set[str] = set()
    for entry in view.overlay.changes(view.lsn):
        path = _text(entry.change.key)
        (added if isinstance(entry.change, FileIndexed) else removed).add(path)
    now = (before.all | added) - removed
    return Paths(now) if now != before.all else before


def _text(key: bytes) -> str:
    return key.decode("utf-8", "surrogateescape")
