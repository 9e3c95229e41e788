"""What the tools ask: the store of a repository, its files, and the keeper that keeps them in step.

It only reads. One question at a time: the server holds `lock` around each.
"""

from __future__ import annotations

import base64
import json
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple

from diptych import fs
from diptych.errors import DiptychError, InvalidArgumentError, StoreNotFoundError, StoreReplacedError
from diptych.model import content_hash
from diptych.serving.answers.current import CurrentRecords
from diptych.serving.files import Files
from diptych.serving.precise import Precise
from diptych.serving.source import StoreSource
from diptych.store.code import CodeView, Store
from diptych.workspace.coordinator import Ready
from diptych.workspace.keeper import KeeperClient, Place

_RETAINED = 4
"""So many older states of the store are kept for the pages that are asked for next."""

_LINE_MAX = 4096
_PACKED_LINES_MAX = 200_000
_HEX = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_GREP = "until then, `grep -rn` finds what is not indexed yet"


class NoIndexYetError(Exception):
    """There is nothing to answer from yet. The server's answer says so, and what to do meanwhile."""


class Cursor(NamedTuple):
    """Where the next page begins, and in which state of the store."""

    store_id: str
    lsn: int
    first: int
    question: str
    """A hash of the tool and its other arguments."""


class AgentIndex:
    """The index of one repository. Close it."""

    def __init__(self, place: Place, keeper: KeeperClient) -> None:
        self.place = place
        self.keeper = keeper
        self.lock = threading.RLock()
        self.files = Files(place.root)
        self.precise = Precise(place.store)
        self.last_changed_lsn = -1
        """Up to where the tool `changed` has told."""
        self._store: Store | None = None
        self._records: CurrentRecords | None = None
        self._retained: OrderedDict[int, CodeView] = OrderedDict()

    def close(self) -> None:
        """End."""
        with self.lock:
            self._forget_store()
            self.precise.close()
            self.files.close()
            self.keeper.close()

    # What there is to ask, as of the newest commit.

    @property
    def store(self) -> Store:
        """The store, refreshed. Raises NoIndexYetError, OpenError, CorruptionError, StorageError."""
        if self._store is not None:
            try:
                self._store.refuse_replaced()
                self._store.refresh()
            except StoreReplacedError:
                self._forget_store()
        if self._store is None:
            try:
                self._store = Store.open(self.place.store, read_only=True)
            except StoreNotFoundError:
                raise self._no_index() from None
            if self.last_changed_lsn < 0:
                self.last_changed_lsn = self._store.lsn
        return self._store

    def has_store(self) -> bool:
        """Whether there is anything to answer from. Raises as `store`, but for NoIndexYetError."""
        try:
            return self.store is not None
        except NoIndexYetError:
            return False

    def source(self) -> StoreSource:
        """What the resolver asks. Raises as `store`."""
        return self.records().source

    def records(self) -> CurrentRecords:
        """The records, each as its file is now. Raises as `store`."""
        store = self.store
        if self._records is None:
            view = store.view()
            self._records = CurrentRecords(StoreSource(view, self.files, self.precise), view)
        elif self._records.view.lsn != store.lsn:
            older = self._records.view
            self._records.move_to(store.view())
            if older.lsn not in self._retained:
                older.close()
            for lsn in list(self._retained)[:-_RETAINED]:
                self._retained.pop(lsn).close()
        return self._records

    def begin(self) -> None:
        """A new question: files are looked at again."""
        self.files.begin()
        if self._records is not None:
            self._records.begin()

    # Pages.

    def view_at(self, lsn: int) -> CodeView:
        """The state of the store at `lsn`, that an earlier page was of. Raises InvalidArgumentError."""
        records = self.records()
        if records.view.lsn == lsn:
            return records.view
        if lsn not in self._retained:
            raise _expired()
        return self._retained[lsn]

    def require_state(self, lsn: int) -> None:
        """Raise InvalidArgumentError unless the store is still at `lsn`, where an earlier page was made."""
        if self.records().view.lsn != lsn:
            raise _expired()

    def retain(self) -> None:
        """Keep the present state for the next page."""
        view = self.records().view
        self._retained[view.lsn] = view
        self._retained.move_to_end(view.lsn)

    def cursor(self, tool: str, arguments: Mapping[str, Any], lsn: int, first: int) -> str:
        """The cursor of the page of an answer that begins with item `first`."""
        self.retain()
        parts = [self.store.store_id, lsn, first, _question(tool, arguments)]
        return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")

    def cursor_of(self, text: str, tool: str, arguments: Mapping[str, Any]) -> Cursor:
        """What a cursor says. Raises InvalidArgumentError for one of another store or question."""
        try:
            padded = text + "=" * (-len(text) % 4)
            parts = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
            store_id, lsn, first, question = parts
        except (ValueError, TypeError):
            raise InvalidArgumentError(
                "this is no cursor of an earlier answer", advice="copy it, or leave it out to begin again"
            ) from None
        if type(lsn) is not int or type(first) is not int or first < 0:
            raise _expired()
        if question != _question(tool, arguments):
            raise InvalidArgumentError(
                "this cursor is of another question",
                advice=f"call {tool} with the same arguments as before, and the cursor",
            )
        if store_id != self.store.store_id:
            raise _expired()
        return Cursor(store_id, lsn, first, question)

    # How fresh it is.

    def state(self) -> tuple[str, dict[str, Any]]:
        """The line about freshness that ends each answer, and the same structured."""
        said = self.keeper.state()
        records = self._records
        lsn, files = (records.view.lsn, len(records.view)) if records is not None else (0, 0)
        edited = max(len(records.edited) if records is not None else 0, said.pending_count)
        message = said.message
        partial = not isinstance(said.state, Ready)
        head = head_of(self.place.root)
        value: dict[str, Any] = {
            "state": said.document()["state"],
            "lsn": lsn,
            "files": files,
            "head": head,
            "edited": edited,
            "partial": partial,
        }
        words = [
            f"index {_WORDS.get(value['state'], value['state'])}" + (f" ({message})" if message else ""),
            f"LSN {lsn:,}",
            f"{files:,} files",
        ]
        if head or edited:
            words.append(
                " ".join(
                    filter(None, [f"HEAD {head[:7]}" if head else "", f"+{edited} edited" if edited else ""])
                )
            )
        if partial:
            value["message"] = message or "changed files wait"
            value["fallback"] = "grep"
        unchecked = records.unchecked if records is not None else 0
        if unchecked:
            value["left_out_changed"] = unchecked
            words.append(f"{unchecked} hits in changed files left out")
        words.append("checked now")
        line = " · ".join(words)
        return f"{line} · partial: {_GREP}" if partial else line, value

    def _no_index(self) -> NoIndexYetError:
        said = self.keeper.state()
        why = said.message or "it is being made"
        return NoIndexYetError(f"there is no index of {self.place.root} yet: {why}")

    def _forget_store(self) -> None:
        views = {id(view): view for view in self._retained.values()}
        if self._records is not None:
            views[id(self._records.view)] = self._records.view
        for view in views.values():
            with suppress(DiptychError):
                view.close()
        self._retained.clear()
        self._records = None
        if self._store is not None:
            with suppress(DiptychError):
                self._store.close()
            self._store = None
            # Of another store, which is opened next: its LSNs are others.
            self.last_changed_lsn = -1


_WORDS = {"building": "being built"}


def head_of(root: str) -> str:
    """The commit that is checked out, "" where that is not known. No process is started for it."""
    folder = root
    while not os.path.lexists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return ""
        folder = parent
    git = os.path.join(folder, ".git")
    if os.path.isfile(git):
        git = os.path.join(folder, _short(git).removeprefix("gitdir: "))
    said = _short(os.path.join(git, "HEAD"))
    common = os.path.join(git, _short(os.path.join(git, "commondir")) or ".")
    if not said.startswith("ref: "):
        return said if _HEX.fullmatch(said) else ""
    name = said.removeprefix("ref: ")
    if ".." in name or not name.startswith("refs/"):
        return ""
    found = _short(os.path.join(common, name))
    if not found:
        ends = f" {name}\n"
        lines = _lines(os.path.join(common, "packed-refs"), _PACKED_LINES_MAX)
        found = next((line.removesuffix(ends) for line in lines if line.endswith(ends)), "")
    return found if _HEX.fullmatch(found) else ""


def _short(path: str) -> str:
    """The one line of a small file, "" where it is not there."""
    return next(_lines(path, 1), "").rstrip("\n")


def _lines(path: str, most: int) -> Iterator[str]:
    """The first lines of a regular file, cut to some length; none where there is no such file.

    A repository may come from a stranger: a pipe would never answer, and a device never end.
    """
    try:
        with open(path, encoding="utf-8", errors="replace", opener=fs.open_regular) as file:
            yield from islice(iter(lambda: file.readline(_LINE_MAX), ""), most)
    except (OSError, ValueError):
        return


def _question(tool: str, arguments: Mapping[str, Any]) -> str:
    kept = {
        key: value for key, value in sorted(arguments.items()) if key not in ("cursor", "max_tokens", "limit")
    }
    return content_hash(json.dumps([tool, kept]).encode("utf-8", "backslashreplace"))[:12]


def _expired() -> InvalidArgumentError:
    return InvalidArgumentError(
        "this cursor has expired: the index has moved on since",
        advice="call the tool again with the same arguments and no cursor",
    )
