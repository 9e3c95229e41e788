"""Damage that a flipped bit never does: entries of a snapshot's tables exchanged, and bytes changed under an
open store.
"""

from __future__ import annotations

import glob
import itertools
import os
import random
from collections.abc import Iterator

from diptych import DiptychError, Store
from diptych.snapshot.reader import SnapshotReader
from tools.damage.cases import Case
from tools.damage.samples import Sample
from tools.damage.trial import VIOLATIONS, Trial


class _Exchanging(Trial):
    """Exchanges the bytes at `at` and those at `mask`; `other` says how many."""

    def _damaged_copy(self, case: Case) -> None:
        super()._damaged_copy(case._replace(kind="grow", at=0))
        path, width = os.path.join(self.copy, case.file), int(case.other)
        with open(path, "r+b") as file:
            data = bytearray(file.read())
            one, two = slice(case.at, case.at + width), slice(case.mask, case.mask + width)
            data[one], data[two] = data[two], data[one]
            file.seek(0)
            file.write(data)


def exchanged(sample: Sample, directory: str) -> Iterator[str]:
    """For each pair of entries exchanged in a table of the largest snapshot: what was wrong, or ""."""
    path = max(glob.glob(sample.path + "/segments/*/records.msgpack"), key=os.path.getsize)
    trailer = SnapshotReader(path).trailer
    ends = [place.ends + 8 * bucket for place in trailer.indexes for bucket in range(1 << place.bits)]
    tables = (
        (4, [trailer.order + 4 * number for number in range(trailer.records)]),
        (8, [trailer.offsets + 8 * number for number in range(trailer.ids)]),
        (8, ends),
    )
    trial = _Exchanging(sample, directory)
    for width, places in tables:
        for one, two in itertools.combinations(places, 2):
            case = Case(sample.name, "exchange", os.path.relpath(path, sample.path), one, two, str(width))
            outcome = trial.run(case)
            wrong = outcome.word in VIOLATIONS
            yield f"bytes {one} and {two}: {' '.join(outcome.details[:1])}" if wrong else ""


def changed_while_open(sample: Sample, seed: int, *, tries: int) -> Iterator[str]:
    """For each byte of the journal changed while a reader has it open: what was wrong, or ""."""
    rng, right = random.Random(seed), sample.states[-1]
    path = max(glob.glob(sample.path + "/journal/*.wal"))
    with open(path, "rb") as file:
        whole = file.read()
    for _ in range(tries):
        at = rng.randrange(len(whole))
        with Store.open(sample.path, read_only=True) as store, open(path, "r+b") as file:
            file.seek(at)
            file.write(bytes([whole[at] ^ 1 << rng.randrange(8)]))
            file.flush()
            yield next(filter(None, (_wrong(store, name, right) for name in right)), "")
            file.seek(0)
            file.write(whole)


def _wrong(store: Store, name: str, right: object) -> str:
    try:
        found = store.file(name)
    except DiptychError:
        return ""
    assert isinstance(right, dict)
    return "" if found == right[name] else f"{name!r} is {found}"
