"""Which branch of a conditional counts, with no more defined than compilers define by themselves."""

from __future__ import annotations

import re
from collections.abc import Set

from tree_sitter import Node

from diptych.names.languages.collected import bytes_of

_DEFINED = frozenset({
    b"__GNUC__", b"__clang__", b"__linux__", b"__linux", b"__unix__", b"__STDC__", b"__STDC_VERSION__",
    b"__x86_64__", b"__LP64__", b"__SIZEOF_INT128__", b"__ELF__", b"__BYTE_ORDER__",
})  # fmt: skip
_TEST = re.compile(rb"(!?)\s*defined\s*\(?\s*(\w+)")


def counts(source: bytes, node: Node, defined: Set[bytes], *, cpp: bool) -> bool:
    """Whether the first branch of `node` is the one that counts; of an `else`, always.

    `defined` are the macros that the file itself has defined before.
    """
    if node.type in ("preproc_else", "preproc_elifdef"):
        return node.type == "preproc_else"
    if node.type == "preproc_ifdef":
        name = node.child_by_field_name("name")
        is_negative = any(child.type == "#ifndef" for child in node.children)
        tested = bytes_of(source, name) if name is not None else b""
        return is_negative != (tested in defined or _is_predefined(tested, cpp=cpp))
    condition = node.child_by_field_name("condition")
    text = bytes_of(source, condition) if condition is not None else b""
    return any(
        all(_holds(one, defined, cpp=cpp) for one in either.split(b"&&")) for either in text.split(b"||")
    )


def _holds(text: bytes, defined: Set[bytes], *, cpp: bool) -> bool:
    """Whether a part of a condition is true, as far as it says what is defined; values are not known."""
    tests = [
        (name in defined or _is_predefined(name, cpp=cpp)) != bool(sign) for sign, name in _TEST.findall(text)
    ]
    return all(tests) if tests else text.strip(b" \t()") != b"0"


def _is_predefined(name: bytes, *, cpp: bool) -> bool:
    return name in _DEFINED or (cpp and name == b"__cplusplus")
