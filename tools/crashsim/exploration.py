"""All distinct states of a recording under a model, each once, with the strictest bounds it must meet.

The same contents may be what several crash points leave. They are checked once: at the last of these
points most has been acknowledged, at the first of them least has been begun.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .effects import Tree
from .enumeration import POINT_STRIDE, Budget, Choice, last_change, numbered
from .marks import bounds
from .models import Atom
from .recording import Recording
from .states import StateBuilder
from .variants import WHOLE, fault_word


@dataclass(slots=True)
class State:
    """One distinct content. `first` and `last` are the numbers of its first and last occurrence."""

    first: int
    last: int
    acked: int
    issued: int
    choice: Choice
    last_pending: tuple[Atom, ...]
    last_choice: Choice

    @property
    def faults(self) -> tuple[str, ...]:
        """The kinds of fault in it, as at its last occurrence."""
        words = {
            fault_word(variant, atom.effect)
            for atom, variant in zip(self.last_pending, self.last_choice, strict=True)
            if variant != WHOLE
        }
        return tuple(sorted(words)) or ("nothing lost",)


@dataclass(frozen=True, slots=True)
class Exploration:
    """The distinct states of a recording under a model, and how many combinations were looked at for them."""

    builder: StateBuilder
    states: list[State]
    combinations: int

    def trees(self, states: list[State] | None = None) -> Iterator[tuple[State, Tree]]:
        """Each state with its tree, in rising order of first occurrence."""
        ordered = sorted(self.states if states is None else states, key=lambda state: state.first)
        for number, group in itertools.groupby(ordered, key=lambda state: state.first // POINT_STRIDE):
            point = self.builder.point(number)
            for state in group:
                yield state, self.builder.tree(point, state.choice)

    def fault_counts(self) -> Counter[str]:
        """How many states have each kind of fault; a state with two kinds counts for both."""
        return Counter(word for state in self.states for word in state.faults)


def explore(
    recording: Recording, model: str, budget: Budget, stop: Callable[[], bool] = lambda: False
) -> Exploration:
    """Enumerate, point after point, as long as `stop()` is false."""
    builder = StateBuilder(recording, model)
    found: dict[int, State] = {}
    at_point: dict[int, tuple[int, Choice]] = {}
    combinations = 0
    for number in range(len(recording.steps) + 1):
        if stop():
            break
        point = builder.point(number)
        acked, issued = bounds(point.marks)
        same_as = last_change(builder, number)
        if same_as == number:
            at_point = {}
            for ordinal, choice in numbered(point.pending, same_as, budget):
                combinations += 1
                choice = builder.legal(point, choice)
                digest = builder.digest(point, choice)
                at_point.setdefault(digest, (ordinal, choice))
                if digest not in found:
                    first = number * POINT_STRIDE + ordinal
                    found[digest] = State(first, first, acked, issued, choice, point.pending, choice)
        for digest, (ordinal, choice) in at_point.items():
            state = found[digest]
            state.acked = max(state.acked, acked)
            state.last = number * POINT_STRIDE + ordinal
            state.last_pending, state.last_choice = point.pending, choice
    return Exploration(builder, list(found.values()), combinations)
