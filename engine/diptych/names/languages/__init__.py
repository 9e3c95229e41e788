"""What a language's syntax says about names: a query per language, and a module that reads its captures.

The module `<name>.py` has `collect(source, captures, complete=...)`, which makes `FileFacts`, and
`<name>.scm` is the query: `@names.<what>` marks a node that `collect` wants. The indexer adds it to its own
query, so that the tree is walked once. `<name>-complete.scm` has what only a complete collection needs.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module, resources
from typing import Protocol

from tree_sitter import Node

from diptych.names.facts import MODULE, FileFacts

LANGUAGES = frozenset({"python"})

Captured = tuple[str, Node]
"""What a node is, by the query's capture, and the node."""


class Collect(Protocol):
    """From the captures of one file to what it says about names. Pure."""

    def __call__(
        self, source: bytes, captures: list[Captured], *, complete: bool, around: int = MODULE
    ) -> FileFacts:
        """`around` is the kind of scope that is around what was captured."""


@cache
def query_of(language: str, *, complete: bool) -> str:
    """The query of a language; "" if names are not collected for it."""
    if language not in LANGUAGES:
        return ""
    folder = resources.files(__name__)
    names = [f"{language}.scm"] + ([f"{language}-complete.scm"] if complete else [])
    return "\n".join((folder / name).read_text("utf-8") for name in names)


def collector(language: str) -> Collect:
    """The `collect` of a language in `LANGUAGES`."""
    found: Collect = import_module(f"{__name__}.{language}").collect
    return found
