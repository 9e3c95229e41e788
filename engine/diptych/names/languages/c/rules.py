"""How the names of C and C++ are followed."""

from __future__ import annotations

from diptych.names.facts import ASSIGNED, CLASS, IMPORTED, MACRO, NAMESPACE, PARAMETER, Binding
from diptych.names.languages.c.modules import MARKS, module_path, spellings, submodule_path
from diptych.names.languages.c.types import ITERATOR_OF, TYPE_ITSELF
from diptych.names.rules import ANY, CALLED, SPACE, TAG, TYPE, VALUE, WITH_BASES, Rules, Types
from diptych.names.source import Names

TAGGED = "!tag"
"""The shape of a tag's binding."""
_ORDINARY = VALUE | TYPE | CALLED
_PLAIN = frozenset({
    "void", "char", "short", "int", "long", "float", "double", "bool", "_Bool", "signed", "unsigned",
    "size_t",
    "ssize_t", "ptrdiff_t", "intptr_t", "uintptr_t", "wchar_t", "string", "null",
    *(f"{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32, 64)),
})  # fmt: skip
_SEQUENCES = ("vector", "deque", "list", "set", "unordered_set", "multiset", "array", "span", "stack",
              "queue", "initializer_list", "forward_list")  # fmt: skip
_MAPPINGS = ("map", "unordered_map", "multimap")
_POINTERS = frozenset({"unique_ptr", "shared_ptr", "weak_ptr", "optional", "atomic", "reference_wrapper"})
_OF_SEQUENCES = {
    **dict.fromkeys(("front", "back", "at", "top"), "=>[_0]"),
    **dict.fromkeys(("begin", "end", "rbegin", "rend", "cbegin", "cend", "find"), "=>[_0]"),
}
_OF_MAPPINGS = {
    "at": "=>[_1]",
    **dict.fromkeys(("begin", "end", "find", "rbegin", "rend", "cbegin", "cend"), "=>[pair[_0, _1]]"),
    # What a loop over it has.
    "": "pair[_0, _1]",
}
_ELEMENTS = {
    f"{container}.{name}": member
    for containers, members in (
        (_SEQUENCES, _OF_SEQUENCES),
        (_MAPPINGS, _OF_MAPPINGS),
        (("pair",), {"first": "_0", "second": "_1"}),
    )
    for container in containers
    for name, member in members.items()
}
_NUMBERS = ("char", "short", "int", "long", "float", "double")
_WIDENED = {
    name: tuple(other for other in (*_NUMBERS, "bool", "size_t", "uint64_t", "uint32_t") if other != name)
    for name in (*_NUMBERS, "bool")
}


def _types(*, containers: bool) -> Types:
    return Types(
        wrappers=_POINTERS if containers else frozenset(),
        unions=frozenset({"|"}),
        nothing=frozenset({"null"}),
        of_classes=frozenset({"type"}),
        containers=frozenset({*_SEQUENCES, *_MAPPINGS, "pair"} if containers else ()),
        mappings=frozenset(_MAPPINGS),
        awaited=frozenset(),
        plain=_PLAIN,
        own=frozenset(),
        constructors=(),
        call=("operator()",),
        arrow=("operator->",),
        elements=_ELEMENTS if containers else {},
        steps={ITERATOR_OF: "()"} if containers else {},
        may_be_defined=containers,
        pointers=True,
        widened=_WIDENED if containers else {},
        loose=frozenset({"=>"}),
    )


def _is_exported(_name: str) -> bool:
    return True


def _shares(_path: str, _other: str) -> bool:
    return False


def _meaning(names: Names, binding: Binding) -> int:
    """What a binding may be used as: tags are apart from all other names in C, and types in C++."""
    if binding.how in (MACRO, IMPORTED):
        return ANY
    if binding.inner >= 0:
        kind = names.scopes[binding.inner].kind
        if kind == NAMESPACE:
            return VALUE | SPACE
        if kind == CLASS and binding.shape == TAGGED:
            return TAG if names.language == "c" else TAG | _ORDINARY
        return _ORDINARY if kind == CLASS else VALUE | CALLED
    if binding.how == ASSIGNED and binding.shape.startswith(TYPE_ITSELF):
        return _ORDINARY
    if binding.how == PARAMETER and names.scopes[binding.scope].kind == CLASS:
        return TYPE
    return VALUE | CALLED


def _rules(*, cpp: bool) -> Rules:
    return Rules(
        module_path=module_path,
        submodule_path=submodule_path,
        by_flow=False,
        shares=None,
        members_seen=WITH_BASES,
        builtins=None,
        is_exported=_is_exported,
        spellings=spellings,
        types=_types(containers=cpp),
        before_use=True,
        meaning=_meaning,
        includes=MARKS,
        overloads=cpp,
        hides=True,
    )


C, CPP = _rules(cpp=False), _rules(cpp=True)
