"""How the names of Go are followed."""

from __future__ import annotations

from diptych.names.languages.go.modules import module_path, shares, spellings, submodule_path
from diptych.names.languages.go.types import RESULTS
from diptych.names.rules import NEVER, Rules, Types

_PLAIN = frozenset({
    "string", "bool", "byte", "rune", "int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16",
    "uint32", "uint64", "uintptr", "float32", "float64", "complex64", "complex128", "any", "nil",
})  # fmt: skip
_FUNCTIONS = frozenset({
    "append", "cap", "close", "complex", "copy", "delete", "imag", "len", "make", "new", "panic", "print",
    "println", "real", "recover", "error", "comparable", "iota", "true", "false",
})  # fmt: skip

_TYPES = Types(
    wrappers=frozenset(),
    unions=frozenset({"|"}),
    nothing=frozenset({"nil"}),
    of_classes=frozenset({"type"}),
    containers=frozenset({"Slice", "Map", "Chan", RESULTS}),
    mappings=frozenset({"Map"}),
    awaited=frozenset(),
    plain=_PLAIN,
    own=frozenset(),
    constructors=(),
)


def _is_exported(name: str) -> bool:
    return name[:1].isupper()


RULES = Rules(
    module_path=module_path,
    submodule_path=submodule_path,
    by_flow=False,
    shares=shares,
    members_seen=NEVER,
    builtins=_PLAIN | _FUNCTIONS,
    is_exported=_is_exported,
    spellings=spellings,
    types=_TYPES,
    before_use=True,
    methods_apart=True,
)
