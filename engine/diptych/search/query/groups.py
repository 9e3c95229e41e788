"""How the operands of a query, or of one between parentheses, are joined to one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from diptych.search.query.nodes import Clauses, Node, either, quote, refuse


class Operand(NamedTuple):
    """A part of a clause. `sign` is "", "+" or "-"; `fields` those it names, none where a part names none."""

    sign: str
    node: Node
    fields: frozenset[str] = frozenset()


class Group:
    """What was read of a query, or of one between parentheses, so far.

    `alternatives` holds, between ORs, clauses; a clause holds, between ANDs, operands.
    """

    def __init__(self, field: str | None, *, named: str | None = None) -> None:
        self.field = field
        self.named = named
        """The field that is named before the parenthesis itself."""
        self.alternatives: list[list[list[Operand]]] = [[]]
        self.joining = ""  # the AND, OR or NOT, or the sign, that an operand must follow
        self.joined_by_and = False
        self.negated = False
        self.required = False

    @property
    def fields(self) -> frozenset[str]:
        """The fields that it names, as `Operand.fields`."""
        if self.named is not None:
            return frozenset((self.named,))
        return _fields_of(operand for clauses in self.alternatives for one in clauses for operand in one)

    def add(self, node: Node, fields: frozenset[str] = frozenset()) -> None:
        """An operand, after what was said of it; `fields` as in `Operand`."""
        operand = Operand("-" if self.negated else "+" if self.required else "", node, fields)
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
        return either([_node_of(clauses, several) for clauses in self.alternatives])


def _fields_of(operands: Iterable[Operand]) -> frozenset[str]:
    """The fields that several operands name; none where one of them names none."""
    named = [operand.fields for operand in operands]
    return frozenset().union(*named) if all(named) else frozenset()


def _node_of(clauses: list[list[Operand]], beside_or: bool) -> Node:
    """Clauses that stand side by side, between ORs."""
    required: list[Node] = []
    optional: list[Node] = []
    excluded: list[Node] = []
    narrowing: dict[frozenset[str], list[Node]] = {}
    for operands in clauses:
        if len(operands) == 1:
            [(sign, node, _)] = operands
        else:
            # What must be there is asked of the clause that it is in.
            sign = "+" if any(operand.sign == "+" for operand in operands) else ""
            node = Clauses(
                required=tuple(node for sign, node, _ in operands if sign != "-"),
                excluded=tuple(node for sign, node, _ in operands if sign == "-"),
            )
        fields = _fields_of(operands)
        if fields and not sign and len(clauses) > 1:
            narrowing.setdefault(fields, []).append(node)
        else:
            (required if sign == "+" else excluded if sign == "-" else optional).append(node)
    if beside_or and (required or narrowing or (excluded and len(clauses) > 1)):
        refuse(
            "`+`, `-`, NOT or a field in a list of words beside an OR can be read in two ways",
            "put parentheses around what belongs together, as in (a NOT b) OR c, or (a OR c) NOT b",
        )
    _check_apart(narrowing)
    return _narrowed(list(narrowing.values()), required, optional, excluded)


def _check_apart(narrowing: Iterable[frozenset[str]]) -> None:
    """Refuse what names a field that another part of the list names beside other fields."""
    seen: set[str] = set()
    for fields in narrowing:
        if both := seen & fields:
            refuse(
                f"the field {min(both)}, by itself and beside another field, can be read in two ways",
                "write AND or OR between the two, as in (kind:class language:rust) OR kind:enum",
            )
        seen |= fields


def _narrowed(
    narrowing: list[list[Node]], required: list[Node], optional: list[Node], excluded: list[Node]
) -> Node:
    """The clauses, within what is asked of fields: something of each field that is named."""
    narrow = [either(nodes) for nodes in narrowing]
    if not narrow:
        if not required and not excluded and len(optional) == 1:
            return optional[0]
        return Clauses(tuple(required), tuple(optional), tuple(excluded))
    if optional and not required:
        narrow.append(either(optional))
        optional = []
    if not required and not optional and not excluded and len(narrow) == 1:
        return narrow[0]
    return Clauses((*narrow, *required), tuple(optional), tuple(excluded))
