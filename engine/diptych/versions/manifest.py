"""A version's manifest: pure bytes <-> values.

    [magic: str, format: int, body: bin, BLAKE3 of magic, format and body: bin 32]

The body is a msgpack map, so any msgpack decoder can read all of it. Paths are bytes, relative to the
version's directory, with `/` between components. A file's digest is BLAKE3, 32 bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgpack
from blake3 import blake3

from diptych.fs import is_misplaced
from diptych.layout import is_path_inside
from diptych.versions.errors import (
    CorruptVersionError,
    IncompatibleVersionError,
    InvalidAssetError,
    InvalidVersionNameError,
)
from diptych.versions.names import check_asset_name, check_version_name

MAGIC = "diptych version"
FORMAT_VERSION = 1
# Room for about two million files. A longer manifest is damaged; do not allocate for it.
MAX_SIZE_BYTES = 256 * 1024 * 1024
METRICS = ("cosine", "inner_product", "l2")
# How far back `rollback` can go. Every manifest stores this chain.
MAX_LINEAGE = 64


@dataclass(frozen=True, slots=True)
class Embedding:
    """How the vectors of a version were made. Raises InvalidAssetError for invalid values.

    `dimension` counts components; `metric` is one of METRICS.
    """

    model: str
    dimension: int
    metric: str

    def __post_init__(self) -> None:
        if not isinstance(self.model, str) or not self.model:
            raise InvalidAssetError("an embedding needs the name of its model")
        if type(self.dimension) is not int or not 0 < self.dimension < 2**31:
            raise InvalidAssetError(f"an embedding's dimension is a positive number, not {self.dimension!r}")
        if self.metric not in METRICS:
            raise InvalidAssetError(
                f"an embedding's metric cannot be {self.metric!r}", advice=f"use one of {', '.join(METRICS)}"
            )


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a version: its size in bytes and its BLAKE3."""

    size_bytes: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class AssetEntry:
    """The kind of an asset, and its parts: part name -> path inside the version."""

    kind: str
    parts: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The contents of one version.

    `sequence` numbers the published versions of a base from 1; it is 0 while the version is only staged.
    `lineage` names the versions that were current before it, most recent first. Times are Unix nanoseconds.
    """

    version: str
    files: Mapping[bytes, FileEntry]
    directories: frozenset[bytes]
    assets: Mapping[str, AssetEntry]
    attrs: Mapping[str, Any] = field(default_factory=dict)
    embedding: Embedding | None = None
    created_ns: int = 0
    published_ns: int = 0
    sequence: int = 0
    lineage: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        """The total size of all files, including those shared with other versions."""
        return sum(entry.size_bytes for entry in self.files.values())


def encode(manifest: Manifest) -> bytes:
    """The manifest as bytes. Raises InvalidAssetError if an attribute cannot be stored."""
    embedding = manifest.embedding
    body = msgpack.packb(
        {
            "version": manifest.version,
            "created_ns": manifest.created_ns,
            "published_ns": manifest.published_ns,
            "sequence": manifest.sequence,
            "lineage": manifest.lineage,
            "attrs": dict(manifest.attrs),
            "embedding": embedding and [embedding.model, embedding.dimension, embedding.metric],
            "assets": {name: [asset.kind, dict(asset.parts)] for name, asset in manifest.assets.items()},
            "directories": sorted(manifest.directories),
            "files": {path: [manifest.files[path].size_bytes, manifest.files[path].digest]
                      for path in sorted(manifest.files)},
        }
    )
    return bytes(msgpack.packb([MAGIC, FORMAT_VERSION, body, _digest(MAGIC, FORMAT_VERSION, body)]))


def decode(data: bytes, where: str) -> Manifest:
    """The manifest in `data`; `where` names it in messages.

    Raises CorruptVersionError, and IncompatibleVersionError for a newer format.
    """
    body = _body(data, where)
    try:
        embedding = body["embedding"]
        manifest = Manifest(
            version=check_version_name(body["version"]),
            files={_path(path): _file(entry) for path, entry in body["files"].items()},
            directories=frozenset(_path(path) for path in body["directories"]),
            assets={check_asset_name(name): _asset(entry) for name, entry in body["assets"].items()},
            attrs=dict(body["attrs"]),
            embedding=Embedding(*embedding) if embedding else None,
            created_ns=_count(body["created_ns"]),
            published_ns=_count(body["published_ns"]),
            sequence=_count(body["sequence"]),
            lineage=tuple(check_version_name(name) for name in body["lineage"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, InvalidVersionNameError) as error:
        raise _corrupt(where, f"has an invalid field ({error})") from error
    return manifest


def check_attrs(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of `attrs` as they will be read back (tuples become lists). Raises InvalidAssetError."""
    if not all(isinstance(name, str) for name in attrs):
        raise InvalidAssetError("the name of an attribute must be a string")
    try:
        copy = _unpacked(msgpack.packb(dict(attrs)))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidAssetError(
            f"an attribute cannot be stored: {error}",
            advice="use strings, numbers, booleans, None, and lists and dictionaries of these",
        ) from error
    return dict(copy)


def _body(data: bytes, where: str) -> dict[str, Any]:
    if len(data) > MAX_SIZE_BYTES:
        raise _corrupt(where, "is too long to be valid")
    try:
        parts = _unpacked(data)
    except Exception as error:  # msgpack raises a dozen kinds; all mean damage
        raise _corrupt(where, "does not decode") from error
    if not isinstance(parts, list) or len(parts) != 4 or parts[0] != MAGIC:
        raise _corrupt(where, "is not the manifest of a version")
    _, version, packed, digest = parts
    if type(version) is not int or not isinstance(packed, bytes) or digest != _digest(MAGIC, version, packed):
        raise _corrupt(where, "fails its checksum")
    if version > FORMAT_VERSION:
        raise IncompatibleVersionError(
            f"{where} is of format {version}, and this Diptych reads up to format {FORMAT_VERSION}",
            advice="open it with a newer Diptych",
        )
    try:
        body = _unpacked(packed)
    except Exception as error:  # see above
        raise _corrupt(where, "does not decode") from error
    if not isinstance(body, dict):
        raise _corrupt(where, "does not hold a map")
    return body


def _unpacked(data: bytes) -> Any:
    """Decode msgpack whose map keys are plain values. Raises all kinds of Exception."""
    try:
        return msgpack.unpackb(data)
    except ValueError:
        # An attribute may hold a dictionary whose keys are numbers, say.
        return msgpack.unpackb(data, strict_map_key=False, object_pairs_hook=_plain_map)


def _plain_map(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    # Timestamps can be crafted so that their hashes collide, and a map of them never finishes.
    if not all(isinstance(key, str | bytes | int | float | None) for key, _ in pairs):
        raise ValueError("a map key is neither text nor a number")
    return dict(pairs)


def _digest(magic: str, version: int, body: bytes) -> bytes:
    return blake3(f"{magic} {version} ".encode() + body).digest()


def _path(path: Any) -> bytes:
    # A path that leads out of the version would let verify or sharing read a file elsewhere.
    if not is_path_inside(path):
        raise ValueError(f"path {path!r}")
    assert isinstance(path, bytes)
    return path


def _file(entry: Any) -> FileEntry:
    size_bytes, digest = entry
    if not isinstance(digest, bytes) or len(digest) != 32:
        raise ValueError(f"digest {digest!r}")
    return FileEntry(_count(size_bytes), digest)


def _asset(entry: Any) -> AssetEntry:
    kind, parts = entry
    if not isinstance(kind, str) or not all(isinstance(part, str) for part in parts):
        raise ValueError(f"asset {kind!r}")
    return AssetEntry(kind, {part: _path(path) for part, path in parts.items()})


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"number {value!r}")
    return value


def raise_if_misplaced(error: OSError, where: str) -> None:
    """Raise CorruptVersionError if `error` says that what is at `where` cannot be a manifest."""
    if is_misplaced(error):
        raise _corrupt(where, f"cannot be a manifest: {error.strerror}") from error


def _corrupt(where: str, what: str) -> CorruptVersionError:
    return CorruptVersionError(
        f"{where} {what}",
        where=where,
        advice="roll back to an intact version (`diptych versions rollback`), and discard this one",
    )
