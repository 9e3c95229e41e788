"""The time of single calls: processor time, so that other processes on the machine do not count."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from tools.bench.stats import percentile

_ROUNDS = 5

Question = TypeVar("Question")


class Times(NamedTuple):
    """Of several calls, in microseconds of processor time."""

    p50_us: float
    p99_us: float
    mean_us: float


def time_each(
    questions: Sequence[Question], asked: Sequence[Callable[[Question], Any]], rounds: int = _ROUNDS
) -> list[Times]:
    """The best time of each question, for each of those that are asked it in turn."""
    best = [[float("inf")] * len(questions) for _ in asked]
    # The first round is for what is read once.
    for number in range(rounds + 1):
        for at, question in enumerate(questions):
            for times, ask in zip(best, asked, strict=True):
                begin = time.thread_time()
                ask(question)
                elapsed_us = (time.thread_time() - begin) * 1e6
                if number:
                    times[at] = min(times[at], elapsed_us)
    return [Times(percentile(one, 0.5), percentile(one, 0.99), sum(one) / len(one)) for one in best]
