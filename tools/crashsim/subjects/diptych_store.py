"""Diptych: each commit is durable when it returns, and an exact prefix of the commits is recovered."""

from __future__ import annotations

import os
import tarfile
from typing import Any

from diptych import CheckpointPolicy, SegmentBuilder, Store, StoreNotFoundError, fs, repair, verify
from diptych.store.generation import read_manifest, segment_path

from ..marks import Marks
from .diptych_beside import ChangedCode, consume, copy_path
from .diptych_oracle import check
from .diptych_plan import (
    COMMITS,
    FORMAT_1_WORD,
    WORKLOADS,
    Transaction,
    accepts,
    begins_with_format_1,
    plan,
    record_of,
    word_of,
)

__all__ = ["EXPECTED", "MODES", "WORKLOADS", "accepts", "check", "recover", "run"]

_STORE_1 = os.path.join(os.path.dirname(__file__), "format-1.tar.xz")

EXPECTED: dict[str, str] = {}
MODES = ("open", "repair")


def run(workload: str, directory: str) -> None:
    """The recorded program."""
    path = directory + "/store"
    setting, word = word_of(workload)
    transactions, _ = plan(workload)
    marks = Marks()
    number = 0
    if begins_with_format_1(workload):
        word = word.removeprefix(FORMAT_1_WORD)
        number = sum(letter in COMMITS for letter in FORMAT_1_WORD)
        marks.issued(number)
        _unpack_format_1(path)
        marks.acked(number)
    store = _open(path, setting)
    for place, letter in enumerate(word):
        if letter in COMMITS:
            number += 1
            marks.issued(number)
            _commit(store, transactions[number - 1], directory)
            if setting != "buffered":
                marks.acked(number)
        elif letter == "r":
            _roll_back(store)
        elif letter in "kc":
            store.checkpoint(compact=letter == "c")
            marks.acked(number)
        elif letter in "uo":
            (store.backup if letter == "u" else store.fork)(copy_path(directory, place))
        elif letter == "a":
            consume(store, transactions)
        else:
            store.close()
            marks.acked(number)
            if letter == "p":
                repair(path)
            elif letter in "sf":
                _damage(path, letter)
            elif letter == "v":
                _verify(path)
            elif letter == "m":
                Store.open(path, schema=ChangedCode()).close()
            store = _open(path, setting)
    store.close()
    marks.acked(number)


def _open(path: str, setting: str) -> Store:
    durability: Any = setting if setting in ("full", "buffered") else "journal"
    policy = (
        CheckpointPolicy(changes=2, automatic=True)
        if setting == "auto"
        else CheckpointPolicy(automatic=False)
    )
    return Store.open(path, durability=durability, policy=policy)


def _unpack_format_1(path: str) -> None:
    """Put the store of format 1 at `path`, by one rename."""
    unpacked = path + ".unpacked"
    os.mkdir(unpacked)
    with tarfile.open(_STORE_1) as archive:
        for member in archive:
            archive.extract(member, unpacked, filter="data")
            made = os.path.join(unpacked, member.name)
            # Each by itself: nothing is asked of the states in which it is not all there.
            if member.isfile():
                fs.fsync_file(made)
            fs.fsync_dir(os.path.dirname(made))
    os.rename(os.path.join(unpacked, "store"), path)
    os.rmdir(unpacked)
    fs.fsync_dir(os.path.dirname(path))


def _commit(store: Store, wanted: Transaction, directory: str) -> None:
    if wanted.adopts:
        with SegmentBuilder(store.schema, directory + "/built") as builder:
            for record in wanted.stored:
                builder.add(record)
            builder.finish()
    with store.transaction() as transaction:
        if wanted.adopts:
            transaction.adopt(directory + "/built")
        for record in () if wanted.adopts else wanted.stored:
            transaction.index_file(record)
        for path in wanted.removed:
            transaction.remove_file(path)


def _damage(path: str, letter: str) -> None:
    """Turn over a byte in the middle of the records, or of the search half, of the newest segment."""
    generations = sorted(os.scandir(f"{path}/generations"), key=lambda entry: entry.name)
    segments = read_manifest(generations[-1].path).segments if generations else ()
    if not segments:
        return
    name = "records.msgpack" if letter == "s" else "search.bundle"
    descriptor = os.open(f"{segment_path(path, segments[-1].digest)}/{name}", os.O_RDWR)
    try:
        middle = os.fstat(descriptor).st_size // 2
        byte = os.pread(descriptor, 1, middle)
        os.pwrite(descriptor, bytes([byte[0] ^ 0x40]), middle)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _verify(path: str) -> None:
    """All keys and documents in both stores."""
    report = verify(path)
    if not report.ok:
        raise AssertionError(f"verify finds {report.findings}")


class _RollBackError(Exception):
    """Raised inside a transaction to end it."""


def _roll_back(store: Store) -> None:
    try:
        with store.transaction() as transaction:
            transaction.index_file(record_of("rolled/back.py", 999))
            raise _RollBackError
    except _RollBackError:
        pass


def recover(workload: str, directory: str, mode: str) -> None:
    """Open, publish and close; or repair. A store that was not made yet has nothing to repair."""
    path = directory + "/store"
    # With a change of the schema half made, the schema to repair it with is the other one.
    if mode == "repair" and "m" not in word_of(workload)[1]:
        try:
            repair(path)
        except StoreNotFoundError:
            return
    else:
        with Store.open(path, policy=CheckpointPolicy(automatic=False)) as store:
            store.checkpoint()
