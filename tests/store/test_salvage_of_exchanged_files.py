"""Salvage from a segment one of whose Tantivy files is intact, and another segment's."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tests.support.damage import MANUAL, forget_generation, own_segment
from tests.support.files import gone
from tests.support.records import record

from diptych import Store, repair


def test_records_of_another_segment_are_not_taken_for_those_that_are_lost(
    store_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them would pass its checksum, and be older than what was committed last."""
    # Tantivy's files apart: a bundle says itself which segment it is of.
    monkeypatch.setattr("diptych.segment.builder.BUNDLE_MAX_BYTES", 1)
    with Store.open(store_path, policy=MANUAL) as store:
        for version in (1, 2):
            with store.transaction() as txn:
                for name in ("a.py", "b.py"):
                    txn.index_file(record(name, version))
            store.checkpoint(compact=True)
    old, new = (own_segment(store_path, lsn) for lsn in (1, 2))
    shutil.copyfile(next(Path(old).glob("*.store")), next(Path(new).glob("*.store")))
    gone(os.path.join(new, "records.msgpack"))
    forget_generation(store_path, 1)
    for name in os.listdir(os.path.join(store_path, "journal")):
        gone(os.path.join(store_path, "journal", name))
    report = repair(store_path)
    assert report.given_up
    with Store.open(store_path) as store:
        assert list(store.files()) == []
