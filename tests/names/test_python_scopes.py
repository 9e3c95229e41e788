"""Names in one file: Python's scopes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.names.asking import asking

from diptych.serving.answers import definition

# A source, a marked question, and the line of the definition; 0 for none.
CASES = {
    "a parameter": ("def f(a):\n    return a\n", "return @a", 1),
    "a local": ("def f():\n    x = 1\n    return x\n", "return @x", 2),
    "the nearest binding before": ("x = 1\nx = 2\nprint(x)\n", "print(@x)", 2),
    "a loop target": ("for i in range(3):\n    print(i)\n", "print(@i)", 1),
    "with": ("with open('f') as file:\n    file.read()\n", "    @file.read", 1),
    "except": ("try:\n    pass\nexcept OSError as error:\n    print(error)\n", "print(@error)", 3),
    "walrus": ("def f(g):\n    if (n := g()):\n        return n\n", "return @n", 2),
    "walrus in a comprehension": (
        "def f(g):\n    [y for x in g if (y := x)]\n    return y\n",
        "return @y",
        2,
    ),
    "an annotation in quotes": ("class A: ...\ndef f(x: 'A'): ...\n", "x: '@A'", 1),
    "a part of an annotation in quotes": ("class A: ...\ndef f(x: list['A']): ...\n", "['@A'", 1),
    "the text of a literal type": ("class A: ...\ndef f(x: Literal['A']): ...\n", "['@A'", 0),
    "a string": ("class A: ...\nx = 'A'\n", "'@A'", 0),
    "a global statement": (
        "x = 1\ndef f():\n    global x\n    x = 2\n",
        "global @x",
        1,
    ),
    "a nonlocal statement": (
        "def f():\n    x = 1\n    def g():\n        nonlocal x\n",
        "nonlocal @x",
        2,
    ),
    "what is bound again": ("x = 1\ny = 0\nx = 2\n", "0\n@x = 2", 1),
    "what a class takes from outside": ("x = 1\nclass A:\n    x = x\n", "= @x", 1),
    "what a class has before": ("x = 1\nclass A:\n    x = 2\n    y = x\n", "= @x", 3),
    "a field that is assigned again": (
        "class A:\n    def f(self):\n        self.x = 1\n    def g(self):\n        self.x = 2\n",
        "self.@x = 2",
        3,
    ),
    "a function is itself, though it was bound before": (
        "f = None\ndef f(): ...\n",
        "def @f",
        2,
    ),
    "what no import has": (
        "def f(): ...\ntry:\n    from _fast import f\nexcept ImportError: ...\nf()\n",
        "\n@f()",
        1,
    ),
    "the import of what no file has": (
        "def f(): ...\ntry:\n    from _fast import f\nexcept ImportError: ...\n",
        "import @f",
        1,
    ),
    "a comprehension's target": ("def f(xs):\n    return [x for x in xs]\n", "[@x for", 2),
    "a comprehension's target is not seen outside": (
        "x = 1\ndef f(xs):\n    [x for x in xs]\n    return x\n",
        "return @x",
        1,
    ),
    "the first iterable is of the scope around": (
        "class A:\n    xs = [1]\n    ys = [x for x in xs]\n",
        "in @xs]",
        2,
    ),
    "a class is skipped from its methods": (
        "x = 1\nclass A:\n    x = 2\n    def f(self):\n        return x\n",
        "return @x",
        1,
    ),
    "a class sees itself": ("x = 1\nclass A:\n    x = 2\n    y = x\n", "y = @x", 3),
    "a closure": ("def f():\n    x = 1\n    def g():\n        return x\n    return g\n", "return @x", 2),
    "global": (
        "x = 1\ndef f():\n    global x\n    x = 2\ndef g():\n    return x\n",
        "return @x",
        1,
    ),
    "nonlocal": (
        "def f():\n    x = 1\n    def g():\n        nonlocal x\n        return x\n",
        "return @x",
        2,
    ),
    "a default is of the scope around": ("a = 1\ndef f(a=a):\n    pass\n", "a=@a)", 1),
    "an annotation is of the scope around": ("class C: pass\ndef f(C: C): pass\n", "f(C: @C)", 1),
    "a lambda": ("f = lambda value: value\n", ": @value", 1),
    "a starred target": ("a, *rest = f()\nprint(rest)\n", "print(@rest)", 1),
    "case with as": (
        "match f():\n    case [1, *others] as found:\n        print(found)\n",
        "print(@found)",
        2,
    ),
    "a captured name": ("match f():\n    case {'k': value}:\n        print(value)\n", "print(@value)", 2),
    "type parameters": ("def f[T](a: T) -> T:\n    return a\n", "a: @T", 1),
    "type alias": ("type Name = str\nx: Name\n", "x: @Name", 1),
    "a name of Python's own": ("print(len([]))\n", "print(@len", 0),
    "a keyword argument": ("def f(size): pass\nf(size=1)\n", "f(@size=1)", 1),
    "del does not bind": ("x = 1\ndel x\n", "del @x", 1),
    "an f-string": ("x = 1\ny = f'{x}'\n", "{@x}", 1),
    "a non-ASCII name after one": ("é = 'é'; ü = é\n", "ü = @é", 1),
}


@pytest.mark.parametrize("case", CASES)
def test_a_name_leads_to_its_binding(case: str, tmp_path: Path) -> None:
    source, marked, line = CASES[case]
    with asking(tmp_path, {"a.py": source}) as ask:
        assert ask.first("a.py", marked) == (f"a.py:{line} exact" if line else "")


def test_a_decorator_is_of_the_scope_around(tmp_path: Path) -> None:
    with asking(
        tmp_path, {"a.py": "def deco(f): return f\nclass A:\n    @deco\n    def g(self): pass\n"}
    ) as ask:
        (found,) = definition(ask.source, "a.py", 2, 5).definitions
        assert (found.row, found.name, found.evidence) == (0, "deco", "exact")


def test_every_binding_is_in_the_answer_the_nearest_first(tmp_path: Path) -> None:
    source = "def f(a):\n    x = 1\n    if a:\n        x = 2\n    return x\n"
    with asking(tmp_path, {"a.py": source}) as ask:
        assert ask.lines("a.py", "return @x") == ["a.py:4 exact", "a.py:2 exact"]


def test_a_place_without_a_name_has_no_answer(tmp_path: Path) -> None:
    with asking(tmp_path, {"a.py": "x = 'name'\n"}) as ask:
        answer = ask.definition("a.py", "'@name'")
        assert answer.name == "" and answer.definitions == ()


def test_a_file_with_errors_is_answered_for_as_far_as_it_parses(tmp_path: Path) -> None:
    source = "def f(a):\n    return a\n\ndef broken(:\n    ((\n"
    with asking(tmp_path, {"a.py": source}) as ask:
        assert ask.first("a.py", "return @a") == "a.py:1 exact"
