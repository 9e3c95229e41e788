"""Small documents under a checksum, the names of files, what is kept, and what the pure functions decide."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych import layout
from diptych.errors import CorruptionError, CorruptSnapshotError, CorruptStoreError, IncompatibleStoreError
from diptych.fs import FileDigests
from diptych.schema.code import CODE
from diptych.sealed import MAX_SIZE_BYTES, OlderFormatError, seal, unseal
from diptych.segment.reader import bitmap_of
from diptych.segment.seal import Seal, encode_seal
from diptych.store.checkpoint.retention import generations_to_remove, journal_files_to_remove
from diptych.store.manifest import (
    ClosedMark,
    Identity,
    ListedSegment,
    Manifest,
    decode_closed,
    decode_identity,
    decode_manifest,
    encode_closed,
    encode_identity,
    encode_manifest,
)

U64 = st.integers(0, 2**64 - 1)
LSN = st.integers(0, 2**64 - 2)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), U64, st.text(max_size=9), st.binary(max_size=9)),
    lambda inner: st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
BODIES = st.dictionaries(st.text(max_size=9), VALUES, max_size=4)
TIMES = st.integers(0, 253_402_300_799_999)
DIGESTS = FileDigests(7, b"x" * 16, b"b" * 32)
FILES = {"records.msgpack": DIGESTS, "search.bundle": DIGESTS}
IDENTITIES = st.builds(
    Identity, st.binary(min_size=16, max_size=16), st.text(max_size=9), U64, st.text(max_size=32), TIMES
)
COUNTERS = ("symbols", "relations")


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    """A manifest whose numbers agree with each other."""
    identity = replace(draw(IDENTITIES), fingerprint="f" * 32)
    listed = []
    for segment_id in draw(st.lists(st.binary(min_size=16, max_size=16), max_size=4, unique=True)):
        records = draw(st.integers(1, 40))
        dead = draw(st.sets(st.integers(0, records - 1), max_size=records - 1))
        counts = draw(st.tuples(st.integers(0, 2**60), st.integers(0, 2**60)))
        own = Seal(
            identity.schema,
            identity.schema_version,
            identity.fingerprint,
            records,
            dict(zip(COUNTERS, counts, strict=True)),
            records + draw(st.integers(0, 9)),
            segment_id.hex(),
            7,
            b"a",
            b"b",
            FILES,
        )
        content = draw(st.none() | st.integers(0, 2**4096 - 1))
        bitmap = bitmap_of(list(dead))
        listed.append(ListedSegment(encode_seal(own), bitmap, records - len(dead), counts, content))
    totals = [sum(one.counts[number] for one in listed) for number in range(2)]
    return Manifest(
        identity=identity,
        lsn=draw(LSN),
        chain=draw(U64),
        records=sum(one.records for one in listed),
        counts=dict(zip(COUNTERS, totals, strict=True)),
        created_ms=draw(TIMES),
        modified_ms=draw(TIMES),
        segments=tuple(listed),
    )


MANIFESTS = manifests()


@given(BODIES, st.text(min_size=1, max_size=8))
def test_a_sealed_body_comes_back(body: dict[str, Any], magic: str) -> None:
    assert unseal(magic, seal(magic, body), where="x") == body


@given(BODIES, st.data())
def test_a_sealed_body_with_any_bit_flipped_is_refused(body: dict[str, Any], data: st.DataObject) -> None:
    packed = seal("DIPTYCHI", body)
    bit = data.draw(st.integers(0, 8 * len(packed) - 1))
    flipped = bytearray(packed)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CorruptionError):
        unseal("DIPTYCHI", bytes(flipped), where="x")


@given(st.binary(max_size=80))
def test_arbitrary_bytes_are_no_sealed_body(data: bytes) -> None:
    with pytest.raises(CorruptionError):
        unseal("DIPTYCHI", data, where="x")


@given(BODIES, st.data())
def test_a_sealed_body_cut_or_lengthened_is_refused(body: dict[str, Any], data: st.DataObject) -> None:
    packed = seal("DIPTYCHI", body)
    length = data.draw(st.integers(0, len(packed) - 1))
    for wrong in (packed[:length], packed + b"\0"):
        with pytest.raises(CorruptionError):
            unseal("DIPTYCHI", wrong, where="x")


def test_a_body_under_another_magic_or_too_long_is_refused() -> None:
    with pytest.raises(CorruptionError, match="begin with DIPTYCHM"):
        unseal("DIPTYCHM", seal("DIPTYCHI", {}), where="x")
    with pytest.raises(CorruptionError, match="too long"):
        unseal("DIPTYCHI", bytes(MAX_SIZE_BYTES + 1), where="x")
    with pytest.raises(IncompatibleStoreError, match="format 2"):
        unseal("DIPTYCHI", seal("DIPTYCHI", {}, version=2), where="x")
    with pytest.raises(OlderFormatError, match="format 1"):
        unseal("DIPTYCHI", seal("DIPTYCHI", {}), version=2, where="x")
    claimed = msgpack.packb(["DIPTYCHI", 2, msgpack.packb({}), 0])
    with pytest.raises(CorruptionError, match="checksum"):
        unseal("DIPTYCHI", claimed, where="x")


@given(IDENTITIES, MANIFESTS, st.builds(ClosedMark, st.binary(min_size=16, max_size=16), LSN, U64, TIMES))
def test_identity_manifest_and_closed_come_back(
    identity: Identity, manifest: Manifest, mark: ClosedMark
) -> None:
    assert decode_identity(encode_identity(identity), where="x") == identity
    assert decode_manifest(encode_manifest(manifest), where="x") == manifest
    assert decode_closed(encode_closed(mark), where="x") == mark


def test_a_whole_document_with_the_wrong_fields_is_corrupt() -> None:
    with pytest.raises(CorruptStoreError):
        decode_identity(seal("DIPTYCHI", {"store_id": b""}, version=2), where="x")
    with pytest.raises(CorruptSnapshotError):
        decode_manifest(seal("DIPTYCHM", {"lsn": 1}, version=2), where="x")
    with pytest.raises(CorruptStoreError):
        decode_closed(seal("DIPTYCHC", {"more": 1}), where="x")


def test_identities_are_distinct() -> None:
    assert Identity.new(CODE).store_id != Identity.new(CODE).store_id


@given(LSN, st.integers(0, 10**9 - 1))
def test_names_come_back(lsn: int, mend: int) -> None:
    assert layout.parse_journal_file_name(layout.journal_file_name(lsn)) == lsn
    assert layout.parse_generation_name(layout.generation_name(lsn, mend)) == (lsn, mend)
    temporary = layout.temporary_name(layout.generation_name(lsn, mend))
    assert layout.is_temporary(temporary)
    assert layout.parse_generation_name(temporary) is None
    assert not layout.is_temporary(layout.journal_file_name(lsn))


@given(st.text(max_size=30))
def test_other_names_are_none(name: str) -> None:
    if name not in (layout.journal_file_name(0),):
        parsed = layout.parse_journal_file_name(name)
        assert parsed is None or layout.journal_file_name(parsed) == name
    parsed_generation = layout.parse_generation_name(name)
    assert parsed_generation is None or len(name) >= 20


@pytest.mark.parametrize(
    "name", ["", "1.wal", "0" * 20, "0" * 20 + ".wal\n", "x" + "0" * 20 + ".wal", "0" * 20 + ".WAL", "CLOSED"]
)
def test_near_misses_of_a_segments_name(name: str) -> None:
    assert layout.parse_journal_file_name(name) is None


@given(st.lists(LSN, min_size=2, max_size=9, unique=True))
def test_names_sort_as_their_lsns(lsns: list[int]) -> None:
    by_name = sorted(map(layout.journal_file_name, lsns))
    assert [layout.parse_journal_file_name(name) for name in by_name] == sorted(lsns)


GENERATIONS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=9, unique=True)


@given(GENERATIONS, st.integers(2, 4), st.data())
def test_the_newest_generations_and_the_pinned_ones_are_kept(
    found: list[tuple[int, int]], keep: int, data: st.DataObject
) -> None:
    names = [layout.generation_name(*one) for one in found]
    pinned = data.draw(st.lists(st.sampled_from(names), max_size=2)) if names else []
    removed = generations_to_remove([*names, "other", "x.tmp"], keep, pinned)
    kept = [one for one in found if layout.generation_name(*one) not in removed]
    newest = sorted({lsn for lsn, _ in found})[-keep:]
    for lsn in newest:
        assert max(one for one in found if one[0] == lsn) in kept
    assert not set(pinned) & set(removed)
    unpinned = [one for one in kept if layout.generation_name(*one) not in pinned]
    assert len(unpinned) <= keep
    assert removed == sorted(removed, key=layout.parse_generation_name)


@given(st.lists(st.integers(1, 50), max_size=9, unique=True), st.integers(0, 50))
def test_no_segment_goes_that_a_generation_needs(firsts: list[int], oldest: int) -> None:
    removed = journal_files_to_remove(firsts, oldest)
    left = sorted(set(firsts) - set(removed))
    # What is left begins at or before the first LSN behind the oldest generation, if anything did.
    if any(first <= oldest + 1 for first in firsts):
        assert left[0] <= oldest + 1
        assert sum(first <= oldest + 1 for first in left) == 1
    else:
        assert left == sorted(firsts)


# Each a manifest with one thing wrong; all pass their checksum.
@given(manifests().filter(lambda one: bool(one.segments)), st.data())
def test_a_manifest_whose_numbers_do_not_agree_is_refused(manifest: Manifest, data: st.DataObject) -> None:
    first, *rest = manifest.segments
    wrong = [
        replace(manifest, records=manifest.records + 1),
        replace(manifest, counts={**manifest.counts, "symbols": manifest.counts["symbols"] + 1}),
        replace(manifest, counts={"symbols": manifest.counts["symbols"]}),
        replace(manifest, segments=(first, first, *rest)),
        replace(manifest, segments=(replace(first, dead=first.dead + b"\0"), *rest)),
        replace(manifest, segments=(replace(first, dead=b"\xff" * 9), *rest)),
        replace(manifest, segments=(replace(first, records=first.seal.records + 1), *rest)),
        replace(manifest, segments=(replace(first, records=0), *rest)),
        replace(manifest, segments=(replace(first, sealed=first.sealed[:-1]), *rest)),
        replace(manifest, identity=replace(manifest.identity, fingerprint="e" * 32)),
        replace(manifest, identity=replace(manifest.identity, schema=manifest.identity.schema + "x")),
    ]
    with pytest.raises(CorruptSnapshotError):
        decode_manifest(encode_manifest(data.draw(st.sampled_from(wrong))), where="x")
