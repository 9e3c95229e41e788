"""An exception between any two statements of the engine: a signal's, or that of memory that ran out."""

from __future__ import annotations

import dis
import os
import sys
from collections import Counter
from collections.abc import Callable
from functools import cache
from types import CodeType, FrameType
from typing import Any

import diptych

_ENGINE = os.path.dirname(os.path.abspath(diptych.__file__))
_NAMES = ("store", "journal", "snapshot", "search", "fs")
_FOLDERS = tuple(os.path.join(_ENGINE, name) + os.sep for name in _NAMES)

Place = tuple[str, int]


@cache
def uninterruptible(code: CodeType) -> frozenset[int]:
    """Where nothing can be raised: CPython looks at signals after calls and at jumps back only.

    That is where a `with` block is left in order, between the body's end and the call of `__exit__`; and at
    a NOP, as the line of a `try` is, which the handler of a `with` around it may not cover.
    """
    instructions = list(dis.get_instructions(code))
    exits = {instruction.offset for instruction in instructions if instruction.opname == "NOP"}
    for number, some in enumerate(zip(instructions, instructions[1:], instructions[2:], strict=False)):
        if all(i.opname == "LOAD_CONST" and i.argval is None for i in some):
            exits.update(i.offset for i in some)
            if number and instructions[number - 1].opname == "SWAP":
                # Left by a `return`, whose value is put below what `__exit__` is called with.
                exits.add(instructions[number - 1].offset)
    return frozenset(exits)


class Interruption:
    """Raises `error` at the `at`-th line of the engine that is reached; never when `at` is 0.

    `tell` is given the place before: threads make the count vary, so that it may not be the one expected.
    """

    def __init__(
        self,
        error: type[BaseException] | None = None,
        at: int = 0,
        tell: Callable[[str], object] = str,
    ) -> None:
        self.places: list[Place] = []
        self._error, self._at, self._tell = error, at, tell
        self._count = 0

    def run(self, work: Callable[[], object]) -> None:
        """Call `work` under the trace, in this thread."""
        sys.settrace(self._call)
        try:
            work()
        finally:
            sys.settrace(None)

    def _call(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        return self._line if frame.f_code.co_filename.startswith(_FOLDERS) else None

    def _line(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if event != "line" or frame.f_lasti in uninterruptible(frame.f_code):
            return self._line
        self._count += 1
        if not self._at:
            self.places.append((os.path.relpath(frame.f_code.co_filename, _ENGINE), frame.f_lineno))
        elif self._count == self._at:
            assert self._error is not None
            self._tell(f"{os.path.relpath(frame.f_code.co_filename, _ENGINE)}:{frame.f_lineno}")
            raise self._error("injected")
        return self._line


def points(places: list[Place], *, each: int) -> list[int]:
    """Of the lines reached, by number from 1: the first `each` times and the last time that each was."""
    seen: Counter[Place] = Counter()
    chosen, last = set(), {}
    for number, place in enumerate(places, start=1):
        seen[place] += 1
        last[place] = number
        if seen[place] <= each:
            chosen.add(number)
    return sorted(chosen | set(last.values()))
