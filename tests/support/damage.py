"""A store with two generations and a journal of three journal files, and every way in which parts of it fail.

    LSN   1 2 3 4 | 5 6 7 8 | 9 10 | 11 12
    generations   4         8
    journal files        5.wal     9.wal  11.wal

`11.wal` was begun by a checkpoint that then failed, so that the journal has a first, a middle and a last
journal file. The store was closed in order.

Each generation has two segments. The older one, of LSN 1 and 2, is in both generations; the newer one is in
its generation alone. `FLIPPED` is in the segment that is shared, and `FLIPPED_NEW` in the newer one of the
newer generation; neither is in a later transaction.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgpack
import pytest
from tests.support.files import cut, gone, overwrite
from tests.support.records import record

from diptych import CheckpointPolicy, FileRecord, StorageFullError, Store
from diptych.journal.file import JournalFile
from diptych.journal.reader import FrameReader
from diptych.layout import BUNDLE, RECORDS
from diptych.segment.format import decode_bundle
from diptych.store.checkpoint import publish
from diptych.store.generation import read_manifest

OLD, NEW, LAST = 4, 8, 12
FLIPPED = "keep/flipped.py"
FLIPPED_NEW = "pkg/007.py"
MANUAL = CheckpointPolicy(automatic=False)

HALF = ("intact", "damaged", "gone")
"""What may have become of a half of a segment, a manifest, or the identity."""
JOURNAL = (
    "intact",
    "torn",
    "shortened",
    "damaged-first",
    "damaged-last",
    "first-gone",
    "middle-gone",
    "last-gone",
    "gone",
)
"""`torn`: half a frame more than was committed. `shortened`: the last frame is cut, which CLOSED knows."""

Files = dict[str, FileRecord]


class Case(NamedTuple):
    """One combination. A half is "intact", "gone", "flipped" (of the right size) or "cut" (of another).

    `new_snapshot` and `new_search` are those of the segment that only the newer generation has, the others
    those of the segment that both have.
    """

    new_snapshot: str = "intact"
    new_search: str = "intact"
    shared_snapshot: str = "intact"
    shared_search: str = "intact"
    journal: str = "intact"
    identity: str = "intact"
    new_manifest: str = "intact"
    old_manifest: str = "intact"

    @property
    def id(self) -> str:
        """A name that says all that is wrong."""
        states = zip(self._fields, self, strict=True)
        return " ".join(f"{name}:{value}" for name, value in states if value != "intact") or "all-intact"


def changes(lsn: int) -> tuple[list[FileRecord], list[str]]:
    """What the transaction of that LSN stores and removes."""
    stored = [record(f"pkg/{lsn:03d}.py", lsn), record("pkg/again.py", lsn)]
    removed = [f"pkg/{lsn - 3:03d}.py"] if lsn > 3 and lsn % 2 else []
    if lsn == 1:
        stored += [record(FLIPPED, 1), record("keep/other.py", 1)]
    return stored, removed


def apply(files: Files, lsn: int) -> Files:
    """`files` with that transaction."""
    stored, removed = changes(lsn)
    after = {**files, **{one.path: one for one in stored}}
    return {path: one for path, one in after.items() if path not in removed}


def truth() -> dict[int, Files]:
    """What the store holds at each LSN."""
    states: dict[int, Files] = {0: {}}
    for lsn in range(1, LAST + 1):
        states[lsn] = apply(states[lsn - 1], lsn)
    return states


def commit(store: Store, lsn: int) -> None:
    """Commit that transaction."""
    stored, removed = changes(lsn)
    with store.transaction() as txn:
        for one in stored:
            txn.index_file(one)
        for path in removed:
            txn.remove_file(path)
    assert txn.lsn == lsn


def build(path: str) -> None:
    """Make the store."""
    with Store.open(path, policy=MANUAL) as store:
        for lsn in range(1, LAST + 1):
            commit(store, lsn)
            if lsn in (2, OLD, NEW):
                store.checkpoint()
            if lsn == 10:
                with pytest.MonkeyPatch.context() as patch, pytest.raises(StorageFullError):
                    patch.setattr(publish, "build", _no_space)
                    store.checkpoint()
    assert sorted(os.listdir(f"{path}/generations")) == [f"{OLD:020d}", f"{NEW:020d}"]
    old, new = segments(path, OLD), segments(path, NEW)
    assert (len(old), len(new), old[0]) == (2, 2, new[0])
    assert sorted(os.listdir(f"{path}/journal")) == [f"{n:020d}.wal" for n in (5, 9, 11)] + ["CLOSED"]


def _no_space(*arguments: object) -> None:
    raise StorageFullError("no space", errno=28)


def generation(path: str, lsn: int) -> str:
    """The manifest of a generation."""
    return os.path.join(path, "generations", f"{lsn:020d}")


def newest(path: str) -> str:
    """The manifest of the newest generation."""
    names = os.listdir(os.path.join(path, "generations"))
    return os.path.join(path, "generations", max(names, key=lambda name: [int(n) for n in name.split(".")]))


def segments(path: str, lsn: int | None = None) -> list[str]:
    """The segments of the generation at an LSN, or of the newest, as its manifest lists them."""
    manifest = read_manifest(newest(path) if lsn is None else generation(path, lsn))
    return [os.path.join(path, "segments", listed.digest) for listed in manifest.segments]


def own_segment(path: str, lsn: int) -> str:
    """The newest segment of a generation."""
    return segments(path, lsn)[-1]


def forget_generation(path: str, lsn: int) -> None:
    """Remove a generation's manifest, and its copy."""
    gone(generation(path, lsn))
    gone(os.path.join(path, "segments", f"{lsn:020d}"))


def journal_file(path: str, first_lsn: int) -> str:
    """A file of the journal."""
    return os.path.join(path, "journal", f"{first_lsn:020d}.wal")


def inflict(path: str, case: Case) -> None:
    """Damage the store at `path` as the case says."""
    shared, new = segments(path, NEW)
    damage_snapshot(shared, case.shared_snapshot, FLIPPED)
    damage_search(shared, case.shared_search)
    damage_snapshot(new, case.new_snapshot, FLIPPED_NEW)
    damage_search(new, case.new_search)
    damage_sealed(generation(path, NEW), case.new_manifest)
    damage_sealed(generation(path, OLD), case.old_manifest)
    damage_sealed(os.path.join(path, "IDENTITY"), case.identity)
    DAMAGE_JOURNAL[case.journal](path)


def damage_snapshot(segment: str, how: str, name: str) -> None:
    """The payload of the record of that name, or the trailer, or all."""
    path = os.path.join(segment, RECORDS)
    if how == "flipped":
        with open(path, "rb") as file:
            data = file.read()
        at = data.find(name.encode()) + len(name) + 12
        overwrite(path, at, bytes([data[at] ^ 0x10]))
    elif how == "cut":
        cut(path, 100)
    elif how == "gone":
        gone(path)


def damage_search(segment: str, how: str) -> None:
    """The stored documents of a segment, or the end of its search half, or all."""
    path = os.path.join(segment, BUNDLE)
    if how == "flipped":
        with open(path, "rb") as file:
            data = file.read()
        overwrite(path, data.find(_stored_documents(data)) + 10, b"\xa5" * 40)
    elif how == "cut":
        cut(path, 30)
    elif how == "gone":
        gone(path)


def _stored_documents(bundle: bytes) -> bytes:
    """The content of Tantivy's document store in a bundle."""
    names = msgpack.unpackb(bundle)
    stem = next(iter(names)).split(".")[0]
    return decode_bundle(bundle, stem, where="bundle")[f"{stem}.store"]


def damage_sealed(path: str, how: str) -> None:
    """A manifest or the identity."""
    if how == "damaged":
        overwrite(path, 40, b"\x00\x01\x02\x03")
    elif how == "gone":
        gone(path)


def frames(path: str, first_lsn: int) -> dict[int, tuple[int, int]]:
    """Where the frame of each LSN of a journal file begins and ends."""
    found = FrameReader(JournalFile(journal_file(path, first_lsn)))
    return {frame.lsn: (frame.offset, frame.end) for frame in found if frame.kind == 2}


def _torn(path: str) -> None:
    with open(journal_file(path, 11), "r+b") as file:
        begin, end = frames(path, 11)[12]
        file.seek(begin)
        half = file.read(end - begin)[: (end - begin) // 2]
        file.seek(0, os.SEEK_END)
        file.write(half)


def _shortened(path: str) -> None:
    begin, end = frames(path, 11)[12]
    cut(journal_file(path, 11), (end - begin) // 2)


def _damaged(path: str, first_lsn: int, lsn: int) -> None:
    overwrite(journal_file(path, first_lsn), frames(path, first_lsn)[lsn][0] + 40, b"\x5a\xa5\x5a")


DAMAGE_JOURNAL: dict[str, Callable[[str], None]] = {
    "intact": lambda path: None,
    "torn": _torn,
    "shortened": _shortened,
    "damaged-first": lambda path: _damaged(path, 5, 6),
    "damaged-last": lambda path: _damaged(path, 11, 11),
    "first-gone": lambda path: gone(journal_file(path, 5)),
    "middle-gone": lambda path: gone(journal_file(path, 9)),
    "last-gone": lambda path: gone(journal_file(path, 11)),
    "gone": lambda path: gone(os.path.join(path, "journal")),
}


def half_cases() -> Iterator[Case]:
    """All 729 of halves and journal. A damaged half is flipped in one case and cut in the next."""
    product = itertools.product(HALF, HALF, HALF, HALF, JOURNAL)
    for number, (*halves, journal) in enumerate(product):
        flavoured = [
            ("flipped", "cut")[(number + place) % 2] if half == "damaged" else half
            for place, half in enumerate(halves)
        ]
        yield Case(*flavoured, journal=journal)


def sealed_cases() -> Iterator[Case]:
    """All 234 of identity, both manifests and journal with damage to one of the first three."""
    for identity, new, old, journal in itertools.product(HALF, HALF, HALF, JOURNAL):
        if (identity, new, old) != ("intact", "intact", "intact"):
            yield Case(journal=journal, identity=identity, new_manifest=new, old_manifest=old)
