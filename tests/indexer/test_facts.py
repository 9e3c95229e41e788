"""The facts file tells what is surely unchanged, and never vouches for what may not be."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych import layout
from diptych.indexer import facts as facts_file
from diptych.indexer import grammar_versions
from diptych.indexer.fact_columns import Fact, Stat
from diptych.indexer.facts import RACY_MARGIN_NS, Facts, compare, decode, encode, size_of, smudged
from diptych.indexer.languages import LANGUAGES
from diptych.indexer.plan import chunks, plan
from diptych.indexer.settings import INDEXER_VERSION

_NOW_NS = 1_700_000_000 * 10**9
_OLD = Stat(10, _NOW_NS - 10 * RACY_MARGIN_NS, _NOW_NS - 10 * RACY_MARGIN_NS, 7)
_HASH = "0123456789abcdef" * 4


def facts(files: dict[str, Fact], **changes: object) -> Facts:
    made = Facts(
        "store", 5, _NOW_NS, {"diptych.indexer": "1"}, files, {"max_file_bytes": 1}, "c" * 40, "main"
    )
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def test_what_is_written_is_read_again() -> None:
    files = {
        "a.py": Fact(_OLD, _HASH),
        "new\nline \udcff.py": Fact(_OLD._replace(inode=-(2**63), size=2**40), _HASH[::-1], "binary"),
        "errors.py": Fact(_OLD, _HASH, "", 7),
    }
    others = {".md": 2, "": 1, ".\udcff": 3}
    read = decode(encode(facts(files, other_suffixes=others)))
    assert (read.with_errors(), read.other_suffixes) == ({"errors.py": 7}, others)
    assert read.files["a.py"] == files["a.py"]
    assert read.files["new\nline \udcff.py"].skipped == "binary"
    assert read.files["new\nline \udcff.py"].content_hash == _HASH[::-1]
    assert (read.store_id, read.lsn, read.commit, read.branch) == ("store", 5, "c" * 40, "main")
    assert (read.indexer, read.settings) == ({"diptych.indexer": "1"}, {"max_file_bytes": 1})
    assert read.stored_hashes() == {"a.py": _HASH, "errors.py": _HASH}
    assert dict(read.files) == files
    assert list(read.files) == list(files)
    assert "b.py" not in read.files
    assert dict(decode(encode(facts({}))).files) == {}


@given(st.data())
def test_damaged_bytes_are_told_from_whole_ones(data: st.DataObject) -> None:
    encoded = bytearray(encode(facts({"a.py": Fact(_OLD, _HASH), "b.py": Fact(_OLD, _HASH, "binary")})))
    place = data.draw(st.integers(0, len(encoded) - 1))
    kind = data.draw(st.sampled_from(["flip", "cut", "random"]))
    if kind == "flip":
        encoded[place] ^= 1 << data.draw(st.integers(0, 7))
    elif kind == "cut":
        del encoded[place:]
    else:
        encoded[:] = data.draw(st.binary())
    with pytest.raises(ValueError, match="facts file"):
        decode(bytes(encoded))


def test_a_body_of_other_fields_is_damage() -> None:
    body = msgpack.packb({"count": 1, "paths": b"a\0b"})
    data = msgpack.packb([facts_file.MAGIC, facts_file.FORMAT, body, facts_file._checksum(body)])
    with pytest.raises(ValueError, match="facts file"):
        decode(data)


def test_facts_of_another_store_or_of_a_later_lsn_are_as_none(tmp_path: Path) -> None:
    store = str(tmp_path)
    assert facts_file.load(store, store_id="store", lsn=5) is None
    facts_file.save(store, facts({"a.py": Fact(_OLD, _HASH)}))
    assert facts_file.load(store, store_id="store", lsn=5) is not None
    assert facts_file.load(store, store_id="store", lsn=6) is not None
    assert facts_file.load(store, store_id="store", lsn=4) is None
    assert facts_file.load(store, store_id="other", lsn=5) is None
    (tmp_path / layout.FACTS).write_bytes(b"")
    assert facts_file.load(store, store_id="store", lsn=5) is None
    (tmp_path / layout.FACTS).unlink()
    (tmp_path / layout.FACTS).mkdir()
    assert facts_file.load(store, store_id="store", lsn=5) is None


@pytest.mark.parametrize("field", ["mtime_ns", "ctime_ns"])
def test_a_file_touched_just_before_it_was_seen_is_recorded_as_in_doubt(field: str) -> None:
    fresh = _OLD._replace(**{field: _NOW_NS - RACY_MARGIN_NS + 1})
    assert smudged(fresh, _NOW_NS).size == ~10
    assert smudged(_OLD._replace(**{field: _NOW_NS - RACY_MARGIN_NS}), _NOW_NS).size == 10
    assert smudged(_OLD._replace(**{field: _NOW_NS + 10**12}), _NOW_NS).size == ~10
    read = decode(encode(facts({"a.py": Fact(fresh, _HASH)})))
    assert compare(read.files, {"a.py": fresh}).in_doubt == ["a.py"]
    assert size_of(read.files["a.py"].stat) == 10
    # What was read from the facts of an earlier run stays as it is.
    again = decode(encode(facts(read.files)))
    assert again.files["a.py"].stat.size == ~10


@pytest.mark.parametrize("field", Stat._fields)
def test_any_difference_in_the_stat_is_a_doubt(field: str) -> None:
    known = {"a": Fact(_OLD, _HASH), "gone": Fact(_OLD, _HASH)}
    changed = _OLD._replace(**{field: getattr(_OLD, field) + 1})
    assert compare(known, {"a": changed, "new": _OLD}) == ([], ["a"], ["new"], ["gone"])
    assert compare(known, {"a": _OLD}) == (["a"], [], [], ["gone"])


def test_the_plan_reads_what_is_in_doubt_and_trusts_the_rest() -> None:
    files = dict.fromkeys(("same", "skipped", "foreign", "lost", "new"), ("python", _OLD))
    known = {
        "same": Fact(_OLD, _HASH),
        "skipped": Fact(_OLD, _HASH, "binary"),
        "foreign": Fact(_OLD, _HASH),
        "lost": Fact(_OLD, _HASH),
        "gone": Fact(_OLD, _HASH),
    }
    # `foreign` was stored by another writer, `lost` removed by one.
    stored = {"same": _HASH, "foreign": "f" * 64, "gone": _HASH, "other": _HASH}
    made = plan(files, known, stored)
    assert set(made.kept) == {"same", "skipped"}
    assert {job.path: job.expected for job in made.jobs} == {"foreign": "f" * 64, "lost": "", "new": ""}
    assert made.removed == ["gone", "other"]
    everything = plan(files, known, stored, parse_all=True)
    assert {job.path for job in everything.jobs} == set(files)
    assert {job.expected for job in everything.jobs} == {""}


def test_a_file_in_doubt_that_was_skipped_is_known_by_its_hash() -> None:
    made = plan({"a": ("c", _OLD._replace(size=1))}, {"a": Fact(_OLD, _HASH, "parser died")}, {})
    assert [(job.expected, job.known_as) for job in made.jobs] == [(_HASH, "parser died")]


def test_chunks_are_bounded_and_lose_nothing() -> None:
    files = {f"{number}": ("c", _OLD._replace(size=number * 100)) for number in range(100)}
    jobs = plan(files, {}, {}).jobs
    cut = list(chunks(jobs, max_files=10, max_bytes=2000, max_path_bytes=10_000))
    assert [job for chunk in cut for job in chunk] == jobs
    assert all(len(chunk) == 1 or sum(job.size for job in chunk) <= 2000 for chunk in cut)
    assert max(map(len, chunks(jobs, max_files=10, max_bytes=10**9, max_path_bytes=10**9))) == 10
    assert all(len(chunk) == 1 for chunk in chunks(jobs, max_files=9, max_bytes=10**9, max_path_bytes=0))


def test_the_file_is_replaced_whole(tmp_path: Path) -> None:
    facts_file.save(str(tmp_path), facts({"a.py": Fact(_OLD, _HASH)}))
    facts_file.save(str(tmp_path), facts({}, lsn=6))
    assert os.listdir(tmp_path) == [layout.FACTS]
    read = facts_file.load(str(tmp_path), store_id="store", lsn=6)
    assert read is not None
    assert len(read.files) == 0


def test_the_versions_are_those_that_are_installed() -> None:
    found = grammar_versions.current()
    assert found.pop("diptych.indexer") == str(INDEXER_VERSION)
    assert found == {name: metadata.version(name.replace("_", "-")) for name in found}
    assert {language.module for language in LANGUAGES.values()} <= set(found)
