"""What git knows of a work tree, asked of the `git` command.

Nothing the caller's environment says of another repository may leak in (a run from a hook has GIT_DIR set),
and the repository's own configuration may not start programs (`core.fsmonitor`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

_REPOSITORY_VARIABLES = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_LITERAL_PATHSPECS",
)


@dataclass(frozen=True, slots=True)
class Listing:
    """Names as git lists them, relative to the root asked for, sorted. `submodules`: there may be some.

    A name that ends in `/` is a repository nested in this one; a submodule stands as its directory's name.
    """

    names: list[bytes]
    submodules: bool


@dataclass(frozen=True, slots=True)
class Head:
    """The commit checked out (40 or 64 hexadecimal digits) and the branch, each "" where there is none."""

    commit: str = ""
    branch: str = ""


class Answer(NamedTuple):
    """What a command of git said, and whether it succeeded without a word on standard error."""

    output: bytes
    code: int
    quiet: bool


def run(root: str, *arguments: str) -> bytes | None:
    """The standard output of `git <arguments>` in `root`; None when it fails or there is no git."""
    (answer,) = run_all(root, arguments)
    return answer.output if answer.code == 0 else None


def run_all(root: str, *commands: Sequence[str]) -> list[Answer]:
    """The answers to several commands of git, run at once. Without git, each fails."""
    # Imported here: a run that finds nothing changed in a plain folder needs no process.
    import subprocess
    from contextlib import ExitStack

    environment = {name: value for name, value in os.environ.items() if name not in _REPOSITORY_VARIABLES}
    environment["GIT_OPTIONAL_LOCKS"] = "0"
    with ExitStack() as running:
        processes = []
        for command in commands:
            try:
                process = subprocess.Popen(
                    ["git", "-c", "core.fsmonitor=false", *command],
                    cwd=root,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
            except OSError:
                return [Answer(b"", 127, False)] * len(commands)
            processes.append(running.enter_context(process))
        answers = []
        for process in processes:
            output, complaints = process.communicate()
            answers.append(Answer(output, process.returncode, not complaints))
        return answers


def listed(root: str) -> Listing | None:
    """The files of the work tree below `root`, tracked and untracked but not ignored; None outside of one.

    A root that its own work tree ignores counts as outside of it.
    """
    if not has_git_above(root):
        return None
    places = run(root, "rev-parse", "--show-prefix", "--show-toplevel")
    if places is None:
        return None
    prefix, _, top = places.partition(b"\n")
    # From inside an ignored directory `git ls-files` shows nothing.
    if prefix and run(root, "check-ignore", "-q", ".") is not None:
        return None
    output = run(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if output is None:
        return None
    submodules = os.path.lexists(top.removesuffix(b"\n") + b"/.gitmodules")
    # A path in conflict is listed once for each of its versions.
    return Listing(sorted(set(output.split(b"\0")) - {b""}), submodules)


def head(root: str) -> Head:
    """Where HEAD points; both fields empty outside of a repository."""
    if not has_git_above(root):
        return Head()
    commit = run(root, "rev-parse", "--quiet", "--verify", "HEAD") or b""
    branch = run(root, "symbolic-ref", "--quiet", "--short", "HEAD") or b""
    return Head(commit.strip().decode("ascii", "replace"), branch.strip().decode("utf-8", "replace"))


def has_git_above(root: str) -> bool:
    """Whether a `.git` stands in `root` or above: so that a plain folder costs no process."""
    directory = os.path.realpath(root)
    while True:
        if os.path.lexists(os.path.join(directory, ".git")):
            return True
        parent = os.path.dirname(directory)
        if parent == directory:
            return False
        directory = parent
