"""How far the system's events reach: limits of inotify, what it watches, and file systems that send none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import watchfiles

from diptych import fs

linux = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")

PROGRAM = """
import sys
from diptych import fs
limit = fs.inotify_limit(sys.argv[1])
print(limit)
print(limit.advice)
"""


def test_nothing_keeps_this_process_from_watching_here(tmp_path: Path) -> None:
    assert fs.inotify_limit(str(tmp_path)) is None
    assert fs.inotify_limit(str(tmp_path / "missing")) is None, "that is no limit"


@linux
@pytest.mark.parametrize("what", ["watches", "instances"])
def test_an_exhausted_limit_is_named_with_its_value_and_how_to_raise_it(tmp_path: Path, what: str) -> None:
    name = f"user.max_inotify_{what}"
    script = f'echo 0 > /proc/sys/user/max_inotify_{what} && exec "$@"'
    done = subprocess.run(
        ["unshare", "-Ur", "sh", "-c", script, "sh", sys.executable, "-c", PROGRAM, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"no user namespaces here: {done.stderr}")
    named, advice = done.stdout.splitlines()
    assert named == f"{name} (0)"
    assert advice.startswith(f"raise it with `sudo sysctl {name}=")


@linux
def test_what_an_instance_watches_is_counted(tmp_path: Path) -> None:
    for n in range(7):
        (tmp_path / f"d{n}").mkdir()
    before = fs.inotify_instances()
    watching = watchfiles.watch(tmp_path, rust_timeout=1, yield_on_timeout=True)
    next(watching)
    (instance,) = fs.inotify_instances() - before
    assert fs.inotify_watches(instance) == 8
    watching.close()


def test_a_descriptor_of_something_else_watches_nothing() -> None:
    with open(os.devnull, "rb") as file:
        assert file.fileno() not in fs.inotify_instances()
        assert fs.inotify_watches(file.fileno()) in (0, None)
    assert fs.inotify_watches(10**6) is None


MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /mnt/c rw,noatime - 9p C:\\134 rw
31 22 0:41 / /home/a\\040b rw - nfs4 server:/x rw
32 22 0:42 / /home/a\\040b/local rw master:3 shared:4 - tmpfs none rw
33 22 0:43 / /ssh rw - fuse.sshfs host: rw
34 22 0:44 / /over rw - nfs4 server:/y rw
35 34 0:45 / /over rw - ext4 /dev/sdb rw
36 22 0:46 / /disk rw - fuseblk /dev/sdc rw
broken
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home", "nfs4"),
        ("/home/user/repository", ""),
        ("/mnt/c", "9p"),
        ("/mnt/c/Users/repository", "9p"),
        ("/mnt/cc", ""),
        ("/home/a b/repository", "nfs4"),
        ("/home/a b/local/repository", ""),
        ("/ssh/repository", "fuse.sshfs"),
        ("/over/repository", ""),
        ("/disk/repository", ""),
    ],
)
def test_file_systems_that_send_no_events_are_told_by_their_mount(
    tmp_path: Path, path: str, kind: str
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    assert fs.silent_file_system(path, str(mounts)) == kind


def test_where_mounts_cannot_be_listed_none_is_silent(tmp_path: Path) -> None:
    assert fs.silent_file_system("/", str(tmp_path / "missing")) == ""
    assert fs.silent_file_system(str(tmp_path)) == ""
