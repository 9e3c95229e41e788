"""The manifest's bytes: what is written is read, and damage is never read as something else."""

from __future__ import annotations

import msgpack
import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from diptych.versions import Embedding
from diptych.versions.errors import CorruptVersionError, IncompatibleVersionError, InvalidAssetError
from diptych.versions.manifest import (
    MAGIC,
    AssetEntry,
    FileEntry,
    Manifest,
    check_attrs,
    decode,
    encode,
)
from diptych.versions.names import is_version_name

SAMPLE = Manifest(
    version="v1",
    files={b"a/b": FileEntry(3, b"d" * 32), b"\xff": FileEntry(0, b"e" * 32)},
    directories=frozenset({b"a"}),
    assets={"a": AssetEntry("files", {"": b"a"})},
    attrs={"commit": "abc", "n": 1.5, "list": [1, None, True], "map": {"k": "v"}},
    embedding=Embedding("model", 768, "cosine"),
    created_ns=1,
    published_ns=2,
    sequence=3,
    lineage=("v0",),
)

# Some of what the expression gives is a device to Windows.
names = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True).filter(is_version_name)
paths = st.binary(min_size=1, max_size=9).filter(
    lambda path: b"\0" not in path and not {b"", b".", b".."} & set(path.split(b"/"))
)
digests = st.binary(min_size=32, max_size=32)
attributes = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(
    st.builds(
        Manifest,
        version=names,
        files=st.dictionaries(paths, st.builds(FileEntry, st.integers(0, 2**60), digests)),
        directories=st.frozensets(paths),
        assets=st.dictionaries(names, st.builds(AssetEntry, st.text(), st.dictionaries(st.text(), paths))),
        attrs=st.dictionaries(st.text(), attributes),
        embedding=st.none() | st.just(Embedding("m", 3, "l2")),
        created_ns=st.integers(0, 2**63),
        published_ns=st.integers(0, 2**63),
        sequence=st.integers(0, 2**40),
        lineage=st.lists(names).map(tuple),
    )
)  # fmt: skip
def test_what_is_written_is_read(manifest: Manifest) -> None:
    assert decode(encode(manifest), "here") == manifest


def test_every_flipped_bit_and_every_cut_is_noticed() -> None:
    data = encode(SAMPLE)
    assert decode(data, "here") == SAMPLE
    for position in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[position] ^= 1 << bit
            with pytest.raises(CorruptVersionError):
                decode(bytes(damaged), "here")
        with pytest.raises(CorruptVersionError):
            decode(data[:position], "here")


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_as_damage(data: bytes) -> None:
    with pytest.raises(CorruptVersionError):
        decode(data, "here")


def test_a_newer_format_is_told_from_damage() -> None:
    body = msgpack.packb({"of": "tomorrow"})
    digest = blake3(f"{MAGIC} 2 ".encode() + body).digest()
    with pytest.raises(IncompatibleVersionError, match="format 2"):
        decode(msgpack.packb([MAGIC, 2, body, digest]), "here")


@pytest.mark.parametrize("path", [b"../x", b"/etc/passwd", b"a/../b", b"a//b", b"", b"a\0b", "text"])
def test_a_path_that_leads_out_of_the_version_is_refused(path: bytes) -> None:
    for change in (
        {"files": {path: [1, b"d" * 32]}},
        {"directories": [path]},
        {"assets": {"a": ["files", {"": path}]}},
    ):
        with pytest.raises(CorruptVersionError, match="invalid field"):
            decode(_with(change), "here")


@pytest.mark.parametrize(
    "change",
    [
        {"version": "../v"},
        {"sequence": -1},
        {"sequence": True},
        {"lineage": ["a/b"]},
        {"files": {b"a": [1, b"short"]}},
        {"files": 7},
        {"embedding": ["m", 0, "cosine"]},
        {"attrs": 1},
        {"assets": {"manifest.msgpack": ["f", {}]}},
    ],
)
def test_a_field_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(CorruptVersionError):
        decode(_with(change), "here")


def _with(change: dict[str, object]) -> bytes:
    body = msgpack.unpackb(msgpack.unpackb(encode(SAMPLE))[2], strict_map_key=False)
    packed = msgpack.packb({**body, **change})
    return bytes(msgpack.packb([MAGIC, 1, packed, blake3(f"{MAGIC} 1 ".encode() + packed).digest()]))


@pytest.mark.parametrize("attrs", [{"a": object()}, {1: 2}, {"a": 2**70}, {"a": {1, 2}}])
def test_an_attribute_that_cannot_be_stored_is_refused(attrs: dict[str, object]) -> None:
    with pytest.raises(InvalidAssetError):
        check_attrs(attrs)


@pytest.mark.parametrize(
    "arguments", [("", 3, "l2"), ("m", 0, "l2"), ("m", -1, "l2"), ("m", 2.0, "l2"), ("m", 3, "hamming")]
)
def test_an_embedding_that_makes_no_sense_is_refused(arguments: tuple[str, int, str]) -> None:
    with pytest.raises(InvalidAssetError):
        Embedding(*arguments)
