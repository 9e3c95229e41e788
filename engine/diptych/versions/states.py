"""The life cycle of a version as a table: what each operation does in each state.

The value is the state afterwards, or the error to raise. The state `None` means that there is no version of
that name.
"""

from __future__ import annotations

from enum import Enum

from diptych.versions.errors import (
    CorruptVersionError,
    CurrentVersionError,
    ImmutableVersionError,
    IncompleteVersionError,
    NotPublishedError,
    UnknownVersionError,
    VersionError,
    VersionExistsError,
)


class State(Enum):
    """The state of a version."""

    INCOMPLETE = "incomplete"  # staging was interrupted: the manifest is missing or does not decode
    STAGED = "staged"
    AHEAD = "ahead"  # published after the current version: rolled back from, or a publish was interrupted
    CURRENT = "current"
    EARLIER = "earlier"  # published before the current version
    DAMAGED = "damaged"  # published, and its manifest does not decode


_INCOMPLETE, _STAGED, _AHEAD = State.INCOMPLETE, State.STAGED, State.AHEAD
_CURRENT, _EARLIER, _DAMAGED = State.CURRENT, State.EARLIER, State.DAMAGED

TRANSITIONS: dict[str, dict[State | None, State | type[VersionError] | None]] = {
    "stage": {
        None: _STAGED,
        _INCOMPLETE: _STAGED,
        _STAGED: _STAGED,
        _AHEAD: VersionExistsError,
        _CURRENT: VersionExistsError,
        _EARLIER: VersionExistsError,
        _DAMAGED: VersionExistsError,
    },
    "write attributes of": {
        None: UnknownVersionError,
        _INCOMPLETE: IncompleteVersionError,
        _STAGED: _STAGED,
        _AHEAD: ImmutableVersionError,
        _CURRENT: ImmutableVersionError,
        _EARLIER: ImmutableVersionError,
        _DAMAGED: ImmutableVersionError,
    },
    "publish": {
        None: UnknownVersionError,
        _INCOMPLETE: IncompleteVersionError,
        _STAGED: _CURRENT,
        _AHEAD: _CURRENT,
        _CURRENT: _CURRENT,
        _EARLIER: VersionExistsError,
        _DAMAGED: CorruptVersionError,
    },
    "roll back to": {
        None: UnknownVersionError,
        _INCOMPLETE: NotPublishedError,
        _STAGED: NotPublishedError,
        _AHEAD: _CURRENT,
        _CURRENT: _CURRENT,
        _EARLIER: _CURRENT,
        _DAMAGED: CorruptVersionError,
    },
    "open": {
        None: UnknownVersionError,
        _INCOMPLETE: NotPublishedError,
        _STAGED: NotPublishedError,
        _AHEAD: _AHEAD,
        _CURRENT: _CURRENT,
        _EARLIER: _EARLIER,
        _DAMAGED: CorruptVersionError,
    },
    "discard": {
        None: UnknownVersionError,
        _INCOMPLETE: None,
        _STAGED: None,
        _AHEAD: None,
        _CURRENT: CurrentVersionError,
        _EARLIER: None,
        _DAMAGED: None,
    },
}

_SENTENCES = {
    UnknownVersionError: ("there is no version {0}", "`diptych versions list` shows the versions"),
    VersionExistsError: (
        "version {0} is already published (state: {2})",
        "choose another name, or `diptych versions rollback {0}` to make it the current one again",
    ),
    IncompleteVersionError: ("the staging of version {0} never finished", "stage it again"),
    NotPublishedError: ("version {0} is not published", "publish it first"),
    ImmutableVersionError: (
        "version {0} is published, so it cannot change",
        "stage a new version from it",
    ),
    CurrentVersionError: ("version {0} is the current one", "publish or roll back to another one first"),
    CorruptVersionError: (
        "the manifest of version {0} is damaged",
        "discard it; `diptych versions verify {0}` shows details",
    ),
}


def after(operation: str, version: str, state: State | None) -> State | None:
    """The state of `version` after `operation`. Raises the error in the table, if there is one."""
    outcome = TRANSITIONS[operation][state]
    if isinstance(outcome, type):
        sentence, advice = _SENTENCES[outcome]
        values = (version, operation, state.value if state else "unknown")
        raise outcome(
            f"cannot {operation} {version}: {sentence.format(*values)}", advice=advice.format(*values)
        )
    return outcome
