"""The index of a linked worktree: forked, seeded from git's word, and judged right whatever happens to it."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.command import diptych, document, environment, text
from tests.indexer.repository import git
from tests.support.files import overwrite, tree
from tests.support.invariants import check_whole
from tests.support.notes import NOTES

from diptych import Store
from diptych.indexer import facts
from diptych.layout import FACTS
from diptych.store.origin import read_origin
from diptych.store.store import RecordStore
from diptych.workspace.freshness import (
    Policy,
    ensure_fresh,
    fork_for_worktree,
    forking,
    other_work_trees,
    record,
    store_below,
)

from .settled import differing, index, judged, named, plain, settle, settled

Arrange = Callable[[Path, Path], None]


def nothing(_main: Path, _tree: Path) -> None:
    pass


def another_branch(_main: Path, tree: Path) -> None:
    git(tree, "checkout", "-q", "topic")


def edited(_main: Path, tree: Path) -> None:
    (tree / "a.py").write_text("def edited(): pass\n")


def edited_to_the_same_size(_main: Path, tree: Path) -> None:
    (tree / "a.py").write_text("def tsrif(): pass\n")


def edited_and_dated_back(_main: Path, tree: Path) -> None:
    before = os.stat(tree / "a.py")
    (tree / "a.py").write_text("def tsrif(): pass\n")
    os.utime(tree / "a.py", ns=(before.st_atime_ns, before.st_mtime_ns))


def new(_main: Path, tree: Path) -> None:
    (tree / "new.py").write_text("def new(): pass\n")


def new_and_staged(_main: Path, tree: Path) -> None:
    (tree / "new.py").write_text("def new(): pass\n")
    git(tree, "add", "new.py")


def gone(_main: Path, tree: Path) -> None:
    (tree / "a.py").unlink()
    git(tree, "rm", "-q", "b.py")


def not_tracked_any_more(_main: Path, tree: Path) -> None:
    git(tree, "rm", "-q", "--cached", "a.py")
    (tree / "a.py").write_text("def edited(): pass\n")


def unseen_by_git(_main: Path, tree: Path) -> None:
    git(tree, "update-index", "--assume-unchanged", "a.py")
    (tree / "a.py").write_text("def edited(): pass\n")


def converted(main: Path, tree: Path) -> None:
    """The worktree has other bytes for the same blobs."""
    git(main, "config", "core.autocrlf", "true")
    (tree / "a.py").unlink()
    git(tree, "checkout", "-q", "a.py")
    assert b"\r\n" in (tree / "a.py").read_bytes()


def filtered(main: Path, tree: Path) -> None:
    git(main, "config", "filter.odd.smudge", "tr a-z b-za")
    git(main, "config", "filter.odd.clean", "cat")
    (main / ".git" / "info").mkdir(exist_ok=True)
    (main / ".git" / "info" / "attributes").write_text("*.py filter=odd\n")
    (tree / "a.py").unlink()
    git(tree, "checkout", "-q", "a.py")


def main_is_ahead(main: Path, _tree: Path) -> None:
    """The base was indexed again, with what the worktree does not have."""
    (main / "a.py").write_text("def ahead(): pass\n")
    (main / "untracked.py").write_text("def untracked(): pass\n")
    git(main, "rm", "-q", "b.py")
    index(main)


def main_committed(main: Path, tree: Path) -> None:
    (main / "a.py").write_text("def ahead(): pass\n")
    git(main, "commit", "-q", "-a", "-m", "ahead")
    index(main)
    git(tree, "checkout", "-q", "--detach", "main")


def main_changed_since(main: Path, _tree: Path) -> None:
    """The base is stale itself, and git's index is another than when it was indexed."""
    (main / "a.py").write_text("def ahead(): pass\n")
    git(main, "commit", "-q", "-a", "-m", "ahead")


ARRANGED: list[Arrange] = [
    nothing,
    another_branch,
    edited,
    edited_to_the_same_size,
    edited_and_dated_back,
    new,
    new_and_staged,
    gone,
    not_tracked_any_more,
    unseen_by_git,
    converted,
    filtered,
    main_is_ahead,
    main_committed,
    main_changed_since,
]
# What is done after the fork, too, and then every file has to be looked at.
AFTER: list[Arrange] = [
    nothing,
    edited_to_the_same_size,
    edited_and_dated_back,
    new,
    unseen_by_git,
    main_changed_since,
]
CASES = [(arrange, "first") for arrange in ARRANGED] + [(arrange, "then") for arrange in AFTER]
OTHERS = (
    *("refused", "strange", "victim", "racing", "bare", "command"),
    *("below", "killed", "durable", "locked", "copied", "read"),
)
ADOPTED = ("adopted", "crlf-here", "crlf-there")


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    arranged = [f"{arrange.__name__}-{when}" for arrange, when in CASES]
    names = [*arranged, *OTHERS, *ADOPTED]
    return settled(tmp_path_factory.mktemp("forking"), [(name, plain) for name in names])


def worktree(main: Path, name: str = "tree") -> Path:
    """A linked worktree beside the repository, detached at its commit."""
    made = main.with_name(f"{main.name}-{name}")
    git(main, "worktree", "add", "-q", "--detach", os.fspath(made))
    return made


def forked(tree: Path) -> Path:
    """The fork made for a worktree, which must be made."""
    store = tree / ".diptych"
    found = fork_for_worktree(os.fspath(tree), os.fspath(store))
    assert found is not None and found.notice is None
    check_whole(os.fspath(store))
    return store


@pytest.mark.parametrize(("arrange", "when"), CASES)
def test_the_verdict_is_right_in_a_worktree(roots: dict[str, Path], arrange: Arrange, when: str) -> None:
    """Also where git writes its index again after the fork."""
    main = roots[f"{arrange.__name__}-{when}"]
    linked = worktree(main)
    if when == "first":
        arrange(main, linked)
    before = tree(os.fspath(main / ".diptych"))
    store = forked(linked)
    assert tree(os.fspath(main / ".diptych")) == before
    if when == "then":
        arrange(main, linked)
        git(linked, "update-index", "--index-version", "4")
    verdict, evidence = judged(linked)
    assert named(evidence) == differing(linked)
    assert verdict.fresh == (not differing(linked)), verdict.sentence()
    ensure_fresh(Policy.AUTO, os.fspath(store), root=os.fspath(linked))
    assert differing(linked) == set()
    verdict, evidence = judged(linked)
    assert verdict.fresh and not named(evidence)
    assert [name for name in os.listdir(linked) if "diptych" in name] == [".diptych"]
    check_whole(os.fspath(store))


def test_a_clean_worktree_is_fresh_at_once_and_no_file_is_read(
    roots: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    linked = worktree(roots["read"])
    store = forked(linked)
    kept = record.load(os.fspath(store))
    assert kept is not None and (kept.watched, kept.untracked) == ([], [])
    monkeypatch.setattr("diptych.workspace.freshness.differences.read_regular", None)
    verdict, evidence = judged(linked)
    assert verdict.fresh and evidence.differences is not None
    assert (evidence.differences.by, evidence.differences.looked_at) == ("git", 0)
    # git's index is another one, with the same entries: every file is looked at, and none is read.
    settle()
    git(linked, "update-index", "--index-version", "4")
    verdict, evidence = judged(linked)
    assert verdict.fresh and evidence.differences is not None
    assert (evidence.differences.by, evidence.differences.hashed) == ("stat", 0)
    ensured = ensure_fresh(Policy.AUTO, os.fspath(store), root=os.fspath(linked))
    assert ensured.verdict is not None and ensured.verdict.fresh
    with Store.open(store, read_only=True) as opened:
        known = facts.load(os.fspath(store), store_id=opened.store_id, lsn=opened.lsn)
    assert known is not None and not known.inherited


def test_a_base_that_cannot_be_shared_is_told_in_a_sentence(roots: dict[str, Path]) -> None:
    main = roots["refused"]
    linked = worktree(main)
    base, store = os.fspath(main / ".diptych"), os.fspath(linked / ".diptych")
    kept = os.fspath(main.with_name("kept-store"))
    shutil.copytree(base, kept)

    def refused() -> str:
        found = fork_for_worktree(os.fspath(linked), store)
        assert found is not None and found.notice is not None
        assert os.listdir(linked.parent) and not [one for one in os.listdir(linked) if "diptych" in one]
        message = found.notice.message
        assert "cannot be shared" in message and "built from nothing" in message and "\n" not in message
        return message

    def put_back() -> None:
        shutil.rmtree(base)
        shutil.copytree(kept, base)

    for path in Path(base).rglob("records.msgpack"):
        os.truncate(path, 100)
    for path in Path(base).rglob("search.bundle"):
        os.truncate(path, 100)
    for path in Path(base, "journal").glob("*.wal"):
        path.unlink()
    assert "damaged" in refused()
    put_back()
    (Path(base) / FACTS).unlink()
    assert "has not ended" in refused()
    put_back()
    (Path(base) / "freshness.msgpack").unlink()
    overwrite(os.path.join(base, FACTS), 30, b"\xff")
    assert "has not ended" in refused()
    shutil.rmtree(base)
    with RecordStore.open_with(base, NOTES):
        pass
    assert "schema" in refused()
    shutil.rmtree(base)
    Path(base).write_text("no store")
    refused()
    Path(base).unlink()
    assert fork_for_worktree(os.fspath(linked), store) is None
    shutil.copytree(kept, base)
    git(main, "add", "-f", ".diptych")
    assert "came with the repository" in refused()


def test_no_other_folder_is_taken_for_a_worktree(roots: dict[str, Path], tmp_path: Path) -> None:
    main = roots["strange"]
    real, other = worktree(main, "real"), worktree(main, "other")
    assert other_work_trees(os.fspath(real)) == [os.path.realpath(main), os.path.realpath(other)]
    assert other_work_trees(os.fspath(main)) == []
    assert other_work_trees(os.fspath(tmp_path)) == []
    shutil.rmtree(other)
    assert other_work_trees(os.fspath(real)) == [os.path.realpath(main)]
    # One that came with a stranger's files, and names the repository of this one.
    (tmp_path / ".git").write_bytes((real / ".git").read_bytes())
    assert other_work_trees(os.fspath(tmp_path)) == []
    for content in (b"", b"gitdir: ", b"gitdir: /nowhere\n", b"\xff\x00", b"gitdir: .\n"):
        (tmp_path / ".git").write_bytes(content)
        assert other_work_trees(os.fspath(tmp_path)) == []


def test_a_strangers_folder_reaches_no_other_index(roots: dict[str, Path], tmp_path: Path) -> None:
    main = roots["victim"]
    linked = worktree(main, "mine")
    tree_, entry = tmp_path / "tree", tmp_path / "made" / "worktrees" / "tree"
    tree_.mkdir()
    entry.mkdir(parents=True)
    (tree_ / ".git").write_text(f"gitdir: {entry}\n")
    (entry / "gitdir").write_text(f"{tree_ / '.git'}\n")
    # A worktree that this repository does not know of.
    (entry / "commondir").write_text(f"{main / '.git'}\n")
    assert other_work_trees(os.fspath(tree_)) == []
    # A repository that says of work trees of another that they are its own.
    (entry / "commondir").write_text("../..\n")
    for name, other in (("main", main), ("linked", linked)):
        said = entry.with_name(name)
        said.mkdir()
        (said / "gitdir").write_text(f"{other / '.git'}\n")
        (said / "index").touch()
    assert other_work_trees(os.fspath(tree_)) == []


@pytest.mark.parametrize("moment", ["basis_of", "inherit"])
def test_a_base_that_is_indexed_meanwhile_is_not_mixed(
    roots: dict[str, Path], monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    main = roots["racing"]
    linked = worktree(main, moment)
    real = getattr(forking, moment)

    def meanwhile(*arguments: Any, **named: Any) -> Any:
        monkeypatch.undo()
        found = real(*arguments, **named)
        (main / "a.py").write_text(f"def {moment}(): pass\n")
        index(main)
        return found

    monkeypatch.setattr(forking, moment, meanwhile)
    store = linked / ".diptych"
    found = fork_for_worktree(os.fspath(linked), os.fspath(store))
    assert found is not None
    if found.notice is None:
        known = facts.decode((store / FACTS).read_bytes())
        with Store.open(store, read_only=True) as made:
            assert known.lsn <= made.lsn
    else:
        assert "meanwhile" in found.notice.message
        assert not store.exists()


def test_the_worktrees_of_a_bare_repository_share_too(roots: dict[str, Path]) -> None:
    bare = roots["bare"].with_name("bare.git")
    git(roots["bare"], "clone", "-q", "--bare", os.fspath(roots["bare"]), os.fspath(bare))
    first, second = worktree(bare, "first"), worktree(bare, "second")
    assert fork_for_worktree(os.fspath(first), os.fspath(first / ".diptych")) is None
    settle()
    index(first)
    store = forked(second)
    origin = read_origin(os.fspath(store))
    assert origin is not None and origin.source == os.fspath(first / ".diptych")
    edited(first, second)
    verdict, evidence = judged(second)
    assert not verdict.fresh and named(evidence) == {"a.py"}


def test_the_commands_fork_by_themselves_and_say_so(roots: dict[str, Path]) -> None:
    main = roots["command"]
    linked = worktree(main)
    git(linked, "checkout", "-q", "topic")
    done = diptych("search", "first_on_topic", cwd=linked)
    assert b"first_on_topic" in done.stdout
    said = f"diptych: this worktree's index is a fork of {main / '.diptych'}, at LSN "
    assert done.stderr.decode().startswith(said)
    assert diptych("search", "first_on_topic", cwd=linked).stderr == b""
    shown = document("status", cwd=linked)
    assert shown["origin"]["source"] == os.fspath(main / ".diptych")
    assert shown["origin"]["details"]["commit"] == git(main, "rev-parse", "HEAD")
    assert f"forked from:     {main / '.diptych'}" in text("status", cwd=linked)
    assert git(linked, "status", "--porcelain") == ""
    other = worktree(main, "other")
    done = diptych("index", cwd=other)
    assert done.stderr.decode().startswith(said)
    assert b"0 indexed, 4 unchanged" in done.stdout
    # Not where the answer is to be from what is there.
    third = worktree(main, "third")
    diptych("search", "first", "--fresh", "check", cwd=third, code=None)
    assert not (third / ".diptych").exists()


def test_stores_below_an_output_root_are_forked(roots: dict[str, Path], tmp_path: Path) -> None:
    main, out = roots["below"], tmp_path / "out"
    given = {"DIPTYCH_OUTPUT_ROOT": os.fspath(out)}
    diptych("index", cwd=main, env=given)
    linked = worktree(main)
    done = diptych("search", "first", cwd=linked, env=given)
    assert b"is a fork of " in done.stderr
    origin = read_origin(store_below(os.fspath(out), os.fspath(linked)))
    assert origin is not None and origin.source == store_below(os.fspath(out), os.fspath(main))
    assert len(os.listdir(out)) == 2


def test_a_base_with_a_writer_is_forked(roots: dict[str, Path]) -> None:
    main = roots["locked"]
    linked = worktree(main)
    with Store.open(main / ".diptych"):
        store = forked(linked)
    assert judged(linked)[0].fresh
    # Nor does anything happen to the fork when the base goes.
    shutil.rmtree(main / ".diptych")
    assert judged(linked)[0].fresh
    check_whole(os.fspath(store))


def test_on_another_file_system_it_is_copied(
    roots: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EXDEV, "another file system")

    linked = worktree(roots["copied"])
    monkeypatch.setattr(os, "link", refuse)
    store = forked(linked)
    assert all(path.stat().st_nlink == 1 for path in store.rglob("*") if path.is_file())
    assert judged(linked)[0].fresh


_KILLED = """
import itertools, os, shutil, sys
from diptych.workspace.freshness import fork_for_worktree
root = sys.argv[1]
store = os.path.join(root, ".diptych")
before = set(os.listdir(root))
for limit in itertools.count(0, int(sys.argv[2])):
    pid = os.fork()
    if pid == 0:
        count = itertools.count()
        def counted(call):
            def run(*arguments, **options):
                if next(count) == limit:
                    os._exit(9)
                return call(*arguments, **options)
            return run
        for name in ("fsync", "replace", "mkdir", "unlink", "link", "write"):
            setattr(os, name, counted(getattr(os, name)))
        found = fork_for_worktree(root, store)
        assert found is not None and found.notice is None, found
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status in (0, 9), status
    print("whole" if os.path.exists(store) else "nothing", status, flush=True)
    if os.path.exists(store):
        from diptych import verify
        from diptych.workspace.freshness import check
        assert verify(store, deep=True).ok
        assert check(root, store)[0].fresh
        shutil.rmtree(store)
    if status == 0:
        assert set(os.listdir(root)) == before, os.listdir(root)
        break
"""


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_a_kill_at_any_call_leaves_nothing_or_all(roots: dict[str, Path], step: int) -> None:
    linked = worktree(roots["killed"], f"tree-{step}")
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, os.fspath(linked), f"{step}"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    states = [line.split()[0] == "whole" for line in done.stdout.splitlines()]
    assert len(states) > 30 / step
    assert states == sorted(states)


def test_the_name_of_a_fork_is_durable(roots: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is committed to it would be lost with it."""
    linked = worktree(roots["durable"])
    events: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(fd: int) -> None:
        events.append(os.readlink(f"/proc/self/fd/{fd}"))
        fsync(fd)

    def noted_replace(source: str, to: str) -> None:
        events.append(f"rename to {to}")
        replace(source, to)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    store = forked(linked)
    assert events[-2:] == [f"rename to {store}", os.fspath(linked)]


def adopted(main: Path, tree: Path) -> Path:
    """The main tree's index as it arrives elsewhere, with what is known of the commit that it is of."""
    from diptych.workspace.freshness import basis_of

    with Store.open(main / ".diptych") as store:
        basis = basis_of(store)
        assert basis is not None
        store.checkpoint()
        lsn = store.lsn
    arrived = main.with_name(f"{main.name}-arrived")
    (arrived / "generations").mkdir(parents=True)
    shutil.copy(main / ".diptych" / "generations" / f"{lsn:020d}", arrived / "generations")
    shutil.copytree(main / ".diptych" / "segments", arrived / "segments")
    Store.adopt(arrived, tree / ".diptych", details=basis.as_details())
    return tree / ".diptych"


def clone(main: Path, name: str = "clone", *options: str) -> Path:
    made = main.with_name(f"{main.name}-{name}")
    git(main, "clone", "-q", *options, os.fspath(main), os.fspath(made))
    return made


def test_an_adopted_index_reads_what_is_different_alone(
    roots: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    main = roots["adopted"]
    cloned = clone(main)
    (cloned / "a.py").write_text("def here(): pass\n")
    (cloned / "new.py").write_text("def new(): pass\n")
    settle()
    # After the files, so that none is as new as git's index.
    git(cloned, "update-index", "--index-version", "4")
    adopted(main, cloned)
    read: list[str] = []
    from diptych.indexer import parse

    before = parse.read_regular

    def noted(beneath: object, path: str, most: int) -> bytes | None:
        read.append(path)
        return before(beneath, path, most)  # type: ignore[arg-type]

    monkeypatch.setattr(parse, "read_regular", noted)
    index(cloned)
    assert sorted(read) == ["a.py", "new.py"]
    assert differing(cloned) == set()
    assert judged(cloned)[0].fresh


@pytest.mark.parametrize("where", ["here", "there"])
def test_an_adopted_index_where_git_writes_other_bytes(roots: dict[str, Path], where: str) -> None:
    """In the work tree that it was made of, or in the one that it is for."""
    main, crlf = roots[f"crlf-{where}"], ("-c", "core.autocrlf=true")
    made_of = main if where == "here" else clone(main, "made-of", *crlf)
    if where == "there":
        settle()
        index(made_of)
    cloned = clone(main, "clone", *(crlf if where == "here" else ()))
    for folder in (made_of, cloned):
        ends = b"\r\n" in (folder / "a.py").read_bytes()
        assert ends == ((folder == cloned) == (where == "here"))
    settle()
    git(cloned, "update-index", "--index-version", "4")
    adopted(made_of, cloned)
    index(cloned)
    assert differing(cloned) == set()
    assert judged(cloned)[0].fresh
