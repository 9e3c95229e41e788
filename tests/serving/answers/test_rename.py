"""What a rename edits: the name itself, and nothing that only begins like it."""

from __future__ import annotations

from pathlib import Path

from tests.names.asking import asking

from diptych.serving.answers.rename import rename


def test_the_name_that_an_import_gives_stays_though_it_begins_with_the_other(tmp_path: Path) -> None:
    app = "from lib import helper as helper2\n\nhelper2()\n"
    with asking(tmp_path, {"lib.py": "def helper(): pass\n", "app.py": app}) as asked:
        edits = rename(asked.source, "lib.py", 0, 4, "fetch").edits
    assert [edit[:3] for edit in edits] == [("app.py", 0, 16), ("lib.py", 0, 4)]


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
