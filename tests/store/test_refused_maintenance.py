"""Each system call of a repair, a recovery or a checkpoint fails in turn: the store holds what it held.

It opens as it did before, or it is repaired. An error of the disk is never taken for damage.
"""

from __future__ import annotations

import builtins
import errno
import itertools
import os
import random
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.damage import LAST, MANUAL, NEW, Case, build, inflict, journal_file, truth
from tests.support.files import overwrite

from diptych import CorruptStoreError, DiptychError, StorageError, Store, repair, verify

CALLS = ("open", "stat", "lstat", "listdir", "scandir", "mkdir", "replace", "rename", "unlink", "rmdir")
CALLS += ("link", "symlink", "fsync", "fdatasync", "ftruncate", "write", "pread", "fstat")
# The failure is tried at so many of the calls of each run, chosen anew for each case.
POINTS = int(os.environ.get("DIPTYCH_REFUSED_POINTS", "6"))


class Refusing:
    """Count the calls of this thread, and fail the one numbered `at`; the later ones too, if `sticky`."""

    def __init__(self, patch: pytest.MonkeyPatch, at: int, code: int, *, sticky: bool = False) -> None:
        self.count = 0
        self._at, self._code, self._sticky = at, code, sticky
        self._thread = threading.get_ident()
        for module, name in [(builtins, "open"), *((os, name) for name in CALLS)]:
            patch.setattr(module, name, self._wrap(getattr(module, name)))

    def _wrap(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if threading.get_ident() == self._thread:
                self.count += 1
                if self.count == self._at or (self._sticky and self.count > self._at > 0):
                    raise OSError(self._code, os.strerror(self._code))
            return real(*arguments, **options)

        return call


# The store opens in the first three; in the fourth and fifth something must be lost.
CASES = {
    "recovery": Case(journal="torn", identity="gone", new_snapshot="gone"),
    "mend": Case(new_snapshot="flipped", shared_search="gone", journal="torn", identity="damaged"),
    # Damage that opening does not see, deep in both halves.
    "salvage-of-one-that-opens": Case(
        new_snapshot="flipped", new_search="flipped", shared_snapshot="flipped", shared_search="flipped"
    ),
    "salvage-of-one-that-opens-torn": Case(
        new_snapshot="flipped",
        new_search="flipped",
        shared_snapshot="flipped",
        shared_search="flipped",
        journal="torn",
    ),
    "salvage": Case(new_search="gone", new_snapshot="flipped", journal="damaged-last", shared_search="cut"),
    "intact": Case(),
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("template") / "store")
    build(path)
    return path


def read(path: str) -> dict[str, Any] | str:
    """What the store holds, by name, with what cannot be read; or the error with which it does not open."""
    try:
        store = Store.open(path, policy=MANUAL)
    except CorruptStoreError as error:
        return type(error).__name__
    with store:
        found: dict[str, Any] = {}
        for name in truth()[LAST]:
            try:
                found[name] = store.file(name)
            except DiptychError as error:
                found[name] = type(error).__name__
        return found


def acted(name: str, path: str) -> list[str]:
    """Do it; returns what was lost by it."""
    if name == "recovery":
        Store.open(path, policy=MANUAL).close()
        return []
    if name == "checkpoint":
        with Store.open(path, policy=MANUAL) as store:
            store.checkpoint()
        return []
    return repair(path).given_up


@pytest.mark.parametrize("sticky", [False, True], ids=["once", "from-then-on"])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC], ids=["EIO", "ENOSPC"])
@pytest.mark.parametrize("name", [*CASES, "checkpoint"])
def test_each_call_fails_in_turn(
    name: str, code: int, sticky: bool, template: str, memory_path: Path
) -> None:
    case = CASES.get(name, Case())
    numbers = itertools.count()

    def fresh() -> str:
        # Each at a path of its own: Tantivy's threads may still write to the ones before.
        path = str(memory_path / f"store-{next(numbers)}")
        shutil.copytree(template, path)
        inflict(path, case)
        return path

    before = read(fresh())
    acted(name, fresh())
    path = fresh()
    with pytest.MonkeyPatch.context() as patch:
        counted = Refusing(patch, 0, code)
        lost = acted(name, path)
        patch.undo()
    after = read(path)
    points = range(1, counted.count + 1)
    chosen = sorted(random.Random(f"{name} {code} {sticky}").sample(points, min(POINTS, len(points))))
    for at in chosen:
        path = fresh()
        with pytest.MonkeyPatch.context() as patch:
            Refusing(patch, at, code, sticky=sticky)
            said: list[str] | None
            try:
                said = acted(name, path)
            except DiptychError as error:
                assert isinstance(error, StorageError), (at, error)
                said = None
            patch.undo()
        # What repair says was lost is what is lost, and no more than without the fault.
        assert said in (None, lost), at
        copy = f"{path}-copy"
        shutil.copytree(path, copy, ignore=shutil.ignore_patterns("incoming"))
        assert read(copy) in (before, after), at
        shutil.rmtree(copy, ignore_errors=True)
        if name not in ("recovery", "checkpoint", "intact"):
            again = repair(path)
            assert again.given_up in (lost, []), at
            assert read(path) == after, at
            assert verify(path).ok, at
        shutil.rmtree(path, ignore_errors=True)


@pytest.mark.parametrize(
    "wanted", ["IDENTITY", "journal", "generations", f"{NEW:020d}", "segments", "SEAL", "records.msgpack"]
)
@pytest.mark.parametrize("times", [1, 1_000_000], ids=["once", "always"])
def test_an_error_of_the_disk_is_no_damage_to_a_whole_store(
    template: str, memory_path: Path, wanted: str, times: int
) -> None:
    """Nothing is set aside, written again or given up for it."""
    path = str(memory_path / "store")
    shutil.copytree(template, path)
    before = sorted(str(file) for file in Path(path).rglob("*"))
    failed: list[str] = []

    def wrap(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(name: Any, *arguments: Any, **options: Any) -> Any:
            if str(name).startswith(path) and str(name).endswith(wanted) and len(failed) < times:
                failed.append(name)
                raise OSError(errno.EIO, os.strerror(errno.EIO), name)
            return real(name, *arguments, **options)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for module, name in ((builtins, "open"), (os, "open"), (os, "stat"), (os, "listdir")):
            patch.setattr(module, name, wrap(getattr(module, name)))
        try:
            assert repair(path).given_up == []
        except StorageError as error:
            assert error.errno == errno.EIO
        patch.undo()
    assert failed
    assert not os.path.exists(os.path.join(path, "quarantine")) or times > 1
    if times == 1:
        assert sorted(str(file) for file in Path(path).rglob("*")) == before
    with Store.open(path, policy=MANUAL) as store:
        assert {one.path: one for one in store.files()} == truth()[LAST]
    assert repair(path).given_up == []


def test_what_the_disk_does_not_give_is_not_lost(template: str, memory_path: Path) -> None:
    """Damage that would be salvaged, and a file that cannot be read: what is in that file is not given up."""
    path = str(memory_path / "store")
    shutil.copytree(template, path)
    for lsn in (5, 9):
        overwrite(journal_file(path, lsn), 300, b"\xff" * 64)
    before = sorted(str(file) for file in Path(path).rglob("*"))
    real, refused = os.open, []

    def refuse(name: Any, *arguments: Any, **options: Any) -> Any:
        if str(name).startswith(path) and str(name).endswith(f"{NEW:020d}"):
            refused.append(name)
            raise OSError(errno.EIO, os.strerror(errno.EIO), name)
        return real(name, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", refuse)
        with pytest.raises(StorageError) as caught:
            repair(path)
        assert not isinstance(caught.value, CorruptStoreError)
        assert "another disk" in caught.value.advice
        with pytest.raises(StorageError):
            Store.open(path)
        patch.undo()
    assert refused
    assert sorted(str(file) for file in Path(path).rglob("*")) == before
