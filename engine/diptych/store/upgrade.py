"""Payloads of older versions of a schema, upgraded as they are read.

A segment and a journal file say which version their payloads are of. What was upgraded gets a checksum of its
own when it is written again.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from diptych.change import Change, FileIndexed, PayloadPlace, StoredRecord, record_checksum
from diptych.errors import IncompatibleStoreError
from diptych.schema.base import Schema


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
        return self.schema.upgrade(self.place.schema_version, self.place.read(key, checksum))


def upgrades(schema: Schema[Any]) -> bool:
    """Whether the schema does anything to older payloads."""
    return type(schema).upgrade is not Schema.upgrade


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
    """A record of a version as one of the current version. Raises CorruptionError."""
    if version in (0, schema.version):
        return record
    payload = schema.upgrade(version, record.payload)
    if payload is record.payload:
        return record
    return StoredRecord(record.key, record_checksum(record.key, payload), payload)


def record_of(change: FileIndexed) -> StoredRecord:
    """The record of a change, to be written again. Raises CorruptionError, StorageError."""
    payload = change.payload
    is_upgraded = isinstance(change.stored, UpgradedPlace)
    checksum = record_checksum(change.key, payload) if is_upgraded else change.checksum
    return StoredRecord(change.key, checksum, payload)
