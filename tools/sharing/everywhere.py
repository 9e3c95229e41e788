"""`python -m tools.sharing.everywhere FOLDER`: the index of a source tree, through every kind of remote.

Each step is the command as a user runs it, in a process of its own. A copy of FOLDER, made a git repository,
is indexed and pushed; one file in a hundred is changed, and what is new is pushed. A fresh clone that is one
more such change ahead pulls the nearest index and indexes the difference. Then it is verified, and must have
the content of an index that was made of the same tree from nothing.

Prints, for each remote, bytes, processor time and time. Programs: see `tools.sharing.servers.programs`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from diptych import Store
from diptych.artifact.remotes.file import FileRemote
from diptych.artifact.serve import application
from tools.sharing.commands import Spent, run
from tools.sharing.servers.github import TOKEN, GithubStandIn
from tools.sharing.servers.google import GoogleStandIn, google_environment
from tools.sharing.servers.inside import running
from tools.sharing.servers.programs import NotInstalledError, Served, azurite, nginx, registry, seaweedfs
from tools.sharing.trees import allow_what_looks_secret, change, commit, git, repository_of


@dataclass(frozen=True, slots=True)
class Reached:
    """A remote, and how the command reaches it."""

    push: str
    pull: str
    environment: dict[str, str] = field(default_factory=dict)
    push_options: tuple[str, ...] = ()
    by_digest: bool = False
    """Whoever pulls names the manifest by its digest, as of a peer."""


@dataclass(slots=True)
class Row:
    """What was measured with one remote."""

    name: str
    reached: Reached
    full: Spent = field(default_factory=Spent)
    delta: Spent = field(default_factory=Spent)
    pull: Spent = field(default_factory=Spent)


@contextmanager
def _folder(folder: Path) -> Iterator[Reached]:
    url = f"file://{folder}/remote"
    yield Reached(url, url)


@contextmanager
def _nginx(folder: Path) -> Iterator[Reached]:
    root = folder / "remote"
    root.mkdir()
    with nginx(folder, root) as served:
        yield Reached(f"file://{root}", served.url)


@contextmanager
def _peer(folder: Path) -> Iterator[Reached]:
    root = os.fspath(folder / "remote")
    with running(application(FileRemote(root))) as url:
        yield Reached(f"file://{root}", url.replace("http:", "peer:"), by_digest=True)


@contextmanager
def _github(folder: Path) -> Iterator[Reached]:  # noqa: ARG001
    stand_in = GithubStandIn()
    with running(stand_in.application) as stand_in.url, running(stand_in.asset_host) as stand_in.assets_url:
        url = "github://owner/name"
        yield Reached(url, url, {"GITHUB_API_URL": stand_in.url, "GH_TOKEN": TOKEN})


@contextmanager
def _google(folder: Path) -> Iterator[Reached]:  # noqa: ARG001
    with running(GoogleStandIn().application) as url:
        yield Reached("gs://bucket/indexes", "gs://bucket/indexes", google_environment(url))


def _of(
    server: Callable[[Path], AbstractContextManager[Served]], *push_options: str
) -> Callable[[Path], AbstractContextManager[Reached]]:
    @contextmanager
    def reached(folder: Path) -> Iterator[Reached]:
        with server(folder) as served:
            yield Reached(served.url, served.url, served.environment, push_options)

    return reached


REMOTES: dict[str, Callable[[Path], AbstractContextManager[Reached]]] = {
    "folder": _folder,
    "S3 (SeaweedFS)": _of(seaweedfs),
    "Azure (Azurite)": _of(azurite),
    "registry (docker-registry)": _of(registry, "--no-cas"),
    "web server (nginx)": _nginx,
    "peer (artifact serve)": _peer,
    "GitHub (stand-in)": _github,
    "Google (stand-in)": _google,
}


@dataclass(slots=True)
class Measured:
    """All rows, and what an index from nothing takes."""

    files: int = 0
    index: Spent = field(default_factory=Spent)
    rows: list[Row] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def measure(source: Path, work: Path, names: list[str], share: float) -> Measured:
    """Do it all in the folder `work`, a remote at a time in each step."""
    measured = Measured()
    tree = repository_of(source, work / "tree")
    measured.index = run(["index", "--quiet"], tree, work)
    allow_what_looks_secret(tree / ".diptych")
    measured.files = sum(1 for _ in tree.rglob("*.py"))
    with ExitStack() as stack:
        for number, name in enumerate(names):
            folder = work / f"remote-{number}"
            folder.mkdir()
            try:
                measured.rows.append(Row(name, stack.enter_context(REMOTES[name](folder))))
            except NotInstalledError as error:
                measured.missing.append(f"{name}: {error}")
        for row in measured.rows:
            row.full = _push(row.reached, tree, work)
        change(tree, share, seed=1)
        commit(tree, "the first change")
        run(["index", "--quiet"], tree, work)
        for row in measured.rows:
            row.delta = _push(row.reached, tree, work)
        ahead = _ahead(tree, work, share)
        expected = _content_of_new_index(ahead, work)
        for number, row in enumerate(measured.rows):
            clone = work / f"clone-{number}"
            git(work, "clone", "--quiet", os.fspath(ahead), os.fspath(clone))
            row.pull = _pull(row, clone, work)
            run(["verify", "--deep"], clone, work)
            if content_of(clone) != expected:
                measured.faults.append(f"{row.name}: the content is not that of an index of the same tree")
            shutil.rmtree(clone)
    return measured


def _push(reached: Reached, tree: Path, work: Path) -> Spent:
    given = ["artifact", "push", reached.push, "--quiet", "--json", *reached.push_options]
    return run(given, tree, work, reached.environment)


def _pull(row: Row, clone: Path, work: Path) -> Spent:
    given = ["artifact", "pull", row.reached.pull, "--quiet", "--json"]
    if row.reached.by_digest:
        given += ["--digest", f"sha256:{row.delta.said['manifest']}"]
    return run(given, clone, work, row.reached.environment)


def _ahead(tree: Path, work: Path, share: float) -> Path:
    """A clone with one more change."""
    ahead = work / "ahead"
    git(work, "clone", "--quiet", os.fspath(tree), os.fspath(ahead))
    change(ahead, share, seed=2)
    commit(ahead, "the second change")
    return ahead


def _content_of_new_index(tree: Path, work: Path) -> str:
    run(["index", "--quiet"], tree, work)
    found = content_of(tree)
    shutil.rmtree(tree / ".diptych")
    return found


def content_of(tree: Path) -> str:
    """What the index of a tree has in it, as one number."""
    with Store.open(tree / ".diptych") as store:
        store.checkpoint()
        return store.stats().content_id


def lines(measured: Measured) -> list[str]:
    """The table, in Markdown."""
    index_s = measured.index.processor_s
    found = [
        f"{measured.files:,} files; an index from nothing takes {index_s:.1f} s of the processor",
        "",
        "| remote | full push | delta push | pull and index, 1 % ahead | ÷ full index |",
        "|---|---|---|---|---|",
    ]
    for row in measured.rows:
        cells = [
            _cell(row.full, "sent_bytes"),
            _cell(row.delta, "sent_bytes"),
            _cell(row.pull, "fetched_bytes"),
        ]
        found.append(f"| {row.name} | {' | '.join(cells)} | {100 * row.pull.processor_s / index_s:.0f} % |")
    return [*found, *(f"not measured: {one}" for one in measured.missing), *measured.faults]


def _cell(spent: Spent, counted: str) -> str:
    sent_bytes = int(spent.said[counted])
    return f"{sent_bytes:,} bytes, {spent.processor_s:.2f} s, {spent.elapsed_s:.2f} s"


def main() -> int:
    """Measure and print; 0 where every clone has what it should."""
    parser = argparse.ArgumentParser(prog="python -m tools.sharing.everywhere", description=__doc__)
    parser.add_argument("folder", type=Path, help="a source tree, such as that of Django")
    parser.add_argument(
        "--remote", action="append", choices=list(REMOTES), help="only this; may be given again"
    )
    parser.add_argument(
        "--share", type=float, default=1.0, help="per cent of the files that change each time"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="diptych-sharing-") as folder:
        work = Path(os.path.realpath(folder))
        measured = measure(options.folder, work, options.remote or list(REMOTES), options.share / 100)
    print("\n".join(lines(measured)))
    return 1 if measured.faults else 0


if __name__ == "__main__":
    sys.exit(main())
