"""Kill the keeper by condition, not by clock: while it builds, when it is ready, right after a commit."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from diptych import Store, verify
from diptych.layout import LOCK
from diptych.workspace.coordinator import Building
from diptych.workspace.keeper import KeeperState, Place, ensure_keeper, keeper_state
from tools.guard import HANG_S
from tools.keeper.asker import path_of, text_of

ROOT = Path(__file__).resolve().parents[2]
FILES = 8
_IDLE_S = 5.0


@dataclass
class Result:
    """What came of a campaign."""

    clients: int
    kills: int = 0
    edits: int = 0
    elapsed_s: float = 0.0
    killed_while: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    writers_max: int = 0
    faults: list[str] = field(default_factory=list)


def run(folder: Path, *, clients: int, kills: int, seconds: float | None = None, seed: int = 1) -> Result:
    """Kill a keeper `kills` times, or for `seconds`, while clients ask and files change."""
    root = folder / "repository"
    (root / "pkg").mkdir(parents=True)
    (root / ".git").mkdir()
    place = Place(str(root), str(root / ".diptych"))
    dice, result, started_s = random.Random(seed), Result(clients), time.monotonic()
    versions = dict.fromkeys(range(FILES), 0)
    for file in versions:
        _edit(root, file, 0)
    with ExitStack() as stack:
        askers = [stack.enter_context(_asker(place)) for _ in range(clients)]
        own = stack.enter_context(ensure_keeper(place, idle_s=_IDLE_S))
        while (time.monotonic() - started_s < seconds) if seconds is not None else (result.kills < kills):
            for file in dice.sample(range(FILES), dice.randrange(1, FILES)):
                versions[file] += 1
                result.edits += 1
                _edit(root, file, versions[file])
            _kill(place, dice, result)
            own.state()
        last = own.wait(ready=True, timeout_s=HANG_S)
        if not last.is_ready:
            result.faults.append(f"no keeper took over: {last}")
        result.faults += _missing(place, versions)
        for asker in askers:
            said = json.loads(asker.communicate("", timeout=HANG_S)[0])
            result.counts.update(said["counts"])
            result.faults += said["faults"]
    _await_end(place)
    report = verify(place.store, deep=True)
    result.faults += [] if report.ok else [f"the store is damaged: {report}"]
    result.elapsed_s = time.monotonic() - started_s
    return result


def _kill(place: Place, dice: random.Random, result: Result) -> None:
    """Wait for a keeper in some state, and kill it."""
    name, condition = dice.choice(_CONDITIONS)
    first = keeper_state(place.store)
    deadline_s = time.monotonic() + HANG_S
    while True:
        writers = _writers(place)
        result.writers_max = max(result.writers_max, len(writers))
        said = keeper_state(place.store)
        if said is not None and said.pid in writers and condition(said, first):
            break
        if time.monotonic() > deadline_s:
            result.faults.append(f"no keeper came about that is {name}: {said}, {writers}")
            return
        if (
            said is not None
            and said.is_ready
            and name != "ready"
            and (first is None or said.lsn == first.lsn)
        ):
            # It was done before one could see it.
            name, condition = _CONDITIONS[0]
        time.sleep(0.005)
    with suppress(ProcessLookupError):
        os.kill(said.pid, signal.SIGKILL)
    # Until then it would be read as it was.
    while (now := keeper_state(place.store)) is not None and now.pid == said.pid:
        time.sleep(0.005)
    result.kills += 1
    result.killed_while[name] += 1


_CONDITIONS: list[tuple[str, Callable[[KeeperState, KeeperState | None], bool]]] = [
    ("ready", lambda said, _first: said.is_ready),
    ("building", lambda said, _first: isinstance(said.state, Building)),
    ("committing", lambda said, first: said.lsn > (first.lsn if first is not None else 0)),
    ("there", lambda _said, _first: True),
]


def _writers(place: Place) -> set[int]:
    """The processes that hold the writer's lock, as the kernel says."""
    try:
        inode = os.stat(os.path.join(place.store, LOCK)).st_ino
    except OSError:
        return set()
    found = set()
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.split()
        # A line with an arrow is one that waits.
        if fields[1] == "FLOCK" and fields[3] == "WRITE" and fields[5].endswith(f":{inode}"):
            found.add(int(fields[4]))
    return found


def _edit(root: Path, file: int, version: int) -> None:
    path = root / path_of(file)
    made = path.with_suffix(".new")
    made.write_text(text_of(file, version))
    made.replace(path)


def _missing(place: Place, versions: dict[int, int]) -> list[str]:
    """What the index does not have though the keeper said that it was ready."""
    faults = []
    with Store.open(place.store, read_only=True) as store:
        for file, version in versions.items():
            record = store.file(path_of(file))
            names = {symbol.name for symbol in record.symbols} if record is not None else set()
            if f"work_{file}_{version}" not in names:
                faults.append(f"{path_of(file)} has {sorted(names)}, and is at version {version}")
    return faults


def _asker(place: Place) -> subprocess.Popen[str]:
    path = f"{ROOT / 'engine'}{os.pathsep}{ROOT}"
    return subprocess.Popen(
        [sys.executable, "-m", "tools.keeper.asker", *place, str(FILES), str(_IDLE_S)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def _await_end(place: Place) -> None:
    """Wait until the last keeper has ended by itself, as it does without clients."""
    deadline_s = time.monotonic() + HANG_S
    while _writers(place) and time.monotonic() < deadline_s:
        time.sleep(0.05)
