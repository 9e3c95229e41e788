"""Which places of a file are resolved for references, and in which order the files come."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
from tests.names.asking import Asking, asking

from diptych.serving.answers.references import by_file, references_to, referred
from diptych.serving.files import ParsedFile


def _sure(ask: Asking, path: str, marked: str) -> list[str]:
    """The references as they are found, `path:line`."""
    _, target = referred(ask.source, path, *ask.at(path, marked))
    assert target is not None
    found = chain.from_iterable(by_file(ask.source, target))
    return [f"{one.path}:{one.row + 1}" for one, is_sure in found if is_sure]


def test_a_member_may_be_in_a_line_after_its_dot(tmp_path: Path) -> None:
    files = {
        "own.py": "class Own:\n    def size(self):\n        return 1\n",
        "use.py": (
            "from own import Own\n\nown = Own()\n(own.\n    size())\n(own.  # the size # of it\n    size())\n"
            "(own . \\\n    size())\nsize = 3\nprint(size, '.', \nsize)\n"
        ),
    }
    with asking(tmp_path, files) as ask:
        assert ask.uses("own.py", "def @size") == [
            "own.py:2 definition",
            "use.py:5 use",
            "use.py:7 use",
            "use.py:9 use",
        ]
        assert ask.references("own.py", "def @size").possible == ()


def test_a_parameter_is_used_by_arguments_alone_outside_of_its_function(tmp_path: Path) -> None:
    files = {
        "own.py": "def scale(size, by=2):\n    return size * by\n\n\nsize = scale(size  # of it\n    =3)\n",
        "use.py": "from own import scale\n\n\ndef use(size):\n    return scale(size=size) == size\n",
    }
    with asking(tmp_path, files) as ask:
        assert ask.uses("own.py", "def scale(@size") == [
            "own.py:1 definition",
            "own.py:2 use",
            "own.py:5 use",
            "use.py:5 use",
        ]


def test_a_name_by_itself_counts_where_an_import_leads_to_it(tmp_path: Path) -> None:
    files = {
        "own.py": "def run():\n    pass\n",
        "other.py": "def run():\n    pass\n",
        "stars.py": "from own import *\n\nrun()\n",
        "inside.py": "from other import run\n\n\ndef f():\n    from own import run\n\n    run()\n\n\nrun()\n",
        "passed_on.py": "from own import run\n",
        "through.py": "from passed_on import run\n\nrun()\n",
        "apart.py": "import own\n\n\ndef run():\n    own.run()\n\n\nrun()\n",
        "builtin.py": "import own\n\nrun()\n",
    }
    with asking(tmp_path, files) as ask:
        found = ask.references("own.py", "def @run")
    assert [f"{one.path}:{one.row + 1}" for one in found.references] == [
        "own.py:1",
        "apart.py:5",
        "inside.py:5",
        "inside.py:7",
        "passed_on.py:1",
        "stars.py:3",
        "through.py:1",
        "through.py:3",
    ]
    # Nothing in that file gives it the name, so that it is not a use of which nothing is known.
    assert [one.path for one in found.possible] == []


def test_what_a_file_imports_from_outside_is_its_own(tmp_path: Path) -> None:
    files = {
        "own.py": "import sys\n\nprint(sys.path)\n",
        "apart.py": "import sys\nimport own\n\nprint(sys.path, own.sys.path)\n",
        "passed_on.py": "from own import sys\n\nprint(sys.path)\n",
    }
    with asking(tmp_path, files) as ask:
        assert ask.uses("own.py", "print(@sys") == [
            "own.py:1 import",
            "own.py:3 use",
            "apart.py:4 use",
            "passed_on.py:1 import",
            "passed_on.py:3 use",
        ]


def test_files_that_import_the_definition_come_before_the_others(tmp_path: Path) -> None:
    files = {
        "own.py": "def run():\n    pass\n",
        "a_far.py": "import middle\n\nmiddle.run()\n",
        "middle.py": "from own import run\n",
        "near.py": "from own import run\n\nrun()\n",
    }
    with asking(tmp_path, files) as ask:
        assert _sure(ask, "own.py", "def @run") == [
            "own.py:1",
            "middle.py:1",
            "near.py:1",
            "near.py:3",
            "a_far.py:3",
        ]
        listed = ask.uses("own.py", "def @run")
    assert listed == [
        "own.py:1 definition",
        "a_far.py:3 use",
        "middle.py:1 import",
        "near.py:1 import",
        "near.py:3 use",
    ]


def test_of_a_file_with_a_local_variable_one_function_is_parsed(tmp_path: Path) -> None:
    functions = "def one(size):\n    total = size\n    return total\n\n\ndef two(total):\n    return total\n"
    files = {"own.py": f"{functions}\n\ndef three():\n    return {'one, two, ' * 9}\n"}
    with asking(tmp_path, files) as ask:
        assert ask.uses("own.py", "    @total = size") == ["own.py:2 definition", "own.py:3 use"]
        parsed = ask.source.parsed("own.py")
        assert isinstance(parsed, ParsedFile)
        assert not parsed.is_parsed
        seen = ask.source.names_of("own.py")
        assert seen is not None
        # It is kept for the next question about the same function.
        first = parsed.part(seen, (1, 4))
        assert parsed.part(seen, (2, 11)) is first
        assert parsed.part(seen, (6, 11)) is not first


def test_the_name_that_an_import_gives_is_that_of_what_else_is_bound_to_it(tmp_path: Path) -> None:
    source = (
        "try:\n    from _fast import scan as fast_scan\nexcept ImportError:\n    fast_scan = None\n"
        "try:\n    import _faster as faster\nexcept ImportError:\n    faster = None\n\n"
        "scan = fast_scan or faster\n"
    )
    with asking(tmp_path, {"own.py": source}) as ask:
        assert ask.uses("own.py", "scan = @fast_scan") == [
            "own.py:2 import",
            "own.py:4 definition",
            "own.py:10 use",
        ]
        assert ask.uses("own.py", "or @faster") == ["own.py:6 import", "own.py:8 definition", "own.py:10 use"]


def test_a_name_that_an_import_gives_is_looked_for_where_it_is_imported(tmp_path: Path) -> None:
    files = {
        "own.py": "def run():\n    pass\n",
        "passing.py": "from own import run as go\n",
        "further.py": "from passing import go as start\n",
        "third.py": "import further\nfrom passing import go\n\ngo()\nfurther.start()\n",
        "apart.py": "import passing\n\n\ndef f(x, go):\n    go()\n    x.go()\n    passing.go()\n",
    }
    with asking(tmp_path, files) as ask:
        found = ask.references("own.py", "def @run")
    assert [f"{one.path}:{one.row + 1}" for one in found.references] == [
        "own.py:1",
        "apart.py:7",
        "further.py:1",
        "further.py:1",
        "passing.py:1",
        "passing.py:1",
        "third.py:2",
        "third.py:4",
        "third.py:5",
    ]
    assert found.possible == ()


def _surely(ask: Asking, path: str, marked: str) -> list[str]:
    _, target = referred(ask.source, path, *ask.at(path, marked))
    assert target is not None
    found = references_to(ask.source, target, only_sure=True)
    assert found.possible == ()
    assert found.references == references_to(ask.source, target).references
    return [f"{one.path}:{one.row + 1}" for one in found.references]


def test_an_argument_names_no_function(tmp_path: Path) -> None:
    files = {
        "own.py": "def main():\n    pass\n",
        "use.py": "import own\n\n\ndef use(f, x):\n    f(main=own.main)\n    x.main()\n",
    }
    with asking(tmp_path, files) as ask:
        found = ask.references("own.py", "def @main")
        assert [(one.row + 1, one.column) for one in found.references if one.path == "use.py"] == [(5, 15)]
        assert [one.row + 1 for one in found.possible] == [6]


def test_a_class_is_called_by_other_names_too(tmp_path: Path) -> None:
    files = {
        "tool/__init__.py": "from .main import Program, main\n",
        "tool/main.py": "class Program:\n    def __init__(self, level=1):\n        ...\n\n\nmain = Program\n",
        "use.py": "import tool\n\ntool.main(level=2)\n",
        "item.py": "from tool import main\n\nmain(level=3)\n",
    }
    with asking(tmp_path, files) as ask:
        found = _surely(ask, "tool/main.py", "self, @level")
        assert found == ["tool/main.py:2", "item.py:3", "use.py:3"]


def test_an_import_of_a_module_names_the_packages_around_it(tmp_path: Path) -> None:
    files = {
        "outer/__init__.py": "",
        "outer/inner/__init__.py": "",
        "outer/inner/leaf.py": "",
        "use.py": "import outer.inner.leaf\n",
        "from_it.py": "from outer.inner import leaf\n",
        "item.py": "from outer import inner\n",
    }
    with asking(tmp_path, files) as ask:
        assert _surely(ask, "item.py", "import @inner") == ["from_it.py:1", "item.py:1", "use.py:1"]


def test_only_imports_that_lead_there_are_followed(tmp_path: Path) -> None:
    """`from . import x` is written in any package, and a module's last name by others of that name."""
    files = {
        "a/__init__.py": "from .own import run\n",
        "a/own.py": "def run():\n    pass\n",
        "a/near.py": "from . import own\n\nown.run()\n",
        "a/up/__init__.py": "from ..own import run as go\n",
        "b/__init__.py": "",
        "b/own.py": "def run():\n    pass\n",
        "b/near.py": "from . import own\n\nown.run()\n",
        "package.py": "import a\n\nprint(a.own.run)\n",
        "chain.py": "from a.up import go\n\ngo()\n",
    }
    with asking(tmp_path, files) as ask:
        expected = ["a/__init__.py:1", "a/near.py:3", "a/own.py:1", "a/up/__init__.py:1"]
        expected += ["a/up/__init__.py:1", "chain.py:1", "chain.py:3", "package.py:3"]
        assert sorted(_surely(ask, "a/own.py", "def @run")) == expected
        assert _surely(ask, "b/own.py", "def @run") == ["b/own.py:1", "b/near.py:3"]


def test_what_a_function_defines_is_sought_in_its_file_alone(tmp_path: Path) -> None:
    files = {
        "own.py": "def outer():\n    def inner():\n        pass\n\n    inner()\n    return inner\n",
        "use.py": "from own import outer\n\n\ndef use(x):\n    x.inner()\n    outer().inner()\n",
        "shared.py": "def make():\n    global made\n    def made():\n        pass\n",
        "other.py": "import shared\n\nshared.made()\n",
    }
    with asking(tmp_path, files) as ask:
        assert _surely(ask, "own.py", "def @inner") == ["own.py:2", "own.py:5", "own.py:6"]
        assert ask.references("own.py", "def @inner").possible == ()


def test_self_may_be_a_module(tmp_path: Path) -> None:
    plain = "import own\n\n\nclass A:\n    def f(self):\n        return self.run, 'x'.run, own.run\n"
    files = {
        "own.py": "def run():\n    pass\n",
        "plain.py": plain,
        "bound.py": "import own\n\nself = own\nself.run()\n",
        "named.py": "import own as self\n\nself.run()\n",
    }
    with asking(tmp_path, files) as ask:
        assert _surely(ask, "own.py", "def @run") == ["own.py:1", "bound.py:4", "named.py:3", "plain.py:6"]
    files["has.py"] = "class B:\n    from own import run\n\n    def f(self):\n        self.run()\n"
    other = tmp_path / "other"
    other.mkdir()
    with asking(other, files) as ask:
        assert "has.py:5" in _surely(ask, "own.py", "def @run")


def test_long_lines_are_looked_through_once_for_another_self(tmp_path: Path) -> None:
    """Lines of nothing but spaces, or of words that bind what follows them, take time as their length."""
    use = "\n".join(("import own", "# " + "for " * 60_000, " " * 200_000, "def use(self):", "    self.run()"))
    other = "import own\nfor own.x, self in ():\n    self.run()\n"
    with asking(tmp_path, {"own.py": "def run():\n    pass\n", "use.py": use, "z.py": other}) as ask:
        assert _surely(ask, "own.py", "def @run") == ["own.py:1"]


@pytest.mark.parametrize("module", ["./my-tools.js", "./my-tools", "./folder", "./folder/index.js"])
@pytest.mark.parametrize("written", ["const tools = require('{}');", "import * as tools from '{}';"])
def test_a_module_is_found_whatever_an_import_writes_for_it(
    tmp_path: Path, written: str, module: str
) -> None:
    own = "exports.a = 1;\n"
    files = {"my-tools.js": own, "folder/index.js": own, "use.js": f"{written.format(module)}\ntools.a;\n"}
    with asking(tmp_path, files) as ask:
        _, target = referred(ask.source, "use.js", 1, 0)
        assert target is not None and target.kind == "module"
        found = references_to(ask.source, target).references
    assert [(one.path, one.row) for one in found] == [("use.js", 0), ("use.js", 1)]


def test_what_imports_a_module_of_a_package_names_the_package(tmp_path: Path) -> None:
    files = {
        "pack/__init__.py": "",
        "pack/part.py": "x = 1\n",
        "one.py": "import pack\n\npack.part\n",
        "two.py": "from pack.part import x\n",
        "three.py": "import pack.part as part\n",
    }
    with asking(tmp_path, files) as ask:
        expected = ["one.py:1 import", "one.py:3 use", "three.py:1 import", "two.py:1 import"]
        assert ask.uses("one.py", "import @pack") == expected


def test_an_assignment_is_no_argument(tmp_path: Path) -> None:
    """Not even a possible one: elsewhere, a function's own class is used by no name."""
    text = "def f():\n    class A: pass\n    return A\n\ndef g(m):\n    m.A = 1\n    f(  # !\n        A=2)\n"
    with asking(tmp_path, {"a.py": text}) as ask:
        found = ask.references("a.py", "class @A")
    assert [(one.row, one.column) for one in found.references] == [(1, 10), (2, 11)]
    assert not found.possible


def test_a_name_made_of_itself_by_many_ways_is_found(tmp_path: Path) -> None:
    """Each way leads to all the others, again and again: there are not so many steps for one question."""
    ways = "".join(f"        x = x.next({number})\n        y = x.take(y)\n" for number in range(5))
    used = f"def f(x, y):\n    while y:\n{ways}    z = y or A()\n    z.run()\n"
    with asking(tmp_path, {"a.py": f"{used}\n\nclass A:\n    def run(self): pass\n"}) as ask:
        assert ask.uses("a.py", "def @run") == ["a.py:14 use", "a.py:18 definition"]
