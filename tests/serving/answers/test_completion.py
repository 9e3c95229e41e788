"""What can be written at a place of a file that is as it was indexed: as where all of the file is parsed."""

from __future__ import annotations

from pathlib import Path

from tests.names.asking import Asking, asking

from diptych.serving.answers.completion import completions

SOURCE = """\
import json


class Shape:
    sides = 4

    def area(self, scale):
        factor = scale * 2
        return self.sides * factor

    class Inner:
        corner = 1


def use(shape: Shape):
    found = shape.area(3)
    return found


last = use(Shape())
"""


def _names(ask: Asking, marked: str) -> set[str]:
    found = completions(ask.source, "own.py", *ask.at("own.py", marked))
    return {one.name for one in found.items if one.path}


def _is_parsed(ask: Asking) -> bool:
    parsed = ask.source.parsed("own.py")
    assert parsed is not None
    return parsed.is_parsed


def test_the_members_and_the_names_around_a_place_need_one_part_of_the_file(tmp_path: Path) -> None:
    with asking(tmp_path, {"own.py": SOURCE}) as ask:
        assert {"sides", "area", "Inner"} == _names(ask, "shape.@area")
        assert {"sides", "area", "Inner"} == _names(ask, "self.@sides")
        assert {"self", "scale", "factor", "Shape", "use", "last", "json"} <= _names(ask, "factor = @scale")
        assert {"shape", "use", "Shape", "json"} <= _names(ask, "    @found = shape")
        assert {"corner", "Shape"} <= _names(ask, "        @corner = 1")
        assert {"use", "Shape", "last"} <= _names(ask, "last = @use")
        assert not _is_parsed(ask)


def test_what_is_typed_at_the_end_of_a_function_and_of_the_file(tmp_path: Path) -> None:
    source = "class Own:\n    size = 1\n\n    def get(self):\n        return self.size\n"
    with asking(tmp_path, {"own.py": source}) as ask:
        row, column = ask.at("own.py", "self.@size")
        found = completions(ask.source, "own.py", row, column + len("size"))
        assert [one.name for one in found.items] == ["size"]
        found = completions(ask.source, "own.py", row + 1, 0)
        assert "Own" in {one.name for one in found.items}
