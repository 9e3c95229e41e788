"""Clients and keepers as processes: started on demand, one at a time, gone after the last client."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.cli.command import diptych, document, error_output
from tests.support.waiting import HANG_S, join, pause, wait_until
from tests.workspace.watching import found_at, read_until, repository, run_watch, write

from diptych import Store
from diptych.layout import KEEPER
from diptych.workspace.coordinator import Degraded, IoError, NoKeeper, Ready
from diptych.workspace.holder import holder
from diptych.workspace.keeper import KeeperClient, KeeperState, Place, ensure_keeper, keeper_state
from diptych.workspace.keeper.state import write_state

IDLE_S = 0.5


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return repository(tmp_path / "repository")


@pytest.fixture
def place(root: Path) -> Iterator[Place]:
    made = Place(str(root), str(root / ".diptych"))
    yield made
    # Its keeper ends by itself: nothing is left for the next test.
    wait_until(lambda: not holder(made.store), "the end of the keeper")


def ready(client: KeeperClient) -> KeeperState:
    said = client.wait(ready=True, timeout_s=HANG_S)
    assert said.is_ready, said
    return said


def test_who_waits_is_released_when_the_client_is_closed(place: Place) -> None:
    client = KeeperClient(place, start=False)
    found: list[KeeperState] = []
    waiting = threading.Thread(target=lambda: found.append(client.wait(ready=True, timeout_s=1e6)))
    waiting.start()
    client.close()
    join(waiting)
    assert not found[0].is_ready


def test_a_keeper_is_started_indexes_follows_and_ends_after_its_last_client(place: Place, root: Path) -> None:
    with ensure_keeper(place, idle_s=IDLE_S) as first, ensure_keeper(place, idle_s=IDLE_S) as second:
        said = ready(first)
        assert said.is_keeper
        assert isinstance(said.state, Ready)
        assert said.state.files == 5
        assert ready(second).pid == said.pid == holder(place.store)
        write(root, "pkg/new.py", "brand_new")
        first.request_look(["pkg/new.py", "../outside", "not/there.py"])
        assert second.wait(lsn=said.lsn + 1, ready=True, timeout_s=HANG_S).lsn > said.lsn
        assert found_at(root / ".diptych", "brand_new") == ["pkg/new.py"]
        status = document("status", cwd=root)["keeper"]
        assert (status["pid"], status["state"], status["keeper"]) == (said.pid, "ready", True)
        assert f"keeper:          process {said.pid}, ready" in diptych("status", cwd=root).stdout.decode()
    wait_until(lambda: not holder(place.store))
    assert keeper_state(place.store) is None
    assert not (root / ".diptych" / KEEPER).exists()
    assert document("status", cwd=root)["keeper"] is None


def test_a_keeper_that_is_killed_is_replaced_by_one(place: Place, root: Path) -> None:
    clients = [ensure_keeper(place, idle_s=IDLE_S) for _ in range(3)]
    try:
        before = ready(clients[0])
        os.kill(before.pid, signal.SIGKILL)
        wait_until(lambda: clients[0].state().pid != before.pid)
        write(root, "pkg/m1.py", "edited")
        pids = {ready(client).pid for client in clients}
        assert len(pids) == 1
        assert pids == {holder(place.store)}
        assert found_at(root / ".diptych", "edited") == ["pkg/m1.py"]
    finally:
        for client in clients:
            client.close()


def test_a_client_says_that_nobody_keeps_the_index_and_why(root: Path) -> None:
    place = Place(str(root), str(root / ".diptych"))
    with ensure_keeper(place, start=False) as client:
        said = client.state()
        assert said.pid == 0
        assert isinstance(said.state, Degraded)
        assert isinstance(said.state.reason, NoKeeper)
        assert said.message == "no keeper: none runs, and none is to be started"
        assert not (root / ".diptych").exists()
    assert client.state().message == "no keeper: this client was closed"
    with Store.open(place.store), ensure_keeper(place) as client:
        assert client.state().message.startswith(f"no keeper: process {os.getpid()} writes to the index")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_tree_is_served_from_what_is_there(root: Path) -> None:
    diptych("index", cwd=root)
    store = root / ".diptych"
    store.chmod(0o500)
    try:
        with ensure_keeper(Place(str(root), str(store))) as client:
            assert client.state().message == f"no keeper: {store} cannot be written to"
            assert found_at(store, "first_1") == ["pkg/m1.py"]
    finally:
        store.chmod(0o700)


def test_a_keeper_that_cannot_start_says_why(root: Path, tmp_path: Path) -> None:
    store = tmp_path / "other"
    store.mkdir()
    (store / "a file").write_text("of another program")
    with ensure_keeper(Place(str(root), str(store))) as client:
        wait_until(lambda: "belongs to something else" in client.state().message)
    with ensure_keeper(Place(str(tmp_path / "gone"), str(tmp_path / "s"))) as client:
        assert client.state().message == f"no keeper: there is no folder {tmp_path / 'gone'}"


def test_index_beside_a_keeper_has_it_do_the_work(place: Place, root: Path) -> None:
    with ensure_keeper(place, idle_s=IDLE_S) as client:
        pid = ready(client).pid
        write(root, "pkg/m2.py", "edited_twice")
        report = document("index", cwd=root)
        assert report["found"] == 5
        assert found_at(root / ".diptych", "edited_twice") == ["pkg/m2.py"]
        assert client.state().pid == pid, "it was not ended for that"
        assert diptych("symbol", "edited_twice", cwd=root).stdout.startswith(b"pkg/m2.py:1:5: ")
        # Other settings are for a keeper that starts with them.
        assert document("index", "--exclude", "m2.py", cwd=root)["removed"] == 1
        assert ready(client).pid != pid
        assert found_at(root / ".diptych", "edited_twice") == []


def test_index_does_not_wait_for_a_keeper_that_cannot_do_it(root: Path) -> None:
    diptych("index", cwd=root)
    write(root, "pkg/m1.py", "edited")
    failed = Degraded(IoError("no space left on device"), 5, 0.0)
    with keeping_alive(root, KeeperState(os.getpid(), failed, 1, is_keeper=True)):
        told = error_output("index", cwd=root, code=4)
    assert f"is kept by process {os.getpid()}, which has not brought it up to date" in told
    assert "no space left on device" in told


@contextmanager
def keeping_alive(root: Path, said: KeeperState) -> Iterator[None]:
    """A keeper says this, again and again."""
    store, ended = str(root / ".diptych"), threading.Event()

    def beat() -> None:
        while not ended.is_set():
            pause()
            write_state(store, replace(said, heartbeat_s=time.monotonic()))

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        wait_until(lambda: keeper_state(store))
        yield
    finally:
        ended.set()
        join(thread)


def test_a_watch_takes_over_from_a_keeper(place: Place, root: Path) -> None:
    with ensure_keeper(place, idle_s=IDLE_S) as client:
        pid = ready(client).pid
        watch = run_watch(root)
        try:
            read_until(watch, "ready")
            wait_until(lambda: client.state().pid == watch.pid)
            assert pid != watch.pid
            assert not client.state().is_keeper
        finally:
            watch.send_signal(signal.SIGINT)
            watch.communicate(timeout=HANG_S)


def test_other_settings_do_not_end_a_watch_that_a_person_has_started(root: Path) -> None:
    watch = run_watch(root)
    try:
        read_until(watch, "ready")
        wait_until(lambda: keeper_state(str(root / ".diptych")))
        said = error_output("index", "--exclude", "m2.py", cwd=root, code=4)
        assert f"is kept up to date by `diptych watch`, process {watch.pid}, with its own settings" in said
        with ensure_keeper(Place(str(root), str(root / ".diptych"))) as client:
            found = ready(client)
            assert (found.pid, found.is_keeper) == (watch.pid, False)
    finally:
        watch.send_signal(signal.SIGINT)
        watch.communicate(timeout=HANG_S)


def test_a_store_that_is_deleted_under_its_clients_is_made_again(place: Place, root: Path) -> None:
    import shutil

    with ensure_keeper(place, idle_s=IDLE_S) as client:
        ready(client)
        shutil.rmtree(place.store)
        wait_until(lambda: client.state().is_ready)
        assert found_at(root / ".diptych", "first_3") == ["pkg/m3.py"]
