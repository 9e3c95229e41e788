"""Reading the state costs next to nothing: a call or two, whatever the machine is busy with."""

from __future__ import annotations

import sys
from types import FrameType

from .test_builds import ready


def test_reading_the_state_is_one_call_that_calls_nothing() -> None:
    _, _, coordinator = ready(1)
    calls: list[str] = []

    def note(frame: FrameType, event: str, called: object) -> None:
        if event == "call":
            calls.append(frame.f_code.co_name)
        elif event == "c_call":
            calls.append(called.__name__)  # type: ignore[attr-defined]

    sys.setprofile(note)
    try:
        coordinator.state  # noqa: B018 - read for its cost
    finally:
        sys.setprofile(None)
    assert calls == ["state", "setprofile"]
