"""What the system does not tell of, or the watch cannot be told: it is found all the same, and said."""

from __future__ import annotations

import mmap
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import watchfiles
from tests.support.waiting import SHORT_S

from diptych import Store, fs, verify
from diptych.indexer import index_repository
from diptych.layout import BESIDE, INSPECT, LOCK
from diptych.workspace import notices, watch
from diptych.workspace.freshness import Kind, Options, Policy, check, ensure_fresh
from diptych.workspace.freshness.hints import ask_for_inspection
from diptych.workspace.host import LIMITS
from diptych.workspace.notices import Batch, Notices

from .watching import NEVER_S, Watching, found_at, git, read_until, repository, run_watch, wait_until, write

LONG = Options(wait_s=NEVER_S)
ODD_NAME = os.fsdecode(b"pkg/caf\xe9.py")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return repository(tmp_path / "repository")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def rename_through_a_map(path: Path, old: bytes, new: bytes) -> None:
    """A change of the content that sends no event."""
    assert len(old) == len(new)
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        at = mapped.find(old)
        mapped[at : at + len(new)] = new
        mapped.flush()


# -- changes without an event --------------------------------------------------------------------------------


def test_a_query_makes_the_watch_find_what_sent_no_event(root: Path, store: Path) -> None:
    with Watching(root, store) as watching:
        rename_through_a_map(root / "pkg/m1.py", b"first_1", b"mapped1")
        ensured = ensure_fresh(Policy.AUTO, str(store), options=LONG)
        assert ensured.verdict is not None
        assert ensured.verdict.kind is Kind.FRESH
        assert ensured.report is None, "the watch did it"
        assert found_at(store, "mapped1") == ["pkg/m1.py"]
        wait_until(lambda: not (store / INSPECT).exists())
        assert watching.coordinator.metrics().builds == 1


def test_what_sent_no_event_is_found_in_time_without_a_query(
    root: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_SELDOM_S", 0.1)
    monkeypatch.setattr(watch, "_SELDOM_SHARE", 1.0)
    with Watching(root, store) as watching:
        rename_through_a_map(root / "pkg/m1.py", b"first_1", b"mapped1")
        wait_until(lambda: watching.found("mapped1") == ["pkg/m1.py"])
        assert watching.coordinator.metrics().builds == 1


def test_an_inspection_that_finds_nothing_changes_nothing(root: Path, store: Path) -> None:
    with Watching(root, store) as watching:
        lsn = watching.store.lsn
        for _ in range(3):
            ask_for_inspection(str(store))
            wait_until(lambda: not (store / INSPECT).exists())
        assert (watching.coordinator.metrics().builds, watching.store.lsn) == (1, lsn)
        assert watching.noticed == []


def test_inspections_take_a_bounded_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 1000.0
    monkeypatch.setattr(watch.time, "monotonic", lambda: now_s)
    inspections = watch._Inspections()
    cases = ((True, False, 5.0, 0.1), (False, False, 9.0, 0.01), (True, True, 7.0, 0.5))
    for polls, asked, took_s, share in cases:
        with inspections:
            now_s += took_s
        waited_s = 0.0
        while not inspections.are_due(polls=polls, asked=asked):
            now_s += 0.5
            waited_s += 0.5
        assert took_s / waited_s <= share / (1 - share)


def test_builds_that_inspections_ask_for_in_vain_become_rare(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 1000.0
    monkeypatch.setattr(watch.time, "monotonic", lambda: now_s)
    inspections = watch._Inspections()
    pauses = []
    for _ in range(6):
        with inspections:
            pass
        inspections.in_vain += 1
        began_s = now_s
        while not inspections.are_due(polls=True, asked=True):
            now_s += 1.0
        pauses.append(now_s - began_s)
    assert pauses == [4.0, 8.0, 16.0, 32.0, 60.0, 60.0]


def without_events(*_: Any, stop_event: threading.Event, **__: Any) -> Iterator[set[Any]]:
    while not stop_event.wait(SHORT_S):
        yield set()


def test_on_a_file_system_without_events_the_files_are_polled(
    root: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fs, "silent_file_system", lambda _root: "9p")
    monkeypatch.setattr(watchfiles, "watch", without_events)
    with Watching(root, store) as watching:
        assert "type 9p may send no events" in watching.watcher.warning
        write(root, "pkg/m1.py", "edited")
        write(root, "pkg/new.py", "new")
        (root / "pkg/m2.py").unlink()
        wait_until(lambda: watching.found("edited") == ["pkg/m1.py"])
        wait_until(lambda: watching.found("new") == ["pkg/new.py"])
        wait_until(lambda: watching.found("first_2") == [])
        wait_until(lambda: check(str(root), str(store))[0].fresh)


def test_a_file_that_cannot_be_stored_is_accounted_for(root: Path, store: Path) -> None:
    """Otherwise the index would be stale for as long as it is watched, and every query would wait."""
    with Watching(root, store) as watching:
        (root / "pkg/binary.py").write_bytes(b"def a(): pass\n")
        wait_until(lambda: watching.found("a") == ["pkg/binary.py"])
        (root / "pkg/binary.py").write_bytes(b"\0\0\0\0")
        wait_until(lambda: watching.found("a") == [])
        (root / "pkg/other.py").write_bytes(b"\0\0\0\0")
        wait_until(lambda: "pkg/other.py" in watching.noticed)
        ensured = ensure_fresh(Policy.AUTO, str(store), options=LONG)
        assert ensured.verdict is not None
        assert ensured.verdict.fresh


# -- limits of the system -----------------------------------------------------------------------------------


def in_a_namespace(script: str) -> tuple[str, ...]:
    """A command line before another's, that sets limits for it alone."""
    before = ("unshare", "-Ur", "sh", "-c", script, "sh")
    done = subprocess.run([*before, "true"], input="", capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no user namespaces here: {done.stderr}")
    return before


def folders(root: Path, count: int) -> None:
    for n in range(count):
        write(root, f"d{n}/m.py", f"in_d{n}")


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=NEVER_S)


def test_fewer_watches_than_folders_are_said_and_polled_around(root: Path, store: Path) -> None:
    folders(root, 30)
    limit = in_a_namespace('echo 8 > /proc/sys/user/max_inotify_watches && exec "$@"')
    process = run_watch(root, "--store", str(store), before=limit)
    line = read_until(process, "warning: ")
    assert "the limit user.max_inotify_watches (8) is reached" in line
    assert "sudo sysctl user.max_inotify_watches=524288" in line
    read_until(process, "ready: ")
    write(root, "d29/late.py", "late")
    read_until(process, "changed d29/late.py")
    wait_until(lambda: found_at(store, "late") == ["d29/late.py"])
    stop(process)


def test_no_instance_of_inotify_is_said_and_polled_around(root: Path, store: Path) -> None:
    limit = in_a_namespace('echo 0 > /proc/sys/user/max_inotify_instances && exec "$@"')
    process = run_watch(root, "--store", str(store), before=limit)
    assert "the limit user.max_inotify_instances (0) is reached" in read_until(process, "warning: ")
    read_until(process, "ready: ")
    write(root, "pkg/late.py", "late")
    read_until(process, "changed pkg/late.py")
    stop(process)


def test_a_limit_that_is_reached_later_is_noticed(root: Path, store: Path) -> None:
    script = "\"$@\" & read line; echo 3 > /proc/sys/user/max_inotify_watches; echo lowered; wait"
    process = run_watch(
        root, "--store", str(store), before=in_a_namespace("trap 'kill $!; wait' TERM; " + script)
    )
    assert process.stdin is not None
    read_until(process, "ready: ")
    process.stdin.write("now\n")
    process.stdin.flush()
    read_until(process, "lowered")
    write(root, "late/a.py", "late")
    assert "user.max_inotify_watches (3) is reached" in read_until(process, "warning: ")
    write(root, "late/b.py", "later")
    wait_until(lambda: found_at(store, "later") == ["late/b.py"])
    process.send_signal(signal.SIGTERM)
    process.wait(NEVER_S)


def test_when_the_limit_is_raised_watching_begins_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "_CHECK_EVERY_S", 0.01)
    monkeypatch.setattr(notices, "_CHECK_SHARE", 1.0)
    limits: list[fs.Limit | None] = [fs.Limit("fs.inotify.max_user_watches", 8, "raise it")]
    monkeypatch.setattr(fs, "inotify_limit", lambda _path: limits[0])
    stop = threading.Event()
    watched = Notices(str(root))
    lost = 0
    for batch in watched.batches(stop):
        lost += batch.lost
        if limits[0] is not None and watched.warning:
            limits[0] = None
        elif limits[0] is None and not watched.warning:
            stop.set()
    assert lost == 1, "what came between the two is for the reader to find"


def test_folders_that_are_not_watched_for_another_reason(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One folder that cannot be read, and the system's events end at it."""
    monkeypatch.setattr(fs, "inotify_watches", lambda _instance: 2)
    monkeypatch.setattr(notices, "_RECHECK_S", 0.01)
    stop = threading.Event()
    watched = Notices(str(root))
    for _ in watched.batches(stop):
        if watched.warning:
            stop.set()
    assert watched.warning.startswith("some folders are not watched")


# -- names that are not UTF-8 -------------------------------------------------------------------------------


def test_a_name_that_is_not_utf_8_begins_no_build(
    root: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The events end whenever somebody opens the file, though it is only read."""
    monkeypatch.setattr(notices, "_PAUSE_S", 0.05)
    begun: list[None] = []
    begin = watchfiles.watch

    def counted(*arguments: Any, **options: Any) -> Any:
        begun.append(None)
        return begin(*arguments, **options)

    monkeypatch.setattr(watchfiles, "watch", counted)
    write(root, ODD_NAME, "odd")
    with Watching(root, store) as watching:

        def interrupted() -> bool:
            (root / ODD_NAME).read_bytes()
            return len(begun) > 4

        wait_until(interrupted)
        write(root, ODD_NAME, "edited")
        wait_until(lambda: watching.found("edited") == [ODD_NAME])
        write(root, "pkg/last.py", "last")
        wait_until(lambda: watching.found("last") == ["pkg/last.py"])
        assert watching.coordinator.metrics().builds == 1


def test_attempts_to_watch_become_rare(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "_PAUSE_S", 1.0)
    monkeypatch.setattr(notices, "_PAUSE_MAX_S", 10.0)

    def failing(*_: object, **__: object) -> Iterator[object]:
        raise RuntimeError("error in underlying watcher: Unable to decode path")
        yield

    monkeypatch.setattr(watchfiles, "watch", failing)
    pauses: list[float] = []
    watched = Notices(str(root))
    stop = threading.Event()

    def paused(_stop: threading.Event) -> Iterator[Batch]:
        pauses.append(watched._pause_s)
        if len(pauses) == 7:
            stop.set()
        yield Batch()

    monkeypatch.setattr(watched, "_paused", paused)
    list(watched.batches(stop))
    assert pauses == [0.0, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


# -- the store is deleted or replaced -----------------------------------------------------------------------


def delete_content(store: Path, _other: Path) -> None:
    for entry in store.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def delete_folder(store: Path, _other: Path) -> None:
    shutil.rmtree(store)


def move_away(store: Path, other: Path) -> None:
    store.rename(other / "moved")


def replace_by_another(store: Path, other: Path) -> None:
    write(other / "repository", "theirs.py", "theirs")
    with Store.open(other / "store") as opened:
        index_repository(other / "repository", opened, processes=0)
    store.rename(other / "moved")
    (other / "store").rename(store)


def delete_lock(store: Path, _other: Path) -> None:
    (store / LOCK).unlink()


@pytest.mark.parametrize("act", [delete_content, delete_folder, move_away, replace_by_another, delete_lock])
def test_a_store_that_was_deleted_or_replaced_is_begun_again(
    root: Path, store: Path, tmp_path: Path, act: Callable[[Path, Path], None]
) -> None:
    (tmp_path / "other").mkdir()
    with Watching(root, store) as watching:
        before = watching.store
        act(store, tmp_path / "other")
        wait_until(lambda: watching.store is not before)
        write(root, "pkg/m1.py", "edited")
        wait_until(lambda: found_at(store, "edited") == ["pkg/m1.py"])
        wait_until(lambda: check(str(root), str(store))[0].fresh)
        assert found_at(store, "theirs") == []
    assert verify(store, deep=True).ok
    assert found_at(store, "edited") == ["pkg/m1.py"]


def test_a_query_may_make_the_new_store_first(root: Path, store: Path) -> None:
    with Watching(root, store) as watching:
        before = watching.store
        with watching.idle():
            shutil.rmtree(store)
            write(root, "pkg/m1.py", "edited")
            options = Options(wait_s=NEVER_S, may_build=True)
            ensured = ensure_fresh(Policy.AUTO, str(store), root=str(root), options=options)
            assert ensured.report is not None, "nobody else could have made it"
        wait_until(lambda: watching.store is not before)
        write(root, "pkg/m2.py", "edited_twice")
        wait_until(lambda: found_at(store, "edited_twice") == ["pkg/m2.py"])
    assert verify(store, deep=True).ok


def test_a_watch_that_ends_leaves_a_new_store_alone(
    root: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It ends before it begins again.
    limits = replace(LIMITS, cooldown_s=1e6, cooldown_max_s=1e6)
    monkeypatch.setattr("tests.workspace.watching.LIMITS", limits)
    with Watching(root, store) as watching:
        write(root, "pkg/m1.py", "edited")
        wait_until(lambda: watching.found("edited") == ["pkg/m1.py"])
        shutil.rmtree(store)
        with Store.open(store) as theirs:
            index_repository(root, theirs, processes=0)
            lsn, store_id = theirs.lsn, theirs.store_id
        left = sorted(path.relative_to(store) for path in store.rglob("*"))
    assert verify(store, deep=True).ok
    with Store.open(store, read_only=True) as reader:
        assert (reader.lsn, reader.store_id) == (lsn, store_id)
    assert sorted(path.relative_to(store) for path in store.rglob("*")) == left


def test_a_folder_that_is_gone_is_not_brought_back(root: Path) -> None:
    with Watching(root, root / ".diptych") as watching:
        shutil.rmtree(root)
        wait_until(lambda: "there is no folder" in str(watching.coordinator.state))
        assert not root.exists()


@pytest.mark.parametrize("name", sorted(BESIDE))
def test_what_a_deleted_store_left_is_no_other_program_s_folder(root: Path, store: Path, name: str) -> None:
    store.mkdir()
    (store / name).write_bytes(b"*\n")
    with Store.open(store) as opened:
        assert index_repository(root, opened, processes=0).found == 5


def test_git_clean_under_a_watch(root: Path) -> None:
    with Watching(root, root / ".diptych") as watching:
        before = watching.store
        git(root, "clean", "-fdxq")
        wait_until(lambda: watching.store is not before or (root / ".diptych" / LOCK).exists())
        write(root, "pkg/m1.py", "edited")
        wait_until(lambda: found_at(root / ".diptych", "edited") == ["pkg/m1.py"])
    assert verify(root / ".diptych", deep=True).ok
    assert git_status(root) == " M pkg/m1.py\n", "the new store hides from git as well"


def git_status(root: Path) -> str:
    command = ["git", "status", "--porcelain"]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
