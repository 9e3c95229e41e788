"""A store's identity, a generation's manifest, and the mark of an orderly close, as sealed bytes."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeVar

from diptych.errors import CorruptSnapshotError, CorruptStoreError, IncompatibleStoreError
from diptych.layout import SEARCH, SEARCH_META, is_generation_file, is_lsn
from diptych.schema.base import Schema
from diptych.sealed import MAX_SIZE_BYTES, seal, unseal

IDENTITY_MAGIC = "DIPTYCHI"
MANIFEST_MAGIC = "DIPTYCHM"
CLOSED_MAGIC = "DIPTYCHC"

Sealed = TypeVar("Sealed")

_U64_MOST = 2**64 - 1
# A file's size, and the last millisecond of the year 9999: what the system and the calendar can take.
_SIZE_MOST = 2**63 - 1
_MS_MOST = 253_402_300_799_999
_STORE_ID_BYTES = 16
_BLAKE3_HEX = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Identity:
    """What a store is: made once, never changed."""

    store_id: bytes
    schema: str
    schema_version: int
    fingerprint: str
    created_ms: int

    @classmethod
    def new(cls, schema: Schema[Any]) -> Identity:
        """The identity of a store that is being made."""
        return cls(secrets.token_bytes(16), schema.name, schema.version, schema.fingerprint(), now_ms())

    def refuse_other(self, schema: Schema[Any], path: str) -> None:
        """Raise IncompatibleStoreError unless the store was made with `schema`, or an older version of it."""
        version = self.schema_version
        known = version == schema.version or version in schema.older_versions
        if self.schema != schema.name or not known or self.fingerprint != schema.fingerprint(version):
            raise IncompatibleStoreError(
                f"{path} holds records of schema {self.schema!r} version {self.schema_version}, "
                f"and was opened with schema {schema.name!r} version {schema.version}",
                advice="open it with the program that made it, or index again into a new store",
            )


    def upgraded(self, schema: Schema[Any]) -> Identity:
        """The identity of the same store with records of the current version of `schema`."""
        return replace(self, schema_version=schema.version, fingerprint=schema.fingerprint())


@dataclass(frozen=True, slots=True)
class Manifest:
    """A generation's metadata."""

    identity: Identity
    lsn: int
    chain: int
    """Checksum of the journal's last frame at `lsn`, which the search leaf's watermark repeats."""
    records: int
    counts: dict[str, int]
    """The schema's counters over all records."""
    created_ms: int
    modified_ms: int
    """When the newest of the transactions in it was committed, as far as known."""
    files: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Of each file, by its path below the generation: size in bytes, BLAKE3 in hexadecimal."""

    def of_search(self) -> dict[str, tuple[int, str]]:
        """The search leaf's files, by name."""
        prefix = "search/"
        return {name[len(prefix) :]: facts for name, facts in self.files.items() if name.startswith(prefix)}


@dataclass(frozen=True, slots=True)
class ClosedMark:
    """How far the journal reached when the writer left in order: it was whole up to there."""

    store_id: bytes
    lsn: int
    chain: int
    closed_ms: int


def now_ms() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


def encode_identity(identity: Identity) -> bytes:
    """The IDENTITY file."""
    return seal(IDENTITY_MAGIC, asdict(identity))


def decode_identity(data: bytes, *, where: str) -> Identity:
    """The identity again. Raises CorruptStoreError, or IncompatibleStoreError for a newer format."""
    return _decode(IDENTITY_MAGIC, data, where, _identity)


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest file."""
    return seal(MANIFEST_MAGIC, asdict(manifest))


def decode_manifest(data: bytes, *, where: str) -> Manifest:
    """The manifest again. Raises CorruptSnapshotError, or IncompatibleStoreError for a newer format."""

    try:
        return _decode(MANIFEST_MAGIC, data, where, _manifest)
    except CorruptStoreError as error:
        raise CorruptSnapshotError(error.message, where=where) from error


def encode_closed(mark: ClosedMark) -> bytes:
    """The CLOSED file."""
    return seal(CLOSED_MAGIC, asdict(mark))


def decode_closed(data: bytes, *, where: str) -> ClosedMark:
    """The mark again. Raises CorruptStoreError, or IncompatibleStoreError for a newer format."""
    return _decode(CLOSED_MAGIC, data, where, _closed)


def _decode(magic: str, data: bytes, where: str, build: Callable[[dict[str, Any]], Sealed]) -> Sealed:
    try:
        return build(unseal(magic, data, where=where))
    except IncompatibleStoreError:
        raise
    except Exception as error:
        raise CorruptStoreError(f"{where} cannot be read: {error}", where=where) from error


# What a checksum lets through may still be a stranger's: each field is tested before anything is done by it.


def _identity(body: dict[str, Any]) -> Identity:
    identity = Identity(**body)
    _store_id(identity.store_id)
    _require(type(identity.schema) is str and type(identity.fingerprint) is str, "its schema")
    _number(identity.schema_version, _U64_MOST)
    _number(identity.created_ms, _MS_MOST)
    return identity


def _manifest(body: dict[str, Any]) -> Manifest:
    identity = _identity(body.pop("identity"))
    files = {_file_name(name): _facts(*facts) for name, facts in body.pop("files").items()}
    meta_bytes, _ = files.get(f"{SEARCH}/{SEARCH_META}", (0, ""))
    # Tantivy reads it into memory.
    _require(meta_bytes <= MAX_SIZE_BYTES, f"size {meta_bytes:,} of {SEARCH_META}")
    manifest = Manifest(identity=identity, files=files, **body)
    _require(is_lsn(manifest.lsn), f"LSN {manifest.lsn!r}")
    _number(manifest.chain, _U64_MOST)
    _number(manifest.records, _U64_MOST)
    _number(manifest.created_ms, _MS_MOST)
    _number(manifest.modified_ms, _MS_MOST)
    for name, count in manifest.counts.items():
        _require(type(name) is str, f"counter {name!r}")
        _number(count, _U64_MOST)
    return manifest


def _closed(body: dict[str, Any]) -> ClosedMark:
    mark = ClosedMark(**body)
    _store_id(mark.store_id)
    _require(is_lsn(mark.lsn), f"LSN {mark.lsn!r}")
    _number(mark.chain, _U64_MOST)
    _number(mark.closed_ms, _MS_MOST)
    return mark


def _file_name(name: Any) -> str:
    # It is joined to the generation's path, opened, and linked.
    _require(is_generation_file(name), f"file name {name!r:.200}")
    return str(name)


def _facts(size: Any, blake3_hex: Any) -> tuple[int, str]:
    _require(isinstance(blake3_hex, str) and _BLAKE3_HEX.match(blake3_hex), f"hash {blake3_hex!r:.200}")
    return _number(size, _SIZE_MOST), str(blake3_hex)


def _store_id(value: Any) -> None:
    _require(isinstance(value, bytes) and len(value) == _STORE_ID_BYTES, f"store id {value!r:.200}")


def _number(value: Any, most: int) -> int:
    _require(type(value) is int and 0 <= value <= most, f"number {value!r:.200}")
    return int(value)


def _require(holds: object, what: str) -> None:
    if not holds:
        raise ValueError(f"{what} makes no sense")
