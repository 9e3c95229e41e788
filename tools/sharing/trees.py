"""Source trees under git that are changed and committed, for measurements."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

from diptych import Store
from diptych.artifact.local import newest_generation
from diptych.artifact.scrub import ALLOWED, Rules, scrub
from diptych.schema.code import CODE

INSERTED = "\n\ndef inserted_{number}(first, second={number}):\n    return first + second\n"


def repository_of(source: Path, tree: Path) -> Path:
    """A copy of a source tree, as a repository with one commit."""
    shutil.copytree(source, tree, symlinks=True, ignore=shutil.ignore_patterns(".git", ".diptych"))
    git(tree, "init", "-q")
    commit(tree)
    return tree


def change(tree: Path, share: float, *, seed: int) -> None:
    """Insert a function in this share of the Python files, chosen at random."""
    python = sorted(path for path in tree.rglob("*.py") if ".diptych" not in path.parts)
    for path in random.Random(seed).sample(python, max(1, round(len(python) * share))):
        path.write_text(path.read_text() + INSERTED.format(number=seed))


def commit(tree: Path, message: str = "state") -> None:
    """Commit all of a tree but its index."""
    (tree / ".git" / "info" / "exclude").write_text(".diptych\n.diptych.*\n")
    git(tree, "add", "-A", "-f", "--", ".", ":(exclude).diptych")
    git(tree, "commit", "-q", "-m", message)


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder; what it prints."""
    given = ["git", "-c", "user.name=n", "-c", "user.email=e@x", "-c", "init.defaultBranch=main", *arguments]
    return subprocess.run(given, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def allow_what_looks_secret(store: Path) -> None:
    """Name what looks like a secret in a public source tree: it may be shared."""
    with Store.open(store) as opened:
        opened.checkpoint()
    generation = newest_generation(os.fspath(store))
    assert generation is not None
    found = scrub(generation.store, generation.manifest, CODE, Rules.of(os.fspath(store), None)).findings
    # What is named there already is not found again.
    with (store / ALLOWED).open("a") as allowed:
        allowed.writelines(f"{one.fingerprint}\n" for one in found if one.fingerprint)
