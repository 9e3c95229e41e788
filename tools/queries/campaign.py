"""Stores of random things, and random queries: what is found, in which order, how it is paged and counted."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from typing import Any
from unittest import mock

from diptych import CheckpointPolicy, QueryError, RecordStore
from diptych.search.query import compile as compiling
from tools.queries.evaluate import expected
from tools.queries.language import Query, random_query, written
from tools.queries.things import THINGS, Thing, random_things

_ALL = 1_000
# What can be read in two ways is refused: the generator does not avoid it.
_REFUSED = ("two ways", "runs backwards", "no letter and no digit", "is no range")


class DifferenceError(AssertionError):
    """An answer is not what the evaluator says."""


def run(seed: int, count: int) -> Counter[str]:
    """Ask `count` queries of one store. Raises DifferenceError."""
    chance = random.Random(seed)
    done: Counter[str] = Counter()
    # The order of few hits, and that of many.
    most = chance.choice((0, compiling.ALL_WEIGHTED_MAX))
    with mock.patch.object(compiling, "ALL_WEIGHTED_MAX", most), tempfile.TemporaryDirectory() as folder:
        policy = CheckpointPolicy(automatic=False)
        with RecordStore.open_with(f"{folder}/s", THINGS, durability="buffered", policy=policy) as store:
            for things in _states(chance, store):
                for _ in range(-(-count // 3)):
                    query = random_query(chance)
                    done[_compared(store, query, things, chance, seed)] += 1
    return done


def _states(chance: random.Random, store: RecordStore[Thing]) -> Iterator[list[Thing]]:
    """In memory only; published; published, with things replaced and removed in memory."""
    there = {thing.key: thing for thing in random_things(chance, chance.randrange(1, 12))}
    _put(store, there, [])
    yield list(there.values())
    store.checkpoint()
    yield list(there.values())
    removed = [key for key in there if chance.random() < 0.3]
    changed = {thing.key: thing for thing in random_things(chance, chance.randrange(1, 12))}
    removed = [key for key in removed if key not in changed]
    _put(store, changed, removed)
    there = {key: thing for key, thing in {**there, **changed}.items() if key not in removed}
    yield list(there.values())


def _put(store: RecordStore[Thing], things: dict[str, Thing], removed: list[str]) -> None:
    with store.transaction() as txn:
        for thing in things.values():
            txn.put(thing)
        for key in removed:
            txn.remove(key)


def _compared(
    store: RecordStore[Thing], query: Query, things: list[Thing], chance: random.Random, seed: int
) -> str:
    """Compare all that can be asked of one query; "found", "nothing" or "refused". Raises DifferenceError."""
    text = written(query)
    try:
        hits = store.search(text, limit=_ALL)
    except QueryError as error:
        if not any(reason in error.message for reason in _REFUSED):
            raise
        return "refused"
    wanted = expected(query, things)

    def check(what: str, found: Any, right: Any) -> None:
        if found != right:
            raise DifferenceError(
                f"seed {seed}, {what} of {text!r}: {found!r:.500} instead of {right!r:.500}"
            )

    check("hits", sorted(hit[:2] for hit in hits), wanted)
    check("order", list(hits), sorted(hits, key=lambda hit: (-hit[2], hit[0], hit[1])))
    check("total", hits.total, len(wanted))
    check("count", store.count(text), len(wanted))
    size = chance.randrange(1, 8)
    with store.view() as view:
        pages = [hit for at in range(0, len(wanted) + 1, size) for hit in view.search(text, size, at)]
        check("pages", pages, list(view.search(text, limit=_ALL)))
        if chance.random() < 0.2:
            _compare_groups(view.facets(text, ["tag", "first"]), wanted, things, check)
            _compare_order(view, text, wanted, things, check)
    return "found" if wanted else "nothing"


def _compare_groups(
    facets: dict[str, dict[str, int]], wanted: list[tuple[str, int]], things: list[Thing], check: Any
) -> None:
    documents = {thing.key: thing.documents for thing in things}
    tags = Counter(tag for key, item in wanted for tag in documents[key][item].get("tag", []))
    check("tags", facets, {"tag": dict(tags), "first": dict(Counter(key[0] for key, _ in wanted))})


def _compare_order(
    view: Any, text: str, wanted: list[tuple[str, int]], things: list[Thing], check: Any
) -> None:
    documents = {thing.key: thing.documents for thing in things}
    for name in ("ratio", "-modified"):
        sign = -1 if name[0] == "-" else 1

        def place(found: tuple[str, int], name: str = name, sign: int = sign) -> Any:
            value = documents[found[0]][found[1]].get(name.lstrip("-"))
            number = 0 if value is None else value if sign > 0 else -value.timestamp()
            return value is None, number, found

        found = [hit[:2] for hit in view.search(text, _ALL, order_by=name)]
        check(f"order by {name}", found, sorted(wanted, key=place))
