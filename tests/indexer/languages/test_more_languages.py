"""The languages of one small query each: definitions, calls, imports and bases."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from diptych.indexer import discover
from diptych.indexer.discover import scan
from diptych.indexer.languages import LANGUAGES, has_parser
from diptych.indexer.settings import Settings

from .extracted import record, relations, symbols


@pytest.mark.parametrize(
    ("language", "source", "expected"),
    [
        (
            "csharp",
            "class K { public int a = 1, b; const int C = 2; public int P => 1; }",
            ["class |K", "field K|a", "field K|b", "constant K|C", "field K|P"],
        ),
        (
            "csharp",
            "namespace A.B { struct S { void M() { int local = 1; } } enum E { X, Y } }",
            [
                "namespace |A.B",
                "struct A.B|S",
                "method A.B.S|M",
                "enum A.B|E",
                "constant A.B.E|X",
                "constant A.B.E|Y",
            ],
        ),
        ("csharp", "record P(int X); delegate void H(int x);", ["class |P", "field P|X", "type |H"]),
        (
            "kotlin",
            "class A(val a: Int, b: Int)\nobject O {\n    fun f() {\n        val local = 1\n    }\n}\n",
            ["class |A", "field A|a", "class |O", "method O|f"],
        ),
        (
            "kotlin",
            "enum class E { A, B }\ninterface I {\n    val x: Int\n}\n",
            ["enum |E", "constant E|A", "constant E|B", "interface |I", "field I|x"],
        ),
        (
            "scala",
            "object O { val a = 1; def f = { val l = 2; l } }\ncase class P(x: Int)\nclass Q(x: Int)\n",
            ["class |O", "field O|a", "method O|f", "class |P", "field P|x", "class |Q"],
        ),
        (
            "swift",
            "struct S { var a = 1; func f() { let l = 2 } }\nextension S { func g() {} }\nenum E { case x }",
            ["struct |S", "field S|a", "method S|f", "method S|g", "enum |E", "constant E|x"],
        ),
        (
            "ruby",
            "module M\nclass A::B\nattr_reader :x\ndef self.f; l = 1; end\nend\nend\ndef top; end\n",
            ["module |M", "class M.A|B", "field M.A.B|x", "method M.A.B|f", "function |top"],
        ),
        (
            "php",
            "<?php class K { const A = 1; public $b, $c; function f(private int $d) { $l = 1; } }\n",
            ["class |K", "constant K|A", "field K|b", "field K|c", "method K|f", "field K|d"],
        ),
        (
            "lua",
            "local a = 1\nfunction a.b.f() local l = 2 end\nfunction M:g() end\nh = function() end\n",
            ["variable |a", "function a.b|f", "method M|g", "function |h"],
        ),
        ("bash", "A=1\nb=2\nf() { local c=3; d=4; }\n", ["constant |A", "variable |b", "function |f"]),
    ],
)
def test_definitions(language: str, source: str, expected: list[str]) -> None:
    assert symbols(language, source) == expected


@pytest.mark.parametrize(
    ("language", "source", "expected"),
    [
        (
            "csharp",
            "using A.B; class K : q.Base<int>, I { void M() { f(); a.g<int>(); new X(); } }",
            [
                "imports  -> A.B",
                "imports  -> B",
                "extends K -> Base",
                "extends K -> I",
                "calls K.M -> f",
                "calls K.M -> g",
                "calls K.M -> X",
            ],
        ),
        (
            "kotlin",
            "import a.b.C\nclass K : Base<Int>(), I {\n    fun m() { f(); a.g() }\n}\n",
            [
                "imports  -> a.b.C",
                "imports  -> C",
                "extends K -> Base",
                "references K -> Int",
                "extends K -> I",
                "calls K.m -> f",
                "calls K.m -> g",
            ],
        ),
        (
            "scala",
            "import a.b.C\nclass K extends Base with I { def m = { f(); a.g(1); new X } }",
            [
                "imports  -> C",
                "extends K -> Base",
                "extends K -> I",
                "calls K.m -> f",
                "calls K.m -> g",
                "calls K.m -> X",
            ],
        ),
        (
            "swift",
            "import A\nclass K: Base, I { func m() { f(); a.g(1) } }",
            ["imports  -> A", "extends K -> Base", "extends K -> I", "calls K.m -> f", "calls K.m -> g"],
        ),
        (
            "ruby",
            "class K < A::Base\n  include I\n  def m; f(1); a.g; end\nend\n",
            [
                "references K -> A",
                "extends K -> Base",
                "calls K -> include",
                "implements K -> I",
                "calls K.m -> f",
                "calls K.m -> g",
            ],
        ),
        (
            "php",
            "<?php use A\\C; class K extends \\q\\Base implements I { function m() { f(); $x->g(); X::h();}}",
            [
                "imports  -> A\\C",
                "imports  -> C",
                "extends K -> Base",
                "implements K -> I",
                "calls K.m -> f",
                "calls K.m -> g",
                "references K.m -> X",
                "calls K.m -> h",
            ],
        ),
        (
            "lua",
            "local j = require('json')\nfunction m() f(); a.g(); a:h() end\n",
            ["calls j -> require", "imports j -> json", "calls m -> f", "calls m -> g", "calls m -> h"],
        ),
        (
            "bash",
            ". lib.sh\nm() { f x | g; }\n",
            ["calls  -> .", "imports  -> lib.sh", "calls m -> f", "calls m -> g"],
        ),
    ],
)
def test_relations(language: str, source: str, expected: list[str]) -> None:
    assert relations(language, source) == expected


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("csharp", "// Of it.\nclass K {}\n"),
        ("kotlin", "/** Of it. */\nclass K\n"),
        ("scala", "/** Of it. */\nclass K\n"),
        ("swift", "/// Of it.\nclass K {}\n"),
        ("ruby", "# Of it.\nclass K; end\n"),
        ("php", "<?php\n// Of it.\nclass K {}\n"),
        ("lua", "--- Of it.\nfunction k() end\n"),
        ("lua", "--[[ Of it. ]]\nfunction k() end\n"),
        ("bash", "#!/bin/sh\n# Of it.\nk() { :; }\n"),
    ],
)
def test_documentation_is_the_comment_above(language: str, source: str) -> None:
    assert record(language, source).symbols[0].documentation == "Of it."


def test_what_is_on_the_line_of_its_owner_does_not_take_the_owner_s_comment() -> None:
    found = record("kotlin", "/** Of the class. */\nclass A(val a: Int)\n").symbols
    assert [symbol.documentation for symbol in found] == ["Of the class.", ""]
    found = record("typescript", "/** Of it. */\nexport enum E { A, B }\n").symbols
    assert [symbol.documentation for symbol in found] == ["Of it.", "", ""]


def test_a_file_whose_wheel_is_missing_has_no_parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.py", "b.kt", "c"):
        (tmp_path / name).write_text("#!/usr/bin/env bash\n")
    (tmp_path / "c").chmod(0o755)
    assert sorted(scan(str(tmp_path), Settings()).files) == ["a.py", "b.kt", "c"]
    monkeypatch.setattr(discover, "has_parser", lambda name: name == "python")
    found = scan(str(tmp_path), Settings())
    assert list(found.files) == ["a.py"]
    assert found.other_suffixes == Counter({".kt": 1, "": 1})


def test_every_language_has_its_wheel() -> None:
    assert [name for name in LANGUAGES if not has_parser(name)] == []
