"""Where a rollback leads, and what a pruning keeps."""

from __future__ import annotations

import pytest

from diptych.versions.manifest import Manifest
from diptych.versions.retention import rollback_target, to_remove


def published(*lives: tuple[str, int, tuple[str, ...]]) -> dict[str, Manifest]:
    return {
        name: Manifest(name, {}, frozenset(), {}, sequence=sequence, published_ns=sequence, lineage=lineage)
        for name, sequence, lineage in lives
    }


# After 1, 2, 3, a rollback to 2, and 4.
HISTORY = published(("v1", 1, ()), ("v2", 2, ("v1",)), ("v3", 3, ("v2", "v1")), ("v4", 4, ("v2", "v1")))


@pytest.mark.parametrize(("current", "target"), [("v4", "v2"), ("v3", "v2"), ("v2", "v1"), ("v1", None)])
def test_a_rollback_leads_to_what_was_current_before(current: str, target: str | None) -> None:
    assert rollback_target(HISTORY[current], HISTORY) == target


def test_a_rollback_passes_over_what_is_gone() -> None:
    left = {name: life for name, life in HISTORY.items() if name != "v2"}
    assert rollback_target(left["v4"], left) == "v1"


def test_a_name_used_again_is_not_the_version_that_was_meant() -> None:
    again = {**HISTORY, **published(("v2", 5, ("v4", "v1")))}
    assert rollback_target(again["v4"], again) == "v1"


@pytest.mark.parametrize(
    ("keep", "removed"), [(1, ["v1", "v2", "v3"]), (2, ["v1", "v3"]), (3, ["v1"]), (4, []), (9, [])]
)
def test_pruning_keeps_the_current_one_then_the_way_back_then_the_newest(
    keep: int, removed: list[str]
) -> None:
    assert to_remove(HISTORY, "v4", keep=keep, older_than_ns=None, now_ns=9) == removed


def test_pruning_by_age_and_without_a_current_version() -> None:
    assert to_remove(HISTORY, "v4", keep=1, older_than_ns=6, now_ns=9) == ["v1", "v2"]
    assert to_remove(HISTORY, None, keep=1, older_than_ns=None, now_ns=9) == ["v1", "v2", "v3"]
    assert to_remove(HISTORY, "v1", keep=1, older_than_ns=None, now_ns=9) == ["v2", "v3", "v4"]
