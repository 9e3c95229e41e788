"""A small repository, indexed, and the tools that answer from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.workspace.watching import git

from diptych import Store
from diptych.indexer import index_repository
from diptych.serving.mcp.answering import answered
from diptych.serving.mcp.index import AgentIndex
from diptych.workspace.keeper import Place, ensure_keeper

FILES = {
    "shapes.py": '''\
"""Shapes."""


class Shape:
    """Something with an area."""

    def area(self) -> float:
        """How large it is."""
        return 0.0


class Square(Shape):
    """Four sides of one length."""

    def __init__(self, length: float) -> None:
        self.length = length

    def area(self) -> float:
        return self.length * self.length


def total(shapes: list[Shape]) -> float:
    """The sum of all areas."""
    return sum(shape.area() for shape in shapes)
''',
    "pkg/main.py": """\
from shapes import Square, total


def start():
    return total([Square(1.0)])


def twice():
    return start() + start()
""",
    "tests/test_main.py": """\
from pkg.main import start


def test_start():
    assert start() == 1.0
""",
    "lib/tool.rb": "class Tool\n  def total\n    1\n  end\nend\n",
}


class Asking:
    """Asks the tools, without a transport."""

    def __init__(self, root: Path) -> None:
        self.root = root
        place = Place(str(root), str(root / ".diptych"))
        self.index = AgentIndex(place, ensure_keeper(place, start=False))

    def result(self, tool: str, **arguments: Any) -> Any:
        """The protocol's value."""
        return answered(self.index, tool, arguments)

    def text(self, tool: str, **arguments: Any) -> str:
        """The text of an answer that is no error."""
        result = self.result(tool, **arguments)
        assert not result.is_error, result.content
        (content,) = result.content
        found: str = content.text
        return found

    def value(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured answer."""
        result = self.result(tool, **arguments)
        assert not result.is_error, result.content
        found: dict[str, Any] = result.structured_content
        return found

    def error(self, tool: str, **arguments: Any) -> str:
        """What an error says."""
        result = self.result(tool, **arguments)
        assert result.is_error
        (content,) = result.content
        said: str = content.text
        assert ". Next: " in said
        return said

    def write(self, path: str, text: str) -> None:
        """Change a file behind the index's back."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def index_now(self) -> int:
        """Index the repository as it is; the LSN."""
        with Store.open(self.root / ".diptych") as store:
            index_repository(self.root, store, processes=0)
            return store.lsn


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "repository"
    for path, text in FILES.items():
        (made / path).parent.mkdir(parents=True, exist_ok=True)
        (made / path).write_text(text)
    git(made, "init")
    (made / ".gitignore").write_text(".diptych/\n")
    git(made, "add", ".")
    git(made, "commit", "-m", "first")
    return made


@pytest.fixture
def ask(root: Path) -> Iterator[Asking]:
    made = Asking(root)
    made.index_now()
    yield made
    made.index.close()
