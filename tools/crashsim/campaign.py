"""Runs workloads through the simulator: record, enumerate, check, and the same again for their recoveries."""

from __future__ import annotations

import os
import random
import shlex
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from . import subjects
from .describe import calls_around, fates, files
from .effects import Tree
from .enumeration import Budget, choice_of
from .errors import CrashsimError
from .exploration import Exploration, State, explore
from .models import MODELS
from .pool import Limits, Outcome, Pool
from .recorder import python, record
from .recording import Recording
from .results import Campaign, Failure, Run

_EXAMPLES_PER_RUN = 12
_NESTED_ORDERED_MAX = 40  # there are many nested recordings, and few states of each are checked
_NESTED_RANDOM_COUNT = 10


@dataclass(frozen=True, slots=True)
class Settings:
    """What to run. `states_max` bounds each recording under each model; `time_max_s` bounds all (0: no
    bound).
    """

    subject: str
    workloads: tuple[str, ...]
    output: str
    models: tuple[str, ...] = MODELS
    budget: Budget = field(default_factory=Budget)
    limits: Limits = field(default_factory=Limits)
    jobs: int = 2
    states_max: int = 0
    time_max_s: float = 0.0
    nested: int = 0
    nested_states_max: int = 200
    without: tuple[str, ...] = ()


Progress = Callable[[Run, int, int], None]


def _quiet(_run: Run, _done: int, _total: int) -> None:
    """Shows nothing."""


class Simulator:
    """One campaign on one subject; `progress` is called with the run, states checked, and states in all."""

    def __init__(self, settings: Settings, campaign: Campaign, progress: Progress = _quiet) -> None:
        self._settings = settings
        self._campaign = campaign
        self._progress = progress
        self._subject = subjects.load(settings.subject)
        self._began = time.monotonic()

    def run(self) -> None:
        """Run every workload, until the time is up."""
        settings = self._settings
        os.makedirs(settings.output, exist_ok=True)
        with Pool(subjects.MODULES[settings.subject], jobs=settings.jobs, limits=settings.limits) as pool:
            for workload in settings.workloads:
                if self._time_is_up():
                    self._campaign.finished = False
                    break
                self._workload(pool, workload)
        self._campaign.elapsed_s += time.monotonic() - self._began

    def _time_is_up(self) -> bool:
        limit = self._settings.time_max_s
        return bool(limit) and time.monotonic() - self._began > limit

    def _workload(self, pool: Pool, workload: str) -> None:
        settings = self._settings
        expected = self._subject.EXPECTED.get(workload, "")
        began = time.monotonic()
        try:
            recording = record(
                lambda directory: python(
                    "tools.crashsim.subjects", settings.subject, "run", workload, directory
                ),
                subject=settings.subject,
                workload=workload,
                without=settings.without,
            )
        except CrashsimError as error:
            run = Run(settings.subject, workload, "-", refused=str(error), expected=expected)
            run.elapsed_s = time.monotonic() - began
            self._campaign.runs.append(run)
            return
        path = os.path.join(settings.output, f"{settings.subject}-{workload}.recording")
        recording.save(path)
        possible = getattr(self._subject, "models_of", lambda _: MODELS)(workload)
        for model in (one for one in settings.models if one in possible):
            if self._time_is_up():
                self._campaign.finished = False
                break
            run = Run(settings.subject, workload, model, steps=len(recording.steps), expected=expected)
            self._campaign.runs.append(run)
            good = self._explore(pool, run, recording, path)
            if settings.nested:
                source = random.Random(f"{settings.budget.seed}/{workload}/{model}")
                self._nested(pool, run, good, source, path, depth=1)

    def _explore(self, pool: Pool, run: Run, recording: Recording, path: str) -> list[tuple[State, Tree]]:
        """Check the states of one recording; returns some that passed, for the nested runs."""
        settings = self._settings
        began = time.monotonic()
        budget = (
            settings.budget
            if run.depth == 0
            else replace(
                settings.budget,
                ordered_max=min(_NESTED_ORDERED_MAX, settings.budget.ordered_max),
                random_count=min(_NESTED_RANDOM_COUNT, settings.budget.random_count),
            )
        )
        exploration = explore(recording, run.model, budget, self._time_is_up)
        states = exploration.states
        limit = settings.states_max if run.depth == 0 else settings.nested_states_max
        if limit and len(states) > limit:
            states = random.Random(settings.budget.seed).sample(states, limit)
        run.combinations += exploration.combinations
        run.distinct += len(exploration.states)
        by_number = {state.first: state for state in states}
        good: list[State] = []
        for done, outcome in enumerate(pool.check(self._tasks(exploration, states, recording.workload)), 1):
            state = by_number[outcome.number]
            run.checked += 1
            run.faults.update(state.faults)
            if outcome.kind:
                self._failed(run, exploration, state, outcome, path)
            else:
                run.observations[outcome.message] += 1
                good.append(state)
            self._progress(run, done, len(states))
        run.elapsed_s += time.monotonic() - began
        if not settings.nested or run.depth == 2:
            return []
        chosen = random.Random(f"{settings.budget.seed}/{run.depth}").sample(
            good, min(settings.nested, len(good))
        )
        return list(exploration.trees(chosen))

    def _tasks(
        self, exploration: Exploration, states: list[State], workload: str
    ) -> Iterator[tuple[int, Tree, str, int, int]]:
        for state, tree in exploration.trees(states):
            if self._time_is_up():
                self._campaign.finished = False
                return
            yield state.first, tree, workload, state.acked, state.issued

    def _failed(self, run: Run, exploration: Exploration, state: State, outcome: Outcome, path: str) -> None:
        run.failed += 1
        run.kinds[outcome.kind] += 1
        run.faults_failed.update(state.faults)
        for failure in run.failures:
            if failure.kind == outcome.kind and failure.faults == state.faults:
                failure.count += 1
                return
        if len(run.failures) >= _EXAMPLES_PER_RUN:
            return
        number = state.first if outcome.kind == "from-nowhere" else state.last
        budget = self._settings.budget
        point, choice = choice_of(exploration.builder, number, budget)
        replay = [
            *("python", "-m", "tools.crashsim", "replay", "--recording", path, "--model", run.model),
            *(
                "--state",
                str(number),
                "--seed",
                str(budget.seed),
                "--exhaustive-max",
                str(budget.exhaustive_max),
            ),
        ]
        run.failures.append(
            Failure(
                state=number,
                kind=outcome.kind,
                message=outcome.message,
                faults=state.faults,
                fates=fates(exploration.builder.recording, point, choice),
                calls=calls_around(exploration.builder.recording, point.number),
                files=files(exploration.builder.tree(point, choice)),
                acked=state.acked,
                issued=state.issued,
                replay=shlex.join(replay),
            )
        )

    def _nested(
        self,
        pool: Pool,
        outer: Run,
        starts: list[tuple[State, Tree]],
        source: random.Random,
        outer_path: str,
        depth: int,
    ) -> None:
        """Record the recovery of each starting state, and check the states that crash leaves; once more
        inside.
        """
        for mode in self._subject.MODES:
            run = Run(
                outer.subject, outer.workload, outer.model, depth, mode, recordings=0, expected=outer.expected
            )
            self._campaign.runs.append(run)
            inner: list[tuple[State, Tree, str]] = []
            for state, tree in starts:
                if self._time_is_up():
                    self._campaign.finished = False
                    break
                path = f"{outer_path.removesuffix('.recording')}-{outer.model}-{mode}-{state.first}.recording"
                recording = self._record_recovery(run, state, tree, mode, path)
                if recording is None:
                    continue
                run.recordings += 1
                run.steps += len(recording.steps)
                found = self._explore(pool, run, recording, path)
                inner.extend((one, inside, path) for one, inside in found)
            if depth == 1 and inner:
                for one, inside, path in source.sample(inner, min(self._settings.nested, len(inner))):
                    self._nested(pool, run, [(one, inside)], source, path, depth=2)

    def _record_recovery(self, run: Run, state: State, tree: Tree, mode: str, path: str) -> Recording | None:
        subject, workload = run.subject, run.workload
        try:
            recording = record(
                lambda directory: python(
                    "tools.crashsim.subjects", subject, "recover", workload, directory, mode
                ),
                subject=subject,
                workload=workload,
                initial=tree,
                mode=mode,
                marks_before=(f"issued {state.issued}", f"acked {state.acked}"),
            )
        except CrashsimError as error:
            run.failed += 1
            run.kinds["recovery-failed"] += 1
            run.refused = f"Recovery ({mode}) of state {state.first} could not be recorded: {error}"
            return None
        recording.save(path)
        return recording
