"""A search index that many writers continue, one after the other: what was replaced stays replaced."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import tantivy
from tests.support.records import record

from diptych import fs
from diptych.change import FileIndexed, record_checksum
from diptych.errors import StorageError
from diptych.schema.code import CODE
from diptych.search.documents import Watermark, tantivy_schema
from diptych.search.leaf import open_leaf
from diptych.search.merging import documents_to_merge, segment_sizes
from diptych.search.writer import SearchWriter

# As many like-sized segments Tantivy merges at once.
MERGED_AT_ONCE = 8


def documents(path: str, version: int) -> tuple[FileIndexed, list[Any]]:
    one = record(path, version)
    key, payload = CODE.key_of(one), CODE.pack(one)
    change = FileIndexed(key, record_checksum(key, payload), payload)
    return change, list(CODE.documents(key, payload))


def test_the_first_key_that_a_new_writer_replaces_stays_replaced(memory_path: Path) -> None:
    """With a merge of the commit before it in the same commit, its delete was lost."""
    base, files, live, segments = None, {}, {}, 0
    merged = 0
    for version in range(1, 61):
        writer = SearchWriter(str(memory_path / "work"), CODE, base, files)
        # What is replaced first was written four writers ago, and something else in its segment by the last.
        bulk = [f"bulk{number}.py" for number in range(20)]
        for path in bulk if version == 1 else (f"x{version % 4}.py", f"y{version % 3}.py"):
            live[path] = version
            writer.apply(*documents(path, version))
        writer.commit(Watermark(b"s" * 16, version, 0, len(live), (0, 0)))
        if segments >= MERGED_AT_ONCE:
            writer._writer.wait_merging_threads()
            merged += 1
        base = str(memory_path / f"search-{version}")
        Path(base).mkdir()
        files = writer.export(base, {})
        writer.drop()
        index = open_leaf(base, files, CODE)
        segments = index._searcher.num_segments
        found = {record.key: record.payload for record in index.records()}
        changes = [documents(path, newest)[0] for path, newest in live.items()]
        assert found == {change.key: change.payload for change in changes}
        assert len(index.items(0, 2**64 - 1)) == 2 * len(live)
    assert merged >= 3


def test_a_writer_shares_no_directory_with_the_merges_of_the_one_before(memory_path: Path) -> None:
    work = str(memory_path / "work")
    first = SearchWriter(work, CODE, None)
    for version in range(3 * MERGED_AT_ONCE):
        first.apply(*documents(f"{version}.py", version))
        first.commit(Watermark(b"s" * 16, version, 0, version, (0, 0)))
    first.drop()
    second = SearchWriter(work, CODE, None)
    assert second.directory != first.directory
    assert os.path.dirname(second.directory) == work
    second.drop()
    assert not os.path.exists(second.directory)


def test_a_directory_that_merges_still_write_to_is_left_to_the_next_writer(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = str(memory_path / "work")
    first = SearchWriter(work, CODE, None)

    def busy(path: str) -> None:
        raise StorageError(f"cannot remove {path}: Directory not empty")

    with monkeypatch.context() as patch:
        patch.setattr(fs, "remove_tree", busy)
        first.drop()
        second = SearchWriter(work, CODE, None)
        second.drop()
    assert len(os.listdir(work)) == 2
    third = SearchWriter(work, CODE, None)
    assert os.listdir(work) == [os.path.basename(third.directory)]
    third.drop()


@pytest.mark.parametrize("segments", [1, MERGED_AT_ONCE - 1, MERGED_AT_ONCE, MERGED_AT_ONCE + 1])
def test_a_merge_is_due_exactly_where_tantivy_merges(segments: int, memory_path: Path) -> None:
    fields = tantivy_schema(CODE)
    work = memory_path / "index"
    work.mkdir()
    index = tantivy.Index(fields, str(work))
    sizes: list[tuple[int, int]] = []
    for number in range(segments):
        writer = index.writer(15_000_000, 1)
        for _ in range(3):
            writer.add_document(tantivy.Document.from_dict({"_key": f"={number}"}, fields))
        writer.commit()
        sizes.append((3, 3))
        # The last commit may start a merge; until it ends, meta.json lists what there was to merge.
        writer.wait_merging_threads()
        if documents_to_merge(sizes):
            assert len(segment_sizes(str(work))) == 1
            sizes = segment_sizes(str(work))
        else:
            assert segment_sizes(str(work)) == sizes


@pytest.mark.parametrize(
    ("sizes", "due"),
    [
        ([], 0),
        ([(100, 100)] * 7, 0),
        ([(100, 90)] * 8, 720),
        ([(100_000, 100_000)] * 7 + [(10, 10)] * 7, 0),
        ([(100_000, 100_000)] * 7 + [(65_000, 65_000)], 765_000),
        ([(100_000, 100_000)] * 7 + [(50_000, 50_000)], 0),
        ([(11_000_000, 11_000_000)] * 8, 0),
    ],
)
def test_segments_are_merged_by_levels(sizes: list[tuple[int, int]], due: int) -> None:
    assert documents_to_merge(sizes) == due
