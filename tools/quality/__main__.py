"""`python -m tools.quality WHAT …`: each `WHAT` is a module here with `main(arguments) -> exit code`."""

from __future__ import annotations

import sys
from importlib import import_module

SUBJECTS = ("definitions", "names", "python_definitions")


def main(arguments: list[str]) -> int:
    """Run the subject named first."""
    if not arguments or arguments[0] not in SUBJECTS:
        print(f"usage: python -m tools.quality {{{','.join(SUBJECTS)}}} …", file=sys.stderr)
        return 2
    return int(import_module(f"tools.quality.{arguments[0]}").main(arguments[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
