"""What repair says that it did, and what it keeps."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.damage import MANUAL, damage_snapshot, newest, segments
from tests.support.files import overwrite, tree
from tests.support.records import record

from diptych import Store, repair, verify
from diptych.store.generation import read_manifest


def test_a_manifest_is_set_aside_with_the_segments_that_it_alone_lists(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        for name in ("a.py", "b.py"):
            with store.transaction() as txn:
                txn.index_file(record(name))
            store.checkpoint()
        older = newest(store_path)
        with store.transaction() as txn:
            txn.index_file(record("c.py"))
        store.checkpoint(compact=True)
    listed = [segment.digest for segment in read_manifest(older).segments]
    damaged, intact = (os.path.join(store_path, "segments", digest) for digest in listed)
    damage_snapshot(damaged, "flipped", "a.py")
    before = {name: tree(name) for name in (damaged, intact)}
    planned = repair(store_path, dry_run=True).actions
    report = repair(store_path)
    assert report.actions == planned
    quarantine = Path(store_path, "quarantine")
    assert {f"set {path} aside" for path in (older, damaged)} <= set(report.actions)
    assert report.actions[-1] == "set the segments aside that only these generations list"
    with Store.open(store_path, policy=MANUAL) as store:
        assert [found.path for found in store.files()] == ["a.py", "b.py", "c.py"]
    manifest = read_manifest(str(quarantine / os.path.basename(older)))
    assert [segment.digest for segment in manifest.segments] == listed
    assert {path: tree(quarantine / os.path.basename(path)) for path in before} == before
    assert verify(store_path).findings == []


def test_the_base_is_set_aside_with_the_segments_that_repair_folded(store_path: str) -> None:
    """Which these are shows only when the generation is built; nothing of it is removed either."""
    with Store.open(store_path, policy=MANUAL) as store:
        for number in range(3):
            with store.transaction() as txn:
                txn.index_file(record(f"{number}.py"))
            store.checkpoint()
    base = read_manifest(newest(store_path))
    damage_snapshot(segments(store_path)[0], "flipped", "0.py")
    repair(store_path)
    quarantine = set(os.listdir(os.path.join(store_path, "quarantine")))
    kept = {segment.digest for segment in read_manifest(newest(store_path)).segments}
    assert {segment.digest for segment in base.segments} <= quarantine | kept
    with Store.open(store_path, policy=MANUAL) as store:
        assert len(store) == 3
    assert verify(store_path).findings == []


def test_a_damaged_seal_is_written_again_and_that_is_said(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(record("a.py"))
        store.checkpoint()
    seal = os.path.join(segments(store_path)[0], "SEAL")
    content = Path(seal).read_bytes()
    overwrite(seal, 40, bytes([content[40] ^ 1]))
    planned = repair(store_path, dry_run=True).actions
    assert f"write {seal} again, from a manifest" in planned
    assert Path(seal).read_bytes() != content
    assert repair(store_path).actions == planned
    assert Path(seal).read_bytes() == content
    assert verify(store_path).findings == []
