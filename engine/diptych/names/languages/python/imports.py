"""What Python's import statements bind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tree_sitter import Node

from diptych.names.facts import Point
from diptych.names.languages.collected import text_of


class Imported(NamedTuple):
    """A name that an import binds."""

    name: str
    place: Point
    shape: str


def imported_modules(source: bytes, statement: Node) -> Iterator[Imported]:
    """`import a.b, c as d`."""
    for name in statement.children_by_field_name("name"):
        if name.type == "aliased_import":
            module, alias = name.child_by_field_name("name"), name.child_by_field_name("alias")
            if module is not None and alias is not None:
                yield Imported(text_of(source, alias), alias.start_point, f"<{text_of(source, module)}")
        else:
            first = text_of(source, name).partition(".")[0].strip()
            yield Imported(first, name.start_point, f"<{first}")


def imported_items(source: bytes, module: str, items: list[Node]) -> Iterator[Imported]:
    """`from a import b as c`."""
    for item in items:
        alias: Node | None = item
        original: Node | None = item
        if item.type == "aliased_import":
            original, alias = item.child_by_field_name("name"), item.child_by_field_name("alias")
        if original is not None and alias is not None:
            shape = f"<{module}>{text_of(source, original)}"
            yield Imported(text_of(source, alias), alias.start_point, shape)
