"""Renames of Python's parameters, where a function is called by another name that it was given."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from tests.names.asking import asking

from diptych.serving.answers.rename import Edit, rename

_FUNCTION = (
    "import functools\nfrom functools import partial, wraps\n\n\ndef f(a, b=2):\n    return b\n\n\n"
)

# What follows the function: `b=` that is its parameter is written `@b=`.
CASES = {
    "another name": "h = f\nprint(h(1, @b=1))\n",
    "another name of another": "g = f\nh = g\nprint(h(1, @b=1))\n",
    "partial": "h = partial(f, 1)\nprint(h(@b=1), h())\n",
    "functools.partial with a keyword": "h = functools.partial(f, a=1, @b=4)\nprint(h(@b=1))\n",
    "partial of partial": "h = partial(partial(f, 1), @b=3)\nprint(h(@b=1), partial(f, 1)(@b=2))\n",
    "partial in a function": "def k():\n    g = partial(f, 1)\n    return g(@b=5)\n\n\nprint(k())\n",
    "partial that is returned": "def k():\n    return partial(f, 1)\n\n\nprint(k()(@b=5))\n",
    "a field": (
        "class K:\n    def __init__(self):\n        self.h, self.p = f, partial(f, 1)\n\n"
        "    def run(self):\n        return self.h(1, @b=2), self.p(@b=3)\n\n\nprint(K().run())\n"
    ),
    "a lambda that passes on": "h = lambda *args, **more: f(1, *args, **more)\nprint(h(@b=1))\n",
    "a lambda with a parameter of its own": "h = lambda b: f(1, @b=b)\nprint(h(b=1))\n",
    "wraps": (
        "@wraps(f)\ndef h(*args, **more):\n    return f(*args, **more)\n\n\nprint(h(1, @b=1))\n"
    ),
    "another function with a parameter of that name": "def g(b):\n    return b\n\n\nh = g\nprint(h(b=1))\n",
}


def _after(texts: dict[str, str], edits: Iterable[Edit], name: str) -> dict[str, str]:
    lines = {path: text.split("\n") for path, text in texts.items()}
    for path, row, column, new, asked in sorted(edits, reverse=True):
        assert not asked
        line = lines[path][row]
        lines[path][row] = line[:column] + new + line[column + len(name) :]
    return {path: "\n".join(one) for path, one in lines.items()}


def _printed(folder: Path, files: dict[str, str], main: str) -> str:
    folder.mkdir()
    for path, text in files.items():
        (folder / path).write_text(text)
    return subprocess.run(
        [sys.executable, main], cwd=folder, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("case", CASES)
def test_a_keyword_argument_is_renamed_by_whatever_name_the_function_is_called(
    case: str, tmp_path: Path
) -> None:
    before = {"m.py": _FUNCTION + CASES[case].replace("@b", "b")}
    with asking(tmp_path, before) as asked:
        edits = rename(asked.source, "m.py", *asked.at("m.py", "def f(a, @b"), "c").edits
    after = _after(before, edits, "b")
    function = _FUNCTION.replace("b=2", "c=2").replace("return b", "return c")
    expected = function + CASES[case].replace("@b", "c")
    assert after == {"m.py": expected}
    assert _printed(tmp_path / "before", before, "m.py") == _printed(tmp_path / "after", after, "m.py")


def test_a_file_that_knows_another_name_alone_is_found(tmp_path: Path) -> None:
    files = {
        "m.py": _FUNCTION + "h = partial(f, 1)\n",
        "n.py": "import m\n\nother = m.h\n",
        "a.py": "from n import other\n\nprint(other(b=1))\n",
    }
    with asking(tmp_path, files) as asked:
        assert asked.uses("m.py", "def f(a, @b") == ["m.py:5 definition", "m.py:6 use", "a.py:3 use"]


def test_the_parameter_of_a_lambda_with_a_name_is_renamed_where_it_is_called(tmp_path: Path) -> None:
    files = {
        "m.py": "h = lambda b: b + 1\nprint(h(b=1))\n",
        "a.py": "import m\n\nprint(m.h(b=2))\n",
        "b.py": "def h(b):\n    return b\n\n\nh(b=1)\n",
    }
    with asking(tmp_path, files) as asked:
        uses = asked.uses("m.py", "lambda @b")
    assert uses == ["m.py:1 definition", "m.py:1 use", "m.py:2 use", "a.py:3 use"]


def test_the_parameters_of_overloads_are_one(tmp_path: Path) -> None:
    text = (
        "from typing import overload\nimport typing as t\n"
        "@overload\ndef get(key: int) -> int: ...\n@t.overload\ndef get(key: str) -> str: ...\n"
        "def get(key): return key\nget(key=1)\ndef set(key): return key\n"
        "if t:\n    def one(key): return key\nelse:\n    def one(key): return 1\n"
    )
    with asking(tmp_path, {"app.py": text}) as asked:
        for row in (3, 5, 6):
            edits = rename(asked.source, "app.py", row, 8, "name").edits
            places = [edit[1:3] for edit in edits if not edit.needs_confirmation]
            assert places == [(3, 8), (5, 8), (6, 8), (6, 21), (7, 4)]
        assert [edit[1] for edit in rename(asked.source, "app.py", 12, 12, "name").edits] == [12]
