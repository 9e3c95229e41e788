"""A repository under watch, in threads of this process, and what the tests of watching share."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.waiting import join, wait_until

from diptych import FileRecord, Store
from diptych.errors import DiptychError
from diptych.indexer import index_repository
from diptych.workspace.coordinator import Coordinator, CoordinatorThread, Ready
from diptych.workspace.host import LIMITS, RepositoryHost
from diptych.workspace.watch import RepositoryWatcher

RUN = "from diptych.cli import main; main()"
# Only for a test that would otherwise never end: a busy machine may be much slower than a free one.
NEVER_S = 600.0


def git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


def write(root: Path, name: str, *functions: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"def {function}():\n    pass\n" for function in functions))


def repository(root: Path) -> Path:
    for n in range(5):
        write(root, f"pkg/m{n}.py", f"first_{n}")
    (root / ".gitignore").write_text("ignored/\n*_generated.py\n")
    git(root, "init")
    git(root, "add", ".")
    git(root, "commit", "-m", "first")
    return root


class Watching:
    """A repository being watched, as `diptych watch` does it, but in threads of this process."""

    def __init__(self, root: Path, store: Path) -> None:
        self.root = root
        self.host = RepositoryHost(str(root), Store.open(store), processes=0)
        self.coordinator = Coordinator(self.host, limits=LIMITS)
        self.watcher = RepositoryWatcher(self.host, self.coordinator)
        self.noticed: list[str] = []
        self._stop = threading.Event()
        self._turned = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._worker = CoordinatorThread(self.coordinator)

    def __enter__(self) -> Watching:
        self._thread.start()
        assert self._turned.wait(NEVER_S)
        self._worker.start()
        wait_until(self.settled)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        join(self._thread)
        self._worker.stop()
        self.host.close()

    def _watch(self) -> None:
        def turn(names: object) -> None:
            self.noticed.extend(names)  # type: ignore[arg-type]
            self._turned.set()

        self.watcher.run(self._stop, turn)

    @contextmanager
    def idle(self) -> Iterator[None]:
        """Changes are noticed, and nothing is indexed: so that they pile up, however fast the machine is."""
        with self.coordinator._driving:
            yield

    @property
    def store(self) -> Store:
        return self.host.store

    def settled(self) -> bool:
        return isinstance(self.coordinator.state, Ready) and self.coordinator.pending == 0

    def found(self, name: str) -> list[str]:
        return [hit.path for hit in self.store.symbols(name)]

    def records(self) -> list[FileRecord]:
        return list(self.store.files())


def from_scratch(root: Path, store: Path) -> list[FileRecord]:
    with Store.open(store) as fresh:
        index_repository(root, fresh, processes=0)
        return list(fresh.files())


def found_at(store: Path, name: str) -> list[str]:
    """What a reader finds in the store that is there now; nothing where there is none."""
    try:
        with Store.open(store, read_only=True) as reader:
            return [hit.path for hit in reader.symbols(name)]
    except DiptychError:
        return []


def run_watch(
    root: Path, *options: str, before: tuple[str, ...] = (), program: str = RUN, **environment: str
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*before, sys.executable, "-c", program, "watch", str(root), "--plain", "--processes", "0", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """The line with that text, from its output."""
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return line
    raise AssertionError(f"it ended without {text!r}: {process.communicate()[1]}")
