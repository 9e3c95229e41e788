"""A small repository, indexed once."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.command import diptych

PARSER = '''\
"""A parser."""

from base import Base


class HTTPServer(Base):
    """Serves requests."""

    def parse(self, text: str) -> list[str]:
        """Split the text into words."""
        return split(text)


def parse(path):
    return HTTPServer().parse(path)
'''

MAIN = """\
package main

// Run starts everything.
func Run(name string) error {
	return parse(name)
}
"""


def make_repository(root: Path) -> Path:
    """A git repository of two languages, with a file that git ignores."""
    (root / "src").mkdir(parents=True)
    (root / "src" / "parser.py").write_text(PARSER)
    (root / "main.go").write_text(MAIN)
    (root / "ignored.py").write_text("def ignored(): pass\n")
    (root / ".gitignore").write_text("ignored.py\n")
    (root / "picture.png").write_bytes(b"\x89PNG\0")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small repository, indexed; for tests that only read."""
    root = make_repository(tmp_path_factory.mktemp("indexed") / "repository")
    diptych("index", cwd=root)
    return root


@pytest.fixture
def repository(indexed: Path, tmp_path: Path) -> Path:
    """A copy of it to change."""
    root = tmp_path / "repository"
    shutil.copytree(indexed, root)
    return root


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB, in memory."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(path)]
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small file system")
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    yield path
    subprocess.run(["umount", "--lazy", str(path)], check=True)


def remount(path: Path, options: str) -> None:
    """Change how `small_disk` is mounted."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(path)], check=True)
