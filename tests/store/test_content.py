"""The content id: what is in a generation, whatever its segments, LSNs and history."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.damage import MANUAL, generation
from tests.support.records import numbered, record

from diptych import FileRecord, Store, verify
from diptych.fs import private_directory
from diptych.schema.code import CODE
from diptych.segment import content, records
from diptych.store import generation as generations
from diptych.store.checkpoint import marking
from diptych.store.manifest import Manifest, encode_manifest

PATHS = [f"pkg/{number}.py" for number in range(6)]
STEPS = st.lists(
    st.tuples(st.sampled_from(["index", "remove", "checkpoint", "compact"]), st.sampled_from(PATHS)),
    max_size=12,
)


def content_id(path: str, files: list[FileRecord], *, at_a_time: int = 1000) -> str:
    """Of a new store at `path` with these records."""
    with Store.open(path, policy=MANUAL) as store:
        for begin in range(0, len(files), at_a_time):
            with store.transaction() as txn:
                for one in files[begin : begin + at_a_time]:
                    txn.index_file(one)
            store.checkpoint()
        return store.stats().content_id


@settings(max_examples=12, deadline=None)
@given(STEPS)
def test_it_is_that_of_the_same_records_indexed_at_once(steps: list[tuple[str, str]]) -> None:
    with private_directory() as directory:
        truth: dict[str, FileRecord] = {}
        with Store.open(os.path.join(directory, "a"), policy=MANUAL) as store:
            for number, (verb, path) in enumerate(steps):
                if verb in ("index", "remove"):
                    with store.transaction() as txn:
                        if verb == "index":
                            truth[path] = record(path, number)
                            txn.index_file(truth[path])
                        elif truth.pop(path, None):
                            txn.remove_file(path)
                else:
                    store.checkpoint(compact=verb == "compact")
            store.checkpoint()
            found = store.stats().content_id
        # Where nothing was ever committed, there is no generation, and no id.
        others = content_id(os.path.join(directory, "b"), list(truth.values()))
        assert found == others or not truth
        assert verify(os.path.join(directory, "a"), deep=True).ok


def test_other_records_have_another(tmp_path: Path) -> None:
    some = numbered(4)
    found = {
        content_id(str(tmp_path / "a"), some),
        content_id(str(tmp_path / "b"), some[:3]),
        content_id(str(tmp_path / "c"), [*some[:3], record(some[3].path, 1)]),
        content_id(str(tmp_path / "d"), [*some[:3], record("pkg/other.py")]),
    }
    assert len(found) == 4 and all(len(one) == 64 for one in found)
    assert content_id(str(tmp_path / "e"), some[::-1], at_a_time=1) in found


def test_a_checkpoint_hashes_what_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = []

    def counted(key: bytes, payload: bytes) -> int:
        hashed.append(key)
        return content.record_content(key, payload)

    with Store.open(tmp_path / "s", policy=MANUAL) as store:
        with store.transaction() as txn:
            for one in numbered(300):
                txn.index_file(one)
        store.checkpoint()
        for module in (marking, records):
            monkeypatch.setattr(module, "record_content", counted)
        with store.transaction() as txn:
            for one in numbered(3, 1):
                txn.index_file(one)
        store.checkpoint()
    # Three records that are dead, and three that are new.
    assert len(hashed) == 6


def rewrite(path: Path, change: dict[str, int | None]) -> None:
    """Write the newest manifest again, with another content of its segments."""
    with Store.open(path, read_only=True) as store:
        lsn = store.stats().generation_lsn
    where = generation(str(path), lsn)
    manifest = generations.read_manifest(where)
    segments = tuple(replace(listed, **change) for listed in manifest.segments)  # type: ignore[arg-type]
    changed = encode_manifest(replace(manifest, segments=segments))
    Path(where).write_bytes(changed)
    (path / "segments" / Path(where).name).write_bytes(changed)


def newest(path: Path) -> Manifest:
    with Store.open(path, read_only=True) as store:
        generation_ = store.view().generation
        assert generation_ is not None
        return generation_.manifest


@pytest.mark.parametrize("changes", [0, 2])
def test_a_store_without_one_gets_it_with_the_next_checkpoint(tmp_path: Path, changes: int) -> None:
    files = numbered(30)
    content_id(str(tmp_path / "s"), files, at_a_time=10)
    rewrite(tmp_path / "s", {"content": None})
    with Store.open(tmp_path / "s", policy=MANUAL) as store:
        assert store.stats().content_id == ""
        with store.transaction() as txn:
            for one in numbered(changes, 1):
                txn.index_file(one)
        store.checkpoint()
        found = store.stats().content_id
    expected = [*numbered(changes, 1), *files[changes:]]
    assert found == content_id(str(tmp_path / "other"), expected)
    assert verify(tmp_path / "s", deep=True).ok


def test_a_damaged_segment_without_one_is_written_again(tmp_path: Path) -> None:
    files = numbered(30)
    expected = content_id(str(tmp_path / "s"), files)
    rewrite(tmp_path / "s", {"content": None})
    (listed,) = newest(tmp_path / "s").segments
    damaged = tmp_path / "s" / "segments" / listed.digest / "records.msgpack"
    data = bytearray(damaged.read_bytes())
    data[data.index(b"pkg/007.py") + 30] ^= 1
    damaged.write_bytes(data)
    with Store.open(tmp_path / "s", policy=MANUAL) as store:
        store.checkpoint()
        assert store.stats().content_id == expected
    assert newest(tmp_path / "s").segments[0].digest != listed.digest


def test_verify_notices_a_wrong_one(tmp_path: Path) -> None:
    content_id(str(tmp_path / "s"), numbered(5))
    assert verify(tmp_path / "s", deep=True).ok
    rewrite(tmp_path / "s", {"content": 7})
    report = verify(tmp_path / "s", deep=True)
    assert not report.ok
    assert any("other records of segment" in finding.message for finding in report.findings)
    assert verify(tmp_path / "s", deep=False).ok


def test_another_schema_of_the_same_records_has_another(tmp_path: Path) -> None:
    content_id(str(tmp_path / "s"), numbered(2))
    manifest = newest(tmp_path / "s")
    other = replace(manifest, identity=replace(manifest.identity, fingerprint="0" * 32))
    assert manifest.identity.fingerprint == CODE.fingerprint()
    assert manifest.content_id != other.content_id
