"""What is removed, and in which order, where the writer before was killed while it removed a generation."""

from __future__ import annotations

import os

import pytest
from tests.support.damage import MANUAL
from tests.support.invariants import check_whole
from tests.support.records import record

from diptych import Store, fs
from diptych.layout import is_segment_digest, parse_journal_file_name
from diptych.store.checkpoint import retention
from diptych.store.recovery.reading import names_in


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
            store.checkpoint(compact=True)
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


def test_what_a_removed_generation_needs_stays_until_its_removal_is_durable(store_path: str) -> None:
    """A crash may bring it back until the next checkpoint has synced the directory of generations."""

    def segments() -> set[str]:
        return {name for name in names_in(f"{store_path}/segments") if is_segment_digest(name)}

    def oldest() -> int:
        firsts = map(parse_journal_file_name, os.listdir(f"{store_path}/journal"))
        return min(filter(None, firsts))

    made: list[set[str]] = [set()]
    with Store.open(store_path, policy=MANUAL) as store:
        for lsn in range(1, 6):
            with store.transaction() as txn:
                txn.index_file(record("a.py", lsn))
            before = segments()
            store.checkpoint()
            made.append(segments() - before)
            kept = [f"{number:020d}" for number in (lsn - 1, lsn) if number]
            assert sorted(os.listdir(f"{store_path}/generations")) == kept
            # Each generation lists one segment, that of its own record; the one before the two has it still.
            assert segments() == set().union(*made[max(lsn - 2, 0) :])
            assert oldest() == (lsn if lsn < 3 else lsn - 1)
    assert segments() == made[4] | made[5]
    assert oldest() == 5
    check_whole(store_path)
