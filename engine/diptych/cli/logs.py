"""What the engine logs, on standard error: falling back from one leaf to the other, for one."""

from __future__ import annotations

import logging
import sys

from diptych.cli.output import note, styled


class Notes(logging.Handler):
    """Prints each record in a line."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print it."""
        level = styled(f"{record.levelname.lower()}:", sys.stderr, fg="yellow")
        note(f"diptych: {level} {record.getMessage()}")


def install() -> None:
    """Print what is logged from now on."""
    logging.getLogger("diptych").addHandler(Notes())
