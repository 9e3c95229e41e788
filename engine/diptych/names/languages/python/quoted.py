"""Names in annotations that are written in quotes."""

from __future__ import annotations

import re

from tree_sitter import Node

from diptych.names.languages.python.sites import scope_of
from diptych.names.sites import FREE, MEMBER, Site
from diptych.names.source import Names

TEXT = "string_content"
_DOTTED = re.compile(rb"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_LITERALS = (b"Literal", b"typing.Literal", b"t.Literal")


def quoted_site(names: Names, source: bytes, text: Node, offset: int) -> Site | None:
    """The name at a byte of a string; None if the string is no annotation."""
    if not _is_annotation(source, text):
        return None
    for dotted in _DOTTED.finditer(source, text.start_byte, text.end_byte):
        if not dotted.start() <= offset < dotted.end():
            continue
        start = dotted.start()
        for part in dotted[0].split(b"."):
            if offset <= start + len(part):
                return _site(names, source, text, source[dotted.start() : start].rstrip(b"."), start, part)
            start += len(part) + 1
    return None


def _site(names: Names, source: bytes, text: Node, receiver: bytes, start: int, part: bytes) -> Site:
    row = text.start_point[0] + source.count(b"\n", text.start_byte, start)
    place = (row, start - (source.rfind(b"\n", 0, start) + 1))
    kind = MEMBER if receiver else FREE
    return Site(kind, part.decode(), place, scope_of(names, source, text), receiver.decode(), after=place)


def _is_annotation(source: bytes, text: Node) -> bool:
    """Whether a string's text is a type, and not what a `Literal` has."""
    string = text.parent
    outer = string.parent if string is not None else None
    if outer is None or outer.type != "type":
        return False
    while outer is not None and outer.type in ("type", "type_parameter", "generic_type"):
        if outer.type == "generic_type" and source.startswith(_LITERALS, outer.start_byte):
            return False
        outer = outer.parent
    return True
