"""Queries and limits at which Tantivy would end the process: each has an error or an answer instead."""

import pytest
from tests.support.processes import run

from diptych import CheckpointPolicy, FileRecord, InvalidArgumentError, QueryError, Range, Store, Symbol

MANUAL = CheckpointPolicy(automatic=False)


@pytest.fixture(params=["published", "overlay"])
def store(tmp_path, request):
    with Store.open(tmp_path / "s", policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(FileRecord("a.py", "h", "", [Symbol("parse", "function", Range(0, 0, 1, 0))]))
        if request.param == "published":
            store.checkpoint()
        yield store


@pytest.mark.parametrize(
    "query",
    ["(parse " * 25 + ")" * 25, "(parse " * 900 + ")" * 900, "(parse OR a b AND " * 6 + "c" + ")^2" * 6],
)
def test_a_query_too_deep_is_a_query_error(store, query):
    with pytest.raises(QueryError, match="more than 24 levels"):
        store.search(query)


@pytest.mark.parametrize("query", ["(" * 50_000, "(a " * 50_000 + ")" * 50_000, "NOT " * 50_000 + "parse"])
def test_a_query_too_long_is_a_query_error(store, query):
    with pytest.raises(QueryError):
        store.search(query)


@pytest.mark.parametrize("query", ["(" * 30_000 + "parse" + ")" * 30_000, "NOT " * 15_000 + "parse"])
def test_what_asks_for_one_thing_however_it_is_wrapped_is_answered(store, query):
    assert [hit.path for hit in store.search(query)] == ["a.py"]


_SMALL_STACK = """
import sys, threading
from diptych import Store
with Store.open(sys.argv[1], read_only=True) as store:
    found = []
    threading.stack_size(512 * 1024)
    for query in sys.argv[2:]:
        thread = threading.Thread(target=lambda: found.append([hit.path for hit in store.search(query)]))
        thread.start()
        thread.join()
    print(found)
"""


def test_the_deepest_queries_are_answered_on_a_small_stack(store, monkeypatch):
    """In a process of its own, where no thread gets the larger stack of one that has ended."""
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.pthread.stack_cache_size=0")
    forms = [("(parse ", ")", 20), ("(parse ", ")^2", 10), ("(parse OR a b AND ", ")^2", 5)]
    queries = [before * depth + "c" + after * depth for before, after, depth in forms]
    assert run(_SMALL_STACK, store.path, *queries) == "[['a.py'], ['a.py'], ['a.py']]\n"


@pytest.mark.parametrize("limit", [10**12, 2**63, 2**64])
def test_a_limit_beyond_all_memory_is_answered(store, limit):
    assert [hit.path for hit in store.search("parse", limit=limit)] == ["a.py"]


def test_a_limit_that_is_no_integer_is_the_callers_mistake(store):
    with pytest.raises(InvalidArgumentError):
        store.search("parse", limit=2.5)
    assert store.recovery == []
