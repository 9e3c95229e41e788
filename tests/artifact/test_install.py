"""The new store takes the old one's place: in what order things become durable, and what a failure leaves."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.support.records import numbered

from diptych import CorruptStoreError, Store, fs, verify
from diptych.artifact import install
from diptych.artifact.pull import pull
from diptych.artifact.push import push
from diptych.artifact.remotes.memory import MemoryRemote

from .support import check_same, fill, records_of, some_records

MAIN = "branch/main"


@pytest.fixture
def remote() -> MemoryRemote:
    return MemoryRemote()


@pytest.fixture
def store(tmp_path: Path, remote: MemoryRemote) -> str:
    path = os.path.join(tmp_path, "made")
    fill(path, some_records())
    push(path, remote, ref=MAIN)
    return path


@pytest.fixture
def dest(tmp_path: Path, store: str, remote: MemoryRemote) -> str:
    """A clone that is one push after."""
    path = os.path.join(tmp_path, "clone", ".diptych")
    pull(remote, path, ref=MAIN)
    fill(store, numbered(3, version=1))
    push(store, remote, ref=MAIN)
    return path


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happened to the disk, in order."""
    seen: list[str] = []
    fsync = os.fsync

    def recorded_fsync(fd: int) -> None:
        fsync(fd)
        seen.append(f"fsync {os.readlink(f'/proc/self/fd/{fd}')}")

    def recorded(name: str, does: Callable[..., Any]) -> Callable[..., Any]:
        def act(*paths: str) -> Any:
            done = does(*paths)
            seen.append(f"{name} {paths[-1]}")
            return done

        return act

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    for name in ("rename", "exchange", "remove_tree"):
        monkeypatch.setattr(fs, name, recorded(name, getattr(fs, name)))
    return seen


def no_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the file system cannot exchange two names."""
    monkeypatch.setattr(fs, "exchange", lambda one, other: False)


def test_everything_is_durable_before_the_old_store_is_removed(
    dest: str, remote: MemoryRemote, events: list[str]
) -> None:
    pull(remote, dest, ref=MAIN)
    exchanged = events.index(f"exchange {dest}")
    removed = events.index(f"remove_tree {dest}.incoming/store", exchanged)
    assert f"fsync {os.path.dirname(dest)}" in events[exchanged:removed]
    # The store is made under a temporary name, and has files of its own beside.
    for folder in (".store.tmp/journal", ".store.tmp/generations", ".store.tmp/segments", "store"):
        assert f"fsync {dest}.incoming/{folder}" in events[:exchanged]
    # Each decoded file, before it is linked into the new store.
    decoded = [event for event in events[:exchanged] if event.startswith(f"fsync {dest}.incoming/files/")]
    assert any(event.endswith("records.msgpack") for event in decoded)


def test_so_it_is_where_two_names_cannot_be_exchanged(
    dest: str, remote: MemoryRemote, events: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    no_exchange(monkeypatch)
    pull(remote, dest, ref=MAIN)
    named = events.index(f"rename {dest}")
    removed = events.index(f"remove_tree {dest}.aside", named)
    assert f"fsync {os.path.dirname(dest)}" in events[named:removed]


def test_a_first_install_is_durable(
    store: str, tmp_path: Path, remote: MemoryRemote, events: list[str]
) -> None:
    where = os.path.join(tmp_path, "fresh", ".diptych")
    pull(remote, where, ref=MAIN)
    named = events.index(f"rename {where}")
    assert f"fsync {os.path.dirname(where)}" in events[named:]


@pytest.mark.parametrize("exchanges", [True, False])
def test_a_new_store_that_does_not_open_is_taken_back(
    dest: str, remote: MemoryRemote, monkeypatch: pytest.MonkeyPatch, exchanges: bool
) -> None:
    before = records_of(dest)
    if not exchanges:
        no_exchange(monkeypatch)

    def fail(path: str, schema: Any) -> None:
        raise CorruptStoreError("it does not open")

    monkeypatch.setattr(install, "_open", fail)
    with pytest.raises(CorruptStoreError):
        pull(remote, dest, ref=MAIN)
    assert records_of(dest) == before
    monkeypatch.undo()
    pull(remote, dest, ref=MAIN)
    assert records_of(dest) != before


def test_an_install_killed_between_two_renames_is_undone(dest: str, store: str, remote: MemoryRemote) -> None:
    before = records_of(dest)
    os.rename(dest, f"{dest}.aside")
    install.heal(dest)
    assert records_of(dest) == before
    # Not where there is a store: the one aside is only left over.
    shutil.copytree(dest, f"{dest}.aside")
    install.heal(dest)
    pull(remote, dest, ref=MAIN)
    check_same(dest, store)


@pytest.mark.parametrize("exchanges", [True, False])
@pytest.mark.parametrize("step", ["_open", "_kept_name"])
def test_an_install_killed_before_the_old_store_has_its_name_loses_no_local_commit(
    dest: str, remote: MemoryRemote, monkeypatch: pytest.MonkeyPatch, exchanges: bool, step: str
) -> None:
    class KilledError(BaseException):
        """As if the process had ended."""

    def kill(*_: Any) -> None:
        raise KilledError

    fill(dest, numbered(2, version=7))
    before = records_of(dest)
    with monkeypatch.context() as patched:
        if not exchanges:
            no_exchange(patched)
        patched.setattr(install, step, kill)
        with pytest.raises(KilledError):
            pull(remote, dest, ref=MAIN, local_changes="replace")
    pull(remote, dest, ref=MAIN)
    fill(dest, numbered(2, version=8))
    pull(remote, dest, ref=MAIN, local_changes="recover")
    kept = [one for one in Path(dest).parent.iterdir() if one.name.startswith(".diptych.before")]
    assert before in [records_of(one) for one in kept]


@pytest.mark.slow
def test_a_failure_at_any_step_leaves_the_old_store_or_the_new_one(
    dest: str, store: str, remote: MemoryRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call that changes names, or writes, fails once: the next pull installs."""
    old, new = records_of(dest), records_of(store)
    for name in ("rename", "exchange", "fsync_dir", "fsync_file", "write_file", "make_dir", "link_or_copy"):
        for nth in range(1, 40):
            if not _fails_once(dest, remote, monkeypatch, name, nth):
                break
            there = records_of(dest)
            assert there in (old, new), (name, nth)
            assert verify(dest).ok
            if there == new:
                # Back to where it was.
                shutil.rmtree(dest)
                with Store.open(dest) as opened, opened.transaction() as txn:
                    for one in old:
                        txn.index_file(one)
                fill(dest, [])
                remote_old = MemoryRemote()
                push(dest, remote_old, ref=MAIN)
    assert records_of(dest) == new
    check_same(dest, store)


def _fails_once(
    dest: str, remote: MemoryRemote, monkeypatch: pytest.MonkeyPatch, name: str, nth: int
) -> bool:
    """Pull while the nth call of a function of `fs` fails; whether there was an nth call."""
    does = getattr(fs, name)
    calls = 0

    def failing(*paths: Any, **how: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth:
            raise fs.storage_error(OSError(5, "it fails"), name, str(paths[0]))
        return does(*paths, **how)

    with monkeypatch.context() as patched:
        patched.setattr(fs, name, failing)
        with suppress(OSError):
            pull(remote, dest, ref=MAIN, local_changes="replace")
    return calls >= nth
