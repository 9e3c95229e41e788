"""Schemas that cannot be used by their names alone."""

from __future__ import annotations

from tests.support.notes import NotesSchema

from diptych import Schema


class WithArguments(NotesSchema):
    """What is needed to make one is not known to the command."""

    def __init__(self, given: str) -> None:
        self.given = given


# All methods that one must have, and not a name.
_METHODS = {name: getattr(NotesSchema, name) for name in Schema.__abstractmethods__}
Nameless = type("Nameless", (Schema,), _METHODS)
