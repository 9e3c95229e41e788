"""Which segments were found damaged and read around, until a checkpoint writes them again."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from diptych.change import shown_key
from diptych.errors import CorruptionError
from diptych.lazy import logger

log = logger("diptych")


class Healing:
    """The damage that was met in one generation."""

    def __init__(self, damaged: Iterable[str] = (), notify: Callable[[], None] = lambda: None) -> None:
        """`damaged`: the digests of segments known to be damaged. `notify` is called when one is found."""
        self.segments = set(damaged)
        """The digests of the segments to write again."""
        self.reads = 0
        """How many reads had their answer from the other store, here and in the generations before."""
        self._notify = notify

    def records(self, digest: str, error: CorruptionError) -> None:
        """A record was read from the search index of its segment instead."""
        log.warning("healed from the search index: %s", error)
        self._found(digest)

    def scan(self, digest: str, error: CorruptionError) -> None:
        """The records of a segment were read past a damaged part, with the search index's help."""
        log.warning("the snapshot is damaged, reading the search index: %s", error)
        self._found(digest)

    def undecodable(self, digest: str, key: bytes, error: CorruptionError) -> None:
        """A replaced record does not decode: what its segment counts without it is not known."""
        log.warning("the record of %s that was replaced: %s", shown_key(key), error.message)
        self._found(digest)

    def filter(self, digest: str, error: CorruptionError) -> None:
        """A filter is damaged, and its segment is asked each time."""
        log.warning("a filter is damaged, doing without: %s", error)
        self._found(digest)

    def _found(self, digest: str) -> None:
        self.segments.add(digest)
        self.reads += 1
        self._notify()

    @property
    def needed(self) -> bool:
        """Whether anything waits to be written again."""
        return bool(self.segments)
