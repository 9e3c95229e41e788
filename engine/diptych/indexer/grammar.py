"""A language's parser and query, prepared once per process.

The query is ours, then the ones in the wheels. If two patterns match the same node, the earlier wins, as in
tree-sitter's tags, so that ours refine theirs. A plain reference has the lowest priority. The captures of a
pattern determine its meaning:

    @definition.<kind> with @name           a symbol
    @reference.<kind> with @name            a relation to that name
    @definition.declared with @declarator   what the declarator declares (C and C++)
    @definition.block with @name            a block of no function: nothing inside is global
    @definition.expression with @name       a name that is known only inside of what it names: no symbol
    @definition.alias with @name            what is before `=` in the name (Bash)
    @definition.open_namespace with @name     a namespace without a block: it has the rest of the file
    @definition.inner_<kind> with @name     a symbol only inside of another one
    @scope with @name                       not a symbol, but a container (Rust's `impl`)
    @container, @qualified                  the container, if it is not what encloses the definition
    @bound                                  the symbols that `bound` of languages/<module>.py finds in it
    @annotation                             references to the names that `annotated` finds in it
    @body                                   the definition's body, if its node has no field of that name
    @inner                                  a comment that documents what it is in
    @comment, @attribute                    what may be above a definition as its documentation
    @ignore with @name                      ignore that node, whatever a later pattern says
    @names.<what>                           a node for the names part (`diptych.names.languages`)
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable
from functools import cache
from importlib import resources
from typing import NamedTuple

from tree_sitter import Language as Grammar
from tree_sitter import Node, Parser, Query, QueryCursor

from diptych.fs import importing
from diptych.indexer.languages import LANGUAGES, Language
from diptych.indexer.languages.bound import Bound, Word
from diptych.names.languages import query_of
from diptych.values import Value

(DEFINITION, SCOPE, REFERENCE, EXPANDED, COMMENT, ATTRIBUTE, IGNORED, BOUND, ANNOTATION, INNER, NAMES) = (
    range(11)
)

# The kind of a definition that its declarator tells.
DECLARED = "declared"

# From the relation names of tags queries to those of records.
_RELATIONS = {
    "call": "calls",
    "class": "calls",
    "implementation": "implements",
    "interface": "implements",
    "type": "references",
}
_EXPANDED = frozenset({"use", "include", "path", "body"})
_ROLE = re.compile(
    r"@(definition|reference|names)\.(\w+)|@(scope|comment|attribute|inner|ignore|bound|annotation)\b"
)
_COMMENT_TEXT = re.compile(r'("(?:[^"\\]|\\.)*")|;[^\n]*')


class Pattern(NamedTuple):
    """The meaning of a pattern: its role, its kind, and the capture of the complete node."""

    role: int
    kind: str
    capture: str


class Prepared(Value):
    """Everything needed to parse files of one language. Not thread-safe.

    `patterns`, `roles` and `ranks` are indexed by pattern; of two patterns, the lower rank wins. `bound` and
    `annotated` walk a node that the query captured for them.
    """

    language: Language
    parser: Parser
    cursor: QueryCursor
    patterns: tuple[Pattern, ...]
    roles: tuple[int, ...]
    ranks: tuple[int, ...]
    by_rank: dict[int, Pattern]
    bound: Callable[[bytes, Node], Iterable[Bound]]
    annotated: Callable[[bytes, Node], Iterable[Node | Word]]


@cache
def grammar_of(name: str) -> Grammar:
    """The grammar of the language `name`. Raises KeyError for a name not in `LANGUAGES`."""
    language = LANGUAGES[name]
    with importing(language.module):
        module = importlib.import_module(language.module)
    return Grammar(getattr(module, language.factory)())


@cache
def parser_of(name: str) -> Parser:
    """Its parser, where nothing is extracted: to make the query takes up to 150 ms. Not thread-safe."""
    return Parser(grammar_of(name))


@cache
def prepared(name: str) -> Prepared:
    """The parser and query of the language `name`. Raises KeyError for a name not in `LANGUAGES`."""
    language, grammar = LANGUAGES[name], grammar_of(name)
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
    # Only the name of a reference is used, and nodes that are not captured cost nothing.
    for index in range(query.capture_count):
        capture = query.capture_name(index)
        if capture == "doc" or capture == "ignore" or capture.startswith(("reference.", "local.")):
            query.disable_capture(capture)
    last = len(patterns)
    ranks = [index + last * (pattern.kind == "references") for index, pattern in enumerate(patterns)]
    return Prepared(
        language,
        parser_of(name),
        QueryCursor(query),
        tuple(patterns),
        tuple(pattern.role for pattern in patterns),
        tuple(ranks),
        dict(zip(ranks, patterns, strict=True)),
        *_walks(language.walks),
    )


def _walks(
    module: str,
) -> tuple[Callable[[bytes, Node], Iterable[Bound]], Callable[[bytes, Node], Iterable[Node | Word]]]:
    if not module:
        return _nothing, _nothing
    walks = importlib.import_module(f"diptych.indexer.languages.{module}")
    return getattr(walks, "bound", _nothing), getattr(walks, "annotated", _nothing)


def _nothing(_source: bytes, _node: Node) -> tuple[()]:
    return ()


def _query_source(language: Language) -> str:
    ours = resources.files("diptych.indexer.languages") / "queries"
    files = [ours / f"{name}.scm" for name in language.queries]
    files += [resources.files(module) / "queries" / "tags.scm" for module in language.tags]
    return "\n".join([*(file.read_text("utf-8") for file in files), query_of(language.name, complete=False)])


def _meaning(pattern: str) -> Pattern:
    match = _ROLE.search(_COMMENT_TEXT.sub(r"\1", pattern))
    if match is None:
        return Pattern(IGNORED, "", "")
    family, kind, role = match.groups()
    if family == "definition":
        return Pattern(DEFINITION, kind, f"definition.{kind}")
    if family == "names":
        return Pattern(NAMES, kind, f"names.{kind}")
    if family == "reference":
        if kind in _EXPANDED:
            return Pattern(EXPANDED, kind, "")
        return Pattern(REFERENCE, _RELATIONS.get(kind, kind), "")
    return {
        "scope": Pattern(SCOPE, "", "scope"),
        "comment": Pattern(COMMENT, "", "comment"),
        "attribute": Pattern(ATTRIBUTE, "", "attribute"),
        "inner": Pattern(INNER, "", "inner"),
        "ignore": Pattern(IGNORED, "", ""),
        "bound": Pattern(BOUND, "", "bound"),
        "annotation": Pattern(ANNOTATION, "references", "annotation"),
    }[role]
