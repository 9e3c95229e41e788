"""Real source trees: where they come from, and the records of their files.

Each is copied or unpacked once, into a Git work tree of its own, so that finding its files costs what it
costs in anyone's repository.
"""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Callable, Iterator

from diptych.model import FileRecord
from tools.bench.data import extract
from tools.bench.data.dataset import Dataset, cached

_TIMEOUT_S = 1_800


class NoTreeError(Exception):
    """The tree cannot be had here; the message says why."""


def dataset(folder: str, name: str) -> Dataset:
    """The records of the tree of that name. Raises NoTreeError."""
    root = tree(folder, name)
    return cached(folder, name, name, lambda: _records(root), root)


def tree(folder: str, name: str) -> str:
    """The folder of the tree, fetched on first use. Raises NoTreeError."""
    if name not in _SOURCES:
        raise NoTreeError(f"there is no source tree {name}; there are {', '.join(_SOURCES)}")
    root = os.path.join(folder, "trees", name)
    if not os.path.isdir(os.path.join(root, ".git")):
        shutil.rmtree(root, ignore_errors=True)
        partial = f"{root}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        os.makedirs(partial)
        try:
            _SOURCES[name](partial)
            _make_repository(partial)
        except (OSError, subprocess.SubprocessError, tarfile.TarError) as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise NoTreeError(f"{name} cannot be had here: {_said(error)}") from error
        os.rename(partial, root)
    return root


def files(root: str) -> list[str]:
    """The files of the tree that tree-sitter is to parse here, relative to its root, in order; no links."""
    listed = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True, check=True).stdout
    names = [os.fsdecode(name) for name in listed.split(b"\0") if name]
    return sorted(
        name for name in names
        if extract.language_of(name) and not os.path.islink(os.path.join(root, name))
    )


def _records(root: str) -> Iterator[FileRecord]:
    import concurrent.futures

    names = files(root)
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        yield from pool.map(extract.record_of, [root] * len(names), names, chunksize=50)


def _standard_library(place: str) -> None:
    source = sysconfig.get_paths()["stdlib"]

    def unwanted(folder: str, names: list[str]) -> list[str]:
        return [
            name for name in names
            if name in ("site-packages", "__pycache__")
            or not (name.endswith(".py") or os.path.isdir(os.path.join(folder, name)))
        ]

    shutil.copytree(source, os.path.join(place, "Lib"), ignore=unwanted)


def _django(place: str) -> None:
    with _workplace(place) as work:
        command = [sys.executable, "-m", "pip", "download", "--no-binary", "django", "--no-deps", "-q"]
        _run([*command, "-d", work, "django"])
        (archive,) = glob.glob(os.path.join(work, "*.tar.gz"))
        _unpack(archive, place)


def _linux(place: str) -> None:
    with _workplace(place) as work:
        # The newest that this Debian has; its name carries the version.
        found = _run(["apt-cache", "pkgnames", "linux-source-"]).split()
        if not found:
            raise FileNotFoundError("no linux-source package is known to apt")
        _run(["apt-get", "download", max(found, key=_version)], cwd=work)
        (package,) = glob.glob(os.path.join(work, "*.deb"))
        _run(["dpkg-deb", "-x", package, work])
        (archive,) = glob.glob(os.path.join(work, "usr", "src", "*.tar.xz"))
        _unpack(archive, place)


def _version(package: str) -> list[int]:
    return [int(part) for part in package.removeprefix("linux-source-").split(".") if part.isdigit()]


class _workplace:  # noqa: N801  (reads as a function where it is used)
    """A folder beside the tree, gone at the end."""

    def __init__(self, place: str) -> None:
        self._path = f"{place}.work"

    def __enter__(self) -> str:
        shutil.rmtree(self._path, ignore_errors=True)
        os.makedirs(self._path)
        return self._path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._path, ignore_errors=True)


def _unpack(archive: str, place: str) -> None:
    with tarfile.open(archive) as file:
        file.extractall(place, filter="data")


def _make_repository(root: str) -> None:
    _run(["git", "-C", root, "init", "-q"])
    # By force: Debian's kernel comes with a .gitignore that ignores the kernel.
    _run(["git", "-C", root, "add", "-A", "-f"])
    who = ["-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "commit.gpgsign=false"]
    _run(["git", "-C", root, *who, "commit", "-q", "-m", "as it came"])


def _run(command: list[str], cwd: str | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True, timeout=_TIMEOUT_S)
    return done.stdout


def _said(error: Exception) -> str:
    printed = getattr(error, "stderr", None) or getattr(error, "stdout", None)
    lines = (printed or str(error)).strip().splitlines()
    return lines[-1] if lines else type(error).__name__


_SOURCES: dict[str, Callable[[str], None]] = {
    "stdlib": _standard_library, "django": _django, "linux": _linux,
}
