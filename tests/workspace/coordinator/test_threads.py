"""Many threads at one coordinator."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from tests.support.waiting import HANG_S, join, pause, wait_for, wait_until

from diptych.workspace.coordinator import (
    Building,
    Coordinator,
    CoordinatorThread,
    Degraded,
    Limits,
    Ready,
    Stage,
)

from .fakes import FakeClock, FakeHost, repository


@pytest.fixture(autouse=True)
def _switch_often() -> Iterator[None]:
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before_s)


def together(*bodies: Callable[[], None]) -> None:
    """Run each in a thread; raise what the first to fail raised."""
    failures: list[BaseException] = []
    barrier = threading.Barrier(len(bodies), timeout=HANG_S)

    def run(body: Callable[[], None]) -> None:
        try:
            barrier.wait()
            body()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    join(*threads)
    if failures:
        raise failures[0]


def test_pending_never_goes_below_nought_and_none_is_lost() -> None:
    coordinator = Coordinator(FakeHost(FakeClock()))
    least = [0]
    done = threading.Event()

    def notify(worker: int) -> None:
        for n in range(500):
            coordinator._shell.complete(f"{worker}/{n}")  # before its change: nothing may happen
            coordinator.notify_change(f"{worker}/{n}")
            if n % 2:
                coordinator._shell.complete(f"{worker}/{n}")
                coordinator._shell.complete(f"{worker}/{n}")

    def look() -> None:
        while not done.is_set():
            least[0] = min(least[0], coordinator.pending)

    looker = threading.Thread(target=look)
    looker.start()
    together(*(lambda worker=worker: notify(worker) for worker in range(8)))  # type: ignore[misc]
    done.set()
    join(looker)
    assert least[0] == 0
    assert coordinator.pending == 8 * 250
    snapshot = coordinator.metrics()
    assert (snapshot.changes_noticed, snapshot.parses_completed) == (8 * 500, 8 * 250)


def test_the_index_converges_while_threads_change_read_and_query() -> None:
    clock = FakeClock()
    host = FakeHost(clock, repository(300))
    limits = Limits(cooldown_s=0.02, cooldown_max_s=0.2, files_max=1000)
    coordinator = Coordinator(host, limits=limits)
    host.scan_step_s = host.index_step_s = 0.0
    stop = threading.Event()

    def edit(worker: int) -> None:
        for n in range(400):
            path = f"pkg/m{(n * 7 + worker) % 300:04}.py"
            host.repository[path] = n % 9
            coordinator.notify_change(path)
            if n % 40 == 0:
                pause()

    def read() -> None:
        while not stop.is_set():
            state = coordinator.state
            if isinstance(state, Building):
                assert 0 <= state.indexed <= state.total
            coordinator.query(lambda: None, lambda: None)
            coordinator.metrics()

    with CoordinatorThread(coordinator):
        wait_until(lambda: isinstance(coordinator.state, Ready))
        readers = [threading.Thread(target=read) for _ in range(2)]
        for reader in readers:
            reader.start()
        with coordinator._driving:  # no update can come between: this is a storm
            edit(0)
        together(*(lambda worker=worker: edit(worker) for worker in range(4)))  # type: ignore[misc]
        wait_until(lambda: isinstance(coordinator.state, Ready) and coordinator.pending == 0)
        stop.set()
        join(*readers)
    assert host.store == host.repository
    assert coordinator.metrics().transitions[Stage.READY, Stage.DEGRADED] >= 1


def test_reading_the_state_and_a_query_take_no_lock() -> None:
    coordinator = Coordinator(FakeHost(FakeClock()))
    with coordinator._shell._lock, coordinator._driving:  # held by another, as far as the reader can tell
        read: list[object] = []
        reader = threading.Thread(
            target=lambda: read.extend([coordinator.state, coordinator.query(lambda: 1, lambda: 2)])
        )
        reader.start()
        join(reader)
    assert read == [coordinator.state, 2]


def test_changes_are_noticed_while_the_host_hangs_in_a_scan() -> None:
    host = FakeHost(FakeClock(), repository(3))
    coordinator = Coordinator(host)
    entered, leave = threading.Event(), threading.Event()

    def hang() -> None:
        entered.set()
        wait_for(leave)

    host.before_scan = hang
    with CoordinatorThread(coordinator):
        wait_for(entered)
        coordinator.notify_change("pkg/m0001.py")
        assert coordinator.pending == 1
        assert isinstance(coordinator.state, Building)
        leave.set()
        wait_until(lambda: isinstance(coordinator.state, Ready) and coordinator.pending == 0)


def test_a_scan_that_hangs_is_said_to_be_overdue_by_the_other_thread() -> None:
    host = FakeHost(FakeClock(), repository(3))
    coordinator = Coordinator(host, limits=Limits(scan_timeout_ms=10.0))
    leave = threading.Event()
    host.before_scan = lambda: wait_for(leave)
    with CoordinatorThread(coordinator):
        wait_until(lambda: isinstance(coordinator.state, Degraded))
        leave.set()
        wait_until(lambda: isinstance(coordinator.state, Ready))


def test_the_thread_outlives_a_mistake_of_its_host(caplog: pytest.LogCaptureFixture) -> None:
    host = FakeHost(FakeClock(), repository(3))
    coordinator = Coordinator(host, limits=Limits(cooldown_s=0.01))
    mistakes = [ZeroDivisionError()]

    def scan_fails_once() -> None:
        if mistakes:
            raise mistakes.pop()

    host.before_scan = scan_fails_once
    with CoordinatorThread(coordinator):
        wait_until(lambda: isinstance(coordinator.state, Ready))
    assert [r.message for r in caplog.records if getattr(r, "event", "") == "coordinator_host_failed"] == [
        "the host failed"
    ]


def test_a_waiting_thread_is_woken_by_a_recovery_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    coordinator = Coordinator(FakeHost(FakeClock()), limits=Limits(cooldown_s=3000.0, cooldown_max_s=3000.0))
    coordinator.notify_failure(OSError(5, "Input/output error"))
    coordinator.wait(0.0)  # what has happened so far wakes nobody any more
    waiting, woken = threading.Event(), threading.Event()
    wake = coordinator._shell.wake
    real = wake.wait

    def told(timeout_s: float) -> bool:
        waiting.set()
        return real(timeout_s)

    def wait() -> None:
        coordinator.wait(10 * HANG_S)
        woken.set()

    monkeypatch.setattr(wake, "wait", told)
    threading.Thread(target=wait, daemon=True).start()
    wait_for(waiting)
    assert not woken.is_set()
    coordinator.recover()
    wait_for(woken)
