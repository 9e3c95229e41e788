"""Repair brings everything back from a search index and the copy of a manifest."""

import os
import shutil

from tests.support.damage import MANUAL, generation, own_segment
from tests.support.invariants import check_reads, check_search
from tests.support.records import numbered

from diptych import Store, repair, verify


def test_repair_takes_all_from_the_search_index(tmp_path):
    path = str(tmp_path / "s")
    files = {one.path: one for one in numbered(5)}
    with Store.open(path, policy=MANUAL) as store:
        with store.transaction() as txn:
            for one in files.values():
                txn.index_file(one)
        store.checkpoint()
    os.remove(os.path.join(path, "IDENTITY"))
    os.remove(os.path.join(own_segment(path, 1), "records.msgpack"))
    os.remove(generation(path, 1))
    shutil.rmtree(os.path.join(path, "journal"))
    report = repair(path)
    assert report.mended_from == "search"
    with Store.open(path, policy=MANUAL) as store:
        check_reads(store, files)
        check_search(store, files)
    assert verify(path).ok
