"""What a parsed file defines and refers to: from tree-sitter's matches to symbols and relations.

One pass of one query over the tree, then one sweep over what it found, in the order of the source: open
definitions form a stack, whose dotted names are the containers of what follows. Speed matters here (a
standard library has half a million references), so a relation is a plain tuple, which packs like a Relation;
text is sliced from the source; and no code asks a node for its parent.
"""

from __future__ import annotations

from operator import itemgetter
from typing import NamedTuple

from tree_sitter import Node, Parser, Tree

from diptych.indexer import text
from diptych.indexer.bounded import error_bytes, matches_in, parsed_tree, refuse_brackets
from diptych.indexer.comments import Comments
from diptych.indexer.define import Definition, Definitions, unquoted
from diptych.indexer.errors import TooSlowError
from diptych.indexer.expand import expanded
from diptych.indexer.grammar import (
    ANNOTATION,
    ATTRIBUTE,
    BOUND,
    COMMENT,
    DECLARED,
    DEFINITION,
    EXPANDED,
    IGNORED,
    INNER,
    NAMES,
    REFERENCE,
    SCOPE,
    Pattern,
    Prepared,
)
from diptych.indexer.languages import Language, bash_words, kotlin_words, swift_words
from diptych.indexer.languages.bound import Bound, Word
from diptych.indexer.languages.c_calls import calls_in
from diptych.indexer.languages.c_conditionals import (
    has_split_conditionals,
    without_split_conditionals,
)
from diptych.indexer.languages.c_declarators import declared
from diptych.indexer.languages.c_macros import without_macros
from diptych.indexer.languages.conditionals import without_conditionals_at_errors
from diptych.indexer.languages.csharp_extensions import with_extensions
from diptych.indexer.languages.rust_macros import without_item_macros
from diptych.model import Symbol
from diptych.names.languages import Captured

# The fields of a Relation, with the Range as a plain tuple.
RelationRow = tuple[str, str, str, tuple[int, int, int, int]]

# A reference's place and its pattern's rank as one number, by which they sort. No query has as many patterns.
_RANK_BITS = 12
_RANK_MASK = (1 << _RANK_BITS) - 1

_REFERENCES = frozenset({REFERENCE, EXPANDED, IGNORED})
_by_first = itemgetter(0)


class Extracted(NamedTuple):
    """Symbols and relations, each in the order of the source, and how many bytes are in syntax errors.

    `noted` are the nodes that the names part is made from.
    """

    symbols: list[Symbol]
    relations: list[RelationRow]
    error_bytes: int
    noted: list[Captured]


def extract(prepared: Prepared, source: bytes) -> Extracted:
    """What is in `source` (UTF-8 bytes).

    Syntax errors are tolerated: the result has what tree-sitter could parse. Raises TooSlowError.
    """
    refuse_brackets(source)
    tree = tree_of(prepared.parser, prepared.language, source)
    roles, ranks, patterns = prepared.roles, prepared.ranks, prepared.patterns
    comments = Comments(source, prepared.language.directive)
    named: dict[int, tuple[int, Definition]] = {}
    references: list[tuple[int, int, Node | Word]] = []
    noted: list[Captured] = []
    for index, captures in matches_in(prepared.cursor, tree):
        role = roles[index]
        if role in _REFERENCES:
            node = captures["name"][0]
            start, end = node.byte_range
            references.append((start << _RANK_BITS | ranks[index], end, node))
        elif role == DEFINITION or role == SCOPE:  # noqa: SIM109 - no tuple to build
            definition = _definition(patterns[index], captures)
            if definition is not None:
                start, rank = definition[2], ranks[index]
                if start not in named or rank < named[start][0]:
                    named[start] = (rank, definition)
        elif role == NAMES:
            ((node,),) = captures.values()
            noted.append((patterns[index].kind, node))
        elif role == BOUND:
            rank = ranks[index]
            for bound in prepared.bound(source, captures["bound"][0]):
                start = bound.name.start_byte
                if start not in named or rank < named[start][0]:
                    named[start] = (rank, _bound(bound))
        elif role == ANNOTATION:
            rank = ranks[index]
            references += [
                (name.start_byte << _RANK_BITS | rank, name.end_byte, name)
                for name in prepared.annotated(source, captures["annotation"][0])
            ]
        elif role == COMMENT or role == ATTRIBUTE:  # noqa: SIM109
            comments.note(captures[patterns[index].capture][0])
        elif role == INNER:
            comments.note_inner(captures["inner"][0])
    if not text.is_utf8(source):
        # Next to an invalid byte a name is only a part of one.
        named = {at: one for at, one in named.items() if not _is_cut(source, at, _end_of_name(one[1]))}
        references = [one for one in references if not _is_cut(source, one[0] >> _RANK_BITS, one[1])]
    references.sort(key=_by_first)
    symbols, relations = _swept(prepared, source, named, references, comments)
    return Extracted(symbols, relations, error_bytes(tree.root_node), noted)


def _is_cut(source: bytes, start: int, end: int) -> bool:
    return source[start - 1 : start] >= b"\x80" or source[end : end + 1] >= b"\x80"


def _end_of_name(definition: Definition) -> int:
    captures = definition[5]
    return (captures.get("name") or captures["qualified"])[0].end_byte


def _bound(bound: Bound) -> Definition:
    kind, name, node, body = bound
    start, end = node.byte_range
    captures = {"name": [name]} if body is None else {"name": [name], "body": [body]}
    return start, -end, name.start_byte, Pattern(DEFINITION, kind, ""), node, captures


def tree_of(parser: Parser, language: Language, source: bytes) -> Tree:
    """The tree of `source`, whose offsets are those of `source` whatever was blanked before parsing.

    Raises TooSlowError.
    """
    if language.name == "rust" and b"!" in source:
        return parsed_tree(parser, without_item_macros(source))
    if language.name == "csharp":
        return _csharp_tree(parser, source)
    if language.name == "kotlin":
        return _kotlin_tree(parser, source)
    if language.name in ("bash", "swift"):
        return _rewritten_tree(parser, language.name, source)
    if not language.preprocessed:
        return parsed_tree(parser, source)
    blanked = without_macros(source)
    tree = parsed_tree(parser, blanked)
    if not tree.root_node.has_error or not has_split_conditionals(tree.root_node, blanked):
        return tree
    joined = without_split_conditionals(blanked, cpp=language.name == "cpp")
    return tree if joined == blanked else parsed_tree(parser, joined)


def _better(parser: Parser, tree: Tree, source: bytes, other_source: bytes) -> Tree:
    """`tree`, which is that of `source`, or the one of another source if it has fewer errors."""
    if not tree.root_node.has_error or other_source == source:
        return tree
    try:
        other = parsed_tree(parser, other_source)
    except TooSlowError:
        # The first one was not.
        return tree
    return other if error_bytes(other.root_node) < error_bytes(tree.root_node) else tree


def _rewritten_tree(parser: Parser, language: str, source: bytes) -> Tree:
    """The tree of `source`; where it has errors, of what is written instead, if that has fewer."""
    tree = parsed_tree(parser, source)
    if not tree.root_node.has_error:
        return tree
    written = (swift_words if language == "swift" else bash_words).rewritten(source)
    tree = _better(parser, tree, source, written)
    if language == "swift" and tree.root_node.has_error:
        tree = _better(parser, tree, written, without_conditionals_at_errors(written, tree.root_node))
    return tree


def _kotlin_tree(parser: Parser, source: bytes) -> Tree:
    """The tree of `source`, or of what is written instead; without annotations where these are misread."""
    source = kotlin_words.without_keyword(source)
    tree = parsed_tree(parser, source)
    if tree.root_node.has_error:
        tree = _better(parser, tree, source, kotlin_words.rewritten(source))
    if kotlin_words.is_misread(tree.root_node):
        plain = kotlin_words.without_annotations(source)
        try:
            other = parsed_tree(parser, plain)
        except TooSlowError:
            return tree
        if other.root_node.has_error:
            other = _better(parser, other, plain, kotlin_words.rewritten(plain))
        if error_bytes(other.root_node) <= error_bytes(tree.root_node):
            return other
    return tree


def _csharp_tree(parser: Parser, source: bytes) -> Tree:
    """The tree of `source`, without conditionals that only make errors."""
    source = with_extensions(source)
    tree = parsed_tree(parser, source)
    if not tree.root_node.has_error or b"#" not in source:
        return tree
    better = _better(parser, tree, source, without_split_conditionals(source, cpp=True))
    return _better(parser, better, source, without_conditionals_at_errors(source, tree.root_node))


def _definition(pattern: Pattern, captures: dict[str, list[Node]]) -> Definition | None:
    """The definition of a match, or None where the source only looks like one."""
    node = captures[pattern.capture][0]
    if pattern.kind == DECLARED:
        found = declared(node, captures["declarator"][0])
        if found is None:
            return None
        captures = {"name": [found.name]}
        if found.qualified is not None:
            captures["qualified"] = [found.qualified]
        pattern = pattern._replace(kind=found.kind)
        return found.begin, -found.end, found.name.start_byte, pattern, node, captures
    begin, end = node.byte_range
    name = (captures.get("name") or captures["qualified"])[0]
    return begin, -end, name.start_byte, pattern, node, captures


def _swept(
    prepared: Prepared,
    source: bytes,
    named: dict[int, tuple[int, Definition]],
    references: list[tuple[int, int, Node | Word]],
    comments: Comments,
) -> tuple[list[Symbol], list[RelationRow]]:
    relations: list[RelationRow] = []
    stack = Definitions(prepared, source, comments)
    ends, dotted = stack.ends, stack.dotted
    # Reversed, to pop from the end.
    pending = _in_order(named)
    past_end = len(source) + 1
    next_start = pending[-1][0] if pending else past_end
    # In ASCII the offsets are equal, and slicing text is cheaper than slicing and decoding bytes.
    ascii_text = source.decode("ascii") if source.isascii() else None
    patterns, limit = prepared.by_rank, text.NAME_MAX_CHARS
    no_names = prepared.language.no_names
    last_start = -1
    for key, end, node in references:
        start = key >> _RANK_BITS
        if start == last_start:
            continue
        last_start = start
        if start in named:
            continue
        role, kind, _ = patterns[key & _RANK_MASK]
        while next_start <= start:
            stack.define(pending.pop())
            next_start = pending[-1][0] if pending else past_end
        while ends[-1] <= start:
            stack.pop()
        if role == REFERENCE or role == ANNOTATION:  # noqa: SIM109 - no tuple to build
            row, column = node.start_point
            if end - start > limit:
                end = start + limit
            target = ascii_text[start:end] if ascii_text else source[start:end].decode("utf-8", "replace")
            # A name that is missing has no text.
            if target and target not in no_names:
                relations.append((kind, dotted[-1], target, (row, column, row, column + end - start)))
        elif role == EXPANDED and kind == "body":
            head = source[source.rfind(b"#", 0, start) : start]
            relations += [
                ("calls", dotted[-1], name.decode("utf-8", "replace")[:limit], place)
                for name, place in calls_in(source[start:end], head, *node.start_point)
            ]
        elif role == EXPANDED:
            place = (*node.start_point, *node.end_point)
            relations += [
                ("imports", dotted[-1], target[:limit], place) for target in expanded(kind, source[start:end])
            ]
    while pending:
        stack.define(pending.pop())
    if prepared.language.quotes_names and b"`" in source:
        relations = [
            (kind, origin, unquoted(target) if target.startswith("`") else target, place)
            for kind, origin, target, place in relations
        ]
    return stack.symbols, relations


def _in_order(named: dict[int, tuple[int, Definition]]) -> list[Definition]:
    """The definitions sorted by start, wider ones first, then the list reversed."""
    return sorted((definition for _, definition in named.values()), key=itemgetter(0, 1, 2), reverse=True)
