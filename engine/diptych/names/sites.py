"""A site: one place in a file where a name is written, and what its syntax makes of it."""

from __future__ import annotations

from typing import NamedTuple

from diptych.names.facts import Point
from diptych.names.rules import ANY

FREE, MEMBER, MODULE, ITEM, ARGUMENT, BOUND, FIELD_BOUND, OF_FILE = range(8)


class Site(NamedTuple):
    """Where a name is written. What else counts depends on `kind`:

    FREE          `scope` sees the name
    MEMBER        `shape` is the receiver's, in `scope`
    MODULE        `module` is what an import names up to here
    ITEM          `name` is imported from `module`
    ARGUMENT      `shape` is the function's, whose parameter `name` is
    BOUND         the name is bound here, in `scope`; as a member of `shape`, if that is known
    OF_FILE       what the file gives to others: what is bound at `after`, or the file itself
    FIELD_BOUND   the same for a field, in the class `scope`
    """

    kind: int
    name: str
    place: Point
    scope: int = 0
    shape: str = ""
    module: str = ""
    called: bool = False
    after: Point = (0, 0)
    """Bindings before this place count as those before: what an assignment binds is not seen on its right."""
    assigned: bool = False
    """What gives a member a value means what takes it, where that is apart from what reads it."""
    meaning: int = ANY
    """What the name is used as."""
    arguments: tuple[str, ...] | None = None
    """The shapes of what is given to it; None if that is not known, or decides nothing."""
