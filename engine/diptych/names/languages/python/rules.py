"""How Python's names are followed."""

from __future__ import annotations

import builtins

from diptych.names.languages.python.modules import module_path, spellings, submodule_path
from diptych.names.rules import OWN_BODY, Rules, Types

_MAPPINGS = frozenset({
    "dict", "Dict", "Mapping", "MutableMapping", "defaultdict", "DefaultDict", "OrderedDict", "ChainMap"
})  # fmt: skip
_CONTAINERS = _MAPPINGS | frozenset({
    "list", "List", "set", "Set", "frozenset", "FrozenSet", "tuple", "Tuple", "deque", "Deque", "Iterable",
    "Iterator", "Sequence", "MutableSequence", "Collection", "AbstractSet", "Generator", "AsyncIterator",
    "AsyncIterable", "AsyncGenerator", "Awaitable", "Coroutine", "ContextManager", "AbstractContextManager",
})  # fmt: skip

_TYPES = Types(
    wrappers=frozenset({"Optional", "Annotated", "Final", "ClassVar", "Required", "NotRequired"}),
    unions=frozenset({"Union", "|"}),
    nothing=frozenset({"None"}),
    of_classes=frozenset({"type", "Type"}),
    containers=_CONTAINERS,
    mappings=_MAPPINGS,
    awaited=frozenset({"Awaitable", "Coroutine"}),
    # What their methods return is of a built-in type too.
    plain=frozenset({"str", "bytes", "int", "float", "bool", "None", "complex"}),
    own=frozenset({"Self"}),
    constructors=("__init__", "__new__"),
    call=("__call__",),
    item=("__getitem__",),
    iterate=("__iter__",),
    advance=("__next__",),
    enter=("__enter__", "__aenter__"),
    class_of="__class__",
)


def _is_exported(name: str) -> bool:
    return not name.startswith("_")


RULES = Rules(
    module_path=module_path,
    submodule_path=submodule_path,
    leads_to_files=True,
    by_flow=True,
    shares=None,
    members_seen=OWN_BODY,
    builtins=frozenset(dir(builtins)),
    is_exported=_is_exported,
    spellings=spellings,
    types=_TYPES,
    platforms=("nt", "win32", "windows"),
    package_file="__init__.py",
)
