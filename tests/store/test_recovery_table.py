"""Every combination of damage to two generations, the journal, the manifests and the identity.

For each: it opens with everything or refuses; `verify` finds what is wrong; a dry repair changes nothing; a
repair brings back what can be brought back and names the rest; then the store works, and a second repair has
nothing to do.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from tests.support.damage import LAST, MANUAL, Case, Files, build, half_cases, inflict, sealed_cases, truth
from tests.support.files import tree
from tests.support.oracle import Outcome, outcome
from tests.support.records import record

from diptych import CorruptionError, CorruptStoreError, Report, Severity, Store, repair, verify

CASES = [*half_cases(), *sealed_cases()]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("template") / "store")
    build(path)
    return path


def test_case_names_are_distinct() -> None:
    assert len({case.id for case in CASES}) == len(CASES) == 729 + 26 * 9


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_recovery(case: Case, template: str, memory_path: Path) -> None:
    path = str(memory_path / "store")
    shutil.copytree(template, path)
    inflict(path, case)
    expected = outcome(case)
    check_open(path, expected)
    check_verify(path, case, expected)
    check_repair(path, expected)
    check_alive(path, expected)


def check_open(path: str, expected: Outcome) -> None:
    """It opens with everything, or refuses, twice the same, for reading as for writing."""
    for read_only in (True, False, False):
        if not expected.opens:
            before = tree(path)
            with pytest.raises(CorruptStoreError):
                Store.open(path, read_only=read_only, policy=MANUAL)
            assert without_lock(tree(path)) == without_lock(before)
            continue
        with Store.open(path, read_only=read_only, policy=MANUAL) as store:
            assert store.lsn == LAST
            check_files(store, truth()[LAST], expected.unread)


def check_files(store: Store, files: Files, unread: frozenset[str] = frozenset()) -> None:
    """All of `files` and nothing else, by each way of reading; what is in `unread` may raise."""
    for path, one in files.items():
        try:
            assert store.file(path) == one
        except CorruptionError:
            assert path in unread
    assert store.file("pkg/never.py") is None
    assert len(store) == len(files)
    try:
        assert list(store.files()) == [files[path] for path in sorted(files)]
    except CorruptionError:
        assert unread


def check_verify(path: str, case: Case, expected: Outcome) -> None:
    """It finds the damage, and says whether the store can be opened."""
    before = tree(path)
    report = verify(path)
    assert tree(path) == before
    # A torn end and a lost identity were mended by opening.
    left = case._replace(identity="intact") if expected.opens else case
    # Of a generation whose manifest is gone, nothing is left that would be damaged.
    for manifest in ("new_manifest", "old_manifest"):
        if getattr(left, manifest) == "gone":
            left = left._replace(**{manifest: "intact"})
            if manifest == "old_manifest" and left.journal == "first-gone":
                # Nothing else needs that file.
                left = left._replace(journal="intact")
    assert report.ok == (expected.opens and left in (Case(), Case(journal="torn")))
    assert all(finding.advice for finding in report.findings if finding.severity is not Severity.NOTE)
    something_lost = not expected.opens or bool(expected.lost_paths) or expected.lost_unnamed
    assert any(f.severity is Severity.ERROR for f in report.findings) == something_lost


def check_repair(path: str, expected: Outcome) -> None:
    """Dry, it changes nothing; then it brings back what it can, and names what it cannot."""
    before = tree(path)
    planned = repair(path, dry_run=True)
    assert without_lock(tree(path)) == without_lock(before)
    done = repair(path)
    assert (planned.actions, planned.given_up) == (done.actions, done.given_up)
    assert lsns_named(done) == expected.lost_lsns
    for lost in expected.lost_paths:
        # By its name, or where that is lost too among those of its segment.
        assert any(lost in sentence for sentence in done.given_up) or expected.lost_unnamed
    if not (expected.lost_lsns or expected.lost_paths or expected.lost_unnamed or expected.ends_unknown):
        assert done.given_up == []
    else:
        assert done.given_up


def check_alive(path: str, expected: Outcome) -> None:
    """The store has what it must, is intact, takes a transaction, and needs no second repair."""
    assert verify(path).findings == []
    with Store.open(path, policy=MANUAL) as store:
        check_files(store, expected.files)
        assert len(store.search("kind:function", limit=1000)) == 2 * len(expected.files)
        reached = store.lsn
        assert reached == (LAST if not expected.ends_unknown else 8)
        with store.transaction() as txn:
            txn.index_file(record("pkg/new.py"))
        assert txn.lsn == reached + 1
    before = tree(path)
    second = repair(path)
    assert second.findings == second.given_up == []
    assert without_lock(tree(path)) == without_lock(before)
    with Store.open(path, policy=MANUAL) as store:
        assert store.lsn == reached + 1
        check_files(store, {**expected.files, "pkg/new.py": record("pkg/new.py")})


def lsns_named(report: Report) -> set[int]:
    """The LSNs that the report gives up, from its sentences."""
    named: set[int] = set()
    for sentence in report.given_up:
        if match := re.match(r"the transactions? of LSN (\d+)(?: to (\d+))?", sentence):
            named.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return named


def without_lock(files: dict[str, bytes]) -> dict[str, bytes]:
    """The lock file names the last writer: no part of what is stored."""
    return {name: data for name, data in files.items() if name != "LOCK"}
