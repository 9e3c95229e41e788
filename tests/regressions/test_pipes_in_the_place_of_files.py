"""A named pipe in the place of a file is an error or damage; to open it would wait for a writer for ever."""

import multiprocessing
import os
import sys
from pathlib import Path

import pytest
from tests.support.damage import LAST, MANUAL, NEW, build, own_segment
from tests.support.waiting import join

from diptych import DiptychError, Store, repair, verify

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no named pipes in the file system")

PLACES = [
    "IDENTITY",
    "journal/CLOSED",
    f"journal/{9:020d}.wal",
    f"generations/{NEW:020d}",
    f"segments/{NEW:020d}",
    "SEAL",
    "records.msgpack",
    "search.bundle",
]


def _all_of_it(path):
    verify(path)
    for read_only in (True, False):
        try:
            with Store.open(path, read_only=read_only, policy=MANUAL) as store:
                assert store.lsn == LAST
        except DiptychError:
            pass
    repair(path)
    assert verify(path).ok
    with Store.open(path, policy=MANUAL) as store:
        assert len(store) > 0


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("both", [False, True], ids=["alone", "no-manifests"])
def test_no_one_waits_for_it(tmp_path, name, both):
    path = tmp_path / "s"
    build(str(path))
    place = path / name if "/" in name or name == "IDENTITY" else Path(own_segment(str(path), NEW), name)
    place.unlink()
    os.mkfifo(place)
    if both:
        for manifest in path.glob("generations/*"):
            manifest.unlink()
    process = multiprocessing.get_context("spawn").Process(target=_all_of_it, args=(str(path),))
    process.start()
    try:
        join(process)
    finally:
        process.kill()
    assert process.exitcode == 0
