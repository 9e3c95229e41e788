"""What can be wrong with a mutation."""

from __future__ import annotations


class MutationError(Exception):
    """A mutation that no longer fits the source, or a hunt that could not do its work."""
