"""Reads in key order: from one key to another, in either direction, of the generation and the overlay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from diptych.change import Change, FileIndexed, StoredRecord
from diptych.errors import InvalidArgumentError

Key = str | bytes


class Bounds(NamedTuple):
    """The keys from `start` up to `stop`, which is not one of them; None for no end."""

    start: bytes
    stop: bytes | None

    def holds(self, key: bytes) -> bool:
        """Whether a key is between them."""
        return key >= self.start and (self.stop is None or key < self.stop)

    def meets(self, first: bytes, last: bytes) -> bool:
        """Whether a key from `first` to `last` can be between them."""
        return last >= self.start and (self.stop is None or first < self.stop)


EVERYTHING = Bounds(b"", None)


def check_limit(limit: int | None) -> None:
    """Raise InvalidArgumentError for a limit that is no whole number from 0."""
    if limit is not None and (not hasattr(limit, "__index__") or limit < 0):
        raise InvalidArgumentError(f"limit is a whole number of 0 or more, or None, not {limit!r:.100}")


def bounds_of(prefix: Key, start: Key | None, stop: Key | None) -> Bounds:
    """The keys with a prefix, those from `start`, those before `stop`. Raises InvalidArgumentError."""
    begin = encode_key("prefix", prefix)
    first = begin if start is None else max(begin, encode_key("start", start))
    after = _after(begin)
    if stop is not None:
        end = encode_key("stop", stop)
        after = end if after is None else min(after, end)
    return Bounds(first, after)


def encode_key(name: str, key: Key) -> bytes:
    """A key, or the beginning of one, as bytes: a str as UTF-8, as `os.fsencode` does it."""
    if isinstance(key, bytes):
        return key
    if not isinstance(key, str):
        raise InvalidArgumentError(f"{name} is a str or bytes, not {type(key).__name__}")
    try:
        return key.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise InvalidArgumentError(f"{name} holds a lone surrogate") from None


def _after(prefix: bytes) -> bytes | None:
    """The first key after all of those with a prefix; None where there is none."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes([stripped[-1] + 1]) if stripped else None


def merged(stored: Iterator[StoredRecord], changes: list[Change], *, reverse: bool) -> Iterator[StoredRecord]:
    """Records of the generation and the overlay's changes to them, both in the same direction."""
    waiting = sorted(changes, key=lambda change: change.key, reverse=not reverse)
    for record in stored:
        while waiting and (waiting[-1].key > record.key if reverse else waiting[-1].key < record.key):
            yield from _records_in(waiting.pop())
        if waiting and waiting[-1].key == record.key:
            yield from _records_in(waiting.pop())
        else:
            yield record
    while waiting:
        yield from _records_in(waiting.pop())


def _records_in(change: Change) -> Iterator[StoredRecord]:
    if isinstance(change, FileIndexed):
        yield StoredRecord(change.key, change.checksum, change.payload)
