"""What was promised, and whether it was kept: the events of a workload, and the judge of what is read.

Every transaction `k` leaves a file of its own, `log/<k>`, so that what is read says which transactions
survived. It also rewrites a shared file, and at times removes one, so that their order can be seen.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from diptych import FileRecord
from tools.damage.model import make_record, shown

_SHARED = 5


class Event(NamedTuple):
    """One step of a workload.

    begin:     transaction `k` was begun; `text` names the file that it removes, if any
    acked:     its `with` block was left, `lsn` is the receipt
    failed:    it raised an error of type `text`; `lsn` is what the transaction says of itself
    refused:   it could not be begun, for an error of type `text`
    met:       another call raised an error of type `text`
    violation: something that must not happen, in words
    """

    what: str
    k: int = 0
    lsn: int = 0
    text: str = ""


def log_path(k: int) -> str:
    """The file that only transaction `k` writes."""
    return f"log/{k:05d}.py"


def changes(k: int, removed: str) -> dict[str, FileRecord | None]:
    """What transaction `k` does."""
    done: dict[str, FileRecord | None] = {removed: None} if removed else {}
    for path in (log_path(k), f"shared/{k % _SHARED}.py"):
        done[path] = make_record(path, k, random.Random(f"{path} {k}"))
    return done


def shared_to_remove(k: int) -> str:
    """The shared file that transaction `k` removes where it is there; "" for most."""
    return f"shared/{(k + 2) % _SHARED}.py" if k % 3 == 2 else ""


def replay(events: Iterable[Event], survived: Iterable[int]) -> dict[str, FileRecord]:
    """The files after the transactions that survived, in order."""
    removed = {event.k: event.text for event in events if event.what == "begin"}
    files: dict[str, FileRecord] = {}
    for k in sorted(survived):
        for path, record in changes(k, removed[k]).items():
            if record is None:
                files.pop(path, None)
            else:
                files[path] = record
    return files


def survivors(files: Mapping[str, Any]) -> set[int]:
    """The transactions whose own file is there."""
    return {int(path[4:9]) for path in files if path.startswith("log/")}


def judge(events: list[Event], files: Mapping[str, FileRecord], lsn: int) -> list[str]:
    """A sentence for each promise that what is read breaks. Pure."""
    broken = [event.text for event in events if event.what == "violation"]
    begun = {event.k for event in events if event.what == "begin"}
    acked = {event.k for event in events if event.what == "acked"}
    durable = {event.k for event in events if event.what == "failed" and event.lsn}
    in_doubt = {event.k for event in events if event.what == "failed" and event.text == "CommitInDoubtError"}
    failed = {event.k for event in events if event.what == "failed"} - durable - in_doubt
    found = survivors(files)
    if lost := (acked | durable) - found:
        broken.append(f"lost: transactions {sorted(lost)} were acknowledged")
    if back := failed & found:
        broken.append(f"came back: transactions {sorted(back)} were reported as rolled back")
    if alien := found - begun:
        broken.append(f"from nowhere: transactions {sorted(alien)} were never begun")
    elif replay(events, found) != dict(files):
        broken.append(f"not a prefix: the files are not those of transactions {sorted(found)}")
    if lsn != len(found):
        broken.append(f"LSN {lsn} after {len(found)} transactions: {shown(sorted(found))}")
    return broken
