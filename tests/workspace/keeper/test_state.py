"""What a keeper says of itself: read back, never half, and not taken for alive when it is not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.waiting import exit_code

from diptych import fs
from diptych.layout import KEEPER
from diptych.workspace.coordinator import (
    Building,
    Degraded,
    IoError,
    LeafDamaged,
    NoKeeper,
    ParseStorm,
    Phase,
    Ready,
    ResourceLimit,
    ScanTimeout,
    State,
)
from diptych.workspace.keeper import STALE_S, KeeperState, keeper_state
from diptych.workspace.keeper import state as states
from diptych.workspace.keeper.state import bounded, remove_state, write_state

STATES: list[State] = [
    *(Building(phase, 3, 8, 1.0) for phase in Phase),
    Ready(12, 5, 2.0),
    Degraded(ParseStorm(40), 7, 3.0),
    Degraded(IoError("no such file"), 7, 3.0),
    Degraded(ScanTimeout(31_000), 7, 3.0),
    Degraded(ResourceLimit(1, 2, 3, ("files", "symbols")), 7, 3.0),
    Degraded(LeafDamaged("search", "a bad checksum"), 7, 3.0),
    Degraded(NoKeeper("none runs"), 0, 3.0),
]


def said(state: State, **more: object) -> KeeperState:
    return KeeperState(os.getpid(), state, 41, heartbeat_s=round(time.monotonic(), 3), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", STATES, ids=str)
def test_every_state_is_read_back_as_it_was_said(tmp_path: Path, state: State) -> None:
    made = said(state, pending=("a.py", "caf\udce9.py"), pending_count=9, is_keeper=True, warning="slow")
    write_state(str(tmp_path), made)
    found = keeper_state(str(tmp_path))
    assert found is not None
    assert found == replace(made, heartbeat_s=found.heartbeat_s)
    assert abs(found.heartbeat_s - made.heartbeat_s) < 0.002
    assert found.document() == made.document()


def test_a_message_with_bytes_that_are_not_utf_8_is_said_all_the_same(tmp_path: Path) -> None:
    write_state(str(tmp_path), said(Degraded(IoError("caf\udce9"), 0, 1.0), warning="caf\udce9"))
    found = keeper_state(str(tmp_path))
    assert found is not None
    assert (found.message, found.warning) == ("input/output error: caf\\udce9", "caf\\udce9")


def test_what_is_torn_damaged_or_of_another_kind_is_no_state(tmp_path: Path) -> None:
    write_state(str(tmp_path), said(STATES[3]))
    path = tmp_path / KEEPER
    intact = path.read_bytes()
    assert keeper_state(str(tmp_path)) is not None
    for wrong in (
        b"",
        intact[:100],
        b"\xff" * len(intact),
        intact[:30] + b"\0" * 40 + intact[70:],
        intact * 2,
    ):
        path.write_bytes(wrong)
        assert (keeper_state(str(tmp_path)) is None) == (wrong != intact * 2)
    path.unlink()
    path.mkdir()
    assert keeper_state(str(tmp_path)) is None
    write_state(str(tmp_path), said(STATES[3]))


def test_the_document_has_one_length_whatever_it_says(tmp_path: Path) -> None:
    sizes = set()
    for state in STATES:
        for pending in ((), bounded([f"{'x' * 190}/{number}.py" for number in range(100)])):
            write_state(str(tmp_path), said(state, pending=pending, warning="w" * 4000))
            sizes.add((tmp_path / KEEPER).stat().st_size)
            assert keeper_state(str(tmp_path)) is not None
    assert sizes == {4096}


def test_one_that_is_silent_dead_or_of_another_boot_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = time.monotonic()
    write_state(str(tmp_path), KeeperState(os.getpid(), STATES[3], heartbeat_s=now_s - STALE_S - 1))
    assert keeper_state(str(tmp_path)) is None
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    write_state(str(tmp_path), KeeperState(process.pid, STATES[3], heartbeat_s=now_s))
    assert keeper_state(str(tmp_path)) is not None
    process.kill()
    # Not waited for yet: what is left of it is no keeper.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert keeper_state(str(tmp_path)) is None
    exit_code(process)
    assert keeper_state(str(tmp_path)) is None
    write_state(str(tmp_path), said(STATES[3]))
    monkeypatch.setattr(states, "_boot_id", lambda: "another")
    assert keeper_state(str(tmp_path)) is None


def test_a_state_that_is_removed_is_none(tmp_path: Path) -> None:
    write_state(str(tmp_path), said(STATES[3]))
    remove_state(str(tmp_path))
    assert keeper_state(str(tmp_path)) is None
    assert list(tmp_path.iterdir()) == []


def test_a_shared_lock_ends_with_its_process(tmp_path: Path) -> None:
    path = str(tmp_path / "clients")
    assert not fs.is_shared(path)
    script = f"from diptych import fs; lock = fs.SharedLock({path!r}); print(flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    assert fs.is_shared(path)
    own = fs.SharedLock(path)
    process.kill()
    exit_code(process)
    process.stdout.close()
    assert process.stdin is not None
    process.stdin.close()
    assert fs.is_shared(path)
    assert own.is_in_place
    own.release()
    assert not fs.is_shared(path)
    again = fs.SharedLock(path)
    (tmp_path / "clients").unlink()
    assert not again.is_in_place
    again.release()


def test_a_shared_lock_follows_no_link_and_waits_for_no_pipe(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        with pytest.raises(fs.errors.StorageError):
            fs.SharedLock(str(tmp_path / name))
    assert not (tmp_path / "target").exists()
