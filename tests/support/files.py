"""Damage to files, one kind each."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def flip(path: str | os.PathLike[str], bit: int) -> None:
    """Flip one bit; negative counts from the end."""
    with open(path, "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(bit // 8 % size)
        byte = file.read(1)[0]
        file.seek(bit // 8 % size)
        file.write(bytes([byte ^ (1 << bit % 8)]))


def overwrite(path: str | os.PathLike[str], offset: int, data: bytes) -> None:
    """Put `data` in the place of what is at `offset`."""
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(data)


def cut(path: str | os.PathLike[str], count: int) -> None:
    """Take the last `count` bytes away."""
    with open(path, "r+b") as file:
        file.truncate(file.seek(0, os.SEEK_END) - count)


def gone(path: str | os.PathLike[str]) -> None:
    """Remove a file or a directory."""
    if os.path.isdir(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def tree(path: str | os.PathLike[str]) -> dict[str, bytes]:
    """All there is below a directory, name by name."""
    root = Path(path)
    return {
        str(item.relative_to(root)): b"" if item.is_dir() else item.read_bytes()
        for item in sorted(root.rglob("*"))
    }
