"""Results: pages, totals, groups, orders, snippets and filters, in memory and published."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from tools.queries.things import THINGS, Thing, ThingSchema

from diptych import (
    CheckpointPolicy,
    Field,
    FileRecord,
    Hits,
    InvalidArgumentError,
    InvalidRecordError,
    Number,
    Range,
    RecordStore,
    Store,
    Symbol,
    Text,
)
from diptych.search.query import compile as compiling
from diptych.search.query import nodes
from diptych.search.query.operands import Operands

MANUAL = CheckpointPolicy(automatic=False)
WHERE = Range(0, 0, 1, 0)


@pytest.fixture(params=["in memory", "published"])
def store(request: Any, tmp_path: Path) -> Any:
    """Thirty files with the same two symbols."""
    symbols = [
        Symbol("parseText", "function", WHERE, documentation="Some words, then parse and the rest. " * 9),
        Symbol("Parser", "class", WHERE),
    ]
    with Store.open(tmp_path / "s", policy=MANUAL) as opened:
        with opened.transaction() as txn:
            for number in range(30):
                language = "python" if number % 3 else "rust"
                txn.index_file(FileRecord(f"d{number % 2}/{number:02}", "h", language, symbols))
        if request.param == "published":
            opened.checkpoint()
        yield opened


def test_pages_of_hits_that_are_alike_are_in_path_order_without_gaps(store: Store) -> None:
    hits = store.search("name:parse", limit=100)
    assert isinstance(hits, Hits) and hits.total == len(hits) == 30
    assert [hit.path for hit in hits] == sorted(hit.path for hit in hits)
    assert [hit for at in range(0, 40, 7) for hit in store.search("name:parse", 7, at)] == hits
    assert store.search("name:parse", 7, 28).total == store.search("name:parse", 7, 35).total == 30
    assert store.search("name:parse", 1, 2**70) == [] and store.search("none").total == 0


@pytest.mark.parametrize("all_weighted_max", [0, compiling.ALL_WEIGHTED_MAX])
def test_ranked_hits_fit_into_pages_beyond_what_is_ranked(
    store: Store, monkeypatch: pytest.MonkeyPatch, all_weighted_max: int
) -> None:
    monkeypatch.setattr(compiling, "ALL_WEIGHTED_MAX", all_weighted_max)
    with store.transaction() as txn:
        for number in range(150):
            names = [f"parse{number % 7}", "parse" if number % 50 == 0 else f"text_{number}"]
            text = "parse " * (number % 5)
            symbols = [Symbol(name, "function", WHERE, documentation=text) for name in names]
            txn.index_file(FileRecord(f"e/{number:03}", "h", "python", symbols))
    for query, first in (("parse", "parse"), ("parse text", "parseText"), ("e.parse", "parse")):
        hits = store.search(query, limit=1_000)
        assert len(hits) == hits.total == store.count(query) > 150
        assert len({(hit.path, hit.symbol) for hit in hits}) == len(hits)
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
        assert [hit for at in range(0, len(hits), 37) for hit in store.search(query, 37, at)] == hits
        # A name that is asked for comes first, with however many words another matches.
        assert {hit.symbol.name for hit in hits[:3]} == {first}


def test_words_inside_other_groups_of_alternatives_are_scored_as_those_beside_them(store: Store) -> None:
    nested = store.search("(parse OR (rest^3 OR text)^2) OR words", limit=100)
    assert nested == store.search("parse OR rest^6 OR text^2 OR words", limit=100) and len(nested) == 30


def test_the_same_query_finds_what_was_committed_since(store: Store) -> None:
    for number in range(3):
        before = len(store.search("zebra"))
        with store.transaction() as txn:
            txn.index_file(FileRecord(f"z/{number}", "h", "python", [Symbol("zebra", "class", WHERE)]))
        assert len(store.search("zebra")) == before + 1 == store.count("zebra")


def test_queries_that_differ_in_their_operators_alone_find_what_each_says(store: Store) -> None:
    for asked in range(2):
        assert store.count("rest AND name:pars*") == 30, asked
        assert store.count("rest AND name:/pars/") == 0, asked
        assert store.count("rest AND name:/pars.*/") == 30, asked


def test_nodes_of_different_kinds_are_never_equal() -> None:
    word = nodes.Words("name", ("parse",))
    pairs = [nodes.Prefix("name", "parse"), nodes.Pattern("name", "parse"), nodes.Named("exact", "parse")]
    values = [nodes.Fuzzy("size", "a", 1), nodes.Between("size", 0, 1), nodes.Within("a")]
    others = [nodes.Boosted(word, 1.0), nodes.Scored(word, 1.0), nodes.Everything(), nodes.Nothing()]
    kinds = {type(node) for node in (word, *pairs, *values, *others)} | {nodes.Clauses}
    assert kinds == set(get_args(nodes.Node))
    assert all(len({node[-1] for node in group}) == len(group) for group in (pairs, values, others))


def test_hits_are_counted_and_grouped(store: Store) -> None:
    assert store.count("parse OR parser") == 60
    assert store.facets("kind:class", ["language", "folder", "kind"]) == {
        "language": {"python": 20, "rust": 10},
        "folder": {"d0": 15, "d1": 15},
        "kind": {"class": 30},
    }
    assert store.count("*", filters={"kind": ["class", "enum"], "language": "rust"}) == 10
    with pytest.raises(InvalidArgumentError, match="no exact field 'name'"):
        store.count("*", filters={"name": "x"})


def test_snippets_mark_the_words_that_were_asked_for(store: Store) -> None:
    hits = store.search("parse", limit=2, snippets="documentation")
    for snippet in hits.snippets:
        assert {snippet.text[begin:end] for begin, end in snippet.marks} == {"parse"}
    assert len(hits.snippets) == 2
    with pytest.raises(InvalidArgumentError, match="no snippets"):
        store.search("parse", snippets="kind")


def test_plain_words_are_found_whatever_surrounds_them(store: Store) -> None:
    for text in ("parseText(", '"parse text', "a:b [parse_text", "\ud800 parsetext", "NOT -parseText AND"):
        assert store.search(text, plain=True)[0].symbol.name == "parseText", text
    assert store.search("()", plain=True) == [] and store.search("", plain=True) == []
    assert store.count("parse " * 5_000, plain=True) == 30


def test_no_more_words_of_a_plain_text_are_read_than_are_searched_for(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    words: list[str] = []
    word = Operands.word

    def counted(self: Operands, field: str | None, text: str) -> Any:
        words.append(text)
        return word(self, field, text)

    monkeypatch.setattr(Operands, "word", counted)
    joined = ".".join(f"w{number}" for number in range(10_000))
    assert store.count(joined + ".parse", plain=True) == 0
    assert len(words) == 256
    assert store.count("parse." + joined, plain=True) == 30
    assert store.count("(" * 99_990 + " parse", plain=True) == 30
    assert store.count("(" * 100_000 + " parse", plain=True) == 0


def test_a_field_that_cannot_be_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="cannot hold 'number'"):
        Field("modified", "number")
    with pytest.raises(InvalidArgumentError, match="no name for a field"):
        Text("_key")

    def schema(**members: Any) -> None:
        type("Wrong", (ThingSchema,), members)

    with pytest.raises(InvalidArgumentError, match="two fields"):
        schema(fields=(Text("name"), Number("name")))
    with pytest.raises(InvalidArgumentError, match="no field 'body'"):
        schema(default_fields={"body": 1.0})
    with pytest.raises(InvalidArgumentError, match="has no words"):
        schema(default_fields={"size": 1.0})
    with pytest.raises(InvalidArgumentError, match="not exact"):
        schema(any_case_fields=frozenset(("name",)))


def test_the_fingerprint_of_a_schema_is_what_it_was() -> None:
    assert repr(Text("a")) == "Field(name='a', tokens='code')"


@pytest.mark.parametrize(
    "document",
    [
        {"size": "5"},
        {"size": 2**63},
        {"size": True},
        {"ratio": float("nan")},
        {"modified": datetime(2024, 1, 1)},
        {"done": 1},
        {"name": 5},
        {"name": b"five"},
        {"name": ["five", 5]},
        {"kind": datetime(2024, 1, 1)},
    ],
)
def test_a_value_of_another_type_is_refused(document: dict[str, Any]) -> None:
    from diptych.search.documents import item_documents

    with pytest.raises(InvalidRecordError, match="in the field"):
        list(item_documents(THINGS, b"k", [(0, document)]))


@pytest.mark.parametrize("weight", [-1, 2**64, 1.5, "1"])
def test_a_weight_that_is_none_is_refused(weight: Any) -> None:
    from diptych.search.documents import item_documents

    with pytest.raises(InvalidRecordError, match="_weight"):
        list(item_documents(THINGS, b"k", [(0, {"_weight": weight})]))


def test_any_text_is_found_as_it_was_written(tmp_path: Path) -> None:
    texts = ['a "quoted" \\ word', "control \x00\x1f\x7f", "line\nbreak\u2028", "emoji 😀 \uffff", "{}[],:"]
    with RecordStore.open_with(tmp_path / "s", THINGS, policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.put(Thing("t", tuple({"kind": text, "name": text} for text in texts)))
        for _ in ("overlay", "segment"):
            assert store.facets("kind:*", ["kind"]) == {"kind": dict.fromkeys(sorted(texts), 1)}
            store.checkpoint()
        assert [hit[:2] for hit in store.search("quoted")] == [("t", 0)]


def test_hits_are_ordered_by_a_date(tmp_path: Path) -> None:
    with RecordStore.open_with(tmp_path / "s", THINGS, policy=MANUAL) as store:
        with store.transaction() as txn:
            for month in (3, 1, 2):
                dates = {"modified": datetime(2024, month, 1, tzinfo=UTC), "name": "x"}
                txn.put(Thing(f"m{month}", (dates, {"name": "x"})))
        found = [hit[:2] for hit in store.search("x", order_by="-modified")]
        assert found == [("m3", 0), ("m2", 0), ("m1", 0), ("m1", 1), ("m2", 1), ("m3", 1)]
        assert [hit[0] for hit in store.search("modified:2024-02")] == ["m2"]
        assert [hit[0] for hit in store.search("modified:>2024-02")] == ["m3"]
