"""What the writer of a transaction says of it: stored with it, and kept with the store."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.command import document, text
from tests.support.damage import frames, journal_file
from tests.support.files import gone, overwrite
from tests.support.processes import other
from tests.support.records import record

from diptych import (
    CheckpointPolicy,
    CorruptJournalError,
    CorruptStoreError,
    InvalidArgumentError,
    Store,
    repair,
    verify,
)
from diptych.change import FileIndexed, FileRemoved, TransactionDescribed
from diptych.journal import format as journal
from diptych.metadata import MAX_METADATA_BYTES, pack_metadata, unpack_metadata

MANUAL = CheckpointPolicy(automatic=False)
PAGE = Path(__file__).resolve().parents[2] / "docs/format.md"
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)


def commit(store: Store, number: int, metadata: dict[str, Any] | None = None) -> int:
    with store.transaction(metadata=metadata) as txn:
        txn.index_file(record(f"{number}.py", number))
    return txn.lsn


def newest(store: Store) -> tuple[int, dict[str, Any]]:
    stats = store.stats()
    return stats.metadata_lsn, stats.metadata


def test_stats_have_the_newest_metadata_across_checkpoints_and_openings(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        assert newest(store) == (0, {})
        commit(store, 1, {"commit": "c0ffee", "parents": ["a", "b"], "files": 3})
        assert newest(store) == (1, {"commit": "c0ffee", "parents": ["a", "b"], "files": 3})
        commit(store, 2)
        assert newest(store)[0] == 1
        store.checkpoint()
        assert newest(store) == (1, {"commit": "c0ffee", "parents": ["a", "b"], "files": 3})
        commit(store, 3, {"commit": "fade"})
        before = store.view()
        commit(store, 4, {"commit": "d00d"})
        store.checkpoint()
        assert newest(store) == (4, {"commit": "d00d"})
        assert before.metadata().lsn == 3
    for read_only in (True, False):
        with Store.open(store_path, policy=MANUAL, read_only=read_only) as store:
            assert newest(store) == (4, {"commit": "d00d"})


def test_it_outlives_the_journal_that_it_was_in(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        commit(store, 0, {"commit": "first"})
        for number in range(1, 5):
            commit(store, number)
            store.checkpoint()
        assert not os.path.exists(journal_file(store_path, 1))
        assert newest(store) == (1, {"commit": "first"})


def test_a_reader_in_another_process_follows_it(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store, other() as reader:
        commit(store, 1, {"commit": "a"})
        reader.do(f"store = Store.open({store_path!r}, read_only=True)")
        assert reader.do("print(store.stats().metadata)") == "{'commit': 'a'}"
        commit(store, 2, {"commit": "b"})
        assert reader.do("store.refresh(); print(store.stats().metadata)") == "{'commit': 'b'}"
        store.checkpoint()
        commit(store, 3, {"commit": "c"})
        assert reader.do("store.refresh(); s = store.stats(); print(s.metadata_lsn, s.metadata)") == (
            "3 {'commit': 'c'}"
        )


def test_a_transaction_with_metadata_alone_takes_an_lsn_and_an_empty_one_does_not(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        with store.transaction():
            pass
        with store.transaction(metadata={}):
            pass
        assert store.lsn == 0
        with store.transaction(metadata={"commit": "a"}) as txn:
            pass
        assert txn.lsn == store.lsn == 1
    with Store.open(store_path, policy=MANUAL) as store:
        assert (store.lsn, len(store), newest(store)) == (1, 0, (1, {"commit": "a"}))
        store.checkpoint()
        commit(store, 2)
    with Store.open(store_path, policy=MANUAL) as store:
        assert (store.lsn, len(store), newest(store)) == (2, 1, (1, {"commit": "a"}))
    assert verify(store_path).ok


def test_a_rolled_back_transaction_leaves_no_metadata(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        with pytest.raises(ZeroDivisionError), store.transaction(metadata={"commit": "a"}) as txn:
            txn.index_file(record("a.py"))
            raise ZeroDivisionError
        assert newest(store) == (0, {})
        assert store.lsn == 0


def test_a_transaction_of_many_frames_has_it_once(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        with store.transaction(metadata={"commit": "large"}) as txn:
            for number in range(40):
                txn.index_file(record(f"{number}.py", 0, symbols=900))
    with Store.open(store_path, policy=MANUAL) as store:
        assert len(store) == 40
        assert newest(store) == (1, {"commit": "large"})
    items = document("journal", "--store", store_path, cwd=Path(store_path))
    assert sum(item["type"] == "frame" for item in items) > 1
    assert [item["metadata"] for item in items if "metadata" in item] == [{"commit": "large"}]


def test_repair_keeps_it(store_path: str) -> None:
    """From the journal, and from a manifest where the journal is lost."""
    with Store.open(store_path, policy=MANUAL) as store:
        commit(store, 1, {"commit": "old"})
        store.checkpoint()
        commit(store, 2, {"commit": "new"})
        commit(store, 3)
    overwrite(journal_file(store_path, 2), frames(store_path, 2)[3][0] + 60, b"\xa5\x5a\xa5")
    with pytest.raises(CorruptStoreError):
        Store.open(store_path)
    assert not repair(store_path).ok
    with Store.open(store_path, policy=MANUAL) as store:
        assert newest(store) == (2, {"commit": "new"})
        store.checkpoint()
    gone(os.path.join(store_path, "journal"))
    repair(store_path)
    with Store.open(store_path, policy=MANUAL) as store:
        assert newest(store) == (2, {"commit": "new"})


def test_the_commands_show_it(store_path: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        commit(store, 1, {"commit": "c0ffee", "über": None})
    where = Path(store_path)
    assert '{"commit": "c0ffee", "über": null} (LSN 1)' in text("status", "--store", store_path, cwd=where)
    found = document("status", "--store", store_path, cwd=where)
    assert (found["metadata_lsn"], found["metadata"]) == (1, {"commit": "c0ffee", "über": None})
    assert 'TransactionDescribed  {"commit": "c0ffee", "über": null}' in text(
        "journal", "--store", store_path, cwd=where
    )


@pytest.mark.parametrize(
    "metadata",
    [
        {1: "a"},
        {"a": {2: 3}},
        {"a": b"bytes"},
        {"a": float("nan")},
        {"a": 2**64},
        {"a": object()},
        {"a": "\ud800"},
        {"a": "x" * MAX_METADATA_BYTES},
        [("a", 1)],
        [],
        "",
        0,
        False,
    ],
)
def test_what_is_no_metadata_is_refused_before_anything_is_written(store_path: str, metadata: Any) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        with pytest.raises(InvalidArgumentError, match="metadata must be"):
            store.transaction(metadata=metadata)
        assert commit(store, 1) == 1


def test_metadata_too_deep_is_refused() -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidArgumentError, match="16 levels"):
        pack_metadata({"a": deep})


@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_metadata_comes_back(metadata: dict[str, Any]) -> None:
    try:
        packed = pack_metadata(metadata)
    except InvalidArgumentError:
        return
    assert unpack_metadata(packed, where="x") == metadata
    json.dumps(metadata)


@given(st.dictionaries(st.text(max_size=5), st.integers(0, 9), min_size=1), st.integers(0, 3))
def test_metadata_comes_first_in_the_first_frame(metadata: dict[str, int], count: int) -> None:
    changes = [FileIndexed(b"k%d" % n, n, bytes(900_000)) for n in range(count)]
    packed = pack_metadata(metadata)
    payloads, entries = journal.encode_payloads(changes, packed)
    first, *rest = [list(journal.decode_entries(payload, where="x")) for payload in payloads]
    assert first[0].value == TransactionDescribed(packed)
    assert [e for some in rest for e in some if isinstance(e.value, TransactionDescribed)] == []
    assert [first[1:], *rest] == entries


@pytest.mark.parametrize(
    "payload",
    [
        journal.encode_change(FileRemoved(b"a")) + journal.encode_metadata(b"\x80"),
        journal.encode_metadata(b"\x80") * 2,
        journal.encode_metadata(bytes(MAX_METADATA_BYTES + 1)),
        b"\x92\x04\xa1a",
    ],
)
def test_metadata_elsewhere_is_refused(payload: bytes) -> None:
    with pytest.raises(CorruptJournalError):
        list(journal.decode_entries(payload, where="x"))


def test_the_bytes_on_the_page_are_those_of_the_frame() -> None:
    payloads, _ = journal.encode_payloads([FileRemoved(b"a.py")], pack_metadata({"commit": "c0ffee"}))
    frame, _ = journal.encode_frame(1, journal.COMMIT, payloads[0], salt=1, chain=0)
    shown = PAGE.read_text().split("## Generations")[0].rpartition("```\n00  ")[2]
    rows = re.findall(r"^(?:[0-9a-f]{2}  )?((?:[0-9a-f]{2} ){7}[0-9a-f]{2})", shown, re.MULTILINE)
    assert b"".join(map(bytes.fromhex, rows)) == frame


def test_journal_files_of_format_1_are_read() -> None:
    data = bytearray(journal.encode_header(journal.JournalHeader(b"s" * 16, 7, 8, 9)))
    data[8] = 1
    data[56:] = journal.xxh3_64_intdigest(bytes(data[:56])).to_bytes(8, "little")
    assert journal.decode_header(bytes(data), where="x").first_lsn == 7
