"""Putting shapes together, as `diptych.names.facts` defines them; the same for all languages."""

from __future__ import annotations

MAX_CHARS = 300
MAX_ALTERNATIVES = 4
_NO_VALUES = frozenset({"!None", "!undefined"})
MAX_DEPTH = 24
"""Of an expression inside an expression."""


def extended(shape: str, suffix: str) -> str:
    """Each alternative of `shape` with `suffix` after it."""
    if not shape or len(shape) + len(suffix) > MAX_CHARS:
        return ""
    if "\n" in shape:
        return "\n".join(extended(one, suffix) for one in shape.split("\n"))
    if shape[0] == ":" and ";" not in shape:
        shape += ";"
    return shape + suffix


def either(*shapes: str) -> str:
    """The alternatives of all of them, each once; no value only if there is nothing else."""
    parts = [part for shape in shapes if shape for part in shape.split("\n")]
    kept = [part for part in dict.fromkeys(parts) if part not in _NO_VALUES] or parts[:1]
    joined = "\n".join(kept[:MAX_ALTERNATIVES])
    return joined if len(joined) <= MAX_CHARS else kept[0]
