"""The page: one HTML file with everything in it."""

from __future__ import annotations

from typing import Any


def render(plain: dict[str, Any]) -> str:
    """The page for the results as they stand in the JSON file."""
    return f"<!doctype html><title>Diptych beside its peers</title><pre>{len(plain['rows'])} rows</pre>"
