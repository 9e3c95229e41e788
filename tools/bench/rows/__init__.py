"""The rows of the table, one file each, in the order they are run and printed."""

from __future__ import annotations

import importlib

from tools.bench.context import Row

# `load` first: the stores it fills are what the rows after it read.
IDS = ("load", "commit")


def row(id_: str) -> Row:
    """The row of that name."""
    found: Row = importlib.import_module(f"tools.bench.rows.{id_}").ROW
    return found
