"""A store's identity, a generation's manifest, and the clean-shutdown marker, as sealed bytes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, TypeVar

from blake3 import blake3

from diptych.errors import (
    CorruptSnapshotError,
    CorruptStoreError,
    IncompatibleStoreError,
    InvalidArgumentError,
)
from diptych.layout import is_lsn, is_segment_digest
from diptych.metadata import MAX_METADATA_BYTES, Metadata
from diptych.schema.base import Schema
from diptych.schema.shape import Shape, decode_shape, differences, encode_shape
from diptych.schema.stored import StoredSchema
from diptych.sealed import require, require_number, seal, unseal
from diptych.segment.content import CONTENT_BYTES, content_bytes, reduced
from diptych.segment.seal import Seal, decode_seal, digest_of, encode_seal
from diptych.values import Value, as_dict, field_names, replace

IDENTITY_MAGIC = "DIPTYCHI"
MANIFEST_MAGIC = "DIPTYCHM"
CLOSED_MAGIC = "DIPTYCHC"
STORE_FORMAT = 2
"""Of the identity and of manifests."""

Sealed = TypeVar("Sealed")

NO_METADATA = Metadata()
_U64_MOST = 2**64 - 1
# The last millisecond of the year 9999: what the calendar can take.
MS_MOST = 253_402_300_799_999
_STORE_ID_BYTES = 16


class Identity(Value):
    """What a store is: made once, never changed."""

    store_id: bytes
    schema: str
    schema_version: int
    fingerprint: str
    created_ms: int
    origin_id: bytes = b""
    """Of a fork: the id of the store that it was made from …"""
    origin_lsn: int = 0
    """… and at which LSN; the same transactions up to it."""
    shape: Shape | None = None
    """Of the schema; None in a store that was written before shapes were stored."""

    @classmethod
    def new(cls, schema: Schema[Any]) -> Identity:
        """The identity of a store that is being made."""
        made = cls(os.urandom(16), schema.name, schema.version, "", now_ms())
        return made.upgraded(schema)

    def forked(self, origin: Identity, lsn: int) -> Identity:
        """The identity of a store that is made from `origin` as it was at `lsn`."""
        return replace(self, origin_id=origin.store_id, origin_lsn=lsn)

    def is_of(self, schema: Schema[Any]) -> bool:
        """Whether the store is of `schema`, or of one of its older versions, of the same shape."""
        return self._is_taken_in_by(schema) and self.fingerprint == schema.fingerprint(self.schema_version)

    def is_migrated_by(self, schema: Schema[Any]) -> bool:
        """Whether a writer with `schema` brings the store up to date, because the shape has changed."""
        return (
            self._is_taken_in_by(schema)
            and self.fingerprint != schema.fingerprint(self.schema_version)
            and self.shape is not None
            and self.stored_schema().fingerprint() == self.fingerprint
        )

    def stored_schema(self, older_versions: tuple[int, ...] = ()) -> StoredSchema:
        """A stand-in for the schema of the store, whose shape is known.

        Raises IncompatibleStoreError for a shape with a kind of field that a later version of Diptych made.
        """
        assert self.shape is not None
        try:
            return StoredSchema(self.schema, self.schema_version, self.shape, older_versions)
        except InvalidArgumentError as error:
            raise IncompatibleStoreError(
                f"this version of Diptych does not know the store's schema {self.schema!r}: {error.message}",
                advice="open it with the version of Diptych that wrote it, or a later one",
            ) from error

    def read_by(self, schema: Schema[Any]) -> Schema[Any]:
        """What opens its segments: a stand-in where the shape has changed. Raises IncompatibleStoreError."""
        return self.stored_schema(schema.older_versions) if self.is_migrated_by(schema) else schema

    def refuse_other(self, schema: Schema[Any], path: str) -> None:
        """Raise IncompatibleStoreError unless the store is of `schema`, or of an older version of it."""
        if self.is_of(schema):
            return
        if self.is_migrated_by(schema):
            assert self.shape is not None
            what = "; ".join(differences(self.shape, schema.shape))
            raise IncompatibleStoreError(
                f"{path} was written before its schema {self.schema!r} changed: {what}",
                advice="run `diptych migrate` once, or open it for writing: that rebuilds what is affected",
            )
        raise IncompatibleStoreError(
            f"{path} holds records of schema {self.schema!r} version {self.schema_version}, "
            f"and was opened with schema {schema.name!r} version {schema.version}{self._ahead_of(schema)}",
            advice="open it with the program that made it, or index again into a new store",
        )

    def _is_taken_in_by(self, schema: Schema[Any]) -> bool:
        version = self.schema_version
        return self.schema == schema.name and (version == schema.version or version in schema.older_versions)

    def _ahead_of(self, schema: Schema[Any]) -> str:
        """What the store has that a schema of the same name has not, as far as the store knows."""
        if self.schema != schema.name or self.shape is None:
            return ""
        what = "; ".join(differences(schema.shape, self.shape))
        return f"; in the store, {what}" if what else ""

    def upgraded(self, schema: Schema[Any]) -> Identity:
        """The identity of the same store with records of the current version of `schema`."""
        return replace(
            self, schema_version=schema.version, fingerprint=schema.fingerprint(), shape=schema.shape
        )


class ListedSegment(Value, slots=False):
    """A segment of a generation: what it is, and which of its records are dead."""

    sealed: bytes
    """The bytes of its SEAL, so that a damaged one loses nothing."""
    dead: bytes
    """Bitmap of the ids of dead records: bit `id & 7` of byte `id >> 3`, without zero bytes at the end."""
    records: int
    """How many are live; at least one."""
    counts: tuple[int, ...]
    """The schema's counters over the live records."""
    content: int | None
    """What the live records are together (`diptych.segment.content`); None before a writer computed it."""

    def is_live(self, record_id: int) -> bool:
        """Whether the record with that id is."""
        at = record_id >> 3
        return at >= len(self.dead) or not self.dead[at] >> (record_id & 7) & 1

    @cached_property
    def seal(self) -> Seal:
        """SEAL, decoded."""
        return _unsealed(self.sealed)[0]

    @cached_property
    def digest(self) -> str:
        """The segment's name: BLAKE3 of its SEAL, 64 hexadecimal digits."""
        return _unsealed(self.sealed)[1]


def listed_seal(seal: Seal) -> ListedSegment:
    """A segment as a manifest lists it while all of its records are live, but for its content."""
    return ListedSegment(encode_seal(seal), b"", seal.records, tuple(seal.counts.values()), None)


def listed_sealed(sealed: bytes) -> ListedSegment:
    """The same of the bytes of a SEAL. Raises CorruptSnapshotError, IncompatibleStoreError."""
    seal, _ = _unsealed(sealed)
    return ListedSegment(sealed, b"", seal.records, tuple(seal.counts.values()), None)


@lru_cache(maxsize=256)
def _unsealed(sealed: bytes) -> tuple[Seal, str]:
    """SEAL and its digest: generations share segments, and are opened again and again."""
    return decode_seal(sealed, where="a SEAL in a manifest"), digest_of(sealed)


class Adoption(NamedTuple):
    """That the transaction `lsn` adopted the segment with that digest."""

    lsn: int
    digest: str


class Manifest(Value):
    """A generation's metadata: no more than this file makes it one."""

    identity: Identity
    lsn: int
    chain: int
    """Checksum of the journal's last frame at `lsn`."""
    records: int
    counts: dict[str, int]
    """The schema's counters over all records."""
    created_ms: int
    modified_ms: int
    """When the newest of the transactions in it was committed, as far as known."""
    segments: tuple[ListedSegment, ...]
    """A key is live in one of them at most."""
    metadata: Metadata = NO_METADATA
    """That of the newest transaction that has any."""
    adopted: tuple[Adoption, ...] = ()
    """The segments that the journal names, as far back as it is kept: it cannot be read without them."""

    @property
    def has_dead_records(self) -> bool:
        """Whether the text of a removed or replaced record is in one of its files. A compaction drops it."""
        return any(listed.dead for listed in self.segments)

    @property
    def content_id(self) -> str:
        """What is in the generation: 64 hexadecimal digits, or "" where no writer computed it yet.

        Equal for the same records of the same schema, whatever their segments, LSNs and history.
        """
        total = 0
        for listed in self.segments:
            if listed.content is None:
                return ""
            total += listed.content
        of_schema = f"{self.identity.schema} {self.identity.fingerprint} {self.records} ".encode()
        return blake3(of_schema + content_bytes(reduced(total))).hexdigest()


class ClosedMark(Value):
    """How far the journal reached when the writer closed in order: it was complete up to there."""

    store_id: bytes
    lsn: int
    chain: int
    closed_ms: int


def manifest_of(
    identity: Identity,
    schema: Schema[Any],
    segments: Sequence[ListedSegment],
    *,
    lsn: int,
    chain: int,
    modified_ms: int,
    metadata: Metadata = NO_METADATA,
    adopted: Sequence[Adoption] = (),
) -> Manifest:
    """The manifest of the generation at `lsn` that consists of these segments."""
    totals = [sum(counts) for counts in zip(*(listed.counts for listed in segments), strict=True)]
    return Manifest(
        identity=identity,
        lsn=lsn,
        chain=chain,
        records=sum(listed.records for listed in segments),
        counts=dict(zip(schema.counters, totals or [0] * len(schema.counters), strict=True)),
        created_ms=now_ms(),
        modified_ms=modified_ms,
        segments=tuple(segments),
        metadata=metadata,
        adopted=tuple(adopted),
    )


def now_ms() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


def encode_identity(identity: Identity) -> bytes:
    """The IDENTITY file."""
    return seal(IDENTITY_MAGIC, _identity_body(identity), version=STORE_FORMAT)


def _identity_body(identity: Identity) -> dict[str, Any]:
    body = {name: getattr(identity, name) for name in field_names(Identity)}
    if not identity.origin_id:
        del body["origin_id"], body["origin_lsn"]
    del body["shape"]
    return body if identity.shape is None else {**body, "shape": encode_shape(identity.shape)}


def decode_identity(data: bytes, *, where: str, version: int = STORE_FORMAT) -> Identity:
    """The identity again.

    Raises CorruptStoreError, IncompatibleStoreError for a newer format, OlderFormatError for an older one.
    """
    return decode(IDENTITY_MAGIC, data, version, where, identity_of)


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest file."""
    body = {name: getattr(manifest, name) for name in field_names(Manifest)}
    body["identity"] = _identity_body(manifest.identity)
    body["segments"] = [
        [
            listed.sealed,
            listed.dead,
            listed.records,
            listed.counts,
            content_bytes(listed.content) if listed.content is not None else b"",
        ]
        for listed in manifest.segments
    ]
    if not manifest.adopted:
        del body["adopted"]
    return seal(MANIFEST_MAGIC, body, version=STORE_FORMAT)


def decode_manifest(data: bytes, *, where: str) -> Manifest:
    """The manifest again. Raises CorruptSnapshotError, or IncompatibleStoreError for another format."""
    try:
        return decode(MANIFEST_MAGIC, data, STORE_FORMAT, where, _manifest)
    except CorruptStoreError as error:
        raise CorruptSnapshotError(error.message, where=where) from error


def encode_closed(mark: ClosedMark) -> bytes:
    """The CLOSED file."""
    return seal(CLOSED_MAGIC, as_dict(mark))


def decode_closed(data: bytes, *, where: str) -> ClosedMark:
    """The marker again. Raises CorruptStoreError, or IncompatibleStoreError for a newer format."""
    return decode(CLOSED_MAGIC, data, 1, where, _closed)


def decode(
    magic: str, data: bytes, version: int, where: str, build: Callable[[dict[str, Any]], Sealed]
) -> Sealed:
    """What `build` makes of a document's body. Raises CorruptStoreError, IncompatibleStoreError."""
    try:
        return build(unseal(magic, data, version=version, where=where))
    except IncompatibleStoreError:
        raise
    except Exception as error:
        raise CorruptStoreError(f"{where} cannot be read: {error}", where=where) from error


# What a checksum lets through may still be a stranger's: each field is tested before anything is done by it.


def identity_of(body: dict[str, Any]) -> Identity:
    """The identity with these fields. Raises ValueError, TypeError."""
    shape = body.pop("shape", None)
    identity = Identity(**body, shape=None if shape is None else decode_shape(shape))
    _store_id(identity.store_id)
    require(type(identity.schema) is str and type(identity.fingerprint) is str, "its schema")
    require_number(identity.schema_version, _U64_MOST)
    require_number(identity.created_ms, MS_MOST)
    if identity.origin_id != b"" or identity.origin_lsn != 0:
        _store_id(identity.origin_id)
        require(is_lsn(identity.origin_lsn), f"LSN {identity.origin_lsn!r} of its origin")
    return identity


def require_totals(manifest: Any) -> None:
    """Raise ValueError unless the numbers that every manifest has make sense."""
    require(is_lsn(manifest.lsn), f"LSN {manifest.lsn!r}")
    require_number(manifest.chain, _U64_MOST)
    require_number(manifest.records, _U64_MOST)
    require_number(manifest.created_ms, MS_MOST)
    require_number(manifest.modified_ms, MS_MOST)
    require(type(manifest.counts) is dict, "its counts")
    for name, count in manifest.counts.items():
        require(type(name) is str, f"counter {name!r:.200}")
        require_number(count, _U64_MOST)


def _manifest(body: dict[str, Any]) -> Manifest:
    identity = identity_of(body.pop("identity"))
    segments = tuple(_listed(*row) for row in body.pop("segments"))
    metadata = _metadata(*body.pop("metadata", NO_METADATA))
    adopted = tuple(_adoption(*row) for row in body.pop("adopted", ()))
    manifest = Manifest(identity=identity, segments=segments, metadata=metadata, adopted=adopted, **body)
    require_totals(manifest)
    require(all(one.lsn <= manifest.lsn for one in adopted), "LSN of an adopted segment")
    require(metadata.lsn <= manifest.lsn, "LSN of its metadata")
    counters = tuple(manifest.counts)
    for listed in segments:
        own = listed.seal
        # It may be of an older version of the schema. Its counts are summed up by position.
        require(
            own.schema == identity.schema
            and own.schema_version <= identity.schema_version
            and (own.schema_version < identity.schema_version or own.fingerprint == identity.fingerprint)
            and tuple(own.counts) == counters
            and len(listed.counts) == len(counters),
            f"schema of segment {listed.digest}",
        )
    # The same one twice: each of its records would count double.
    require(len({listed.seal.segment_id for listed in segments}) == len(segments), "list of segments")
    require(sum(listed.records for listed in segments) == manifest.records, "number of records")
    totals = [sum(listed.counts[n] for listed in segments) for n in range(len(counters))]
    require(totals == list(manifest.counts.values()), "sum of its counts")
    return manifest


def _listed(sealed: Any, dead: Any, records: Any, counts: Any, content: Any = b"") -> ListedSegment:
    require(type(sealed) is bytes and type(dead) is bytes and type(counts) is list, "a listed segment")
    require(type(content) is bytes and len(content) in (0, CONTENT_BYTES), "a content")
    listed = ListedSegment(
        sealed,
        dead,
        records,
        tuple(require_number(count, _U64_MOST) for count in counts),
        int.from_bytes(content, "little") if content else None,
    )
    all_records = listed.seal.records
    require(require_number(records, all_records) > 0, "a segment without records")
    bits = int.from_bytes(dead, "little")
    require(not dead or dead[-1], "end of a bitmap")
    require(bits >> all_records == 0 and bits.bit_count() == all_records - records, "a bitmap")
    return listed


def _adoption(lsn: Any, digest: Any) -> Adoption:
    require(is_lsn(lsn), f"LSN {lsn!r} of an adopted segment")
    require(is_segment_digest(digest), f"digest {digest!r:.200}")
    return Adoption(lsn, digest)


def _metadata(lsn: Any, packed: Any) -> Metadata:
    require(is_lsn(lsn), f"LSN {lsn!r} of its metadata")
    require(type(packed) is bytes and len(packed) <= MAX_METADATA_BYTES, "its metadata")
    require(bool(packed) == bool(lsn), "metadata without an LSN")
    return Metadata(lsn, packed)


def _closed(body: dict[str, Any]) -> ClosedMark:
    mark = ClosedMark(**body)
    _store_id(mark.store_id)
    require(is_lsn(mark.lsn), f"LSN {mark.lsn!r}")
    require_number(mark.chain, _U64_MOST)
    require_number(mark.closed_ms, MS_MOST)
    return mark


def _store_id(value: Any) -> None:
    require(isinstance(value, bytes) and len(value) == _STORE_ID_BYTES, f"store id {value!r:.200}")
