"""Imports in which one node names several things, or has punctuation around the name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from diptych.indexer.text import NAME_MAX_CHARS

# Real code has no deeper `use` tree.
_MAX_DEPTH = 32
_PUNCTUATION = re.compile(r" ?(::|[,{}]) ?")


def expanded(kind: str, raw: bytes) -> list[str]:
    """The names an import relates to, in order: of kind "use" (Rust), "include" (C), "path" (Java, dotted).

    Returns both the path and its last name, so that either finds the import.
    """
    source = raw.decode("utf-8", "replace")
    if kind == "include":
        return [source.strip('<>" \t')]
    if kind == "path":
        return _both("".join(source.split()), ".")
    return [name for path in _use_paths("", _spaced(source), 0) for name in _both(path, "::")]


def _both(path: str, separator: str) -> list[str]:
    last = path.rpartition(separator)[2]
    return [path] if last in (path, "*", "") else [path, last]


def _spaced(source: str) -> str:
    """Remove white space, except the spaces around `as`."""
    return _PUNCTUATION.sub(r"\1", " ".join(source.split()))


def _use_paths(prefix: str, tree: str, depth: int) -> Iterator[str]:
    tree = tree.strip()
    if depth > _MAX_DEPTH or not tree:
        return
    brace = tree.find("{")
    if brace < 0:
        name = tree.partition(" as ")[0].strip()
        yield prefix.removesuffix("::") if name == "self" and prefix else prefix + name
        return
    inner = tree[brace + 1 :].rpartition("}")[0]
    prefix += tree[:brace].strip()
    if len(prefix) > NAME_MAX_CHARS:
        # Each name is cut off there anyway, and there may be very many of them.
        prefix = prefix[:NAME_MAX_CHARS].rstrip(":") + "::"
    for part in _split(inner):
        yield from _use_paths(prefix, part, depth + 1)


def _split(inner: str) -> Iterator[str]:
    """Split at the commas outside of braces."""
    depth = start = 0
    for position, character in enumerate(inner):
        if character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
        elif character == "," and depth == 0:
            yield inner[start:position]
            start = position + 1
    yield inner[start:]
