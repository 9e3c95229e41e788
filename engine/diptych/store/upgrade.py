"""Payloads of older versions of a schema, upgraded as they are read.

A segment and a journal file say which version their payloads are of. What was upgraded gets a checksum of its
own when it is written again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, NoReturn

from diptych.change import Change, FileIndexed, PayloadPlace, StoredRecord, record_checksum, shown_key
from diptych.errors import CorruptionError, DiptychError, IncompatibleStoreError
from diptych.lazy import logger
from diptych.schema.base import Projection, Schema
from diptych.schema.stored import StoredSchema

log = logger("diptych")


class UpgradedPlace(NamedTuple):
    """Where a payload of an older version is stored; it is read as one of the current version."""

    place: PayloadPlace
    schema: Schema[Any]

    @property
    def length(self) -> int:
        """The size of the older payload."""
        return self.place.length

    @property
    def schema_version(self) -> int:
        """The current version."""
        return self.schema.version

    def read(self, key: bytes, checksum: int) -> bytes:
        """The upgraded payload. Raises CorruptionError where the older fails the checksum, StorageError."""
        return upgraded(self.schema, self.place.schema_version, key, self.place.read(key, checksum))


def upgrades(schema: Schema[Any]) -> bool:
    """Whether the schema does anything to older payloads."""
    return type(schema).upgrade is not Schema.upgrade


def upgraded(schema: Schema[Any], version: int, key: bytes, payload: bytes) -> bytes:
    """A payload of an older version as one of the current version.

    Raises CorruptionError where the schema says that it is none, and IncompatibleStoreError for anything else
    that the schema raises: that is a fault of the schema, and nothing is written by it.
    """
    try:
        return schema.upgrade(version, payload)
    except Exception as error:
        reason = error.message if isinstance(error, DiptychError) else repr(error)
        message = (
            f"the record of {shown_key(key)} cannot be upgraded from version {version} of schema "
            f"{schema.name!r}: {reason}"
        )
        if isinstance(error, CorruptionError):
            raise CorruptionError(message, advice="write the record again, or remove it") from error
        advice = "correct `upgrade` in the schema, and open the store with that: nothing is lost"
        raise IncompatibleStoreError(message, advice=advice) from error


def current_change(schema: Schema[Any], change: Change) -> Change:
    """A change from the journal with its payload as one of the current version.

    Raises IncompatibleStoreError for a version that this schema does not take in: a newer one.
    """
    if not isinstance(change, FileIndexed) or isinstance(change.stored, bytes):
        return change
    version = change.stored.schema_version
    if version in (0, schema.version):
        return change
    if version not in schema.older_versions:
        raise IncompatibleStoreError(
            f"the record of {change.key!r:.200} is of version {version} of schema {schema.name!r}, "
            f"and this program has version {schema.version}",
            advice="open the store again with the newer program",
        )
    return FileIndexed(change.key, change.checksum, UpgradedPlace(change.stored, schema))


def current_record(schema: Schema[Any], version: int, record: StoredRecord) -> StoredRecord:
    """A record of a version as one of the current version. Raises as `upgraded` does."""
    if version in (0, schema.version):
        return record
    payload = upgraded(schema, version, record.key, record.payload)
    if payload is record.payload:
        return record
    return StoredRecord(record.key, record_checksum(record.key, payload), payload)


def record_of(change: FileIndexed) -> tuple[int, StoredRecord]:
    """The record of a change as it was written, and its version; 0 for the current one.

    Raises CorruptionError, StorageError.
    """
    stored = change.stored
    if not isinstance(stored, UpgradedPlace):
        return 0, StoredRecord(change.key, change.checksum, change.payload)
    older = stored.place
    return older.schema_version, StoredRecord(
        change.key, change.checksum, older.read(change.key, change.checksum)
    )


class Upgrading:
    """Upgrades records on their way into segments, and keeps apart those that the schema does not take."""

    def __init__(self, schema: Schema[Any]) -> None:
        self._schema = schema
        self.kept: dict[int, list[StoredRecord]] = {}
        """By their version, as they were written."""

    def records(self, stored: Iterable[tuple[int, StoredRecord]]) -> Iterator[StoredRecord]:
        """The records as those of the current version. Raises as `upgraded` does for a faulty schema."""
        for version, record in stored:
            try:
                yield current_record(self._schema, version, record)
            except CorruptionError as error:
                log.warning("it is kept as it is: %s", error.message)
                self.kept.setdefault(version, []).append(record)


class Unreadable(StoredSchema):
    """A schema as it was in an older version, for records that the current version does not take.

    They have no terms and no documents: what those were, only that older schema knows.
    """

    @classmethod
    def of(cls, schema: Schema[Any], version: int) -> Unreadable:
        """That of an older version."""
        return cls(schema.name, version, schema.shape)

    def project(self, key: bytes, payload: bytes) -> Projection:  # noqa: ARG002 - as a schema's
        """Raise CorruptionError."""
        raise CorruptionError("its payload is not upgraded")

    def counts(self, payload: bytes) -> NoReturn:  # noqa: ARG002
        """Raise CorruptionError."""
        raise CorruptionError("its payload is not upgraded")
