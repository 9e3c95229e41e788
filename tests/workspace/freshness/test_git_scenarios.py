"""What happens to a git work tree, and whether the verdict tells: by git's word, by stat, and in truth."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import pytest
from tests.indexer.repository import git, write

from diptych.workspace.freshness import Code, Kind

from .settled import differing, index, judged, named, plain, settled

# The repositories are made once, not once in each of the processes that run the tests.
pytestmark = pytest.mark.xdist_group("git scenarios")

Step = Callable[[Path], object]


def _same_size_and_times(root: Path) -> None:
    """An edit in place that keeps the size, and sets the modification time back to what it was."""
    path = root / "a.py"
    before = path.stat()
    with path.open("r+b") as file:
        file.write(b"def FIRST(): pass\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def _filtered(root: Path) -> None:
    """A repository with a filter that git sends each file through before it compares contents."""
    git(root, "config", "filter.lower.clean", "tr A-Z a-z")
    write(root, {".gitattributes": "*.py filter=lower\n"})
    git(root, "add", "-A")


def _invisible_to_git(root: Path) -> None:
    """The filter makes the new content equal to the old."""
    (root / "a.py").write_bytes(b"def FIRST(): pass\n")
    assert git(root, "status", "--porcelain", "--", "a.py") == ""


def _edit(root: Path) -> None:
    (root / "a.py").write_text("def edited(): pass\n")


def _edit_and_add(root: Path) -> None:
    _edit(root)
    git(root, "add", "a.py")


def _edit_and_commit(root: Path) -> None:
    _edit(root)
    git(root, "commit", "-q", "-a", "-m", "edited")


def _edit_behind_git(flag: str) -> Step:
    def step(root: Path) -> None:
        _edit(root)
        assert git(root, "status", "--porcelain", "--", "a.py") == "", flag

    return step


def _new_and_ignored(root: Path) -> None:
    (root / "new.py").write_text("def new(): pass\n")
    (root / ".gitignore").write_text("ignored.py\n.diptych/\nnew.py\n")


def _directory_for_a_link(root: Path) -> None:
    (root / "pkg").rename(root / "moved")
    (root / "pkg").symlink_to("moved")


def _run(*arguments: str) -> Step:
    return lambda root: [git(root, *command.split()) for command in arguments]


# name: what happens before the index is made, what after, and whether the index is still fresh then.
SCENARIOS: dict[str, tuple[Step | None, Step, bool]] = {
    "nothing": (None, lambda root: None, True),
    "edited": (None, _edit, False),
    "same size and times": (None, _same_size_and_times, False),
    "touched": (None, lambda root: os.utime(root / "a.py"), True),
    "edited and added": (None, _edit_and_add, False),
    "edited and committed": (None, _edit_and_commit, False),
    "edited and undone": (None, lambda root: (_edit(root), git(root, "checkout", "-q", "a.py")), True),
    "untracked": (None, lambda root: write(root, {"new.py": "def new(): pass\n"}), False),
    "untracked, no source": (None, lambda root: write(root, {"new.txt": "text\n"}), True),
    "untracked script": (
        None,
        lambda root: (write(root, {"tool": "#!/bin/python3\ndef f(): pass\n"}), (root / "tool").chmod(0o755)),
        False,
    ),
    "untracked and ignored": (None, _new_and_ignored, True),
    "ignored edited": (None, lambda root: write(root, {"ignored.py": "def other(): pass\n"}), True),
    "ignored no more": (None, lambda root: write(root, {".gitignore": ".diptych/\n"}), False),
    "deleted": (None, lambda root: (root / "b.py").unlink(), False),
    "renamed": (None, _run("mv b.py renamed.py"), False),
    "renamed outside of git": (None, lambda root: (root / "b.py").rename(root / "moved.py"), False),
    "replaced by a link": (
        None,
        lambda root: ((root / "b.py").unlink(), (root / "b.py").symlink_to("a.py")),
        False,
    ),
    "a folder replaced by a link": (None, _directory_for_a_link, False),
    "script no more": (None, lambda root: (root / "run").chmod(0o644), False),
    "branch changed": (None, _run("checkout -q topic"), False),
    "branch made": (None, _run("checkout -q -b same"), True),
    "branch changed and back": (None, _run("checkout -q topic", "checkout -q main"), True),
    "detached": (None, _run("checkout -q --detach"), True),
    "detached elsewhere": (None, _run("checkout -q --detach topic"), False),
    "reset, soft": (None, _run("reset -q --soft topic"), True),
    "reset, mixed": (None, _run("reset -q topic"), True),
    "reset, hard": (None, _run("reset -q --hard topic"), False),
    "merged": (None, _run("merge -q --no-edit topic"), False),
    "rebased": (_run("commit -q --allow-empty -m more"), _run("rebase -q topic"), False),
    "stashed": (_edit, _run("stash -q"), False),
    "committed after it was indexed": (_edit, _run("commit -q -a -m edited"), True),
    "undone after it was indexed": (_edit, _run("checkout -q a.py"), False),
    "edited again": (_edit, lambda root: write(root, {"a.py": "def edited_again(): pass\n"}), False),
    "untracked edited": (
        lambda root: write(root, {"new.py": "def new(): pass\n"}),
        lambda root: write(root, {"new.py": "def newer(): pass\n"}),
        False,
    ),
    "untracked deleted": (
        lambda root: write(root, {"new.py": "def new(): pass\n"}),
        lambda root: (root / "new.py").unlink(),
        False,
    ),
    "untracked added": (lambda root: write(root, {"new.py": "def new(): pass\n"}), _run("add new.py"), True),
    "deleted, and there again": (
        lambda root: (root / "b.py").unlink(),
        lambda root: write(root, {"b.py": "def second(): pass\n"}),
        False,
    ),
    "tracked no more": (None, _run("rm -q --cached b.py"), True),
    "invisible to git": (_filtered, _invisible_to_git, False),
    "line endings": (
        lambda root: (write(root, {".gitattributes": "* text=auto\n"}), git(root, "add", "-A")),
        lambda root: (root / "a.py").write_bytes((root / "a.py").read_bytes().replace(b"\n", b"\r\n")),
        False,
    ),
    "assume-unchanged": (
        _run("update-index --assume-unchanged a.py"),
        _edit_behind_git("assume-unchanged"),
        False,
    ),
    "skip-worktree": (_run("update-index --skip-worktree a.py"), _edit, False),
    "skip-worktree, deleted": (
        _run("update-index --skip-worktree a.py"),
        lambda root: (root / "a.py").unlink(),
        False,
    ),
    "times that git is told not to trust": (
        _run("config core.trustctime false", "config core.checkStat minimal"),
        _same_size_and_times,
        False,
    ),
    "a nested repository": (None, lambda root: git(root, "init", "-q", "pkg/inner"), True),
    "a submodule's rules": (None, lambda root: write(root, {".gitmodules": ""}), True),
}


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    def maker(before: Step | None) -> Callable[[Path], None]:
        def make(root: Path) -> None:
            plain(root)
            if before is not None:
                before(root)

        return make

    base = tmp_path_factory.mktemp("scenarios")
    yield settled(base, [(name, maker(before)) for name, (before, _, _) in SCENARIOS.items()])


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_verdict_is_the_truth(name: str, repositories: dict[str, Path]) -> None:
    root = repositories[name]
    _, step, fresh = SCENARIOS[name]
    verdict, evidence = judged(root)
    assert verdict.fresh, verdict.sentence()
    assert evidence.git is not None
    assert evidence.git.same_index
    step(root)
    truth = differing(root)
    assert (not truth) == fresh
    for trust_git in (True, False):
        verdict, evidence = judged(root, trust_git=trust_git)
        assert named(evidence) == truth, verdict.sentence()
        assert verdict.kind is (Kind.FRESH if fresh else Kind.STALE)
    index(root)
    assert differing(root) == set()
    assert judged(root)[0].fresh


PAIRED = ("same size and times", "untracked", "script no more", "renamed", "branch made", "reset, soft")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    names = [f"{first} and {second}" for first, second in combinations(PAIRED, 2)]
    return settled(tmp_path_factory.mktemp("pairs"), [(name, plain) for name in names])


@pytest.mark.parametrize(("first", "second"), list(combinations(PAIRED, 2)))
def test_the_verdict_is_the_truth_after_two(first: str, second: str, pairs: dict[str, Path]) -> None:
    root = pairs[f"{first} and {second}"]
    for name in (first, second):
        SCENARIOS[name][1](root)
    truth = differing(root)
    for trust_git in (True, False):
        verdict, evidence = judged(root, trust_git=trust_git)
        assert named(evidence) == truth, verdict.sentence()
        assert verdict.fresh == (not truth)


def test_only_what_git_cannot_speak_for_is_looked_at(tmp_path: Path) -> None:
    root = settled(tmp_path, [("few", plain)])["few"]
    verdict, evidence = judged(root)
    found = evidence.differences
    assert verdict.fresh
    assert found is not None
    assert (found.by, found.looked_at, found.hashed) == ("git", 0, 0)
    _edit(root)
    _, evidence = judged(root)
    found = evidence.differences
    assert found is not None
    assert (found.by, found.looked_at, found.hashed) == ("git", 1, 1)


def test_a_changed_branch_is_told_with_the_files(tmp_path: Path) -> None:
    root = settled(tmp_path, [("told", plain)])["told"]
    git(root, "checkout", "-q", "topic")
    verdict, _ = judged(root)
    assert [reason.code for reason in verdict.reasons] == [
        Code.BRANCH_CHANGED,
        Code.COMMIT_CHANGED,
        Code.FILES_CHANGED,
        Code.FILES_NEW,
    ]
    assert "from main to topic" in verdict.sentence()
