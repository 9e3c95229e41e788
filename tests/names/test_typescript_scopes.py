"""Names in one file: the scopes of TypeScript and JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.names.asking import Asking, asking, case_files, case_path

from diptych.serving.answers import definition

# A source, a marked question, and the line of the definition; 0 for none.
CASES = {
    "a parameter": ("function f(a) {\n  return a;\n}\n", "return @a", 1),
    "a function used before it is declared": ("f();\nfunction f() {}\n", "@f();", 2),
    "let in a block": ("let x = 1;\n{\n  let x = 2;\n  use(x);\n}\n", "use(@x)", 3),
    "let is not seen outside of its block": ("let x = 1;\n{\n  let x = 2;\n}\nuse(x);\n", "use(@x)", 1),
    "var leaves its block": ("function f() {\n  if (1) { var x = 2; }\n  return x;\n}\n", "return @x", 2),
    "an arrow function": ("const f = value => value;\n", "=> @value", 1),
    "a default sees the parameters, not the body": (
        "const x = 1;\nfunction f(a = x) {\n  var x = 2;\n  return x;\n}\n",
        "a = @x",
        1,
    ),
    "the body of a function with a default": (
        "const x = 1;\nfunction f(a = x) {\n  if (a) { var x = 2; }\n  return x;\n}\n",
        "return @x",
        3,
    ),
    "a parameter in a body beside a default": (
        "const b = 1;\nfunction f(b, a = 1) {\n  var x = 2;\n  return b;\n}\n",
        "return @b",
        2,
    ),
    "the key of a mapped type": (
        "type K = 1;\ntype X<T> = {\n  [K in keyof T]: Y<T[K]>;\n};\n",
        "T[@K]",
        3,
    ),
    "a closure": ("function f() {\n  const x = 1;\n  return () => x;\n}\n", "() => @x", 2),
    "for of": ("for (const x of xs) {\n  use(x);\n}\n", "use(@x)", 1),
    "for with a counter": ("for (let i = 0; i < 3; i++) {\n  use(i);\n}\n", "use(@i)", 1),
    "catch": ("try {\n} catch (error) {\n  use(error);\n}\n", "use(@error)", 2),
    "a switch": ("switch (1) {\n  case 1:\n    const x = 2;\n    use(x);\n}\n", "use(@x)", 3),
    "let in a case is not seen outside of the switch": (
        "const x = 1;\nfunction f(a) {\n  use(x);\n"
        "  switch (a) {\n    case 1: const x = 2; use(x);\n  }\n}\n",
        "  use(@x);\n  switch",
        1,
    ),
    "nor a parameter hidden by it": (
        "function f(x) {\n  switch (x) {\n    default:\n      class x {}\n  }\n  use(x);\n}\n",
        "use(@x)",
        1,
    ),
    "a generator in a block": ("{\n  function* g() {}\n}\nfunction* g() {}\ng();\n", "@g();", 4),
    "an enum in a block": ("{\n  enum E { b }\n}\nenum E { a }\nuse(E);\n", "use(@E)", 4),
    "an interface in a block": ("{\n  interface I {}\n}\ninterface I {}\nlet x: I;\n", "x: @I", 4),
    "the name of a class expression": (
        "const A = class B {\n  f() { return new B(); }\n};\nclass B {}\n",
        "new @B",
        1,
    ),
    "it is not seen outside": ("const A = class B {};\nclass B {}\nnew B();\n", "new @B", 2),
    "var in a static block": (
        "class A {\n  static {\n    var x = 1;\n    use(x);\n  }\n}\nconst x = 2;\n",
        "use(@x)",
        3,
    ),
    "a named function expression": ("const f = function g() {\n  return g;\n};\n", "return @g", 1),
    "an object pattern": ("const { a, b: c } = o;\nuse(c);\n", "use(@c)", 1),
    "a nested pattern": ("const { a: [b, { c = 1 }] } = o;\nuse(c);\n", "use(@c)", 1),
    "a rest": ("const [a, ...rest] = o;\nuse(rest);\n", "use(@rest)", 1),
    "a parameter that is a pattern": ("function f({ a, b }) {\n  return b;\n}\n", "return @b", 1),
    "a default sees the parameters": ("function f(a, b = a) {}\n", "= @a", 1),
    "a shorthand property": ("const a = 1;\nconst o = { a };\n", "{ @a }", 1),
    "a class": ("class A {}\nnew A();\n", "new @A", 1),
    "a class's members are not seen without this": (
        "const m = 1;\nclass A { m = 2; f() { return m; } }\n",
        "return @m",
        1,
    ),
    "a type parameter": ("function f<T>(a: T): T {\n  return a;\n}\n", "a: @T", 1),
    "a type parameter of a class": ("class A<T> {\n  f(a: T) {}\n}\n", "a: @T", 1),
    "an interface": ("interface I {}\nlet x: I;\n", "x: @I", 1),
    "a type and a value of one name": ("type A = string;\nconst B = 1;\nlet x: A;\n", "x: @A", 1),
    "a value after a type of its name": ("type A = string;\nconst A = 1;\nuse(A);\n", "use(@A)", 2),
    "a type after a value of its name": ("const A = 1;\ntype A = typeof A;\nlet x: A;\n", "x: @A", 2),
    "typeof in a type of that name": ("type A = z.infer<typeof A>;\nconst A = 1;\n", "typeof @A", 2),
    "an interface and a constructor": (
        "interface A {}\nconst A: { new (): A } = y;\nnew A();\n",
        "new @A()",
        2,
    ),
    "a type that says nothing": ("type A = keyof B;\nconst A = 1;\nuse(A);\n", "use(@A)", 2),
    "a type hides no value": ("const A = 1;\nfunction f<A>(x: A) {\n  use(A);\n}\n", "use(@A)", 1),
    "a value hides no type": ("interface A {}\nfunction f(A: number) {\n  let x: A;\n}\n", "x: @A;", 1),
    "a type is no value of the platform": ("type Node = string;\nuse(Node);\n", "use(@Node)", 0),
    "a namespace beside a type": (
        "type N = string;\nnamespace N {\n  export type A = string;\n}\nlet x: N.A;\n",
        "x: @N",
        2,
    ),
    "an alias of a namespace's type": (
        "namespace N {\n  export interface A {}\n}\nimport B = N.A;\nlet x: B;\n",
        "x: @B",
        4,
    ),
    "an inferred type": ("type A<T> = T extends Array<infer U> ? U : never;\n", "? @U", 1),
    "an enum": ("enum E { a }\nuse(E);\n", "use(@E)", 1),
    "an enum sees its own members": ("const P = 3;\nenum E {\n  P = 1,\n  Q = P << 1,\n}\n", "= @P", 3),
    "its members are not seen outside": ("const P = 3;\nenum E { P = 1 }\nuse(P);\n", "use(@P)", 1),
    "a namespace sees its own names": ("namespace N {\n  const x = 1;\n  use(x);\n}\n", "use(@x)", 2),
    "a global of the platform": ("console.log(1);\n", "@console", 0),
    "an element": ("function Part() {}\nconst x = <Part a={1} />;\n", "<@Part", 1),
}


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """All cases in one repository."""
    with asking(tmp_path_factory.mktemp("cases"), case_files(CASES, ".tsx")) as asked:
        yield asked


@pytest.mark.parametrize("case", CASES)
def test_a_name_leads_to_its_binding(case: str, ask: Asking) -> None:
    _, marked, line = CASES[case]
    path = case_path(case, ".tsx")
    assert ask.first(path, marked) == (f"{path}:{line} exact" if line else "")


def test_a_decorator_is_of_the_scope_around(tmp_path: Path) -> None:
    with asking(tmp_path, {"a.ts": "function deco(c) {}\n@deco\nclass A {}\n"}) as ask:
        (found,) = definition(ask.source, "a.ts", 1, 1).definitions
        assert (found.row, found.name, found.evidence) == (0, "deco", "exact")


def test_a_deep_expression_is_walked(tmp_path: Path) -> None:
    sum_ = " + ".join(["x"] * 3000)
    source = f"const x = 1;\nfunction f() {{\n  return {sum_} + last(x);\n}}\nconst last = f;\n"
    with asking(tmp_path, {"a.js": source}) as ask:
        assert ask.first("a.js", "@last(x)") == "a.js:5 exact"


def test_a_file_with_errors_is_answered_for_as_far_as_it_parses(tmp_path: Path) -> None:
    source = "function f(a) {\n  return a;\n}\nconst = = (;\nclass {{{\n"
    with asking(tmp_path, {"a.ts": source}) as ask:
        assert ask.first("a.ts", "return @a") == "a.ts:1 exact"
