"""SEAL: one encoding for one value, and nothing else is taken for it."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.notes import NOTES

from diptych.errors import CorruptSnapshotError, IncompatibleStoreError
from diptych.fs import FileDigests
from diptych.schema.code import CODE
from diptych.sealed import seal as sealed
from diptych.segment.seal import MAGIC, Seal, decode_seal, digest_of, encode_seal

ID = "0123456789abcdef" * 2
DIGESTS = FileDigests(7, b"x" * 16, b"b" * 32)
SUFFIXES = ("fast", "fieldnorm", "idx", "pos", "store", "term")
SEAL = Seal(
    schema=NOTES.name,
    schema_version=NOTES.version,
    fingerprint=NOTES.fingerprint(),
    records=3,
    counts={"tags": 1, "words": 2},
    documents=6,
    segment_id=ID,
    index_format=7,
    first_key=b"a",
    last_key=b"c",
    files={"records.msgpack": DIGESTS, "search.bundle": DIGESTS},
)


def with_body(**changes: Any) -> bytes:
    """A document that passes its checksum, with other values."""
    body = asdict(SEAL)
    body["files"] = [[name, *facts] for name, facts in sorted(SEAL.files.items())]
    body.update(changes)
    return sealed(MAGIC, body)


def test_a_seal_comes_back_and_its_digest_is_a_name() -> None:
    data = encode_seal(SEAL)
    assert decode_seal(data, where="x") == SEAL
    assert with_body() == data
    assert len(digest_of(data)) == 64
    apart = {"records.msgpack": DIGESTS} | {f"{ID}.{suffix}": DIGESTS for suffix in SUFFIXES}
    other = replace(SEAL, files=apart)
    assert decode_seal(encode_seal(other), where="x") == other
    assert not other.is_bundled
    assert SEAL.is_bundled


@given(st.integers(0, len(encode_seal(SEAL)) - 1), st.integers(1, 255))
def test_no_damaged_byte_passes(at: int, xor: int) -> None:
    data = bytearray(encode_seal(SEAL))
    data[at] ^= xor
    with pytest.raises(CorruptSnapshotError):
        decode_seal(bytes(data), where="x")
    with pytest.raises(CorruptSnapshotError):
        decode_seal(bytes(data[:at]), where="x")


@pytest.mark.parametrize(
    "changes",
    [
        {"records": 0},
        {"records": 7},
        {"records": True},
        {"records": 2**31},
        {"documents": -1},
        {"documents": 6.0},
        {"schema": b"notes"},
        {"schema": "n" * 2_000},
        {"fingerprint": "x" * 32},
        {"schema_version": None},
        {"counts": []},
        {"counts": {"tags": -1}},
        {"segment_id": "../../../../../../../../../etc/pw"},
        {"segment_id": ID.upper()},
        {"segment_id": ID + "\n"},
        {"index_format": "7"},
        {"first_key": b""},
        {"first_key": "a"},
        {"first_key": b"d"},
        {"last_key": b"x" * 70_000},
        {"files": []},
        {"files": {}},
        {"files": [["records.msgpack", 7, b"x" * 16, b"b" * 32]]},
        {"files": [["records.msgpack", 7, b"x" * 16, b"b" * 32], ["../x", 7, b"x" * 16, b"b" * 32]]},
        {"files": [["search.bundle", 7, b"x" * 16, b"b" * 32], ["records.msgpack", 7, b"x" * 16, b"b" * 32]]},
        {"files": [["records.msgpack", 7, b"x" * 16, b"b" * 32]] * 2},
        {"files": [["records.msgpack", -7, b"x" * 16, b"b" * 32], ["search.bundle", *DIGESTS]]},
        {"files": [["records.msgpack", 7, "x" * 16, b"b" * 32], ["search.bundle", *DIGESTS]]},
        {"files": [["records.msgpack", 7, b"x" * 16, b"b"], ["search.bundle", *DIGESTS]]},
        {"files": [["records.msgpack", 7, b"x" * 16], ["search.bundle", *DIGESTS]]},
        {"files": [[["records.msgpack"], *DIGESTS], ["search.bundle", *DIGESTS]]},
        {"files": [["records.msgpack", *DIGESTS]] * 1_000},
        {"more": 1},
    ],
)
def test_what_a_stranger_may_write_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(CorruptSnapshotError):
        decode_seal(with_body(**changes), where="x")


def test_another_encoding_of_the_same_values_is_refused() -> None:
    body = asdict(SEAL)
    body["files"] = [[name, *facts] for name, facts in sorted(SEAL.files.items())]
    for other in (dict(reversed(body.items())), {**body, "records": body["records"]}):
        data = sealed(MAGIC, other)
        if data == encode_seal(SEAL):
            continue
        with pytest.raises(CorruptSnapshotError, match="encoding"):
            decode_seal(data, where="x")
    magic, version, packed, checksum = msgpack.unpackb(encode_seal(SEAL))
    longer = msgpack.packb([magic, version, packed, checksum]) + b"\xc0"
    with pytest.raises(CorruptSnapshotError):
        decode_seal(longer, where="x")


def test_another_schema_and_a_newer_format_are_named() -> None:
    with pytest.raises(IncompatibleStoreError, match=r"'notes' version 3.*'code'"):
        SEAL.refuse_other(CODE, "there")
    with pytest.raises(IncompatibleStoreError, match="format 2"):
        decode_seal(sealed(MAGIC, asdict(SEAL), version=2), where="x")
