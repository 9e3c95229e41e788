"""The freshness file: what it holds comes back, and what is damaged counts for nothing."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych.layout import FACTS, FRESHNESS
from diptych.workspace.freshness import record
from diptych.workspace.freshness.record import Recorded

from .settled import index, judged, plain, settled

SAMPLE = Recorded(
    facts=(1, 2, 3, 4),
    store_id="ab",
    lsn=7,
    indexer={"diptych.indexer": "1"},
    settings={"exclude": ["vendor/"], "max_file_bytes": 5},
    files=3,
    root=os.fsdecode(b"/r\xff"),
    commit="c",
    branch="main",
    index_digest=b"\x01" * 16,
    watched=[b"a.c", b"\xff.c"],
    untracked=[b"n.c"],
    unlike=[b"n.c", b"u.c"],
    report={
        "source": "git",
        "found": 4,
        "unchanged": 3,
        "other_language": 2,
        "skipped": {"binary": 1},
        "skipped_paths": {os.fsdecode(b"\xff.c"): "binary"},
        "languages": {"c": 4},
        "other_suffixes": {".md": 2},
        "syntax_errors": {"a.c": 7},
        "with_errors_bytes": 90,
    },
)


def test_what_is_encoded_is_decoded() -> None:
    assert record.decode(record.encode(SAMPLE)) == SAMPLE


@given(st.data())
def test_any_damage_is_refused(data: st.DataObject) -> None:
    encoded = bytearray(record.encode(SAMPLE))
    place = data.draw(st.integers(0, len(encoded) - 1))
    encoded[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ValueError, match="freshness file"):
        record.decode(bytes(encoded))
    with pytest.raises(ValueError, match="freshness file"):
        record.decode(record.encode(SAMPLE)[:place])


def test_it_counts_only_with_the_facts_it_was_written_with(tmp_path: Path) -> None:
    (tmp_path / FACTS).write_bytes(b"facts")
    identity = record.facts_identity(os.fspath(tmp_path))
    assert identity is not None
    record.save(os.fspath(tmp_path), replace(SAMPLE, facts=identity))
    assert record.load(os.fspath(tmp_path)) is not None
    (tmp_path / "other").write_bytes(b"facts")
    (tmp_path / "other").rename(tmp_path / FACTS)
    assert record.load(os.fspath(tmp_path)) is None


@pytest.mark.parametrize("damage", [b"", b"\x00", b"no msgpack at all"])
def test_without_it_every_file_is_looked_at(damage: bytes, tmp_path: Path) -> None:
    root = settled(tmp_path, [("damaged", plain)])["damaged"]
    (root / ".diptych" / FRESHNESS).write_bytes(damage)
    verdict, evidence = judged(root)
    assert verdict.fresh
    assert evidence.differences is not None
    assert evidence.differences.by == "stat"
    index(root)
    _, evidence = judged(root)
    assert evidence.differences is not None
    assert evidence.differences.by == "git"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("source", "guess"),
        ("found", -1),
        ("unchanged", "3"),
        ("other_language", None),
        ("skipped", {"binary": "1"}),
        ("skipped", {1: 1}),
        ("skipped_paths", {"a.c": 1}),
        ("languages", [["c", 4]]),
        ("more", 1),
    ],
)
def test_a_report_of_another_shape_is_refused(field: str, value: object) -> None:
    strange = replace(SAMPLE, report={**SAMPLE.report, field: value})
    with pytest.raises(ValueError, match="freshness file"):
        record.decode(record.encode(strange))
