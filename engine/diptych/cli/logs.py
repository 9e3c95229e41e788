"""What the engine logs, on standard error: falling back from one leaf to the other, for one."""

from __future__ import annotations

import logging

from diptych.cli.output import Styled, note


class Notes(logging.Handler):
    """Prints each record in a line."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print it."""
        level = Styled(f"{record.levelname.lower()}:", fg="yellow")
        note("diptych: ", level, f" {record.getMessage()}")


def install() -> None:
    """Print what is logged from now on."""
    logging.getLogger("diptych").addHandler(Notes())
