"""The stores that are damaged, each with what it must answer at every LSN."""

from __future__ import annotations

import os
import random
import shutil
from dataclasses import dataclass

from diptych import CheckpointPolicy, FileRecord, SegmentBuilder, Store

from .model import make_record

MANUAL = CheckpointPolicy(automatic=False)
# Bytes that are not UTF-8, a sign of three bytes, a long path: each has its own way through the formats.
_SPECIAL = ("caf\udce9/x.py", "日本/y.rs", "deep/" * 40 + "z.py")


@dataclass
class Sample:
    """A store on disk. `states[lsn]` is what it holds after that LSN."""

    name: str
    path: str
    states: list[dict[str, FileRecord]]
    proven: bool
    """Whether something durable says how far the journal reached: a store that was closed in order."""
    base_lsn: int
    """The newest generation's: nothing at or below it may be lost, whatever happens to the last file."""

    @property
    def paths(self) -> list[str]:
        """Every path that was ever in the store, in key order."""
        known = {path for state in self.states for path in state}
        return sorted(known, key=lambda p: p.encode("utf-8", "surrogateescape"))


def build(name: str, directory: str, seed: int, *, files: int = 6, rounds: int = 3, tail: int = 3) -> Sample:
    """Make the sample `name` in `directory`.

    closed:  two generations, journal behind the newest, closed in order.
    killed:  the same, as a killed process leaves it.
    journal: no generation at all, closed in order.
    level:   two generations and nothing behind them, closed in order.
    adopted: as "closed", each transaction with its records in a segment.
    """
    rng = random.Random(f"{seed} {name}")
    path = os.path.join(directory, name)
    states: list[dict[str, FileRecord]] = [{}]
    store = Store.open(path, policy=MANUAL)
    copied = False
    base_lsn = 0
    try:
        for round_ in range(rounds):
            last = round_ == rounds - 1
            if name == "level" and last:
                break
            for number in range(tail if last else max(2, files // (rounds - 1))):
                built = f"{path}.built" if name == "adopted" else ""
                _change(store, states, round_ * files + number, files, rng, built)
            if not last and name != "journal":
                base_lsn = store.checkpoint()
        if name == "killed":
            copied = True
            shutil.copytree(path, path + ".copy", ignore=shutil.ignore_patterns("incoming"))
    finally:
        store.close()
    if copied:
        shutil.rmtree(path)
        os.rename(path + ".copy", path)
    # Empty, and nothing reads it.
    shutil.rmtree(os.path.join(path, "incoming"), ignore_errors=True)
    return Sample(name, path, states, name != "killed", base_lsn)


def _change(
    store: Store,
    states: list[dict[str, FileRecord]],
    version: int,
    files: int,
    rng: random.Random,
    built: str,
) -> None:
    """Commit a transaction; with `built`, a path, its records are in a segment that is made there."""
    state = dict(states[-1])
    gone = rng.choice(sorted(state)) if state and rng.random() < 0.2 else ""
    put: dict[str, FileRecord] = {}
    for _ in range(rng.randint(1, 3)):
        number = rng.randrange(files + len(_SPECIAL))
        path = _SPECIAL[number] if number < len(_SPECIAL) else f"src/m{number}.py"
        put[path] = make_record(path, version, rng)
    with store.transaction() as txn:
        if gone and not (built and gone in put):
            txn.remove_file(gone)
            del state[gone]
        if built:
            with SegmentBuilder(store.schema, built) as builder:
                for record in put.values():
                    builder.add(record)
                builder.finish()
            txn.adopt(built)
        for record in () if built else put.values():
            txn.index_file(record)
    states.append(state | put)
