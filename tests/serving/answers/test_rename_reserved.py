"""Names that a rename refuses to take away or to give, and members that classes outside of the files have."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.names.asking import asking

from diptych.serving.answers.rename import rename
from diptych.serving.errors import RenameRefusedError


@pytest.mark.parametrize(
    ("path", "text", "name"),
    [
        ("A.java", 'class A {\n  public String toString() { return ""; }\n}\n', "toString"),
        ("A.java", "class A {\n  public static void main(String[] a) {}\n}\n", "main"),
        ("a.go", 'package a\ntype T struct{}\nfunc (t T) String() string { return "" }\n', "String"),
        ("a.go", "package main\nfunc main() {}\n", "main"),
        ("a.c", "int main(void) { return 0; }\n", "main"),
        ("main.rs", "fn main() {}\n", "main"),
        ("a.ts", "class A { toJSON() { return 1; } }\n", "toJSON"),
        ("a.py", "class A:\n    def __len__(self): return 1\n", "__len__"),
    ],
)
def test_what_the_language_goes_by_keeps_its_name(tmp_path: Path, path: str, text: str, name: str) -> None:
    row = next(number for number, line in enumerate(text.split("\n")) if f"{name}(" in line)
    column = text.split("\n")[row].index(name)
    with (
        asking(tmp_path, {path: text}) as asked,
        pytest.raises(RenameRefusedError, match=f"{name} means something to the language"),
    ):
        rename(asked.source, path, row, column, "other")


@pytest.mark.parametrize(
    ("path", "text", "new"),
    [
        ("a.c", "int f(void) { return 0; }\n", "struct"),
        ("a.cpp", "int f() { return 0; }\n", "template"),
        ("a.rs", "fn f() {}\n", "impl"),
        ("A.java", "class A {\n  int f() { return 0; }\n}\n", "package"),
        ("a.py", "def f(): pass\n", "lambda"),
    ],
)
def test_a_keyword_of_the_language_is_no_name(tmp_path: Path, path: str, text: str, new: str) -> None:
    row = next(number for number, line in enumerate(text.split("\n")) if "f(" in line)
    column = text.split("\n")[row].index("f(")
    with (
        asking(tmp_path, {path: text}) as asked,
        pytest.raises(RenameRefusedError, match=f"'{new}' is no name in"),
    ):
        rename(asked.source, path, row, column, new)


@pytest.mark.parametrize(
    ("written", "free", "taken"),
    [
        ("import collections\nclass A(collections.abc.MutableMapping):", "step", "pop"),
        ("import collections.abc as c\nclass A(c.Mapping):", "step", "keys"),
        ("from typing import Generic\nclass A(Generic[int]):", "step", ""),
        ("import typing as t\nclass A(t.NamedTuple):", "step", "_replace"),
        ("class A(dict[str, int]):", "step", "update"),
        ("from unittest import TestCase\nclass A(TestCase):", "step", "setUp"),
        ("import ast\nclass A(ast.NodeVisitor):", "step", "visit_Name"),
        ("from http.server import BaseHTTPRequestHandler as B\nclass A(B):", "step", "do_GET"),
        ("import argparse\nclass A(argparse.ArgumentParser):", "step", "prog"),
        ("import far\nclass A(far.B):", "", "step"),
        ("class A(made()):", "", "step"),
    ],
)
def test_of_the_classes_of_pythons_library_the_members_are_known(
    tmp_path: Path, written: str, free: str, taken: str
) -> None:
    text = f"{written}\n    def {free or 'one'}(self): pass\n    def {taken or 'two'}(self): pass\n"
    row = text.count("\n", 0, text.index("    def"))
    with asking(tmp_path, {"a.py": text}) as asked:
        if free:
            assert [edit[1:3] for edit in rename(asked.source, "a.py", row, 8, "other").edits] == [(row, 8)]
        if taken:
            with pytest.raises(RenameRefusedError, match=f"{taken} may be a member of"):
                rename(asked.source, "a.py", row + 1, 8, "other")


def test_a_private_name_is_that_of_its_class_alone(tmp_path: Path) -> None:
    text = (
        "import far\nclass A(far.B):\n    def __x(self): self.__x()\n"
        "class C(A):\n    def __x(self): self.__x()\n"
    )
    with asking(tmp_path, {"a.py": text}) as asked:
        edits = rename(asked.source, "a.py", 2, 8, "__y").edits
    assert [edit[1:3] for edit in edits if not edit.needs_confirmation] == [(2, 8), (2, 24)]


STUBBED = {
    "p/__init__.py": "class A:\n    def step(self, size): pass\ndef f(a): pass\n",
    "p/__init__.pyi": "class A:\n    def step(self, size: int) -> None: ...\ndef f(a: int) -> None: ...\n",
    "use.py": "import p\np.A().step(size=1)\np.f(a=1)\n",
}


@pytest.mark.parametrize("path", ["p/__init__.py", "p/__init__.pyi"])
@pytest.mark.parametrize(
    ("row", "column", "used"),
    [(0, 6, (1, 2)), (1, 8, (1, 6)), (1, 19, (1, 11)), (2, 4, (2, 2)), (2, 6, (2, 4))],
)
def test_a_stub_and_its_file_are_renamed_together(
    tmp_path: Path, path: str, row: int, column: int, used: tuple[int, int]
) -> None:
    with asking(tmp_path, STUBBED) as asked:
        edits = rename(asked.source, path, row, column, "other").edits
    assert [edit[:3] for edit in edits if not edit.needs_confirmation] == [
        ("p/__init__.py", row, column),
        ("p/__init__.pyi", row, column),
        ("use.py", *used),
    ]


def test_a_parameter_that_is_assigned_to_is_renamed_from_its_stub_where_it_is_passed(tmp_path: Path) -> None:
    files = {
        "a.py": "def f(size):\n    size = size + 1\n    return size\nclass K:\n    x = f(size=2)\n",
        "a.pyi": "def f(size: int) -> int: ...\n",
    }
    with asking(tmp_path, files) as asked:
        edits = rename(asked.source, "a.pyi", 0, 6, "other").edits
    assert [edit[:3] for edit in edits if not edit.needs_confirmation] == [
        *(("a.py", 0, 6), ("a.py", 1, 4), ("a.py", 1, 11), ("a.py", 2, 11), ("a.py", 4, 10)),
        ("a.pyi", 0, 6),
    ]


def test_what_other_packages_of_go_use_stays_exported(tmp_path: Path) -> None:
    files = {
        "go.mod": "module m\n",
        "a/a.go": "package a\nfunc Work() {}\n",
        "b/b.go": 'package b\nimport "m/a"\nfunc f() { a.Work() }\n',
    }
    with asking(tmp_path, files) as asked:
        assert len(rename(asked.source, "a/a.go", 1, 5, "Run").edits) == 2
        with pytest.raises(RenameRefusedError, match="run would not be seen from other packages"):
            rename(asked.source, "a/a.go", 1, 5, "run")
