"""SEAL, the document that completes a segment, and by its BLAKE3 names it. Pure: values to bytes and back.

A sealed document (`diptych.sealed`) of magic DIPTYCHG. Its body is a map with the fields of `Seal`, in their
order; `files` is an array of [name, size, XXH3-128, BLAKE3], in order of name. Each value has one encoding:
what would be encoded otherwise is refused, so that a segment has one name.
"""

from __future__ import annotations

import re
from typing import Any

from blake3 import blake3

from diptych.errors import CorruptSnapshotError, IncompatibleStoreError
from diptych.fs import FileDigests
from diptych.layout import BUNDLE, RECORDS, are_segment_files, is_segment_id
from diptych.schema.base import MAX_KEY_BYTES, Schema
from diptych.sealed import require, require_number, seal, unseal
from diptych.values import Value, field_names

MAGIC = "DIPTYCHG"

# A file's size, and what a record's id and a document's number can be.
_SIZE_MOST = 2**63 - 1
_NUMBER_MOST = 2**31 - 1
_COUNT_MOST = 2**64 - 1
_NAME_CHARS_MOST = 1_024
_COUNTERS_MOST = 1_024
_FINGERPRINT = re.compile(r"[0-9a-f]{32}\Z")


class Seal(Value):
    """What a segment is."""

    schema: str
    schema_version: int
    fingerprint: str
    """The schema's `fingerprint()`: its name, version, fields, indexes and counters."""
    records: int
    counts: dict[str, int]
    """The schema's counters over all records."""
    documents: int
    """All of Tantivy's documents: its `max_doc`."""
    segment_id: str
    """Tantivy's id, as 32 hexadecimal digits."""
    index_format: int
    """The version of the format of Tantivy's files, as their footers have it."""
    first_key: bytes
    last_key: bytes
    files: dict[str, FileDigests]
    """Every file of the directory but SEAL itself, by name."""

    @property
    def is_bundled(self) -> bool:
        """Whether Tantivy's files are in one bundle."""
        return BUNDLE in self.files

    @property
    def records_bytes(self) -> int:
        """The size of the records' half."""
        return self.files[RECORDS].size_bytes

    @property
    def search_bytes(self) -> int:
        """The size of the search half."""
        return sum(digests.size_bytes for digests in self.files.values()) - self.records_bytes

    def refuse_other(self, schema: Schema[Any], where: str) -> None:
        """Raise IncompatibleStoreError unless the segment at `where` is of `schema`, or an older version."""
        version = self.schema_version
        known = version == schema.version or version in schema.older_versions
        if self.schema != schema.name or not known or self.fingerprint != schema.fingerprint(version):
            raise IncompatibleStoreError(
                f"{where} holds records of schema {self.schema!r} version {self.schema_version}, "
                f"and was opened with schema {schema.name!r} version {schema.version}",
                advice="open it with the program that built it, or build it again with this schema",
            )


def encode_seal(value: Seal) -> bytes:
    """The SEAL file."""
    body = {name: getattr(value, name) for name in field_names(Seal)}
    body["files"] = [[name, *value.files[name]] for name in sorted(value.files)]
    return seal(MAGIC, body)


def digest_of(data: bytes) -> str:
    """The name of the segment with these bytes as its SEAL: BLAKE3, 64 hexadecimal digits."""
    return blake3(data).hexdigest()


def decode_seal(data: bytes, *, where: str) -> Seal:
    """The seal again. Raises CorruptSnapshotError, or IncompatibleStoreError for a newer format."""
    try:
        decoded = _seal(unseal(MAGIC, data, where=where))
        require(encode_seal(decoded) == data, "its encoding")
    except IncompatibleStoreError:
        raise
    except Exception as error:
        raise CorruptSnapshotError(f"{where} cannot be read: {error}", where=where) from error
    return decoded


# What a checksum lets through may still be a stranger's: each field is tested before anything is done by it.


def _seal(body: dict[str, Any]) -> Seal:
    rows = body.pop("files")
    require(type(rows) is list and len(rows) <= 16, "list of files")
    files = {name: _digests(*facts) for name, *facts in rows}
    value = Seal(**body, files=files)
    require(type(value.schema) is str and len(value.schema) <= _NAME_CHARS_MOST, "its schema")
    require(type(value.fingerprint) is str and _FINGERPRINT.match(value.fingerprint), "its fingerprint")
    require_number(value.schema_version, _COUNT_MOST)
    require(type(value.counts) is dict and len(value.counts) <= _COUNTERS_MOST, "its counts")
    for counter, count in value.counts.items():
        require(type(counter) is str, f"counter {counter!r:.200}")
        require_number(count, _COUNT_MOST)
    # A record has at least the document that holds it.
    require(require_number(value.records, _NUMBER_MOST) > 0, "no records")
    require(value.records <= require_number(value.documents, _NUMBER_MOST), "fewer documents than records")
    require_number(value.index_format, 2**32 - 1)
    for key in (value.first_key, value.last_key):
        require(type(key) is bytes and 0 < len(key) <= MAX_KEY_BYTES, f"key {key!r:.200}")
    require(value.first_key <= value.last_key, "order of its keys")
    # The names are joined to the segment's path, opened, and linked.
    require(is_segment_id(value.segment_id), f"segment id {value.segment_id!r:.200}")
    require(len(files) == len(rows) and are_segment_files(files, value.segment_id), "list of files")
    return value


def _digests(size_bytes: Any, xxh3_128: Any, blake3_digest: Any) -> FileDigests:
    require(type(xxh3_128) is bytes and len(xxh3_128) == 16, f"XXH3-128 {xxh3_128!r:.200}")
    require(type(blake3_digest) is bytes and len(blake3_digest) == 32, f"BLAKE3 {blake3_digest!r:.200}")
    return FileDigests(require_number(size_bytes, _SIZE_MOST), xxh3_128, blake3_digest)
