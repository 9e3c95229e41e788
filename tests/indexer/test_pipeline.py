"""Complete runs over real repositories: what is indexed, left alone, removed, skipped; what survives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.support.waiting import wait_until

from diptych import layout
from diptych.indexer import Progress, Settings, facts, pipeline
from diptych.indexer.settings import IndexReport
from diptych.model import content_hash

from .fake_store import FakeStore
from .repository import git, index, make_repository, write


@pytest.fixture
def store(tmp_path: Path) -> FakeStore:
    return FakeStore(str(tmp_path / "store"))


@pytest.fixture
def no_margin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files as good as old: those written before a run prove by their times that they are as they were."""
    monkeypatch.setattr(facts, "RACY_MARGIN_NS", -(10**18))


def counts(report: IndexReport) -> tuple[int, int, int]:
    return report.indexed, report.unchanged, report.removed


def test_a_repository_is_indexed_and_then_left_alone(tmp_path: Path, store: FakeStore) -> None:
    root = make_repository(tmp_path / "r", {"a.py": "def f(): g()\n", "b/c.rs": "fn h() {}", "t.txt": "x"})
    report = index(root, store)
    assert counts(report) == (2, 0, 0)
    assert (report.symbols, report.relations, report.source) == (2, 1, "git")
    assert report.languages == {"python": 1, "rust": 1}
    assert report.other_language == 1
    record = store.file("a.py")
    assert record is not None
    assert record.content_hash == content_hash(b"def f(): g()\n")
    assert record.symbols[0].name == "f"
    lsn = store.lsn
    again = index(root, store)
    assert counts(again) == (0, 2, 0)
    assert (store.lsn, again.transactions, again.lsn) == (lsn, 0, lsn)


def test_changed_files_are_replaced_and_gone_ones_removed(tmp_path: Path, store: FakeStore) -> None:
    root = make_repository(tmp_path / "r", {"a.py": "x = 1\n", "b.py": "y = 1\n", "c.py": "z = 1\n"})
    index(root, store)
    write(root, {"a.py": "x = 1\nnew = 2\n"})
    (root / "b.py").unlink()
    git(root, "mv", "c.py", "d.py")
    assert counts(index(root, store)) == (2, 0, 2)
    assert store.paths() == ["a.py", "d.py"]
    record = store.file("a.py")
    assert record is not None
    assert [symbol.name for symbol in record.symbols] == ["x", "new"]


def test_an_edit_of_the_same_size_in_the_same_moment_is_noticed(tmp_path: Path, store: FakeStore) -> None:
    root = make_repository(tmp_path / "r", {"a.py": "x = 1\n"})
    index(root, store)
    path = root / "a.py"
    before = path.stat()
    for number in range(20):
        content = f"x = {number % 10}\n".encode()
        with open(path, "r+b") as file:
            file.write(content)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        index(root, store)
        record = store.file("a.py")
        assert record is not None
        assert record.content_hash == content_hash(content)


@pytest.mark.usefixtures("no_margin")
def test_a_modification_time_put_back_is_noticed_by_the_change_time(tmp_path: Path, store: FakeStore) -> None:
    root = make_repository(tmp_path / "r", {"a.py": "x = 1\n"})
    index(root, store)
    path = root / "a.py"
    before = path.stat()
    probe = tmp_path / "probe"

    def ticked() -> bool:
        probe.write_bytes(b"")
        return probe.stat().st_ctime_ns > before.st_ctime_ns

    wait_until(ticked, "the file system's next tick")
    with open(path, "r+b") as file:
        file.write(b"y = 1\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (
        before.st_size,
        before.st_mtime_ns,
        before.st_ino,
    )
    assert counts(index(root, store)) == (1, 0, 0)


@pytest.mark.usefixtures("no_margin")
def test_what_is_surely_unchanged_is_not_read(
    tmp_path: Path, store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_repository(tmp_path / "r", {"a.py": "x = 1\n", "b.py": "\0"})
    index(root, store)
    read: list[str] = []
    monkeypatch.setattr(pipeline, "parse", lambda root, job, limit: read.append(job.path))
    report = index(root, store)
    assert counts(report) == (0, 1, 0)
    assert report.skipped == {"binary": 1}
    assert read == []


@pytest.mark.usefixtures("no_margin")
def test_a_touched_file_is_hashed_once_and_not_stored_again(tmp_path: Path, store: FakeStore) -> None:
    root = make_repository(tmp_path / "r", {"a.py": "x = 1\n"})
    index(root, store)
    lsn = store.lsn
    os.utime(root / "a.py")
    assert counts(index(root, store)) == (0, 1, 0)
    assert store.lsn == lsn
    known = facts.load(store.path, store_id=store.store_id, lsn=lsn)
    assert known is not None
    assert known.files["a.py"].stat.mtime_ns == (root / "a.py").stat().st_mtime_ns


@pytest.mark.parametrize("damage", ["gone", "cut", "other store", "newer"])
def test_facts_that_cannot_be_trusted_cost_time_and_nothing_else(
    tmp_path: Path, store: FakeStore, damage: str
) -> None:
    root = make_repository(tmp_path / "r", {"a.py": "x = 1\n", "b.py": "y = 1\n"})
    index(root, store)
    path = Path(store.path) / layout.FACTS
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-7])
    elif damage == "other store":
        store.store_id = "cd" * 16
    else:
        store.lsn -= 1
    write(root, {"b.py": "y = 2\n"})
    lsn = store.lsn
    assert counts(index(root, store)) == (1, 1, 0)
    assert store.lsn == lsn + 1


@pytest.mark.usefixtures("no_margin")
def test_a_record_that_another_writer_changed_or_removed_is_restored(
    tmp_path: Path, store: FakeStore
) -> None:
    root = make_repository(tmp_path / "r", {"a.py": "x = 1\n", "b.py": "y = 1\n", "c.py": "z = 1\n"})
    index(root, store)
    with store.transaction() as txn:
        txn.remove_file("a.py")
        txn.put_packed(b"b.py", store.payloads[b"c.py"].replace(content_hash(b"z = 1\n").encode(), b"0" * 64))
        txn.put_packed(b"stray.py", store.payloads[b"c.py"])
    assert counts(index(root, store)) == (2, 1, 1)
    assert store.paths() == ["a.py", "b.py", "c.py"]
    assert counts(index(root, store)) == (0, 3, 0)


@pytest.mark.usefixtures("no_margin")
def test_another_version_of_a_grammar_has_every_file_parsed_again(
    tmp_path: Path, store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_repository(tmp_path / "r", {"a.py": "x = 1\n"})
    index(root, store)
    monkeypatch.setattr(pipeline.grammar_versions, "current", lambda: {"tree_sitter": "99"})
    assert counts(index(root, store)) == (1, 0, 0)
    assert counts(index(root, store)) == (0, 1, 0)
    assert counts(index(root, store, parse_all=True)) == (1, 0, 0)


def test_a_file_that_can_no_longer_be_indexed_is_removed(tmp_path: Path, store: FakeStore) -> None:
    root = make_repository(tmp_path / "r", {"a.py": "x = 1\n", "b.py": "y = 1\n"})
    index(root, store)
    write(root, {"a.py": b"\0\1\2", "b.py": "y" * 2000})
    report = index(root, store, settings=Settings(max_file_bytes=1000))
    assert counts(report) == (0, 0, 2)
    assert report.skipped == {"binary": 1, "too large": 1}
    assert len(store) == 0


def test_a_record_over_the_store_s_cap_is_skipped_and_named(tmp_path: Path) -> None:
    store = FakeStore(str(tmp_path / "store"), max_payload_bytes=2000)
    root = make_repository(tmp_path / "r", {"a.py": "x = 1\n", "big.py": "f()\n" * 1000})
    report = index(root, store)
    assert report.skipped_paths == {"big.py": "not storable"}
    assert store.paths() == ["a.py"]


@pytest.mark.parametrize("files", [{}, {"README": "no source"}])
def test_a_repository_with_nothing_to_index_is_a_clear_outcome(
    tmp_path: Path, store: FakeStore, files: dict[str, str | bytes]
) -> None:
    root = make_repository(tmp_path / "r", files)
    report = index(root, store, processes=2)
    assert report.empty
    assert counts(report) == (0, 0, 0)
    assert store.lsn == 0


def test_names_that_are_not_utf_8_are_stored_and_found_again(tmp_path: Path, store: FakeStore) -> None:
    root = make_repository(tmp_path / "r", {})
    name = os.fsdecode(b"caf\xe9 \n.py")
    (root / name).write_text("def f(): pass\n")
    assert counts(index(root, store, processes=1)) == (1, 0, 0)
    assert store.paths() == [name]
    assert counts(index(root, store)) == (0, 1, 0)


def test_batches_are_transactions_of_bounded_size(tmp_path: Path, store: FakeStore) -> None:
    root = make_repository(tmp_path / "r", {f"{number}.py": f"x = {number}\n" for number in range(10)})
    assert index(root, store, settings=Settings(batch_files=4)).transactions == 3
    for number in range(10):
        write(root, {f"{number}.py": f"def f{number}(): pass\n" * 50})
    assert index(root, store, settings=Settings(batch_bytes=1)).transactions == 10
    for number in range(10):
        (root / f"{number}.py").unlink()
    assert index(root, store, settings=Settings(batch_files=4)).transactions == 3
    assert len(store) == 0


def test_progress_is_reported_from_nothing_to_all(tmp_path: Path, store: FakeStore) -> None:
    root = make_repository(tmp_path / "r", {f"{number}.py": "x = 1\n" for number in range(10)})
    reported: list[Progress] = []
    index(root, store, progress=reported.append)
    assert (reported[0].done_files, reported[0].total_files) == (0, 10)
    assert (reported[-1].done_files, reported[-1].done_bytes, reported[-1].total_bytes) == (10, 60, 60)


def test_an_interrupted_run_keeps_what_it_committed_and_the_next_goes_on(
    tmp_path: Path, store: FakeStore
) -> None:
    root = make_repository(tmp_path / "r", {f"{number}.py": f"x = {number}\n" for number in range(20)})

    settings = Settings(batch_files=5)
    real = store.transaction
    seen = 0

    def counted():  # type: ignore[no-untyped-def]
        nonlocal seen
        seen += 1
        if seen == 3:
            raise KeyboardInterrupt
        return real()

    store.transaction = counted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        index(root, store, settings=settings, processes=2)
    store.transaction = real  # type: ignore[method-assign]
    assert len(store) == 10
    assert counts(index(root, store, settings=settings)) == (10, 10, 0)
    assert counts(index(root, store, settings=settings)) == (0, 20, 0)


def test_a_checkpoint_follows_many_changes(tmp_path: Path, store: FakeStore) -> None:
    root = make_repository(tmp_path / "r", {f"{number}.py": "x = 1\n" for number in range(5)})
    assert index(root, store, settings=Settings(checkpoint_changes=5)).checkpointed
    assert store.checkpoints == 1
    assert not index(root, store, settings=Settings(checkpoint_changes=1)).checkpointed


def test_the_facts_name_the_commit_and_the_branch(tmp_path: Path, store: FakeStore) -> None:
    root = make_repository(tmp_path / "r", {"a.py": ""})
    index(root, store)
    known = facts.load(store.path, store_id=store.store_id, lsn=store.lsn)
    assert known is not None
    assert (known.commit, known.branch) == (git(root, "rev-parse", "HEAD"), "main")
