"""Queries against an evaluator that looks at every document: the same hits, in memory and published."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tools.queries.campaign import run
from tools.queries.evaluate import split
from tools.queries.things import PARTS, STEMS

from diptych import CheckpointPolicy, FileRecord, QueryError, Range, Store, Symbol
from diptych.search.words import parts_of, stems_of, words_of

MANUAL = CheckpointPolicy(automatic=False)
LONG = "checks" * 9


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32))
def test_a_query_finds_what_it_says(seed: int) -> None:
    # In memory, published, and published with replaced and removed records in memory.
    assert run(seed, 60).total() == 60


def test_the_words_of_the_evaluator_are_tantivys() -> None:
    for text in [*PARTS, "parse_the", "std::parse<int>", "a.b(c)", "Übung über"]:
        assert list(words_of(text)) == split(text)
    for word, wanted in STEMS.items():
        assert stems_of(word) == (wanted,)
    for word, parts in PARTS.items():
        assert parts_of(word).lower().split() == parts


@pytest.mark.parametrize(
    ("identifier", "parts"),
    [
        ("getUserName", "get User Name"),
        ("HTTPServer2", "HTTP Server 2"),
        ("parseURL", "parse URL"),
        ("utf8", "utf 8"),
        ("parse", ""),
        ("PARSE", ""),
        ("überName", "über Name"),
    ],
)
def test_the_words_inside_an_identifier(identifier: str, parts: str) -> None:
    assert parts_of(identifier) == parts


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
    "/x": "not closed",
    "//": "nothing between",
    "/x/y": "without a space",
    "/^x/": "not needed",
    "/x$/": "not needed",
    "/a b/": "in no word",
    "/a(?=b)/": "no meaning here",
    "/\\bx/": "no meaning here",
    "/(a/": "not closed",
    "/a)/": "closes nothing",
    "/*a/": "nothing to repeat",
    "/a**/": "nothing to repeat",
    "/a{1000}/": "more than 100 repeats",
    "/a{2,1}/": "runs backwards",
    "/[z-a]/": "runs backwards",
    "/[]/": "nothing between",
    "/[a/": "not closed",
    "/" + "a" * 300 + "/": "256 characters",
    "/(((a{100}){100}){100})/": "state",
    "/a/ " * 17: "16 regular expressions",
    "a* " * 65: r"64 words with \* or ~",
    "a* abc~ kind:* " * 22: r"64 words with \* or ~",
    "(" * 100_000 + "a" + ")" * 100_000: "65,536 characters",
    "a" + " " * 65_536: "65,536 characters",
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
    "kind:class a OR c": "two ways",
    "a -b OR c": "two ways",
    "a NOT b OR c": "two ways",
    "+a OR b": "two ways",
    "(kind:class) a OR b": "two ways",
    "(kind:class language:rust) kind:enum a": "two ways",
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
    "a && b": "&& in `&&` is no operator",
    "a NOT/x/": "NOT has no space after it",
    "a NOT-b": "NOT has no space after it",
    "a NOT'b'": "NOT has no space after it",
    "AND/OR": "AND has no space after it",
    "name:OR-b": "OR has no space after it",
    "!a": "! in `!a` is no operator",
    "a !b": "! in `!b` is no operator",
    "a !": "! in `!` is no operator",
    "name:!a": "is no operator",
    "kind:IN [!class]": "is no operator",
    "a&&b": "&& in `a&&b` is no operator",
    "a||b": r"\|\| in `a\|\|b` is no operator",
    "soc?et": r"\? in `soc\?et` is no operator",
    "?ocket": r"\? in `\?ocket` is no operator",
    "kind:IN []": "empty",
    "kind:IN [a": "not closed",
    "kind:IN [,]": "empty",
    "kind:class,function": "holds a comma",
    "kind:class, parse": "holds a comma",
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
        ("\\!parse", 2),
        ("parse!", 2),
        ("parse?", 2),
        ("'!parse'", 2),
        ("NOT_parse", 0),
        ("\\NOT-parse", 0),
        ('name:"parse" AND kind: class', 1),
        ("'parse'^3", 2),
        ("~parse", 2),
        ("name:(parse AND NOT other)", 2),
        ("kind:IN [class function]", 2),
        ("kind:IN [class, function] parse", 2),
        ("kind:IN [enum,class]", 1),
        ("kind:IN ['class, function']", 0),
        ("name:IN [socket, pars*, x]", 2),
        ("kind:class socket", 0),
        ("kind:class parse socket", 1),
        ("kind:class kind:function parse", 2),
        ("kind:class language:rust", 0),
        ("(kind:class) parse", 1),
        ("(kind:class OR kind:enum) parse", 1),
        ("(kind:class OR kind:enum)^2 parse socket", 1),
        ("((kind:class)) socket", 0),
        ("(kind:class kind:enum) (kind:function) parse", 2),
        ("(NOT kind:class) parse", 1),
        ("(kind:class language:rust) parse", 0),
        ("(kind:class OR language:rust) parse", 1),
        ("(kind:class language:python) (kind:function language:python) parse", 2),
        ("kind:class AND language:rust parse", 0),
        ("kind:class AND language:python parse", 1),
        ("(kind:class OR socket) parse", 2),
        ("(kind:class OR kind:enum) (name:socket)", 0),
        ("name:parse path:a", 2),
        ("+parse kind:class", 1),
        ("/par(s|z)e?/", 2),
        ("kind:/CL.*/", 1),
        ("path:/a|b/ AND /[p-q]\\w+/", 2),
        ("a.parse", 2),
        ("b.parse", 0),
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


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("/[А-Я]+/", "Привет"),
        ("/[а-я]+/", "Привет"),
        ("/[^А-Я].*/", "काम"),
        ("/का.*/", "काम"),
        ("/[À-Ý]b/", "Éb"),
        ("kind:/[А-Я]+/", "Éb"),
    ],
)
def test_an_expression_has_letters_of_any_script(tmp_path: Any, query: str, found: str) -> None:
    names = {"Привет": "a", "काम": "b", "Éb": "вид"}
    symbols = [Symbol(name, kind, Range(0, 0, 1, 0)) for name, kind in names.items()]
    with Store.open(tmp_path / "s", policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(FileRecord("a.py", "h", "python", symbols))
        names_found = {hit.symbol.name for hit in store.search(query)}
    assert found in names_found
    assert len(names_found) == (2 if "^" in query else 1)
