"""Parts that pass their own checksums, and are not what they are taken for: each test that tells, by itself.

Damage changes bytes and fails a checksum; these files were made by the engine's own encoders.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.damage import MANUAL, generation, journal_file, own_segment
from tests.support.files import cut, flip, gone, overwrite
from tests.support.records import record

from diptych import CorruptSearchError, CorruptSnapshotError, FileRecord, Store, Symbol, fs, repair, verify
from diptych.change import StoredRecord, record_checksum
from diptych.journal.file import JournalFile
from diptych.journal.format import COMMIT, CONTROL, HEADER_SIZE, PART, encode_frame, encode_header
from diptych.journal.reader import FrameReader
from diptych.layout import BUNDLE, JOURNAL, RECORDS
from diptych.model import Range
from diptych.schema.code import CODE
from diptych.search.one_segment import OneSegmentWriter
from diptych.segment.format import encode_bundle
from diptych.segment.seal import encode_seal
from diptych.snapshot import format as snapshot
from diptych.snapshot.reader import SnapshotReader
from diptych.store.generation import read_manifest
from diptych.store.manifest import encode_manifest
from diptych.store.recovery.inspection import inspect


def killed(path: str, *, commits: int, checkpoint_at: int = 0) -> str:
    """A store whose writer was killed after so many commits, each of one file; its journal's last bytes are
    those of a transaction's frame."""
    made = path + ".open"
    with Store.open(made, policy=MANUAL) as store:
        for lsn in range(1, commits + 1):
            with store.transaction() as txn:
                txn.index_file(record(f"pkg/{lsn:03d}.py", lsn))
            if lsn == checkpoint_at:
                store.checkpoint()
        shutil.copytree(made, path)
    return path


def frames(path: str, first_lsn: int) -> list[tuple[int, int]]:
    """Where each frame of a journal file begins and ends."""
    return [(frame.offset, frame.end) for frame in FrameReader(JournalFile(journal_file(path, first_lsn)))]


def problems(path: str) -> str:
    """All that is wrong with the journal files."""
    return "; ".join(found.problem for found in inspect(path, CODE).scan.journal if found.problem)


def forge_segment(path: str, pieces: list[tuple[int, int, bool]]) -> None:
    """A journal file with frames of the given `(LSN, kind, continues)`, each chained to the one before."""
    header = JournalFile(journal_file(path, 1)).header
    chain, data = header.chain, encode_header(header)
    assert len(data) == HEADER_SIZE
    for lsn, kind, continues in pieces:
        frame, chain = encode_frame(
            lsn, kind, b"", salt=header.salt, chain=chain, synced=HEADER_SIZE, continues=continues
        )
        data += frame
    Path(journal_file(path, 1)).write_bytes(data)


@pytest.mark.parametrize(
    ("pieces", "problem"),
    [
        ([(1, COMMIT, False), (3, COMMIT, False)], "LSN 3 follows 1"),
        ([(1, COMMIT, False), (1, COMMIT, False)], "LSN 1 follows 1"),
        ([(1, COMMIT, True)], "without its beginning or end"),
        ([(1, PART, False), (1, COMMIT, False)], "without its beginning or end"),
        ([(1, PART, False), (0, CONTROL, False), (1, COMMIT, True)], "a control frame within a transaction"),
    ],
)
def test_frames_that_are_chained_and_make_no_transactions(
    store_path: str, pieces: list[tuple[int, int, bool]], problem: str
) -> None:
    killed(store_path, commits=1)
    forge_segment(store_path, pieces)
    assert problem in problems(store_path)
    found, _, plan = inspect(store_path, CODE)
    assert plan.fatal
    assert plan.last_lsn == found.journal[0].last_lsn < 3


def test_a_segment_under_the_name_of_another_lsn(store_path: str) -> None:
    killed(store_path, commits=3, checkpoint_at=2)
    os.rename(journal_file(store_path, 3), journal_file(store_path, 7))
    assert "says that it begins with LSN 3" in problems(store_path)


def test_a_later_segment_tells_what_an_earlier_one_has_lost(store_path: str) -> None:
    killed(store_path, commits=4, checkpoint_at=3)
    gone(generation(store_path, 3))
    begin, end = frames(store_path, 1)[-1]
    cut(journal_file(store_path, 1), end - begin)
    assert not problems(store_path)
    plan = inspect(store_path, CODE).plan
    assert plan.fatal
    assert plan.lost == ("the transactions of LSN 3 to 3",)


def test_a_manifest_tells_what_the_journal_has_lost(store_path: str) -> None:
    killed(store_path, commits=3, checkpoint_at=3)
    gone(own_segment(store_path, 3))
    gone(journal_file(store_path, 4))
    begin, end = frames(store_path, 1)[-1]
    cut(journal_file(store_path, 1), end - begin)
    assert inspect(store_path, CODE).plan.lost == ("the transactions of LSN 3 to 3",)


def test_a_frame_behind_a_damaged_one_tells_how_far_the_journal_went(store_path: str) -> None:
    killed(store_path, commits=3)
    overwrite(journal_file(store_path, 1), frames(store_path, 1)[1][0] + 40, b"\x5a\xa5\x5a")
    plan = inspect(store_path, CODE).plan
    assert plan.fatal
    assert plan.lost == ("the transactions of LSN 2 to 3",)


def test_the_mark_of_another_stores_close_proves_nothing(store_path: str, memory_path: Path) -> None:
    other = str(memory_path / "other")
    for path, commits in ((store_path, 2), (other, 5)):
        with Store.open(path, policy=MANUAL) as store:
            for number in range(commits):
                with store.transaction() as txn:
                    txn.index_file(record("a.py", number))
    shutil.copyfile(os.path.join(other, JOURNAL, "CLOSED"), os.path.join(store_path, JOURNAL, "CLOSED"))
    with Store.open(store_path) as store:
        assert store.lsn == 2
        assert [finding.kind for finding in store.recovery] == ["closed-mark-damaged"]


def one_file(path: str, documentation: str, *, more: int = 0) -> None:
    """A store with a generation, whose files have the same length for documentation of the same length."""
    symbol = Symbol("parse", "function", Range(0, 0, 1, 0), documentation=documentation)
    with Store.open(path, policy=MANUAL) as store:
        with store.transaction() as txn:
            for number in range(1 + more):
                txn.index_file(FileRecord(f"{number}.py", "0" * 64, "python", [symbol]))
        store.checkpoint()


def test_a_snapshot_of_another_store_of_the_same_size(store_path: str, memory_path: Path) -> None:
    other = str(memory_path / "other")
    one_file(store_path, "ours")
    one_file(other, "them")
    ours, theirs = (records_of(path, 1) for path in (store_path, other))
    assert os.path.getsize(ours) == os.path.getsize(theirs)
    shutil.copyfile(theirs, ours)
    with Store.open(store_path) as store:
        found = store.file("0.py")
        assert found is not None
        assert found.symbols[0].documentation == "ours"


def records_of(path: str, lsn: int) -> str:
    """The records of the newest segment of a generation."""
    return os.path.join(own_segment(path, lsn), RECORDS)


def forge_trailer(path: str, **fields: int) -> None:
    """Give a snapshot's trailer other fields, and the checksum that fits them."""
    size = os.path.getsize(path)
    at = size - snapshot.TRAILER_SIZE
    trailer = snapshot.decode_trailer(Path(path).read_bytes()[at:], where=path)
    overwrite(path, at, snapshot.encode_trailer(trailer._replace(**fields)))
    assert os.path.getsize(path) == size


@pytest.mark.parametrize("fields", [{"records": 1}, {"lsn": 9}])
def test_a_snapshot_that_does_not_fit_its_manifest(store_path: str, fields: dict[str, int]) -> None:
    one_file(store_path, "ours", more=1)
    forge_trailer(records_of(store_path, 1), **fields)
    with Store.open(store_path) as store:
        assert (len(store), store.lsn) == (2, 1)
        assert "snapshot-damaged" in [finding.kind for finding in store.recovery]
        assert [found.path for found in store.files()] == ["0.py", "1.py"]


def test_every_bit_of_a_trailer_is_covered(store_path: str) -> None:
    one_file(store_path, "ours")
    path = records_of(store_path, 1)
    data = Path(path).read_bytes()
    last = data[-snapshot.TRAILER_SIZE :]
    snapshot.decode_trailer(last, where=path)
    for bit in range(8 * len(last)):
        flipped = bytearray(last)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CorruptSnapshotError):
            snapshot.decode_trailer(bytes(flipped), where=path)


def test_records_in_another_order_than_their_keys(store_path: str) -> None:
    one_file(store_path, "ours", more=1)
    path = records_of(store_path, 1)
    reader = SnapshotReader(path)
    begin, end = reader.records_begin, reader.trailer.records_end
    half = (end - begin) // 2
    data = reader.map[begin:end]
    overwrite(path, begin, data[half:] + data[:half])
    table = reader.map[reader.trailer.offsets : reader.trailer.offsets + 16]
    overwrite(path, reader.trailer.offsets, table[8:] + table[:8])
    forged = SnapshotReader(path)
    assert [forged.find(key) is not None for key in (b"0.py", b"1.py")] == [True, True]
    with pytest.raises(CorruptSnapshotError, match="disorder"):
        list(forged.scan())
    with Store.open(store_path) as store, pytest.raises(CorruptSnapshotError, match="disorder"):
        # The greater key came first: to go on behind it would leave the other out without a word.
        list(store.files())
    repair(store_path)
    with Store.open(store_path) as store:
        assert [found.path for found in store.files()] == ["0.py", "1.py"]


def test_a_search_index_that_was_damaged_is_not_searched_by_the_next_generation(store_path: str) -> None:
    one_file(store_path, "ours")
    flip(os.path.join(own_segment(store_path, 1), BUNDLE), 8 * 3_000)
    with Store.open(store_path, policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(record("new.py"))
        store.checkpoint()
        # It shares the damaged segment, and finds that out.
        assert {hit.path for hit in store.search("ours")} == {"0.py"}
    with Store.open(store_path, read_only=True) as store:
        assert {hit.path for hit in store.search("ours")} == {"0.py"}


def forge_seal(path: str, lsn: int, name: str) -> None:
    """Let the newest segment of a generation have the file `name` as it is now, by SEAL and manifest."""
    where = generation(path, lsn)
    manifest = read_manifest(where)
    *others, listed = manifest.segments
    directory = own_segment(path, lsn)
    files = {**listed.seal.files, name: fs.digest_stable_file(os.path.join(directory, name))}
    forged = replace(listed, sealed=encode_seal(replace(listed.seal, files=files)))
    os.rename(directory, os.path.join(path, "segments", forged.digest))
    Path(path, "segments", forged.digest, "SEAL").write_bytes(forged.sealed)
    Path(where).write_bytes(encode_manifest(replace(manifest, segments=(*others, forged))))


@pytest.mark.parametrize("said", ["counts", "two segments have a live record of b'a.py'"])
def test_verify_compares_what_a_manifest_says_of_all_records(store_path: str, said: str) -> None:
    with Store.open(store_path, policy=MANUAL) as store:
        for version in (1, 2):
            with store.transaction() as txn:
                for name in ("a.py", "b.py", "c.py") if version == 1 else ("a.py",):
                    txn.index_file(record(name, version))
            store.checkpoint()
    where = Path(generation(store_path, 2))
    manifest = read_manifest(str(where))
    first, second = manifest.segments
    assert (first.records, second.records) == (2, 1)
    more = tuple(count + 1 for count in first.counts)
    totals = {name: count + 1 for name, count in manifest.counts.items()}
    if said == "counts":
        forged = replace(manifest, segments=(replace(first, counts=more), second), counts=totals)
    else:
        forged = replace(manifest, segments=(replace(first, dead=b"", records=3), second), records=4)
    where.write_bytes(encode_manifest(forged))
    assert said in verify(store_path).findings[0].message
    assert repair(store_path).given_up == []
    expected = [record("a.py", 2), record("b.py", 1), record("c.py", 1)]
    with Store.open(store_path) as store:
        assert list(store.files()) == expected


def test_a_search_index_of_another_size_is_told_at_opening(store_path: str) -> None:
    one_file(store_path, "ours")
    cut(os.path.join(own_segment(store_path, 1), BUNDLE), 1)
    with Store.open(store_path, read_only=True) as store:
        assert [finding.kind for finding in store.recovery] == ["search-damaged"]


@pytest.mark.parametrize("forged", [False, True])
def test_a_search_index_of_another_segment(store_path: str, forged: bool) -> None:
    """Its files carry the id of their segment in their names."""
    one_file(store_path, "ours")
    with Store.open(store_path, policy=MANUAL) as store:
        store_file(store, "later")
        store.checkpoint()
    old, new = (os.path.join(own_segment(store_path, lsn), BUNDLE) for lsn in (1, 2))
    shutil.copyfile(old, new)
    if forged:
        forge_seal(store_path, 2, BUNDLE)
    with Store.open(store_path, read_only=True) as store, pytest.raises(CorruptSearchError):
        store.search("later")
    with Store.open(store_path, policy=MANUAL) as store:
        assert {hit.path for hit in store.search("later")} == {"later.py"}


def store_file(store: Store, word: str) -> None:
    """Commit a file whose one symbol is documented by one word."""
    symbol = Symbol("parse", "function", Range(0, 0, 1, 0), documentation=word)
    with store.transaction() as txn:
        txn.index_file(FileRecord(f"{word}.py", "0" * 64, "python", [symbol]))


def forge_search(path: str, names: list[str]) -> None:
    """A search half with records of other keys, for the one segment of a store's first generation."""
    directory, seal = own_segment(path, 1), read_manifest(generation(path, 1)).segments[0].seal
    work = path + ".work"
    os.mkdir(work)
    writer = OneSegmentWriter(work, CODE)
    for name in names:
        symbol = Symbol("parse", "function", Range(0, 0, 1, 0), documentation="ours")
        one = FileRecord(name, "0" * 64, "python", [symbol])
        key, payload = CODE.key_of(one), CODE.pack(one)
        stored = StoredRecord(key, record_checksum(key, payload), payload)
        writer.add(stored, CODE.documents(key, payload))
    written = writer.commit()
    contents = {
        f"{seal.segment_id}.{suffix}": Path(file).read_bytes() for suffix, file in written.files.items()
    }
    Path(directory, BUNDLE).write_bytes(encode_bundle(contents))


@pytest.mark.parametrize(
    ("names", "hashes"),
    [
        # One record of another key: as many, and each passes its checksum.
        (["0.py", "x.py"], False),
        (["0.py", "x.py"], True),
        (["0.py"], True),
    ],
    ids=["hashes", "keys", "count"],
)
def test_records_are_not_rebuilt_from_another_search_index(
    store_path: str, names: list[str], hashes: bool
) -> None:
    one_file(store_path, "ours", more=1)
    forge_search(store_path, names)
    if hashes:
        forge_seal(store_path, 1, BUNDLE)
    gone(records_of(store_path, 1))
    with Store.open(store_path) as store:
        assert [found.path for found in store.files()] == ["0.py", "1.py"]


@pytest.mark.parametrize("half", [RECORDS, BUNDLE])
def test_salvage_takes_no_half_of_another_store(store_path: str, memory_path: Path, half: str) -> None:
    other = str(memory_path / "other")
    one_file(store_path, "ours")
    one_file(other, "them")
    for name in (RECORDS, BUNDLE):
        gone(os.path.join(own_segment(store_path, 1), name))
    gone(os.path.join(store_path, JOURNAL))
    shutil.copyfile(
        os.path.join(own_segment(other, 1), half), os.path.join(own_segment(store_path, 1), half)
    )
    report = repair(store_path)
    assert report.given_up
    with Store.open(store_path) as store:
        assert list(store.files()) == []


def test_a_checkpoint_leaves_no_transaction_in_memory_and_a_close_nothing(
    store_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: dict[int, int] = {}

    def fdatasync(fd: int) -> None:
        synced[os.fstat(fd).st_ino] = os.fstat(fd).st_size

    def is_synced(first_lsn: int) -> bool:
        status = os.stat(journal_file(store_path, first_lsn))
        return status.st_size > HEADER_SIZE and synced.get(status.st_ino) == status.st_size

    monkeypatch.setattr(fs, "fdatasync_fd", fdatasync)
    with Store.open(store_path, policy=MANUAL, durability="buffered") as store:
        store_file(store, "ours")
        assert not is_synced(1)
        store.checkpoint()
        assert is_synced(1)
        # The note that a generation was published, which nothing needs.
        assert not is_synced(2)
    assert is_synced(2)
