"""Encode what a push sends: each new file by itself or as a patch, all of them in packs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from diptych.artifact.encode import PACK_BYTES, Encoded, Pack, encode_full, encode_patch, encode_within
from diptych.artifact.local import LocalGeneration
from diptych.artifact.manifest import ArtifactFile, ArtifactManifest
from diptych.artifact.names import digest_of
from diptych.artifact.plan import PushPlan, Send, full_size, kind_of, plan_push, with_bases
from diptych.artifact.progress import Meter, Shown
from diptych.layout import RECORDS

_SURELY_SMALL = 20
"""A patch of less than one part in so many of the file is taken without a comparison."""
_COMPARED_MOST_BYTES = 256 * 1024
"""A larger file with its own records in it is taken as a patch of these without a comparison."""
_KEPT_BELOW = 0.9
_KEPT_BELOW_WITH_BASE = 0.5
"""A patch is kept where it has at most that share of the full encoding; less where its base is needed for it
alone."""
_COLD_MOST = 1.25
"""How much more than full encodings one may have to read who has nothing."""


@dataclass(slots=True)
class Encoding:
    """The files of a generation as a manifest names them, and the blobs that have to be sent for it."""

    files: list[ArtifactFile] = field(default_factory=list)
    bases: tuple[ArtifactFile, ...] = ()
    packs: dict[str, bytes] = field(default_factory=dict)


def encode_plan(
    plan: PushPlan,
    parent: ArtifactManifest | None,
    generation: LocalGeneration,
    level: int,
    progress: Shown | None,
) -> Encoding:
    """Encode what is new, as patches where that is worth their bases. Raises CorruptSnapshotError."""
    encoding = _encoded(plan, parent, generation, level, progress)
    # Records are most of an index, and other kinds of files gain less by what is gone.
    for kinds in ((RECORDS,), ()):
        if parent is None or _may_be_read(encoding):
            break
        # Who has nothing would have to read too many files that are gone: what needs them is sent again.
        lasting = _lasting(parent, generation, kinds)
        plan = plan_push(generation.files, lasting, generation.by_hash())
        encoding = _encoded(plan, lasting, generation, level, progress)
    return encoding


def _may_be_read(encoding: Encoding) -> bool:
    """Whether one who has nothing does not read much more than full encodings."""
    every = (*encoding.files, *encoding.bases)
    cold = {piece for one in every for piece in one.pieces}
    full_bytes = full_size(encoding.files, {one.blake3: one for one in every})
    return not encoding.bases or sum(piece.length for piece in cold) <= _COLD_MOST * full_bytes


def _lasting(
    parent: ArtifactManifest, generation: LocalGeneration, kinds: tuple[str, ...]
) -> ArtifactManifest:
    """The parent without the files that are gone here, and those decoded with them.

    With those of `kinds` that are decoded by themselves: of a chain of patches, one would have to read all.
    """
    here = {one.blake3 for one in generation.files}
    kept = {
        one.blake3: one
        for one in parent.files
        if one.blake3 in here
        or (kind_of(one.path) in kinds and not any(piece.bases for piece in one.pieces))
    }
    while needy := [
        digest
        for digest, one in kept.items()
        if any(base not in kept for piece in one.pieces for base in piece.bases)
    ]:
        for digest in needy:
            del kept[digest]
    return replace(parent, files=tuple(kept.values()), bases=())


def _encoded(
    plan: PushPlan,
    parent: ArtifactManifest | None,
    generation: LocalGeneration,
    level: int,
    progress: Shown | None,
) -> Encoding:
    meter = Meter(progress, "encoding", plan.new_bytes, plan.reused_bytes)
    here = {one.blake3 for one in generation.files}
    local = generation.by_hash()
    encoding = Encoding()
    waiting: list[tuple[Send, list[Encoded]]] = []
    prefixes: dict[tuple[str, ...], bytes] = {}
    for send in plan.sends:
        encoded: list[Encoded] = []
        if send.reused is None:
            if send.bases not in prefixes:
                prefixes = {send.bases: b"".join(local[base].read() for base in send.bases)}
            below = _KEPT_BELOW if here.issuperset(send.bases) else _KEPT_BELOW_WITH_BASE
            for span in send.file.spans():
                encoded.append(_smallest(span, prefixes[send.bases], send, level, below))
                meter.add(len(span))
        waiting.append((send, encoded))
    _place(waiting, encoding)
    encoding.bases = with_bases(encoding.files, parent.all_files() if parent is not None else {})
    return encoding


def _smallest(span: bytes, prefix: bytes, send: Send, level: int, below: float) -> Encoded:
    """The span as a patch where that is worth its bases, else by itself."""
    if not send.bases:
        return encode_full(span, level)
    if send.bases == (send.records,):
        patch = encode_within(span, prefix, send.bases)
        surely_below = below * len(span) if len(span) > _COMPARED_MOST_BYTES else 0
    else:
        # A document is in the old ones or in the records, and of both in short pieces alone.
        encode = encode_within if send.records else encode_patch
        patch = encode(span, prefix, send.bases)
        surely_below = len(span) / _SURELY_SMALL
    if len(patch.data) < surely_below:
        return patch
    full = encode_full(span, level)
    return patch if len(patch.data) < below * len(full.data) else full


def _place(waiting: list[tuple[Send, list[Encoded]]], encoding: Encoding) -> None:
    """Put the encoded pieces into packs, and name them."""
    packs = [Pack()]
    places: list[list[tuple[Encoded, int, int]]] = []
    for _, encoded in waiting:
        rows = []
        for one in encoded:
            if len(packs[-1]) + len(one.data) > PACK_BYTES and len(packs[-1].data) > 64:
                packs.append(Pack())
            rows.append((one, len(packs) - 1, packs[-1].add(one.data)))
        places.append(rows)
    blobs = [bytes(pack.data) for pack in packs]
    digests = [digest_of(blob) for blob in blobs]
    used = set()
    for (send, _), rows in zip(waiting, places, strict=True):
        file = send.file
        if send.reused is not None:
            pieces = send.reused.pieces
        else:
            pieces = tuple(one.placed(digests[number], offset) for one, number, offset in rows)
            used |= {piece.blob for piece in pieces}
        encoding.files.append(ArtifactFile(file.path, file.size_bytes, file.blake3, pieces))
    encoding.packs = {digest: blob for digest, blob in zip(digests, blobs, strict=True) if digest in used}
