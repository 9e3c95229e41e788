"""Members through what is before the dot."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.names.asking import asking

MODEL = """\
from __future__ import annotations
from typing import Optional, Iterator, Self
from contextlib import contextmanager

class Base:
    limit = 3
    def __init__(self, size: int = 0):
        self.size = size
        self.part = Part()
    def run(self):
        return self.limit
    def copy(self) -> Self:
        return self
    @property
    def inner(self) -> Part:
        return self.part
    @classmethod
    def make(cls):
        return cls()

class Part:
    def turn(self): return Base()
    def __enter__(self): return self
    def __iter__(self) -> Iterator[Base]: ...
    def __getitem__(self, key) -> Base: ...

class Child(Base):
    def run(self):
        super().run()
        return self.size

class Other:
    def run(self): pass
    def lonely(self): pass

def base() -> Base: ...
def maybe() -> Optional[Base]: ...
def built(): return Child()
@contextmanager
def opened() -> Iterator[Part]: ...
"""
BASE_LIMIT, BASE_SIZE, BASE_RUN, PART_TURN, CHILD_RUN, OTHER_RUN = 6, 8, 10, 22, 28, 33

# What comes before `.name`, the name, and the line of its definition in model.py.
CASES = {
    "a constructor": ("x = Base()\nx", "run", BASE_RUN),
    "an annotation": ("def f(x: Base):\n    x", "run", BASE_RUN),
    "fields assigned as a tuple": (
        "class A:\n    def f(self):\n        x, self.y, self.z = 1, Part(), Base()\nA().z",
        "run",
        BASE_RUN,
    ),
    "the class of an instance": ("x = type(Base())()\nx", "run", BASE_RUN),
    "the class of the receiver": ("class A(Base):\n    def f(self):\n        type(self)", "run", BASE_RUN),
    "nothing at first, then an instance": ("x = None\nx = Base()\ndef f():\n    x", "run", BASE_RUN),
    "an annotation in quotes": ("def f(x: 'Base'):\n    x", "run", BASE_RUN),
    "an optional": ("def f(x: Base | None):\n    x", "run", BASE_RUN),
    "a declaration": ("x: Base\nx", "run", BASE_RUN),
    "a returned annotation": ("base()", "run", BASE_RUN),
    "a returned optional": ("maybe()", "run", BASE_RUN),
    "what is returned": ("built()", "run", CHILD_RUN),
    "a base class": ("x = Child()\nx", "limit", BASE_LIMIT),
    "an overriding method": ("x = Child()\nx", "run", CHILD_RUN),
    "a class": ("Child", "limit", BASE_LIMIT),
    "a field": ("Base().part", "turn", PART_TURN),
    "a property": ("Base().inner", "turn", PART_TURN),
    "a class method": ("Child.make()", "run", CHILD_RUN),
    "Self": ("Child().copy()", "run", CHILD_RUN),
    "a chain": ("Base().part.turn()", "run", BASE_RUN),
    "with": ("with Part() as p:\n    p", "turn", PART_TURN),
    "a context manager": ("with opened() as p:\n    p", "turn", PART_TURN),
    "iteration": ("for b in Part():\n    b", "run", BASE_RUN),
    "a list's element": ("def f(xs: list[Base]):\n    for x in xs:\n        x", "run", BASE_RUN),
    "an item of a list": ("def f(xs: list[Base]):\n    xs[0]", "run", BASE_RUN),
    "a value of a dict": ("def f(xs: dict[str, Base]):\n    xs['a']", "run", BASE_RUN),
    "an item by its method": ("Part()['x']", "run", BASE_RUN),
    "either": ("x = None or Base()\nx", "run", BASE_RUN),
    "a conditional": ("x = Base() if f else None\nx", "run", BASE_RUN),
    "cast": ("x = cast(Base, y)\nx", "run", BASE_RUN),
    "a tuple": ("a, b = Part(), Base()\nb", "run", BASE_RUN),
    "await": ("async def f():\n    x = await base()\n    x", "run", BASE_RUN),
    "an alias of a class": ("Alias = Base\nAlias()", "run", BASE_RUN),
    "type[...]": ("def f(kind: type[Base]):\n    kind()", "run", BASE_RUN),
    "parentheses": ("(Base())", "run", BASE_RUN),
}


@pytest.mark.parametrize("case", CASES)
def test_a_member_is_found_through_the_receiver_s_type(case: str, tmp_path: Path) -> None:
    before, name, line = CASES[case]
    source = f"from model import *\n{before}.{name}\n"
    last = before.split("\n")[-1]
    with asking(tmp_path, {"model.py": MODEL, "a.py": source}) as ask:
        assert ask.first("a.py", f"{last}.@{name}\n") == f"model.py:{line} inferred"


def test_self_and_super(tmp_path: Path) -> None:
    with asking(tmp_path, {"model.py": MODEL}) as ask:
        assert ask.first("model.py", "super().@run()") == f"model.py:{BASE_RUN} inferred"
        assert ask.first("model.py", "return self.@size") == f"model.py:{BASE_SIZE} inferred"
        assert ask.first("model.py", "return self.@limit") == f"model.py:{BASE_LIMIT} inferred"


def test_a_receiver_of_which_nothing_is_known_gives_candidates(tmp_path: Path) -> None:
    source = "from model import *\ndef f(x):\n    x.run()\n    x.lonely()\n"
    with asking(tmp_path, {"model.py": MODEL, "a.py": source}) as ask:
        found = ask.definition("a.py", "x.@run()").definitions
        assert {one.row + 1 for one in found} == {BASE_RUN, CHILD_RUN, OTHER_RUN}
        assert [(one.evidence, one.candidate, one.candidates) for one in found] == [
            ("named", 1, 3),
            ("named", 2, 3),
            ("named", 3, 3),
        ]
        (lonely,) = ask.definition("a.py", "x.@lonely()").definitions
        assert (lonely.evidence, lonely.candidate, lonely.candidates) == ("named", 1, 1)


def test_a_value_of_a_built_in_type_gives_no_candidates(tmp_path: Path) -> None:
    files = {
        "model.py": "class A:\n    def join(self): pass\n",
        "a.py": "s = ''\ns.join([])\nimport os\nos.join\n",
    }
    with asking(tmp_path, files) as ask:
        assert ask.first("a.py", "s.@join(") == ""
        assert ask.first("a.py", "os.@join\n") == ""


def test_candidates_are_ranked_by_nearness(tmp_path: Path) -> None:
    method = "class K:\n    def act(self): pass\n"
    files = {
        "app/main.py": f"from lib import used\n{method}def f(x):\n    x.act()\n",
        "lib/used.py": method,
        "app/near.py": method,
        "far/away/module.py": method,
        "tests/test_it.py": method,
        "lib/__init__.py": "",
    }
    with asking(tmp_path, files) as ask:
        paths = [one.path for one in ask.definition("app/main.py", "x.@act()").definitions]
        assert paths == [
            "app/main.py",
            "lib/used.py",
            "app/near.py",
            "far/away/module.py",
            "tests/test_it.py",
        ]


def test_bases_are_linearised_as_python_does(tmp_path: Path) -> None:
    source = (
        "class A:\n    def m(self): pass\nclass B(A): pass\nclass C(A):\n    def m(self): pass\n"
        "class D(B, C): pass\nD().m()\n"
    )
    with asking(tmp_path, {"a.py": source}) as ask:
        assert ask.first("a.py", "D().@m()") == "a.py:5 inferred"


def test_classes_that_extend_each_other_end(tmp_path: Path) -> None:
    source = "class A(B):\n    pass\nclass B(A):\n    def m(self): pass\nA().m()\nA().n()\n"
    with asking(tmp_path, {"a.py": source}) as ask:
        assert ask.first("a.py", "A().@m()") == "a.py:4 inferred"
        assert ask.first("a.py", "A().@n()") == ""


def test_functions_that_return_each_other_end(tmp_path: Path) -> None:
    source = "def f():\n    return g()\ndef g():\n    return f()\nf().name\n"
    with asking(tmp_path, {"a.py": source}) as ask:
        assert ask.first("a.py", "f().@name") == ""


def test_a_function_comes_before_its_overloads(tmp_path: Path) -> None:
    files = {
        "m.py": (
            "import typing as t\nfrom typing import overload\n"
            "@overload\ndef first(a: int) -> int: ...\n@overload\ndef first(a: str) -> str: ...\n"
            "def first(a):\n    return a\n"
            "class A:\n    @t.overload\n    def get(self, a: int) -> int: ...\n    @t.overload\n"
            "    def get(self, a: str) -> str: ...\n    def get(self, a):\n        return a\n"
        ),
        "use.py": "from m import A, first\nprint(first(1))\nprint(A().get(2))\n",
    }
    with asking(tmp_path, files) as ask:
        expected = {"import A, @first": [6, 3, 5], "print(@first": [6, 3, 5], "A().@get": [13, 10, 12]}
        for marked, rows in expected.items():
            found = ask.definition("use.py", marked).definitions
            assert [one.row for one in found] == rows
        assert len(ask.references("m.py", "def @first(a):").references) == 5
