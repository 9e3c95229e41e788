"""Tantivy ends a merge, in a thread of its own, while its files are exported to a generation."""

import json
import os

import pytest

from diptych import CheckpointPolicy, FileRecord, Range, Store, Symbol, fs, verify
from diptych.search import leaf
from diptych.search.leaf import files_in_use

MANUAL = CheckpointPolicy(automatic=False)


def _index(directory, *stems):
    """A Tantivy directory as far as an export looks at it: these segments, and no others' files."""
    for name in os.listdir(directory):
        os.unlink(directory / name)
    for stem in stems:
        for ending in ("term", "idx"):
            (directory / f"{stem}.{ending}").write_text(stem)
    segments = [{"segment_id": stem, "deletes": None} for stem in stems]
    (directory / "meta.json").write_text(json.dumps({"segments": segments}))


def test_the_files_listed_are_those_of_one_commit(tmp_path, monkeypatch):
    _index(tmp_path, "old1", "old2")
    real, calls = os.listdir, []

    def listdir(path):
        calls.append(path)
        if len(calls) == 1:
            with monkeypatch.context() as patch:
                patch.setattr(leaf.os, "listdir", real)
                _index(tmp_path, "merged")
        return real(path)

    monkeypatch.setattr(leaf.os, "listdir", listdir)
    meta, names = files_in_use(str(tmp_path))
    assert sorted(names) == ["merged.idx", "merged.term"]
    assert b"merged" in meta


@pytest.mark.parametrize("when", [1, 2, 5])
def test_the_meta_json_exported_is_that_of_the_files_exported(tmp_path, monkeypatch, when):
    real, calls = fs.link_or_copy, []

    def link(source, target):
        calls.append(source)
        if len(calls) == when and "work" in source:
            # The merge's end: Tantivy replaces meta.json, and deletes the files a moment later.
            meta = os.path.join(os.path.dirname(source), "meta.json")
            with open(meta) as file:
                changed = json.load(file)
            changed["segments"] = changed["segments"][:0]
            os.unlink(meta)
            with open(meta, "w") as file:
                json.dump(changed, file)
        return real(source, target)

    with Store.open(tmp_path / "s", policy=MANUAL) as store:
        with store.transaction() as txn:
            for number in range(20):
                symbol = Symbol("parse", "function", Range(0, 0, 1, 0))
                txn.index_file(FileRecord(f"{number}.py", "hash", "", [symbol]))
        monkeypatch.setattr(fs, "link_or_copy", link)
        store.checkpoint()
        monkeypatch.undo()
        assert len(store.search("parse", limit=100)) == 20
        assert store.recovery == []
    assert verify(tmp_path / "s").ok
