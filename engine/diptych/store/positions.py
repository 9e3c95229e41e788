"""The positions of named consumers: a small file each, below the store, which retention respects.

consumers/<name>/LOCK        held by the process that consumes under this name
consumers/<name>/POSITION    sealed document: how far it is
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from diptych import fs
from diptych.errors import CorruptionError, IncompatibleStoreError, InvalidArgumentError, StorageError
from diptych.layout import CONSUMERS, PLAIN_NAME_RULE, POSITION, is_lsn, is_plain_name, is_temporary
from diptych.sealed import MAX_SIZE_BYTES, require, require_number, seal
from diptych.store.healing import log
from diptych.store.manifest import MS_MOST, decode
from diptych.values import Value, as_dict

POSITION_MAGIC = "DIPTYCHP"

_U64_MOST = 2**64 - 1


class Position(NamedTuple):
    """How far a follower is: the last transaction it has, and the checksum of that one's commit frame.

    By the checksum it is known whether the transaction of that LSN is still the same; 0 where it is unknown.
    """

    lsn: int
    checksum: int = 0


class StoredPosition(Value):
    """How far a consumer is."""

    store_id: bytes
    lsn: int
    """Everything up to it was acknowledged."""
    checksum: int
    """Of the commit frame of that transaction; 0 where it is unknown."""
    created_ms: int
    acknowledged_ms: int


class ConsumerInfo(Value):
    """A consumer, as the store lists it."""

    name: str
    lsn: int
    """Everything up to it was acknowledged; -1 where its position is damaged, so that all is kept."""
    acknowledged_ms: int


def encode_position(position: StoredPosition) -> bytes:
    """The POSITION file."""
    return seal(POSITION_MAGIC, as_dict(position))


def decode_position(data: bytes, *, where: str) -> StoredPosition:
    """The position again. Raises CorruptStoreError, or IncompatibleStoreError for a newer format."""
    return decode(POSITION_MAGIC, data, 1, where, _position)


def position_path(store: str, name: str) -> str:
    """The POSITION file of a consumer. Raises InvalidArgumentError for a name that none can have."""
    if not is_plain_name(name) or is_temporary(name):
        raise InvalidArgumentError(
            f"{name!r:.200} is no name of a consumer", advice=f"give {PLAIN_NAME_RULE}"
        )
    return os.path.join(store, CONSUMERS, name, POSITION)


def read_position(store: str, name: str) -> StoredPosition | None:
    """The position of a consumer, None where there is none. Raises CorruptionError, StorageError."""
    where = position_path(store, name)
    with fs.translated("read", where):
        try:
            data = fs.read_bounded(where, MAX_SIZE_BYTES)
        except (FileNotFoundError, NotADirectoryError):
            return None
    return decode_position(data, where=where)


def write_position(store: str, name: str, position: StoredPosition) -> None:
    """Replace the position of a consumer, durably. Raises StorageError."""
    fs.atomic_write(position_path(store, name), encode_position(position))


def consumers_of(store: str, store_id: bytes = b"") -> list[ConsumerInfo]:
    """The consumers of the store at a path, by name; with `store_id` without those of another store.

    Of which store a damaged position is, it does not say: it is listed. Raises StorageError.
    """
    directory = os.path.join(store, CONSUMERS)
    with fs.translated("list", directory):
        try:
            names = sorted(filter(is_plain_name, fs.list_directory(directory)))
        except (FileNotFoundError, NotADirectoryError):
            return []
    found = []
    for name in names:
        try:
            position = read_position(store, name)
        except (CorruptionError, IncompatibleStoreError) as error:
            log.warning("the position of consumer %s cannot be read, nothing is removed: %s", name, error)
            found.append(ConsumerInfo(name, -1, 0))
        except StorageError as error:
            if fs.is_misplaced(error.__cause__ or error):
                found.append(ConsumerInfo(name, -1, 0))
                continue
            raise
        else:
            # A directory alone is what a crash left of one that was being made or removed.
            if position is not None and store_id in (b"", position.store_id):
                found.append(ConsumerInfo(name, position.lsn, position.acknowledged_ms))
    return found


def acknowledged_lsn(store: str, store_id: bytes) -> int:
    """The highest LSN that a consumer of this store acknowledged, 0 where none did. Raises StorageError."""
    highest = 0
    for consumer in consumers_of(store):
        if consumer.lsn > highest:
            position = read_position(store, consumer.name)
            if position is not None and position.store_id == store_id:
                highest = position.lsn
    return highest


def as_position(stored: StoredPosition) -> Position:
    """Where the consumer continues."""
    return Position(stored.lsn, stored.checksum)


def _position(body: dict[str, Any]) -> StoredPosition:
    position = StoredPosition(**body)
    require(isinstance(position.store_id, bytes) and len(position.store_id) == 16, "its store id")
    require(is_lsn(position.lsn), f"LSN {position.lsn!r}")
    require_number(position.checksum, _U64_MOST)
    require_number(position.created_ms, MS_MOST)
    require_number(position.acknowledged_ms, MS_MOST)
    return position
