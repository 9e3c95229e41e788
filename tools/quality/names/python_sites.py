"""The sites of Python source, by their positions in `ast`."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator

from tools.quality.names.oracle import Drawn

_DEFINITIONS = ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef


def sites_of(corpus: str, path: str) -> list[Drawn]:
    """All sites of a file; none if it does not parse."""
    with open(os.path.join(corpus, path), "rb") as file:
        source = file.read()
    try:
        tree = ast.parse(source)
        source.decode("utf-8")
    except (SyntaxError, ValueError):
        return []
    bound = {node.id for node in _module_level(tree) if isinstance(node.ctx, ast.Store)}
    bound |= {node.name for node in tree.body if isinstance(node, _DEFINITIONS)}
    bound |= {
        (alias.asname or alias.name).partition(".")[0]
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    return [
        Drawn(path, row, column, name, _group(kind, name, bound))
        for row, column, name, kind in _positions(tree)
        if source.split(b"\n", row + 1)[row][column:].startswith(name.encode())
    ]


def _module_level(tree: ast.Module) -> Iterator[ast.Name]:
    for statement in tree.body:
        if not isinstance(statement, _DEFINITIONS):
            yield from (node for node in ast.walk(statement) if isinstance(node, ast.Name))


def _positions(tree: ast.Module) -> Iterator[tuple[int, int, str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.lineno - 1, node.col_offset, node.id, "name"
        elif isinstance(node, ast.Attribute):
            end = node.end_col_offset or 0
            yield (node.end_lineno or 1) - 1, end - len(node.attr.encode()), node.attr, "attribute"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                if alias.name != "*":
                    yield alias.lineno - 1, alias.col_offset, alias.name.partition(".")[0], "import"


def _group(kind: str, name: str, bound: set[str]) -> str:
    if kind != "name":
        return kind
    return "module name" if name in bound else "other name"
