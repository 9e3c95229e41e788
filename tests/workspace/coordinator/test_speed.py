"""Reading the state costs next to nothing, measured against other work on the same machine."""

from __future__ import annotations

import timeit

from .test_builds import ready


def test_reading_the_state_costs_no_more_than_making_a_few_small_objects() -> None:
    _, _, coordinator = ready(1)
    read = min(timeit.repeat(lambda: coordinator.state, number=50_000, repeat=5))
    make = min(timeit.repeat(lambda: object(), number=50_000, repeat=5))
    assert read < 20 * make
