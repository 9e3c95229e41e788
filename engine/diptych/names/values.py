"""What an expression may be, as far as it is known."""

from __future__ import annotations

import re
from typing import NamedTuple

from diptych.names.facts import Binding, Point
from diptych.names.source import Names

MODULE_VALUE, CLASS_VALUE, INSTANCE, FUNCTION_VALUE, FOREIGN = range(5)

# The name of something foreign of which not even the type is known.
UNSAID = "?"

# One step of a chain after its head.
STEP = re.compile(r"\.(#?(?:[^\W\d]|\$)[\w$]*)|\((\d*)\)|\[(\d*)\]|[*@~]|>(\d+)")
HEAD = re.compile(r":([^;]*);?|!(\w+)|(\^\^?)|((?:[^\W\d]|\$)[\w$]*)|<([^>\n]*)>")


class Value(NamedTuple):
    """A module, a class, an instance of one, a function, or something outside of all files (`FOREIGN`).

    `scope` is the class or function in `names`; -1 for a module. `arguments` are the elements' values, of a
    container. `receiver` is what a method was taken from.
    """

    kind: int
    names: Names | None = None
    scope: int = -1
    name: str = ""
    arguments: tuple[tuple[Value, ...], ...] = ()
    receiver: Value | None = None

    def is_same_scope(self, other: Value) -> bool:
        """Whether both are of one scope in one file, though its facts may number it in two ways."""
        if self.names is None or other.names is None or self.names.path != other.names.path:
            return False
        mine, theirs = self.names.scopes[self.scope], other.names.scopes[other.scope]
        return (mine.start, mine.name) == (theirs.start, theirs.name)


class Target(NamedTuple):
    """Where a name leads: a binding, or a complete module (then `binding` is None)."""

    names: Names
    binding: Binding | None

    @property
    def path(self) -> str:
        """The path of the file."""
        return self.names.path

    @property
    def place(self) -> Point:
        """The place of the name, or of the file's beginning."""
        return self.binding.place if self.binding is not None else (0, 0)


def foreign(name: str, arguments: tuple[tuple[Value, ...], ...] = ()) -> Value:
    """A value of which only the name of its type is known."""
    return Value(FOREIGN, name=name, arguments=arguments)
