"""What a mutation is: edits to the engine's source, and where to look for what they break."""

from __future__ import annotations

import ast
import dataclasses
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .edits import Edit
from .errors import MutationError

_REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_COPIED = ("engine", "tools", "tests")


@dataclass(frozen=True, slots=True)
class Hunt:
    """One campaign, narrowed to where the mutation would show, for at most `seconds`.

    `kind` is a key of `hunt.HUNTS`; `options` are that hunter's arguments, plain values.
    """

    kind: str
    options: dict[str, Any]
    seconds: float = 45.0

    @property
    def label(self) -> str:
        """The hunt in a few words."""
        words = [",".join(map(str, it)) if isinstance(it, list) else str(it) for it in self.options.values()]
        return " ".join([self.kind, *words])


@dataclass(frozen=True, slots=True)
class Mutation:
    """Something taken away from the engine. `hunts` are tried in order until one finds it."""

    name: str
    group: str
    edits: tuple[Edit, ...]
    hunts: tuple[Hunt, ...]
    share: bool = False
    """Whether it is one of those tried with every change."""


def mutated(text: str, edits: Iterable[Edit]) -> str:
    """The source of a module with the edits made, in order. Raises MutationError, SyntaxError."""
    tree = ast.parse(text)
    for edit in edits:
        edit.apply(tree)
    return ast.unparse(tree) + "\n"


class Copy:
    """A copy of the engine with its tools and tests, to be mutated and restored."""

    def __init__(self, directory: str) -> None:
        self.root = directory
        ignored = shutil.ignore_patterns("__pycache__", "node_modules")
        for name in _COPIED:
            shutil.copytree(os.path.join(_REPOSITORY, name), os.path.join(directory, name), ignore=ignored)
        shutil.copyfile(
            os.path.join(_REPOSITORY, "pyproject.toml"), os.path.join(directory, "pyproject.toml")
        )

    def environment(self) -> dict[str, str]:
        """In which this copy is what `import diptych` finds, and no stale bytecode is left behind."""
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join((self.root, os.path.join(self.root, "engine"))),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def planned(self, mutation: Mutation) -> dict[str, str]:
        """The new text of each file that the mutation edits. Raises MutationError."""
        edits: dict[str, list[Edit]] = {}
        for edit in mutation.edits:
            edits.setdefault(edit.file, []).append(edit)
        texts = {}
        for name, of_file in edits.items():
            with open(self._path(name), encoding="utf-8") as file:
                texts[name] = mutated(file.read(), of_file)
            compile(texts[name], name, "exec")
        return texts

    def refuse_misfits(self, mutations: Iterable[Mutation]) -> None:
        """Raise MutationError, naming them all, where some do not fit the source."""
        problems = []
        for mutation in mutations:
            tests = [test for hunt in mutation.hunts for test in hunt.options.get("tests", ())]
            gone = [test for test in tests if not os.path.exists(os.path.join(self.root, test))]
            problems += [f"{mutation.name}: there is no {test}" for test in gone]
            try:
                self.planned(mutation)
            except (MutationError, OSError, SyntaxError) as error:
                problems.append(f"{mutation.name}: {error}")
        if problems:
            raise MutationError("\n".join(problems))

    @contextmanager
    def broken(self, mutation: Mutation) -> Iterator[None]:
        """The mutation in force. Raises MutationError where it does not fit."""
        texts = self.planned(mutation)
        originals = {}
        try:
            for name, text in texts.items():
                with open(self._path(name), encoding="utf-8") as file:
                    originals[name] = file.read()
                self._write(name, text)
            yield
        finally:
            for name, text in originals.items():
                self._write(name, text)

    def _path(self, name: str) -> str:
        return os.path.join(self.root, "engine", "diptych", name)

    def _write(self, name: str, text: str) -> None:
        with open(self._path(name), "w", encoding="utf-8") as file:
            file.write(text)


def as_options(hunt: Hunt, seconds: float) -> dict[str, Any]:
    """The hunt as plain values, for the process that carries it out."""
    return {**dataclasses.asdict(hunt), "seconds": seconds}
