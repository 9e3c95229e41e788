"""A language's parser and query, made ready once in each process.

The query is ours followed by the wheels' own. Where two patterns name the same node the earlier wins, as in
tree-sitter's tags, so that ours refine theirs; a plain reference gives way to everything else. What a
pattern means is read once from its captures:

    @definition.<kind> with @name           a symbol
    @reference.<kind> with @name            a relation to that name
    @scope with @name                       no symbol, but a container of what is inside (Rust's `impl`)
    @container, @qualified                  where a definition belongs, when that is not what encloses it
    @comment, @attribute                    what may stand above a definition as its documentation
    @ignore with @name                      that node is neither, whatever a later pattern says
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import NamedTuple

from tree_sitter import Language as Grammar
from tree_sitter import Parser, Query, QueryCursor

from diptych.fs import importing
from diptych.indexer.languages import LANGUAGES, Language

DEFINITION, SCOPE, REFERENCE, EXPANDED, COMMENT, ATTRIBUTE, IGNORED = range(7)

# The tags queries' words for relations, as the records' words.
_RELATIONS = {
    "call": "calls",
    "class": "calls",
    "implementation": "implements",
    "interface": "implements",
    "type": "references",
}
_EXPANDED = frozenset({"use", "include", "path"})
_ROLE = re.compile(r"@(definition|reference)\.(\w+)|@(scope|comment|attribute|ignore)\b")
_COMMENT_TEXT = re.compile(r'("(?:[^"\\]|\\.)*")|;[^\n]*')


class Pattern(NamedTuple):
    """What a match of one pattern means: its role, the kind it gives, and the capture of its whole node."""

    role: int
    kind: str
    capture: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that parsing a file of one language takes. Not safe for use by two threads at once.

    `patterns`, `roles` and `ranks` go by a pattern's index; of two patterns the lower rank wins.
    """

    language: Language
    parser: Parser
    cursor: QueryCursor
    patterns: tuple[Pattern, ...]
    roles: tuple[int, ...]
    ranks: tuple[int, ...]
    by_rank: dict[int, Pattern]


@cache
def prepared(name: str) -> Prepared:
    """The parser and query of the language `name`. Raises KeyError for a name not in `LANGUAGES`."""
    language = LANGUAGES[name]
    with importing(language.module):
        module = importlib.import_module(language.module)
    grammar = Grammar(getattr(module, language.factory)())
    source = _query_source(language)
    query = Query(grammar, source)
    encoded = source.encode()
    patterns = []
    for index in range(query.pattern_count):
        text = encoded[query.start_byte_for_pattern(index) : query.end_byte_for_pattern(index)].decode()
        pattern = _meaning(text)
        if pattern.role == IGNORED and "@ignore" not in text:
            query.disable_pattern(index)
        patterns.append(pattern)
    # Only the name of a reference is looked at: a node that is not captured is not made.
    for index in range(query.capture_count):
        capture = query.capture_name(index)
        if capture == "doc" or capture == "ignore" or capture.startswith(("reference.", "local.")):
            query.disable_capture(capture)
    last = len(patterns)
    ranks = [index + last * (pattern.kind == "references") for index, pattern in enumerate(patterns)]
    return Prepared(
        language,
        Parser(grammar),
        QueryCursor(query),
        tuple(patterns),
        tuple(pattern.role for pattern in patterns),
        tuple(ranks),
        dict(zip(ranks, patterns, strict=True)),
    )


def _query_source(language: Language) -> str:
    ours = resources.files("diptych.indexer.languages") / "queries"
    files = [ours / f"{name}.scm" for name in language.queries]
    files += [resources.files(module) / "queries" / "tags.scm" for module in language.tags]
    return "\n".join(file.read_text("utf-8") for file in files)


def _meaning(pattern: str) -> Pattern:
    match = _ROLE.search(_COMMENT_TEXT.sub(r"\1", pattern))
    if match is None:
        return Pattern(IGNORED, "", "")
    family, kind, role = match.groups()
    if family == "definition":
        return Pattern(DEFINITION, kind, f"definition.{kind}")
    if family == "reference":
        if kind in _EXPANDED:
            return Pattern(EXPANDED, kind, "")
        return Pattern(REFERENCE, _RELATIONS.get(kind, kind), "")
    return {
        "scope": Pattern(SCOPE, "", "scope"),
        "comment": Pattern(COMMENT, "", "comment"),
        "attribute": Pattern(ATTRIBUTE, "", "attribute"),
        "ignore": Pattern(IGNORED, "", ""),
    }[role]
