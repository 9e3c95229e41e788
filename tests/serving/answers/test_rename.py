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
