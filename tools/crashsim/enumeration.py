"""Which combinations are tried at a crash point, in a fixed order, each with a number that replays it.

A state's number is `point * 1,000,000 + ordinal`. Ordinals below 500,000 count the ordered part:
everything lost, everything kept, each prefix with its last effect in every variant, each effect alone in
every variant against everything kept and against everything lost, and every pair. Where there are few
combinations, they are all of them. Ordinals from 500,000 on are drawn at random from a seed, each by
itself.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Sequence
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


@dataclass(frozen=True, slots=True)
class Recipe:
    """A choice in few words: the first `kept` effects whole, the others missing, but for the exceptions."""

    kept: int
    exceptions: tuple[tuple[int, Variant], ...] = ()

    def choice(self, count: int) -> Choice:
        """The choice for `count` pending effects."""
        chosen = [WHOLE] * self.kept + [MISSING] * (count - self.kept)
        for place, variant in self.exceptions:
            chosen[place] = variant
        return tuple(chosen)


def ordered_recipes(pending: Sequence[Atom], exhaustive_max: int) -> Iterator[Recipe]:
    """The ordered part, in its fixed order. May repeat itself."""
    options = [variants(atom.effect) for atom in pending]
    count = len(pending)
    if math.prod(len(option) + 1 for option in options) <= exhaustive_max:
        for chosen in itertools.product(*[[*option, WHOLE] for option in options]):
            yield Recipe(0, tuple(enumerate(chosen)))
        return
    yield Recipe(0)
    yield Recipe(count)
    for place, option in enumerate(options):
        for variant in option:
            yield Recipe(place, ((place, variant),))
    for place, option in enumerate(options):
        for variant in option:
            yield Recipe(count, ((place, variant),))
        for variant in [*option[1:], WHOLE]:
            yield Recipe(0, ((place, variant),))
    for first, second in itertools.combinations(range(count), 2):
        yield Recipe(count, ((first, MISSING), (second, MISSING)))
        yield Recipe(0, ((first, WHOLE), (second, WHOLE)))
    if count <= _VARIANT_PAIRS_COUNT_MAX:
        for first, second in itertools.combinations(range(count), 2):
            for one, other in itertools.product(options[first], options[second]):
                yield Recipe(count, ((first, one), (second, other)))


def random_choice(pending: Sequence[Atom], seed: int, point: int, draw: int) -> Choice:
    """One combination drawn at random: how much is kept is drawn first, then the fate of each effect."""
    source = random.Random(f"{seed}/{point}/{draw}")
    keep = source.choice((0.05, 0.3, 0.5, 0.7, 0.95))
    tear = source.choice((0.0, 0.3, 1.0))
    chosen = []
    for atom in pending:
        option = variants(atom.effect)
        if source.random() < keep:
            chosen.append(WHOLE)
        else:
            chosen.append(source.choice(option) if source.random() < tear else MISSING)
    return tuple(chosen)


def numbered(pending: Sequence[Atom], same_as: int, budget: Budget) -> Iterator[tuple[int, Choice]]:
    """(ordinal, choice) of everything tried at a point whose last step that was no mark is `same_as`."""
    count = len(pending)
    options = math.prod(len(variants(atom.effect)) + 1 for atom in pending)
    ordered = list(enumerate(itertools.islice(ordered_recipes(pending, budget.exhaustive_max), RANDOM_FROM)))
    if options > budget.exhaustive_max and len(ordered) > budget.ordered_max:
        source = random.Random(f"{budget.seed}/{same_as}")
        sample = source.sample(range(2, len(ordered)), budget.ordered_max - 2)
        ordered = ordered[:2] + [ordered[place] for place in sorted(sample)]
    for ordinal, recipe in ordered:
        yield ordinal, recipe.choice(count)
    if options <= budget.exhaustive_max:
        return
    for draw in range(budget.random_count):
        yield RANDOM_FROM + draw, random_choice(pending, budget.seed, same_as, draw)


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
    if ordinal >= RANDOM_FROM:
        drawn = random_choice(point.pending, budget.seed, last_change(builder, number), ordinal - RANDOM_FROM)
        return point, builder.legal(point, drawn)
    ordered = ordered_recipes(point.pending, budget.exhaustive_max)
    found = next(itertools.islice(ordered, ordinal, None), None)
    if found is None:
        raise UsageError(f"There is no state {state}: point {number} has fewer combinations.")
    return point, builder.legal(point, found.choice(len(point.pending)))
