"""The `diptych` command. Importing this is cheap: each command imports what it needs when it runs."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command with the process's arguments, and exit with one of `diptych.cli.exit_codes`."""
    from diptych.cli.shell import run

    sys.exit(run())
