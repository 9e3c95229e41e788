"""A remote that is damaged, lies, or is a stranger's: the store here stays as it was."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.files import tree
from tests.support.records import numbered

from diptych.artifact.encode import (
    compress,
    compress_with_prefix,
    decode_piece,
    decompress,
    encode_full,
    encode_patch,
    encode_within,
)
from diptych.artifact.errors import (
    ArtifactError,
    CorruptArtifactError,
    HostileArtifactError,
    MissingObjectError,
    RemoteUnavailableError,
)
from diptych.artifact.manifest import (
    SPAN_BYTES,
    ArtifactFile,
    ArtifactManifest,
    Piece,
    decode_manifest,
    encode_manifest,
)
from diptych.artifact.names import digest_of
from diptych.artifact.plan import plan_pull, prefix_bytes
from diptych.artifact.pull import _refuse_too_large, pull
from diptych.artifact.push import push
from diptych.artifact.ref_body import decode_ref, encode_ref
from diptych.artifact.remotes.memory import MemoryRemote
from diptych.errors import DiptychError, StorageFullError

from .support import Counting, check_same, fill, records_of, some_records

MAIN = "branch/main"


@pytest.fixture
def remote() -> MemoryRemote:
    return MemoryRemote()


@pytest.fixture
def store(memory_path: Path, remote: MemoryRemote) -> str:
    path = os.path.join(memory_path, "made")
    fill(path, some_records(20))
    push(path, remote, ref=MAIN)
    return path


@pytest.fixture
def dest(memory_path: Path, store: str, remote: MemoryRemote) -> str:
    """A clone that is one push after."""
    path = os.path.join(memory_path, "clone", ".diptych")
    pull(remote, path, ref=MAIN)
    fill(store, numbered(3, version=1))
    push(store, remote, ref=MAIN)
    return path


def offer(remote: MemoryRemote, manifest: ArtifactManifest) -> None:
    """Make the ref name another manifest, as whoever keeps the remote can."""
    data = encode_manifest(manifest)
    remote.write_manifest(digest_of(data), data, [])
    found = remote.read_ref(MAIN)
    assert found is not None
    body = decode_ref(found.body, where=MAIN)
    body = replace(body, manifest=digest_of(data), serial=body.serial + 1)
    remote.write_ref(MAIN, encode_ref(body), expected=found.version)


def offered(remote: MemoryRemote) -> ArtifactManifest:
    found = remote.read_ref(MAIN)
    assert found is not None
    return decode_manifest(remote.read_manifest(decode_ref(found.body, where=MAIN).manifest), where="x")


def check_refused(remote: Any, dest: str, *errors: type[BaseException]) -> None:
    """The pull fails with one of these, and the store is as it was."""
    before = tree(dest)
    records = records_of(dest)
    with pytest.raises(errors or ArtifactError):
        pull(remote, dest, ref=MAIN)
    assert tree(dest) == before
    assert records_of(dest) == records
    assert set(os.listdir(os.path.dirname(dest))) <= {".diptych", ".diptych.incoming"}


def test_any_damaged_byte_of_a_blob_is_found(dest: str, store: str, remote: MemoryRemote) -> None:
    rng = random.Random(1)
    new = {blob.digest for blob in offered(remote).blobs()}
    wanted = sorted(new & remote.store.blobs.keys(), key=lambda digest: len(remote.store.blobs[digest].data))
    kept = remote.store.blobs[wanted[0]]
    good = kept.data
    pieces = [piece for one in offered(remote).files for piece in one.pieces if piece.blob == wanted[0]]
    assert pieces
    for piece in pieces:
        for _ in range(4):
            at = piece.offset + rng.randrange(piece.length)
            kept.data = good[:at] + bytes([good[at] ^ 1 << rng.randrange(8)]) + good[at + 1 :]
            check_refused(remote, dest, CorruptArtifactError)
    for length in (0, 1, len(good) // 2, len(good) - 1):
        kept.data = good[:length]
        check_refused(remote, dest, CorruptArtifactError)
    kept.data = good
    pull(remote, dest, ref=MAIN)
    check_same(dest, store)


def test_any_damaged_byte_of_a_manifest_or_a_ref_is_found(dest: str, remote: MemoryRemote) -> None:
    rng = random.Random(2)
    ref = remote.store.refs[MAIN]
    manifest = remote.store.manifests[decode_ref(ref.data, where=MAIN).manifest]
    for kept in (manifest, ref):
        good = kept.data
        for _ in range(12):
            at = rng.randrange(len(good))
            kept.data = good[:at] + bytes([good[at] ^ 1 << rng.randrange(8)]) + good[at + 1 :]
            try:
                check_refused(remote, dest, ArtifactError)
            except pytest.fail.Exception:
                # A ref's nonce, or what it says of time: nothing that is installed rests on it.
                assert kept is ref
                break
            finally:
                kept.data = good


def test_a_blob_that_is_gone_or_of_another_is_refused(dest: str, remote: MemoryRemote) -> None:
    blobs = remote.store.blobs
    (newest,) = [one for one in offered(remote).files if one.path.startswith("generations/")]
    digest = newest.pieces[0].blob
    kept = blobs.pop(digest)
    check_refused(remote, dest, MissingObjectError)
    other = next(iter(blobs.values()))
    blobs[digest] = other
    check_refused(remote, dest, CorruptArtifactError)
    blobs[digest] = kept


def test_a_file_that_is_not_what_the_manifest_says_is_refused(dest: str, remote: MemoryRemote) -> None:
    """Whoever wrote the manifest swapped two files' contents: each piece is what its name says."""
    manifest = offered(remote)
    bases = {base for one in manifest.files for piece in one.pieces for base in piece.bases}
    # Others are decoded with the records.
    first = next(
        one for one in manifest.files if one.path.startswith("segments/") and one.blake3 not in bases
    )
    wrong = replace(first, blake3="0" * 64)
    files = tuple(wrong if one is first else one for one in manifest.files)
    offer(remote, replace(manifest, files=files))
    check_refused(remote, dest, CorruptArtifactError)


def test_a_size_that_is_not_what_is_decoded_is_refused(dest: str, remote: MemoryRemote) -> None:
    manifest = offered(remote)
    generation = next(one for one in manifest.files if one.path.startswith("generations/"))
    for change in (-1, 1, 10**6):
        piece = generation.pieces[0]
        if piece.codec == "raw":
            pytest.skip("it is not compressed")
        size = piece.size_bytes + change
        wrong = replace(generation, size_bytes=size, pieces=(replace(piece, size_bytes=size),))
        files = tuple(wrong if one is generation else one for one in manifest.files)
        offer(remote, replace(manifest, files=files))
        check_refused(remote, dest, CorruptArtifactError)


def test_what_is_too_large_is_refused_before_anything_is_read(dest: str, remote: MemoryRemote) -> None:
    manifest = offered(remote)
    generation = next(one for one in manifest.files if one.path.startswith("generations/"))
    piece = replace(generation.pieces[0], codec="zstd", size_bytes=SPAN_BYTES)
    huge = replace(generation, size_bytes=SPAN_BYTES * 200, pieces=(piece,) * 200, blake3="1" * 64)
    files = tuple(huge if one is generation else one for one in manifest.files)
    offer(remote, replace(manifest, files=files))
    counting = Counting(remote)
    check_refused(counting, dest, HostileArtifactError, StorageFullError)
    assert "read_blob" not in counting.requests


def test_a_generation_of_other_segments_is_refused(dest: str, remote: MemoryRemote) -> None:
    manifest = offered(remote)
    files = [one for one in manifest.files if not one.path.endswith("records.msgpack")]
    needed = {base for one in files for piece in one.pieces for base in piece.bases}
    dropped = [one for one in manifest.files if one not in files]
    bases = [replace(one, path="") for one in dropped if one.blake3 in needed]
    waiting = [base for one in bases for piece in one.pieces for base in piece.bases]
    assert not waiting or all(base in needed for base in waiting)
    all_bases = {one.blake3: one for one in (*manifest.bases, *bases)}
    offer(
        remote,
        replace(manifest, files=tuple(files), bases=tuple(all_bases[one] for one in sorted(all_bases))),
    )
    check_refused(remote, dest, ArtifactError)


@pytest.mark.parametrize("name", ["records.msgpack", "search.bundle"])
def test_a_file_that_is_not_what_its_generation_says_is_refused(
    dest: str, remote: MemoryRemote, name: str
) -> None:
    """Every checksum of the artifact is right; the generation in it was made with another file."""
    manifest = offered(remote)
    bases = {base for one in manifest.files for piece in one.pieces for base in piece.bases}
    target = next(one for one in manifest.files if one.path.endswith(f"/{name}") and one.blake3 not in bases)
    data = bytearray(random.Random(4).randbytes(target.size_bytes))
    encoded = encode_full(bytes(data)).placed(digest_of(bytes(data)), 0)
    remote.write_blob(digest_of(bytes(data)), bytes(data))
    assert encoded.codec == "raw"
    wrong = replace(target, blake3=blake3(data).hexdigest(), pieces=(encoded,))
    offer(remote, replace(manifest, files=tuple(wrong if one is target else one for one in manifest.files)))
    check_refused(remote, dest, CorruptArtifactError)


def test_work_that_never_ends_is_refused(dest: str, remote: MemoryRemote) -> None:
    """Each of many small pieces is decoded with all of a large file."""
    blob = "0" * 64
    base = ArtifactFile("", 64 << 20, "1" * 64, (Piece("raw", blob, 0, 64 << 20, blob, 64 << 20),))
    pieces = tuple(Piece("zstd-prefix", blob, place, 1, blob, 1, (base.blake3,)) for place in range(2_000))
    large = ArtifactFile("generations/0000000000000001", 2_000, "2" * 64, pieces)
    manifest = replace(offered(remote), files=(large,), bases=(base,))
    plan = plan_pull(manifest, ())
    assert prefix_bytes(manifest, plan) == 2_000 * (64 << 20)
    with pytest.raises(HostileArtifactError, match="again and again"):
        _refuse_too_large(dest, manifest, plan, 1 << 30)
    _refuse_too_large(dest, manifest, plan, 16 << 30)


class Cutting(Counting):
    """Ends each read of a blob after so many bytes, by an error or as if that was all."""

    def __init__(self, inner: MemoryRemote, after: int, *, silently: bool) -> None:
        super().__init__(inner)
        self._after, self._silently = after, silently

    def read_blob(self, digest: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        left = self._after
        for piece in super().read_blob(digest, start=start, length=length):
            for at in range(0, len(piece), 100):
                part = piece[at : at + 100]
                if len(part) > left:
                    if self._silently:
                        return
                    raise RemoteUnavailableError("the connection was cut")
                left -= len(part)
                yield part


@pytest.mark.parametrize("silently", [False, True])
def test_a_pull_that_is_cut_is_resumed_from_where_it_was(
    store: str, memory_path: Path, remote: MemoryRemote, silently: bool
) -> None:
    where = os.path.join(memory_path, "cold", ".diptych")
    cutting = Cutting(remote, 2_000, silently=silently)
    total = offered(remote).encoded_bytes
    tries = 0
    while tries < 100:
        tries += 1
        try:
            pull(cutting, where, ref=MAIN)
        except DiptychError:
            assert not os.path.exists(where)
            continue
        break
    check_same(where, store)
    assert tries > 2
    # Nothing that came was asked for again, but for what was read and not yet written.
    assert cutting.read_bytes <= total + tries * 1_100_000
    assert not os.path.exists(f"{where}.incoming")


@pytest.mark.parametrize("left", [b"", b"\0" * 10, b"x" * 100_000])
def test_fetched_pieces_that_a_power_cut_took_are_fetched_again(
    store: str, memory_path: Path, remote: MemoryRemote, left: bytes
) -> None:
    where = os.path.join(memory_path, "cold", ".diptych")
    pieces = [piece for one in offered(remote).files for piece in one.pieces]
    folder = Path(f"{where}.incoming", "pieces")
    folder.mkdir(parents=True)
    for piece in pieces:
        (folder / piece.sha256).write_bytes(left)
    pull(remote, where, ref=MAIN)
    check_same(where, store)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=3_000), st.binary(max_size=3_000), st.integers(1, 12))
def test_what_is_encoded_is_decoded(data: bytes, prefix: bytes, level: int) -> None:
    full = encode_full(data, level)
    assert decode_piece(full.placed("0" * 64, 0), full.data, b"", where="x") == data
    if len(prefix) >= 8:
        for encode in (encode_patch, encode_within):
            patch = encode(data, prefix, ["0" * 64])
            assert decode_piece(patch.placed("0" * 64, 0), patch.data, prefix, where="x") == data


def test_a_base_that_is_too_short_is_refused() -> None:
    with pytest.raises(CorruptArtifactError):
        decompress(compress(b"data", 3), 4, prefix=b"short", where="x")


def test_a_patch_of_what_is_nearly_the_same_is_small() -> None:
    rng = random.Random(3)
    old = rng.randbytes(2_000_000)
    new = old[:700_000] + b"inserted" + old[700_000:]
    assert len(compress_with_prefix(new, old)) < 10_000
    assert decompress(compress_with_prefix(new, old), len(new), prefix=old, where="x") == new


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.integers(0, 2_000))
def test_any_bytes_decode_to_what_was_said_or_are_refused(data: bytes, size: int) -> None:
    try:
        found = decompress(data, size, where="x")
    except CorruptArtifactError:
        return
    assert len(found) == size


def test_what_expands_without_end_is_cut_short() -> None:
    bomb = compress(bytes(50_000_000), 3)
    assert len(bomb) < 10_000
    with pytest.raises(CorruptArtifactError):
        decompress(bomb, 1_000, where="x")
    with pytest.raises(CorruptArtifactError):
        decompress(bomb, 50_000_001, where="x")
    with pytest.raises(CorruptArtifactError):
        decompress(bomb + b"more", 50_000_000, where="x")
    with pytest.raises(CorruptArtifactError):
        decompress(bomb[:-3], 50_000_000, where="x")


def test_a_window_that_needs_too_much_memory_is_refused() -> None:
    from diptych.artifact.encode import zstd

    module = zstd()
    parameter = module.CompressionParameter
    options = {parameter.window_log: 31, parameter.content_size_flag: 0}
    compressor = module.ZstdCompressor(options=options)
    wide = compressor.compress(b"x" * 1_000) + compressor.flush()
    with pytest.raises(CorruptArtifactError):
        decompress(wide, 1_000, where="x")
