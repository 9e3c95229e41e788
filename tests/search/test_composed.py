"""Many Tantivy segments, with dead records, opened as one index: compared with brute force."""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tantivy
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.notes import NOTES
from tests.support.records import record
from tests.support.segments import Model, build, check_search, note, opened, packed

from diptych.errors import CorruptSearchError, CorruptSnapshotError, StorageError
from diptych.layout import INDEX_FORMAT
from diptych.schema.code import CODE
from diptych.search import composed
from diptych.search.composed import Component, compose, encode_alive
from diptych.search.documents import key_term
from diptych.search.footer import check_footer, decode_footer
from diptych.segment.reader import Segment, bitmap_of, search_files

WORDS = ("alpha", "beta", "gamma", "delta", "epsilon")


def notes_of(number: int, count: int) -> list[Any]:
    """The notes of one segment, whose words repeat in the others."""
    return [note(number * 1_000 + n, WORDS[n % 3], text=" ".join(WORDS[: n % 5])) for n in range(count)]


@pytest.fixture(scope="module")
def segments() -> Iterator[list[tuple[Segment, Model]]]:
    """Eight segments of one to forty records."""
    directory = tempfile.mkdtemp(
        prefix="diptych-test-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None
    )
    made = []
    for number, count in enumerate((1, 2, 3, 5, 8, 13, 30, 40)):
        notes = notes_of(number, count)
        random.Random(number).shuffle(notes)
        made.append((build(f"{directory}/{number}", notes), packed(notes)))
    yield made
    shutil.rmtree(directory)


def found(index: Any, query: str) -> set[int]:
    return {match.key_hash for match in index.matches(index.parse(query), 3)}


def expected(models: list[Model], word: str) -> int:
    texts = [NOTES.unpack(key, payload).text.split() for model in models for key, payload in model.items()]
    return sum(word in text for text in texts)


@settings(max_examples=40)
@given(st.data())
def test_random_tombstones_leave_what_brute_force_leaves(
    segments: list[tuple[Segment, Model]], data: st.DataObject
) -> None:
    chosen = data.draw(st.lists(st.sampled_from(segments), min_size=1, max_size=8, unique_by=id))
    parts, live = [], []
    for segment, model in chosen:
        ids = st.integers(0, len(segment) - 1)
        # None, some, or all.
        dead = data.draw(st.just(set()) | st.sets(ids) | st.just(set(range(len(segment)))))
        gone = {segment.record(record_id).key for record_id in dead}
        parts.append((segment, bitmap_of(sorted(dead))))
        live.append({key: payload for key, payload in model.items() if key not in gone})
    index = opened(parts)
    check_search(index, live, NOTES)
    for word in WORDS:
        assert len(found(index, word)) == expected(live, word)
    for segment, model in chosen:
        for key in model:
            assert (index.record(key) is not None) == any(key in left for left in live), segment


def test_sixty_four_segments_are_one_index(memory_path: Path) -> None:
    parts, live = [], []
    for number in range(64):
        notes = notes_of(number, 3)
        segment = build(memory_path / str(number), notes)
        dead = [number % 3] if number % 2 else []
        gone = {segment.record(record_id).key for record_id in dead}
        parts.append((segment, bitmap_of(dead)))
        live.append({key: payload for key, payload in packed(notes).items() if key not in gone})
    index = opened(parts)
    check_search(index, live, NOTES)
    assert len(found(index, "alpha")) == expected(live, "alpha")
    hits = [match.score for match in index.matches(index.parse("alpha"), 200)]
    assert hits == sorted(hits, reverse=True)


def test_the_items_of_code_are_there_but_for_those_of_dead_records(memory_path: Path) -> None:
    files = [record(f"{name}.py", symbols=3) for name in "abcd"]
    segment = build(memory_path / "s", files, CODE)
    index = opened([(segment, bitmap_of([1, 3]))], CODE)
    assert index.documents == 8
    assert len(index.items(0, 2**64 - 1)) == 6
    assert not list(index.matches(index.parse('"b_0_1"'), 5))
    assert len(list(index.matches(index.parse('"c_0_1"'), 5))) == 1


def test_what_is_composed_stays_readable_when_its_files_are_gone(memory_path: Path) -> None:
    segment = build(memory_path / "s", [note(1)])
    index = opened([(segment, b"")])
    shutil.rmtree(segment.directory)
    check_search(index, [packed([note(1)])], NOTES)
    assert not [name for name in os.listdir(memory_path / "tmp") if name.startswith("diptych-")]


def test_no_segments_and_all_dead_are_an_empty_index(segments: list[tuple[Segment, Model]]) -> None:
    segment = segments[0][0]
    for parts in ([], [(segment, b"\1")]):
        index = opened(parts)
        assert index.documents == 0
        assert not found(index, "alpha OR beta")
        assert not list(index.records())


def test_a_segment_listed_twice_is_refused(segments: list[tuple[Segment, Model]]) -> None:
    part = (segments[1][0], b"")
    with pytest.raises(CorruptSearchError, match="listed twice"):
        opened([part, part])


def test_a_bitmap_of_ids_that_there_are_not_is_refused(segments: list[tuple[Segment, Model]]) -> None:
    segment = segments[2][0]
    with pytest.raises(CorruptSnapshotError, match="has the id 3"):
        segment.component(bitmap_of([3]))


@pytest.mark.parametrize(
    "changes",
    [
        {"segment_id": "../../../../../../../../../etc/pw"},
        {"documents": 0},
        {"documents": 2**31},
        {"documents": 100_000},
        {"files": {}},
        {"dead": [(1, 1)]},
        {"dead": [(1, 2), (0, 1)]},
        {"dead": [(0, 5)]},
        {"dead": [(-1, 1)]},
    ],
)
def test_what_makes_no_sense_is_refused(
    segments: list[tuple[Segment, Model]], changes: dict[str, Any]
) -> None:
    with pytest.raises(CorruptSearchError):
        compose([segments[1][0].component()._replace(**changes)], NOTES, where="x")


def test_links_and_pipes_are_not_followed(segments: list[tuple[Segment, Model]], memory_path: Path) -> None:
    good = segments[1][0].component()
    for suffix, content in good.files.items():
        assert isinstance(content, bytes)
        (memory_path / suffix).write_bytes(content)
    files = {suffix: str(memory_path / suffix) for suffix in good.files}
    apart = good._replace(files=files)
    check_search(compose([apart], NOTES, where="x"), [segments[1][1]], NOTES)
    (memory_path / "real").write_bytes((memory_path / "term").read_bytes())
    for make in (lambda path: path.symlink_to(memory_path / "real"), os.mkfifo, lambda path: path.mkdir()):
        (memory_path / "term").unlink()
        make(memory_path / "term")
        with pytest.raises(CorruptSearchError, match="no regular file"):
            compose([apart], NOTES, where="x")
    (memory_path / "term").rmdir()
    with pytest.raises(CorruptSearchError, match="gone"):
        compose([apart], NOTES, where="x")


def test_without_room_in_memory_another_place_serves(
    segments: list[tuple[Segment, Model]], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill, tries = composed._fill, []

    def full_once(private: str, *arguments: Any, or_copy: bool) -> None:
        tries.append(or_copy)
        if not or_copy:
            raise StorageError("no room", errno=28)
        fill(private, *arguments, or_copy=or_copy)

    monkeypatch.setattr(composed, "_fill", full_once)
    check_search(opened([(segments[1][0], b"")]), [segments[1][1]], NOTES)
    assert tries == [False, True]


@given(st.integers(1, 300), st.data())
def test_the_bitmap_has_a_bit_for_each_document(documents: int, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, documents), max_size=12)))
    dead = list(zip(cuts[::2], cuts[1::2], strict=False))
    file, count = encode_alive(documents, dead)
    check_footer(file, where="x")
    body = file[: decode_footer(file, where="x").body_length]
    assert int.from_bytes(body[:4], "little") == documents
    assert len(body) == 4 + (documents + 63) // 64 * 8
    alive = [n for n in range(documents) if not any(first <= n < end for first, end in dead)]
    assert int.from_bytes(body[4:], "little") == sum(1 << n for n in alive)
    assert count == documents - len(alive)


def test_the_footer_is_tantivys_own(segments: list[tuple[Segment, Model]]) -> None:
    """A newer Tantivy may write another: then its indexes are of another format, and rebuilt from records."""
    for content in search_files(segments[1][0].directory, segments[1][0].seal).values():
        assert isinstance(content, bytes)
        footer = decode_footer(content, where="x")
        assert footer.index_format == INDEX_FORMAT
        body = content[: footer.body_length]
        assert composed.encode_footer(zlib.crc32(body), INDEX_FORMAT) == content[footer.body_length :]


def directory_of(components: list[Component], path: Path) -> str:
    """What `compose` opens, left in place."""
    path.mkdir()
    composed._fill(str(path), components, NOTES, or_copy=False)
    return str(path)


def alive_after_a_commit(directory: str, key: bytes) -> int:
    """How many documents a writer of Tantivy's leaves, which deletes one record more."""
    index = tantivy.Index.open(directory)
    writer = index.writer(15_000_000, 1)
    writer.delete_documents_by_term("_key", key_term(key))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    return int(index.searcher().num_docs)


def test_a_commit_on_a_composed_index_keeps_the_deletes(
    segments: list[tuple[Segment, Model]], memory_path: Path
) -> None:
    """The trap that `_INDEX_OPSTAMP` is there for: with an index no later than a bitmap, they are lost."""
    segment, model = segments[4]
    component = segment.component(bitmap_of([0, 1, 2]))
    victim = segment.record(5).key
    directory = directory_of([component], memory_path / "right")
    assert alive_after_a_commit(directory, victim) == 2 * (len(model) - 4)
    wrong = directory_of([component], memory_path / "wrong")
    meta_path = Path(wrong, "meta.json")
    meta = json.loads(meta_path.read_text())
    assert meta["segments"][0]["deletes"] == {"num_deleted_docs": 6, "opstamp": 1}
    meta["opstamp"] = 0
    meta_path.write_text(json.dumps(meta))
    assert alive_after_a_commit(wrong, victim) != 2 * (len(model) - 4)


def test_the_managed_files_are_those_that_there_are(
    segments: list[tuple[Segment, Model]], memory_path: Path
) -> None:
    components = [segment.component(b"\1") for segment, _ in segments]
    directory = directory_of(components, memory_path / "index")
    managed = json.loads(Path(directory, ".managed.json").read_text())
    # The first segment has one record: it is left out.
    assert len(managed) == 7 * 7 + 1
    assert set(managed) == set(os.listdir(directory)) - {".managed.json"}
