"""Any sequence of edits and git commands: whenever the index is judged, the verdict is the truth."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from tests.indexer.repository import git

from .settled import differing, index, judged, named, plain, settled

STEPS = 12
SEEDS = range(8)
KINDS = (
    *("edit", "edit", "same size", "touch", "new", "delete", "rename", "link", "ignore"),
    *("add", "commit", "reset", "checkout", "switch", "status", "stash", "flag"),
)


def _files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*.py") if ".git" not in path.parts)


def _step(root: Path, dice: random.Random) -> str:
    """Do something to the work tree, and say what."""
    kind = dice.choice(KINDS)
    files = _files(root)
    path = dice.choice(files) if files else root / "a.py"
    if kind == "edit" and path.exists():
        path.write_text(f"def edited_{dice.randrange(9)}(): pass\n")
    elif kind == "same size" and path.is_file() and path.stat().st_size:
        before, data = path.stat(), bytearray(path.read_bytes())
        data[dice.randrange(len(data))] ^= 1
        with path.open("r+b") as file:
            file.write(data)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif kind == "touch" and path.exists():
        os.utime(path)
    elif kind == "new":
        (root / f"new_{dice.randrange(4)}.py").write_text(f"def new_{dice.randrange(9)}(): pass\n")
    elif kind == "delete":
        path.unlink(missing_ok=True)
    elif kind == "rename" and path.exists():
        path.rename(path.with_name(f"renamed_{dice.randrange(4)}.py"))
    elif kind == "link" and path.exists():
        (root / "link.py").unlink(missing_ok=True)
        (root / "link.py").symlink_to(path.name)
    elif kind == "ignore":
        (root / ".git/info/exclude").write_text(dice.choice(["", "new_*.py\n", "renamed_*.py\n"]))
    else:
        _git_step(root, kind, path, dice)
    return f"{kind} {path.name}"


def _git_step(root: Path, kind: str, path: Path, dice: random.Random) -> None:
    commands = {
        "add": ["add", "-A"],
        "commit": ["commit", "-q", "-a", "--allow-empty", "-m", "more"],
        "reset": ["reset", "-q", dice.choice(["--soft", "--mixed", "--hard"]), dice.choice(["topic", "@"])],
        "checkout": ["checkout", "-q", "--", path.name],
        "switch": ["checkout", "-q", dice.choice(["main", "topic", "--detach"])],
        "status": ["status"],
        "stash": ["stash", "-q"],
        "flag": ["update-index", dice.choice(["--assume-unchanged", "--no-assume-unchanged"]), path.name],
    }
    if kind not in commands:
        return
    try:
        git(root, *commands[kind])
    except Exception:
        # git refuses some of these now and then, which is as good a step as any.
        return


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return settled(tmp_path_factory.mktemp("sequences"), [(str(seed), plain) for seed in SEEDS])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_verdict_is_the_truth_after_any_steps(seed: int, repositories: dict[str, Path]) -> None:
    root, dice = repositories[str(seed)], random.Random(seed)
    done: list[str] = []
    for _ in range(STEPS):
        done += [_step(root, dice) for _ in range(dice.randrange(1, 4))]
        truth = differing(root)
        verdict, evidence = judged(root)
        assert named(evidence) == truth, (seed, done, verdict.sentence())
        assert verdict.fresh == (not truth), (seed, done)
        if dice.random() < 0.4:
            index(root)
            done.append("index")
            assert differing(root) == set(), (seed, done)
