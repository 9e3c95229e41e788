"""Print the engine's log on standard error, such as a fallback from the snapshot to the search index."""

from __future__ import annotations

import logging

from diptych.cli.output import Styled, note


class Notes(logging.Handler):
    """Prints each record on one line."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print it."""
        level = Styled(f"{record.levelname.lower()}:", "yellow")
        note("diptych: ", level, f" {record.getMessage()}")


def install() -> None:
    """Start printing the log."""
    logging.getLogger("diptych").addHandler(Notes())
