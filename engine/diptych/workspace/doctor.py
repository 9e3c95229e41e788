"""What an index of a repository needs here, and what is missing: each check with what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from enum import Enum
from importlib.util import find_spec
from typing import NamedTuple

from diptych import fs
from diptych.errors import DiptychError
from diptych.indexer import git
from diptych.workspace.freshness import Kind, check
from diptych.workspace.holder import holder
from diptych.workspace.keeper import keeper_state

_SPACE_LOW_BYTES = 256 * 1024 * 1024

EXTRAS = {
    "watch": ("watchfiles", "`diptych watch`, and the keeper of editors and agents"),
    "lsp": ("pygls", "editors: `diptych lsp`"),
    "mcp": ("mcp", "agents: `diptych mcp`"),
    "scip": ("google.protobuf", "exchanging an index: `diptych scip`"),
    "share": ("obstore", "sharing an index"),
    "metrics": ("prometheus_client", "metrics for Prometheus"),
    "completion": ("shtab", "completion in shells"),
}


class Result(Enum):
    """How a check ended."""

    OK = "ok"
    NOTE = "note"
    """Something works less well than it could, or is not used here."""
    PROBLEM = "problem"
    """Something does not work."""


class Check(NamedTuple):
    """What was looked at, what was seen, and what to do; `advice` is "" where there is nothing to do."""

    name: str
    result: Result
    seen: str
    advice: str = ""


def examine(root: str, store_path: str) -> list[Check]:
    """All checks of a repository and its store. Changes nothing, and never raises for what it finds."""
    checks = [
        Check(
            "python", Result.OK, f"{platform.python_version()} on {platform.system()} {platform.machine()}"
        ),
        *_extras(),
        _git(root),
        *_watching(root),
        _permissions(root, store_path),
        _space(store_path),
    ]
    return [*checks, _store(root, store_path), _keeper(store_path)]


def _extras() -> Iterator[Check]:
    for extra, (module, purpose) in EXTRAS.items():
        name = f"extra {extra}"
        if _is_there(module):
            yield Check(name, Result.OK, f"{module} is installed")
        else:
            advice = f"for {purpose}: `pip install 'diptych[{extra}]'`"
            yield Check(name, Result.NOTE, f"{module} is not installed", advice)


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _git(root: str) -> Check:
    try:
        if not git.may_ask(root):
            advice = "files are found by a walk that honours .gitignore; `git init` makes it a repository"
            return Check("git", Result.NOTE, f"{root} is in no git repository", advice)
        head = git.head(root)
    except git.GitRefusedError as error:
        return Check("git", Result.PROBLEM, error.message, error.advice)
    if not (head.commit or head.branch):
        advice = "run `git status` there, and do what it says"
        return Check("git", Result.PROBLEM, f"git does not answer for {root}", advice)
    return Check("git", Result.OK, f"{head.branch or 'no branch'}, commit {head.commit[:12] or 'none'}")


def _watching(root: str) -> Iterator[Check]:
    kind = fs.silent_file_system(root)
    if kind:
        seen = f"a file system of type {kind} sends no event for every change"
        yield Check("events", Result.NOTE, seen, "a watch compares the files every few seconds instead")
    limit = fs.inotify_limit(root)
    if limit is not None:
        yield Check("watches", Result.PROBLEM, f"the limit {limit} is reached", limit.advice)
    else:
        yield Check("watches", Result.OK, "a folder more can be watched")


def _permissions(root: str, store_path: str) -> Check:
    if not os.access(root, os.R_OK | os.X_OK):
        return Check(
            "permissions", Result.PROBLEM, f"{root} cannot be read", "make it readable for this user"
        )
    place = store_path
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    if not os.access(place, os.W_OK):
        advice = "make it writable, or keep the store elsewhere with --output-root PATH"
        return Check("permissions", Result.PROBLEM, f"{place} cannot be written to", advice)
    return Check("permissions", Result.OK, f"{place} can be written to")


def _space(store_path: str) -> Check:
    place = store_path
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    try:
        free_bytes = shutil.disk_usage(place).free
    except OSError as error:
        return Check("space", Result.PROBLEM, f"{place}: {error.strerror or error}", fs.advice_on(error))
    seen = f"{free_bytes // (1024 * 1024):,} MiB free"
    if free_bytes < _SPACE_LOW_BYTES:
        return Check("space", Result.PROBLEM, seen, "make room: an index grows with its repository")
    return Check("space", Result.OK, seen)


def _store(root: str, store_path: str) -> Check:
    try:
        verdict, gathered = check(root, store_path)
    except (DiptychError, OSError) as error:
        advice = error.advice if isinstance(error, DiptychError) else fs.advice_on(error)
        return Check("index", Result.PROBLEM, str(error), advice)
    problem = gathered.evidence.store
    if verdict.kind is Kind.MISSING:
        return Check("index", Result.NOTE, f"there is none at {store_path}", "make it with `diptych index`")
    if verdict.kind in (Kind.CORRUPT, Kind.INCOMPATIBLE):
        return Check("index", Result.PROBLEM, problem.message or verdict.sentence(), problem.advice)
    seen = f"{verdict.sentence()}; {problem.records:,} files, LSN {problem.lsn:,}"
    if verdict.fresh:
        return Check("index", Result.OK, seen)
    return Check(
        "index", Result.NOTE, seen, "`diptych index` brings it up to date, and so does a keeper or a watch"
    )


def _keeper(store_path: str) -> Check:
    said = keeper_state(store_path)
    if said is not None:
        kind = "keeper" if said.is_keeper else "watch"
        seen = f"{kind}, process {said.pid}: {said.message or 'ready'}"
        result = Result.NOTE if said.warning else Result.OK
        return Check("keeper", result, f"{seen}; {said.warning}" if said.warning else seen)
    pid = holder(store_path)
    if pid:
        seen = f"none, and process {pid} holds the writer's lock without saying what it does"
        return Check("keeper", Result.NOTE, seen, "wait until it has ended, or end it")
    return Check("keeper", Result.OK, "none runs; servers start one")
