"""What an artifact is, as canonical JSON: the files of a generation, and from which bytes each is decoded.

Canonical means: sorted keys, no spaces, ASCII, integers and strings for numbers and text. What would be
encoded otherwise is refused, so that a manifest has one name: the SHA-256 of its bytes. A reader checks every
field before it acts on one: a manifest may be a stranger's. Formats: docs/sharing.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from diptych.artifact.errors import HostileArtifactError, IncompatibleArtifactError
from diptych.artifact.names import is_digest, is_ref
from diptych.artifact.remotes.base import MAX_BLOB_BYTES, MAX_MANIFEST_BYTES, MAX_REF_BODY_BYTES, BlobSize
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

FORMAT = 1
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

_MOST = 2**63 - 1
_TEXT_MOST = 4_096
_HASH = re.compile(r"[0-9a-f]{64}\Z")
_NESTING_MOST = 8


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


@dataclass(frozen=True, slots=True)
class RefBody:
    """What a ref says."""

    manifest: str
    serial: int
    """One more than before: one that falls is a replay."""
    nonce: str
    """Random, so that no two bodies are equal."""
    moved_ms: int
    by: str = ""
    expires_ms: int = 0
    """0 for never."""


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
            "store": {**_slots(store), "counts": dict(store.counts)},
            "source": _slots(manifest.source),
            "indexer": dict(manifest.indexer),
            "filter": dict(manifest.filter),
            "files": [_file_body(one) for one in manifest.files],
            "bases": [_file_body(one) for one in manifest.bases],
        }
    )


def decode_manifest(data: bytes, *, where: str) -> ArtifactManifest:
    """The manifest again. Raises HostileArtifactError, IncompatibleArtifactError for a newer format."""
    body = _document(data, MAX_MANIFEST_BYTES, where, kind="generation")
    try:
        return _manifest(body)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _hostile(where, error) from error


def encode_ref(body: RefBody) -> bytes:
    """The body of a ref."""
    return canonical({"format": FORMAT, "kind": "ref", "critical": [], **_slots(body)})


def decode_ref(data: bytes, *, where: str) -> RefBody:
    """The body again. Raises HostileArtifactError, IncompatibleArtifactError for a newer format."""
    body = _document(data, MAX_REF_BODY_BYTES, where, kind="ref")
    try:
        found = RefBody(
            manifest=_hash(body["manifest"]),
            serial=_number(body["serial"]),
            nonce=_text(body["nonce"]),
            moved_ms=_number(body["moved_ms"]),
            by=_text(body["by"]),
            expires_ms=_number(body["expires_ms"]),
        )
    except (ValueError, TypeError, KeyError) as error:
        raise _hostile(where, error) from error
    return found


def canonical(value: Any) -> bytes:
    """The one encoding of a JSON value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def parse_canonical(data: bytes, most_bytes: int) -> Any:
    """The JSON value with that one encoding. Raises ValueError."""
    if len(data) > most_bytes:
        raise ValueError(f"it has {len(data):,} bytes, more than {most_bytes:,}")
    try:
        value = json.loads(
            data.decode("ascii"), parse_float=_no_float, parse_int=_int, parse_constant=_no_float
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    _refuse_nested(value, _NESTING_MOST)
    if canonical(value) != data:
        raise ValueError("it is not canonical JSON")
    return value


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


def _document(data: bytes, most_bytes: int, where: str, *, kind: str) -> dict[str, Any]:
    try:
        body = parse_canonical(data, most_bytes)
        _require(type(body) is dict and type(body.get("format")) is int, "no document of Diptych")
    except ValueError as error:
        raise _hostile(where, error) from error
    if body["format"] > FORMAT:
        raise IncompatibleArtifactError(
            f"{where} is of format {body['format']}, and this Diptych reads up to format {FORMAT}"
        )
    critical = body.get("critical")
    if body["format"] < 1 or body.get("kind") != kind or type(critical) is not list:
        raise _hostile(where, ValueError(f"it is no {kind}"))
    if critical:
        raise IncompatibleArtifactError(
            f"{where} needs what this Diptych does not know: {', '.join(map(str, critical))[:200]}"
        )
    assert isinstance(body, dict)
    return body


def _manifest(body: dict[str, Any]) -> ArtifactManifest:
    pieces_left = [MAX_PIECES]
    files = tuple(_file(one, pieces_left) for one in _list(body["files"], MAX_FILES))
    bases = tuple(_file(one, pieces_left) for one in _list(body["bases"], MAX_FILES))
    paths = [one.path for one in files]
    _require(paths == sorted(set(paths)) and all(map(is_artifact_path, paths)), "the paths of its files")
    manifests = [path for path in paths if path.startswith(f"{GENERATIONS}/")]
    _require(len(manifests) == 1, "the number of its generations")
    hashes = [one.blake3 for one in bases]
    _require(hashes == sorted(set(hashes)) and not any(one.path for one in bases), "its bases")
    _require(not set(hashes) & {one.blake3 for one in files}, "a base that is one of its files")
    parent = body["parent"]
    _require(parent == "" or is_digest(parent), "its parent")
    manifest = ArtifactManifest(
        content_id=_hash(body["content_id"]),
        created_ms=_number(body["created_ms"]),
        tool=_text(body["tool"]),
        store=_store(body["store"]),
        files=files,
        bases=bases,
        source=_source(body["source"]),
        indexer=_texts(body["indexer"]),
        filter=_texts(body["filter"]),
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
        _require(digest in known, f"base {digest}")
        # A circle is a chain without an end, too.
        _require(above <= MAX_DEPTH, "the length of a chain of bases")
        one = known[digest]
        for piece in one.pieces:
            prefix_bytes = sum(known[base].size_bytes for base in piece.bases if base in known)
            _require(prefix_bytes <= MAX_BASES_BYTES, "the size of a piece's bases")
        below = [visit(base, above + 1) for piece in one.pieces for base in piece.bases]
        depths[digest] = 1 + max(below, default=0)
        _require(depths[digest] <= MAX_DEPTH, "the length of a chain of bases")
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
    _require(type(body) is dict and type(body["path"]) is str, "a file")
    rows = _list(body["enc"], MAX_PIECES)
    pieces_left[0] -= len(rows)
    _require(pieces_left[0] >= 0, "the number of its pieces")
    pieces = tuple(_piece(row) for row in rows)
    size_bytes = _number(body["size"])
    _require(sum(piece.size_bytes for piece in pieces) == size_bytes, "the sizes of a file's pieces")
    # All but the last are of one size, so that a base of several pieces has one form.
    _require(all(piece.size_bytes == SPAN_BYTES for piece in pieces[:-1]), "the size of a piece")
    return ArtifactFile(body["path"], size_bytes, _hash(body["blake3"]), pieces)


def _piece(body: Any) -> Piece:
    _require(type(body) is dict and body["codec"] in CODECS, "a codec")
    bases = tuple(_hash(base) for base in _list(body.get("bases", []), MAX_BASES))
    piece = Piece(
        codec=body["codec"],
        blob=_hash(body["blob"]),
        offset=_number(body["offset"], MAX_BLOB_BYTES),
        length=_number(body["length"], MAX_BLOB_BYTES),
        sha256=_hash(body["sha256"]),
        size_bytes=_number(body["size"], SPAN_BYTES),
        bases=bases,
    )
    _require(piece.offset + piece.length <= MAX_BLOB_BYTES, "the end of a piece")
    _require(bool(bases) == (piece.codec == PREFIX), "the bases of a piece")
    _require(piece.codec != RAW or piece.length == piece.size_bytes, "the length of a raw piece")
    return piece


def _store(body: Any) -> StoreFacts:
    _require(
        type(body) is dict and type(body["counts"]) is dict and len(body["counts"]) <= 1_024, "its store"
    )
    store_id = body["store_id"]
    _require(type(store_id) is str and re.fullmatch(r"[0-9a-f]{32}", store_id), "its store's id")
    _require(is_lsn(body["lsn"]), "its LSN")
    return StoreFacts(
        store_id=store_id,
        schema=_text(body["schema"]),
        schema_version=_number(body["schema_version"]),
        fingerprint=_text(body["fingerprint"]),
        lsn=body["lsn"],
        chain=_number(body["chain"], 2**64 - 1),
        records=_number(body["records"]),
        counts={_text(name): _number(count) for name, count in body["counts"].items()},
    )


def _source(body: Any) -> Source:
    _require(type(body) is dict, "its source")
    dirty = _number(body["dirty"], 1)
    commit = _text(body["commit"])
    _require(commit == "" or is_ref(f"commit/{commit}"), "its commit")
    return Source(_text(body["repo_id"]), commit, _text(body["branch"]), dirty)


def _texts(body: Any) -> dict[str, str]:
    _require(type(body) is dict and len(body) <= 1_024, "a table of texts")
    return {_text(name): _text(value) for name, value in body.items()}


def _list(value: Any, most: int) -> list[Any]:
    _require(type(value) is list and len(value) <= most, "the length of a list")
    assert isinstance(value, list)
    return value


def _text(value: Any) -> str:
    _require(type(value) is str and len(value) <= _TEXT_MOST, "a text")
    assert isinstance(value, str)
    return value


def _hash(value: Any) -> str:
    _require(type(value) is str and _HASH.match(value) is not None, "a hash")
    assert isinstance(value, str)
    return value


def _number(value: Any, most: int = _MOST) -> int:
    _require(type(value) is int and 0 <= value <= most, "a number")
    assert isinstance(value, int)
    return value


def _slots(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def _require(holds: object, what: str) -> None:
    if not holds:
        raise ValueError(f"{what} makes no sense")


def _hostile(where: str, error: Exception) -> HostileArtifactError:
    what = f"field {error} is missing" if isinstance(error, KeyError) else str(error)
    return HostileArtifactError(f"{where} is no artifact of Diptych: {what:.300}", where=where)


def _no_float(text: str) -> Any:
    raise ValueError(f"a number that is no integer: {text:.50}")


def _int(text: str) -> int:
    # Python takes quadratic time for long ones.
    if len(text) > 20:
        raise ValueError("a number of more than 20 digits")
    return int(text)


def _refuse_nested(value: Any, levels: int) -> None:
    """Raise ValueError for more than `levels` of lists and objects in each other."""
    below = list(value.values()) if type(value) is dict else value if type(value) is list else ()
    if levels == 0 and below != ():
        raise ValueError("it is nested too deeply")
    for one in below:
        if type(one) in (dict, list):
            _refuse_nested(one, levels - 1)
