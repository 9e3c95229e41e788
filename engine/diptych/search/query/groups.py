"""How the operands of a query, or of one between parentheses, are joined to one."""

from __future__ import annotations

from typing import NamedTuple

from diptych.search.query.nodes import Clauses, Node, either, quote, refuse


class Operand(NamedTuple):
    """A part of a clause. `sign` is "", "+" or "-"; `field` the one that is named with it."""

    sign: str
    node: Node
    field: str | None = None


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

    def add(self, node: Node, field: str | None = None) -> None:
        """An operand, after what was said of it; `field` is named with it."""
        operand = Operand("-" if self.negated else "+" if self.required else "", node, field)
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


def _node_of(clauses: list[list[Operand]], beside_or: bool) -> Node:
    """Clauses that stand side by side, between ORs."""
    required: list[Node] = []
    optional: list[Node] = []
    excluded: list[Node] = []
    narrowing: dict[str, list[Node]] = {}
    for operands in clauses:
        if len(operands) == 1:
            [(sign, node, field)] = operands
            if field is not None and not sign and len(clauses) > 1:
                narrowing.setdefault(field, []).append(node)
            else:
                (required if sign == "+" else excluded if sign == "-" else optional).append(node)
            continue
        joined = Clauses(
            required=tuple(node for sign, node, _ in operands if sign != "-"),
            excluded=tuple(node for sign, node, _ in operands if sign == "-"),
        )
        # What must be there is asked of the clause that it is in.
        (required if any(sign == "+" for sign, _, _ in operands) else optional).append(joined)
    if beside_or and (required or narrowing or (excluded and len(clauses) > 1)):
        refuse(
            "`+`, `-`, NOT or a field in a list of words beside an OR can be read in two ways",
            "put parentheses around what belongs together, as in (a NOT b) OR c, or (a OR c) NOT b",
        )
    return _narrowed(narrowing, required, optional, excluded)


def _narrowed(
    narrowing: dict[str, list[Node]], required: list[Node], optional: list[Node], excluded: list[Node]
) -> Node:
    """The clauses, within what is asked of fields: something of each field that is named."""
    narrow = [either(nodes) for nodes in narrowing.values()]
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
