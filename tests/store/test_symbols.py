"""Symbols whose name is not known exactly, in memory and published."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from string import ascii_lowercase

import pytest
from tools.queries.evaluate import distance

from diptych import CheckpointPolicy, FileRecord, InvalidArgumentError, Range, Store, Symbol
from diptych.store.symbols import Match

MANUAL = CheckpointPolicy(automatic=False)
LONG = "long_Name" * 30


def _symbols(names: list[str], kind: str = "function", container: str = "") -> list[Symbol]:
    return [Symbol(name, kind, Range(line, 0, line, 5), container) for line, name in enumerate(names)]


@pytest.fixture(params=["in memory", "published"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    letters = ascii_lowercase.replace("z", "")
    near = [f"par{a}{b}{c}" for a in letters for b in ascii_lowercase for c in ("", "e")]
    records = [
        FileRecord("src/near.py", "h", "python", _symbols(near)),
        # Variables of tests weigh least.
        FileRecord("tests/test_it.py", "h", "python", _symbols(["pazze", "PaRze"], "variable")),
        FileRecord("json/decoder.py", "h", "python", _symbols(["JSONDecoder"], "class")),
        FileRecord("json/decoder.py.d", "h", "python", _symbols(["decode"], "method", "JSONDecoder")),
        FileRecord("other.py", "h", "python", _symbols(["JSONDecoder", "decode"])),
        FileRecord("long.py", "h", "python", _symbols([LONG, LONG + "More", "_" * 300])),
    ]
    with Store.open(tmp_path / "s", policy=MANUAL) as store:
        with store.transaction() as txn:
            for record in records:
                txn.index_file(record)
        if request.param == "published":
            store.checkpoint()
        yield store


def _found(store: Store, name: str, match: Match, limit: int = 20) -> list[tuple[str, str]]:
    return [(hit.path, hit.symbol.name) for hit in store.find_symbols(name, match, limit=limit)]


def test_the_fewest_typing_errors_come_first_whatever_a_symbol_weighs(store: Store) -> None:
    found = _found(store, "parze", "fuzzy", 2_000)
    errors = [distance("parze", name.lower()) for _, name in found]
    assert found[0] == ("tests/test_it.py", "PaRze")
    assert errors == sorted(errors)
    assert ("tests/test_it.py", "pazze") in found
    assert len(found) == len(set(found)) > 1_000
    assert _found(store, "parze", "fuzzy", 3) == found[:3]


@pytest.mark.parametrize("match", ["ignore-case", "prefix", "fuzzy"])
def test_a_long_name_is_found(store: Store, match: Match) -> None:
    for name in (LONG, LONG.upper()):
        found = [name for _, name in _found(store, name, match)]
        assert found == ([LONG, LONG + "More"] if match == "prefix" else [LONG])
    assert _found(store, LONG + "x", match) == []


def test_a_long_name_is_found_by_its_beginning(store: Store) -> None:
    assert len(_found(store, "LONG_name", "prefix")) == 2
    assert _found(store, LONG + "m", "prefix") == [("long.py", LONG + "More")]
    assert _found(store, "_" * 300, "ignore-case") == [("long.py", "_" * 300)]
    assert _found(store, "é" * 300, "prefix") == []


@pytest.mark.parametrize(
    ("name", "match", "path"),
    [
        ("json.jsondecoder", "ignore-case", "json/decoder.py"),
        ("JSON::Decoder::JSONDec", "prefix", "json/decoder.py"),
        ("json.JSONDecodr", "fuzzy", "json/decoder.py"),
        ("jsondecoder.DECODE", "ignore-case", "json/decoder.py.d"),
        ("yaml.jsondecoder", "ignore-case", None),
    ],
)
def test_a_qualified_name_matches_as_its_last_part_does(
    store: Store, name: str, match: Match, path: str | None
) -> None:
    assert [path for path, _ in _found(store, name, match)] == ([] if path is None else [path])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("JSONDecoder", ["JSONDecoder"] * 2),
        ("jsondec", ["JSONDecoder"] * 2),
        ("JD", ["JSONDecoder"] * 2),
        ("JDec", ["JSONDecoder"] * 2),
        ("jsdcdr", ["JSONDecoder"] * 2),
        ("json.jdec", ["JSONDecoder"]),
        ("pazze", ["pazze"]),
        ("((", []),
        ("", []),
    ],
)
def test_symbols_are_found_as_they_are_typed(store: Store, text: str, names: list[str]) -> None:
    with store.view() as view:
        assert [hit.symbol.name for hit in view.symbols_like(text)] == names


def test_what_was_replaced_is_not_like_anything(store: Store) -> None:
    with store.transaction() as txn:
        txn.index_file(FileRecord("json/decoder.py", "h", "python", _symbols(["JSONReader"], "class")))
        txn.remove_file("other.py")
    with store.view() as view:
        assert view.symbols_like("JSONDec") == []
        assert [hit.path for hit in view.symbols_like("JSONR")] == ["json/decoder.py"]
        with store.transaction() as txn:
            txn.index_file(FileRecord("later.py", "h", "python", _symbols(["JSONRow"])))
        assert [hit.symbol.name for hit in view.symbols_like("JSONR")] == ["JSONReader"]
    with store.view() as view:
        assert [hit.symbol.name for hit in view.symbols_like("JSONR")] == ["JSONRow", "JSONReader"]


def test_hits_that_are_remembered_are_those_of_their_view(store: Store) -> None:
    with store.view() as before:
        for _ in range(2):
            assert [hit.path for hit in before.symbols_like("JSONDecoder")] == [
                "json/decoder.py",
                "other.py",
            ]
        with store.transaction() as txn:
            txn.remove_file("other.py")
            txn.index_file(FileRecord("b.py", "h", "python", _symbols(["JSONDecoder", "jsonDecoder"])))
        assert len(before.symbols_like("JSONDecoder")) == 2
    with store.view() as view:
        found = [(hit.path, hit.symbol.name) for hit in view.symbols_like("JSONDecoder")]
    assert found == [("b.py", "JSONDecoder"), ("json/decoder.py", "JSONDecoder"), ("b.py", "jsonDecoder")]


def test_of_a_name_of_many_as_many_are_found_as_are_asked_for(store: Store) -> None:
    with store.transaction() as txn:
        for number in range(70):
            txn.index_file(FileRecord(f"many/{number:02}.py", "h", "python", _symbols(["tooMany"])))
    store.checkpoint()
    paths = [f"many/{number:02}.py" for number in range(70)]
    with store.view() as view:
        for limit in (64, 66, 70, 64):
            found = [hit.path for hit in view.symbols_like("tooMany", limit=limit)]
            assert found == paths[:limit]
    with store.transaction() as txn:
        txn.remove_file("many/03.py")
        txn.index_file(FileRecord("many/00a.py", "h", "python", _symbols(["tooMany"])))
    paths = ["many/00.py", "many/00a.py", "many/01.py", "many/02.py", *paths[4:]]
    with store.view() as view:
        for limit in (64, 66, 70, 64):
            found = [hit.path for hit in view.symbols_like("tooMany", limit=limit)]
            assert found == paths[:limit]


def test_own_code_comes_before_tests_among_names_that_are_alike(store: Store) -> None:
    with store.view() as view:
        paths = [hit.path for hit in view.symbols_like("PA", limit=30)]
    assert len(paths) == 30 and paths == sorted(paths, key=lambda path: path.startswith("tests/"))
    with pytest.raises(InvalidArgumentError, match="a name is a str"), store.view() as view:
        view.symbols_like(b"x")  # type: ignore[arg-type]


def test_damaged_terms_are_read_from_the_records(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s", policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(FileRecord("a.py", "h", "python", _symbols(["getUserName", "gone"])))
        store.checkpoint()
        [records] = (tmp_path / "s/segments").glob("*/records.msgpack")
        data = bytearray(records.read_bytes())
        # The last that there is of the name: the sorted terms.
        at = data.rindex(b"getUserName")
        data[at] ^= 1
        records.write_bytes(data)
    with Store.open(tmp_path / "s", read_only=True) as store, store.view() as view:
        assert [hit.symbol.name for hit in view.symbols_like("gUN")] == ["getUserName"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # A file of that name is no class, where there is one.
        ("K.solo", ["b.cpp"]),
        ("k.solo", ["b.cpp"]),
        ("Other.solo", ["k.cpp"]),
        ("lib.k.Other.solo", []),
        ("src.K.solo", ["src/k.cpp"]),
        ("Z.duo", ["b.cpp"]),
        ("b.duo", ["b.cpp"]),
        ("K.duo", ["b.cpp"]),
        # A module's function, and what its class has where there is nothing better.
        ("k.make", ["k.cpp"]),
        ("k.only", ["k.cpp"]),
    ],
)
def test_a_qualified_name_is_of_its_class_before_a_file_of_that_name(
    name: str, expected: list[str], tmp_path: Path
) -> None:
    records = [
        FileRecord(
            "k.cpp", "h", "cpp", [*_symbols(["solo", "only"], "method", "Other"), *_symbols(["make"])]
        ),
        FileRecord("src/k.cpp", "h", "cpp", _symbols(["solo"], "method", "Third")),
        FileRecord(
            "b.cpp",
            "h",
            "cpp",
            [*_symbols(["solo", "duo"], "method", "K"), *_symbols(["duo"], "method", "Z")],
        ),
    ]
    with Store.open(tmp_path / "s", policy=MANUAL) as store:
        with store.transaction() as txn:
            for record in records:
                txn.index_file(record)
        found = [hit.path for hit in store.symbols(name)]
    assert list(dict.fromkeys(found)) == expected
