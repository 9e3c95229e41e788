"""What may stand in the place of a file or folder of a store, and running commands on it in this process."""

from __future__ import annotations

import io
import os
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

GIANT_BYTES = 6 << 30
KINDS = ("fifo", "device", "directory", "sparse", "link", "loop")


def misplace(path: Path, kind: str, outside: Path) -> None:
    """Put something else in the place of `path`. A link leads to what was there, which is in `outside`."""
    kept = outside / "leads-here"
    if path.is_symlink():
        path.unlink()
        kept.mkdir()
        (kept / "within").write_text("x")
    elif path.is_dir():
        shutil.copytree(path, kept)
        shutil.rmtree(path)
    elif path.exists():
        shutil.copyfile(path, kept)
        path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "directory":
        path.mkdir()
        (path / "within").write_text("x")
    elif kind == "sparse":
        with path.open("wb") as file:
            file.truncate(GIANT_BYTES)
    elif kind == "link":
        path.symlink_to(kept)
    elif kind == "loop":
        path.symlink_to(path.name)


def state_of(folder: Path) -> dict[str, tuple[object, ...]]:
    """All that would tell if something below `folder` was written to, linked or removed."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        data = path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(folder))] = (status.st_mode, status.st_nlink, status.st_mtime_ns, data)
    return found


def call(*arguments: object) -> tuple[int, str]:
    """The exit code of a command and what it said. It must end by itself or by an error of Diptych's."""
    from diptych.cli.app import run
    from diptych.cli.shell import explain
    from diptych.errors import DiptychError

    out, said = io.TextIOWrapper(io.BytesIO()), io.StringIO()
    with redirect_stdout(out), redirect_stderr(said):
        try:
            code = run([str(one) for one in arguments])
        except DiptychError as error:
            code = explain(error)
    assert "unexpected failure" not in said.getvalue(), (arguments, said.getvalue())
    return code, said.getvalue()


def bound_memory(most_bytes: int) -> None:
    """No more address space than this for this process."""
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))


def most_resident_bytes() -> int:
    """How much memory this process has ever held."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
