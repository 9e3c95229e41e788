"""Fetch the pieces of an artifact, and decode its files."""

from __future__ import annotations

import os
from collections.abc import Mapping

from blake3 import blake3

from diptych import fs
from diptych.artifact.encode import decode_piece
from diptych.artifact.errors import CorruptArtifactError
from diptych.artifact.incoming import Incoming
from diptych.artifact.local import LocalFile
from diptych.artifact.manifest import ArtifactFile, ArtifactManifest
from diptych.artifact.plan import PullPlan
from diptych.artifact.progress import Meter, Shown
from diptych.artifact.remotes.base import Remote


def fetch(remote: Remote, plan: PullPlan, incoming: Incoming, progress: Shown | None) -> int:
    """Fetch what is not here; returns how many bytes came."""
    meter = Meter(progress, "fetching", plan.fetched_bytes, plan.reused_bytes)
    came = 0
    for read in plan.reads:
        for count in incoming.fetch(remote, read):
            came += count
            meter.add(count)
    return came


def decode(
    manifest: ArtifactManifest,
    plan: PullPlan,
    available: Mapping[str, LocalFile],
    incoming: Incoming,
    progress: Shown | None,
) -> None:
    """Put the generation together in `incoming.files`. Each file is durable; its name need not be."""
    for one in manifest.files:
        fs.make_dir(os.path.dirname(_place(incoming, one)), follow=False, sync_existing=False)
    for one in plan.have:
        local = available[one.blake3]
        fs.link_or_copy(local.place, _place(incoming, one))
        # Damaged here, it would be installed as if it was intact.
        for _ in local.spans():
            pass
    meter = Meter(progress, "decoding", sum(one.size_bytes for one in plan.decode), plan.reused_bytes)
    bases = dict(available)
    copies: dict[str, list[ArtifactFile]] = {}
    for one in manifest.files:
        copies.setdefault(one.blake3, []).append(one)
    for one in plan.decode:
        places = [_place(incoming, copy) for copy in copies.get(one.blake3, [])]
        place = places[0] if places else os.path.join(incoming.bases, one.blake3)
        _decode_file(one, place, bases, incoming, meter)
        bases[one.blake3] = LocalFile(one.path, one.size_bytes, one.blake3, place)
        for other in places[1:]:
            fs.link_or_copy(place, other)


def _place(incoming: Incoming, one: ArtifactFile) -> str:
    return os.path.join(incoming.files, *one.path.split("/"))


def _decode_file(
    one: ArtifactFile, place: str, bases: Mapping[str, LocalFile], incoming: Incoming, meter: Meter
) -> None:
    hasher = blake3(max_threads=blake3.AUTO)
    with fs.translated("write", place), open(place, "xb") as file:
        for piece in one.pieces:
            where = f"blob sha256:{piece.blob}"
            prefix = b"".join(bases[base].read() for base in piece.bases)
            data = decode_piece(piece, incoming.read(piece), prefix, where=where)
            hasher.update(data)
            file.write(data)
            meter.add(len(data))
    if hasher.hexdigest() != one.blake3:
        raise CorruptArtifactError(
            f"{one.path or one.blake3} is not what the manifest says after it was decoded", where=one.path
        )
    fs.fsync_file(place)
