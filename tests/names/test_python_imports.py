"""Names through imports, from file to file."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.names.asking import asking

TREE = {
    "pkg/__init__.py": "from .core import Engine as Motor\nfrom .star import *\n",
    "pkg/core.py": "class Engine:\n    def start(self): pass\n\ndef make(): return Engine()\n",
    "pkg/star.py": "__all__ = ['shown']\ndef shown(): pass\ndef hidden(): pass\n_private = 1\n",
    "pkg/open.py": "def free(): pass\n_closed = 1\n",
    "pkg/sub/__init__.py": "",
    "pkg/sub/deep.py": "from ..core import make\nfrom .. import core\nVALUE = make()\n",
    "pkg/cycle_a.py": "from pkg.cycle_b import *\nfrom pkg.cycle_b import thing\n",
    "pkg/cycle_b.py": "from pkg.cycle_a import *\nfrom pkg.cycle_a import thing\n",
    "src/lib/__init__.py": "LIMIT = 3\n",
    "space/inner/module.py": "ITEM = 1\n",
}

CASES = {
    "an item": ("from pkg.core import make\nmake()\n", "@make()", "pkg/core.py:4 exact"),
    "an alias": ("from pkg.core import make as build\nbuild()\n", "@build()", "pkg/core.py:4 exact"),
    "in the import": ("from pkg.core import make\n", "import @make", "pkg/core.py:4 exact"),
    "a module": ("import pkg.core\npkg.core.make()\n", "pkg.@core.make", "pkg/core.py:1 exact"),
    "a member of a module": ("import pkg.core\npkg.core.make()\n", "core.@make", "pkg/core.py:4 exact"),
    "a module's alias": ("import pkg.core as c\nc.make()\n", "c.@make", "pkg/core.py:4 exact"),
    "a package": ("import pkg.core\npkg.core.make()\n", "@pkg.core.make", "pkg/__init__.py:1 exact"),
    "the module in an import": ("from pkg.core import make\n", "from pkg.@core", "pkg/core.py:1 exact"),
    "an annotation in quotes": (
        "from pkg import core\nx: 'core.Engine'\n",
        "'core.@Engine'",
        "pkg/core.py:1 exact",
    ),
    "a re-export": ("from pkg import Motor\nMotor()\n", "@Motor()", "pkg/core.py:1 exact"),
    "a star": ("from pkg.open import *\nfree()\n", "@free()", "pkg/open.py:1 exact"),
    "a star does not bring what begins with _": ("from pkg.open import *\n_closed\n", "\n@_closed", ""),
    "a star brings what __all__ names": ("from pkg import *\nshown()\n", "@shown()", "pkg/star.py:2 exact"),
    "and nothing else": ("from pkg.star import *\nhidden()\n", "@hidden()", ""),
    "a cycle ends": ("from pkg.cycle_a import thing\nthing\n", "\n@thing", "pkg/cycle_b.py:2 exact"),
    "a source folder": ("import lib\nlib.LIMIT\n", "lib.@LIMIT", "src/lib/__init__.py:1 exact"),
    "a namespace package": (
        "from space.inner import module\nmodule.ITEM\n",
        "module.@ITEM",
        "space/inner/module.py:1 exact",
    ),
    "not in the repository": ("import numpy\nnumpy.array\n", "\n@numpy", "a.py:1 exact"),
    "a member of what is not": ("import numpy\nnumpy.array\n", "numpy.@array", ""),
    "try and except": (
        "try:\n    from fast import make\nexcept ImportError:\n    from pkg.core import make\nmake()\n",
        "@make()",
        "pkg/core.py:4 exact",
    ),
    "inside a function": (
        "def f():\n    from pkg.core import make\n    make()\n",
        "@make()",
        "pkg/core.py:4 exact",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_an_import_leads_to_the_definition(case: str, tmp_path: Path) -> None:
    source, marked, expected = CASES[case]
    with asking(tmp_path, {**TREE, "a.py": source}) as ask:
        assert ask.first("a.py", marked) == expected


def test_relative_imports(tmp_path: Path) -> None:
    with asking(tmp_path, TREE) as ask:
        assert ask.first("pkg/sub/deep.py", "= @make()") == "pkg/core.py:4 exact"
        assert ask.first("pkg/sub/deep.py", "from .. import @core") == "pkg/core.py:1 exact"


def test_a_test_finds_the_package_it_tests(tmp_path: Path) -> None:
    files = {
        "src/app/__init__.py": "",
        "src/app/run.py": "def go(): pass\n",
        "tests/test_run.py": "import app.run\n",
    }
    with asking(tmp_path, files) as ask:
        assert ask.first("tests/test_run.py", "app.@run") == "src/app/run.py:1 exact"


def test_modules_of_one_name_are_told_apart_by_the_folder(tmp_path: Path) -> None:
    files = {
        "one/helper.py": "def work(): pass\n",
        "one/main.py": "import helper\nhelper.work()\n",
        "two/helper.py": "\n\ndef work(): pass\n",
        "two/main.py": "import helper\nhelper.work()\n",
    }
    with asking(tmp_path, files) as ask:
        assert ask.lines("one/main.py", "helper.@work") == ["one/helper.py:1 exact"]
        assert ask.lines("two/main.py", "helper.@work") == ["two/helper.py:3 exact"]


def test_a_package_sees_its_modules_that_it_imports_from(tmp_path: Path) -> None:
    files = {"pkg/__init__.py": "from .part import *\nprint(part.x)\n", "pkg/part.py": "x = 1\n"}
    with asking(tmp_path, files) as ask:
        assert ask.first("pkg/__init__.py", "(part.@x") == "pkg/part.py:1 exact"
        assert ask.first("pkg/__init__.py", "(@part.x") == "pkg/part.py:1 exact"


def test_a_star_of_another_platform_comes_last(tmp_path: Path) -> None:
    source = "if windows:\n    from .windows_events import *\nelse:\n    from .unix_events import *\nLoop()\n"
    files = {
        "pkg/__init__.py": source,
        "pkg/unix_events.py": "class Loop: ...\n",
        "pkg/windows_events.py": "class Loop: ...\n",
    }
    with asking(tmp_path, files) as ask:
        assert ask.first("pkg/__init__.py", "@Loop()") == "pkg/unix_events.py:1 exact"


@pytest.mark.parametrize(
    ("name", "line"),
    [("plain", 3), ("first", 4), ("second", 4), ("loaded", 5), ("made", 6), ("Kind", 7), ("last", 8),
     ("opened", 9), ("walrus", 10)],
)  # fmt: skip
def test_what_a_function_binds_for_its_module_is_seen_from_others(
    tmp_path_factory: pytest.TempPathFactory, name: str, line: int
) -> None:
    source = (
        "def setup():\n    global plain, first, second, loaded, made, Kind, last, opened, walrus\n"
        "    plain = 1\n    first, second = 1, 2\n    import json as loaded\n"
        "    def made(): pass\n    class Kind: pass\n"
        "    for last in (1,): pass\n    with open('x') as opened: pass\n    (walrus := 3)\n"
        "    local = inner = 4\n"
    )
    used = f"import m\nm.{name}\nm.local\nm.inner\n"
    with asking(tmp_path_factory.mktemp("globals"), {"m.py": source, "u.py": used}) as asked:
        assert asked.first("u.py", f"m.@{name}\n") == f"m.py:{line} exact"
        assert asked.lines("u.py", "m.@local\n") == asked.lines("u.py", "m.@inner\n") == []
