"""What a forked child has of its parent's stores: nothing that it may use."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Abandonable(Protocol):
    """What is open in the parent, and told so in the child."""

    def abandon(self) -> None:
        """In a forked child: give up what is the parent's, without touching it."""


STORES: weakref.WeakSet[Abandonable] = weakref.WeakSet()


def _abandon_all() -> None:
    for store in list(STORES):
        store.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_all)
