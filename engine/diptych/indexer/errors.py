"""Errors of parsing a file."""

from __future__ import annotations


class TooSlowError(Exception):
    """A source file takes more work than real source code ever does.

    Not part of the public tree: a run catches it and counts the file as "too slow to parse".
    """
