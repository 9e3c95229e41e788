"""Records of real files, by the grammars' own tags queries: enough to fill stores with what code holds.

This is the benchmark's own, so that what the peers are filled with does not rest on what is measured.
"""

from __future__ import annotations

import functools
import os
from typing import Any

from diptych.model import FileRecord, Range, Relation, Symbol, content_hash

_SUFFIXES = {
    ".py": "python", ".c": "c", ".h": "c", ".cc": "cpp", ".cpp": "cpp", ".hpp": "cpp", ".js": "javascript",
    ".mjs": "javascript", ".rs": "rust", ".go": "go", ".java": "java",
}
_TEXT_CHARACTERS = 400


def language_of(path: str) -> str:
    """The language of a path's suffix, "" for none that is known here."""
    return _SUFFIXES.get(os.path.splitext(path)[1], "")


@functools.cache
def parser(language: str) -> Any:
    """A tree-sitter parser for that language, one in each process."""
    import tree_sitter

    return tree_sitter.Parser(_language(language))


@functools.cache
def _language(language: str) -> Any:
    import importlib

    import tree_sitter

    module = importlib.import_module(f"tree_sitter_{language}")
    return tree_sitter.Language(module.language())


@functools.cache
def _query(language: str) -> Any:
    import importlib

    import tree_sitter

    module = importlib.import_module(f"tree_sitter_{language}")
    return tree_sitter.Query(_language(language), module.TAGS_QUERY)


def record_of(root: str, path: str) -> FileRecord:
    """The record of one file: its definitions with their first line, its calls."""
    import tree_sitter

    with open(os.path.join(root, path), "rb") as file:
        data = file.read()
    language = language_of(path)
    tree = parser(language).parse(data)
    symbols: list[Symbol] = []
    relations: list[Relation] = []
    for _, captures in tree_sitter.QueryCursor(_query(language)).matches(tree.root_node):
        nodes = captures.get("name")
        if not nodes:
            continue
        name = _text(data, nodes[0].start_byte, nodes[0].end_byte)
        for capture, (node, *_) in captures.items():
            sort, _, kind = capture.partition(".")
            if sort == "definition":
                symbols.append(Symbol(name, kind, _range(node), "", _line(data, node), _about(data, node)))
            elif sort == "reference":
                relations.append(Relation("calls", "", name, _range(nodes[0])))
    symbols.sort(key=lambda symbol: symbol.range)
    relations.sort(key=lambda relation: relation.range)
    return FileRecord(path, content_hash(data), language, symbols, relations)


def parse_only(root: str, path: str) -> int:
    """The floor of indexing: read and parse, and look at nothing."""
    with open(os.path.join(root, path), "rb") as file:
        data = file.read()
    parser(language_of(path)).parse(data)
    return len(data)


def _range(node: Any) -> Range:
    return Range(*node.start_point, *node.end_point)


def _text(data: bytes, start: int, end: int) -> str:
    return data[start : min(end, start + _TEXT_CHARACTERS)].decode("utf-8", "replace")


def _line(data: bytes, node: Any) -> str:
    end = data.find(b"\n", node.start_byte, node.end_byte)
    return _text(data, node.start_byte, node.end_byte if end < 0 else end)


def _about(data: bytes, node: Any) -> str:
    body = node.child_by_field_name("body")
    first = body.named_children[0] if body is not None and body.named_children else None
    if first is None or first.type != "expression_statement" or not first.named_children:
        return ""
    string = first.named_children[0]
    return _text(data, string.start_byte, string.end_byte).strip("\"' \n") if string.type == "string" else ""
