"""The scope that a sweep over Python source is in: its parameters, and what is known of its names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tree_sitter import Node

from diptych.names.facts import Point
from diptych.names.languages.collected import text_of
from diptych.names.languages.python.shapes import annotation, assigned_shape, shape_of
from diptych.names.languages.shapes import either, extended

MAX_RETURNS = 8
# A local that is another local, and so on.
_MAX_SUBSTITUTIONS = 4

_HEAD = re.compile(r"[^\W\d]\w*")
_FIRST_PARAMETER = re.compile(rb"\s*\(\s*([A-Za-z_]\w*)\s*[,):=]")
_NOT_PARAMETERS = frozenset({"comment", "keyword_separator", "positional_separator"})
_OF_CLASS = frozenset({"__new__", "__init_subclass__", "__class_getitem__"})


class Parameter(NamedTuple):
    """A parameter, and the shape of its annotation or default."""

    name: str
    place: Point
    shape: str


@dataclass(slots=True)
class OpenScope:
    """A scope that the sweep is in. `number` is -1 where it is not recorded."""

    number: int
    kind: int
    end: int
    node: Node | None = None
    decorators: tuple[str, ...] = ()
    name: str = ""
    owner: int = -1
    """The class whose method this is."""
    receiver: str = ""
    annotated: bool = False
    globals: frozenset[str] = frozenset()
    # Made when there is something to put in: most functions have none of it.
    returns: list[str] | None = None
    assigned: list[Node] | None = None
    known_parameters: list[Parameter] | None = None

    def note_assigned(self, node: Node) -> None:
        """Remember an assignment: its name may be returned, or become a field."""
        if self.assigned is None:
            self.assigned = []
        self.assigned.append(node)

    def note_returned(self, shape: str) -> None:
        """Remember what is returned."""
        if self.returns is None:
            self.returns = []
        if len(self.returns) < MAX_RETURNS:
            self.returns.append(shape)

    def parameters(self, source: bytes) -> list[Parameter]:
        """The parameters, in order."""
        if self.known_parameters is None:
            self.known_parameters = list(self._parameters(source))
        return self.known_parameters

    def substituted(self, source: bytes, shape: str) -> str:
        """`shape` with the function's own names replaced by what is known of them there."""
        if "\n" in shape:
            return either(*(self.substituted(source, part) for part in shape.split("\n")))
        for _ in range(_MAX_SUBSTITUTIONS):
            head = _HEAD.match(shape)
            known = self._local(source, head[0]) if head is not None else None
            if head is None or known is None:
                return shape
            rest = shape[head.end() :]
            first = known.split("\n")[0]
            shape = extended(first, rest) if rest else first
        return ""

    def _local(self, source: bytes, name: str) -> str | None:
        """The shape of a name of the function; "" if nothing is known of it; None if it is not one."""
        if name == self.receiver:
            return self._receiver_shape()
        wanted = name.encode()
        for node in reversed(self.assigned or ()):
            # The bytes first: nodes are expensive.
            if source.startswith(wanted, node.start_byte):
                left = node.child_by_field_name("left")
                if left is not None and left.type == "identifier" and text_of(source, left) == name:
                    return assigned_shape(source, node)
        for parameter in self.parameters(source):
            if parameter.name == name:
                return parameter.shape
        return None

    def _receiver_shape(self) -> str:
        return "^^" if "classmethod" in self.decorators or self.name in _OF_CLASS else "^"

    def _parameters(self, source: bytes) -> Iterator[Parameter]:
        declared = self.node.child_by_field_name("parameters") if self.node is not None else None
        is_first = True
        for child in declared.named_children if declared is not None else ():
            if child.type in _NOT_PARAMETERS:
                continue
            name, starred = _name_of(child)
            if name is None:
                continue
            shape = starred or annotation(source, child.child_by_field_name("type"))
            if not shape:
                shape = shape_of(source, child.child_by_field_name("value")).replace("!None", "")
            text = text_of(source, name)
            if is_first and text == self.receiver:
                shape = self._receiver_shape()
            is_first = False
            yield Parameter(text, name.start_point, shape)


def first_parameter(source: bytes, node: Node, name: Node) -> str:
    """The name of a function's first parameter; "" if it has none. `name` is the function's."""
    simple = _FIRST_PARAMETER.match(source, name.end_byte)
    if simple is not None:
        return simple[1].decode()
    parameters = node.child_by_field_name("parameters")
    for child in parameters.named_children if parameters is not None else ():
        if child.type not in _NOT_PARAMETERS:
            first, starred = _name_of(child)
            return text_of(source, first) if first is not None and not starred else ""
    return ""


def _name_of(parameter: Node) -> tuple[Node | None, str]:
    """A parameter's name, and the shape that `*` or `**` gives it."""
    name: Node | None = parameter
    if parameter.type in ("default_parameter", "typed_default_parameter"):
        name = parameter.child_by_field_name("name")
    elif parameter.type == "typed_parameter":
        name = parameter.named_child(0) if parameter.named_child_count else None
    starred = ""
    if name is not None and name.type in ("list_splat_pattern", "dictionary_splat_pattern"):
        starred = "!tuple" if name.type == "list_splat_pattern" else "!dict"
        name = name.named_child(0) if name.named_child_count else None
    return (name if name is not None and name.type == "identifier" else None), starred
