"""What the simulator raises.

CrashsimError
├── RefusedError        the program did something whose crash states cannot be modelled
├── RecordingError      the recording failed, or does not reproduce what the program left behind
└── UsageError          the command line asks for something that is not there
"""


class CrashsimError(Exception):
    """The root: the message is a sentence for the person at the terminal."""


class RefusedError(CrashsimError):
    """The program did something that the model does not cover, so no state of it can be trusted."""


class RecordingError(CrashsimError):
    """Recording failed, or replaying the trace does not give the bytes that are on disk."""


class UsageError(CrashsimError):
    """The command line names a subject, a workload, a file or a state that does not exist."""
