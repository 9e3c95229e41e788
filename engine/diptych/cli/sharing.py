"""What the artifact commands share: the remote to use, what git says of this repository, and output."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from diptych.cli.arguments import Argument, Option
from diptych.cli.options import SECONDS_MAX, not_empty

if TYPE_CHECKING:
    from diptych.artifact.manifest import Source
    from diptych.artifact.progress import Progress, Shown
    from diptych.artifact.remotes.base import Remote
    from diptych.artifact.sign import SigningKey

REMOTE_VARIABLE = "DIPTYCH_REMOTE"

RemoteUrl = Annotated[
    str | None,
    Argument(
        "REMOTE",
        parse=not_empty,
        help="Its URL, or a folder. Default: DIPTYCH_REMOTE, or the one that `remote` set.",
    ),
]
RemoteOption = Annotated[
    str | None,
    Option(
        "--remote",
        parse=not_empty,
        metavar="URL",
        help="The remote. Default: DIPTYCH_REMOTE, or the one that `remote` set.",
    ),
]
Quiet = Annotated[bool, Option("--quiet", "-q", help="Show no progress.")]
SignKey = Annotated[
    str | None,
    Option("--sign", parse=not_empty, metavar="FILE", help="Sign with this key: see `diptych artifact key`."),
]
NoCas = Annotated[
    bool, Option("--no-cas", help="Also where the remote cannot compare and swap: the last push wins.")
]
DryRun = Annotated[bool, Option("--dry-run", help="Only show what would be done.")]
Timeout = Annotated[
    float,
    Option("--timeout", bounds=(0, SECONDS_MAX), metavar="S", help="Seconds to wait for another process."),
]

_USER = re.compile(r"^[^@/]*@")
# As scp has it: host:path, without a scheme.
_SCP = re.compile(r"^([^/:]+):(?!//)(.+)$")
_FIRST_PARENTS_MOST = 2_000


@dataclass(frozen=True, slots=True)
class Repository:
    """What git says of the repository that a store is of; each "" where there is none."""

    root: str
    commit: str = ""
    branch: str = ""
    origin: str = ""
    dirty: bool = False

    @property
    def source(self) -> Source:
        """The same, as a manifest has it."""
        from diptych.artifact.manifest import Source

        return Source(self.repo_id, self.commit, self.branch, int(self.dirty))

    @property
    def repo_id(self) -> str:
        """BLAKE3 of where the repository is from: clones of one have the same. "" where it has no origin."""
        from blake3 import blake3

        return blake3(normalised(self.origin).encode("utf-8", "replace")).hexdigest() if self.origin else ""

    def commits(self, at: str = "HEAD") -> list[str]:
        """`at` and its first parents, the newest first. Raises UnknownArtifactError."""
        from diptych.artifact.errors import UnknownArtifactError
        from diptych.indexer import git

        arguments = (
            "rev-list",
            "--first-parent",
            f"--max-count={_FIRST_PARENTS_MOST}",
            "--end-of-options",
            at,
        )
        found = git.run(self.root, *arguments, "--") if self.commit else None
        if found is None:
            raise UnknownArtifactError(
                f"git knows no commit {at!r} in {self.root}", advice="name a commit, a tag or a branch"
            )
        return found.decode("ascii", "replace").split()

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether `older` is before `newer`, or the same; False where git does not know."""
        from diptych.indexer import git

        if older == newer:
            return True
        asked = ("merge-base", "--is-ancestor", "--end-of-options", older, newer)
        return bool(self.commit) and git.run(self.root, *asked) is not None


def repository_at(root: str) -> Repository:
    """What git says of the repository at `root`."""
    from diptych.indexer import git

    head = git.head(root)
    if not head.commit:
        return Repository(root, branch=head.branch)
    origin = git.run(root, "config", "--get", "remote.origin.url") or b""
    status = git.run(root, "status", "--porcelain", "--untracked-files=normal", "-z")
    return Repository(
        root, head.commit, head.branch, origin.decode("utf-8", "replace").strip(), status != b""
    )


def normalised(origin: str) -> str:
    """Where a repository is from, the same by whichever protocol and user it was cloned."""
    text = origin.strip()
    scp = _SCP.match(text)
    if scp and "\\" not in text:
        text = f"{_USER.sub('', scp[1]).lower()}/{scp[2].lstrip('/')}"
    elif "://" in text:
        host, _, path = text.partition("://")[2].partition("/")
        text = f"{_USER.sub('', host).partition(':')[0].lower()}/{path}"
    return text.rstrip("/").removesuffix(".git").rstrip("/")


def store_at(store: str | None) -> tuple[str, str]:
    """The store to push or to pull into, which need not be there yet, and the root of its repository."""
    from diptych.cli.place import find_root, output_root_for, store_of

    root = find_root(None)
    below = output_root_for(store, None)
    if store and below is None:
        return os.path.abspath(store), root
    return store_of(root, below), root


@contextmanager
def remote_for(url: str | None, store: str, *, without_swap: bool = False) -> Iterator[Remote]:
    """The remote: the one named, that of DIPTYCH_REMOTE, or the one that the store remembers.

    Raises UnknownArtifactError where there is none, and what opening it raises.
    """
    from diptych.artifact.errors import UnknownArtifactError
    from diptych.artifact.remembered import load
    from diptych.artifact.remotes.opening import open_remote

    found = url or os.environ.get(REMOTE_VARIABLE) or load(store).remote
    if not found:
        raise UnknownArtifactError(
            "no remote is named",
            advice="name one: `diptych artifact push file:///srv/indexes`; or set DIPTYCH_REMOTE",
        )
    with open_remote(found, without_swap=without_swap) as remote:
        yield remote


def signing_key(path: str | None) -> SigningKey | None:
    """The key in a file, with the password of DIPTYCH_KEY_PASSWORD. Raises what loading it raises."""
    if path is None:
        return None
    from diptych.artifact.sign import SigningKey

    return SigningKey.load(path, os.environ.get("DIPTYCH_KEY_PASSWORD"))


def default_ref(repository: Repository) -> str:
    """The ref of the branch that is checked out; `branch/main` where there is none."""
    return f"branch/{repository.branch or 'main'}"


def shown(quiet: bool) -> Shown | None:
    """What shows the progress of a transfer on standard error: on a terminal one line that changes."""
    import sys
    import time

    from diptych.cli.output import note, passing_note

    if quiet:
        return None
    terminal = sys.stderr.isatty()
    printed_s = time.monotonic()

    def show(progress: Progress) -> None:
        nonlocal printed_s
        now_s = time.monotonic()
        if now_s - printed_s < (0.2 if terminal else 5.0):
            return
        printed_s = now_s
        if terminal:
            passing_note(sentence(progress))
        else:
            note(sentence(progress))

    return show


def sentence(progress: Progress) -> str:
    """One line: "fetching 3.0 of 12.0 MiB, 1.5 MiB/s, 6 s left, 41 % reused"."""
    from diptych.cli.output import size

    rate = (
        f", {size(int(progress.bytes_per_s))}/s, {progress.left_s:,.0f} s left" if progress.done_bytes else ""
    )
    return (
        f"{progress.phase} {size(progress.done_bytes)} of {size(progress.total_bytes)}{rate},"
        f" {progress.reused_share:.0%} reused"
    )


def share(part: int, total: int) -> str:
    """Which share one number is of another: "1.7 %"."""
    return f"{100 * part / total:.1f} %" if total else "0 %"


def plain(value: Any) -> Mapping[str, Any]:
    """A dataclass as JSON has it."""
    from dataclasses import asdict

    return asdict(value)
