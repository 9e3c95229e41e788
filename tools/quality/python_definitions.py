"""`python -m tools.quality.python_definitions FOLDER…`: Python's definitions, held against `ast`.

A definition agrees when its name, its container and its line agree. What `ast` cannot parse is left out, and
counted. Ends with 1 when the recall or the precision is below `--least`.
"""

from __future__ import annotations

import argparse
import ast
import os
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from diptych.indexer.parse import record_of
from diptych.model import FileRecord


class Definition(NamedTuple):
    """What both sides give: a dotted container, a name, and a line from one."""

    container: str
    name: str
    line: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, and print the figures and the first differences; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.quality.python_definitions", description=__doc__)
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--show", type=int, default=10, help="differences to print of each side (default 10)")
    parser.add_argument("--least", type=float, default=0.995, help="recall and precision below fail")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    missed: list[str] = []
    beyond: list[str] = []
    files = unparsed = expected_count = found_count = 0
    for path in sources(options.folders):
        with open(path, "rb") as file:
            data = file.read()
        try:
            expected = Counter(definitions(ast.parse(data)))
        except (SyntaxError, ValueError, RecursionError):
            unparsed += 1
            continue
        found = Counter(recorded(record_of(path, "python", data)))
        files += 1
        expected_count += expected.total()
        found_count += found.total()
        missed += [f"{path}:{one.line} {one.container}|{one.name}" for one in (expected - found).elements()]
        beyond += [f"{path}:{one.line} {one.container}|{one.name}" for one in (found - expected).elements()]
    recall = 1 - len(missed) / max(expected_count, 1)
    precision = 1 - len(beyond) / max(found_count, 1)
    print(f"{files:,} files ({unparsed} more that ast does not parse), {expected_count:,} definitions")
    print(f"recall {recall:.3%} ({len(missed):,} missed), precision {precision:.3%} ({len(beyond):,} more)")
    for title, differences in (("missed", missed), ("more", beyond)):
        for difference in differences[: options.show]:
            print(f"{title:7} {difference}")
    return int(min(recall, precision) < options.least)


def sources(folders: Sequence[str]) -> Iterator[str]:
    """The Python files below the folders, in order."""
    for folder in folders:
        for directory, subfolders, names in os.walk(folder):
            subfolders.sort()
            yield from (os.path.join(directory, name) for name in sorted(names) if name.endswith(".py"))


def recorded(record: FileRecord) -> Iterator[Definition]:
    """The definitions in a record."""
    for symbol in record.symbols:
        yield Definition(symbol.container, symbol.name, symbol.range.start_line + 1)


def definitions(tree: ast.Module) -> Iterator[Definition]:
    """The functions and classes anywhere, and the names that modules and classes bind."""
    yield from _in_scope(tree, "", binds=True)


def _in_scope(scope: ast.AST, container: str, *, binds: bool) -> Iterator[Definition]:
    for node in ast.iter_child_nodes(scope):
        yield from _of(node, container, binds)


def _of(node: ast.AST, container: str, binds: bool) -> Iterator[Definition]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield Definition(container, node.name, node.lineno)
        inside = f"{container}.{node.name}" if container else node.name
        yield from _in_scope(node, inside, binds=isinstance(node, ast.ClassDef))
        return
    if isinstance(node, ast.Lambda):
        return
    if isinstance(node, ast.AugAssign):
        # Its target is bound already.
        yield from _of(node.value, container, binds)
        return
    if isinstance(node, ast.comprehension):
        # Its targets are its own; `:=` in it binds outside.
        parts: list[ast.AST] = [node.iter, *node.ifs]
        for part in parts:
            yield from _of(part, container, binds)
        return
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and binds:
        yield Definition(container, node.id, node.lineno)
    yield from _in_scope(node, container, binds=binds)


if __name__ == "__main__":
    sys.exit(main())
