"""`ensure_fresh` under each policy, and what it does when it cannot."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.indexer.repository import write
from tests.support.waiting import HANG_S, output

from diptych import FileRecord, Store
from diptych.errors import CorruptionError, IncompatibleStoreError, OpenError, StoreNotFoundError
from diptych.layout import FACTS, FRESHNESS
from diptych.schema.code import CODE
from diptych.workspace.freshness import (
    Busy,
    Code,
    Kind,
    Options,
    Policy,
    StaleIndexError,
    UpdateFailedError,
    check,
    ensure_fresh,
)

from .settled import differing, index, plain, settled

QUICK = Options(wait_s=0.0, processes=0)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository, indexed."""
    plain(tmp_path / "repository")
    index(tmp_path / "repository")
    return tmp_path / "repository"


def store_of(root: Path) -> str:
    return os.fspath(root / ".diptych")


def lsn_of(root: Path) -> int:
    with Store.open(root / ".diptych", read_only=True) as store:
        return store.lsn


@pytest.mark.parametrize("policy", Policy)
def test_a_fresh_index_is_answered_from(root: Path, policy: Policy) -> None:
    ensured = ensure_fresh(policy, store_of(root), options=QUICK)
    assert ensured.warning == ""
    assert ensured.report is None


def test_auto_updates_what_changed_and_nothing_else(root: Path) -> None:
    write(root, {"a.py": "def edited(): pass\n", "new.py": "def new(): pass\n"})
    (root / "b.py").unlink()
    ensured = ensure_fresh(Policy.AUTO, store_of(root), options=QUICK)
    assert ensured.report is not None
    assert (ensured.report.indexed, ensured.report.removed) == (2, 1)
    assert differing(root) == set()
    assert check(None, store_of(root))[0].fresh


def test_auto_parses_everything_when_a_grammar_changed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from diptych.indexer import grammar_versions

    versions = {**grammar_versions.current(), "tree_sitter_python": "99.0"}
    monkeypatch.setattr(grammar_versions, "current", lambda: versions)
    verdict, gathered = check(None, store_of(root))
    assert [reason.code for reason in verdict.reasons] == [Code.INDEXER_CHANGED]
    assert gathered.evidence.differences is None  # nothing dearer was looked at
    ensured = ensure_fresh(Policy.AUTO, store_of(root), options=QUICK)
    assert ensured.report is not None
    assert ensured.report.indexed == ensured.report.found
    assert check(None, store_of(root))[0].fresh


def test_auto_follows_other_settings(root: Path) -> None:
    from diptych.indexer import Settings

    wanted = Options(settings=Settings(exclude=("pkg/",)), wait_s=0.0, processes=0)
    verdict, _ = check(None, store_of(root), wanted)
    assert [reason.code for reason in verdict.reasons] == [Code.SETTINGS_CHANGED]
    ensure_fresh(Policy.AUTO, store_of(root), options=wanted)
    assert check(None, store_of(root), wanted)[0].fresh
    with Store.open(store_of(root), read_only=True) as store:
        assert "pkg/c.go" not in store
    # Who says nothing of settings is content with those it was made with.
    assert check(None, store_of(root))[0].fresh


def test_check_answers_and_says_why_it_is_stale(root: Path) -> None:
    (root / "a.py").write_text("def edited(): pass\n")
    before = lsn_of(root)
    ensured = ensure_fresh(Policy.CHECK, store_of(root), options=QUICK)
    assert "stale" in ensured.warning
    assert "1 file changed (a.py)" in ensured.warning
    assert lsn_of(root) == before


def test_never_does_not_look(root: Path) -> None:
    (root / "a.py").write_text("def edited(): pass\n")
    ensured = ensure_fresh(Policy.NEVER, store_of(root), options=QUICK)
    assert ensured.verdict is None
    assert ensured.warning == ""


def test_require_fails_with_the_command_to_run(root: Path) -> None:
    (root / "a.py").write_text("def edited(): pass\n")
    with pytest.raises(StaleIndexError, match=r"1 file changed \(a.py\)") as raised:
        ensure_fresh(Policy.REQUIRE, store_of(root), options=QUICK)
    assert raised.value.advice == f"run `diptych index {root}`"


def test_auto_builds_in_a_git_work_tree_and_nowhere_else(tmp_path: Path) -> None:
    plain(tmp_path / "git")
    ensured = ensure_fresh(Policy.AUTO, store_of(tmp_path / "git"), options=QUICK)
    assert ensured.report is not None
    assert ensured.report.indexed == ensured.report.found > 0
    write(tmp_path / "folder", {"a.py": "def f(): pass\n"})
    with pytest.raises(StoreNotFoundError):
        ensure_fresh(Policy.AUTO, store_of(tmp_path / "folder"), options=QUICK)
    assert not (tmp_path / "folder" / ".diptych").exists()


@pytest.mark.parametrize("policy", [Policy.CHECK, Policy.REQUIRE])
def test_what_is_missing_is_only_built_by_auto(tmp_path: Path, policy: Policy) -> None:
    plain(tmp_path / "git")
    with pytest.raises(StoreNotFoundError):
        ensure_fresh(policy, store_of(tmp_path / "git"), options=QUICK)


@pytest.mark.parametrize("policy", [Policy.AUTO, Policy.CHECK, Policy.REQUIRE])
def test_what_is_damaged_or_newer_is_refused_and_left_alone(root: Path, policy: Policy) -> None:
    identity = root / ".diptych" / "IDENTITY"
    whole = identity.read_bytes()
    for path in sorted((root / ".diptych" / "journal").glob("*.wal")):
        damaged = bytearray(path.read_bytes())
        damaged[len(damaged) // 2] ^= 0xFF
        path.write_bytes(damaged)
    for path in (root / ".diptych" / "generations").glob("*/*.msgpack"):
        path.write_bytes(b"")
    verdict, _ = check(None, store_of(root))
    assert verdict.kind is Kind.CORRUPT
    with pytest.raises(CorruptionError):
        ensure_fresh(policy, store_of(root), options=QUICK)
    assert identity.read_bytes() == whole


def test_a_store_of_another_schema_is_incompatible(tmp_path: Path) -> None:
    class Other(type(CODE)):  # type: ignore[misc]
        name = "notes"

    plain(tmp_path / "r")
    with Store.open(tmp_path / "r" / ".diptych", schema=Other()):
        pass
    verdict, _ = check(None, store_of(tmp_path / "r"))
    assert verdict.kind is Kind.INCOMPATIBLE
    with pytest.raises(OpenError) as raised:
        ensure_fresh(Policy.AUTO, store_of(tmp_path / "r"), options=QUICK)
    assert isinstance(raised.value, IncompatibleStoreError)


def test_records_that_no_run_accounts_for_are_left_alone(tmp_path: Path) -> None:
    plain(tmp_path / "r")
    with Store.open(tmp_path / "r" / ".diptych") as store, store.transaction() as txn:
        txn.index_file(FileRecord("by/another.py", "00" * 32))
    ensured = ensure_fresh(Policy.AUTO, store_of(tmp_path / "r"), options=QUICK)
    assert "no run of the indexer was ever finished here" in ensured.warning
    with Store.open(tmp_path / "r" / ".diptych", read_only=True) as store:
        assert "by/another.py" in store
    with pytest.raises(StaleIndexError):
        ensure_fresh(Policy.REQUIRE, store_of(tmp_path / "r"), options=QUICK)


def test_damaged_facts_are_replaced(root: Path) -> None:
    (root / ".diptych" / FACTS).write_bytes(b"damaged")
    verdict, _ = check(None, store_of(root))
    assert [reason.code for reason in verdict.reasons] == [Code.INCOMPLETE]
    ensured = ensure_fresh(Policy.AUTO, store_of(root), options=QUICK)
    assert ensured.report is not None
    assert ensured.report.indexed == 0  # each record's own hash said that it was up to date
    assert check(None, store_of(root))[0].fresh


def test_a_store_that_moved_on_is_judged_by_its_records(root: Path) -> None:
    with Store.open(root / ".diptych") as store, store.transaction() as txn:
        txn.remove_file("a.py")
    verdict, _ = check(None, store_of(root))
    assert [reason.code for reason in verdict.reasons] == [Code.STORE_MOVED_ON, Code.FILES_NEW]
    ensure_fresh(Policy.AUTO, store_of(root), options=QUICK)
    assert differing(root) == set()


# A first run, killed after its first batch.
_KILLED = """
import os, sys
from diptych import Store
from diptych.indexer import Settings, pipeline
from diptych.workspace.freshness import update
commit = pipeline._Run._commit
def killed(self, batch, stored):
    commit(self, batch, stored)
    os._exit(9)
pipeline._Run._commit = killed
with Store.open(sys.argv[1] + "/.diptych") as store:
    update(sys.argv[1], store, settings=Settings(batch_files=1), processes=0)
"""


def test_a_first_run_that_was_cut_short_is_finished(tmp_path: Path) -> None:
    root = tmp_path / "r"
    plain(root)
    done = subprocess.run([sys.executable, "-c", _KILLED, os.fspath(root)], check=False)
    assert done.returncode == 9
    verdict, _ = check(None, store_of(root))
    assert verdict.kind is Kind.STALE
    assert Code.INCOMPLETE in [reason.code for reason in verdict.reasons]
    ensured = ensure_fresh(Policy.AUTO, store_of(root), options=QUICK)
    assert ensured.report is not None
    assert ensured.report.unchanged == 1
    assert differing(root) == set()


def test_an_update_that_fails_says_so_with_the_command(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from diptych import indexer

    def full(*_arguments: object, **_more: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (root / "a.py").write_text("def edited(): pass\n")
    monkeypatch.setattr(indexer, "index_repository", full)
    with pytest.raises(UpdateFailedError, match=r"1 file changed.*No space left") as raised:
        ensure_fresh(Policy.AUTO, store_of(root), options=QUICK)
    assert f"diptych index {root}" in raised.value.advice
    assert isinstance(raised.value.__cause__, OSError)


def test_another_writer_is_named_and_waited_for_as_chosen(root: Path) -> None:
    (root / "a.py").write_text("def edited(): pass\n")
    holding = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from diptych import Store\n"
            "with Store.open(sys.argv[1]): print('held', flush=True); sys.stdin.read()",
            store_of(root),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holding.stdin is not None
    assert holding.stdout is not None
    try:
        holding.stdout.readline()
        verdict, _ = check(None, store_of(root))
        if sys.platform == "linux":
            assert verdict.kind is Kind.LOCKED
            assert f"process {holding.pid}" in verdict.sentence()
        with pytest.raises(UpdateFailedError, match=f"process {holding.pid}"):
            ensure_fresh(Policy.AUTO, store_of(root), options=QUICK)
        answering = Options(wait_s=0.0, busy=Busy.ANSWER)
        ensured = ensure_fresh(Policy.AUTO, store_of(root), options=answering)
        assert "1 file changed" in ensured.warning
        assert differing(root) == {"a.py"}
    finally:
        output(holding)
    ensure_fresh(Policy.AUTO, store_of(root), options=QUICK)
    assert differing(root) == set()


_RACER = """
import sys
from diptych.workspace.freshness import Options, Policy, ensure_fresh
sys.stdin.readline()
options = Options(processes=0, wait_s=float(sys.argv[2]))
report = ensure_fresh(Policy.AUTO, sys.argv[1], options=options).report
print(report.indexed if report else 0)
"""


def test_of_processes_that_race_one_updates_and_all_answer_from_the_result(tmp_path: Path) -> None:
    root = tmp_path / "r"
    plain(root)
    write(root, {f"more/file_{number}.py": f"def f_{number}(): pass\n" for number in range(60)})
    index(root)
    write(root, {f"more/file_{number}.py": f"def edited_{number}(): pass\n" for number in range(60)})
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", _RACER, store_of(root), str(HANG_S)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    indexed = [int(output(racer)[0]) for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    assert sorted(indexed) == [0, 0, 60]
    assert differing(root) == set()


def test_what_makes_the_next_verdict_quick_is_left_by_auto_and_by_nothing_else(tmp_path: Path) -> None:
    root = settled(tmp_path, [("r", plain)])["r"]
    path = root / ".diptych" / FRESHNESS
    path.unlink()
    for policy in (Policy.CHECK, Policy.REQUIRE):
        ensure_fresh(policy, store_of(root), options=QUICK)
        assert not path.exists()
    ensure_fresh(Policy.AUTO, store_of(root), options=QUICK)
    assert path.exists()
    _, gathered = check(None, store_of(root))
    assert gathered.evidence.differences is not None
    assert gathered.evidence.differences.by == "git"
    (root / "a.py").write_text("def edited(): pass\n")
    assert not check(None, store_of(root))[0].fresh
