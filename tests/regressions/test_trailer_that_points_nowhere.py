"""A snapshot whose trailer passes its checksum and points outside of the file: refused when it is opened."""

import pytest

from diptych import CheckpointPolicy, CorruptSnapshotError, FileRecord, Store
from diptych.snapshot.format import TRAILER_SIZE, decode_trailer, encode_trailer
from diptych.snapshot.reader import SnapshotReader

MANUAL = CheckpointPolicy(automatic=False)
BEYOND = 1 << 40


@pytest.fixture
def snapshot(tmp_path):
    with Store.open(tmp_path / "s", policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(FileRecord("a.py", "hash"))
        store.checkpoint()
    [records] = (tmp_path / "s").glob("segments/*/records.msgpack")
    return records


@pytest.mark.parametrize("field", ["records", "ids", "records_end", "order", "offsets", "ends", "bits"])
@pytest.mark.parametrize("value", [BEYOND, (1 << 64) - 1])
def test_a_place_outside_of_the_file_is_corruption(snapshot, tmp_path, field, value):
    data = snapshot.read_bytes()
    trailer = decode_trailer(data[-TRAILER_SIZE:], where="it")
    if field in ("ends", "bits"):
        trailer = trailer._replace(indexes=(trailer.indexes[0]._replace(**{field: value}),))
    else:
        trailer = trailer._replace(**{field: value})
    (tmp_path / "changed").write_bytes(data[:-TRAILER_SIZE] + encode_trailer(trailer))
    with pytest.raises(CorruptSnapshotError):
        SnapshotReader(str(tmp_path / "changed"))


def test_a_snapshot_that_lost_bytes_in_its_middle_is_corruption(snapshot, tmp_path):
    data = snapshot.read_bytes()
    (tmp_path / "changed").write_bytes(data[:60] + data[-TRAILER_SIZE:])
    with pytest.raises(CorruptSnapshotError):
        SnapshotReader(str(tmp_path / "changed"))


def test_a_trailer_without_an_index_is_corruption(snapshot, tmp_path):
    data = snapshot.read_bytes()
    trailer = decode_trailer(data[-TRAILER_SIZE:], where="it")._replace(indexes=())
    (tmp_path / "changed").write_bytes(data[:-TRAILER_SIZE] + encode_trailer(trailer))
    with pytest.raises(CorruptSnapshotError):
        SnapshotReader(str(tmp_path / "changed"))
