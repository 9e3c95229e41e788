"""A reader whose generation the writer has removed meanwhile: it goes on with a newer one."""

from pathlib import Path

import pytest
from tests.support.damage import own_segment
from tests.support.waiting import pass_ms

from diptych import CheckpointPolicy, FileRecord, Range, Store, Symbol
from diptych.store.view import View

MANUAL = CheckpointPolicy(automatic=False)


def _publish(store, *names):
    for name in names:
        with store.transaction() as txn:
            txn.index_file(FileRecord(name, "hash", "", [Symbol("parse", "function", Range(0, 0, 1, 0))]))
        # As one segment: a generation that is removed shares none with the next.
        store.checkpoint(compact=True)


@pytest.fixture
def stores(tmp_path):
    with Store.open(tmp_path / "s", policy=MANUAL) as writer:
        _publish(writer, "a.py")
        with Store.open(tmp_path / "s", read_only=True) as reader:
            yield writer, reader


def test_a_view_of_a_removed_generation_is_one_of_the_newest(stores):
    writer, reader = stores
    _publish(writer, "b.py", "c.py", "d.py")
    with reader.view() as view:
        assert sorted(hit.path for hit in view.search("parse")) == ["a.py", "b.py", "c.py", "d.py"]
        assert view.lsn == 4


def test_a_generation_that_was_removed_is_searched_where_its_segments_are_still_needed(stores):
    writer, reader = stores
    for name in ("b.py", "c.py", "d.py"):
        with writer.transaction() as txn:
            txn.index_file(FileRecord(name, "hash", "", [Symbol("parse", "function", Range(0, 0, 1, 0))]))
        writer.checkpoint()
    assert [hit.path for hit in reader.search("parse")] == ["a.py"]
    assert reader.lsn == 1
    assert reader.refresh() == 4
    assert len(reader.search("parse")) == 4


@pytest.mark.parametrize("read", ["view", "search"])
def test_generations_that_go_again_and_again_while_they_are_opened_are_followed(stores, monkeypatch, read):
    writer, reader = stores
    _publish(writer, "b.py", "c.py")
    real, rounds = View._search_index, []

    def slow(self):
        if len(rounds) < 3:
            rounds.append(1)
            _publish(writer, *(f"{len(rounds)}{number}.py" for number in range(3)))
        return real(self)

    monkeypatch.setattr(View, "_search_index", slow)
    hits = reader.search("parse", limit=100) if read == "search" else reader.view().search("parse", limit=100)
    assert len(hits) == 3 + 9


def test_a_writer_that_searches_while_it_publishes_takes_nothing_for_damaged(stores, monkeypatch):
    writer = stores[0]
    real, rounds = View._search_index, []

    def slow(self):
        if not rounds:
            rounds.append(1)
            _publish(writer, "b.py", "c.py", "d.py")
        return real(self)

    monkeypatch.setattr(View, "_search_index", slow)
    assert len(writer.search("parse")) == 4
    assert writer.recovery == []


def test_what_is_removed_while_a_reader_looks_is_no_finding(stores, monkeypatch):
    from diptych.store.recovery import scan_generations as scan

    writer = stores[0]
    _publish(writer, "b.py")
    real, rounds = scan.read_manifest, []

    def slow(path):
        if not rounds:
            rounds.append(1)
            _publish(writer, "c.py", "d.py")
        return real(path)

    monkeypatch.setattr(scan, "read_manifest", slow)
    with Store.open(writer.path, read_only=True) as reader:
        assert reader.recovery == []
        assert len(reader) == 4


def test_a_refresh_tells_what_it_fell_back_from_and_when_the_newest_commit_came(tmp_path: Path) -> None:
    """Falling back is never silent: it was in the log alone, and the time stood still."""
    path = tmp_path / "fallen"
    with Store.open(path, policy=CheckpointPolicy(automatic=False)) as store:
        with store.transaction() as txn:
            txn.index_file(FileRecord("a.py", "0"))
        store.checkpoint()
        with Store.open(path, read_only=True) as reader:
            before_ms = reader.stats().modified_ms
            pass_ms()
            with store.transaction() as txn:
                txn.index_file(FileRecord("b.py", "0"))
            store.checkpoint()
            Path(own_segment(str(path), 2), "records.msgpack").write_bytes(b"")
            assert reader.refresh() == 2
            assert "fallback" in {finding.kind for finding in reader.stats().recovery}
            assert reader.stats().modified_ms > before_ms
            assert [file.path for file in reader.files()] == ["a.py", "b.py"]
