"""What a row asks of a peer. A peer that lacks a function says so in `lacks`, and the row repeats it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import ClassVar, Literal

from diptych.model import FileRecord, Symbol

Mode = Literal["usual", "manual", "bulk"]
Found = tuple[str, Symbol]


class Peer:
    """One way to store records of files. Made with the folder it keeps its files in; opens at once.

    `mode`: with "manual" it does not checkpoint by itself, where that can be chosen; with "bulk" it is about
    to be filled by `load`, and may do whatever its manual advises for that.

    Writes are durable when they return, unless `durable` says otherwise.
    """

    name: ClassVar[str]
    # Peers that share a name here can open the same files.
    layout: ClassVar[str]
    durable: ClassVar[bool] = True
    lacks: ClassVar[dict[str, str]] = {}
    about: ClassVar[str] = ""

    def __init__(self, path: str, *, mode: Mode = "usual") -> None:
        self.path = path
        self.mode = mode

    def commit(self, records: list[FileRecord]) -> None:
        """Replace what is known of these files, in one transaction."""
        raise NotImplementedError

    def load(self, batches: Iterable[list[FileRecord]]) -> None:
        """Fill an empty store; all of it is durable and readable at the end."""
        for batch in batches:
            self.commit(batch)

    def count(self) -> int:
        """How many files there are."""
        raise NotImplementedError

    def file(self, path: str) -> FileRecord | None:
        """What is known of a file."""
        raise NotImplementedError

    def symbols(self, name: str) -> list[Found]:
        """The symbols of exactly that name."""
        raise NotImplementedError

    def search(self, terms: tuple[str, ...], limit: int) -> list[Found]:
        """The best symbols whose text holds every term."""
        raise NotImplementedError

    @contextmanager
    def for_thread(self) -> Iterator[Callable[[list[FileRecord]], None]]:
        """A `commit` for one thread, to be used beside others'."""
        yield self.commit

    def checkpoint(self) -> None:
        """Move what the log holds into the store proper."""
        raise NotImplementedError

    def settle(self) -> None:
        """Wait for what the peer still does in the background."""

    def close(self) -> None:
        """Let go of the files."""
        raise NotImplementedError
