"""A writer and followers, each killed at random and begun again, and what the followers then have."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from diptych import FileRecord, Store, verify

from .writer import history

_ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Result:
    """What a campaign comes to."""

    commits: int
    followers: int
    kills: int = 0
    elapsed_s: float = 0.0
    faults: list[str] = field(default_factory=list)
    """What is wrong, a sentence each."""


class FollowerError(Exception):
    """A process ended by itself, with an error."""


def run(directory: Path, *, commits: int, followers: int, kills: int, seed: int) -> Result:
    """Run it in an empty directory, with `kills` kills at least before the last commit is followed."""
    store = str(directory / "store")
    chance = random.Random(seed)
    result = Result(commits, followers)
    began_s = time.monotonic()
    commands = [["tools.feed.writer", store, str(commits)]]
    with Store.open(store) as made:
        for name in (f"f{number}" for number in range(followers)):
            # Before the first commit, so that the journal is kept from the beginning.
            made.consumer(name, since=0).close()
            commands.append(
                ["tools.feed.follower", store, name, str(directory / f"{name}.log"), str(commits)]
            )
    processes = [_begin(command) for command in commands]
    try:
        while any(process.poll() is None for process in processes):
            number = chance.randrange(len(processes))
            try:
                processes[number].wait(chance.uniform(0.05, 0.5) if result.kills < kills else None)
            except subprocess.TimeoutExpired:
                processes[number].kill()
                processes[number].wait()
                result.kills += 1
                processes[number] = _begin(commands[number])
            else:
                if processes[number].returncode:
                    raise FollowerError(f"{commands[number][0]} ended with an error")
            if result.kills >= kills:
                for process, command in zip(processes, commands, strict=True):
                    if process.wait():
                        raise FollowerError(f"{command[0]} ended with an error")
    finally:
        for process in processes:
            process.kill()
            process.wait()
    result.elapsed_s = time.monotonic() - began_s
    result.faults += _faults(directory, store, commits, followers)
    return result


def _begin(command: list[str]) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": f"{_ROOT / 'engine'}{os.pathsep}{_ROOT}"}
    return subprocess.Popen([sys.executable, "-m", *command], env=environment, cwd=_ROOT)


def _faults(directory: Path, store: str, commits: int, followers: int) -> Iterator[str]:
    before: dict[str, FileRecord | None] = {}
    expected = []
    for lsn, path, record in history(commits):
        shown = [one.content_hash if one is not None else "-" for one in (before.get(path), record)]
        expected.append(f"{lsn} {path} {shown[0]} {shown[1]} {lsn if lsn % 3 == 0 else 0}")
        before[path] = record
    for number in range(followers):
        log = directory / f"f{number}.log"
        lines = log.read_text().splitlines()
        for place, (found, wanted) in enumerate(zip(lines, expected, strict=False), 1):
            if found != wanted:
                yield f"{log.name}, line {place}: {found!r} instead of {wanted!r}"
                break
        if len(lines) != commits:
            yield f"{log.name} has {len(lines):,} transactions, and {commits:,} were committed"
    with Store.open(store) as opened:
        if opened.lsn != commits:
            yield f"the store is at LSN {opened.lsn:,}, and not at {commits:,}"
        for consumer in opened.consumers():
            opened.remove_consumer(consumer.name)
        opened.checkpoint()
    if not (report := verify(store)).ok:
        yield f"verify: {report.findings}"
