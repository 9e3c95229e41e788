"""A workload run without one of its functions, to see whether the simulator would notice.

The function is replaced by one that does nothing, in every module that holds it; only the recorded program is
changed, never the checker.
"""

from __future__ import annotations

import importlib
import os
import sys

from .errors import UsageError

WITHOUT_VARIABLE = "CRASHSIM_WITHOUT"


def _nothing(*_arguments: object, **_named: object) -> None:
    """Stands in for the function taken away."""


def apply_mutations() -> None:
    """Take away the functions that the environment names, as `module:name` with commas between.

    Every module that is loaded by then loses them. Raises UsageError.
    """
    for name in filter(None, os.environ.get(WITHOUT_VARIABLE, "").split(",")):
        module_name, _, function = name.partition(":")
        try:
            original = getattr(importlib.import_module(module_name), function)
        except (ImportError, AttributeError) as error:
            raise UsageError(f"There is no function {name!r} to take away: {error}.") from error
        for module in list(sys.modules.values()):
            for attribute, value in list(vars(module).items()) if hasattr(module, "__dict__") else ():
                if value is original:
                    setattr(module, attribute, _nothing)
