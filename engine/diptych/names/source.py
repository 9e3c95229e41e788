"""Where the resolver gets the facts of other files from."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from functools import cached_property
from operator import le
from typing import NamedTuple, Protocol

from diptych.names.facts import (
    BLOCK,
    CLASS,
    EXPORTED,
    EXPORTS,
    FUNCTION,
    IMPORTED,
    OF_CLASS,
    Binding,
    FileFacts,
    Point,
    Scope,
)


class Defined(NamedTuple):
    """A definition found by its name alone. `inside` is the dotted name of what contains it, "" for none."""

    path: str
    place: Point
    kind: str
    inside: str


class Source(Protocol):
    """What is known of a tree of files, at one moment."""

    def names_of(self, path: str) -> Names | None:
        """The facts of a file, or None if there is no such file, or none in a language with names."""

    def complete_names_of(self, path: str) -> Names | None:
        """The same, with what only the file itself can see."""

    def names_around(self, path: str, place: Point) -> Names | None:
        """The facts of a file, complete for the function around a place."""

    def defined(self, name: str) -> Iterable[Defined]:
        """The definitions of that name in all files."""

    def exists(self, path: str) -> bool:
        """Whether there is a file at `path`."""

    def is_folder(self, path: str) -> bool:
        """Whether there are files below `path`."""

    def files_in(self, folder: str) -> Iterable[str]:
        """The files directly in a folder, sorted."""

    def text_of(self, path: str) -> str:
        """The text of any file, "" if there is none: of a language's settings."""

    def files_named(self, name: str) -> Iterable[str]:
        """The files whose own name, without their folder, is `name`; sorted."""

    def folders_named(self, name: str) -> Iterable[str]:
        """The folders with files whose own name, without what they are in, is `name`; sorted."""

    def roots_of(self, package: str) -> Iterable[str]:
        """The folders that have a top-level module or package of that name ("" is the repository's own)."""


class Added(NamedTuple):
    """What a part of a file adds to what others see of it: where it adds anything, all that is there."""

    seen: Names
    by_scope: dict[tuple[int, str], list[Binding]]
    by_place: dict[Point, list[Binding]]


class Names:
    """The facts of one file, ready for look-ups."""

    def __init__(
        self, path: str, language: str, facts: FileFacts, outermost: int = 0, added: Added | None = None
    ) -> None:
        self.path = path
        self.language = language
        self.facts = facts
        self.scopes: tuple[Scope, ...] = facts.scopes
        """By number."""
        self.outermost = outermost
        """The scope around what was parsed: the file's own, unless that was a part."""
        self._added = added

    @cached_property
    def by_scope(self) -> dict[tuple[int, str], list[Binding]]:
        """The bindings of a scope and a name, in the order of the source."""
        if self._added is not None:
            return {**self._added.seen.by_scope, **self._added.by_scope}
        found: dict[tuple[int, str], list[Binding]] = {}
        for binding in self.facts.bindings:
            found.setdefault((binding.scope, binding.name), []).append(binding)
        for bindings in found.values():
            if len(bindings) > 1:
                bindings.sort(key=_place)
        return found

    def at_place(self, place: Point) -> list[Binding]:
        """What is bound by the name at a place."""
        if self._added is not None:
            found = self._added.by_place.get(place)
            return found if found is not None else self._added.seen.at_place(place)
        places, bindings = self._by_place
        at = bisect_left(places, place)
        end = at
        while end < len(places) and places[end] == place:
            end += 1
        return bindings[at:end]

    @cached_property
    def _by_place(self) -> tuple[list[Point], list[Binding]]:
        # A table by place would be a quarter of what a file takes, and of most little is asked by place.
        bindings = sorted(self.facts.bindings, key=_place)
        return [one.place for one in bindings], bindings

    @cached_property
    def scope_at(self) -> dict[Point, int]:
        """The scope that begins at a place."""
        found = {scope.start: number for number, scope in enumerate(self.facts.scopes)}
        if self.exports >= 0:
            # It has no place of its own: what begins where the file does is meant.
            starts = [number for number, scope in enumerate(self.facts.scopes) if scope.start == (0, 0)]
            found[0, 0] = max(number for number in starts if number != self.exports)
        return found

    @property
    def is_module(self) -> bool:
        """Whether the file says what others see of it."""
        return self.facts.exported is not None or self.exports >= 0

    @cached_property
    def exports(self) -> int:
        """The scope of what is passed on under other names; -1 if there is none."""
        kinds = [scope.kind for scope in self.facts.scopes]
        return kinds.index(EXPORTS) if EXPORTS in kinds else -1

    @cached_property
    def adds_to_exported(self) -> bool:
        """Whether the file passes something on by name, too, if it passes on one thing as a whole."""
        return any(one.scope == self.exports and one.name != EXPORTED for one in self.facts.bindings)

    @property
    def is_commonjs(self) -> bool:
        """Whether the file gives something to who requires it, and nothing by `export`."""
        return self.exports >= 0 and self.facts.exported is None and not self.facts.stars

    def is_list(self, binding: Binding) -> bool:
        """Whether a binding is an object that only lists names of the file: `{ work, rest }`."""
        opened = self.scopes[binding.inner] if binding.inner >= 0 else None
        if opened is None or "!object" not in opened.decorators or opened.bases:
            return False
        listed = [one for one in self.facts.bindings if one.scope == binding.inner]
        return all(one.how == IMPORTED and one.shape == f"<>{one.name}" for one in listed)

    def scope_of(self, binding: Binding) -> int:
        """The scope with the name at a binding's place; -1 for none."""
        return self._by_name.get(binding.place, -1)

    @cached_property
    def _by_name(self) -> dict[Point, int]:
        return {scope.place: number for number, scope in enumerate(self.facts.scopes) if scope.name}

    def innermost(self, place: Point, *, named: bool = False) -> int:
        """The innermost scope around a place; with `named`, the innermost with a name but for statements."""
        scopes, starts = self.facts.scopes, self._starts
        # Where they ascend, none that begins after the place is around it.
        number = bisect_right(starts, place) - 1 if starts is not None else len(scopes) - 1
        while number > 0:
            scope = scopes[number]
            is_meant = not named or (scope.name and scope.kind != BLOCK)
            if is_meant and scope.start <= place < scope.end:
                return number
            number -= 1
        return 0

    @cached_property
    def _starts(self) -> list[Point] | None:
        """Where the scopes begin; None where that is not in their order."""
        starts = [scope.start for scope in self.facts.scopes]
        return starts if all(map(le, starts, starts[1:])) else None

    def outermost_function(self, place: Point) -> int:
        """The function around a place that is in no other function; -1 for none."""
        for number, scope in enumerate(self.facts.scopes):
            if scope.kind == FUNCTION and scope.start <= place < scope.end:
                return number
        return -1

    def bound(self, scope: int, name: str) -> list[Binding]:
        """What binds `name` in a scope."""
        if self._added is not None:
            found = self._added.by_scope.get((scope, name))
            return found if found is not None else self._added.seen.bound(scope, name)
        return self.by_scope.get((scope, name), [])

    def enclosing_class(self, scope: int) -> int:
        """The class around a scope, or it itself; -1 for none.

        An object literal is one to its functions, but not to its values and arrow functions. A function in a
        function has a receiver of its own, which nothing is known of; an arrow function has not.
        """
        inside, functions = -1, 0
        while scope >= 0:
            around = self.scopes[scope]
            if around.kind == CLASS and ("!object" not in around.decorators or inside == FUNCTION):
                return scope
            functions += around.kind == FUNCTION
            if functions > 1:
                break
            inside, scope = around.kind, around.parent
        return -1

    def function_around(self, scope: int) -> int:
        """The innermost function around a scope, or it itself; -1 for none."""
        while scope >= 0 and self.scopes[scope].kind != FUNCTION:
            scope = self.scopes[scope].parent
        return scope

    def is_of_class(self, scope: int) -> bool:
        """Whether a scope is in a method of a class itself, not of its instances."""
        while scope >= 0 and self.scopes[scope].kind != CLASS:
            if OF_CLASS in self.scopes[scope].decorators:
                return True
            scope = self.scopes[scope].parent
        return False

    def qualified(self, scope: int) -> str:
        """The dotted name of a scope; "" for the file's own."""
        parts = []
        while scope > 0:
            if name := self.scopes[scope].name:
                parts.append(name)
            scope = self.scopes[scope].parent
        return ".".join(reversed(parts))


def _place(binding: Binding) -> Point:
    return binding.place
