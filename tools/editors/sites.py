"""Places in a repository to ask about, drawn at random."""

from __future__ import annotations

import ast
import random
import warnings
from pathlib import Path
from typing import NamedTuple


class Place(NamedTuple):
    """A name in a file: its path, row and column in UTF-8 bytes, from zero."""

    path: str
    row: int
    column: int
    name: str
    is_member: bool


def drawn(root: Path, count: int, seed: int, *, files_max: int = 60) -> list[Place]:
    """Names in expressions of Python files, spread over files."""
    chance = random.Random(seed)
    paths = sorted(path for path in root.rglob("*.py") if ".diptych" not in path.parts)
    chance.shuffle(paths)
    found: list[Place] = []
    for path in paths[:files_max]:
        places = list(_places(root, path))
        found += chance.sample(places, min(len(places), -(-count // files_max)))
    chance.shuffle(found)
    return found[:count]


def _places(root: Path, path: Path) -> list[Place]:
    data = path.read_bytes()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(data)
    except (SyntaxError, ValueError):
        return []
    inside = str(path.relative_to(root))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.append(Place(inside, node.lineno - 1, node.col_offset, node.id, is_member=False))
        elif isinstance(node, ast.Attribute) and node.end_col_offset is not None and node.end_lineno:
            column = node.end_col_offset - len(node.attr.encode())
            found.append(Place(inside, node.end_lineno - 1, column, node.attr, is_member=True))
    return found
