"""The sites of source code by its syntax: every name that a parser finds."""

from __future__ import annotations

import os
from collections.abc import Iterator

from diptych.indexer.extract import tree_of
from diptych.indexer.grammar import parser_of
from diptych.indexer.languages import LANGUAGES
from diptych.names.languages import language
from tools.quality.names.oracle import Drawn, Spot, files_below


def sites_below(corpus: str, name: str, suffixes: tuple[str, ...], groups: dict[str, str]) -> list[Drawn]:
    """The names in a corpus, in groups by the type of their nodes."""
    return [site for path in files_below(corpus, suffixes) for site in _sites_of(corpus, path, name, groups)]


def _sites_of(corpus: str, path: str, name: str, groups: dict[str, str]) -> Iterator[Drawn]:
    with open(os.path.join(corpus, path), "rb") as file:
        source = file.read()
    wanted = language(name).identifiers
    pending = [tree_of(parser_of(name), LANGUAGES[name], source).root_node]
    while pending:
        node = pending.pop()
        if node.type in wanted and node.text:
            row, column = node.start_point
            yield Drawn(path, row, column, node.text.decode(), groups.get(node.type, "name"))
        pending += node.named_children


def elsewhere(site: Drawn, found: set[Spot]) -> set[Spot]:
    """The definitions of a site that is not a definition itself; nothing for one that is."""
    return set() if (site.path, site.row, site.column) in found else found
