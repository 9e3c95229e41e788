"""Definitions, calls and documentation of Go, kind by kind."""

from __future__ import annotations

import pytest

from .extracted import documentation, relations, symbols


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("type A struct { Base[int] }", ["extends A -> Base", "references A -> int"]),
        ("type A struct { *pkg.Other[K]; pkg.Plain }",
         ["extends A -> Other", "references A -> K", "extends A -> Plain"]),
        ("type I interface { io.Reader; Base[int] }",
         ["extends I -> Reader", "extends I -> Base", "references I -> int"]),
        ("type N interface { ~int | string }", ["references N -> int", "references N -> string"]),
        ("func run() { pkg.Decode[K](x); Map[K, V](x, y) }",
         ["calls run -> Decode", "references run -> K", "calls run -> Map",
          "references run -> K", "references run -> V"]),
        ("func run() { List[K]{}; pkg.Set[K]{} }",
         ["calls run -> List", "references run -> K", "calls run -> Set", "references run -> K"]),
    ],
)  # fmt: skip
def test_relations(source: str, expected: list[str]) -> None:
    assert relations("go", f"package p\n{source}\n") == expected


@pytest.mark.parametrize(
    "receiver", ["T", "*T", "(T)", "*(T)", "(*T)", "T[K]", "*T[K]"]
)  # fmt: skip
def test_a_method_is_in_the_type_of_its_receiver(receiver: str) -> None:
    assert symbols("go", f"package p\nfunc (t {receiver}) M() {{}}\n") == ["module |p", "method T|M"]


@pytest.mark.parametrize("directive", ["//go:noinline", "//nolint:all", "//export Add", "//line a.y:1"])
def test_a_directive_is_no_documentation(directive: str) -> None:
    source = f"package p\n\n// Add adds.\n//\n{directive}\nfunc Add() {{}}\n"
    assert documentation("go", source)["Add"] == "Add adds."


def test_a_comment_with_a_colon_is_documentation() -> None:
    assert documentation("go", "package p\n\n// Note: adds.\nfunc Add() {}\n")["Add"] == "Note: adds."
