"""The SDK, imported without what a server on standard input never uses.

Its packages import every client and every transport, and the models of all messages in all versions of the
protocol are compiled at once: half of what a server costs until it says which tools there are.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_PACKAGES = ("mcp", "mcp.server")
"""Packages whose own code only passes on names of others."""


@contextmanager
def lean_imports() -> Iterator[None]:
    """Within it, modules of the SDK are imported alone, and compile a model when it is first used.

    For a process that serves and ends: elsewhere `import mcp` would be without its names. Where the SDK is
    missing, or imported already, it changes nothing.
    """
    if importlib.util.find_spec("pydantic") is None or importlib.util.find_spec("mcp") is None:
        yield
        return
    from pydantic import BaseModel

    for name in _PACKAGES:
        _without_code(name)
    BaseModel.model_config["defer_build"] = True
    try:
        yield
    finally:
        del BaseModel.model_config["defer_build"]


def _without_code(name: str) -> None:
    """A package that finds its modules, and runs no code of its own."""
    found = importlib.util.find_spec(name)
    if name in sys.modules or found is None:
        return
    module = sys.modules[name] = importlib.util.module_from_spec(found)
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)
