"""Queries and limits at which Tantivy would end the process: each has an error or an answer instead."""

import threading

import pytest
from tests.support.waiting import join

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


@pytest.mark.parametrize("query", ["(" * 50_000, "NOT " * 50_000 + "a", "(a " * 50_000 + ")" * 50_000])
def test_a_query_too_deep_is_a_query_error(store, query):
    with pytest.raises(QueryError, match="more than 200"):
        store.search(query)


def test_the_deepest_query_is_answered_on_a_small_stack(store):
    store.search("parse")
    found = []
    before = threading.stack_size(512 * 1024)
    try:
        thread = threading.Thread(target=lambda: found.append(store.search("(parse " * 200 + ")" * 200)))
        thread.start()
    finally:
        threading.stack_size(before)
    join(thread)
    assert [hit.path for hit in found[0]] == ["a.py"]


@pytest.mark.parametrize("limit", [10**12, 2**63, 2**64])
def test_a_limit_beyond_all_memory_is_answered(store, limit):
    assert [hit.path for hit in store.search("parse", limit=limit)] == ["a.py"]


def test_a_limit_that_is_no_integer_is_the_callers_mistake(store):
    with pytest.raises(InvalidArgumentError):
        store.search("parse", limit=2.5)
    assert store.recovery == []
