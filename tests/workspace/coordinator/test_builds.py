"""A build from its first slice to Ready, what interrupts it, and what is done with the changes after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from diptych.errors import (
    CallerError,
    CorruptSearchError,
    NotAStoreError,
    OpenError,
    StateTransitionError,
    StoreLockedError,
)
from diptych.workspace.coordinator import (
    Building,
    Coordinator,
    Degraded,
    ExitReason,
    IoError,
    LeafDamaged,
    Limits,
    ParseStorm,
    Phase,
    Ready,
    ResourceLimit,
    ScanTimeout,
    Stage,
)

from .fakes import FakeClock, FakeHost, repository


def settle(coordinator: Coordinator, ticks_max: int = 10_000) -> None:
    for _ in range(ticks_max):
        if not coordinator.tick():
            return
    raise AssertionError("it never settles")


def started(files: int = 5, limits: Limits | None = None) -> tuple[FakeClock, FakeHost, Coordinator]:
    clock = FakeClock()
    host = FakeHost(clock, repository(files))
    return clock, host, Coordinator(host, limits=limits, clock=clock)


def ready(files: int = 5, limits: Limits | None = None) -> tuple[FakeClock, FakeHost, Coordinator]:
    clock, host, coordinator = started(files, limits)
    settle(coordinator)
    assert isinstance(coordinator.state, Ready)
    return clock, host, coordinator


def test_a_first_build_goes_through_every_phase_to_ready() -> None:
    clock, host, coordinator = started(5)
    assert coordinator.state == Building(Phase.IDLE, 0, 0, clock())
    coordinator.tick()
    assert coordinator.state == Building(Phase.SCANNING, 0, 0, 1000.0)
    coordinator.tick()
    assert coordinator.state == Building(Phase.INDEXING, 0, 5, 1000.0)
    settle(coordinator)
    assert coordinator.state == Ready(symbols=10, files=5, since_s=clock())
    assert host.store == host.repository


def test_an_empty_repository_becomes_ready() -> None:
    _, _, coordinator = ready(0)
    assert coordinator.state == Ready(0, 0, 1000.0)


def test_the_first_slice_of_the_scan_ends_by_its_budget_and_keeps_what_it_found() -> None:
    clock, host, coordinator = started(500)
    coordinator.tick()
    began_s = clock()
    coordinator.tick()
    state = coordinator.state
    assert isinstance(state, Building)
    assert (state.phase, state.indexed) == (Phase.SCANNING, 0)
    assert 0 < state.total < 500
    assert 0.100 <= clock() - began_s <= 0.100 + 2 * host.scan_step_s
    exit_count = coordinator.metrics().early_exits[ExitReason.SCAN_BUDGET]
    assert (exit_count.count, exit_count.done_total) == (1, state.total)
    assert exit_count.elapsed_ms_last >= 100
    settle(coordinator)
    assert coordinator.state == Ready(1000, 500, clock())
    assert host.scans == 1


def test_a_second_build_indexes_only_what_differs() -> None:
    clock, host, coordinator = ready(50)
    host.repository["pkg/m0007.py"] = 9
    coordinator.notify_workspace_changed(".gitignore")
    coordinator.tick()
    coordinator.tick()
    assert coordinator.state == Building(Phase.INDEXING, 0, 1, coordinator.state.since_s)
    settle(coordinator)
    assert coordinator.state == Ready(107, 50, clock())


def test_a_few_changes_are_worked_off_without_leaving_ready() -> None:
    _, host, coordinator = ready(20)
    since_s = coordinator.state.since_s
    host.repository["pkg/m0001.py"] = 7
    del host.repository["pkg/m0002.py"]
    host.repository["pkg/new.py"] = 1
    for path in ("pkg/m0001.py", "pkg/m0002.py", "pkg/new.py"):
        coordinator.notify_change(path)
    assert coordinator.pending == 3
    settle(coordinator)
    assert coordinator.pending == 0
    assert host.store == host.repository
    assert host.scans == 1
    assert coordinator.state == Ready(sum(host.repository.values()), 20, since_s)


def test_an_update_over_its_budget_leaves_what_it_did_and_goes_on_in_the_next() -> None:
    _, host, coordinator = ready(20)
    host.index_step_s = 0.004
    for n in range(8):
        host.repository[f"pkg/m{n:04}.py"] = 5
        coordinator.notify_change(f"pkg/m{n:04}.py")
    assert coordinator.tick() is True
    exit_count = coordinator.metrics().early_exits[ExitReason.UPDATE_BUDGET]
    assert (exit_count.count, exit_count.done_total) == (1, 3)
    assert exit_count.elapsed_ms_last == pytest.approx(12.0)
    assert coordinator.pending == 5
    assert isinstance(coordinator.state, Ready)
    settle(coordinator)
    assert host.store == host.repository
    assert coordinator.pending == 0


def test_a_file_that_changes_while_it_is_parsed_is_parsed_again() -> None:
    _, host, coordinator = ready(3)
    path = "pkg/m0001.py"
    host.repository[path] = 5
    seen: list[int] = []

    def change_once(indexed: str) -> None:
        seen.append(host.repository[indexed])
        if len(seen) == 1:
            coordinator.notify_change(indexed)

    host.before_index = change_once
    coordinator.notify_change(path)
    settle(coordinator)
    assert len(seen) == 2
    assert coordinator.pending == 0


def test_a_storm_degrades_and_recovers_by_a_new_scan() -> None:
    clock, host, coordinator = ready(2000)
    for n in range(1000):
        host.repository[f"pkg/m{n:04}.py"] = 3
        coordinator.notify_change(f"pkg/m{n:04}.py")
    state = coordinator.state
    assert isinstance(state, Degraded)
    assert state.reason == ParseStorm(1000)
    assert state.symbols == 4000
    assert coordinator.tick() is False, "the storm is not over"
    clock.advance(1.0)
    assert coordinator.tick() is True
    assert isinstance(coordinator.state, Building)
    settle(coordinator)
    assert isinstance(coordinator.state, Ready)
    assert host.scans == 2
    assert host.store == host.repository
    assert coordinator.pending == 0


def test_ten_pending_parses_are_no_storm_and_eleven_are() -> None:
    _, _, coordinator = ready(20)
    for n in range(10):
        coordinator.notify_change(f"pkg/m{n:04}.py")
        coordinator.notify_change(f"pkg/m{n:04}.py")
    assert isinstance(coordinator.state, Ready)
    coordinator.notify_change("pkg/m0010.py")
    assert isinstance(coordinator.state, Degraded)



def test_changes_without_end_do_not_put_recovery_off_for_ever() -> None:
    clock, host, coordinator = ready(20, Limits(cooldown_max_s=5.0))
    began_s = clock()
    for _ in range(100):
        for n in range(11):
            coordinator.notify_change(f"pkg/m{n:04}.py")
        clock.advance(0.1)
        coordinator.tick()
        if host.scans == 2:
            break
    assert clock() - began_s == pytest.approx(5.1, abs=0.2)


def test_a_storm_during_a_build_degrades_at_its_end() -> None:
    clock, _, coordinator = started(30)
    coordinator.tick()
    for n in range(12):
        coordinator.notify_change(f"pkg/m{n:04}.py")
    settle(coordinator)
    assert isinstance(coordinator.state, Degraded)
    assert coordinator.state.reason == ParseStorm(12)
    clock.advance(2.0)
    settle(coordinator)
    assert isinstance(coordinator.state, Ready)


def test_changes_before_the_scan_are_left_to_it() -> None:
    _, _, coordinator = started(30)
    for n in range(12):
        coordinator.notify_change(f"pkg/m{n:04}.py")
    assert coordinator.pending == 12
    settle(coordinator)
    assert isinstance(coordinator.state, Ready)
    assert coordinator.pending == 0


def test_a_scan_over_thirty_seconds_degrades_goes_on_and_counts_when_complete() -> None:
    clock, host, coordinator = started(400)
    host.scan_step_s = 0.1
    while not isinstance(coordinator.state, Degraded):
        assert coordinator.tick()
    reason = coordinator.state.reason
    assert isinstance(reason, ScanTimeout)
    assert 30_000 <= reason.elapsed_ms < 31_000
    coordinator.tick()
    later = coordinator.state
    assert isinstance(later, Degraded)
    assert isinstance(later.reason, ScanTimeout)
    assert later.reason.elapsed_ms > reason.elapsed_ms
    settle(coordinator)
    assert coordinator.state == Ready(800, 400, clock())
    assert host.scans == 1


def test_a_scan_that_hangs_is_overdue_all_the_same() -> None:
    clock, host, coordinator = started(5)

    def hang() -> None:
        clock.advance(31)
        coordinator.check()
        assert isinstance(coordinator.state, Degraded)

    host.before_scan = hang
    settle(coordinator)
    assert coordinator.metrics().transitions[Stage.SCANNING, Stage.DEGRADED] == 1
    assert isinstance(coordinator.state, Ready)


def test_an_input_error_degrades_and_is_tried_again_at_growing_intervals() -> None:
    clock, host, coordinator = ready(5)
    symbols = coordinator.state.symbols

    def fail() -> None:
        raise PermissionError(13, "Permission denied", "pkg")

    host.before_scan = fail
    coordinator.notify_workspace_changed("a folder")
    gaps = []
    for _ in range(8):
        settle(coordinator)
        state = coordinator.state
        assert isinstance(state, Degraded)
        assert isinstance(state.reason, IoError)
        assert "Permission denied" in state.reason.message
        assert state.symbols == symbols
        failed_s, scans = clock(), host.scans
        while host.scans == scans:
            clock.advance(0.5)
            settle(coordinator)
        gaps.append(round(clock() - failed_s))
    assert gaps == [1, 2, 4, 8, 16, 32, 60, 60]
    host.before_scan = lambda: None
    clock.advance(60)
    settle(coordinator)
    assert isinstance(coordinator.state, Ready)
    coordinator.notify_failure(OSError(5, "Input/output error"))
    clock.advance(1.0)
    settle(coordinator)
    assert isinstance(coordinator.state, Ready), "once it was ready, the cool-down is short again"


def test_an_error_in_an_update_degrades_and_keeps_the_change_for_the_recovery() -> None:
    _, host, coordinator = ready(5)

    def fail(path: str) -> None:
        raise OSError(5, "Input/output error", path)

    host.before_index = fail
    host.repository["pkg/m0001.py"] = 8
    coordinator.notify_change("pkg/m0001.py")
    settle(coordinator)
    assert isinstance(coordinator.state, Degraded)
    assert coordinator.pending == 1
    host.before_index = lambda path: None
    coordinator.recover()
    settle(coordinator)
    assert isinstance(coordinator.state, Ready)
    assert host.store == host.repository


def test_a_damaged_leaf_is_named_no_later_error_hides_it_and_it_is_mended_before_the_scan() -> None:
    clock, host, coordinator = ready(5)
    coordinator.notify_failure(CorruptSearchError("A segment fails its checksum.", where="search/a.idx"))
    coordinator.notify_failure(OSError(5, "Input/output error"))
    state = coordinator.state
    assert isinstance(state, Degraded)
    damage = LeafDamaged("search", "A segment fails its checksum.")
    assert state.reason == damage
    host.before_scan = lambda: host.mended == [damage] or pytest.fail("it was scanned before it was mended")
    clock.advance(2.0)
    settle(coordinator)
    assert isinstance(coordinator.state, Ready)
    assert host.mended == [damage]
    coordinator.notify_workspace_changed("a folder")
    settle(coordinator)
    assert host.mended == [damage], "there was nothing to mend the second time"


def test_a_mistake_of_the_host_degrades_and_is_raised() -> None:
    _, host, coordinator = started(5)

    def mistake(path: str) -> None:
        raise ZeroDivisionError("division by zero")

    host.before_index = mistake
    with pytest.raises(ZeroDivisionError):
        settle(coordinator)
    assert isinstance(coordinator.state, Degraded)
    assert coordinator.metrics().early_exits[ExitReason.FAILED].count == 1


def test_a_host_that_leaves_files_out_is_told_so() -> None:
    _, host, coordinator = started(5)
    host.index = lambda paths: iter(paths[1:])  # type: ignore[method-assign]
    with pytest.raises(CallerError, match="left out 1 of the files"):
        settle(coordinator)
    assert isinstance(coordinator.state, Degraded)


def test_changed_folders_supersede_the_build_under_way() -> None:
    _, host, coordinator = started(500)
    coordinator.tick()
    coordinator.tick()
    coordinator.notify_workspace_changed("a folder was added")
    host.repository["added/a.py"] = 1
    settle(coordinator)
    assert isinstance(coordinator.state, Ready)
    assert host.scans == 2
    assert host.closed == 1
    assert host.store == host.repository
    assert coordinator.metrics().early_exits[ExitReason.SUPERSEDED].count == 1


def test_a_failure_reported_from_outside_ends_the_build() -> None:
    _, host, coordinator = started(500)
    coordinator.tick()
    coordinator.tick()
    coordinator.notify_failure(OSError(5, "Input/output error"))
    assert coordinator.tick() is False
    assert isinstance(coordinator.state, Degraded)
    assert host.closed == 1


@pytest.mark.parametrize(
    ("limits", "exceeded"),
    [
        (Limits(files_max=4), ("files",)),
        (Limits(symbols_max=9), ("symbols",)),
        (Limits(files_max=1, symbols_max=1), ("files", "symbols")),
    ],
)
def test_a_repository_over_a_limit_is_indexed_whole_and_says_so(
    limits: Limits, exceeded: tuple[str, ...]
) -> None:
    clock, host, coordinator = started(5, limits)
    settle(coordinator)
    state = coordinator.state
    assert isinstance(state, Degraded)
    assert state.reason == ResourceLimit(files=5, symbols=10, cache_bytes=0, exceeded=exceeded)
    assert state.symbols == 10
    assert host.store == host.repository
    clock.advance(3600)
    assert coordinator.tick() is False, "another scan would find the same"


def change(host: FakeHost, coordinator: Coordinator, path: str, count: int | None) -> None:
    if count is None:
        host.repository.pop(path)
    else:
        host.repository[path] = count
    coordinator.notify_change(path)


def test_over_a_limit_changes_are_indexed_one_by_one() -> None:
    _, host, coordinator = started(5, Limits(files_max=4))
    settle(coordinator)
    change(host, coordinator, "pkg/m0000.py", 7)
    change(host, coordinator, "pkg/new.py", 1)
    settle(coordinator)
    assert host.store == host.repository
    assert (coordinator.pending, host.scans) == (0, 1), "without another scan"
    state = coordinator.state
    assert isinstance(state, Degraded)
    assert state.reason == ResourceLimit(files=6, symbols=16, cache_bytes=0, exceeded=("files",))


def test_within_the_limits_again_it_is_ready_without_another_scan() -> None:
    _, host, coordinator = started(5, Limits(files_max=4))
    settle(coordinator)
    change(host, coordinator, "pkg/m0000.py", None)
    settle(coordinator)
    assert isinstance(coordinator.state, Ready)
    assert (coordinator.state.files, coordinator.pending, host.scans) == (4, 0, 1)


def test_a_storm_over_a_limit_ends_in_a_scan_and_the_limit() -> None:
    clock, host, coordinator = started(5, Limits(files_max=4))
    settle(coordinator)
    for n in range(30):
        change(host, coordinator, f"pkg/new{n}.py", 1)
    assert isinstance(coordinator.state, Degraded)
    assert isinstance(coordinator.state.reason, ParseStorm)
    clock.advance(coordinator.limits.cooldown_s)
    settle(coordinator)
    assert (host.store, coordinator.pending, host.scans) == (host.repository, 0, 2)
    assert isinstance(coordinator.state.reason, ResourceLimit)


def test_a_failure_over_a_limit_is_recovered_from() -> None:
    clock, _, coordinator = started(5, Limits(files_max=4))
    settle(coordinator)
    coordinator.notify_failure(OSError(5, "Input/output error"))
    assert isinstance(coordinator.state, Degraded)
    assert isinstance(coordinator.state.reason, IoError)
    clock.advance(coordinator.limits.cooldown_s)
    settle(coordinator)
    assert isinstance(coordinator.state, Degraded)
    assert isinstance(coordinator.state.reason, ResourceLimit)


def test_recovery_by_hand_is_refused_unless_degraded() -> None:
    _, _, coordinator = ready(1)
    before = coordinator.state
    with pytest.raises(StateTransitionError, match="recovery attempted"):
        coordinator.recover()
    assert coordinator.state is before
    assert coordinator.metrics().refused == 1


def test_a_query_is_full_when_ready_and_partial_at_once_otherwise() -> None:
    _, _, coordinator = started(3)

    def full() -> str:
        return "full"

    def partial() -> str:
        return "partial"

    assert coordinator.query(full, partial) == "partial"
    settle(coordinator)
    assert coordinator.query(full, partial) == "full"
    coordinator.notify_failure(OSError(5, "Input/output error"))
    assert coordinator.query(full, partial) == "partial"


def test_an_error_of_a_superseded_build_does_not_degrade_the_one_that_took_its_place() -> None:
    _, host, coordinator = started(5)

    def fail_after_a_change_of_folders() -> None:
        if host.scans == 1:
            coordinator.notify_workspace_changed("a folder")
            raise OSError(2, "No such file or directory", "a folder")

    host.before_scan = fail_after_a_change_of_folders
    settle(coordinator)
    assert isinstance(coordinator.state, Ready)
    assert not any(target is Stage.DEGRADED for _, target in coordinator.metrics().transitions)



def test_caches_of_the_host_count_towards_the_limit() -> None:
    _, host, coordinator = started(5, Limits(cache_bytes_max=1000))
    host.cache_bytes = 1001
    settle(coordinator)
    state = coordinator.state
    assert isinstance(state, Degraded)
    assert state.reason == ResourceLimit(5, 10, 1001, ("cache_bytes",))
    host.cache_bytes = 1000
    settle(coordinator)
    assert isinstance(coordinator.state, Ready), "the host's caches shrank without a change"


@pytest.mark.parametrize("moment", ["scan", "index"])
def test_a_build_superseded_from_within_a_callback_gives_way(moment: str) -> None:
    _, host, coordinator = started(5)

    def supersede(_path: str = "") -> None:
        if coordinator.metrics().builds == 1:
            coordinator.notify_workspace_changed("a folder")

    setattr(host, f"before_{moment}", supersede)
    settle(coordinator)
    assert isinstance(coordinator.state, Ready)
    assert (host.scans, coordinator.metrics().refused) == (2, 0)
    assert host.store == host.repository



@pytest.mark.parametrize("moment", ["scan", "index"])
def test_stopping_closes_what_a_tick_has_left_open(moment: str) -> None:
    _, host, coordinator = started(5, Limits(scan_slice_ms=0.5))
    closed: list[str] = []
    whole = getattr(host, moment)

    def watched(*arguments: object) -> Iterator[str]:
        try:
            yield from whole(*arguments)
        except GeneratorExit:
            closed.append(moment)
            raise

    setattr(host, moment, watched)
    for _ in range(3 if moment == "scan" else 12):
        coordinator.tick()
    coordinator.stop()
    coordinator.stop()
    assert closed == [moment]
    assert coordinator.metrics().early_exits[ExitReason.STOPPED].count == 1


@pytest.mark.parametrize("error", [StoreLockedError("another writes", pid=7), NotAStoreError("a folder")])
def test_a_store_that_cannot_be_opened_again_degrades_and_is_tried_again(error: OpenError) -> None:
    clock, host, coordinator = ready(3)
    recover = host.recover
    host.recover = raising(error)
    coordinator.notify_failure(OSError(5, "Input/output error"))
    clock.advance(coordinator.limits.cooldown_s)
    settle(coordinator)
    assert isinstance(coordinator.state, Degraded)
    assert coordinator.state.reason == IoError(error.message)
    host.recover = recover
    clock.advance(2 * coordinator.limits.cooldown_s)
    settle(coordinator)
    assert isinstance(coordinator.state, Ready)


def raising(error: Exception) -> Callable[[object], None]:
    def recover(_failure: object) -> None:
        raise error

    return recover
