"""Bytes that pass their checksum and are no record: an error of Diptych's own, and little memory."""

import tracemalloc

import pytest

from diptych import CheckpointPolicy, CorruptionError, FileRecord, Range, Store, Symbol
from diptych.journal.format import decode_entries
from diptych.schema.code import CODE

KEY = b"a.py"
GOOD = CODE.pack(FileRecord("a.py", "hash", "python", [Symbol("parse", "function", Range(0, 0, 1, 0))]))
# An array of four thousand million, nothing, an integer, a short array, a good one cut off.
BAD = [b"\xdd\xff\xff\xff\xff", b"", b"\x07", b"\x92\xa1h\xa0", GOOD[:-3], b"\x94\xa1h\xa0\x91\x01\x90"]


@pytest.mark.parametrize("payload", BAD)
@pytest.mark.parametrize("method", ["unpack", "counts", "terms", "documents", "matches", "item", "project"])
def test_a_payload_that_is_no_record_is_corruption(payload, method):
    arguments = {
        "unpack": (KEY, payload),
        "counts": (payload,),
        "terms": (payload,),
        "documents": (KEY, payload),
        "project": (KEY, payload),
        "matches": (0, b"parse", KEY, payload, [0]),
        "item": (KEY, payload, 0),
    }[method]
    tracemalloc.start()
    try:
        # What is wrong may stand behind what one method looks at.
        with pytest.raises(CorruptionError) if method == "unpack" else _either(CorruptionError):
            getattr(CODE, method)(*arguments)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


class _either:
    def __init__(self, allowed):
        self.allowed = allowed

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        return kind is not None and issubclass(kind, self.allowed)


def test_an_entry_that_claims_more_than_there_is_costs_no_memory():
    tracemalloc.start()
    try:
        with pytest.raises(CorruptionError):
            list(decode_entries(b"\xdd\x10\x00\x00\x00" + bytes(64), where="a frame"))
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_opening_a_store_takes_no_memory_for_files_that_it_has_not(tmp_path):
    Store.open(tmp_path / "s", policy=CheckpointPolicy(automatic=False)).close()
    Store.open(tmp_path / "s", read_only=True).close()
    tracemalloc.start()
    try:
        Store.open(tmp_path / "s", read_only=True).close()
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
