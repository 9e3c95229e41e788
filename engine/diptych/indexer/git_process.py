"""Starting git: the only place that does, so that a stranger's repository gets no program started.

A repository's configuration can name programs: a file system monitor, hooks, filters, helpers for a network
that git turns to by itself for an object it lacks. Each way to them is closed here, by git's environment and
by settings that override the repository's. Filters have names of the repository's choice: whoever starts a
command that may run one switches it off by its name (see `gitstate`).

Nothing the caller's environment says to git gets through either: a run from a hook has GIT_DIR set.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import subprocess

# A network file system may take long to list a large work tree; a FIFO in place of a file takes for ever.
WAIT_S = 300.0
_END_S = 5.0
_READ_BYTES = 1 << 18
_OUTPUT_MAX = 1 << 30
_COMPLAINT_MAX = 1 << 16

NOT_STARTED = 127
NOT_ENDED = 124

_ENVIRONMENT = {
    # No network, and no other repository: git older than 2.45 fetches what a partial clone lacks, unasked.
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    # Reading changes nothing.
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    # Where git has an environment variable and a setting for a program, the variable decides.
    "GIT_ASKPASS": "false",
    "GIT_SSH_COMMAND": "false",
    "GIT_PROXY_COMMAND": "false",
    "GIT_EDITOR": "false",
    "GIT_PAGER": "cat",
    # Its words are shown, and some are looked for: in one language.
    "LC_ALL": "C",
}
_SETTINGS = (
    "safe.bareRepository=explicit",
    "protocol.allow=never",
    "core.fsmonitor=false",
    f"core.hooksPath={os.devnull}",
    "core.alternateRefsCommand=",
    "core.askPass=",
    "core.pager=cat",
    "credential.helper=",
    "diff.external=",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
)
_OPTIONS = ("--no-pager", *(word for setting in _SETTINGS for word in ("-c", setting)))
_DROPPED = frozenset({"SSH_ASKPASS", "LANGUAGE"})


class Answer(NamedTuple):
    """What a command of git printed, its exit code, and its words on standard error.

    Where git could not be started the code is `NOT_STARTED`; where it was ended, `NOT_ENDED`.
    """

    output: bytes
    code: int
    complaint: str = ""


class _StoppedError(Exception):
    """Git took too long, or printed too much."""


def run_all(root: str, *commands: Sequence[str]) -> list[Answer]:
    """The answers to several commands of git, run at once in `root`. Never raises for what git does."""
    # Imported here: a run that finds nothing changed in a plain folder needs no process.
    import subprocess

    folders = _absolute_path_folders()
    program = _program(folders)
    if not program:
        return [Answer(b"", NOT_STARTED, "git is not installed, or not in PATH")] * len(commands)
    processes: list[subprocess.Popen[bytes]] = []
    with _ended(processes):
        for command in commands:
            try:
                process = subprocess.Popen(
                    [program, *_OPTIONS, *command],
                    cwd=root,
                    env=_environment(folders),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    process_group=0,
                )
            except OSError as error:
                complaint = f"git cannot be started: {error.strerror or error}"
                return [Answer(b"", NOT_STARTED, complaint)] * len(commands)
            processes.append(process)
        try:
            return _heard(processes)
        except _StoppedError as stopped:
            return [Answer(b"", NOT_ENDED, str(stopped))] * len(commands)


def _absolute_path_folders() -> str:
    """PATH without what is relative: git runs in the repository's folder, which may hold a `git` too."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if os.path.isabs(folder))


def _program(folders: str) -> str | None:
    import shutil

    return shutil.which("git", path=folders) if folders else None


def _environment(folders: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") and name not in _DROPPED
    }
    return {**kept, "PATH": folders, **_ENVIRONMENT}


@contextmanager
def _ended(processes: list[subprocess.Popen[bytes]]) -> Iterator[None]:
    """Whatever happens: no process, and none that it started, is left."""
    import subprocess

    try:
        yield
    finally:
        for process in processes:
            if process.poll() is None:
                with suppress(OSError):
                    os.killpg(process.pid, signal.SIGKILL)
        for process in processes:
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
            # A process that the kernel will not end now is left to it.
            with suppress(subprocess.TimeoutExpired):
                process.wait(_END_S)


def _heard(processes: list[subprocess.Popen[bytes]]) -> list[Answer]:
    """What each prints until it ends. Raises _StoppedError."""
    import selectors
    import subprocess

    deadline_s = time.monotonic() + WAIT_S
    late = f"git did not answer within {WAIT_S:.0f} s"
    heard = [(bytearray(), bytearray()) for _ in processes]
    with selectors.DefaultSelector() as selector:
        for process, (output, complaint) in zip(processes, heard, strict=True):
            assert process.stdout is not None
            assert process.stderr is not None
            selector.register(process.stdout, selectors.EVENT_READ, (output, _OUTPUT_MAX))
            selector.register(process.stderr, selectors.EVENT_READ, (complaint, _COMPLAINT_MAX))
        while selector.get_map():
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise _StoppedError(late)
            for key, _ in selector.select(left_s):
                data = os.read(key.fd, _READ_BYTES)
                into, most = key.data
                into += data
                if not data:
                    selector.unregister(key.fileobj)
                elif len(into) > most:
                    raise _StoppedError(f"git printed more than {most:,} bytes")
    answers = []
    for process, (output, complaint) in zip(processes, heard, strict=True):
        try:
            code = process.wait(max(0.0, deadline_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise _StoppedError(late) from None
        answers.append(Answer(bytes(output), code, complaint.decode("utf-8", "backslashreplace").strip()))
    return answers
