"""Encode what a push sends: each new file by itself or as a patch, all of them in packs."""

from __future__ import annotations

from dataclasses import dataclass, field

from diptych.artifact.encode import PACK_BYTES, Encoded, Pack, encode_full, encode_patch, encode_within
from diptych.artifact.local import LocalGeneration
from diptych.artifact.manifest import ArtifactFile, ArtifactManifest
from diptych.artifact.names import digest_of
from diptych.artifact.plan import PushPlan, Send, full_size, with_bases
from diptych.artifact.progress import Meter, Shown

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
    encoding = _encoded(plan, generation, level, progress)
    known = parent.all_files() if parent is not None else {}
    encoding.bases = with_bases(encoding.files, known)
    cold = {piece for one in (*encoding.files, *encoding.bases) for piece in one.pieces}
    full_bytes = full_size(encoding.files, {one.blake3: one for one in encoding.files} | known)
    if not encoding.bases or sum(piece.length for piece in cold) <= _COLD_MOST * full_bytes:
        return encoding
    # Who has nothing would have to read too many files that are gone: what needs them is sent in full.
    gone = {one.blake3 for one in encoding.bases}
    sends = [
        _without_parent(send) if _needs(one, gone) else send
        for send, one in zip(plan.sends, encoding.files, strict=True)
    ]
    return _encoded(PushPlan(tuple(sends)), generation, level, progress)


def _without_parent(send: Send) -> Send:
    """Sent in full, or as a patch of what is sent with it."""
    return Send(send.file, bases=(send.records,) if send.records else (), records=send.records)


def _needs(one: ArtifactFile, bases: set[str]) -> bool:
    return any(base in bases for piece in one.pieces for base in piece.bases)


def _encoded(plan: PushPlan, generation: LocalGeneration, level: int, progress: Shown | None) -> Encoding:
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
