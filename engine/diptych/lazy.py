"""What is made when it is first used, because a command that needs none of it should not wait for it.

_NAME = pattern(r"[a-z]+")          a regular expression, compiled at its first match
__getattr__ = attributes(...)       the names of a package, each imported from its module when asked for
log = logger("diptych")             a logger; `logging` is imported when something is logged
"""

from __future__ import annotations

import re
import sys
from _thread import RLock
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, AnyStr, cast

if TYPE_CHECKING:
    import logging


def pattern(expression: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """A regular expression, for constants of modules. Raises `re.error` when it is first used."""
    return cast("re.Pattern[AnyStr]", _Pattern(expression, flags))


class _Pattern:
    """Becomes a compiled pattern, method by method, as each is asked for."""

    def __init__(self, expression: str | bytes, flags: int) -> None:
        self.pattern, self._flags = expression, flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(self.pattern, self._flags), name)
        # From now on it is found without this method.
        setattr(self, name, found)
        return found


def attributes(package: str, modules: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """The `__getattr__` of a package: `modules` has the names that each module of it provides."""

    def get(name: str) -> Any:
        for module, names in modules.items():
            if name in names:
                value = getattr(import_module(module), name)
                # From now on it is found without this function.
                setattr(sys.modules[package], name, value)
                return value
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return get


def logger(name: str) -> logging.Logger:
    """The logger of that name, for constants of modules."""
    return cast("logging.Logger", _Logger(name))


def before_logging(prepare: Callable[[], None]) -> None:
    """Have `prepare` called before the first thing is logged, by whichever thread."""
    _Logger.prepare, _Logger.preparing = staticmethod(prepare), RLock()


class _Logger:
    prepare: Callable[[], None] | None = None
    preparing: RLock | None = None
    """Held while it is prepared; None where nothing is left to prepare."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        try:
            import logging

            preparing = _Logger.preparing
            if preparing is not None:
                with preparing:
                    _prepare()
        except OSError:
            # Without a file descriptor left there is no log, and what falls back must still be said.
            return _said if name in ("warning", "error", "exception") else _unsaid
        return getattr(logging.getLogger(self._name), name)


def _prepare() -> None:
    """Prepare for the first thing that is logged, once. The caller holds the lock."""
    prepare, _Logger.prepare = _Logger.prepare, None
    if prepare is None:
        # It was done, or logs something itself.
        return
    try:
        prepare()
    except BaseException:
        _Logger.prepare = prepare
        raise
    _Logger.preparing = None


def _said(message: str, *values: object, **_named: object) -> None:
    """Write what cannot be logged where `logging` writes what nobody handles, as ASCII."""
    sys.stderr.write(f"{ascii(message % values if values else message)[1:-1]}\n")


def _unsaid(*_values: object, **_named: object) -> None:
    """What informs only, or asks whether it is worth it."""
