"""How the names of JavaScript and TypeScript are followed."""

from __future__ import annotations

from diptych.names.facts import (
    ASSIGNED,
    CLASS,
    DEFINED,
    FUNCTION,
    IMPORTED,
    LAMBDA,
    NAMESPACE,
    OF_CLASS,
    PARAMETER,
    STATIC,
    Binding,
)
from diptych.names.languages.ecmascript.modules import module_path, spellings, submodule_path
from diptych.names.languages.ecmascript.shapes import OWN_EXPORTS
from diptych.names.languages.ecmascript.types import IMPORT_ALIAS, TYPE_ITSELF
from diptych.names.rules import ANY, NEVER, OWN, SPACE, TYPE, VALUE, Rules, Types
from diptych.names.source import Names

_MAPPINGS = frozenset({"Map", "ReadonlyMap", "WeakMap", "Record"})
_SEQUENCES = ("Array", "ReadonlyArray")
_SETS = ("Set", "ReadonlySet")

# What the members of containers are, as annotations: `_0` is the container's first argument.
_OF_ARRAYS = {
    "at": "=>[_0]",
    "pop": "=>[_0]",
    "shift": "=>[_0]",
    "find": "=>[_0, =>[boolean, _0]]",
    "findLast": "=>[_0, =>[boolean, _0]]",
    "filter": "=>[Array[_0], =>[boolean, _0]]",
    "map": "=>[Array, =>[?, _0]]",
    "flatMap": "=>[Array, =>[?, _0]]",
    "forEach": "=>[undefined, =>[undefined, _0]]",
    "some": "=>[boolean, =>[boolean, _0]]",
    "every": "=>[boolean, =>[boolean, _0]]",
    "findIndex": "=>[number, =>[boolean, _0]]",
    "reduce": "=>[?, =>[?, ?, _0]]",
    "slice": "=>[Array[_0]]",
    "splice": "=>[Array[_0]]",
    "concat": "=>[Array[_0]]",
    "reverse": "=>[Array[_0]]",
    "sort": "=>[Array[_0], =>[number, _0, _0]]",
    "values": "=>[Iterable[_0]]",
    "entries": "=>[Iterable[Array[number | _0]]]",
    "length": "number",
}
_OF_SETS = {"forEach": "=>[undefined, =>[undefined, _0]]", "values": "=>[Iterable[_0]]", "size": "number"}
_OF_MAPS = {
    "get": "=>[_1]",
    "forEach": "=>[undefined, =>[undefined, _1, _0]]",
    "values": "=>[Iterable[_1]]",
    "keys": "=>[Iterable[_0]]",
    "entries": "=>[Iterable[Array[_0 | _1]]]",
    "size": "number",
    # What a loop over it has.
    "": "Array[_0 | _1]",
}
_OF_PROMISES = {"then": "=>[Promise, =>[?, _0]]", "catch": "=>[Promise[_0]]", "finally": "=>[Promise[_0]]"}

_ELEMENTS = {
    f"{container}.{name}": member
    for containers, members in (
        (_SEQUENCES, _OF_ARRAYS),
        (_SETS, _OF_SETS),
        (("Map", "ReadonlyMap", "WeakMap"), _OF_MAPS),
        (("Promise", "PromiseLike"), _OF_PROMISES),
    )
    for container in containers
    for name, member in members.items()
}

_TYPES = Types(
    wrappers=frozenset({
        "Readonly", "Partial", "Required", "Pick", "Omit", "NonNullable", "Exclude", "Extract", "NoInfer",
    }),
    unions=frozenset({"|"}),
    nothing=frozenset({"undefined", "null", "void", "never"}),
    of_classes=frozenset({"type"}),
    containers=_MAPPINGS
    | frozenset({
        *_SEQUENCES, *_SETS, "WeakSet", "Promise", "PromiseLike", "Iterable", "IterableIterator", "Iterator",
        "AsyncIterable", "AsyncIterableIterator", "Generator", "AsyncGenerator",
    }),
    mappings=_MAPPINGS,
    awaited=frozenset({"Promise", "PromiseLike"}),
    plain=frozenset({"string", "number", "boolean", "bigint", "symbol", "undefined", "any", "unknown"}),
    own=frozenset({"this"}),
    constructors=("constructor",),
    call=("()",),
    elements=_ELEMENTS,
    steps={"Awaited": "~", "ReturnType": "()", "InstanceType": "()"},
    keyed=frozenset({"Record"}),
    any_member="[]",
)  # fmt: skip


def _is_exported(name: str) -> bool:
    return name != "default"


def _shares(_path: str, other: str) -> bool:
    return other.endswith(".d.ts")


def _meaning(names: Names, binding: Binding) -> int:
    """What TypeScript may use a binding as: a value, a type, what is before the dot of a type."""
    if binding.how == IMPORTED or IMPORT_ALIAS in binding.shape:
        return ANY
    if binding.how == PARAMETER:
        # Only functions have parameters that are values; the others are a type's.
        return VALUE if names.scopes[binding.scope].kind in (FUNCTION, LAMBDA) else TYPE
    if binding.how == ASSIGNED and binding.shape.startswith(TYPE_ITSELF):
        return TYPE
    if binding.how == STATIC:
        return OWN
    if binding.how != DEFINED or binding.inner < 0:
        return VALUE
    opened = names.scopes[binding.inner]
    if opened.kind == NAMESPACE:
        return VALUE | SPACE
    if opened.kind != CLASS:
        return OWN if OF_CLASS in opened.decorators else VALUE
    said = set(opened.decorators)
    return ANY if "!enum" in said else TYPE if said & {"!interface", "!type"} else VALUE | TYPE


RULES = Rules(
    module_path=module_path,
    submodule_path=submodule_path,
    leads_to_files=True,
    by_flow=False,
    shares=_shares,
    members_seen=NEVER,
    builtins=None,
    is_exported=_is_exported,
    spellings=spellings,
    types=_TYPES,
    meaning=_meaning,
    own_members=True,
    families=True,
    own_exports=OWN_EXPORTS,
)
