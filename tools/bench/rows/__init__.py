"""The rows of the table, one file each, in the order they are run and printed."""

from __future__ import annotations

import importlib
import keyword

from tools.bench.context import Row

# `load` first: the stores it fills are what the rows after it read.
IDS = (
    "load", "commit", "threads", "commit_search", "file", "symbols", "search", "open",
    "checkpoint", "recovery", "memory", "disk", "amplification",
    "index", "reindex", "import",
)


def row(id_: str) -> Row:
    """The row of that name."""
    module = f"{id_}_" if keyword.iskeyword(id_) else id_
    found: Row = importlib.import_module(f"tools.bench.rows.{module}").ROW
    return found
