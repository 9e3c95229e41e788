"""A small repository, indexed, and an editor that has it open."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.serving.lsp.editor import Editor, initialize
from tests.support.waiting import HANG_S

from diptych import Store
from diptych.indexer import index_repository
from diptych.serving.lsp.run import serve

FILES = {
    "shapes.py": '''\
"""Shapes."""


class Shape:
    """Something with an area."""

    sides: int

    def __init__(self, sides: int) -> None:
        self.sides = sides

    def area(self) -> float:
        """How large it is."""
        return 0.0


class Square(Shape):
    """Four sides of one length."""

    def __init__(self, length: float) -> None:
        super().__init__(4)
        self.length = length

    def area(self) -> float:
        return self.length * self.length


def total(shapes: list[Shape], scale: float = 1.0) -> float:
    """The sum of all areas."""
    result = 0.0
    for shape in shapes:
        result += shape.area()
    return result * scale
''',
    "main.py": """\
from shapes import Square, total

squares = [Square(1.0), Square(2.0)]


def main() -> None:
    big = Square(3.0)
    print(total(squares, scale=2.0), big.area())


main()
""",
    "tests/test_shapes.py": """\
from shapes import Square


def test_area() -> None:
    assert Square(2).area() == 4
""",
    "main.go": "package main\n\n// Run starts everything.\nfunc Run(name string) error {\n\treturn nil\n}\n",
}


def make(root: Path) -> Path:
    """The small repository, indexed."""
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    make_store(root)
    return root


def make_store(root: Path) -> None:
    """Index it as it is now."""
    with Store.open(root / ".diptych") as store:
        index_repository(root, store, processes=0)
        store.checkpoint()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository; for tests that only read."""
    return make(tmp_path_factory.mktemp("shapes"))


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """A copy of it to change."""
    copy = tmp_path / "repository"
    shutil.copytree(made, copy)
    return copy


@pytest.fixture
def editor() -> Iterator[Editor]:
    """An editor connected to a server in this process; it has said nothing yet."""
    here, there = socket.socketpair()
    with here, there, there.makefile("rb") as reader, there.makefile("wb") as writer:

        def run() -> None:
            serve(reader, writer)
            there.shutdown(socket.SHUT_RDWR)

        serving = threading.Thread(target=run)
        serving.start()
        with here.makefile("rb") as came, here.makefile("wb") as sent:
            yield Editor(came, sent)
            with suppress(OSError):
                here.shutdown(socket.SHUT_RDWR)
            serving.join(HANG_S)


@pytest.fixture
def reading(editor: Editor, made: Path) -> Editor:
    """An editor that has the repository open, which must not be changed."""
    initialize(editor, made)
    return editor
