"""A checker that does, on request, what a checker must survive."""

import os
import signal


class PanicException(BaseException):  # the name that a Rust panic has in Python
    """Like a Rust panic: no Exception."""


def check(workload, directory, acked, issued):
    if workload == "panic":
        raise PanicException("at the disco")
    if workload == "signal":
        os.kill(os.getpid(), 11)
    if workload == "hang":
        with open(os.environ["HOSTILE_HANGS"], "wb"):
            signal.pause()
    if workload == "memory":
        return str(len(bytearray(b"x") * (96 << 20)))
    if workload == "exception":
        return 1 / 0
    return f"{sorted(os.listdir(directory))} {acked} {issued}"
