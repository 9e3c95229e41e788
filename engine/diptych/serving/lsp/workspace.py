"""The roots that an editor has open: each with its store, its files and its open documents."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from diptych import Store
from diptych.errors import DiptychError, StoreNotFoundError, StoreReplacedError
from diptych.serving.documents import Document
from diptych.serving.empty import NoRecords
from diptych.serving.files import Files
from diptych.serving.lsp.places import RepositoryPlace, place_of
from diptych.serving.lsp.spelling import RESOLVED, Spelling, resolved_paths, spelling_of
from diptych.serving.lsp.uris import path_of, uri_of
from diptych.serving.precise import Precise
from diptych.serving.source import StoreSource
from diptych.workspace.freshness import Kind, check
from diptych.workspace.keeper import KeeperClient, Place

_LOOK_AGAIN_S = 0.5
"""After this long a store that could not be opened is tried again."""


class Root:
    """One repository."""

    def __init__(
        self, place: RepositoryPlace, is_cancelled: Callable[[], bool], *, keep: bool = False
    ) -> None:
        """With `keep`, the repository's index is kept up to date by a keeper."""
        self.place = place
        starts = keep and place.is_repository and not place.refused
        self.keeper = KeeperClient(Place(place.root, place.store), start=starts)
        """Safe from any thread."""
        self.files = Files(place.root)
        self.precise = Precise(place.store)
        self.source = StoreSource(NoRecords(), self.files, self.precise)
        self.source.is_cancelled = is_cancelled
        self.opened: dict[str, str] = {}
        """The URIs of the open documents, by path."""
        self.problem = place.refused
        """Why the store is not read, "" if it is."""
        self._store: Store | None = None
        self._next_s = 0.0

    def close(self) -> None:
        """Close the store and the files, and be no client of the keeper any more."""
        self.keeper.close()
        self._close_store()
        self.precise.close()
        self.files.close()

    def refresh(self) -> None:
        """Take in what was committed since the last question. Never raises for the state of the store."""
        if self.place.refused:
            return
        try:
            store = self._store or self._opened()
            if store is not None:
                before = self.source.view.lsn
                if store.refresh() != before or isinstance(self.source.view, NoRecords):
                    self._show(store)
        except StoreReplacedError:
            self._close_store()
            self._next_s = 0.0
        except DiptychError as error:
            self.forsake(str(error))

    def forsake(self, problem: str) -> None:
        """Answer without the store, until it is opened again."""
        self.problem = problem
        self._close_store()
        self._next_s = time.monotonic() + _LOOK_AGAIN_S

    def not_ready(self) -> str:
        """Why the index does not say everything about the files as they are now; "" if it does."""
        said = self.keeper.state()
        if said.pid and not said.is_ready:
            return said.message or f"{said.pending_count:,} changed file(s) to be indexed"
        if self._store is None:
            return self.problem or "there is no index yet"
        verdict, _ = check(self.place.root, self.place.store)
        if verdict.kind is Kind.FRESH:
            # It is the store's newest state that was found complete: that is the one to ask.
            self.refresh()
            return "" if self._store is not None else self.problem
        return "; ".join(reason.text for reason in verdict.reasons) or f"the index is {verdict.kind.value}"

    def relative(self, path: str) -> str | None:
        """A path without links as the store has it; None for one that is not in the repository."""
        if self.place.root == "/":
            return path[1:] or None
        inside = path.removeprefix(f"{self.place.root}/")
        return inside if inside != path and inside else None

    def uri(self, path: str, spelling: Spelling) -> str:
        """The URI of a file of the repository: the editor's own for one that it has open."""
        opened = self.opened.get(path)
        if opened:
            return opened
        whole = os.path.join(self.place.root, path)
        return uri_of(whole if spelling is RESOLVED else spelling.to_written(whole))

    @property
    def has_store(self) -> bool:
        """Whether there is a store to answer from."""
        return self._store is not None

    @property
    def lsn(self) -> int:
        """The LSN that is answered at; 0 without a store."""
        return self.source.view.lsn

    def _opened(self) -> Store | None:
        now_s = time.monotonic()
        if now_s < self._next_s:
            return None
        self._next_s = now_s + _LOOK_AGAIN_S
        try:
            self._store = Store.open(self.place.store, read_only=True)
        except StoreNotFoundError:
            self.problem = "there is no index yet"
            return None
        self.problem = ""
        return self._store

    def _show(self, store: Store) -> None:
        old = self.source.view
        self.source.move_to(store.view())
        old.close()

    def _close_store(self) -> None:
        self.source.view.close()
        self.source.move_to(NoRecords())
        if self._store is not None:
            self._store.close()
            self._store = None


class Located(NamedTuple):
    """A document or file of an editor: its root, its path there, and how the editor writes paths."""

    root: Root
    path: str
    spelling: Spelling


class Workspace:
    """All roots. Used by the answering thread alone."""

    def __init__(
        self, is_cancelled: Callable[[], bool], *, output_root: str | None = None, keep: bool = False
    ) -> None:
        self.roots: list[Root] = []
        self._folders: dict[str, tuple[str, Spelling]] = {}
        """The folders that the editor has open: the root of the repository, and how the folder is written."""
        self._keep = keep
        self._is_cancelled = is_cancelled
        self._output_root = output_root
        self._documents: dict[str, Document] = {}
        # Of files that are in no root: nothing is recorded of them.
        nowhere = RepositoryPlace("/", "", "the file is in no folder of the workspace")
        self._outside = Root(nowhere, is_cancelled)

    def close(self) -> None:
        """Close all roots."""
        for root in [*self.roots, self._outside]:
            root.close()

    def add_folder(self, uri: str) -> None:
        """Open the repository of a folder, if it is not open."""
        folder = path_of(uri)
        if folder is None:
            return
        place = place_of(folder, self._output_root)
        self._folders[folder] = place.root, spelling_of(folder)
        if all(root.place.root != place.root for root in self.roots):
            self.roots.append(Root(place, self._is_cancelled, keep=self._keep))
            # Of two roots that are inside each other, the inner one has the file.
            self.roots.sort(key=lambda root: -len(root.place.root))
        self._place_documents()

    def remove_folder(self, uri: str) -> None:
        """Close a folder, and its repository unless another folder of that is open."""
        gone, _ = self._folders.pop(path_of(uri) or "", ("", RESOLVED))
        if any(gone == other for other, _ in self._folders.values()):
            return
        for root in [root for root in self.roots if root.place.root == gone]:
            self.roots.remove(root)
            root.close()
        self._place_documents()

    def located(self, uri: str) -> Located | None:
        """Where a URI is, or None if it names no file."""
        path = path_of(uri)
        if path is None:
            return None
        # As the folders are written, for nothing has to be asked of the file system then.
        for spelling in (RESOLVED, *self._spellings()):
            resolved = spelling.to_resolved(path)
            if resolved is not None and (found := self._in_root(resolved, spelling)) is not None:
                return found
        (resolved,), spelling = resolved_paths([path]), spelling_of(os.path.dirname(path))
        inside = self._outside.relative(resolved)
        outside = Located(self._outside, inside, spelling) if inside is not None else None
        return self._in_root(resolved, spelling) or outside

    def spelling(self, root: Root) -> Spelling:
        """How the editor writes the paths of a root, by the first of the folders that it has open there."""
        return next(
            (spelling for place, spelling in self._folders.values() if place == root.place.root), RESOLVED
        )

    def _spellings(self) -> Iterable[Spelling]:
        return (spelling for _, spelling in self._folders.values() if spelling != RESOLVED)

    def _in_root(self, path: str, spelling: Spelling) -> Located | None:
        for root in self.roots:
            inside = root.relative(path)
            if inside is not None:
                return Located(root, inside, spelling)
        return None

    def refresh(self) -> None:
        """See `Root.refresh`."""
        for root in self.roots:
            root.refresh()

    def forsake(self, problem: str) -> None:
        """Answer without the stores, until they are opened again."""
        for root in self.roots:
            root.forsake(problem)

    def document(self, uri: str) -> Document | None:
        """The open document of that URI."""
        return self._documents.get(uri)

    def open(self, uri: str, text: str, version: int, language: str) -> None:
        """An editor opened a document."""
        located = self.located(uri)
        path = located.path if located is not None else uri
        source = text.encode("utf-8", "replace")
        self._documents[uri] = Document(path, source, version, language=_LANGUAGES.get(language, language))
        self._place_documents()

    def close_document(self, uri: str) -> None:
        """An editor closed a document: what is on disk counts."""
        self._documents.pop(uri, None)
        self._place_documents()

    def uris(self) -> Iterable[str]:
        """The open documents."""
        return self._documents.keys()

    def _place_documents(self) -> None:
        """Put each open document into the files of its root."""
        for root in [*self.roots, self._outside]:
            root.files.open.clear()
            root.opened.clear()
        for uri, document in self._documents.items():
            located = self.located(uri)
            if located is not None:
                document.move_to(located.path)
                located.root.files.open[located.path] = document
                located.root.opened[located.path] = uri


# What editors call languages, where it is not what they are called here.
_LANGUAGES = {
    "javascriptreact": "javascript",
    "typescriptreact": "tsx",
    "shellscript": "bash",
    "sh": "bash",
}
