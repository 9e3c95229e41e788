"""What is removed, and in which order, where the writer before was killed while it removed a generation."""

from __future__ import annotations

import os

import pytest
from tests.support.damage import MANUAL
from tests.support.invariants import check_whole
from tests.support.records import record

from diptych import Store, fs
from diptych.store.checkpoint import retention


def test_a_removed_generation_is_gone_for_good_before_its_segments_go(
    store_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        pass

    def killed(*arguments: object) -> None:
        raise KilledError

    store = Store.open(store_path, policy=MANUAL)
    for version in range(3):
        with store.transaction() as txn:
            txn.index_file(record("a.py", version))
        if version < 2:
            store.checkpoint()
    with monkeypatch.context() as patch:
        patch.setattr(retention, "_remove_segments", killed)
        with pytest.raises(KilledError):
            store.checkpoint()
    store.close()
    assert len(os.listdir(f"{store_path}/generations")) == 2
    steps: list[str] = []

    def noted(name: str) -> None:
        real = getattr(fs, name)

        def step(path: str) -> None:
            steps.append(f"{name} {os.path.relpath(path, store_path)}")
            real(path)

        monkeypatch.setattr(fs, name, step)

    noted("fsync_dir")
    noted("remove_tree")
    Store.open(store_path, policy=MANUAL).close()
    removed = [step for step in steps if step.startswith("remove_tree segments/")]
    assert len(removed) == 2, "a segment, and a copy of a manifest"
    assert steps.index("fsync_dir generations") < min(map(steps.index, removed))
    check_whole(store_path)
