"""What a file can do to its parser."""

from __future__ import annotations


class TooSlowError(Exception):
    """A source that would take more work than any source code does.

    No error of the public tree: a run catches it, and counts the file as "too slow to parse".
    """
