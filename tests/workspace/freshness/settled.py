"""Repositories whose files are old enough for their times to prove something, indexed.

A stat proves nothing for two seconds. Waiting them out in each test would take minutes, so all the
repositories of a module are made first, and there is one wait for all of them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.indexer.repository import git, make_repository
from tests.support.waiting import wait_until

from diptych import Store
from diptych.indexer.discover import scan
from diptych.indexer.facts import RACY_MARGIN_NS
from diptych.indexer.settings import Settings
from diptych.model import content_hash
from diptych.workspace.freshness import Options, Verdict, check, update
from diptych.workspace.freshness.evidence import Evidence

# The kernel's clock for files is behind by up to this.
_TICK_NS = 100_000_000

FILES: dict[str, str | bytes] = {
    "a.py": "def first(): pass\n",
    "b.py": "def second(): pass\n",
    "pkg/c.go": "package pkg\n\nfunc Third() {}\n",
    "pkg/notes.txt": "no source\n",
    "run": "#!/usr/bin/env python3\ndef script(): pass\n",
    "ignored.py": "def ignored(): pass\n",
    ".gitignore": "ignored.py\n.diptych/\n",
}


def plain(root: Path) -> None:
    """The usual repository: two commits on main, and a branch."""
    make_repository(root, FILES)
    (root / "run").chmod(0o755)
    git(root, "commit", "-q", "-a", "-m", "a script")
    git(root, "checkout", "-q", "-b", "topic")
    (root / "a.py").write_text("def first_on_topic(): pass\n")
    (root / "only_on_topic.py").write_text("def topic(): pass\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "on topic")
    git(root, "checkout", "-q", "main")


def settle() -> None:
    """Wait until what was written before is old enough."""
    written_ns = time.time_ns()
    wait_until(lambda: time.time_ns() > written_ns + RACY_MARGIN_NS + _TICK_NS, "the age of the files")


def index(root: Path, store: Path | None = None) -> None:
    """Index the repository, as the command does."""
    with Store.open(store or root / ".diptych") as opened:
        update(os.fspath(root), opened, processes=0)


def settled(base: Path, make: Iterable[tuple[str, Callable[[Path], None]]]) -> dict[str, Path]:
    """A repository for each name, made by its function, indexed after one wait."""
    made = {}
    for name, maker in make:
        made[name] = base / name
        maker(made[name])
    settle()
    for root in made.values():
        index(root)
    return made


def judged(root: Path, store: Path | None = None, **options: object) -> tuple[Verdict, Evidence]:
    """The verdict on the repository's index."""
    verdict, gathered = check(
        os.fspath(root) if store else None, os.fspath(store or root / ".diptych"), Options(**options)  # type: ignore[arg-type]
    )
    return verdict, gathered.evidence


def differing(root: Path, store: Path | None = None) -> set[str]:
    """The truth, by reading everything: the files whose record is not of what is on disk, or is lacking."""
    where = store or root / ".diptych"
    with Store.open(where, read_only=True) as opened:
        stored = {record.path: record.content_hash for record in opened.files()}
    found = scan(os.fspath(root), Settings(), store_path=os.fspath(where))
    actual = {
        path: content_hash(Path(os.fsencode(root).decode(), path).read_bytes()) for path in found.files
    }
    return {path for path in stored.keys() | actual.keys() if stored.get(path) != actual.get(path)}


def named(evidence: Evidence) -> set[str]:
    """The files that the evidence says differ."""
    found = evidence.differences
    assert found is not None
    return {*found.new, *found.changed, *found.gone}
