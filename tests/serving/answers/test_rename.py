"""What a rename edits: the name itself, and nothing that only begins like it."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest
from tests.names.asking import asking

from diptych.serving.answers import hierarchy, references
from diptych.serving.answers.plain import PlainFile
from diptych.serving.answers.rename import rename
from diptych.serving.errors import RenameRefusedError


def test_the_name_that_an_import_gives_stays_though_it_begins_with_the_other(tmp_path: Path) -> None:
    app = "from lib import helper as helper2\n\nhelper2()\n"
    with asking(tmp_path, {"lib.py": "def helper(): pass\n", "app.py": app}) as asked:
        edits = rename(asked.source, "lib.py", 0, 4, "fetch").edits
    assert [edit[:3] for edit in edits] == [("app.py", 0, 16), ("lib.py", 0, 4)]


def test_the_tree_decides_what_is_edited(tmp_path: Path) -> None:
    """The text is a second reader of Python: what it says wrongly, an edit would make wrong."""
    files = {"lib.py": "def helper(): pass\n", "app.py": "import lib\ndef f():\n    return lib.helper()\n"}
    decided = mock.patch.object(PlainFile, "decided", side_effect=AssertionError)
    with asking(tmp_path, files) as asked, decided:
        with pytest.raises(AssertionError):
            references(asked.source, "lib.py", 0, 4)
        edits = rename(asked.source, "lib.py", 0, 4, "fetch").edits
    assert [edit[:3] for edit in edits] == [("app.py", 2, 15), ("lib.py", 0, 4)]


def test_a_property_of_the_same_name_keeps_it(tmp_path: Path) -> None:
    app = "const a = 1;\nconst o = { a, b: a };\nconst { c } = o;\nconsole.log(o.a, c);\n"
    with asking(tmp_path, {"app.js": app}) as asked:
        edits = rename(asked.source, "app.js", 0, 6, "top").edits
        others = rename(asked.source, "app.js", 2, 8, "taken").edits
    assert [edit[1:4] for edit in edits] == [(0, 6, "top"), (1, 12, "a: top"), (1, 18, "top")]
    assert [edit[1:4] for edit in others] == [(2, 8, "c: taken"), (3, 17, "taken")]


def test_calls_in_bodies_of_macros_are_asked_about(tmp_path: Path) -> None:
    files = {
        "a.h": "int shared(int a);\n#define DOUBLE(x) (shared(x) * 2)\n",
        "a.c": '#include "a.h"\nint shared(int a)\n{\n  return a;\n}\n',
    }
    with asking(tmp_path, files) as asked:
        edits = rename(asked.source, "a.c", 1, 4, "common").edits
    assert [(edit.path, edit.row, edit.column, edit.needs_confirmation) for edit in edits] == [
        ("a.c", 1, 4, False),
        ("a.h", 0, 4, False),
        ("a.h", 1, 19, True),
    ]


SIBLINGS = {
    "app.py": "class Base:\n    pass\nclass A(Base):\n    def step(self): pass\nclass B(Base):\n"
    "    def step(self): pass\n    def go(self): pass\nA().step()\nB().step()\n",
    "App.java": "class Base {}\nclass A extends Base {\n  void step() {}\n}\nclass B extends Base {\n"
    "  void step() {}\n  void go() {}\n}\nclass App {\n  void f(A a, B b) { a.step(); b.step(); }\n}\n",
    "app.ts": "class Base {}\nclass A extends Base {\n  step() {}\n}\nclass B extends Base {\n"
    "  step() {}\n  go() {}\n}\nnew A().step();\nnew B().step();\n",
}


@pytest.mark.parametrize(
    ("path", "edited"),
    [("app.py", [(3, 8), (7, 4)]), ("App.java", [(2, 7), (9, 23)]), ("app.ts", [(2, 2), (8, 8)])],
)
def test_a_sibling_without_a_common_member_keeps_its_own(
    tmp_path: Path, path: str, edited: list[tuple[int, int]]
) -> None:
    with asking(tmp_path, {path: SIBLINGS[path]}) as asked:
        # B has a `go` already, which is no matter of A's.
        edits = rename(asked.source, path, *edited[0], "go").edits
    assert [(*edit[1:3], edit.needs_confirmation) for edit in edits] == [(*one, False) for one in edited]


def test_what_a_class_asks_itself_for_is_one_member_of_all_that_extend_it(tmp_path: Path) -> None:
    app = (
        "class Base:\n    def run(self):\n        self.step()\nclass A(Base):\n    def step(self): pass\n"
        "class B(Base):\n    def step(self): pass\ndef other(b: Base):\n    b.step()\n"
    )
    with asking(tmp_path, {"app.py": app}) as asked:
        edits = rename(asked.source, "app.py", 4, 8, "go").edits
    assert [(*edit[1:3], edit.needs_confirmation) for edit in edits] == [
        (2, 13, False),
        (4, 8, False),
        (6, 8, False),
        (8, 6, True),
    ]


def test_what_one_class_inherits_from_two_is_one_member(tmp_path: Path) -> None:
    app = (
        "class Mixin:\n    def save(self): super().save()\nclass Model:\n    def save(self): pass\n"
        "class User(Mixin, Model):\n    pass\nUser().save()\n"
    )
    with asking(tmp_path, {"app.py": app}) as asked:
        edits = rename(asked.source, "app.py", 1, 8, "store").edits
    assert [edit[1:3] for edit in edits if not edit.needs_confirmation] == [(1, 8), (3, 8), (6, 7)]


def test_a_base_outside_of_the_repository_that_a_sibling_has_is_no_matter(tmp_path: Path) -> None:
    app = (
        "from far import Far\nclass Base:\n    pass\nclass A(Base):\n    def step(self): pass\n"
        "class B(Base, Far):\n    def step(self): pass\n"
    )
    with asking(tmp_path, {"app.py": app}) as asked:
        edits = rename(asked.source, "app.py", 4, 8, "go").edits
        with pytest.raises(RenameRefusedError, match="may be a member of far"):
            rename(asked.source, "app.py", 6, 8, "go")
    assert [edit[1:3] for edit in edits] == [(4, 8)]


def test_overriding_methods_are_found_after_functions_with_scopes_of_their_own(tmp_path: Path) -> None:
    lib = (
        "def first():\n    def inner():\n        class Local:\n            pass\n"
        "    return lambda x: [y for y in x]\n"
        "class Base:\n    def step(self): pass\nclass A(Base):\n    def step(self): pass\n"
    )
    use = "from lib import Base\nclass C(Base):\n    def step(self): pass\n"
    with asking(tmp_path, {"lib.py": lib, "use.py": use}) as asked:
        edits = rename(asked.source, "lib.py", 6, 8, "go").edits
    assert [edit[:3] for edit in edits] == [("lib.py", 6, 8), ("lib.py", 8, 8), ("use.py", 2, 8)]


def test_what_is_of_another_language_is_not_asked_about(tmp_path: Path) -> None:
    files = {
        "own.ts": "export class P { go() {} }\n",
        "use.js": "export function f(p) { return p.go(); }\n",
        "use.py": "def f(p): return p.go()\n",
    }
    with asking(tmp_path, files) as asked:
        edits = rename(asked.source, "own.ts", 0, 17, "run").edits
    assert [(edit.path, edit.needs_confirmation) for edit in edits] == [("own.ts", False), ("use.js", True)]


def test_what_extends_a_class_is_looked_for_once(tmp_path: Path) -> None:
    """Each class of a chain has the member: what is below each of them is below the first."""
    chain = "".join(f"class C{n}(C{n - 1}):\n    def run(self): self.run()\n" for n in range(1, 12))
    with (
        asking(tmp_path, {"app.py": "class C0:\n    def run(self): ...\n" + chain}) as asked,
        mock.patch.object(hierarchy, "descendants", wraps=hierarchy.descendants) as looked,
    ):
        edits = rename(asked.source, "app.py", 1, 8, "go").edits
    assert len(edits) == 23
    assert looked.call_count == 1


def test_a_class_in_a_function_overrides_as_any_other(tmp_path: Path) -> None:
    local = "    class Local(Base):\n        def read(self): return 1\n    return Local().read()\n"
    files = {
        "own.py": f"class Base:\n    def read(self): ...\n\n\ndef make():\n{local}",
        "use.py": f"from own import Base\n\n\ndef test():\n{local}",
    }
    with asking(tmp_path, files) as asked:
        edits = rename(asked.source, "own.py", 1, 8, "fetch").edits
    assert [(edit.path, edit.row, edit.needs_confirmation) for edit in edits] == [
        *(("own.py", row, False) for row in (1, 6, 7)),
        *(("use.py", row, False) for row in (5, 6)),
    ]
