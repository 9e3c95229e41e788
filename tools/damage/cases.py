"""The damages: what is done to which file. Pure, but for the sizes they are given."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import NamedTuple


class Case(NamedTuple):
    """One damage to one file. `at` is a byte or a length; `other` is a file whose bytes are put there."""

    sample: str
    kind: str
    file: str
    at: int = 0
    mask: int = 0
    other: str = ""

    def describe(self) -> str:
        """The damage in words, enough to repeat it."""
        more = {"flip": f" byte {self.at} ^ {self.mask:#04x}", "cut": f" to {self.at} bytes"}
        by = f" by {self.other}" if self.other else ""
        return f"{self.sample}: {self.kind} {self.file}{more.get(self.kind, '')}{by}"


def files_of(store: str) -> dict[str, int]:
    """The files of a store by their relative paths, with their sizes."""
    found = {}
    for directory, _, names in os.walk(store):
        for name in names:
            path = os.path.join(directory, name)
            found[os.path.relpath(path, store)] = os.path.getsize(path)
    return dict(sorted(found.items()))


def cases_of(sample: str, files: dict[str, int], foreign: dict[str, str], seed: int) -> Iterator[Case]:
    """Every damage to every file. `foreign` gives for a file the bytes of another store's, by its path."""
    rng = random.Random(f"{seed} {sample}")
    for file, size in files.items():
        for at in range(size):
            # One bit: what a checksum must notice at the least.
            yield Case(sample, "flip", file, at, 1 << rng.randrange(8))
        for at in range(1, size):
            yield Case(sample, "cut", file, at)
        yield from whole_file_cases(sample, file, size, files, foreign)


def whole_file_cases(
    sample: str, file: str, size: int, files: dict[str, int], foreign: dict[str, str]
) -> Iterator[Case]:
    """Those that are not of one byte."""
    yield Case(sample, "empty", file)
    yield Case(sample, "delete", file)
    yield Case(sample, "zeros", file, size)
    yield Case(sample, "grow", file, 512)
    before = predecessor(file, files)
    if before:
        yield Case(sample, "predecessor", file, other=before)
        yield Case(sample, "exchange", file, other=before)
    if file in foreign:
        yield Case(sample, "foreign", file, other=foreign[file])


def predecessor(file: str, files: dict[str, int]) -> str:
    """The older generation, the older journal file, or the same file of another segment."""
    parts = file.split("/")
    if parts[0] in ("generations", "segments"):
        others = [f for f in files if f < file and len(f.split("/")) == len(parts)]
        alike = [f for f in others if f.split("/")[0] == parts[0] and f.split("/")[2:] == parts[2:]]
        return (alike or [""])[-1]
    if parts[0] == "journal" and file.endswith(".wal"):
        return next((f for f in reversed(files) if f.endswith(".wal") and f < file), "")
    return ""


def directories_of(files: dict[str, int]) -> list[str]:
    """The directories that hold files, for deleting them whole."""
    found = set()
    for file in files:
        parent = os.path.dirname(file)
        while parent:
            found.add(parent)
            parent = os.path.dirname(parent)
    return sorted(found)


def apply(case: Case, store: str, foreign_root: str = "") -> None:
    """Do it to the store in directory `store`, whose file is not shared with any other store's."""
    path = os.path.join(store, case.file)
    if case.kind == "delete":
        os.unlink(path)
        return
    with open(path, "rb") as file:
        data = bytearray(file.read())
    if case.kind == "flip":
        data[case.at] ^= case.mask
    elif case.kind == "cut":
        del data[case.at :]
    elif case.kind == "empty":
        data.clear()
    elif case.kind == "zeros":
        data = bytearray(len(data))
    elif case.kind == "grow":
        data += bytes(case.at)
    else:
        root = foreign_root if case.kind == "foreign" else store
        with open(os.path.join(root, case.other), "rb") as file:
            other = file.read()
        if case.kind == "exchange":
            _write(os.path.join(store, case.other), bytes(data))
        data = bytearray(other)
    _write(path, bytes(data))


def _write(path: str, data: bytes) -> None:
    # A new file: the old one may be a hard link to the pristine store's.
    os.unlink(path)
    with open(path, "xb") as file:
        file.write(data)
