"""Each language's sample gives exactly these symbols and relations."""

from __future__ import annotations

from pathlib import Path

import pytest

from diptych.indexer.languages import LANGUAGES, language_of, language_of_content, language_of_shebang
from diptych.indexer.parse import record_of
from diptych.model import FileRecord, Range, Relation, Symbol

_SAMPLES = Path(__file__).parent / "samples"
_SOURCES = sorted(path for path in _SAMPLES.iterdir() if path.suffix != ".expected")


def described(record: FileRecord) -> str:
    """A record as text, a line for each symbol and relation: what the `.expected` files hold."""
    lines = [f"language {record.language}"]
    lines += [
        f"{symbol.kind} {symbol.container}|{symbol.name} {place(symbol.range)} "
        f"name {place(symbol.name_range)} `{symbol.signature}` {symbol.documentation!r}"
        for symbol in record.symbols
    ]
    lines += [
        f"{relation.kind} {relation.source or '(file)'} -> {relation.target} {place(relation.range)}"
        for relation in record.relations
    ]
    return "\n".join(lines) + "\n"


def place(range_: Range) -> str:
    return ":".join(map(str, range_))


@pytest.mark.parametrize("source", _SOURCES, ids=lambda path: path.name)
def test_a_sample_gives_exactly_what_is_expected(source: Path) -> None:
    record = record_of(source.name, language_of(source.name), source.read_bytes())
    assert described(record) == (_SAMPLES / f"{source.name}.expected").read_text("utf-8")


def test_every_language_has_a_sample() -> None:
    assert {language_of(path.name) for path in _SOURCES} == set(LANGUAGES)


def test_a_record_holds_the_model_s_types() -> None:
    record = record_of("a.py", "python", b"def f():\n    g()\n")
    assert record.symbols == (
        Symbol("f", "function", Range(0, 0, 1, 7), "", "def f()", "", Range(0, 4, 0, 5)),
    )
    assert record.relations == (Relation("calls", "f", "g", Range(1, 4, 1, 5)),)
    assert isinstance(record.relations[0], Relation)
    assert isinstance(record.relations[0].range, Range)


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("a.py", "python"),
        ("dir.rs/A.PY", "python"),
        ("x.pyi", "python"),
        ("x.tsx", "tsx"),
        ("x.mts", "typescript"),
        ("x.d.ts", "typescript"),
        ("x.C", "cpp"),
        ("x.c", "c"),
        ("x.hpp", "cpp"),
        ("x.h", "c"),
        (".py", ""),
        ("py", ""),
        ("a.py/b", ""),
        ("a.txt", ""),
        ("a.", ""),
        ("\udcff.go", "go"),
    ],
)
def test_the_name_tells_the_language(path: str, language: str) -> None:
    assert language_of(path) == language


@pytest.mark.parametrize(
    ("line", "language"),
    [
        (b"#!/usr/bin/python3\n", "python"),
        (b"#!/usr/bin/env python3.11\nx", "python"),
        (b"#!/usr/bin/env -S LANG=C node --harmony\n", "javascript"),
        (b"#! /usr/bin/python -u", "python"),
        (b"#!/bin/sh\n", "bash"),
        (b"#!/usr/bin/perl\n", ""),
        (b"#!\n", ""),
        (b"#!/usr/bin/env\n", ""),
        (b"python", ""),
        (b"#!/usr/bin/env \xff\n", ""),
    ],
)
def test_the_first_line_of_a_script_tells_the_language(line: bytes, language: str) -> None:
    assert language_of_shebang(line) == language


@pytest.mark.parametrize(
    ("source", "language"),
    [
        (b"struct s { int class_id; };\n", "c"),
        (b"class Shape {\n", "cpp"),
        (b"  namespace a { }", "cpp"),
        (b"template <typename T> T f();", "cpp"),
        (b"public:\n", "cpp"),
        (b"/* a class of things: */ int x;", "c"),
        (b'#ifdef __cplusplus\nextern "C" {\n#endif\nint f(void);\n', "c"),
    ],
)
def test_a_header_is_cpp_when_a_line_can_be_nothing_else(source: bytes, language: str) -> None:
    assert language_of_content("c", source) == language
    assert language_of_content("python", source) == "python"
