"""A query that parses and cannot be run: the query's fault, for which no leaf is built anew."""

import pytest

from diptych import CheckpointPolicy, FileRecord, QueryError, Range, Store, Symbol

MANUAL = CheckpointPolicy(automatic=False)
QUERIES = ["_key:*", "nosuch:*", "_stored:* OR parse"]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("published", [True, False])
def test_a_query_that_cannot_be_run_is_a_query_error(tmp_path, query, published):
    with Store.open(tmp_path / "s", policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(FileRecord("a.py", "h", "", [Symbol("parse", "function", Range(0, 0, 1, 0))]))
        if published:
            store.checkpoint()
        before = store.stats().generations
        with pytest.raises(QueryError):
            store.search(query)
        assert store.stats().generations == before
        assert store.recovery == []
        assert len(store.search("parse")) == 1
