"""Parts that pass their own checksums, and are not what they are taken for: each test that tells, by itself.

Damage changes bytes and fails a checksum; these files were made by the engine's own encoders.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from blake3 import blake3
from tests.support.damage import MANUAL, generation, journal_file
from tests.support.files import cut, flip, gone, overwrite
from tests.support.records import record

from diptych import CorruptSearchError, CorruptSnapshotError, FileRecord, Store, Symbol, fs, repair
from diptych.change import FileIndexed
from diptych.journal.file import JournalFile
from diptych.journal.format import COMMIT, CONTROL, HEADER_SIZE, PART, encode_frame, encode_header
from diptych.journal.reader import FrameReader
from diptych.layout import JOURNAL
from diptych.model import Range
from diptych.schema.code import CODE
from diptych.search.documents import Watermark
from diptych.search.writer import SearchWriter
from diptych.snapshot import format as snapshot
from diptych.snapshot.reader import SnapshotReader
from diptych.store.generation import read_manifest
from diptych.store.manifest import encode_manifest
from diptych.store.opening import inspect

SNAPSHOT = "snapshot.msgpack"


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
    return "; ".join(found.problem for found in inspect(path).scan.journal if found.problem)


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
    found, _, plan = inspect(store_path)
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
    plan = inspect(store_path).plan
    assert plan.fatal
    assert plan.lost == ("the transactions of LSN 3 to 3",)


def test_a_manifest_tells_what_the_journal_has_lost(store_path: str) -> None:
    killed(store_path, commits=3, checkpoint_at=3)
    for name in (SNAPSHOT, "search"):
        gone(generation(store_path, 3, name))
    gone(journal_file(store_path, 4))
    begin, end = frames(store_path, 1)[-1]
    cut(journal_file(store_path, 1), end - begin)
    assert inspect(store_path).plan.lost == ("the transactions of LSN 3 to 3",)


def test_a_frame_behind_a_damaged_one_tells_how_far_the_journal_went(store_path: str) -> None:
    killed(store_path, commits=3)
    overwrite(journal_file(store_path, 1), frames(store_path, 1)[1][0] + 40, b"\x5a\xa5\x5a")
    plan = inspect(store_path).plan
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
    ours, theirs = (generation(path, 1, SNAPSHOT) for path in (store_path, other))
    assert os.path.getsize(ours) == os.path.getsize(theirs)
    shutil.copyfile(theirs, ours)
    with Store.open(store_path) as store:
        found = store.file("0.py")
        assert found is not None
        assert found.symbols[0].documentation == "ours"


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
    forge_trailer(generation(store_path, 1, SNAPSHOT), **fields)
    with Store.open(store_path) as store:
        assert (len(store), store.lsn) == (2, 1)
        assert "snapshot-damaged" in [finding.kind for finding in store.recovery]
        assert [found.path for found in store.files()] == ["0.py", "1.py"]


def test_every_bit_of_a_trailer_is_covered(store_path: str) -> None:
    one_file(store_path, "ours")
    path = generation(store_path, 1, SNAPSHOT)
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
    path = generation(store_path, 1, SNAPSHOT)
    reader = SnapshotReader(path)
    begin, end = reader.records_begin, reader.trailer.records_end
    half = (end - begin) // 2
    data = reader.map[begin:end]
    overwrite(path, begin, data[half:] + data[:half])
    table = reader.map[reader.trailer.offsets : reader.trailer.offsets + 16]
    overwrite(path, reader.trailer.offsets, table[8:] + table[:8])
    forged = SnapshotReader(path)
    assert [forged.get(key) is not None for key in (b"0.py", b"1.py")] == [True, True]
    with pytest.raises(CorruptSnapshotError, match="disorder"):
        list(forged.scan())
    with Store.open(store_path) as store, pytest.raises(CorruptSnapshotError, match="disorder"):
        # The greater key came first: to go on behind it would leave the other out without a word.
        list(store.files())
    repair(store_path)
    with Store.open(store_path) as store:
        assert [found.path for found in store.files()] == ["0.py", "1.py"]


def test_a_search_leaf_that_was_damaged_is_not_handed_on(store_path: str) -> None:
    one_file(store_path, "ours")
    directory = generation(store_path, 1, "search")
    stored = next(name for name in os.listdir(directory) if name.endswith(".store"))
    flip(os.path.join(directory, stored), 8 * 20)
    with Store.open(store_path, policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(record("new.py"))
        store.checkpoint()
    with Store.open(store_path, read_only=True) as store:
        assert {hit.path for hit in store.search("ours")} == {"0.py"}


def forge_manifest(path: str, lsn: int, found: dict[str, int], *, hashes: bool) -> None:
    """Let a generation's manifest name the search files that are there, with their sizes (of `found`), and
    with their hashes or with wrong ones."""
    where = generation(path, lsn)
    manifest = read_manifest(where)
    files = {SNAPSHOT: manifest.files[SNAPSHOT]}
    for name, size in found.items():
        digest = blake3(Path(where, "search", name).read_bytes()).hexdigest() if hashes else "0" * 64
        files[f"search/{name}"] = (size, digest)
    Path(where, "manifest.msgpack").write_bytes(encode_manifest(replace(manifest, files=files)))


def sizes(directory: str) -> dict[str, int]:
    """Each file of a directory, and its size."""
    return {name: os.path.getsize(os.path.join(directory, name)) for name in os.listdir(directory)}


def test_a_search_leaf_of_another_size_is_told_at_opening(store_path: str) -> None:
    one_file(store_path, "ours")
    directory = generation(store_path, 1, "search")
    cut(os.path.join(directory, next(name for name in os.listdir(directory) if name.endswith(".pos"))), 1)
    with Store.open(store_path, read_only=True) as store:
        assert [finding.kind for finding in store.recovery] == ["search-damaged"]


def test_a_search_leaf_of_another_lsn_with_a_manifest_that_fits(store_path: str) -> None:
    one_file(store_path, "ours")
    with Store.open(store_path, policy=MANUAL) as store:
        store_file(store, "later")
        store.checkpoint()
    old, new = (generation(store_path, lsn, "search") for lsn in (1, 2))
    shutil.rmtree(new)
    shutil.copytree(old, new)
    forge_manifest(store_path, 2, sizes(new), hashes=True)
    with Store.open(store_path, read_only=True) as store, pytest.raises(CorruptSearchError, match="LSN 1"):
        store.search("later")
    with Store.open(store_path, policy=MANUAL) as store:
        assert {hit.path for hit in store.search("later")} == {"later.py"}


def store_file(store: Store, word: str) -> None:
    """Commit a file whose one symbol is documented by one word."""
    symbol = Symbol("parse", "function", Range(0, 0, 1, 0), documentation=word)
    with store.transaction() as txn:
        txn.index_file(FileRecord(f"{word}.py", "0" * 64, "python", [symbol]))


def forge_search(path: str, keys: list[bytes], *, hashes: bool) -> None:
    """A search leaf for a store's first generation with these records and a watermark that fits its manifest;
    its snapshot is lost, and the journal goes back to the beginning."""
    where = generation(path, 1)
    manifest = read_manifest(where)
    reader = SnapshotReader(os.path.join(where, SNAPSHOT))
    writer = SearchWriter(path + ".work", CODE, None)
    for key in keys:
        stored = reader.get(key)
        assert stored is not None
        writer.apply(FileIndexed(*stored), known=False)
    identity, counts = manifest.identity.store_id, tuple(manifest.counts.values())
    writer.commit(Watermark(identity, manifest.lsn, manifest.chain, manifest.records, counts))
    gone(os.path.join(where, "search"))
    os.mkdir(os.path.join(where, "search"))
    writer.export(os.path.join(where, "search"), {})
    forge_manifest(path, 1, sizes(os.path.join(where, "search")), hashes=hashes)
    gone(os.path.join(where, SNAPSHOT))


@pytest.mark.parametrize(
    ("keys", "hashes"),
    [
        # One record twice, the other not at all: the count is right, and each passes its check.
        ([b"0.py", b"0.py"], False),
        ([b"0.py"], True),
    ],
    ids=["hashes", "count"],
)
def test_a_snapshot_is_not_rebuilt_from_another_search_leaf(
    store_path: str, keys: list[bytes], hashes: bool
) -> None:
    one_file(store_path, "ours", more=1)
    forge_search(store_path, keys, hashes=hashes)
    with Store.open(store_path) as store:
        assert [found.path for found in store.files()] == ["0.py", "1.py"]


def test_a_snapshot_is_not_rebuilt_from_a_search_leaf_of_another_lsn(store_path: str) -> None:
    one_file(store_path, "ours")
    one_file(store_path, "them")
    new = generation(store_path, 2, "search")
    shutil.rmtree(new)
    shutil.copytree(generation(store_path, 1, "search"), new)
    forge_manifest(store_path, 2, sizes(new), hashes=True)
    gone(generation(store_path, 2, SNAPSHOT))
    with Store.open(store_path) as store:
        found = store.file("0.py")
        assert found is not None
        assert found.symbols[0].documentation == "them"


@pytest.mark.parametrize("leaf", [SNAPSHOT, "search"])
def test_salvage_takes_no_leaf_of_another_store(store_path: str, memory_path: Path, leaf: str) -> None:
    other = str(memory_path / "other")
    one_file(store_path, "ours")
    one_file(other, "them")
    for name in ("manifest.msgpack", SNAPSHOT, "search"):
        gone(generation(store_path, 1, name))
    gone(os.path.join(store_path, JOURNAL))
    source, target = generation(other, 1, leaf), generation(store_path, 1, leaf)
    (shutil.copytree if os.path.isdir(source) else shutil.copyfile)(source, target)
    report = repair(store_path)
    assert report.given_up
    with Store.open(store_path) as store:
        assert list(store.files()) == []


def test_a_checkpoint_leaves_nothing_of_the_journal_in_memory(
    store_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: dict[int, int] = {}

    def fdatasync(fd: int) -> None:
        synced[os.fstat(fd).st_ino] = os.fstat(fd).st_size

    with Store.open(store_path, policy=MANUAL) as store:
        store_file(store, "ours")
        monkeypatch.setattr(fs, "fdatasync_fd", fdatasync)
        store.checkpoint()
        # Its last frame says that a generation was published.
        status = os.stat(journal_file(store_path, 2))
        assert status.st_size > HEADER_SIZE
        assert synced[status.st_ino] == status.st_size
