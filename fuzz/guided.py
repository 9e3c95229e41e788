"""`python -m fuzz.guided TARGET …`: one target under atheris, with libFuzzer's own arguments."""

from __future__ import annotations

import logging
import sys

import atheris

with atheris.instrument_imports(include=["diptych"]):
    from .measure import run_bounded
    from .targets import TARGETS

# As often as the plain fuzzer measures.
_MEASURED_EACH = 16


def main() -> None:
    """Fuzz until libFuzzer ends the process."""
    logging.disable(logging.CRITICAL)
    target = TARGETS[sys.argv.pop(1)]
    count = 0

    def one(data: bytes) -> None:
        nonlocal count
        count += 1
        if count % _MEASURED_EACH == 0:
            run_bounded(target, data)
        else:
            target.run(data)

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
