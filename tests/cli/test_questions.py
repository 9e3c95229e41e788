"""`definition`, `references`, `calls` and `outline`, as people and programs run them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from tests.cli.command import COMMAND, diptych, document, environment, error_output, text
from tests.support.waiting import HANG_S

SHAPES = """\
class Shape:
    def area(self):
        return 0

    def show(self):
        return self.area()

class Square(Shape):
    def area(self):
        return self.side ** 2

def main():
    shape = Square()
    shape.show()
    unknown().area()
"""
USES = "from shapes import Shape, main\n\ndef again():\n    main()\n    é = Shape(); é.show()\n"


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """A small repository with a store."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src/shapes.py").write_text(SHAPES)
    (tmp_path / "src/uses.py").write_text(USES)
    (tmp_path / "src/other.rb").write_text("def main; end\n")
    diptych("index", cwd=tmp_path)
    return tmp_path


def test_a_definition_with_its_evidence(asked: Path) -> None:
    found = text("definition", "src/shapes.py:14:12", cwd=asked)
    assert found == "src/shapes.py:5:9: method Shape.show  [inferred]  def show(self):\n"
    assert text("definition", "src/uses.py:4:5", cwd=asked) == (
        "src/shapes.py:12:5: function main  [exact]  def main():\n"
    )


def test_candidates_are_numbered(asked: Path) -> None:
    assert text("definition", "src/shapes.py:15:16", cwd=asked).splitlines() == [
        "src/shapes.py:2:9: method Shape.area  [named 1 of 2]  def area(self):",
        "src/shapes.py:9:9: method Square.area  [named 2 of 2]  def area(self):",
    ]


def test_columns_count_bytes_from_one(asked: Path) -> None:
    # "é" has two bytes.
    assert document("definition", "src/uses.py:5:23", cwd=asked)["definitions"][0]["name"] == "Shape.show"


def test_a_definition_as_json(asked: Path) -> None:
    assert document("definition", "src/uses.py:1:28", cwd=asked) == {
        "name": "main",
        "definitions": [
            {
                "path": "src/shapes.py",
                "line": 12,
                "column": 5,
                "kind": "function",
                "name": "main",
                "evidence": "exact",
                "candidate": 0,
                "candidates": 0,
                "text": "def main():",
            }
        ],
    }


def test_paths_are_relative_to_where_one_is_and_printed_from_the_root(asked: Path) -> None:
    found = text("definition", "uses.py:4:5", cwd=asked / "src")
    assert found.startswith("src/shapes.py:12:5:")
    assert text("definition", "src/uses.py:4:5", cwd=asked / "src") == found
    assert text("definition", f"{asked}/src/uses.py:4:5", cwd=asked / "src") == found


def test_references_tell_definitions_of_one_name_apart(asked: Path) -> None:
    assert text("references", "src/shapes.py:5:9", cwd=asked).splitlines() == [
        "src/shapes.py:5:9: definition in Shape.show  [exact]  def show(self):",
        "src/shapes.py:14:11: use in main  [inferred]  shape.show()",
        "src/uses.py:5:22: use in again  [inferred]  é = Shape(); é.show()",
    ]
    found = document("references", "src/shapes.py:2:9", cwd=asked)
    assert [(one["path"], one["line"], one["role"]) for one in found["references"]] == [
        ("src/shapes.py", 2, "definition"),
        ("src/shapes.py", 6, "use"),
    ]
    assert found["possible"] == 1
    listed = document("references", "src/shapes.py:2:9", "--possible", cwd=asked)["references"]
    assert [(one["line"], one["evidence"]) for one in listed][-1] == (15, "named")


def test_calls_by_name_and_by_place(asked: Path) -> None:
    callers = text("calls", "Shape.show", cwd=asked).splitlines()
    assert callers == [
        "src/shapes.py:12:5: function main  [inferred]  src/shapes.py:14: shape.show()",
        "src/uses.py:3:5: function again  [inferred]  src/uses.py:5: é = Shape(); é.show()",
    ]
    assert text("calls", "src/shapes.py:5:9", "--callers", cwd=asked).splitlines() == callers
    callees = document("calls", "again", "--callees", "--depth", "2", cwd=asked)["calls"]
    assert [(one["depth"], one["name"]) for one in callees] == [
        (1, "main"),
        (1, "Shape"),
        (1, "Shape.show"),
        (2, "Square"),
        (2, "Shape.area"),
    ]


def test_an_outline(asked: Path) -> None:
    assert text("outline", "src/shapes.py", cwd=asked).splitlines() == [
        "src/shapes.py:1:7: class Shape",
        "src/shapes.py:2:9:   method Shape.area",
        "src/shapes.py:5:9:   method Shape.show",
        "src/shapes.py:8:7: class Square",
        "src/shapes.py:9:9:   method Square.area",
        "src/shapes.py:12:5: function main",
    ]


def test_many_questions_in_one_process(asked: Path) -> None:
    questions = "src/uses.py:4:5\nnonsense\n\nsrc/uses.py:99:1\nsrc/uses.py:2:1\n"
    done = subprocess.run(
        [*COMMAND, "definition", "--stdin"],
        input=questions.encode(),
        cwd=asked,
        env=environment(),
        capture_output=True,
        check=True,
        timeout=HANG_S,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["question"] for answer in answers] == [
        "src/uses.py:4:5",
        "nonsense",
        "src/uses.py:99:1",
        "src/uses.py:2:1",
    ]
    assert answers[0]["definitions"][0]["line"] == 12
    assert answers[1]["error"]["message"] == "'nonsense' is not a place"
    assert answers[2]["error"]["message"] == "src/uses.py has 6 lines, not 99"
    assert answers[3]["definitions"] == []


def test_an_edit_since_the_index_is_seen_without_a_new_index(asked: Path) -> None:
    (asked / "src/shapes.py").write_text("# a new line\n" + SHAPES)
    found = text("definition", "src/uses.py:4:5", "--fresh", "never", cwd=asked)
    assert found == "src/shapes.py:13:5: function main  [exact]  def main():\n"
    (asked / "src/shapes.py").unlink()
    found = text("definition", "src/uses.py:4:5", "--fresh", "never", cwd=asked)
    assert found.startswith("src/uses.py:1:27: import main")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("definition", "src/uses.py"), "'src/uses.py' is not a place"),
        (("definition", "src/uses.py:0:1"), "'src/uses.py:0:1' is not a place"),
        (("definition", "src/uses.py:1"), "'src/uses.py:1' is not a place"),
        (("definition", "src/uses.py:1:99"), "line 1 of src/uses.py has 30 bytes"),
        (("definition", "src/none.py:1:1"), "src/none.py cannot be read"),
        (("definition", "../out.py:1:1"), "'../out.py' is not in the repository"),
        (("definition", "src/other.rb:1:4"), "src/other.rb: names are not resolved in ruby yet"),
        (("outline", "src"), "src cannot be read, or has no parser"),
        (("references",), "there is no question"),
        (("definition", "a:1:1", "--stdin"), "there are a question and --stdin"),
    ],
)
def test_a_bad_question_gets_one_sentence(asked: Path, arguments: tuple[str, ...], sentence: str) -> None:
    assert sentence in error_output(*arguments, cwd=asked, code=2)


def test_no_answer_is_exit_code_one(asked: Path) -> None:
    assert text("definition", "src/uses.py:2:1", cwd=asked, code=1) == ""
    assert text("calls", "nobody", cwd=asked, code=1) == ""
