"""Which combinations are tried at a crash point, in a fixed order, each with a number that replays it.

A state's number is `point * 1,000,000 + ordinal`. Ordinals below 500,000 count the ordered part:
everything lost, everything kept, each prefix with its last effect in every variant, each effect alone in
every variant against everything kept and against everything lost, and every pair. Where there are few
combinations, they are all of them. Ordinals from 500,000 on are drawn at random from a seed, each by
itself.
"""

from __future__ import annotations

import bisect
import itertools
import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .effects import Mark
from .errors import UsageError
from .models import Atom
from .states import Point, StateBuilder
from .variants import MISSING, WHOLE, Variant, variants

POINT_STRIDE = 1_000_000
RANDOM_FROM = 500_000
_VARIANT_PAIRS_COUNT_MAX = 24  # with more pending effects, pairs of variants are left to the random part

Choice = tuple[Variant, ...]


@dataclass(frozen=True, slots=True)
class Budget:
    """How much is tried at each point: all combinations where there are at most `exhaustive_max`, else at
    most `ordered_max` of the ordered ones (sampled by the seed) and `random_count` random ones.
    """

    seed: int = 1
    exhaustive_max: int = 256
    ordered_max: int = 400
    random_count: int = 50


class OrderedPart:
    """The ordered part of a point's choices, as a sequence: any of them can be asked for by its ordinal.

    Nothing is listed in advance, because pairs of some hundred pending effects would fill the memory. Some
    choices come up more than once.
    """

    def __init__(self, pending: Sequence[Atom], exhaustive_max: int) -> None:
        self.options = [variants(atom.effect) for atom in pending]
        self._count = count = len(pending)
        combinations = math.prod(len(option) + 1 for option in self.options)
        self.exhaustive = combinations <= exhaustive_max
        if self.exhaustive:
            self._ends = [combinations]
            return
        places = list(itertools.accumulate(len(option) for option in self.options))
        self._singles = places
        pairs = count * (count - 1) // 2
        with_variants = 0
        if count <= _VARIANT_PAIRS_COUNT_MAX:
            with_variants = sum(len(a) * len(b) for a, b in itertools.combinations(self.options, 2))
        sections = (2, places[-1], places[-1], places[-1], pairs, pairs, with_variants)
        self._ends = list(itertools.accumulate(sections))

    def __len__(self) -> int:
        return min(self._ends[-1], RANDOM_FROM)

    def __getitem__(self, ordinal: int) -> Choice:
        if not 0 <= ordinal < len(self):
            raise IndexError(ordinal)
        if self.exhaustive:
            return self._combination(ordinal)
        section = bisect.bisect_right(self._ends, ordinal)
        index = ordinal - (self._ends[section - 1] if section else 0)
        count = self._count
        if section == 0:  # everything lost, everything kept
            return self._choice(count if index else 0)
        if section == 1:  # a prefix, its last effect in some variant
            place, variant = self._single(index)
            return self._choice(place, (place, variant))
        if section == 2:  # one effect in some variant, all others kept
            return self._choice(count, self._single(index))
        if section == 3:  # one effect kept, or some of it, all others lost
            place, variant = self._single(index)
            return self._choice(0, (place, WHOLE if variant == MISSING else variant))
        if section == 4:
            first, second = _pair(index)
            return self._choice(count, (first, MISSING), (second, MISSING))
        if section == 5:
            first, second = _pair(index)
            return self._choice(0, (first, WHOLE), (second, WHOLE))
        for first, second in itertools.combinations(range(count), 2):
            size = len(self.options[first]) * len(self.options[second])
            if index < size:
                break
            index -= size
        one, other = divmod(index, len(self.options[second]))
        return self._choice(count, (first, self.options[first][one]), (second, self.options[second][other]))

    def _combination(self, number: int) -> Choice:
        chosen = []
        for option in reversed(self.options):
            number, place = divmod(number, len(option) + 1)
            chosen.append(option[place] if place < len(option) else WHOLE)
        return tuple(reversed(chosen))

    def _single(self, index: int) -> tuple[int, Variant]:
        place = bisect.bisect_right(self._singles, index)
        before = self._singles[place - 1] if place else 0
        return place, self.options[place][index - before]

    def _choice(self, kept: int, *exceptions: tuple[int, Variant]) -> Choice:
        """The first `kept` effects whole and the others missing, but for the exceptions."""
        chosen = [WHOLE] * kept + [MISSING] * (self._count - kept)
        for place, variant in exceptions:
            chosen[place] = variant
        return tuple(chosen)


def _pair(index: int) -> tuple[int, int]:
    """The pair of this number, in the order (0, 1), (0, 2), (1, 2), (0, 3), …"""
    second = (1 + math.isqrt(1 + 8 * index)) // 2
    return index - second * (second - 1) // 2, second


def random_choice(options: Sequence[Sequence[Variant]], seed: int, point: int, draw: int) -> Choice:
    """One combination drawn at random: how much is kept is drawn first, then the fate of each effect."""
    source = random.Random(f"{seed}/{point}/{draw}")
    keep = source.choice((0.05, 0.3, 0.5, 0.7, 0.95))
    tear = source.choice((0.0, 0.3, 1.0))
    chosen = []
    for option in options:
        if source.random() < keep:
            chosen.append(WHOLE)
        else:
            chosen.append(source.choice(option) if source.random() < tear else MISSING)
    return tuple(chosen)


def numbered(pending: Sequence[Atom], same_as: int, budget: Budget) -> Iterator[tuple[int, Choice]]:
    """(ordinal, choice) of everything tried at a point whose last step that was no mark is `same_as`."""
    ordered = OrderedPart(pending, budget.exhaustive_max)
    ordinals: Iterable[int] = range(len(ordered))
    if not ordered.exhaustive and len(ordered) > budget.ordered_max:
        source = random.Random(f"{budget.seed}/{same_as}")
        ordinals = [0, 1, *sorted(source.sample(range(2, len(ordered)), budget.ordered_max - 2))]
    for ordinal in ordinals:
        yield ordinal, ordered[ordinal]
    if not ordered.exhaustive:
        for draw in range(budget.random_count):
            yield RANDOM_FROM + draw, random_choice(ordered.options, budget.seed, same_as, draw)


def last_change(builder: StateBuilder, number: int) -> int:
    """The number of steps up to the last one that is no mark: two points that share it have the same
    states.
    """
    steps = builder.recording.steps
    while number and isinstance(steps[number - 1].effect, Mark):
        number -= 1
    return number


def choice_of(builder: StateBuilder, state: int, budget: Budget) -> tuple[Point, Choice]:
    """The point and the choice that a state's number means. Raises UsageError when there is none."""
    number, ordinal = divmod(state, POINT_STRIDE)
    if not 0 <= number <= len(builder.recording.steps):
        raise UsageError(
            f"There is no state {state}: the recording has {len(builder.recording.steps)} steps."
        )
    point = builder.point(number)
    ordered = OrderedPart(point.pending, budget.exhaustive_max)
    if ordinal >= RANDOM_FROM:
        same_as = last_change(builder, number)
        drawn = random_choice(ordered.options, budget.seed, same_as, ordinal - RANDOM_FROM)
        return point, builder.legal(point, drawn)
    if ordinal >= len(ordered):
        raise UsageError(f"There is no state {state}: point {number} has fewer combinations.")
    return point, builder.legal(point, ordered[ordinal])
