"""How the names of Java are followed."""

from __future__ import annotations

from diptych.names.facts import ASSIGNED, CLASS, DEFINED, FUNCTION, IMPORTED, PARAMETER, Binding
from diptych.names.languages.java.library import TYPES
from diptych.names.languages.java.modules import module_path, shares, spellings, submodule_path
from diptych.names.languages.java.types import TYPE_ITSELF
from diptych.names.rules import ANY, CALLED, TYPE, VALUE, WITH_BASES, Rules
from diptych.names.source import Names


def _is_exported(_name: str) -> bool:
    return True


def _meaning(names: Names, binding: Binding) -> int:
    """What a binding is to Java: a method, a type, or what has a value. A type may be before a dot."""
    if binding.how == IMPORTED:
        return ANY
    if binding.how == PARAMETER:
        return TYPE if names.scopes[binding.scope].kind == CLASS else VALUE
    if binding.how == ASSIGNED and binding.shape.startswith(TYPE_ITSELF):
        return TYPE
    if binding.how != DEFINED or binding.inner < 0:
        return VALUE
    return CALLED if names.scopes[binding.inner].kind == FUNCTION else VALUE | TYPE


RULES = Rules(
    module_path=module_path,
    submodule_path=submodule_path,
    by_flow=False,
    shares=shares,
    members_seen=WITH_BASES,
    builtins=None,
    is_exported=_is_exported,
    spellings=spellings,
    types=TYPES,
    before_use=True,
    meaning=_meaning,
    overloads=True,
    shadows=True,
    inner_items=True,
)
