"""The measure of reads: what it asks, and that both sides answer the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.reads.timing import Times, time_each

from diptych import FileRecord, Range, Store, Symbol
from tools.reads import ranges, searches

_WORDS = ["get_alpha", "parse_beta", "read_gamma", "delta", "epsilon", "zeta"]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Twelve files of six symbols each."""
    symbols = [
        Symbol(name, "function", Range(0, 0, 1, 0), documentation=f"{name}, then {_WORDS[at - 1]} too")
        for at, name in enumerate(_WORDS)
    ]
    opened = Store.open(tmp_path / "s")
    with opened.transaction() as txn:
        for number in range(12):
            txn.index_file(FileRecord(f"src/{number:02}.py", "h", "python", symbols[: 1 + number % 6]))
    opened.checkpoint()
    return opened


def test_each_question_is_put_to_each_and_timed() -> None:
    asked: list[tuple[str, int]] = []
    first, second = time_each(
        [1, 2], [lambda number: asked.append(("a", number)), lambda number: asked.append(("b", number))], 1
    )
    assert asked == [("a", 1), ("b", 1), ("a", 2), ("b", 2)] * 2
    assert isinstance(first, Times) and min(*first, *second) >= 0


def test_questions_are_drawn_by_seed_and_found_by_both(store: Store, tmp_path: Path) -> None:
    with store:
        single = searches.single_words(store, 5, seed=1)
        several = searches.several_words(store, 5, seed=1)
        assert single == searches.single_words(store, 5, seed=1) and len(single) == len(several) == 5
        assert all(store.search(query) for query in single + several)
        alone = searches.index_alone(store, str(tmp_path / "alone"))
        assert len(searches.measure(store, alone, single)) == 2


def test_ranges_are_compared_with_what_sqlite_answers(store: Store, tmp_path: Path) -> None:
    with store:
        database = ranges.fill(store, str(tmp_path / "database"))
        assert len(ranges.measure(store, database, seed=1, rounds=1)) == 3
        database.connection.execute("UPDATE symbols SET name = 'get_other' WHERE name = 'get_alpha'")
        with pytest.raises(ValueError, match="terms of a prefix: SQLite answers otherwise"):
            ranges.measure(store, database, seed=1, rounds=1)
        database.close()
