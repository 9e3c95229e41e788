"""After a compaction no byte of a removed record is in any file of the generation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.damage import MANUAL, generation, newest
from tests.support.invariants import check_whole
from tests.support.records import numbered

from diptych import FileRecord, Range, Relation, Store, Symbol, content_hash
from diptych.layout import BUNDLE
from diptych.segment import builder
from diptych.segment.format import decode_bundle
from diptych.store.generation import read_manifest

WORD = "plantedzq"
PLACES = ("path", "name", "container", "signature", "documentation", "target")


def planted(number: int) -> FileRecord:
    """A record with a word of its own in each of its parts."""
    word = {place: f"{WORD}{place}{number}" for place in PLACES}
    where = Range(1, 0, 2, 0)
    symbol = Symbol(
        word["name"],
        "function",
        where,
        word["container"],
        f"def f(key='{word['signature']}')",
        # More than one block of Tantivy's document store.
        f"{word['documentation']} " + " ".join(f"{number}x{n}" for n in range(4_000)),
    )
    path = f"{word['path']}.py"
    relation = Relation("calls", "", word["target"], where)
    return FileRecord(path, content_hash(b"x"), "python", [symbol], [relation])


def files_of(path: Path) -> Iterator[tuple[str, bytes]]:
    """The newest generation's files: their names, and their bytes as they are and decompressed."""
    with Store.open(path, read_only=True) as store:
        where = Path(newest(store.path))
    for one in (where, path / "segments" / where.name):
        yield str(one), one.read_bytes()
    for listed in read_manifest(str(where)).segments:
        for one in (path / "segments" / listed.digest).iterdir():
            data = one.read_bytes()
            yield str(one), data
            contents = {one.name: data}
            if one.name == BUNDLE:
                contents = decode_bundle(data, listed.seal.segment_id, where=str(one))
            for name, content in contents.items():
                if name.endswith(".store"):
                    yield f"{one}:{name}", b"".join(blocks(content))


def blocks(store: bytes) -> Iterator[bytes]:
    """The decompressed blocks of Tantivy's document store."""
    body = store[: -8 - int.from_bytes(store[-8:-4], "little")]
    # Its own footer: a version, the offset of the skip index, how the blocks are compressed, 15 zeros.
    footer = body[-28:]
    end, lz4 = int.from_bytes(footer[4:12], "little"), footer[12]
    assert lz4 == 1
    at = 0
    while at < end:
        block, at = _lz4_block(body, at + 4, int.from_bytes(body[at : at + 4], "little"))
        yield block
    assert at == end


def _lz4_block(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    """One block that begins at `at`, and where it ends."""
    out = bytearray()
    while True:
        token = data[at]
        literals, at = _length(data, at + 1, token >> 4)
        out += data[at : at + literals]
        at += literals
        if len(out) == size:
            return bytes(out), at
        distance = int.from_bytes(data[at : at + 2], "little")
        matched, at = _length(data, at + 2, token & 15)
        for _ in range(matched + 4):
            out.append(out[-distance])


def _length(data: bytes, at: int, length: int) -> tuple[int, int]:
    more = length == 15
    while more:
        length += data[at]
        more = data[at] == 255
        at += 1
    return length, at


def found_in(path: Path, words: list[str]) -> set[str]:
    """The words that are in any file of the newest generation."""
    contents = [data for _, data in files_of(path)]
    return {word for word in words if any(word.encode() in data for data in contents)}


@pytest.mark.parametrize("bundled", [True, False])
@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_compaction_drops_the_text_of_what_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, bundled: bool
) -> None:
    if not bundled:
        monkeypatch.setattr(builder, "BUNDLE_MAX_BYTES", 0)
    kept, gone = planted(1), planted(2)
    path = tmp_path / "store"
    words = {number: [f"{WORD}{place}{number}" for place in PLACES] for number in (1, 2)}
    with Store.open(path, policy=MANUAL) as store:
        with store.transaction() as txn:
            for one in (*numbered(20), kept, gone):
                txn.index_file(one)
        store.checkpoint()
        assert found_in(path, [*words[1], *words[2]]) == {*words[1], *words[2]}
        assert not read_manifest(generation(str(path), store.lsn)).has_dead_records
        with store.transaction() as txn:
            if how == "removed":
                txn.remove_file(gone.path)
            else:
                txn.index_file(FileRecord(gone.path, content_hash(b"y"), "python"))
        lsn = store.checkpoint()
        # The text is still shipped where nobody compacts, and the manifest says so.
        assert len(found_in(path, words[2])) > 1
        assert read_manifest(generation(str(path), lsn)).has_dead_records
        assert store.stats().dead_records == 1
        store.checkpoint(compact=True)
        stats = store.stats()
        assert stats.dead_records == 0
        for word in words[2][1:]:
            assert not store.search(word).total
            assert not store.terms("symbols", word) and not store.terms("references", word)
    manifest = read_manifest(newest(str(path)))
    assert not manifest.has_dead_records
    left = words[2][:1] if how == "replaced" else []
    assert found_in(path, words[2]) == set(left)
    assert found_in(path, words[1]) == set(words[1])
    with Store.open(path, read_only=True) as store, store.view() as view:
        assert view.generation is not None
        index = view.generation.search()
        assert index is not None
        texts = b"".join(record.payload for record in index.records())
        assert WORD.encode() + b"name1" in texts
        assert WORD.encode() + b"name2" not in texts
    check_whole(str(path))
