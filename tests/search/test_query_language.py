"""Queries against an evaluator that looks at every document: the same hits, in memory and published."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diptych import CheckpointPolicy, FileRecord, QueryError, Range, Store, Symbol
from diptych.schema.code import CODE

MANUAL = CheckpointPolicy(automatic=False)
KINDS = ["class", "function", "Class", "type alias"]
LONG = "checks" * 9
WORDS = ["parse", "parser", "pares", "parsing", "Ada", "adaWorks", "the", "thé", "x", "a1", "NOT"]
WORDS += [LONG, LONG + "b"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)
FIELDS = ["name", "kind", "path", "language", "container", "signature", "documentation"]
CODE_FIELDS = [name for name in FIELDS if name not in ("kind", "language")]

symbols = st.builds(
    lambda name, kind, line, *texts: Symbol(name, kind, Range(line, 0, line + 1, 0), *texts),
    st.sampled_from([*WORDS, "parse_the", "std::parse", "operator()"]),
    st.sampled_from(KINDS),
    st.integers(0, 9),
    TEXTS,
    TEXTS,
    TEXTS,
)
records = st.builds(
    lambda path, language, found: FileRecord(path, "0" * 64, language, tuple(found)),
    st.sampled_from(["a.py", "the/parse.py", "x-1.rs", f"{LONG}.py"]),
    st.sampled_from(["python", "Rust", ""]),
    st.lists(symbols, max_size=4),
)
contents = st.lists(records, max_size=5, unique_by=lambda record: record.path)

# -- queries as trees, written down with as few parentheses as the grammar allows ---------------------------

words = st.sampled_from([*WORDS, "PARSE", "work", "b", "parse-the", "std::parse", "none"])
named = st.one_of(st.none(), st.sampled_from(FIELDS))
leaves = st.one_of(
    st.tuples(st.just("word"), named, words),
    st.tuples(
        st.just("word"), st.sampled_from(["kind", "language"]), st.sampled_from([*KINDS, "CLASS", "RUST"])
    ),
    st.tuples(st.just("prefix"), named, st.sampled_from(["par", "p", "thé", "PARS", "checks", LONG, "c"])),
    st.tuples(
        st.just("prefix"), st.sampled_from(["kind", "language"]), st.sampled_from(["cl", "C", "r", "f"])
    ),
    st.tuples(
        st.just("fuzzy"),
        st.one_of(st.none(), st.sampled_from(CODE_FIELDS)),
        st.sampled_from(["prase", "parse", "te", "adaworks", LONG[1:], "aprse"]),
        st.sampled_from([1, 2]),
    ),
    st.tuples(st.just("any"), named),
    st.tuples(st.just("set"), st.sampled_from(FIELDS), st.lists(words, min_size=1, max_size=3).map(tuple)),
)


def _nested(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(children, min_size=2, max_size=3).map(tuple)
    signed = st.lists(
        st.tuples(st.sampled_from(["", "", "+", "-", "NOT "]), children), min_size=1, max_size=4
    )
    return st.one_of(
        st.tuples(st.just("not"), children),
        st.tuples(st.just("and"), several),
        st.tuples(st.just("or"), several),
        st.tuples(st.just("list"), signed.map(tuple)),
        st.tuples(st.just("boost"), children, st.sampled_from(["2", "0.5", ".1"])),
    )


queries = st.recursive(leaves, _nested, max_leaves=8)


def written(query: Any, within: str = "") -> str:
    """The text of a query; `within` says what it stands in."""
    match query:
        case ("word", field, text):
            return _in(field, text if re.fullmatch(r"[\w:-]+", text) and text != "NOT" else f'"{text}"')
        case ("prefix", field, text):
            return _in(field, text + "*")
        case ("fuzzy", field, text, distance):
            return _in(field, f"{text}~{distance}")
        case ("any", field):
            return _in(field, "*")
        case ("set", field, values):
            return f"{field}:IN [" + " ".join(f'"{value}"' for value in values) + "]"
        case ("boost", inner, factor):
            text = f"{written(inner, 'operand')}^{factor}"
            return text if within != "operand" else f"({text})"
        case ("not", inner):
            text = f"NOT {written(inner, 'operand')}"
            return text if within in ("", "and") else f"({text})"
        case ("and", inner):
            text = " AND ".join(written(one, "and") for one in inner)
            return text if within in ("", "or") else f"({text})"
        case ("or", inner):
            text = " OR ".join(written(one, "or") for one in inner)
            return text if within == "" else f"({text})"
        case ("list", inner):
            text = " ".join(sign + written(one, "operand") for sign, one in inner)
            return text if within == "" else f"({text})"
    raise AssertionError(query)


def _in(field: str | None, text: str) -> str:
    return text if field is None else f"{field}:{text}"


# -- what a query means, by looking at each document ---------------------------------------------------------


def split(text: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[^\W_]+", text)]


def matches(query: Any, document: dict[str, str]) -> bool:
    match query:
        case ("word", field, text):
            return any(_has_words(document, name, text) for name in _names(field))
        case ("set", field, values):
            return any(_has_words(document, field, text) for text in values)
        case ("prefix", field, text):
            begin = text.lower()
            return any(
                one.lower().startswith(begin) for name in _names(field) for one in _values(document, name)
            )
        case ("fuzzy", field, text, most):
            wanted = text.lower()
            return any(
                distance(wanted, one) <= most for name in _names(field) for one in _values(document, name)
            )
        case ("any", None):
            return True
        case ("any", field):
            return bool(_values(document, field))
        case ("boost", inner, _):
            return matches(inner, document)
        case ("not", inner):
            return not matches(inner, document)
        case ("and", inner):
            return all(matches(one, document) for one in inner)
        case ("or", inner):
            return any(matches(one, document) for one in inner)
        case ("list", inner):
            required = [matches(one, document) for sign, one in inner if sign == "+"]
            optional = [matches(one, document) for sign, one in inner if sign == ""]
            excluded = [matches(one, document) for sign, one in inner if sign in ("-", "NOT ")]
            return not any(excluded) and all(required) and (bool(required) or not optional or any(optional))
    raise AssertionError(query)


def _names(field: str | None) -> Iterable[str]:
    return [field] if field is not None else list(CODE.default_fields)


def _values(document: dict[str, str], name: str) -> list[str]:
    text = document.get(name, "")
    if name in ("kind", "language"):
        return [text] if text else []
    return split(text)


def _has_words(document: dict[str, str], name: str, text: str) -> bool:
    if name in ("kind", "language"):
        return document.get(name, "").lower() == text.lower()
    wanted, there = split(text), split(document.get(name, ""))
    return any(there[at : at + len(wanted)] == wanted for at in range(len(there) - len(wanted) + 1))


def distance(one: str, other: str) -> int:
    """Insertions, deletions, changes, and exchanges of neighbours."""
    rows = [list(range(len(other) + 1))]
    for i, a in enumerate(one, 1):
        rows.append([i])
        for j, b in enumerate(other, 1):
            best = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                best = min(best, rows[i - 2][j - 2] + 1)
            rows[i].append(best)
    return rows[-1][-1]


def expected(query: Any, stored: Iterable[FileRecord]) -> list[Any]:
    found = []
    for record in stored:
        key, payload = CODE.key_of(record), CODE.pack(record)
        for item, document in CODE.documents(key, payload):
            if matches(query, document):
                found.append(CODE.item(key, payload, item))
    return sorted(found)


def _store(folder: str) -> Store:
    return Store.open(f"{folder}/s", policy=MANUAL, durability="buffered")


def found_by(store: Store, text: str) -> list[Any]:
    return sorted((hit.path, hit.symbol, hit.occurrence) for hit in store.search(text, limit=1000))


@settings(max_examples=60, deadline=None)
@given(contents, contents, st.lists(queries, min_size=8, max_size=40))
def test_a_query_finds_what_it_says(
    first: list[FileRecord], second: list[FileRecord], asked: list[Any]
) -> None:
    with tempfile.TemporaryDirectory() as folder, _store(folder) as store:
        there: dict[str, FileRecord] = {}
        # In memory; published; published, with other records of the same paths in memory.
        for records_now, publish in ((first, False), ([], True), (second, False)):
            if records_now:
                with store.transaction() as txn:
                    for record in records_now:
                        txn.index_file(record)
                        there[record.path] = record
            if publish:
                store.checkpoint()
            for query in asked:
                text = written(query)
                assert found_by(store, text) == expected(query, there.values()), text


def test_the_words_of_the_evaluator_are_tantivys() -> None:
    from diptych.search.words import words_of

    for text in [*WORDS, "parse_the", "std::parse<int>", "a.b(c)", "Übung über"]:
        assert list(words_of(text)) == split(text)


# -- what is refused -----------------------------------------------------------------------------------------

REFUSED = {
    "a:b": "no field `a`; the fields are name, kind",
    "Kind:class": "no field `Kind`",
    "_type:record": "no field `_type`",
    "http://x": "no field `http`",
    ":x": "no field",
    "name:a:b": "colon",
    "name:": "nothing follows name:",
    "name:(kind:class)": "the field kind is named inside name:",
    "name:AND x": "AND stands where",
    "name:-x": "`-` stands where",
    "name:[a TO b]": "range",
    "name:{a TO b}": "range",
    "name:>b": "range",
    "[a": "range",
    "/x/": "regular expression",
    "AND": "AND stands between",
    "a AND": "nothing follows AND",
    "a OR OR b": "OR stands between",
    "NOT": "nothing follows NOT",
    "a NOT AND b": "AND stands between",
    "+NOT a": "`\\+` stands before NOT",
    "NOT +a": "`\\+` stands after NOT",
    "--a": "`-` stands right before",
    "a - b": "`-` stands right before",
    "a -": "`-` stands right before",
    "a -b OR c": "two ways",
    "a NOT b OR c": "two ways",
    "+a OR b": "two ways",
    "(a": "not closed",
    "a)": "closes nothing",
    "()": "nothing between",
    "parse(": "without a space",
    "parse(x)": "without a space",
    'a"b"': "without a space",
    '"a"b': "without a space",
    '"a': "not closed",
    "'a": "not closed",
    '"a b"~2': "takes no ~",
    '"a b"*': "takes no \\*",
    "*a": "not at its end",
    "p*rse": "not at its end",
    "**": "not at its end",
    "a-b*": "one word",
    "a.b~1": "one word",
    "parse~3": "alone or as ~1 or ~2",
    "a~b": "alone or as ~1 or ~2",
    "kind:clas~1": "kind is exact",
    "a^": "number",
    "a^b": "number",
    "a^-1": "number",
    "a^1e3": "without a space",
    "a^99999999": "number",
    "^2": "stands where",
    "::": "no letter and no digit",
    '"()"': "no letter and no digit",
    "a && b": "no letter and no digit",
    "kind:IN []": "empty",
    "kind:IN [a": "not closed",
    "x" * 5000: "4,096 characters",
    "x" * 300 + "*": "256 bytes",
    "x" * 200 + "~": "128 characters",
    "\ud800": "lone surrogate",
    "a " * 1001: "1,000 words",
}


@pytest.mark.parametrize("published", [False, True])
def test_what_is_not_of_the_language_is_refused_with_how_to_write_it(tmp_path: Any, published: bool) -> None:
    with Store.open(tmp_path / "s", policy=MANUAL) as store:
        for empty in (True, False):
            if not empty:
                with store.transaction() as txn:
                    txn.index_file(FileRecord("a.py", "h", "", [Symbol("a", "b", Range(0, 0, 1, 0))]))
                if published:
                    store.checkpoint()
            for query, reason in REFUSED.items():
                with pytest.raises(QueryError, match=reason) as caught:
                    store.search(query)
                assert caught.value.advice, query
        assert store.recovery == []


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("parse", 2),
        ("parse -kind:class", 1),
        ("parse NOT kind:class", 1),
        ("parse AND -kind:class", 1),
        ("parse AND NOT kind:class", 1),
        ("parse AND (NOT kind:class)", 1),
        ("parse AND NOT kind:class OR kind:class", 2),
        ("NOT kind:class", 1),
        ("-kind:class -kind:function", 0),
        ("NOT (parse other)", 0),
        ("NOT NOT parse", 2),
        ("kind:Class", 1),
        ("language:PYTHON", 2),
        ("pars*", 2),
        ("parze~1", 2),
        ("prase~", 2),
        ("\\parse", 2),
        ('name:"parse" AND kind: class', 1),
        ("'parse'^3", 2),
        ("~parse", 2),
        ("name:(parse AND NOT other)", 2),
        ("kind:IN [class function]", 2),
        ("", 0),
    ],
)
def test_queries_of_every_day(tmp_path: Any, query: str, count: int) -> None:
    symbols = [Symbol("parse", "function", Range(0, 0, 1, 0)), Symbol("parse", "class", Range(2, 0, 3, 0))]
    with Store.open(tmp_path / "s", policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(FileRecord("a.py", "h", "python", symbols))
        assert len(store.search(query)) == count
        store.checkpoint()
        assert len(store.search(query)) == count


@pytest.mark.parametrize("depth", [10, 19])
@pytest.mark.parametrize(("before", "after"), [("(a ", ")"), ("NOT ", ""), ("NOT (b OR ", ")"), ("-(", ")")])
def test_a_deep_query_is_answered(tmp_path: Any, depth: int, before: str, after: str) -> None:
    depth //= before.count("NOT") + before.count("(")
    with Store.open(tmp_path / "s", policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(FileRecord("a.py", "h", "", [Symbol("a", "b", Range(0, 0, 1, 0))]))
        found = store.search(before * depth + "a" + after * depth)
        assert len(found) == (1 if before == "(a " or depth % 2 == 0 else 0)
