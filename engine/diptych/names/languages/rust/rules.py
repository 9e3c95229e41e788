"""How the names of Rust are followed."""

from __future__ import annotations

from diptych.names.facts import (
    ASSIGNED,
    CLASS,
    FIELD,
    FUNCTION,
    IMPORTED,
    MACRO,
    NAMESPACE,
    PARAMETER,
    Binding,
)
from diptych.names.languages.rust.modules import module_path, same_crate, spellings, submodule_path
from diptych.names.languages.rust.types import TUPLE, TYPE_ITSELF
from diptych.names.rules import ANY, CALLED, HELD, NEVER, SPACE, TAG, TYPE, VALUE, Rules, Types
from diptych.names.source import Names

_SEQUENCES = ("Vec", "VecDeque", "HashSet", "BTreeSet", "LinkedList", "BinaryHeap", "IndexSet")
_MAPPINGS = ("HashMap", "BTreeMap", "IndexMap")
_SAME = ("clone", "as_ref", "as_mut", "borrow", "borrow_mut", "to_owned", "into_inner", "by_ref", "deref",
         "as_deref", "as_deref_mut")  # fmt: skip
_OF_SEQUENCES = {
    **dict.fromkeys(("iter", "iter_mut", "into_iter", "drain"), "=>[Iter[_0]]"),
    **dict.fromkeys(
        ("first", "last", "get", "get_mut", "pop", "pop_front", "pop_back", "front", "back", "first_mut",
         "last_mut"),
        "=>[Option[_0]]",
    ),
    **dict.fromkeys(("remove", "swap_remove"), "=>[_0]"),
    **dict.fromkeys(_SAME, "=>[Vec[_0]]"),
}  # fmt: skip
_OF_MAPPINGS = {
    **dict.fromkeys(("get", "get_mut", "remove", "insert"), "=>[Option[_1]]"),
    **dict.fromkeys(("values", "values_mut", "into_values"), "=>[Iter[_1]]"),
    **dict.fromkeys(("keys", "into_keys"), "=>[Iter[_0]]"),
    **dict.fromkeys(("iter", "iter_mut", "into_iter", "drain"), f"=>[Iter[{TUPLE}[_0, _1]]]"),
}
_OF_ITERATORS = {
    **dict.fromkeys(
        ("iter", "into_iter", "rev", "skip", "take", "filter", "skip_while", "take_while", "peekable",
         "cloned",         "copied", "by_ref", "chain", "step_by"),
        "=>[Iter[_0]]",
    ),
    **dict.fromkeys(
        ("next", "next_back", "last", "nth", "find", "max_by_key", "min_by_key", "peek"), "=>[Option[_0]]"
    ),
    "enumerate": f"=>[Iter[{TUPLE}[usize, _0]]]",
}  # fmt: skip
_OF_OPTIONS = {
    **dict.fromkeys(
        ("unwrap", "expect", "unwrap_or", "unwrap_or_else", "unwrap_or_default", "get_or_insert_with"),
        "=>[_0]",
    ),
    **dict.fromkeys(("as_ref", "as_mut", "take", "cloned", "copied", "clone", "or", "or_else", "filter",
                     "as_deref", "as_deref_mut", "ok"), "=>[Option[_0]]"),
    **dict.fromkeys(("ok_or", "ok_or_else", "map_err"), "=>[Result[_0]]"),
    **dict.fromkeys(("iter", "into_iter"), "=>[Iter[_0]]"),
}  # fmt: skip
_ELEMENTS = {
    f"{container}.{name}": member
    for containers, members in (
        (_SEQUENCES, _OF_SEQUENCES),
        (_MAPPINGS, _OF_MAPPINGS),
        (("Iter",), _OF_ITERATORS),
        (("Option", "Result"), _OF_OPTIONS),
        (("*",), {**dict.fromkeys(_SAME, "=>[Self]"), "lock": "=>[Result[Self]]"}),
    )
    for container in containers
    for name, member in members.items()
}
_PLAIN = frozenset({
    "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize",
    "f32", "f64", "bool", "char", "str", "String",
})  # fmt: skip

_TYPES = Types(
    wrappers=frozenset({
        "Box", "Rc", "Arc", "Cow", "Cell", "RefCell", "Mutex", "RwLock", "Ref", "RefMut", "MutexGuard", "Pin",
        "Weak", "OnceCell", "ManuallyDrop",
    }),
    unions=frozenset({"|"}),
    nothing=frozenset(),
    of_classes=frozenset({"type"}),
    containers=frozenset({*_SEQUENCES, *_MAPPINGS, "Option", "Result", "Iter", TUPLE}),
    mappings=frozenset(_MAPPINGS),
    awaited=frozenset(),
    plain=_PLAIN,
    own=frozenset({"Self"}),
    constructors=(),
    elements=_ELEMENTS,
    pointers=True,
)  # fmt: skip


def _is_exported(_name: str) -> bool:
    return True


def _meaning(names: Names, binding: Binding) -> int:
    """What Rust may use a binding as: a macro is apart, and so are types from functions and variables."""
    if binding.how == IMPORTED:
        return ANY
    if binding.how == MACRO:
        return TAG
    if binding.inner >= 0:
        kind = names.scopes[binding.inner].kind
        if kind == NAMESPACE:
            return SPACE | VALUE
        return VALUE | CALLED if kind == FUNCTION else TYPE | VALUE | SPACE | CALLED
    if binding.how == ASSIGNED and binding.shape.startswith(TYPE_ITSELF):
        return TYPE | SPACE | VALUE
    if binding.how == PARAMETER and names.scopes[binding.scope].kind == CLASS:
        return TYPE | SPACE
    return HELD if binding.how == FIELD else VALUE | CALLED


RULES = Rules(
    module_path=module_path,
    submodule_path=submodule_path,
    by_flow=False,
    shares=None,
    members_seen=NEVER,
    builtins=None,
    is_exported=_is_exported,
    spellings=spellings,
    types=_TYPES,
    before_use=True,
    methods_apart=True,
    meaning=_meaning,
    shadows=True,
    methods_near=same_crate,
    paths=True,
)
