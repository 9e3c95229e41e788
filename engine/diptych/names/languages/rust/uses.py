"""What a `use` of Rust brings into a scope."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from diptych.names.languages.collected import text_of


def used(source: bytes, node: Node, around: list[str]) -> Iterator[tuple[str, Node | None, str]]:
    """`(module, name, item)` for each: the name is None for a star, the item "" for a module itself.

    `around` are the modules with bodies that the `use` is in: paths are given as seen from the file.
    """
    argument = node.child_by_field_name("argument")
    if argument is not None:
        yield from _used(source, argument, [], around)


def path_of(source: bytes, node: Node | None) -> list[str]:
    """The parts of a path."""
    return (
        [part for part in "".join(text_of(source, node).split()).split("::") if part]
        if node is not None
        else []
    )


def from_file(path: list[str], around: list[str]) -> str:
    """A path with dots, as seen from the file rather than from the modules `around`."""
    if around and path and path[0] in ("self", "super"):
        ups = 0
        while ups < len(path) and path[ups] == "super":
            ups += 1
        rest = path[1:] if path[0] == "self" else path[ups:]
        if ups <= len(around):
            return ".".join(["self", *around[: len(around) - ups], *rest])
        return ".".join(["super"] * (ups - len(around)) + rest)
    return ".".join(path)


def _used(
    source: bytes, node: Node, before: list[str], around: list[str]
) -> Iterator[tuple[str, Node | None, str]]:
    kind = node.type
    if kind in ("identifier", "scoped_identifier", "self", "crate", "super"):
        yield from _item(source, node, node, before, around)
    elif kind == "use_as_clause":
        alias, path = node.child_by_field_name("alias"), node.child_by_field_name("path")
        if alias is not None and path is not None:
            yield from _item(source, path, alias, before, around)
    elif kind == "use_wildcard":
        inside = path_of(source, node.named_children[0]) if node.named_child_count else []
        yield from_file([*before, *inside], around), None, ""
    elif kind == "scoped_use_list":
        outer = [*before, *path_of(source, node.child_by_field_name("path"))]
        inner = node.child_by_field_name("list")
        yield from _used(source, inner, outer, around) if inner is not None else ()
    elif kind == "use_list":
        for one in node.named_children:
            yield from _used(source, one, before, around)


def _item(
    source: bytes, node: Node, name: Node, before: list[str], around: list[str]
) -> Iterator[tuple[str, Node | None, str]]:
    path = [*before, *path_of(source, node)]
    if path[-1] == "self" and len(path) > 1:
        path.pop()
    while name.type == "scoped_identifier":
        inner = name.child_by_field_name("name")
        if inner is None:
            return
        name = inner
    if len(path) == 1:
        yield path[0], name, ""
    else:
        yield from_file(path[:-1], around), name, path[-1]
