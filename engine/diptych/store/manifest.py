"""A store's identity, a generation's manifest, and the mark of an orderly close, as sealed bytes."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from diptych.errors import CorruptSnapshotError, CorruptStoreError, IncompatibleStoreError
from diptych.schema.base import Schema
from diptych.sealed import seal, unseal

IDENTITY_MAGIC = "DIPTYCHI"
MANIFEST_MAGIC = "DIPTYCHM"
CLOSED_MAGIC = "DIPTYCHC"

Sealed = TypeVar("Sealed")


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
        """Raise IncompatibleStoreError unless the store was made with `schema`."""
        if (self.schema, self.schema_version, self.fingerprint) != (
            schema.name,
            schema.version,
            schema.fingerprint(),
        ):
            raise IncompatibleStoreError(
                f"{path} holds records of schema {self.schema!r} version {self.schema_version}, "
                f"and was opened with schema {schema.name!r} version {schema.version}",
                advice="open it with the program that made it, or index again into a new store",
            )


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
        return {
            name[len(prefix) :]: facts for name, facts in self.files.items() if name.startswith(prefix)
        }


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
    return _decode(IDENTITY_MAGIC, data, where, lambda body: Identity(**body))


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest file."""
    return seal(MANIFEST_MAGIC, asdict(manifest))


def decode_manifest(data: bytes, *, where: str) -> Manifest:
    """The manifest again. Raises CorruptSnapshotError, or IncompatibleStoreError for a newer format."""

    def build(body: dict[str, Any]) -> Manifest:
        identity = Identity(**body.pop("identity"))
        files = {str(name): (int(size), str(hash_)) for name, (size, hash_) in body.pop("files").items()}
        return Manifest(identity=identity, files=files, **body)

    try:
        return _decode(MANIFEST_MAGIC, data, where, build)
    except CorruptStoreError as error:
        raise CorruptSnapshotError(error.message, where=where) from error


def encode_closed(mark: ClosedMark) -> bytes:
    """The CLOSED file."""
    return seal(CLOSED_MAGIC, asdict(mark))


def decode_closed(data: bytes, *, where: str) -> ClosedMark:
    """The mark again. Raises CorruptStoreError, or IncompatibleStoreError for a newer format."""
    return _decode(CLOSED_MAGIC, data, where, lambda body: ClosedMark(**body))


def _decode(magic: str, data: bytes, where: str, build: Callable[[dict[str, Any]], Sealed]) -> Sealed:
    try:
        return build(unseal(magic, data, where=where))
    except IncompatibleStoreError:
        raise
    except Exception as error:
        raise CorruptStoreError(f"{where} cannot be read: {error}", where=where) from error
