"""Definitions and relations of Java, kind by kind."""

from __future__ import annotations

import pytest

from .extracted import relations, symbols


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("class K extends q.Parent<String> {}", ["extends K -> Parent", "references K -> String"]),
        ("class K extends a.b.Parent implements a.I<X>, J, K.L {}",
         ["extends K -> Parent", "implements K -> I", "references K -> X",
          "implements K -> J", "implements K -> L"]),
        ("interface I extends a.J<X>, L {}", ["extends I -> J", "references I -> X", "extends I -> L"]),
        ("sealed interface S permits A, b.C {}", ["references S -> A", "references S -> C"]),
        ("class K { void m() throws E { var v = new q.Made<X>(1); } }",
         ["references K.m -> E", "calls K.m -> Made", "references K.m -> X"]),
        ("class K { Object o = new Outer.Inner(a.call()); }",
         ["references K.o -> Object", "calls K.o -> Inner", "calls K.o -> call"]),
        ("open module a.b { requires java.sql; requires transitive c; uses d.E; provides d.F with f.G; }",
         ["imports a.b -> java.sql", "imports a.b -> c", "references a.b -> E", "references a.b -> F",
          "references a.b -> G"]),
    ],
)  # fmt: skip
def test_relations(source: str, expected: list[str]) -> None:
    assert relations("java", source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("record Point(int x, Label<String> y, int... rest) { int sum() { return 0; } }",
         ["class |Point", "field Point|x", "field Point|y", "field Point|rest", "method Point|sum"]),
        ("module a.b { exports a.b.api; }", ["module |a.b"]),
        ("class K { void m(int parameter) { int local; } }", ["class |K", "method K|m"]),
    ],
)  # fmt: skip
def test_definitions(source: str, expected: list[str]) -> None:
    assert symbols("java", source) == expected
