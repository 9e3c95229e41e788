"""The oracle: what is read back must be an exact prefix of the transactions, within what was promised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

State = TypeVar("State")


class CheckError(Exception):
    """A state that broke a promise. `kind` is a word by which the report groups failures."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message

    def __reduce__(self) -> tuple[type[CheckError], tuple[str, str]]:
        return type(self), (self.kind, self.message)


def check_prefix(states: Sequence[State], found: State, acked: int, issued: int) -> int:
    """The number of transactions that `found` is the result of, which is between `acked` and `issued`.

    Where several prefixes give the same state, one that is allowed is enough. Raises CheckError.
    """
    matching = [number for number, state in enumerate(states) if state == found]
    if not matching:
        raise CheckError("not-a-prefix", f"What is read back is the state after no prefix: {shorten(found)}")
    allowed = [number for number in matching if acked <= number <= issued]
    if allowed:
        return allowed[-1]
    if matching[-1] < acked:
        raise CheckError(
            "lost-commit",
            f"Transaction {acked} was acknowledged; what is read back is the state after {matching[-1]}.",
        )
    raise CheckError(
        "from-nowhere", f"Only {issued} transactions were begun; what is read back is {matching[0]}."
    )


def shorten(value: object, characters_max: int = 300) -> str:
    """A value in words, cut to a length that a report can show."""
    text = repr(value)
    return text if len(text) <= characters_max else text[:characters_max] + "…"
