"""C#: members, namespaces, conditionals."""

from __future__ import annotations

import pytest

from .extracted import record, relations, symbols


@pytest.mark.parametrize(
    ("language", "source", "expected"),
    [
        (
            "csharp",
            "namespace N.M;\n"
            "class A { void F() { } }\n",
            ["namespace |N.M", "class N.M|A", "method N.M.A|F"],
        ),
        (
            "csharp",
            "class K {\n"
            "  public string this[int i] => \"\";\n"
            "  ~K() { }\n"
            "  public static implicit operator bool(K k) => true;\n"
            "  public static explicit operator List<int>(K k) => null;\n"
            "  string I.this[int i] => \"\";\n"
            "  void I<int>.M() { }\n"
            "  event Action I.E { add { } remove { } }\n"
            "}\n"
            "record struct R(int X);\n",
            [
                "class |K",
                "method K|this",
                "method K|K",
                "method K|implicit",
                "method K|explicit",
                "method K|this",
                "method K|M",
                "field K|E",
                "struct |R",
                "field R|X",
            ],
        ),
        (
            "csharp",
            "class A : B\n"
            "#if X\n"
            "  , C\n"
            "#endif\n"
            "{\n"
            "  void F() { }\n"
            "  void G(object o)\n"
            "  {\n"
            "    switch (o)\n"
            "    {\n"
            "#if X\n"
            "      case 1: break;\n"
            "#endif\n"
            "      default: break;\n"
            "    }\n"
            "#if Y\n"
            "    if (a) { }\n"
            "    else\n"
            "#endif\n"
            "    { }\n"
            "  }\n"
            "  void H() { }\n"
            "}\n",
            ["class |A", "method A|F", "method A|G", "method A|H"],
        ),
        (
            "csharp",
            "#if A\n"
            "class A1 { }\n"
            "#else\n"
            "class A2 { }\n"
            "#endif\n",
            ["class |A1", "class |A2"],
        ),
        (
            "csharp",
            "static class E {\n"
            "  extension<T>(List<T> list) where T : class {\n"
            "    public T First() => list[0];\n"
            "  }\n"
            "  static void G() { }\n"
            "}\n",
            ["class |E", "method E|First", "method E|G"],
        ),
    ],
)
def test_definitions(language: str, source: str, expected: list[str]) -> None:
    assert symbols(language, source) == expected


@pytest.mark.parametrize(
    ("language", "source", "expected"),
    [
        (
            "csharp",
            "record R(int X) : Base(X), I<int> {\n"
            "  Dictionary<string, A.B[]> f;\n"
            "  void M() { var x = y as C; if (x is D) a?.G<int>(); }\n"
            "}\n",
            [
                "extends R -> Base",
                "extends R -> I",
                "references R.f -> Dictionary",
                "references R.f -> B",
                "references R.M -> C",
                "calls R.M -> G",
            ],
        ),
    ],
)
def test_relations(language: str, source: str, expected: list[str]) -> None:
    assert relations(language, source) == expected


def test_a_namespace_without_a_block_has_the_rest_of_the_file_and_its_own_range() -> None:
    first = record("csharp", "namespace N;\nclass A { }\n").symbols[0]
    assert (first.kind, first.range.end_line, first.signature) == ("namespace", 0, "namespace N")
