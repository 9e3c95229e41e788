"""Data sets: a name, a size, and a file of packed records that every contestant reads."""

from __future__ import annotations

import gc
import itertools
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from diptych.model import FileRecord
from tools.bench.data import codec, generate

SEED = 1
# Raised when the same name and size would give other records: cached files of an older one are not read.
_EDITION = 2


@dataclass(frozen=True)
class Dataset:
    """`path` is the file of packed records; `tree` the source folder it was read from, "" if generated."""

    name: str
    files: int
    symbols: int
    path: str
    tree: str = ""

    def stream(self) -> Iterator[FileRecord]:
        """The records, one at a time."""
        return codec.read_records(self.path)

    def records(self) -> list[FileRecord]:
        """All records, in memory."""
        # Half a million new tuples make the collector walk them again and again, for nothing.
        gc.disable()
        try:
            return list(self.stream())
        finally:
            gc.enable()

    def batches(self, size: int) -> Iterator[list[FileRecord]]:
        """The records in lists of `size`."""
        return batched(self.stream(), size)


def batched(records: Iterable[FileRecord], size: int) -> Iterator[list[FileRecord]]:
    """Lists of `size` records; the last may be shorter."""
    iterator = iter(records)
    while batch := list(itertools.islice(iterator, size)):
        yield batch


def generated(folder: str, files: int, symbols_per_file: int) -> Dataset:
    """The generated store of that size, from the cache in `folder` or made now."""
    name = f"generated-{files}"
    return cached(
        folder, name, f"{name}x{symbols_per_file}",
        lambda: (generate.record(SEED, index, symbols_per_file) for index in range(files)),
    )


def cached(folder: str, name: str, key: str, make: object, tree: str = "") -> Dataset:
    """The data set stored under `key`, or what `make()` yields, stored now."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"{key}-{_EDITION}.records")
    about = f"{path}.json"
    try:
        with open(about, encoding="utf-8") as file:
            counts = json.load(file)
    except (OSError, ValueError):
        files, symbols = codec.write_records(path, make())  # type: ignore[operator]
        counts = {"files": files, "symbols": symbols}
        with open(about, "w", encoding="utf-8") as file:
            json.dump(counts, file)
    return Dataset(name, counts["files"], counts["symbols"], path, tree)
