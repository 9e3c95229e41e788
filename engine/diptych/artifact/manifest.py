"""What an artifact is, as canonical JSON: the files of a generation, and from which bytes each is decoded.

Its name is the SHA-256 of its bytes. A reader checks every field before it acts on one: a manifest may be a
stranger's. Formats: docs/sharing.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from diptych.artifact.documents import (
    FORMAT,
    canonical,
    hostile,
    parse_document,
    read_hash,
    read_list,
    read_number,
    read_text,
    read_texts,
    require,
    slots_of,
)
from diptych.artifact.names import is_digest, is_ref
from diptych.artifact.remotes.base import MAX_BLOB_BYTES, MAX_MANIFEST_BYTES, BlobSize
from diptych.layout import (
    BUNDLE,
    GENERATIONS,
    RECORDS,
    SEARCH_SUFFIXES,
    SEGMENTS,
    is_lsn,
    is_segment_digest,
    is_segment_id,
    parse_generation_name,
)

MAX_FILES = 100_000
MAX_PIECES = 200_000
MAX_BASES = 64
"""Of one piece."""
MAX_DEPTH = 16
"""How many pieces are decoded one after the other for the sake of one."""
MAX_BASES_BYTES = 128 * 1024 * 1024
"""Of the bases of one piece together: a decoder holds them in memory, and sees no further back."""
SPAN_BYTES = 64 * 1024 * 1024
"""Files are encoded in pieces of this many bytes, the last one shorter."""

RAW, ZSTD, PREFIX = "raw", "zstd", "zstd-prefix"
CODECS = (RAW, ZSTD, PREFIX)


@dataclass(frozen=True, slots=True)
class Piece:
    """Up to SPAN_BYTES of a file, and the bytes of a blob that they are decoded from."""

    codec: str
    blob: str
    """SHA-256 of the blob."""
    offset: int
    length: int
    """Of the encoded bytes in it."""
    sha256: str
    """Of the encoded bytes, so that no decoder sees others."""
    size_bytes: int
    """Decoded."""
    bases: tuple[str, ...] = ()
    """With `zstd-prefix`: the files, by BLAKE3, that together are the prefix it was compressed with."""


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """A file of the generation, or one that only pieces of others are decoded with."""

    path: str
    """Below the store; "" for one that is needed for others alone."""
    size_bytes: int
    blake3: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """Which store it is a generation of."""

    store_id: str
    schema: str
    schema_version: int
    fingerprint: str
    lsn: int
    chain: int
    records: int
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Source:
    """What was indexed; each "" where it is unknown."""

    repo_id: str = ""
    """BLAKE3 of the repository's normalised origin."""
    commit: str = ""
    branch: str = ""
    dirty: int = 0
    """1 where the working tree had changes that are in no commit."""


@dataclass(frozen=True, slots=True)
class ArtifactManifest:
    """An artifact."""

    content_id: str
    created_ms: int
    tool: str
    store: StoreFacts
    files: tuple[ArtifactFile, ...]
    """In order of path."""
    bases: tuple[ArtifactFile, ...] = ()
    """In order of BLAKE3: files of earlier generations that pieces are decoded with."""
    source: Source = field(default_factory=Source)
    indexer: Mapping[str, str] = field(default_factory=dict)
    """What the index was made with, such as the versions of grammars; compared, never acted on."""
    filter: Mapping[str, str] = field(default_factory=dict)
    """What was looked for before it left the machine."""
    parent: str = ""
    """The manifest that the ref named before; "" for none."""

    def all_files(self) -> dict[str, ArtifactFile]:
        """Every file that can be decoded from this manifest, by BLAKE3."""
        return {one.blake3: one for one in (*self.bases, *self.files)}

    def blobs(self) -> list[BlobSize]:
        """The blobs that it needs, each with how many of its bytes are known to be there."""
        ends: dict[str, int] = {}
        for one in (*self.files, *self.bases):
            for piece in one.pieces:
                ends[piece.blob] = max(ends.get(piece.blob, 0), piece.offset + piece.length)
        return [BlobSize(digest, end) for digest, end in sorted(ends.items())]

    @property
    def size_bytes(self) -> int:
        """The size of the generation's files."""
        return sum(one.size_bytes for one in self.files)

    @property
    def encoded_bytes(self) -> int:
        """How many bytes one who has nothing needs to read."""
        pieces = {piece for one in (*self.files, *self.bases) for piece in one.pieces}
        return sum(piece.length for piece in pieces)


def encode_manifest(manifest: ArtifactManifest) -> bytes:
    """The manifest as bytes; their SHA-256 is its name."""
    store = manifest.store
    return canonical(
        {
            "format": FORMAT,
            "kind": "generation",
            "critical": [],
            "content_id": manifest.content_id,
            "created_ms": manifest.created_ms,
            "tool": manifest.tool,
            "parent": manifest.parent,
            "store": {**slots_of(store), "counts": dict(store.counts)},
            "source": slots_of(manifest.source),
            "indexer": dict(manifest.indexer),
            "filter": dict(manifest.filter),
            "files": [_file_body(one) for one in manifest.files],
            "bases": [_file_body(one) for one in manifest.bases],
        }
    )


def decode_manifest(data: bytes, *, where: str) -> ArtifactManifest:
    """The manifest again. Raises HostileArtifactError, IncompatibleArtifactError for a newer format."""
    body = parse_document(data, MAX_MANIFEST_BYTES, where, kind="generation")
    try:
        return _manifest(body)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise hostile(where, error) from error


def is_artifact_path(path: object) -> bool:
    """Whether a file of an artifact may have that path: a generation's manifest, or a segment's file.

    So there is no way to name anything outside of the store, or what is not the generation's.
    """
    if not isinstance(path, str):
        return False
    parts = path.split("/")
    if len(parts) == 2:
        return parts[0] == GENERATIONS and parse_generation_name(parts[1]) is not None
    return len(parts) == 3 and parts[0] == SEGMENTS and is_segment_digest(parts[1]) and _in_segment(parts[2])


def _in_segment(name: str) -> bool:
    if name in (RECORDS, BUNDLE):
        return True
    segment_id, _, suffix = name.partition(".")
    return is_segment_id(segment_id) and suffix in SEARCH_SUFFIXES


def _file_body(one: ArtifactFile) -> dict[str, Any]:
    return {
        "path": one.path,
        "size": one.size_bytes,
        "blake3": one.blake3,
        "enc": [
            {
                "codec": piece.codec,
                "blob": piece.blob,
                "offset": piece.offset,
                "length": piece.length,
                "sha256": piece.sha256,
                "size": piece.size_bytes,
                **({"bases": list(piece.bases)} if piece.bases else {}),
            }
            for piece in one.pieces
        ],
    }


def _manifest(body: dict[str, Any]) -> ArtifactManifest:
    pieces_left = [MAX_PIECES]
    files = tuple(_file(one, pieces_left) for one in read_list(body["files"], MAX_FILES))
    bases = tuple(_file(one, pieces_left) for one in read_list(body["bases"], MAX_FILES))
    paths = [one.path for one in files]
    require(paths == sorted(set(paths)) and all(map(is_artifact_path, paths)), "the paths of its files")
    manifests = [path for path in paths if path.startswith(f"{GENERATIONS}/")]
    require(len(manifests) == 1, "the number of its generations")
    hashes = [one.blake3 for one in bases]
    require(hashes == sorted(set(hashes)) and not any(one.path for one in bases), "its bases")
    require(not set(hashes) & {one.blake3 for one in files}, "a base that is one of its files")
    parent = body["parent"]
    require(parent == "" or is_digest(parent), "its parent")
    manifest = ArtifactManifest(
        content_id=read_hash(body["content_id"]),
        created_ms=read_number(body["created_ms"]),
        tool=read_text(body["tool"]),
        store=_store(body["store"]),
        files=files,
        bases=bases,
        source=_source(body["source"]),
        indexer=read_texts(body["indexer"]),
        filter=read_texts(body["filter"]),
        parent=parent,
    )
    decode_order(manifest)
    return manifest


def decode_order(manifest: ArtifactManifest) -> list[ArtifactFile]:
    """Every file of a manifest, each after those that it is decoded with.

    Raises ValueError for a base that there is not, a circle of bases, or too long a chain of them.
    """
    known = manifest.all_files()
    ordered: list[ArtifactFile] = []
    depths: dict[str, int] = {}

    def visit(digest: str, above: int) -> int:
        if digest in depths:
            return depths[digest]
        require(digest in known, f"base {digest}")
        # A circle is a chain without an end, too.
        require(above <= MAX_DEPTH, "the length of a chain of bases")
        one = known[digest]
        for piece in one.pieces:
            prefix_bytes = sum(known[base].size_bytes for base in piece.bases if base in known)
            require(prefix_bytes <= MAX_BASES_BYTES, "the size of a piece's bases")
        below = [visit(base, above + 1) for piece in one.pieces for base in piece.bases]
        depths[digest] = 1 + max(below, default=0)
        require(depths[digest] <= MAX_DEPTH, "the length of a chain of bases")
        ordered.append(one)
        return depths[digest]

    for digest in known:
        visit(digest, 1)
    return ordered


def depths_of(manifest: ArtifactManifest) -> dict[str, int]:
    """By BLAKE3, how many pieces are decoded one after the other for each file; at least 1."""
    depths: dict[str, int] = {}
    for one in decode_order(manifest):
        below = [depths[base] for piece in one.pieces for base in piece.bases]
        depths[one.blake3] = 1 + max(below, default=0)
    return depths


def _file(body: Any, pieces_left: list[int]) -> ArtifactFile:
    require(type(body) is dict and type(body["path"]) is str, "a file")
    rows = read_list(body["enc"], MAX_PIECES)
    pieces_left[0] -= len(rows)
    require(pieces_left[0] >= 0, "the number of its pieces")
    pieces = tuple(_piece(row) for row in rows)
    size_bytes = read_number(body["size"])
    require(sum(piece.size_bytes for piece in pieces) == size_bytes, "the sizes of a file's pieces")
    # All but the last are of one size, so that a base of several pieces has one form.
    require(all(piece.size_bytes == SPAN_BYTES for piece in pieces[:-1]), "the size of a piece")
    return ArtifactFile(body["path"], size_bytes, read_hash(body["blake3"]), pieces)


def _piece(body: Any) -> Piece:
    require(type(body) is dict and body["codec"] in CODECS, "a codec")
    bases = tuple(read_hash(base) for base in read_list(body.get("bases", []), MAX_BASES))
    piece = Piece(
        codec=body["codec"],
        blob=read_hash(body["blob"]),
        offset=read_number(body["offset"], MAX_BLOB_BYTES),
        length=read_number(body["length"], MAX_BLOB_BYTES),
        sha256=read_hash(body["sha256"]),
        size_bytes=read_number(body["size"], SPAN_BYTES),
        bases=bases,
    )
    require(piece.offset + piece.length <= MAX_BLOB_BYTES, "the end of a piece")
    require(bool(bases) == (piece.codec == PREFIX), "the bases of a piece")
    require(piece.codec != RAW or piece.length == piece.size_bytes, "the length of a raw piece")
    return piece


def _store(body: Any) -> StoreFacts:
    require(type(body) is dict and type(body["counts"]) is dict and len(body["counts"]) <= 1_024, "its store")
    store_id = body["store_id"]
    require(type(store_id) is str and re.fullmatch(r"[0-9a-f]{32}", store_id), "its store's id")
    require(is_lsn(body["lsn"]), "its LSN")
    return StoreFacts(
        store_id=store_id,
        schema=read_text(body["schema"]),
        schema_version=read_number(body["schema_version"]),
        fingerprint=read_text(body["fingerprint"]),
        lsn=body["lsn"],
        chain=read_number(body["chain"], 2**64 - 1),
        records=read_number(body["records"]),
        counts={read_text(name): read_number(count) for name, count in body["counts"].items()},
    )


def _source(body: Any) -> Source:
    require(type(body) is dict, "its source")
    dirty = read_number(body["dirty"], 1)
    commit = read_text(body["commit"])
    require(commit == "" or is_ref(f"commit/{commit}"), "its commit")
    return Source(read_text(body["repo_id"]), commit, read_text(body["branch"]), dirty)
