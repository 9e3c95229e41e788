"""What a language's syntax says about names, and how its names are followed: a folder per language.

Each folder has `LANGUAGES` (see `Language`), and `seen.scm`: `@names.<what>` marks a node that `collect`
wants. The indexer adds it to its own query, so that the tree is walked once. `complete.scm`, if there is one,
has what only a complete collection needs.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module, resources
from typing import NamedTuple, Protocol

from tree_sitter import Node

from diptych.names.facts import MODULE, FileFacts
from diptych.names.rules import Rules
from diptych.names.sites import Site
from diptych.names.source import Names

_FOLDERS = {
    "python": "python",
    "javascript": "ecmascript",
    "typescript": "ecmascript",
    "tsx": "ecmascript",
    "go": "go",
    "java": "java",
    "c": "c",
    "cpp": "c",
    "rust": "rust",
}
LANGUAGES = frozenset(_FOLDERS)

Captured = tuple[str, Node]
"""What a node is, by the query's capture, and the node."""


class Collect(Protocol):
    """From the captures of one file to what it says about names. Pure."""

    def __call__(
        self, source: bytes, captures: list[Captured], *, complete: bool, around: int = MODULE
    ) -> FileFacts:
        """`around` is the kind of scope that is around what was captured."""


class SiteOf(Protocol):
    """What a name is, by the syntax around it."""

    def __call__(self, names: Names, source: bytes, node: Node, /) -> Site | None:
        """`node` is one of the language's names; None if it refers to nothing."""


class QuotedSite(Protocol):
    """What a name in a string is, at a byte."""

    def __call__(self, names: Names, source: bytes, text: Node, offset: int, /) -> Site | None:
        """`text` is what is between the quotes; None if that is no code."""


class Language(NamedTuple):
    """How the names of one language are read and followed. `identifiers` are the types of nodes for names.

    With `parses_functions`, the text of a function is a file by itself to the parser. Strings may be code:
    then `quoted` is the type of nodes for their text, and `quoted_site` says what is in them. `beside` says
    what else a name means that means two things.
    """

    collect: Collect
    site: SiteOf
    identifiers: frozenset[str]
    rules: Rules
    parses_functions: bool = False
    quoted: str = ""
    quoted_site: QuotedSite | None = None
    beside: SiteOf | None = None


@cache
def language(name: str) -> Language:
    """The language `name`, one of `LANGUAGES`."""
    found: Language = import_module(f"{__name__}.{_FOLDERS[name]}").LANGUAGES[name]
    return found


def see_each_other(one: str, other: str) -> bool:
    """Whether names of one language may be of another, which are in one folder."""
    return one in LANGUAGES and other in LANGUAGES and _FOLDERS[one] == _FOLDERS[other]


@cache
def query_of(name: str, *, complete: bool) -> str:
    """The query of a language; "" if names are not collected for it."""
    if name not in LANGUAGES:
        return ""
    folder = resources.files(__name__) / _FOLDERS[name]
    files = [folder / "seen.scm", folder / "complete.scm"] if complete else [folder / "seen.scm"]
    return "\n".join(file.read_text("utf-8") for file in files if file.is_file())
