"""Print the engine's log on standard error, such as a fallback from the snapshot to the search index."""

from __future__ import annotations

from diptych.lazy import before_logging


def install() -> None:
    """Print what is logged from now on. `logging` is imported only when something is."""
    before_logging(_add_handler)


def _add_handler() -> None:
    import logging

    from diptych.cli.output import Styled, note

    class Notes(logging.Handler):
        """Prints each record on one line."""

        def emit(self, record: logging.LogRecord) -> None:
            """Print it."""
            level = Styled(f"{record.levelname.lower()}:", "yellow")
            note("diptych: ", level, f" {record.getMessage()}")

    logging.getLogger("diptych").addHandler(Notes())
