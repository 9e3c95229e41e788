"""Reads in key order, of terms, and with conditions: against a dict, over a generation and an overlay."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.notes import NOTES, Note

from diptych import (
    CheckpointPolicy,
    ConflictError,
    FileRecord,
    InvalidArgumentError,
    Range,
    RecordStore,
    Relation,
    Store,
    Symbol,
    decode_int,
    encode_term,
)

MANUAL = CheckpointPolicy(automatic=False)
TITLES = st.text(alphabet="ab/\u00e9\U0010ffff", min_size=1, max_size=4)
NOTE = st.builds(
    Note, TITLES, st.lists(st.sampled_from(["x", "y", "xy"]), max_size=3).map(tuple), st.just("t")
)
BOUND = st.one_of(st.none(), TITLES)


@settings(max_examples=30, deadline=None)
@given(st.lists(NOTE), st.lists(NOTE), st.lists(NOTE, max_size=5), st.data())
def test_ranges_are_those_of_a_sorted_dict(
    first: list[Note], second: list[Note], third: list[Note], data: st.DataObject
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        RecordStore.open_with(f"{folder}/s", NOTES, policy=MANUAL, durability="buffered") as store,
    ):
        there: dict[bytes, Note] = {}
        for notes in (first, second, third):
            with store.transaction() as txn:
                for note in notes:
                    txn.put(note)
                    there[note.title.encode()] = note
                for title in data.draw(
                    st.sets(st.sampled_from(sorted(there)), max_size=2) if there else st.just(())
                ):
                    txn.remove(title.decode())
                    del there[title]
            # A segment, one that has dead records beside it, and an overlay.
            if notes is not third:
                store.checkpoint()
        for _ in range(10):
            prefix, start, stop = (
                data.draw(st.one_of(st.just(""), TITLES)),
                data.draw(BOUND),
                data.draw(BOUND),
            )
            reverse, limit = data.draw(st.booleans()), data.draw(st.one_of(st.none(), st.integers(0, 3)))
            wanted = [
                key
                for key in sorted(there, reverse=reverse)
                if key.startswith(prefix.encode())
                and (start is None or key >= start.encode())
                and (stop is None or key < stop.encode())
            ][:limit]
            found = list(store.keys(prefix, start, stop, reverse=reverse, limit=limit))
            assert found == wanted
            records = store.records(prefix.encode(), start, stop, reverse=reverse, limit=limit)
            assert list(records) == [there[key] for key in wanted]
        tags = sorted({tag for note in there.values() for tag in note.tags})
        assert [term.decode() for term, _ in store.terms("tags")] == tags
        assert store.terms("tags", "x") == [
            (tag.encode(), sum(note.tags.count(tag) for note in there.values()))
            for tag in tags
            if tag.startswith("x")
        ]
        for limit in range(3):
            assert store.terms("tags", limit=limit) == store.terms("tags")[:limit]
        for tag in tags:
            assert store.lookup_count("tags", tag) == len(store.lookup("tags", tag.encode()))
            assert store.lookup("tags", tag, limit=1) == store.lookup("tags", tag)[:1]
        assert store.lookup_many("tags", ["x", "z"]) == {"x": store.lookup("tags", "x"), "z": []}
        names = [key.decode() for key in there]
        assert store.get_many([*names, "none"]) == [*there.values(), None]


def test_what_many_records_refer_to_is_read_one_after_the_other(tmp_path: Path) -> None:
    where = Range(0, 0, 1, 1)
    files = [
        FileRecord(f"f{n:02}", "h", "l", (), [Relation("calls", "", "hot", where)] * (1 + n % 3))
        for n in range(60)
    ]
    with Store.open(tmp_path / "s", policy=MANUAL) as store:
        with store.transaction() as txn:
            for file in reversed(files):
                txn.index_file(file)
        store.checkpoint()
        with store.transaction() as txn:
            txn.remove_file("f07")
            txn.index_file(FileRecord("f03", "h", "l", (), [Relation("calls", "new", "hot", where)] * 2))
        wanted = [path for path, file in enumerate(files) if path != 7 for _ in file.relations]
        wanted = sorted([*(one for one in wanted if one != 3), 3, 3])
        for _ in ("overlay", "dead records"):
            hits = store.references("hot")
            assert [hit.path for hit in hits] == [f"f{n:02}" for n in wanted]
            assert store.references("hot", limit=5) == hits[:5]
            assert store.terms("references") == [(b"hot", len(wanted))]
            store.checkpoint()
    records = max((tmp_path / "s").glob("segments/*/records.msgpack"), key=lambda path: path.stat().st_size)
    content = records.read_bytes()
    at = content.index(b"f50") + 20
    records.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    with Store.open(tmp_path / "s", read_only=True) as store:
        assert store.references("hot") == hits


def test_terms_and_keys_survive_damage_of_their_section(tmp_path: Path) -> None:
    path = tmp_path / "s"
    notes = [Note(f"n{number:03}", (f"t{number % 7}", "all"), "text") for number in range(50)]
    with RecordStore.open_with(path, NOTES, policy=MANUAL) as store:
        with store.transaction() as txn:
            for note in notes:
                txn.put(note)
        store.checkpoint()
        keys, terms = list(store.keys()), store.terms("tags")
    assert terms[0] == (b"all", 50)
    [records] = path.glob("segments/*/records.msgpack")
    content = records.read_bytes()
    for index, mark in ((0, b"n000n001n002"), (1, b"allt0123")):
        at = content.rindex(mark)
        records.write_bytes(content[:at] + b"?" + content[at + 1 :])
        with RecordStore.open_with(path, NOTES, read_only=True, policy=MANUAL) as store:
            assert (list(store.keys()), store.terms("tags")) == (keys, terms), index
    records.write_bytes(content)
    with RecordStore.open_with(path, NOTES, policy=MANUAL) as store:
        assert (list(store.keys(reverse=True)), store.terms("tags", "t")) == (keys[::-1], terms[1:])


def test_a_segment_without_sorted_terms_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diptych.segment import records

    real = records.encode_section
    notes = [Note(f"n{number}", ("x", f"y{number}"), "text") for number in range(9)]
    with RecordStore.open_with(tmp_path / "s", NOTES, policy=MANUAL) as store:
        with store.transaction() as txn:
            for note in notes:
                txn.put(note)
        with monkeypatch.context() as patch:
            indexes = 1 + len(NOTES.indexes)
            patch.setattr(
                records,
                "encode_section",
                lambda number, data: b"" if number > indexes else real(number, data),
            )
            store.checkpoint()
        with store.transaction() as txn:
            txn.remove("n3")
        assert [key.decode() for key in store.keys("n")] == [f"n{n}" for n in range(9) if n != 3]
        assert store.terms("tags", "x") == [(b"x", 8)]
        assert (b"y3", 1) not in store.terms("tags")


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_terms_of_ints_are_in_the_order_of_ints(one: int, other: int) -> None:
    assert (one < other) == (encode_term(one) < encode_term(other))
    assert decode_int(encode_term(one)) == one


def test_what_is_no_term_no_key_and_no_limit_is_refused(tmp_path: Path) -> None:
    with RecordStore.open_with(tmp_path / "s", NOTES, policy=MANUAL) as store:
        assert store.lookup("tags", 5) == []
        for term in (2**63, 1.5, True, None, "\ud800"):
            with pytest.raises(InvalidArgumentError, match="term"):
                store.lookup("tags", term)  # type: ignore[arg-type]
        with pytest.raises(InvalidArgumentError, match="no index"):
            store.lookup("tag", "x")
        with pytest.raises(InvalidArgumentError, match="prefix"):
            list(store.keys(5))  # type: ignore[arg-type]
        with pytest.raises(InvalidArgumentError, match="limit"):
            list(store.records(limit=-1))
        with pytest.raises(InvalidArgumentError, match="a query is a str"):
            store.search(5)  # type: ignore[arg-type]
        with pytest.raises(InvalidArgumentError, match="offset"):
            store.search("x", offset=-1)
        with pytest.raises(InvalidArgumentError, match="ordered"):
            store.search("x", order_by="text")
        with pytest.raises(InvalidArgumentError, match="counted"):
            store.facets("x", ["text"])


def test_a_transaction_reads_its_own_writes_and_writes_on_a_condition(tmp_path: Path) -> None:
    with RecordStore.open_with(tmp_path / "s", NOTES, policy=MANUAL) as store:
        old, new = Note("a", (), "old"), Note("a", (), "new")
        with store.transaction() as txn:
            assert txn.get("a") is None
            txn.put(old, if_hash=None)
            assert txn.get("a") == old
            with pytest.raises(ConflictError, match="not the one"):
                txn.put(new, if_hash=None)
        for publish in (False, True):
            if publish:
                store.checkpoint()
            with store.transaction() as txn:
                seen = txn.hash("a")
                txn.put(new, if_hash=seen)
                with pytest.raises(ConflictError):
                    txn.put(old, if_hash=seen)
                txn.remove("a")
                assert txn.get("a") is None and txn.hash("a") is None
                txn.put(old, if_hash=None)
        assert store.get("a") == old


def test_relations_are_found_in_both_directions(tmp_path: Path) -> None:
    where = Range(0, 0, 1, 0)
    calls = [Relation("calls", "A.run", "parse", where), Relation("calls", "B.run", "stop", where)]
    symbols = [Symbol("run", "method", where, "A"), Symbol("B", "class", where)]
    with Store.open(tmp_path / "s", policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(FileRecord("a.py", "h", "python", symbols, calls))
        assert [hit.relation.target for hit in store.relations_from("run")] == ["parse"]
        assert [hit.relation.source for hit in store.references("parse")] == ["A.run"]
        assert [record.path for record in store.files("a")] == ["a.py"]
        assert list(store.files("b")) == []
