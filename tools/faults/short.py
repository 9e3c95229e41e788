"""Reads and writes of Python's own that transfer less than asked for, as the system is free to do."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any


def run(work: Callable[[], object], seed: int) -> None:
    """Call `work` with `os.read`, `os.pread`, `os.write` and `os.pwrite` cut short at random."""
    rng = random.Random(seed)
    whole = {name: getattr(os, name) for name in ("read", "pread", "write", "pwrite")}

    def some(length: int) -> int:
        return rng.randint(1, length) if length > 1 and rng.random() < 0.5 else length

    def read(fd: int, length: int) -> bytes:
        data: bytes = whole["read"](fd, some(length))
        return data

    def pread(fd: int, length: int, offset: int) -> bytes:
        data: bytes = whole["pread"](fd, some(length), offset)
        return data

    def write(fd: int, data: Any) -> int:
        view = memoryview(data)
        written: int = whole["write"](fd, view[: some(len(view))])
        return written

    def pwrite(fd: int, data: Any, offset: int) -> int:
        view = memoryview(data)
        written: int = whole["pwrite"](fd, view[: some(len(view))], offset)
        return written

    for replacement in (read, pread, write, pwrite):
        setattr(os, replacement.__name__, replacement)
    try:
        work()
    finally:
        for name, function in whole.items():
            setattr(os, name, function)
