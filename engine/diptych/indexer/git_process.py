"""Start git safely. Only this module starts git, so that a hostile repository cannot start a program.

The configuration of a repository can name programs: a file system monitor, hooks, filters, and helpers to
fetch missing objects. This module disables them all, by git's environment and by settings that override the
repository's. Filters have arbitrary names, so a caller whose command may run one disables it by its name (see
`gitstate`).

Git also does not see its variables in the caller's environment: a run from a hook has GIT_DIR set.
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

# Listing a large work tree on a network file system may take long; a FIFO in place of a file blocks for ever.
WAIT_S = 300.0
_END_S = 5.0
_READ_BYTES = 1 << 18
_OUTPUT_MAX = 1 << 30
_COMPLAINT_MAX = 1 << 16

NOT_STARTED = 127
NOT_ENDED = 124

_ENVIRONMENT = {
    # No network and no other repository: git before 2.45 fetches missing objects of a partial clone.
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    # Do not let reads write to the index.
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    # For these programs, git's environment variable overrides the setting.
    "GIT_ASKPASS": "false",
    "GIT_SSH_COMMAND": "false",
    "GIT_PROXY_COMMAND": "false",
    "GIT_EDITOR": "false",
    "GIT_PAGER": "cat",
    # Its messages are shown and searched, so they must be in English.
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
    """The output of a git command, its exit code, and its standard error.

    The code is `NOT_STARTED` if git could not be started, and `NOT_ENDED` if it was killed.
    """

    output: bytes
    code: int
    complaint: str = ""


class _StoppedError(Exception):
    """Git took too long, or printed too much."""


def run_all(root: str, *commands: Sequence[str]) -> list[Answer]:
    """Run several git commands at once in `root`. Git failures are in the answers, not exceptions."""
    # Imported here: an unchanged plain folder needs no process.
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
            return _communicate(processes)
        except _StoppedError as stopped:
            return [Answer(b"", NOT_ENDED, str(stopped))] * len(commands)


def _absolute_path_folders() -> str:
    """PATH without relative folders: git runs in the repository, which may contain a `git` too."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if os.path.isabs(folder))


def _program(folders: str) -> str | None:
    if not folders:
        return None
    if os.name != "posix":
        import shutil

        return shutil.which("git", path=folders)
    # `shutil` takes longer to import than git to answer.
    candidates = (os.path.join(folder, "git") for folder in folders.split(os.pathsep))
    return next((path for path in candidates if os.path.isfile(path) and os.access(path, os.X_OK)), None)


def _environment(folders: str) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") and name not in _DROPPED
    }
    return {**inherited, "PATH": folders, **_ENVIRONMENT}


@contextmanager
def _ended(processes: list[subprocess.Popen[bytes]]) -> Iterator[None]:
    """On exit, kill the processes and all that they started."""
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
            # Do not wait for a process that the kernel cannot end now.
            with suppress(subprocess.TimeoutExpired):
                process.wait(_END_S)


def _communicate(processes: list[subprocess.Popen[bytes]]) -> list[Answer]:
    """Read the output of each process until it ends. Raises _StoppedError."""
    import selectors
    import subprocess

    deadline_s = time.monotonic() + WAIT_S
    late = f"git did not answer within {WAIT_S:.0f} s"
    outputs = [(bytearray(), bytearray()) for _ in processes]
    with selectors.DefaultSelector() as selector:
        for process, (output, complaint) in zip(processes, outputs, strict=True):
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
    for process, (output, complaint) in zip(processes, outputs, strict=True):
        try:
            code = process.wait(max(0.0, deadline_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise _StoppedError(late) from None
        answers.append(Answer(bytes(output), code, complaint.decode("utf-8", "backslashreplace").strip()))
    return answers
