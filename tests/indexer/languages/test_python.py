"""Python: what is a definition, and what a reference."""

from __future__ import annotations

import pytest

from .extracted import record, relations, symbols


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a, b = 1, 2\n", ["variable |a", "variable |b"]),
        ("(a, [b, *c]), d = x\n", ["variable |a", "variable |b", "variable |c", "variable |d"]),
        ("[a, b] = x\n", ["variable |a", "variable |b"]),
        ("(a) = 1\n", ["variable |a"]),
        ("a = b = c, d = 1\n", ["variable |a", "variable |b", "variable |c", "variable |d"]),
        ("a: int\nb: int = 1\n", ["variable |a", "variable |b"]),
        ("a.b = c[0] = d = 1\n", ["variable |d"]),
        ("A, b = 1, 2\n", ["constant |A", "variable |b"]),
        ("a += 1\n", []),
        ("a = 1; b = 2\n", ["variable |a", "variable |b"]),
        ("class K:\n    a = b = 1\n    c, d = 1, 2\n    e: int\n",
         ["class |K", "field K|a", "field K|b", "field K|c", "field K|d", "field K|e"]),
    ],
)  # fmt: skip
def test_each_target_of_an_assignment_is_a_symbol(source: str, expected: list[str]) -> None:
    assert symbols("python", source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "if x:\n    NAME = 1\n",
        "if x: NAME = 1\n",
        "if x:\n    pass\nelif y:\n    NAME = 1\n",
        "if x:\n    pass\nelse:\n    NAME = 1\n",
        "try:\n    NAME = 1\nexcept E:\n    pass\n",
        "try:\n    pass\nexcept E as e:\n    NAME = 1\n",
        "try:\n    pass\nexcept* E as e:\n    NAME = 1\n",
        "try:\n    pass\nexcept E:\n    pass\nelse:\n    NAME = 1\n",
        "try:\n    pass\nfinally:\n    NAME = 1\n",
        "with x:\n    NAME = 1\n",
        "while x:\n    NAME = 1\n",
        "for _x.y in z:\n    NAME = 1\n",
        "match x:\n    case 1:\n        NAME = 1\n",
        "if a:\n    try:\n        with b:\n            NAME = 1\n    finally:\n        pass\n",
    ],
)
def test_a_block_of_a_statement_is_in_the_scope_around_it(source: str) -> None:
    assert symbols("python", source) == ["constant |NAME"]
    indented = "".join(f"    {line}\n" for line in source.splitlines())
    assert symbols("python", f"class K:\n{indented}") == ["class |K", "field K|NAME"]
    assert symbols("python", f"def f():\n{indented}") == ["function |f"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("for i, (j, k) in x: pass\n", ["variable |i", "variable |j", "variable |k"]),
        ("async def f():\n    async for i in x: pass\n", ["function |f"]),
        ("with a as b, c as (d, e): pass\n", ["variable |b", "variable |d", "variable |e"]),
        ("with (a as b, c): pass\n", ["variable |b"]),
        ("if (m := f()): pass\n", ["variable |m"]),
        ("class K:\n    if (m := f()): pass\n", ["class |K", "field K|m"]),
        ("def f():\n    if (m := g()): pass\n", ["function |f"]),
        ("[i for i in x]\n", []),
    ],
)
def test_for_with_and_walrus_bind_names(source: str, expected: list[str]) -> None:
    assert symbols("python", source) == expected


@pytest.mark.parametrize("base", ["Enum", "enum.Enum", "IntFlag", "str, enum.StrEnum", "MyEnum"])
def test_members_of_an_enum_are_constants(base: str) -> None:
    members = "    RED = 1\n    green, blue = 2, 3\n    _ignore_ = []\n    note: str\n    def f(s): pass\n"
    assert symbols("python", f"class K({base}):\n{members}")[1:] == [
        "constant K|RED",
        "constant K|green",
        "constant K|blue",
        "field K|_ignore_",
        "field K|note",
        "method K|f",
    ]


@pytest.mark.parametrize(
    ("annotation", "targets"),
    [
        ("Foo", ["Foo"]),
        ("a.b.Foo", ["Foo"]),
        ("t.Optional[Foo]", ["Optional", "Foo"]),
        ("List[t.Dict[str, a.Foo]]", ["List", "Dict", "str", "Foo"]),
        ("Callable[[A, b.B], C]", ["Callable", "A", "B", "C"]),
        ("t.Callable[[A], B]", ["Callable", "A", "B"]),
        ("A | None | b.B", ["A", "B"]),
        ("t.List[A] | B", ["List", "A", "B"]),
        ("'Foo'", ["Foo"]),
        ("'a.Foo'", ["Foo"]),
        ("list['Foo | a.Bar']", ["list", "Foo", "Bar"]),
        ("Literal['Foo']", ["Literal"]),
        ("t.Literal['Foo', 'Bar']", ["Literal"]),
        ("tuple[A, ...]", ["tuple", "A"]),
        ("t.Tuple[*Ts]", ["Tuple", "Ts"]),
    ],
)
def test_every_name_in_an_annotation_is_a_reference(annotation: str, targets: list[str]) -> None:
    expected = [f"references f -> {target}" for target in targets]
    assert relations("python", f"def f(a: {annotation}): ...\n") == expected
    assert relations("python", f"def f() -> {annotation}: ...\n") == expected
    assert relations("python", f"x: {annotation}\n") == [f"references x -> {target}" for target in targets]


def test_a_forward_reference_has_the_place_of_its_word() -> None:
    found = record("python", "x: List['a.Foo']\n").relations[-1]
    assert (found.target, found.range) == ("Foo", (0, 11, 0, 14))


def test_bases_and_what_is_in_their_brackets() -> None:
    source = "class K(Base, a.B[Foo, t.Bar], metaclass=m.Meta): pass\n"
    assert relations("python", source) == [
        "extends K -> Base",
        "extends K -> B",
        "references K -> Foo",
        "references K -> Bar",
        "references K -> Meta",
    ]


@pytest.mark.parametrize(
    ("literal", "documentation"),
    [
        ('"one"', "one"),
        ("\"one \" 'two'", "one two"),
        ('("one "\n     "two")', ""),
        ('f"one {x}"', ""),
        ('"one" f"{x}"', ""),
        ('b"one"', ""),
        ('R"\\d"', "\\d"),
        ('u"one"', "one"),
        ('"a\\\\b \\"c\\"\\td"', 'a\\b "c"\td'.expandtabs()),
        ('"""one\\\n    two"""', "one    two"),
    ],
)
def test_a_docstring_is_what_python_takes_for_one(literal: str, documentation: str) -> None:
    assert record("python", f"def f():\n    {literal}\n    pass\n").symbols[0].documentation == documentation


@pytest.mark.parametrize(
    ("source", "signature"),
    [
        ("def g(a, # the first\n      b):\n    pass\n", "def g(a, b)"),
        ("def g(a,\n    # the second, (\n    b=[1, # one\n    2]):  # end\n    pass\n", "def g(a, b=[1, 2])"),
        ("def g(a='# no'): pass\n", "def g(a='# no')"),
        ("class K(A, # first\n        B): pass\n", "class K(A, B)"),
    ],
)
def test_a_signature_has_no_comments(source: str, signature: str) -> None:
    assert record("python", source).symbols[0].signature == signature
