"""Kotlin, Scala and Swift: definitions, names in backticks, and what their grammars do not take."""

from __future__ import annotations

import pytest

from .extracted import record, relations, symbols


@pytest.mark.parametrize(
    ("language", "source", "expected"),
    [
        (
            "kotlin",
            "@A(b.C)\n"
            "annotation class Plain\n"
            "\n"
            "@B\n"
            "annotation class X(val a: Int)\n"
            "\n"
            "@C(d::class)\n"
            "@D\n"
            "class Y\n",
            ["class |Plain", "class |X", "field X|a", "class |Y"],
        ),
        (
            "kotlin",
            "class A {\n"
            "    constructor(a: Int)\n"
            "    fun `a name`() = 1\n"
            "    val `in` = 1\n"
            "}\n"
            "enum class E { B { override fun f() = 1 }; abstract fun f(): Int }\n"
            "interface I { val x: Int; fun y() }\n",
            [
                "class |A",
                "method A|constructor",
                "method A|a name",
                "field A|in",
                "enum |E",
                "constant E|B",
                "method E.B|f",
                "method E|f",
                "interface |I",
                "field I|x",
                "method I|y",
            ],
        ),
        (
            "kotlin",
            "class A {\n"
            "    fun f() {\n"
            "        val a = 1\n"
            "        set = set or a\n"
            "        get(\"/\") { b() }\n"
            "        in1.c()\n"
            "        open(d)\n"
            "        val e = suspend { g() }\n"
            "        h(String?::plus)\n"
            "    }\n"
            "    fun last() = 1\n"
            "}\n"
            "class B<T>\n"
            "@J internal constructor(val x: T) {\n"
            "    fun f() = 1\n"
            "}\n",
            ["class |A", "method A|f", "method A|last", "class |B", "field B|x", "method B|f"],
        ),
        (
            "kotlin",
            "context(a: A)\n"
            "fun f() {}\n"
            "actual class B\n"
            "actual constructor(val x: Int) {\n"
            "    var y = 1\n"
            "    @S set(value) { }\n"
            "    fun g() {}\n"
            "}\n",
            ["function |f", "class |B", "field B|x", "field B|y", "method B|g"],
        ),
        (
            "scala",
            "package object p { val a, b = 1; def f = 2 }\n"
            "object O { val Some(c) = d; def ::(x: Int) = 1; def `a name` = 1 }\n"
            "enum E(val v: Int) { case A extends E(1); case B(w: Int) extends E(w) }\n"
            "given g: Ord[Int] with\n"
            "  def compare(x: Int, y: Int) = 1\n",
            [
                "class |p",
                "field p|a",
                "field p|b",
                "method p|f",
                "class |O",
                "field O|c",
                "method O|::",
                "method O|a name",
                "enum |E",
                "field E|v",
                "constant E|A",
                "constant E|B",
                "field E.B|w",
                "class |g",
                "method g|compare",
            ],
        ),
        (
            "swift",
            "struct S {\n"
            "  static func == (a: S, b: S) -> Bool { true }\n"
            "  static prefix func - (a: S) -> S { a }\n"
            "  let (x, y) = pair\n"
            "  func `repeat`() {}\n"
            "}\n"
            "func +++ (a: S, b: S) -> S {}\n"
            "protocol P { static func < (a: Self, b: Self) -> Bool }\n"
            "public macro m() -> Int = #externalMacro(module: \"A\", type: \"B\")\n",
            [
                "struct |S",
                "method S|==",
                "method S|-",
                "field S|x",
                "field S|y",
                "method S|repeat",
                "function |+++",
                "interface |P",
                "method P|<",
                "function |m",
            ],
        ),
        (
            "swift",
            "#warning(\"later\")\n"
            "struct S: ~Copyable {\n"
            "  @_specialize(where T == A<B>)\n"
            "  consuming func f() { g(()) }\n"
            "  func h(r: R) {\n"
            "    switch r {\n"
            "    case .success():\n"
            "      a()\n"
            "#if os(Linux)\n"
            "    case .other: b()\n"
            "#endif\n"
            "    }\n"
            "  }\n"
            "  func last() {}\n"
            "}\n",
            ["struct |S", "method S|f", "method S|h", "method S|last"],
        ),
    ],
)
def test_definitions(language: str, source: str, expected: list[str]) -> None:
    assert symbols(language, source) == expected


@pytest.mark.parametrize(
    ("language", "source", "expected"),
    [
        (
            "kotlin",
            "class A : B by c, D<E>(f) {\n"
            "    fun `g h`() { a.`i j`(); x infixed y }\n"
            "}\n",
            [
                "extends A -> B",
                "extends A -> D",
                "references A -> E",
                "calls A.g h -> i j",
                "calls A.g h -> infixed",
            ],
        ),
        (
            "scala",
            "import a.b.*\n"
            "import c.d as e\n"
            "object O { x combine y }\n",
            ["imports  -> b", "imports  -> d", "calls O -> combine"],
        ),
    ],
)
def test_relations(language: str, source: str, expected: list[str]) -> None:
    assert relations(language, source) == expected


@pytest.mark.parametrize(
    ("language", "source"),
    [("kotlin", "fun `a b`() {}\n"), ("scala", "def `a b` = 1\n"), ("swift", "func `a b`() {}\n")],
)
def test_the_range_of_a_name_in_backticks_is_without_them(language: str, source: str) -> None:
    symbol = record(language, source).symbols[0]
    start, end = symbol.name_range.start_column, symbol.name_range.end_column
    assert (symbol.name, source[start:end]) == ("a b", "a b")


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("kotlin", "/** Of it. */\n@A(1)\nclass `B`\n"),
        ("kotlin", "class A {\n    fun f() { val a = 1\n set = a }\n}\n"),
        ("swift", "#warning(\"later\")\nfunc f() { g(()) }\n"),
    ],
)
def test_signatures_are_cut_from_the_source_as_it_is(language: str, source: str) -> None:
    for symbol in record(language, source).symbols:
        assert symbol.signature.split("\n")[0] in " ".join(source.split())
