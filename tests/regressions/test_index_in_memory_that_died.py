"""Tantivy's writer in memory died, by a panic say: the next search begins with a new one."""

import pytest

from diptych import CheckpointPolicy, CorruptSearchError, FileRecord, Range, Store, Symbol
from diptych.search.memory import MemorySearch

MANUAL = CheckpointPolicy(automatic=False)


def _put(store, name):
    with store.transaction() as txn:
        txn.index_file(FileRecord(name, "hash", "", [Symbol("parse", "function", Range(0, 0, 1, 0))]))


def test_a_reader_searches_again_after_its_index_in_memory_died(tmp_path, monkeypatch):
    with Store.open(tmp_path / "s", policy=MANUAL) as writer:
        _put(writer, "a.py")
        with Store.open(tmp_path / "s", read_only=True) as reader:
            assert len(reader.search("parse")) == 1
            _put(writer, "b.py")
            reader.refresh()
            dead = []

            def die(self):
                dead.append(self)
                raise CorruptSearchError("an index writer was killed")

            with monkeypatch.context() as patch:
                patch.setattr(MemorySearch, "commit", die)
                with pytest.raises(CorruptSearchError):
                    reader.search("parse")
            real = MemorySearch.commit

            def commit(self):
                return die(self) if self in dead else real(self)

            monkeypatch.setattr(MemorySearch, "commit", commit)
            assert sorted(hit.path for hit in reader.search("parse")) == ["a.py", "b.py"]
