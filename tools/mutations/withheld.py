"""A recording without some of its syncs: what a crash would leave if another library had not made them."""

from __future__ import annotations

import dataclasses

from tools.crashsim.effects import Mark, Step, Sync
from tools.crashsim.recording import Recording


def without_syncs(recording: Recording, place: str) -> Recording:
    """The recording without the syncs by a path that has `place` in it.

    A mark stands where each was, because steps refer to one another by their number.
    """
    steps = []
    for step in recording.steps:
        if isinstance(step.effect, Sync) and place in recording.call_texts[step.call]:
            step = Step(Mark("withheld"), step.call)
        steps.append(step)
    return dataclasses.replace(recording, steps=tuple(steps))
