"""The sites of a parsed file, by the bytes at which their names are written."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from diptych.names.languages import language
from diptych.names.sites import Site
from diptych.names.source import Names


def site_at(names: Names, source: bytes, root: Node, offset: int) -> Site | None:
    """The site at a byte of the file, or just before it; None where there is no name."""
    known = language(names.language)
    for at in (offset, offset - 1):
        if at < 0:
            continue
        node = root.descendant_for_byte_range(at, at + 1)
        if node is None:
            continue
        if node.type in known.identifiers:
            return known.site(names, source, node)
        if known.quoted_site is not None and node.type == known.quoted:
            site = known.quoted_site(names, source, node, at)
            if site is not None:
                return site
    return None


def sites_named(names: Names, source: bytes, root: Node, offsets: Iterator[int]) -> Iterator[Site]:
    """The sites at these bytes, where there is a name: two where it means two things."""
    known = language(names.language)
    for offset in offsets:
        node = root.descendant_for_byte_range(offset, offset + 1)
        if node is None:
            continue
        if known.quoted_site is not None and node.type == known.quoted:
            site = known.quoted_site(names, source, node, offset)
        elif node.type in known.identifiers and node.start_byte == offset:
            site = known.site(names, source, node)
        else:
            continue
        if site is not None:
            yield site
        if known.beside is not None and (other := known.beside(names, source, node)) is not None:
            yield other
