"""Recovery and repair cut short at each of their steps, and begun again: the outcome is the same."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from tests.support.damage import LAST, MANUAL, Case, build, inflict, truth
from tests.support.oracle import outcome

from diptych import CorruptStoreError, Store, fs, repair, verify

STEPS = (
    "atomic_write",
    "fsync_dir",
    "fsync_file",
    "link_or_copy",
    "make_dir",
    "remove_file",
    "remove_tree",
    "rename",
    "write_file",
)


class Killed(BaseException):
    """In the place of a SIGKILL: nothing of the engine catches it for good."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("template") / "store")
    build(path)
    return path


def cut_short(patch: pytest.MonkeyPatch, at: int, *, done: bool) -> list[str]:
    """Let the step number `at` be the last: the ones behind it do nothing but raise. Returns the steps taken.

    `done` says whether that step itself is carried out.
    """
    taken: list[str] = []

    def wrap(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def step(*arguments: object, **options: object) -> object:
            taken.append(name)
            if len(taken) < at or at == 0:
                return real(*arguments, **options)
            if len(taken) == at and done:
                real(*arguments, **options)
            # Clean-up that an exception brings about is not what a killed process does.
            raise Killed(name)

        return step

    for name in STEPS:
        patch.setattr(fs, name, wrap(name, getattr(fs, name)))
    return taken


CASES = {
    "recovery": Case(journal="torn", identity="gone", new_snapshot="gone"),
    "mend": Case(new_snapshot="flipped", shared_search="gone", journal="torn", identity="damaged"),
    "mend-from-older": Case(new_snapshot="gone", new_search="gone"),
    "salvage": Case(new_search="gone", new_snapshot="flipped", journal="damaged-last", shared_search="cut"),
    "salvage-leaves": Case(new_manifest="gone", old_manifest="damaged", identity="gone"),
    "salvage-no-journal": Case(journal="gone"),
}


@pytest.mark.parametrize("name", CASES)
def test_cut_short_at_any_step_and_begun_again(name: str, template: str, memory_path: Path) -> None:
    case, path = CASES[name], str(memory_path / "store")
    expected = outcome(case)

    def act() -> None:
        if name == "recovery":
            Store.open(path, policy=MANUAL).close()
        else:
            repair(path)

    def fresh() -> None:
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(template, path)
        inflict(path, case)

    fresh()
    with pytest.MonkeyPatch.context() as patch:
        taken = cut_short(patch, 0, done=True)
        act()
        steps = len(taken)
    assert steps > 4
    # Each step is the last one in one run or another; two in a row, so that clean-up is cut short too.
    for at in range(1, steps + 1):
        fresh()
        for again in (at, max(at // 2, 1)):
            with pytest.MonkeyPatch.context() as patch:
                cut_short(patch, again, done=bool((at + again) % 2))
                with suppress(Killed):
                    act()
        try:
            with Store.open(path, read_only=True) as store:
                found = {one.path: one for one in store.files()}
                assert found in (truth()[LAST], expected.files), at
        except CorruptStoreError:
            assert not expected.opens
        act()
        with Store.open(path, policy=MANUAL) as store:
            assert {one.path: one for one in store.files()} == expected.files, at
            assert len(store.search("kind:function", 1_000)) == 2 * len(expected.files)
        if name != "recovery":
            assert verify(path).findings == [], at
            assert repair(path).findings == []
        assert not [entry for entry in os.listdir(f"{path}/generations") if entry.endswith(".tmp")]
