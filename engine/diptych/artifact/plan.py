"""What to send and what to fetch, as pure functions of what both sides have."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from diptych.artifact.local import LocalFile
from diptych.artifact.manifest import (
    MAX_BASES,
    MAX_DEPTH,
    ArtifactFile,
    ArtifactManifest,
    Piece,
    decode_order,
    depths_of,
)
from diptych.layout import BUNDLE, RECORDS, SEGMENTS

MAX_PREFIX_BYTES = 64 * 1024 * 1024
PATCHED_LEAST_BYTES = 4 * 1024
"""A smaller file costs next to nothing by itself, and would make others depend on its bases."""
DEPTH_MOST = MAX_DEPTH - 1
"""What is encoded from one of that depth is as deep as may be."""

_WITH_RECORDS = ("store", BUNDLE)


@dataclass(frozen=True, slots=True)
class Send:
    """What becomes of a local file in a push."""

    file: LocalFile
    reused: ArtifactFile | None = None
    """It is in the parent: its pieces are named again."""
    bases: tuple[str, ...] = ()
    """Else the files, by BLAKE3, that it may be encoded against; () to encode it by itself."""
    records: str = ""
    """The last of the bases, where that is the records of its own segment, which are in it too; or ""."""


@dataclass(frozen=True, slots=True)
class PushPlan:
    """What a push does."""

    sends: tuple[Send, ...]

    @property
    def new(self) -> list[Send]:
        """Those whose bytes are sent."""
        return [send for send in self.sends if send.reused is None]

    @property
    def new_bytes(self) -> int:
        """The size of the files that are sent, before they are encoded."""
        return sum(send.file.size_bytes for send in self.new)

    @property
    def reused_bytes(self) -> int:
        """The size of the files that are there already."""
        return sum(send.file.size_bytes for send in self.sends if send.reused is not None)


def plan_push(
    files: Iterable[LocalFile], parent: ArtifactManifest | None, available: Collection[str]
) -> PushPlan:
    """How to send `files` to where `parent` is; `available` are the files, by BLAKE3, that are here."""
    files = tuple(files)
    known = parent.all_files() if parent is not None else {}
    here = {one.blake3 for one in files}
    depths = depths_of(parent) if parent is not None else {}
    records = {one.path.rpartition("/")[0]: one for one in files if kind_of(one.path) == RECORDS}
    sends = {}
    # Records first: what is encoded from them is one deeper.
    for file in sorted(files, key=lambda one: kind_of(one.path) != RECORDS):
        reused = known.get(file.blake3)
        if reused is not None:
            sends[file.path] = Send(file, reused=reused)
            continue
        own = _records_in(file, records)
        if own is not None and depths[own.blake3] >= DEPTH_MOST:
            own = None
        bases = _bases_for(file, parent, here, depths, available, own)
        depths[file.blake3] = 1 + max((depths[base] for base in bases), default=0)
        sends[file.path] = Send(file, bases=bases, records="" if own is None else own.blake3)
    return PushPlan(tuple(sends[file.path] for file in files))


def _records_in(file: LocalFile, records: Mapping[str, LocalFile]) -> LocalFile | None:
    """The records that are in this file too, as the stored documents of a search index; None for none."""
    if kind_of(file.path) not in _WITH_RECORDS or file.size_bytes < PATCHED_LEAST_BYTES:
        return None
    own = records.get(file.path.rpartition("/")[0])
    return own if own is not None and own.size_bytes <= MAX_PREFIX_BYTES else None


def _bases_for(
    file: LocalFile,
    parent: ArtifactManifest | None,
    here: Collection[str],
    depths: Mapping[str, int],
    available: Collection[str],
    own: LocalFile | None,
) -> tuple[str, ...]:
    """The parent's files of the same kind: first those that are gone here, which it may replace.

    Then the records of its own segment, if they are in it.
    """
    kind = kind_of(file.path)
    nearest = (own.blake3,) if own is not None else ()
    if parent is None or not kind or file.size_bytes < PATCHED_LEAST_BYTES:
        return nearest
    of_kind = [
        one
        for one in parent.files
        if kind_of(one.path) == kind and one.blake3 in available and depths[one.blake3] < DEPTH_MOST
    ]
    of_kind.sort(key=lambda one: (one.blake3 in here, -one.size_bytes, one.blake3))
    chosen: list[str] = []
    left = MAX_PREFIX_BYTES - (own.size_bytes if own is not None else 0)
    for one in of_kind[: MAX_BASES - 1]:
        if one.size_bytes <= left:
            left -= one.size_bytes
            chosen.append(one.blake3)
    # The largest last: zstd codes near matches in fewer bits, and most of them are there.
    return (*reversed(chosen), *nearest)


def kind_of(path: str) -> str:
    """What a file is compared with: others of its kind; "" for one that is always sent by itself."""
    top, _, rest = path.partition("/")
    name = rest.rpartition("/")[2]
    if top != SEGMENTS:
        return ""
    return name if name in (RECORDS, BUNDLE) else name.rpartition(".")[2]


def with_bases(files: Sequence[ArtifactFile], known: Mapping[str, ArtifactFile]) -> tuple[ArtifactFile, ...]:
    """What `files` are decoded with and are not themselves, in order of BLAKE3; `known` has each."""
    own = {one.blake3 for one in files}
    needed: dict[str, ArtifactFile] = {}
    waiting = [base for one in files for piece in one.pieces for base in piece.bases]
    while waiting:
        digest = waiting.pop()
        if digest in own or digest in needed:
            continue
        one = known[digest]
        needed[digest] = ArtifactFile("", one.size_bytes, one.blake3, one.pieces)
        waiting += [base for piece in one.pieces for base in piece.bases]
    return tuple(needed[digest] for digest in sorted(needed))


def full_size(files: Iterable[ArtifactFile], known: Mapping[str, ArtifactFile]) -> float:
    """About how many bytes `files` would have if each was encoded by itself: a patch says nothing about that.

    It is taken to be compressed as well as what it is decoded with; `known` has that.
    """
    ratios: dict[str, float] = {}

    def ratio(one: ArtifactFile) -> float:
        if one.blake3 not in ratios:
            ratios[one.blake3] = size(one) / max(one.size_bytes, 1)
        return ratios[one.blake3]

    def size(one: ArtifactFile) -> float:
        total = 0.0
        for piece in one.pieces:
            # Its own records are no measure of a file that only has them in it.
            bases = [known[base] for base in piece.bases if not _is_records_of(one, known[base])]
            base_bytes = sum(base.size_bytes for base in bases)
            if not bases:
                total += piece.length
            else:
                encoded = sum(ratio(base) * base.size_bytes for base in bases)
                total += max(piece.length, piece.size_bytes * encoded / max(base_bytes, 1))
        return total

    return sum(size(one) for one in files)


def _is_records_of(one: ArtifactFile, base: ArtifactFile) -> bool:
    return kind_of(one.path) in _WITH_RECORDS and kind_of(base.path) == RECORDS


@dataclass(frozen=True, slots=True)
class Read:
    """One request: a range of a blob, and the pieces in it, in order of offset."""

    blob: str
    start: int
    length: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class PullPlan:
    """What a pull does."""

    have: tuple[ArtifactFile, ...]
    """Files that are here already."""
    decode: tuple[ArtifactFile, ...]
    """Files to be decoded, each after its bases."""
    reads: tuple[Read, ...]

    @property
    def fetched_bytes(self) -> int:
        """How many bytes are read, as far as nothing of them was fetched before."""
        return sum(read.length for read in self.reads)

    @property
    def reused_bytes(self) -> int:
        """The size of the files that are here already."""
        return sum(one.size_bytes for one in self.have)


def prefix_bytes(manifest: ArtifactManifest, plan: PullPlan) -> int:
    """How many bytes are read as prefixes: a file counts for each piece that it is a base of."""
    known = manifest.all_files()
    return sum(known[base].size_bytes for one in plan.decode for piece in one.pieces for base in piece.bases)


# Less than a request costs: what is between two pieces is read, and dropped.
_GAP_BYTES = 64 * 1024


def plan_pull(manifest: ArtifactManifest, available: Collection[str]) -> PullPlan:
    """How to get the files of `manifest`; `available` are the files, by BLAKE3, that are here."""
    have = tuple(one for one in manifest.files if one.blake3 in available)
    needed = {one.blake3 for one in manifest.files if one.blake3 not in available}
    decode = []
    # From the end, so that the bases of what is needed are needed before they are come to.
    for one in reversed(decode_order(manifest)):
        if one.blake3 not in needed:
            continue
        decode.append(one)
        needed |= {base for piece in one.pieces for base in piece.bases if base not in available}
    decode.reverse()
    pieces = sorted(
        {piece for one in decode for piece in one.pieces}, key=lambda piece: (piece.blob, piece.offset)
    )
    return PullPlan(have, tuple(decode), tuple(reads_of(pieces)))


def reads_of(pieces: Iterable[Piece]) -> list[Read]:
    """The requests that get these pieces, which are in order of blob and offset."""
    reads: list[Read] = []
    for piece in pieces:
        last = reads[-1] if reads else None
        if (
            last is not None
            and last.blob == piece.blob
            and piece.offset <= last.start + last.length + _GAP_BYTES
        ):
            end = max(last.start + last.length, piece.offset + piece.length)
            reads[-1] = Read(last.blob, last.start, end - last.start, (*last.pieces, piece))
        else:
            reads.append(Read(piece.blob, piece.offset, piece.length, (piece,)))
    return reads
