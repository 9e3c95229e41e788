"""A writer killed at random, again and again, under readers that follow it all the while."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from diptych import CheckpointPolicy, DiptychError, Store
from tools.guard import HANG_S

from .after import check
from .ledger import Event, changes, judge, log_path, replay, survivors

if TYPE_CHECKING:
    from .campaign import Ground

# Checkpoints often enough that many kills fall into one.
_BUSY = CheckpointPolicy(changes=12, interval_s=0.2)
_READERS = 2
_LIFE_S = (0.02, 0.9)
_ROUNDS_A_STORE = 40
_fork = multiprocessing.get_context("fork")


def kills(ground: Ground) -> None:
    """Stores one after the other, each with its writer killed many times, until time is up."""
    rng = random.Random(ground.seed)
    while ground.goes_on():
        _one_store(ground, rng)


def _one_store(ground: Ground, rng: random.Random) -> None:
    path = ground.fresh()
    events: list[Event] = []
    readers, told = [], []
    for rounds in range(_ROUNDS_A_STORE):
        if not ground.goes_on():
            break
        broken = _one_life(path, events, rng)
        if not readers and any(event.what == "acked" for event in events):
            for number in range(_READERS):
                ours, theirs = _fork.Pipe()
                process = _fork.Process(target=_read, args=(path, theirs, number), daemon=True)
                process.start()
                theirs.close()
                readers.append(process)
                told.append(ours)
        for connection in told:
            while connection.poll():
                broken.append(connection.recv())
        ground.tally.add("kill of the writer", "violation" if broken else "killed")
        if broken:
            ground.tally.violation(kind="kill", place=f"round {rounds}", broken=broken[:6])
            break
    for process in readers:
        process.kill()
        process.join()
    found = _checked(path, events)
    ground.tally.add("after the kills", "violation" if found else "killed")
    if found:
        ground.tally.violation(kind="after the kills", place="", broken=found[:6])


def _one_life(path: str, events: list[Event], rng: random.Random) -> list[str]:
    """A writer's life, from its opening to its death; what it found wrong when it opened."""
    ours, theirs = _fork.Pipe()
    first = 1 + max((event.k for event in events), default=0)
    process = _fork.Process(target=_write, args=(path, list(events), first, theirs), daemon=True)
    process.start()
    theirs.close()
    deadline_s = time.monotonic() + rng.uniform(*_LIFE_S)
    while time.monotonic() < deadline_s and process.is_alive():
        _drain(ours, events, deadline_s - time.monotonic())
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    _drain(ours, events, 0)
    ours.close()
    broken = [event.text for event in events if event.what == "violation"]
    events[:] = [event for event in events if event.what != "violation"]
    return broken


def _drain(connection: Connection, events: list[Event], wait_s: float) -> None:
    try:
        while connection.poll(max(0.0, wait_s)):
            events.append(connection.recv())
            wait_s = 0.0
    except (EOFError, OSError):
        return


def _write(path: str, events: list[Event], k: int, connection: Connection) -> None:
    """Open, check what was recovered, and commit until killed."""
    try:
        store = Store.open(path, policy=_BUSY, lock_timeout_s=HANG_S)
        files = {file.path: file for file in store.files()}
        for sentence in judge(events, files, store.lsn):
            connection.send(Event("violation", text=f"at the next open: {sentence}"))
        while True:
            connection.send(Event("begin", k))
            with store.transaction() as txn:
                for record in changes(k, "").values():
                    assert record is not None
                    txn.index_file(record)
            connection.send(Event("acked", k, txn.lsn))
            if k % 7 == 0 and not store.search("kind:function", limit=5) and k > 20:
                connection.send(Event("violation", text="search finds nothing"))
            k += 1
    except DiptychError as error:
        connection.send(Event("violation", text=f"the writer: {error!r}"))


def _read(path: str, connection: Connection, number: int) -> None:
    """Follow the writer: each look at the store must be a whole state, and none older than the one before."""
    seen_lsn = 0
    store: Any = None
    rng = random.Random(number)
    while True:
        try:
            if store is None or rng.random() < 0.05:
                if store is not None:
                    store.close()
                store = Store.open(path, read_only=True)
            lsn = store.refresh()
            with store.view() as view:
                files = {file.path: file for file in view.files()}
                hits = {hit.path for hit in view.search("kind:function", limit=10_000)}
        except DiptychError as error:
            connection.send(f"a reader: {error!r}")
            return
        found = survivors(files)
        wanted = replay([Event("begin", k) for k in found], found)
        functions = {p for p, f in wanted.items() if any(s.kind == "function" for s in f.symbols)}
        if view.lsn < seen_lsn:
            connection.send(f"a reader went back from LSN {seen_lsn} to {view.lsn}")
        if files != wanted or view.lsn != len(found) or lsn > view.lsn:
            connection.send(f"a reader at LSN {view.lsn} sees {len(found)} transactions, not a whole state")
        if hits != functions:
            connection.send(f"a reader at LSN {view.lsn}: search and files differ")
        if found and store.file(log_path(max(found))) is None:
            connection.send("a reader does not find what it listed")
        seen_lsn = view.lsn
        time.sleep(0.002)


def _checked(path: str, events: list[Event]) -> list[str]:
    from .children import run_child

    def work(emit: Any) -> None:
        for sentence in check(path, events):
            emit(Event("violation", text=sentence))

    ended = run_child(work, limit_s=HANG_S)
    return [event.text for event in ended.events] + ([ended.death] if ended.death else [])
