"""Nothing below a folder is reached through a symbolic link, however names are replaced meanwhile."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from tests.support.waiting import join

from diptych.fs import Beneath


def _read(tree: Beneath, name: bytes) -> bytes:
    fd = tree.open(name)
    try:
        return os.read(fd, 100)
    finally:
        os.close(fd)


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """`a/b/c.py` and `a/d.py` below a folder, and a secret beside it, with links to it."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/c.py").write_text("secret")
    top = tmp_path / "top"
    (top / "a/b").mkdir(parents=True)
    (top / "a/b/c.py").write_text("inner")
    (top / "a/d.py").write_text("outer")
    (top / "out").symlink_to(tmp_path / "secret")
    (top / "c.py").symlink_to(tmp_path / "secret/c.py")
    (top / "in").symlink_to("a/b")
    return top


def test_files_are_reached_in_any_order(top: Path) -> None:
    with Beneath(top) as tree:
        for name, data in [(b"a/b/c.py", b"inner"), (b"a/d.py", b"outer"), (b"a/b/c.py", b"inner")] * 2:
            assert _read(tree, name) == data
            assert tree.lstat(name).st_size == 5
        for folder, names in ((b"", ["a", "c.py", "in", "out"]), (b"a/b", ["c.py"])):
            fd = tree.open_folder(folder)
            assert sorted(os.listdir(fd)) == names
            os.close(fd)


def test_what_is_behind_a_link_is_not_there(top: Path) -> None:
    with Beneath(top) as tree:
        for name in (b"out/c.py", b"in/c.py", b"a/d.py/c.py", b"nothing/c.py"):
            for way in (tree.lstat, tree.open, tree.open_folder):
                with pytest.raises(FileNotFoundError):
                    way(name)
        assert os.path.stat.S_ISLNK(tree.lstat(b"c.py").st_mode)
        for link in (b"c.py", b"out"):
            with pytest.raises(OSError):
                tree.open(link)
            with pytest.raises(OSError):
                tree.open_folder(link)
        # And what is there is found afterwards.
        assert _read(tree, b"a/b/c.py") == b"inner"


def test_only_regular_files_are_opened_and_nothing_waits(top: Path) -> None:
    os.mkfifo(top / "a/fifo")
    with Beneath(top) as tree:
        for name in (b"a/fifo", b"a/b"):
            with pytest.raises(OSError):
                tree.open(name)


def test_the_top_may_be_a_link_and_may_be_missing(top: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(top)
    with Beneath(tmp_path / "link") as tree:
        assert _read(tree, b"a/d.py") == b"outer"
    with Beneath(tmp_path / "none") as tree, pytest.raises(FileNotFoundError):
        tree.lstat(b"a")


def test_a_name_of_any_depth_takes_few_descriptors(tmp_path: Path) -> None:
    deep = b"/".join([b"d"] * 300)
    # By steps: the complete path is longer than some systems allow.
    for prefix in range(50, 301, 50):
        (tmp_path / Path(os.fsdecode(b"/".join([b"d"] * prefix)))).mkdir(parents=True)
    (tmp_path / os.fsdecode(deep) / "a.py").write_text("deep")
    before = _descriptors()
    with Beneath(tmp_path) as tree:
        assert _read(tree, deep + b"/a.py") == b"deep"
        with pytest.raises(FileNotFoundError):
            tree.open(deep + b"/none/a.py")
        assert _read(tree, deep + b"/a.py") == b"deep"
        assert _descriptors() - before < 20
    assert _descriptors() == before


def test_a_folder_that_is_swapped_for_a_link_over_and_over_never_leads_out(top: Path, tmp_path: Path) -> None:
    stop = threading.Event()
    (top / "link").symlink_to(tmp_path / "secret")

    def swap() -> None:
        while not stop.is_set():
            (top / "a/b").rename(top / "a/moved")
            (top / "link").rename(top / "a/b")
            (top / "a/b").rename(top / "link")
            (top / "a/moved").rename(top / "a/b")

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        read = set()
        for _ in range(3000):
            with Beneath(top) as tree:
                try:
                    read.add(_read(tree, b"a/b/c.py"))
                except FileNotFoundError:
                    read.add(b"")
    finally:
        stop.set()
        join(swapping)
    assert b"secret" not in read
    assert read <= {b"inner", b""}
