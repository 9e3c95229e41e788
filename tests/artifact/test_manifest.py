"""Manifests and refs as bytes: one encoding, nothing accepted that no artifact has, formats that stay."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diptych.artifact.documents import canonical, parse_canonical
from diptych.artifact.errors import ArtifactError, HostileArtifactError, IncompatibleArtifactError
from diptych.artifact.manifest import (
    MAX_DEPTH,
    SPAN_BYTES,
    ArtifactFile,
    ArtifactManifest,
    Piece,
    Source,
    StoreFacts,
    decode_manifest,
    decode_order,
    encode_manifest,
    is_artifact_path,
)
from diptych.artifact.names import check_ref, is_ref, parse_ref_path, ref_path
from diptych.artifact.ref_body import RefBody, decode_ref, encode_ref

DATA = Path(__file__).parents[1] / "data"


def hashed(number: int) -> str:
    return f"{number:064x}"


def piece(number: int, *, bases: tuple[str, ...] = (), size: int = 10) -> Piece:
    codec = "zstd-prefix" if bases else "zstd"
    return Piece(codec, hashed(1), 24, 5, hashed(number), size, bases)


def file(number: int, path: str = "", *, bases: tuple[str, ...] = ()) -> ArtifactFile:
    return ArtifactFile(path, 10, hashed(number), (piece(number, bases=bases),))


def segment(number: int, name: str = "records.msgpack") -> str:
    return f"segments/{number:064x}/{name}"


GENERATION = "generations/00000000000000000007"


def manifest(**changes: Any) -> ArtifactManifest:
    """A small manifest with a patch, a base and a file in two pieces."""
    long = ArtifactFile(
        segment(9),
        SPAN_BYTES + 3,
        hashed(9),
        (piece(9, size=SPAN_BYTES), Piece("raw", hashed(2), 0, 3, hashed(8), 3)),
    )
    fields = {
        "content_id": hashed(99),
        "created_ms": 1_700_000_000_000,
        "tool": "diptych 1.2.3",
        "store": StoreFacts("0" * 32, "code", 3, "f" * 32, 7, 2**63, 12, {"symbols": 30}),
        "files": (file(3, GENERATION), file(4, segment(4), bases=(hashed(5), hashed(9))), long),
        "bases": (file(5),),
        "source": Source(hashed(50), "a" * 40, "main", 0),
        "indexer": {"python": "0.25.0"},
        "parent": hashed(77),
    }
    return ArtifactManifest(**{**fields, **changes})


REF = RefBody(hashed(6), 41, "00112233445566778899aabbccddeeff", 1_700_000_000_000, "ci", 0)


def test_a_manifest_and_a_ref_are_the_same_again() -> None:
    assert decode_manifest(encode_manifest(manifest()), where="x") == manifest()
    assert decode_ref(encode_ref(REF), where="x") == REF


def test_the_formats_are_those_that_were_released() -> None:
    """What is in these files was written by the first release that shares: it must stay readable."""
    assert encode_manifest(manifest()) == (DATA / "artifact-manifest-1.json").read_bytes()
    assert encode_ref(REF) == (DATA / "artifact-ref-1.json").read_bytes()


def test_an_unknown_field_is_ignored_and_an_unknown_critical_one_refused() -> None:
    body = json.loads(encode_manifest(manifest()))
    assert decode_manifest(canonical({**body, "later": 1}), where="x") == manifest()
    with pytest.raises(IncompatibleArtifactError, match="later"):
        decode_manifest(canonical({**body, "critical": ["later"]}), where="x")
    with pytest.raises(IncompatibleArtifactError, match="format 2"):
        decode_manifest(canonical({**body, "format": 2}), where="x")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff",
        b'{"format":1}',
        b'{"a":1,"a":1}',
        b'{"a": 1}',
        b'{"b":1,"a":1}',
        b'{"a":1.0}',
        b'{"a":NaN}',
        b'{"a":' + b"9" * 5_000 + b"}",
        b"[" * 100_000,
        b"[" * 9 + b"]" * 9,
        b'"\\ud800"',
        b'{"a":"\xc3\xbc"}',
    ],
)
def test_what_is_no_document_is_refused(data: bytes) -> None:
    for decode in (decode_manifest, decode_ref):
        with pytest.raises(HostileArtifactError):
            decode(data, where="x")


PATHS = [
    "",
    "x",
    "../x",
    "/etc/passwd",
    "IDENTITY",
    "facts.msgpack",
    "journal/00000000000000000001.wal",
    "generations/../x",
    "generations/7",
    "generations/00000000000000000007/x",
    f"generations/{2**64:020d}",
    "segments/x/records.msgpack",
    segment(4, "SEAL"),
    segment(4, "records.msgpack\0"),
    segment(4, "../records.msgpack"),
    segment(4, f"{'0' * 32}.exe"),
    segment(4, f"{'G' * 32}.idx"),
    segment(4).upper(),
    segment(4) + "/x",
    segment(4).replace("/", "\\"),
    "segments/" + "a" * 300 + "/records.msgpack",
]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_no_generation_has_is_refused(path: str) -> None:
    assert not is_artifact_path(path)
    files = sorted((file(3, GENERATION), file(4, path)), key=lambda one: one.path)
    with pytest.raises(HostileArtifactError):
        decode_manifest(encode_manifest(manifest(files=tuple(files), bases=())), where="x")


def test_what_makes_no_sense_together_is_refused() -> None:
    one, two = file(3, GENERATION), file(4, segment(4))
    bad = {
        "two of one path": {"files": (one, two, two)},
        "out of order": {"files": (two, one)},
        "no generation": {"files": (two,)},
        "two generations": {"files": (one, file(8, GENERATION + ".1"), two)},
        "a base that is a file": {"files": (one, two), "bases": (file(4),)},
        "a base with a path": {"bases": (file(5, segment(5)),)},
        "a base that is missing": {"files": (one, file(4, segment(4), bases=(hashed(66),))), "bases": ()},
        "a circle": {"files": (one, file(4, segment(4), bases=(hashed(4),))), "bases": ()},
        "another size": {"files": (one, ArtifactFile(segment(4), 11, hashed(4), (piece(4),)))},
        "a piece that is too large": {
            "files": (
                one,
                ArtifactFile(segment(4), SPAN_BYTES + 1, hashed(4), (piece(4, size=SPAN_BYTES + 1),)),
            )
        },
        "a short piece before the last": {
            "files": (one, ArtifactFile(segment(4), 20, hashed(4), (piece(4), piece(5))))
        },
        "bases that take too much memory": {
            "files": (one, file(4, segment(4), bases=(hashed(5),) * 3)),
            "bases": (ArtifactFile("", SPAN_BYTES, hashed(5), (piece(5, size=SPAN_BYTES),)),),
        },
        "an LSN": {"store": StoreFacts("0" * 32, "code", 3, "f" * 32, -1, 0, 0, {})},
        "a commit": {"source": Source(commit="main")},
        "a parent": {"parent": "x"},
    }
    for name, changes in bad.items():
        with pytest.raises(HostileArtifactError):
            decode_manifest(encode_manifest(manifest(**changes)), where=name)


def test_a_chain_of_bases_has_an_end() -> None:
    def chained(length: int) -> ArtifactManifest:
        bases = tuple(
            file(100 + number, bases=(hashed(101 + number),) if number < length - 2 else ())
            for number in range(length - 1)
        )
        files = (file(3, GENERATION), file(4, segment(4), bases=(hashed(100),)))
        return manifest(files=files, bases=bases)

    found = decode_order(decode_manifest(encode_manifest(chained(MAX_DEPTH)), where="x"))
    places = {one.blake3: number for number, one in enumerate(found)}
    assert all(places[base] < places[one.blake3] for one in found for base in one.pieces[0].bases)
    with pytest.raises(HostileArtifactError, match="chain"):
        decode_manifest(encode_manifest(chained(MAX_DEPTH + 1)), where="x")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False), VALUES)
def test_a_manifest_with_anything_in_the_place_of_a_field_is_refused_or_read(
    rng: random.Random, value: object
) -> None:
    """Never another error than those of artifacts, whatever a field is."""
    body = json.loads(encode_manifest(manifest()))
    places: list[tuple[Any, Any]] = []

    def walk(one: Any) -> None:
        for key in list(one) if type(one) is dict else range(len(one)):
            places.append((one, key))
            if type(one[key]) in (dict, list):
                walk(one[key])

    walk(body)
    within, key = rng.choice(places)
    if rng.random() < 0.2:
        del within[key]
    else:
        within[key] = value
    data = canonical(body)
    try:
        found = decode_manifest(data, where="x")
    except ArtifactError:
        return
    assert all(is_artifact_path(one.path) for one in found.files)
    decode_order(found)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=8), st.integers(0, 10**6), st.integers(0, 40))
def test_damaged_bytes_are_refused(data: bytes, at: int, length: int) -> None:
    whole = encode_manifest(manifest())
    at %= len(whole)
    damaged = whole[:at] + data + whole[at + length :]
    try:
        found = decode_manifest(damaged, where="x")
    except ArtifactError:
        return
    assert encode_manifest(found) == damaged or b'"later"' in damaged or json.loads(damaged)


@given(st.dictionaries(st.text(max_size=5), st.integers(0, 2**63) | st.text(max_size=5), max_size=4))
def test_canonical_json_has_one_encoding(value: dict[str, Any]) -> None:
    assert parse_canonical(canonical(value), 10_000) == value


NAMES = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Cf", "Zl", "Zp", "Co", "Cn")), max_size=20)


@given(st.sampled_from(["branch", "channel", "user"]), NAMES)
def test_a_ref_has_one_path_and_the_path_one_ref(kind: str, name: str) -> None:
    ref = f"{kind}/{name}"
    if not is_ref(ref):
        return
    path = ref_path(check_ref(ref))
    assert parse_ref_path(path) == ref
    assert path == path.lower() or "%" in path
    assert not any(part in ("", ".", "..") or part.startswith(".") for part in path.split("/"))
