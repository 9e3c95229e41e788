"""Ids of symbols, and symbols as their files have them now."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.names.asking import Asking, asking

from diptych.errors import InvalidArgumentError
from diptych.serving.answers.current import PARSES_MAX, CurrentRecords, body_of, candidate_ids, resolve

TEXT = """\
class Tool:
    def run(self): pass

    def run(self):
        return 2


def run(): pass
"""


def records(ask: Asking) -> CurrentRecords:
    return CurrentRecords(ask.source, ask.source.view)  # type: ignore[arg-type]


def ids(found: CurrentRecords, given: str) -> list[str]:
    return [one.id for one in resolve(found, given)]


def test_an_id_leads_back_to_its_symbol(tmp_path: Path) -> None:
    with asking(tmp_path, {"a.py": TEXT, "odd dir/b#c.py": "def one(): pass\n"}) as ask:
        found = records(ask)
        for path in ("a.py",):
            for one in found.symbols_in(path):
                assert resolve(found, one.id) == [one]
        assert ids(found, "a.py#Tool.run") == ["a.py#Tool.run"]
        assert ids(found, "a.py#Tool.run~2") == ["a.py#Tool.run~2"]
        assert ids(found, "a.py#Tool.run:method~2") == ["a.py#Tool.run~2"]
        assert ids(found, "a.py#Tool.run:class") == []
        assert ids(found, "a.py:5") == ["a.py#Tool.run~2"], "the innermost around a line"
        assert ids(found, "a.py:7") == []
        assert sorted(ids(found, "run")) == ["a.py#Tool.run", "a.py#Tool.run~2", "a.py#run"]
        assert ids(found, "Tool.run") == ids(found, "Tool::run")
        for given in ("b.py#run", "b.py:3"):
            with pytest.raises(InvalidArgumentError, match=r"there is no file b\.py"):
                resolve(found, given)


def test_candidates_of_one_name_are_told_apart_by_their_kind(tmp_path: Path) -> None:
    text = "interface Box { a: number }\nconst Box = 1;\n"
    with asking(tmp_path, {"a.ts": text}) as ask:
        found = records(ask)
        both = resolve(found, "Box")
        assert len(both) == 2
        assert {one.id for one in both} == {"a.ts#Box"}
        apart = candidate_ids(both)
        assert len(set(apart)) == 2
        for one, identity in zip(both, apart, strict=True):
            assert resolve(found, identity) == [one]


def test_a_body_is_that_of_the_file_as_it_is_now(tmp_path: Path) -> None:
    with asking(tmp_path, {"a.py": TEXT}) as ask:
        found = records(ask)
        (tmp_path / "a.py").write_text("\n\n" + TEXT.replace("return 2", "return 3"))
        found.begin()
        (one,) = resolve(found, "a.py#Tool.run~2")
        assert body_of(found, one, 10) == (["    def run(self):", "        return 3"], 2)
        assert body_of(found, one, 1)[0] == ["    def run(self):"]
        assert list(found.edited) == ["a.py"]


def test_so_many_changed_files_are_parsed_for_an_answer_and_the_rest_is_counted(tmp_path: Path) -> None:
    files = {f"m{number}.py": "def work(): pass\n" for number in range(PARSES_MAX + 4)}
    with asking(tmp_path, files) as ask:
        found = records(ask)
        for path in files:
            (tmp_path / path).write_text("\ndef work(): pass\n")
        found.begin()
        hits = resolve(found, "work")
        assert {one.row for one in hits} == {1}
        assert len(hits) + found.unchecked == len(files)
        assert found.unchecked > 0
        found.begin()
        assert found.unchecked == 0
