"""What a keeper says of itself: a small sealed document, written over in place once a second.

It has one length, so that a full disk does not end it, and a reader that meets half of a write reads again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Any

from diptych import fs
from diptych.errors import CorruptionError, IncompatibleStoreError
from diptych.layout import KEEPER
from diptych.sealed import require, require_number, seal, unseal
from diptych.workspace.coordinator.states import (
    Building,
    Degraded,
    IoError,
    LeafDamaged,
    NoKeeper,
    ParseStorm,
    Phase,
    Ready,
    Reason,
    ResourceLimit,
    ScanTimeout,
    State,
)

STALE_S = 3.0
"""A keeper that has said nothing for so long is taken for dead, or stuck."""

_MAGIC = "DIPTYCHK"
_BYTES = 4096
_LENGTH_BYTES = 4
_ATTEMPTS = 5
_PAUSE_S = 0.002
_TEXT_MAX = 400
_PENDING_MAX = 20
_PENDING_BYTES_MAX = 2000
_MOST = 2**63
_REASONS = {one.name: one for one in (ParseStorm, IoError, ScanTimeout, ResourceLimit, LeafDamaged, NoKeeper)}


@dataclass(frozen=True, slots=True)
class KeeperState:
    """What the process that keeps an index up to date has said last.

    `pid` is 0 where there is none: `state` is then Degraded for NoKeeper. `state` is the coordinator's; its
    `since_s` and `heartbeat_s` are seconds of this machine's monotonic clock. `pending` are the first of
    `pending_count` changed files that wait, relative to the repository.
    """

    pid: int
    state: State
    lsn: int = 0
    pending: tuple[str, ...] = ()
    pending_count: int = 0
    is_keeper: bool = False
    """Whether it ends after its last client; a watch that a person started does not."""
    warning: str = ""
    """Why changes may be noticed late; "" where they are not."""
    heartbeat_s: float = 0.0

    @property
    def is_ready(self) -> bool:
        """Whether the index is complete, and no changed file waits."""
        return isinstance(self.state, Ready) and self.pending_count == 0

    @property
    def message(self) -> str:
        """Why answers may be partial, in a few words; "" where they are not."""
        state = self.state
        if isinstance(state, Building):
            return f"indexing {state.indexed:,} of {state.total:,} files" if state.total else "indexing"
        return str(state.reason) if isinstance(state, Degraded) else ""

    def document(self) -> dict[str, Any]:
        """As a JSON value."""
        return {
            "pid": self.pid,
            "keeper": self.is_keeper,
            **_state_document(self.state),
            "lsn": self.lsn,
            "pending": self.pending_count,
            "pending_paths": list(self.pending),
            "warning": self.warning,
        }


def no_keeper(why: str, since_s: float) -> KeeperState:
    """The state where there is none."""
    return KeeperState(0, Degraded(NoKeeper(why), 0, since_s))


def keeper_state(store_path: str) -> KeeperState | None:
    """What the process that keeps the store's index up to date says; None where there is none that is alive.

    Takes no lock, writes nothing, and never raises.
    """
    path = os.path.join(store_path, KEEPER)
    for attempt in range(_ATTEMPTS):
        data = fs.read_hint(path, _BYTES)
        if data is None:
            return None
        try:
            return _alive(_unpacked(data))
        except (CorruptionError, IncompatibleStoreError, ValueError):
            # It is being written.
            if attempt < _ATTEMPTS - 1:
                time.sleep(_PAUSE_S)
    return None


def write_state(store_path: str, said: KeeperState) -> None:
    """Say this, from now on. Never raises OSError: a hint may fail."""
    fs.overwrite_hint(os.path.join(store_path, KEEPER), _packed(said))


def remove_state(store_path: str) -> None:
    """Say nothing any more."""
    fs.remove_hint(os.path.join(store_path, KEEPER))


def _bounded_text(text: str) -> str:
    """A text that a document can hold: in bounds, and UTF-8."""
    return text[:_TEXT_MAX].encode("utf-8", "backslashreplace").decode()


def bounded(paths: list[str]) -> tuple[str, ...]:
    """As many of the paths as there is room for."""
    kept, left = [], _PENDING_BYTES_MAX
    for path in paths[:_PENDING_MAX]:
        left -= len(os.fsencode(path)) + 3
        if left < 0:
            break
        kept.append(path)
    return tuple(kept)


# Packing.


def _packed(said: KeeperState) -> bytes:
    body = {
        "pid": said.pid,
        "boot": _boot_id(),
        "namespace": _pid_namespace(),
        "heartbeat_ms": int(said.heartbeat_s * 1000),
        "state": _state_document(said.state),
        "since_ms": int(said.state.since_s * 1000),
        "lsn": said.lsn,
        "pending": [os.fsencode(path) for path in said.pending],
        "pending_count": said.pending_count,
        "keeper": said.is_keeper,
        "warning": _bounded_text(said.warning),
    }
    sealed = seal(_MAGIC, body)
    return (len(sealed).to_bytes(_LENGTH_BYTES, "little") + sealed).ljust(_BYTES, b"\0")


def _unpacked(data: bytes) -> tuple[dict[str, Any], KeeperState]:
    """Raises CorruptionError, IncompatibleStoreError, ValueError."""
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    require(len(data) == _BYTES and length <= _BYTES - _LENGTH_BYTES, "its length")
    body = unseal(_MAGIC, data[_LENGTH_BYTES : _LENGTH_BYTES + length], where=KEEPER)
    pending = body.get("pending")
    require(isinstance(pending, list) and all(isinstance(path, bytes) for path in pending), "pending")
    assert isinstance(pending, list)
    since_s = require_number(body.get("since_ms"), _MOST) / 1000
    return body, KeeperState(
        pid=require_number(body.get("pid"), 2**31),
        state=_state_of(body.get("state"), since_s),
        lsn=require_number(body.get("lsn"), _MOST),
        pending=tuple(os.fsdecode(path) for path in pending),
        pending_count=require_number(body.get("pending_count"), _MOST),
        is_keeper=body.get("keeper") is True,
        warning=_text(body.get("warning")),
        heartbeat_s=require_number(body.get("heartbeat_ms"), _MOST) / 1000,
    )


def _state_document(state: State) -> dict[str, Any]:
    if isinstance(state, Building):
        phase = state.phase.name.lower()
        return {"state": "building", "phase": phase, "indexed": state.indexed, "total": state.total}
    if isinstance(state, Ready):
        return {"state": "ready", "symbols": state.symbols, "files": state.files}
    found = {
        name: _bounded_text(value) if isinstance(value, str) else value
        for name, value in asdict(state.reason).items()
    }
    return {
        "state": "degraded",
        "reason": state.reason.name,
        "fields": found,
        "symbols": state.symbols,
    }


def _state_of(found: object, since_s: float) -> State:
    require(isinstance(found, dict), "the state")
    assert isinstance(found, dict)
    kind = found.get("state")
    if kind == "building":
        phase = Phase[_text(found.get("phase")).upper()] if found.get("phase") in _PHASES else Phase.IDLE
        total = require_number(found.get("total"), _MOST)
        return Building(phase, require_number(found.get("indexed"), total), total, since_s)
    symbols = require_number(found.get("symbols"), _MOST)
    if kind == "ready":
        return Ready(symbols, require_number(found.get("files"), _MOST), since_s)
    require(kind == "degraded", "the state")
    return Degraded(_reason_of(found.get("reason"), found.get("fields")), symbols, since_s)


def _reason_of(name: object, found: object) -> Reason:
    require(name in _REASONS and isinstance(found, dict), "the reason")
    assert isinstance(found, Mapping)
    kind = _REASONS[str(name)]
    values: dict[str, Any] = {}
    for field in fields(kind):
        value = found.get(field.name)
        if field.type == "int":
            values[field.name] = require_number(value, _MOST)
        elif field.type == "tuple[str, ...]":
            require(isinstance(value, list), field.name)
            values[field.name] = tuple(map(_text, value or ()))
        else:
            values[field.name] = _text(value)
    made: Reason = kind(**values)
    return made


_PHASES = frozenset(phase.name.lower() for phase in Phase)


def _text(value: object) -> str:
    require(isinstance(value, str), "a text")
    return str(value)


# Being alive.


def _alive(found: tuple[dict[str, Any], KeeperState]) -> KeeperState | None:
    body, said = found
    # The clock is one for all processes, until the machine starts again.
    if body.get("boot") != _boot_id() or abs(time.monotonic() - said.heartbeat_s) > STALE_S:
        return None
    if body.get("namespace") == _pid_namespace() and not _runs(said.pid):
        return None
    return said


@cache
def _boot_id() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def _pid_namespace() -> str:
    # Process ids count only within one: containers have others.
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _runs(pid: int) -> bool:
    """Whether there is such a process, and it has not ended unnoticed by its parent."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[:1] != [b"Z"]
    except FileNotFoundError:
        return not os.path.isdir("/proc/self")
    except OSError:
        return True
