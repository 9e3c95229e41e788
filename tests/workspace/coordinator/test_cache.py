"""What is held, what leaves first, and that what left comes back."""

from __future__ import annotations

import threading

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.waiting import join, wait_for

from diptych.model import Symbol
from diptych.workspace.coordinator import Limits, SymbolCache, TreeCache

from .fakes import FakeClock, symbols


def test_the_least_recently_used_tree_leaves_first() -> None:
    cache = TreeCache(Limits(cache_items_max=3), FakeClock())
    for path in ("a", "b", "c"):
        cache.put(path, "hash", f"tree of {path}", 10)
    assert cache.get("a", "hash") == "tree of a"
    cache.put("d", "hash", "tree of d", 10)
    assert cache.paths() == ["c", "a", "d"]
    assert cache.evicted() == {"items": 1}


def test_trees_leave_until_the_bytes_are_within_the_limit() -> None:
    cache = TreeCache(Limits(cache_bytes_max=100), FakeClock())
    for path in ("a", "b", "c"):
        cache.put(path, "hash", path, 30)
    cache.put("d", "hash", "d", 65)
    assert cache.paths() == ["c", "d"]
    assert cache.size_bytes == 95
    assert cache.put("huge", "hash", "x", 101) is False
    assert cache.paths() == ["c", "d"]
    assert cache.evicted() == {"bytes": 2, "too_large": 1}


def test_a_tree_is_never_given_for_other_content() -> None:
    cache = TreeCache(Limits(), FakeClock())
    cache.put("a", "old", "tree", 1)
    assert cache.get("a", "new") is None
    assert cache.get("a", "old") is None, "once the content has changed, the tree is of no use"
    assert cache.evicted() == {"content_changed": 1}
    assert cache.size_bytes == 0


def test_a_tree_lives_five_minutes_however_often_it_is_used() -> None:
    clock = FakeClock()
    cache = TreeCache(Limits(), clock)
    cache.put("a", "hash", "tree", 1)
    clock.advance(299.9)
    assert cache.get("a", "hash") == "tree"
    clock.advance(0.2)
    assert cache.get("a", "hash") is None
    cache.put("b", "hash", "tree", 1)
    clock.advance(300)
    assert (cache.sweep(), len(cache), cache.size_bytes) == (1, 0, 0)
    assert cache.evicted() == {"expired": 2}


def test_a_removed_file_and_a_replaced_tree_free_their_bytes() -> None:
    cache = TreeCache(Limits(), FakeClock())
    cache.put("a", "1", "tree", 7)
    cache.put("a", "2", "tree", 9)
    assert cache.size_bytes == 9
    cache.forget("a")
    assert (cache.size_bytes, len(cache)) == (0, 0)


def test_lower_limits_evict_at_once() -> None:
    cache = TreeCache(Limits(), FakeClock())
    for n in range(10):
        cache.put(str(n), "hash", n, 1)
    cache.set_limits(Limits(cache_items_max=2))
    assert cache.paths() == ["8", "9"]


class Store:
    def __init__(self, counts: dict[str, int]) -> None:
        self.counts = counts
        self.loads: list[str] = []

    def load(self, path: str) -> tuple[Symbol, ...] | None:
        self.loads.append(path)
        return symbols(path, self.counts[path]) if path in self.counts else None


def test_symbols_leave_by_last_access_and_come_back_from_the_store() -> None:
    store = Store({"a": 2, "b": 2, "c": 2, "d": 2})
    cache = SymbolCache(Limits(files_max=3), store.load)
    for path in ("a", "b", "c", "a", "d"):
        cache.get(path)
    assert cache.paths() == ["c", "a", "d"]
    assert cache.peek("b") is None
    assert cache.get("b") == symbols("b", 2)
    assert cache.paths() == ["a", "d", "b"]
    assert store.loads == ["a", "b", "c", "d", "b"]
    assert cache.evicted() == {"files": 2}


def test_a_file_with_too_many_symbols_is_given_whole_and_not_held() -> None:
    store = Store({"small": 3, "large": 6})
    cache = SymbolCache(Limits(symbols_per_file_max=5), store.load)
    cache.get("small")
    assert cache.get("large") == symbols("large", 6)
    assert cache.paths() == ["small"]
    cache.set_limits(Limits(symbols_per_file_max=2))
    assert len(cache) == 0


def test_a_file_that_is_not_in_the_store_is_none_and_not_held() -> None:
    cache = SymbolCache(Limits(), Store({}).load)
    assert cache.get("a") is None
    assert len(cache) == 0


def test_what_was_read_before_a_change_is_not_held_after_it() -> None:
    store = Store({"a": 1})
    read, changed = threading.Event(), threading.Event()
    slow = [True]

    def load(path: str) -> tuple[Symbol, ...] | None:
        loaded = store.load(path)
        if slow.pop() if slow else False:
            read.set()
            wait_for(changed)
        return loaded

    cache = SymbolCache(Limits(), load)
    got: list[object] = []
    reader = threading.Thread(target=lambda: got.append(cache.get("a")))
    reader.start()
    wait_for(read)
    store.counts["a"] = 5
    cache.changed("a")
    changed.set()
    join(reader)
    assert cache.get("a") == symbols("a", 5)
    assert got == [symbols("a", 5)]


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 6),
    st.integers(5, 30),
    st.lists(st.tuples(st.sampled_from(["get", "changed"]), st.sampled_from("abcdefgh")), max_size=60),
)
def test_whatever_is_asked_the_cache_keeps_its_limits_and_tells_the_truth(
    files_max: int, symbols_max: int, calls: list[tuple[str, str]]
) -> None:
    store = Store({path: n for n, path in enumerate("abcdefg")})
    limits = Limits(files_max=files_max, symbols_max=symbols_max, symbols_per_file_max=5)
    cache = SymbolCache(limits, store.load)
    used: list[str] = []
    for call, path in calls:
        if call == "changed":
            cache.changed(path)
            used = [p for p in used if p != path]
        else:
            assert cache.get(path) == (symbols(path, store.counts[path]) if path in store.counts else None)
            used = [*(p for p in used if p != path), path]
        held = cache.paths()
        assert len(held) <= files_max
        assert cache.symbols == sum(store.counts[p] for p in held) <= symbols_max
        holdable = [p for p in used if store.counts.get(p, 99) <= 5]
        assert held == holdable[len(holdable) - len(held) :], "what is held is what was used last"
