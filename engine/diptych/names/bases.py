"""The classes that a class extends, and the order in which a member is looked for in them."""

from __future__ import annotations

from diptych.names.facts import IMPLEMENTED
from diptych.names.rules import Rules
from diptych.names.source import Names, Source
from diptych.names.values import CLASS_VALUE, FOREIGN, INSTANCE, Value, foreign
from diptych.names.written_types import WrittenTypes


class Bases(WrittenTypes):
    """The bases of classes. What the expressions are that name them, `Inference` says."""

    def __init__(self, source: Source, rules: Rules) -> None:
        super().__init__(source, rules)
        # By the facts as well: the complete ones of a file number its scopes in another way.
        self._lines: dict[tuple[Names, int], list[Value]] = {}
        # The classes whose bases are being looked for: what is found meanwhile may lack some of theirs.
        self._unfinished = 0
        # How often nothing was found because it took too much, and which of these may lack some for that.
        self._cuts = 0
        self._lines_cut: set[tuple[Names, int]] = set()

    def begin(self) -> None:
        """See `Imports`."""
        super().begin()
        for line in self._lines_cut:
            del self._lines[line]
        self._lines_cut.clear()

    def linearised(self, value: Value) -> list[Value]:
        """A class and its bases in the order in which a member is looked for; foreign ones are left out.

        It is C3, as in Python; where that fails, the first that is left.
        """
        assert value.names is not None
        names, scope = value.names, value.scope
        known = self._lines.get((names, scope))
        if known is not None:
            return known
        own = Value(CLASS_VALUE, names, scope)
        # What is asked for meanwhile: classes may extend each other in a circle.
        self._lines[names, scope] = [own]
        self._unfinished += 1
        cuts = self._cuts
        bases = [
            base._replace(arguments=(), receiver=None)
            for base in self.bases(names, scope)
            if base.kind == CLASS_VALUE
        ]
        lines = [list(self.linearised(base)) for base in bases]
        self._unfinished -= 1
        merged = [own, *_merged([*lines, bases])]
        self._lines[names, scope] = merged
        if self._sought or self._cuts > cuts:
            # Some bases may be found by another question, which gets there in another way.
            self._lines_cut.add((names, scope))
        return merged

    def bases(self, names: Names, scope: int, receiver: Value | None = None) -> list[Value]:
        """The classes that a class extends, foreign ones too, with their arguments as `receiver` has them."""
        found = []
        for base in names.scopes[scope].bases:
            parent = names.scopes[scope].parent
            place = names.scopes[scope].start
            values = self.shape(names, parent, base, place, receiver=receiver)
            if "!object" in names.scopes[scope].decorators:
                # What an object literal spreads are instances.
                values = [one._replace(kind=CLASS_VALUE) if one.kind == INSTANCE else one for one in values]
            kept = [value for value in values if value.kind in (CLASS_VALUE, FOREIGN)]
            found += kept[:1] or [foreign(base)]
        return found

    def supers(self, names: Names, scope: int) -> list[Value]:
        """The classes and interfaces that a class extends or implements, those that a file has.

        A type without some of its members (`Omit<A, "b">`) is not one of them.
        """
        opened = names.scopes[scope]
        bases = zip(opened.bases, self.bases(names, scope), strict=True)
        found = [base for written, base in bases if "Omit[" not in written]
        for one in opened.decorators:
            if one.startswith(IMPLEMENTED):
                found += self.shape(names, opened.parent, one.removeprefix(IMPLEMENTED), opened.start)
        return [one for one in found if one.kind == CLASS_VALUE and one.names is not None]


def _merged(lines: list[list[Value]]) -> list[Value]:
    merged: list[Value] = []
    while lines := [line for line in lines if line]:
        tails = [line[1:] for line in lines]
        head = next((line[0] for line in lines if not any(line[0] in tail for tail in tails)), lines[0][0])
        merged.append(head)
        lines = [[one for one in line if one != head] for line in lines]
    return merged
