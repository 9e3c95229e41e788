"""What answers raise beside the errors of `diptych.errors`."""


class QuestionCancelledError(Exception):
    """Nobody waits for the answer any more."""


class RenameRefusedError(Exception):
    """It cannot be renamed so. The message says why, and where."""
