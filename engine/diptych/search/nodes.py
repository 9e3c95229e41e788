"""A query as a tree, and how its operands are joined to one."""

from __future__ import annotations

from typing import NamedTuple, NoReturn

from diptych.errors import QueryError

_QUOTE_IT = 'quote what is not a plain word, as in name:"operator()"; see docs/command-line.md'


class Words(NamedTuple):
    """The words, one after the other, in one field."""

    field: str
    words: tuple[str, ...]


class Prefix(NamedTuple):
    """A word in a field that begins with `text`; with "" any word."""

    field: str
    text: str


class Fuzzy(NamedTuple):
    """A word in a field, at most `distance` edits from `text`; an exchange of two neighbours is one."""

    field: str
    text: str
    distance: int


class Everything(NamedTuple):
    """All documents."""


class Boosted(NamedTuple):
    """The same, its score multiplied."""

    query: Node
    factor: float


class Clauses(NamedTuple):
    """All of `required`, none of `excluded`; and one of `optional` at least where nothing is required."""

    required: tuple[Node, ...] = ()
    optional: tuple[Node, ...] = ()
    excluded: tuple[Node, ...] = ()


Node = Words | Prefix | Fuzzy | Everything | Boosted | Clauses


class Parsed(NamedTuple):
    """What is asked, None for nothing. `long_words`: whether words of 40 bytes and more can match."""

    node: Node | None
    long_words: bool


def levels_of(node: Node) -> int:
    """How many queries lie inside each other at the deepest place: 1 for one without parts."""
    deepest = 0
    left = [(node, 1)]
    while left:
        node, level = left.pop()
        deepest = max(deepest, level)
        if isinstance(node, Boosted):
            left.append((node.query, level + 1))
        elif isinstance(node, Clauses):
            left += [(part, level + 1) for part in (*node.required, *node.optional, *node.excluded)]
    return deepest


def refuse(reason: str, advice: str = _QUOTE_IT) -> NoReturn:
    """Raise QueryError for what cannot be read."""
    raise QueryError(f"the query cannot be parsed: {reason}", advice=advice)


class Operand(NamedTuple):
    """A part of a clause. `sign` is "", "+" or "-"."""

    sign: str
    node: Node


class Group:
    """What was read of a query, or of one between parentheses, so far.

    `alternatives` holds, between ORs, clauses; a clause holds, between ANDs, operands.
    """

    def __init__(self, field: str | None) -> None:
        self.field = field
        self.alternatives: list[list[list[Operand]]] = [[]]
        self.joining = ""  # the AND, OR or NOT, or the sign, that an operand must follow
        self.joined_by_and = False
        self.negated = False
        self.required = False

    def add(self, node: Node) -> None:
        """An operand, after what was said of it."""
        operand = Operand("-" if self.negated else "+" if self.required else "", node)
        clauses = self.alternatives[-1]
        if self.joined_by_and:
            clauses[-1].append(operand)
        else:
            clauses.append([operand])
        self.joining, self.joined_by_and, self.negated, self.required = "", False, False, False

    def join(self, word: str) -> None:
        """An AND or OR: it stands between two operands."""
        if self.joining or not self.alternatives[-1]:
            refuse(f"{word} stands between two things to search for", quote(word))
        self.joining = word
        if word == "AND":
            self.joined_by_and = True
        else:
            self.alternatives.append([])

    def finish(self) -> Node | None:
        """The whole as one query; None where nothing was asked."""
        if self.joining:
            refuse(f"nothing follows {self.joining}", "write what is to follow, or quote what is no operator")
        if not self.alternatives[-1]:
            return None
        several = len(self.alternatives) > 1
        nodes = [_node_of(clauses, several) for clauses in self.alternatives]
        return nodes[0] if len(nodes) == 1 else Clauses(optional=tuple(nodes))


def _node_of(clauses: list[list[Operand]], beside_or: bool) -> Node:
    """Clauses that stand side by side, between ORs."""
    required: list[Node] = []
    optional: list[Node] = []
    excluded: list[Node] = []
    for operands in clauses:
        if len(operands) == 1:
            [(sign, node)] = operands
            (required if sign == "+" else excluded if sign == "-" else optional).append(node)
            continue
        joined = Clauses(
            required=tuple(node for sign, node in operands if sign != "-"),
            excluded=tuple(node for sign, node in operands if sign == "-"),
        )
        # What must be there is asked of the clause that it is in.
        (required if any(sign == "+" for sign, _ in operands) else optional).append(joined)
    if beside_or and (required or (excluded and len(clauses) > 1)):
        refuse(
            "`+`, `-` or NOT in a list of words beside an OR can be read in two ways",
            "put parentheses around what belongs together, as in (a NOT b) OR c, or (a OR c) NOT b",
        )
    if not required and not excluded and len(optional) == 1:
        return optional[0]
    return Clauses(tuple(required), tuple(optional), tuple(excluded))


def quote(text: str) -> str:
    """How to search for what would be an operator."""
    return f"to search for it, quote it: {quoted(text)}"


def quoted(text: str) -> str:
    """A text as a phrase, cut where it is long."""
    short = text[:40]
    return '"' + short.replace("\\", "\\\\").replace('"', '\\"') + '"'


def shown(text: str) -> str:
    """A text for a message, cut where it is long."""
    return f"`{text}`" if len(text) <= 40 else f"`{text[:39]}…`"
