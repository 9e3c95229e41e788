"""What is kept for later questions, by its weight."""

from __future__ import annotations

from diptych.serving.weighted import Weighted


def test_what_was_asked_for_last_is_kept() -> None:
    kept: Weighted[str] = Weighted(10)
    kept.keep("a", "A", 4)
    kept.keep("b", "B", 4)
    assert kept.get("a") == "A"
    kept.keep("c", "C", 4)
    assert [kept.get(path) for path in "abc"] == ["A", None, "C"]


def test_a_value_that_is_replaced_weighs_nothing() -> None:
    kept: Weighted[str] = Weighted(10)
    for number in range(5):
        kept.keep("a", f"A{number}", 6)
    kept.keep("b", "B", 4)
    assert (kept.get("a"), kept.get("b"), len(kept)) == ("A4", "B", 2)


def test_one_value_is_kept_whatever_it_weighs() -> None:
    kept: Weighted[str] = Weighted(10)
    kept.keep("a", "A", 4)
    kept.keep("b", "B", 99)
    assert (kept.get("a"), kept.get("b")) == (None, "B")
