"""What the recorded relations of a file refer to, without parsing it.

A record says where something is called, imported or extended, and its names part what other files can see.
What only a function can see it does not say: a name is resolved as one of the file where all that the
function does with it is to call it or to read a member of it, so that it cannot be bound there. The others
are left out, as are receivers that are more than a chain of names.
"""

from __future__ import annotations

import re
from functools import cached_property

from diptych.model import Relation
from diptych.names.definitions import Found, definitions, found_members
from diptych.names.facts import BLOCK, CLASS, FUNCTION, IMPORTED, Point
from diptych.names.infer import Inference
from diptych.names.languages import LANGUAGES
from diptych.names.rules import OWN_BODY
from diptych.names.sites import FREE, ITEM, MEMBER, MODULE, Site
from diptych.names.source import Names
from diptych.names.values import Value
from diptych.serving.source import StoreSource

# In C++ a variable is bound by what looks like a call of it.
_RESOLVED = LANGUAGES - {"cpp"}
# Here a file sees names of others without an import that says them.
_UNSAID = frozenset({"go", "java", "c"})
_RECEIVER = re.compile(rb"(?:^|[^\w.)\]\"'`?>\x80-\xff$])((?:[A-Za-z_$][\w$]*\.)+)\Z")
_IN_WORD = re.compile(rb"[\w.\x80-\xff$:>]")
_SELVES = {
    "python": {b"self": "^", b"cls": "^^"},
    **{name: {b"this": "^"} for name in ("javascript", "typescript", "tsx", "java")},
}


class Relations:
    """The relations of one file, resolved one by one. `source` is its text, as of the record.

    `inference` is that of the language, for all files.
    """

    def __init__(self, store: StoreSource, inference: Inference, names: Names, source: bytes) -> None:
        self._store = store
        self._inference = inference
        self._names = names
        self._source = source
        self._selves = _SELVES.get(names.language, {})
        self._known: dict[tuple[object, ...], Found | None] = {}
        self._values: dict[tuple[object, ...], list[Value]] = {}
        self._safe: dict[tuple[int, bytes], bool] = {}
        self._functions: dict[int, int] = {}
        self._passes_classes = inference.rules.members_seen == OWN_BODY and all(
            scope == 0 for scope, _ in names.facts.stars
        )

    def found(self, relation: Relation) -> Found | None:
        """What a relation refers to; None where that is not known for sure."""
        if self._names.language not in _RESOLVED or not relation.target:
            return None
        place: Point = relation.range[:2]
        if relation.kind == "imports":
            return self._imported(relation.target, place)
        name = relation.target.encode("utf-8", "surrogateescape")
        row, column = place
        line = self._lines[row] if row < len(self._lines) else b""
        if not line.startswith(name, column):
            return None
        scope = self._scope(relation.source, place)
        before = line[:column]
        if not before or _IN_WORD.match(before[-1:]) is None:
            return self._free(relation.target, name, scope, place)
        receiver = _RECEIVER.search(before)
        return self._member(relation.target, receiver[1][:-1], scope, place) if receiver is not None else None

    def _imported(self, target: str, place: Point) -> Found | None:
        here = next((one for one in self._names.at_place(place) if one.how == IMPORTED), None)
        shape = here.shape if here is not None else ""
        if not shape.startswith("<"):
            shape = self._imports.get(target, "")
        if not shape:
            return None
        module, is_item, item = shape[1:].partition(">")
        if not is_item and target.startswith(f"{module}."):
            # `import a.b` binds `a`, and is of `a.b`.
            module = target
        site = (
            Site(ITEM, item, place, module=module)
            if is_item and item == target
            else Site(MODULE, target, place, module=module)
        )
        return self._resolved((site.kind, module, item if is_item else ""), site)

    def _free(self, target: str, name: bytes, scope: int, place: Point) -> Found | None:
        if not self._is_seen(target) or not self._is_safe(scope, name):
            return None
        # In the file's own scope the last binding before a use counts.
        at = place if self._function(scope) < 0 else None
        site = Site(FREE, target, place, scope, called=True, after=place)
        return self._resolved((FREE, self._seen_from(scope, target), target, at), site)

    def _member(self, target: str, receiver: bytes, scope: int, place: Point) -> Found | None:
        head, *rest = receiver.split(b".")
        own = self._selves.get(head)
        if own is not None:
            inside = self._names.enclosing_class(scope)
            if inside < 0 or self._names.scopes[scope].kind == CLASS:
                return None
            shape = own
        elif self._is_seen(head.decode()) and self._is_safe(scope, head):
            shape = head.decode()
            inside = self._seen_from(scope, shape)
        else:
            return None
        shape += "".join(f".{one.decode()}" for one in rest)
        # In the file's own scope, and a class's, the last binding before a use counts.
        at = place if inside == scope and self._function(scope) < 0 else None
        key = (MEMBER, inside, shape, target, at)
        if key not in self._known:
            site = Site(MEMBER, target, place, scope, shape, called=True, after=place)
            values = self._values_of((inside, shape, at), site)
            found = found_members(self._inference, self._names, site, values)
            self._known[key] = found[0] if found else None
        return self._known[key]

    def _values_of(self, key: tuple[object, ...], site: Site) -> list[Value]:
        """What a receiver is; many members are read of one."""
        self._inference.begin()
        if key not in self._values:
            self._values[key] = self._inference.shape(self._names, site.scope, site.shape, site.after)
        return self._values[key]

    def _resolved(self, key: tuple[object, ...], site: Site) -> Found | None:
        if key not in self._known:
            found = definitions(self._store, self._names, site, by_name=False, inference=self._inference)
            self._known[key] = found[0] if found else None
        return self._known[key]

    def _is_seen(self, name: str) -> bool:
        """Whether something outside of functions may have that name."""
        return name in self._bound or bool(self._names.facts.stars) or self._names.language in _UNSAID

    def _is_safe(self, scope: int, name: bytes) -> bool:
        """Whether the functions around a place cannot bind a name: all they do is to use it."""
        function = self._function(scope)
        if function < 0:
            return True
        known = self._safe.get((function, name))
        if known is None:
            around = self._names.scopes[function]
            text = self._source[self._offset(around.start) : self._offset(around.end)]
            used = text.count(name + b"(") + text.count(name + b".")
            known = self._safe[function, name] = text.count(name) == used
        return known

    def _seen_from(self, scope: int, name: str) -> int:
        """-1 where a name is what any function of the file sees; else the scope itself.

        That is so in functions that do not bind it, in Python's methods too.
        """
        scopes, at = self._names.scopes, scope
        while at > 0:
            kind = scopes[at].kind
            if kind == FUNCTION:
                if self._names.bound(at, name):
                    return scope
            elif kind != CLASS or at == scope or not self._passes_classes:
                return scope
            at = scopes[at].parent
        return scope if scope == 0 or (self._names.facts.stars and not self._passes_classes) else -1

    def _function(self, scope: int) -> int:
        """The outermost function around a scope; -1 for none."""
        known = self._functions.get(scope)
        if known is None:
            known, at = -1, scope
            while at > 0:
                if self._names.scopes[at].kind == FUNCTION:
                    known = at
                at = self._names.scopes[at].parent
            self._functions[scope] = known
        return known

    def _scope(self, source: str, place: Point) -> int:
        scope = self._scopes.get(source, -1)
        if scope >= 0 and self._names.scopes[scope].start <= place < self._names.scopes[scope].end:
            return scope
        return self._names.innermost(place)

    def _offset(self, place: Point) -> int:
        row, column = place
        return (self._starts[row] if row < len(self._starts) else len(self._source)) + column

    @cached_property
    def _lines(self) -> list[bytes]:
        return self._source.split(b"\n")

    @cached_property
    def _starts(self) -> list[int]:
        starts, at = [], 0
        for line in self._lines:
            starts.append(at)
            at += len(line) + 1
        return starts

    @cached_property
    def _scopes(self) -> dict[str, int]:
        """The scopes by dotted name, where only one has it, and none is inside of it."""
        found: dict[str, int] = {}
        for number, scope in enumerate(self._names.scopes):
            if scope.kind in (CLASS, FUNCTION) and scope.name:
                dotted = self._names.qualified(number)
                found[dotted] = -1 if dotted in found else number
        for scope in self._names.scopes:
            if scope.parent > 0 and (scope.kind == BLOCK or not scope.name):
                found.pop(self._names.qualified(scope.parent), None)
        return found

    @cached_property
    def _bound(self) -> frozenset[str]:
        scopes = self._names.scopes
        return frozenset(one.name for one in self._names.facts.bindings if scopes[one.scope].kind != FUNCTION)

    @cached_property
    def _imports(self) -> dict[str, str]:
        """What the imports of the file bring, by the name of the item or the last of the module."""
        found: dict[str, str] = {}
        for one in self._names.facts.bindings:
            if one.how != IMPORTED or not one.shape.startswith("<"):
                continue
            module, _, item = one.shape[1:].partition(">")
            named = f"<{module}"
            for name, shape in (
                (item, one.shape),
                (module.lstrip("."), named),
                (module.split(".")[-1], named),
            ):
                if name:
                    # One name for two things: neither is known for sure.
                    found[name] = shape if found.get(name, shape) == shape else ""
        return found
