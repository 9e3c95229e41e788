"""A decoder that imports nothing of the engine reads what the engine wrote, and the two agree."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.damage import LAST, MANUAL, NEW, OLD, build, generation, journal_file, segments, truth
from tests.support.processes import ROOT
from tests.support.records import numbered

from diptych import SegmentBuilder, Store
from diptych.change import FileIndexed, FileRemoved, SnapshotCreated, term_hash
from diptych.fs import FileDigests
from diptych.journal.file import JournalFile
from diptych.journal.format import CONTROL, PART, decode_entries
from diptych.journal.reader import FrameReader
from diptych.model import FileRecord, Range, Relation, Symbol
from diptych.schema.code import CODE
from diptych.segment.reader import Segment, ids_in
from diptych.store.generation import read_manifest
from diptych.store.manifest import decode_closed, decode_identity
from tools import decode


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("decode") / "store"
    build(str(path))
    return path


def test_the_decoder_needs_msgpack_and_the_standard_library_alone() -> None:
    script = f"import sys; sys.path[:] = [{str(ROOT)!r}, *sys.path]; import tools.decode; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    packages = {name.partition(".")[0] for name in done.stdout.split()}
    assert not packages & {"diptych", "xxhash", "blake3", "tantivy"}
    known = {*sys.stdlib_module_names, *sys.builtin_module_names, "msgpack", "cython_runtime", "tools"}
    assert {name for name in packages - known if not name.startswith(("_", "sitecustomize"))} == set()


@pytest.mark.parametrize("first", [5, 9, 11])
def test_journal_files_agree(path: Path, first: int) -> None:
    found = decode.journal_file(Path(journal_file(str(path), first)).read_bytes())
    own = JournalFile(journal_file(str(path), first))
    header = {key: found.header[key] for key in ("store_id", "first_lsn", "salt", "chain", "schema_version")}
    assert header == own.header._asdict()
    frames = list(FrameReader(own))
    names = {PART: "part", CONTROL: "control"}
    assert [(f["offset"], f["checksum"], f["lsn"], f["kind"], f["continues"]) for f in found.frames] == [
        (f.offset, f.checksum, f.lsn, names.get(f.kind, "commit"), f.continues) for f in frames
    ]
    for theirs, mine in zip(found.frames, frames, strict=True):
        entries = []
        for entry, _ in decode_entries(mine.payload, where="x"):
            match entry:
                case FileIndexed():
                    fields = {"key": entry.key, "checksum": entry.checksum, "payload": entry.payload}
                case FileRemoved():
                    fields = {"key": entry.key}
                case SnapshotCreated():
                    fields = entry._asdict()
            entries.append({"entry": type(entry).__name__, **fields})
        assert theirs["entries"] == entries
    assert found.rest == 0


@pytest.mark.parametrize("lsn", [OLD, NEW])
def test_segments_agree(path: Path, lsn: int) -> None:
    _, _, manifest = decode.sealed(Path(generation(str(path), lsn)).read_bytes())
    live = {}
    for name, listed in zip(segments(str(path), lsn), decode.listed_segments(manifest), strict=True):
        found = decode.records(Path(name, "records.msgpack").read_bytes())
        own = Segment(name, CODE)
        assert found.segment_id == listed.seal["segment_id"] == own.seal.segment_id
        assert [(r["key"], r["checksum"], r["payload"]) for r in found.records] == list(own.scan())
        assert found.order == [record["id"] for record in found.records]
        assert [*found.first_documents, own.seal.documents] == list(own.records.first_documents())
        assert found.filters == [own.filter_of(number) for number in range(3)]
        for record in found.records:
            assert found.indexes[0][term_hash(record["key"])] == [(record["id"], 0)]
            one = as_record(decode.code_record(record["key"], record["payload"]))
            for symbol in one.symbols:
                hash_ = term_hash(symbol.name.encode())
                mine = [(p >> 32, p & 0xFFFFFFFF) for p in own.lookup_hash(1, hash_)]
                assert found.indexes[1][hash_] == mine
            if record["id"] not in listed.dead:
                assert one.path not in live
                live[one.path] = one
        files = decode.bundle(Path(name, "search.bundle").read_bytes())
        assert {suffix: own.search_files()[suffix] for suffix in decode.SUFFIXES} == {
            name.split(".")[1]: content for name, content in files.items()
        }
    assert live == truth()[lsn]


def as_record(fields: dict[str, object]) -> FileRecord:
    symbols = [
        Symbol(n, k, Range(*r), *rest, Range(*named))
        for n, k, r, *rest, named in fields.pop("symbols")  # type: ignore[attr-defined]
    ]
    relations = [Relation(k, s, t, Range(*r)) for k, s, t, r in fields.pop("relations")]  # type: ignore[attr-defined]
    return FileRecord(symbols=symbols, relations=relations, **fields)  # type: ignore[arg-type]


def test_identity_manifest_and_closed_agree(path: Path) -> None:
    magic, version, body = decode.sealed((path / "IDENTITY").read_bytes())
    own = decode_identity((path / "IDENTITY").read_bytes(), where="x")
    assert (magic, version, body["store_id"], body["schema"]) == ("DIPTYCHI", 2, own.store_id, "code")
    manifest = read_manifest(generation(str(path), NEW))
    data = Path(generation(str(path), NEW)).read_bytes()
    _, version, body = decode.sealed(data)
    assert (version, body["lsn"], body["chain"], body["counts"]) == (2, NEW, manifest.chain, manifest.counts)
    for found, mine in zip(decode.listed_segments(body), manifest.segments, strict=True):
        assert (found.dead, found.records) == (list(ids_in(mine.dead)), mine.records)
        assert tuple(found.counts) == mine.counts
        assert int.from_bytes(found.content, "little") == mine.content
        assert {name: FileDigests(*facts) for name, *facts in found.seal["files"]} == mine.seal.files
    assert (path / "segments" / f"{NEW:020d}").read_bytes() == data
    closed = (path / "journal" / "CLOSED").read_bytes()
    assert decode.sealed(closed)[2]["lsn"] == decode_closed(closed, where="x").lsn == LAST


def test_the_command_prints_a_store_as_json_lines(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert decode.main([str(path)]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert found[0]["document"] == "identity"
    assert sum(line.get("kind") == "commit" for line in found) == LAST - OLD
    assert any(line.get("document") == "manifest" for line in found)
    assert decode.main([]) == 2


def test_a_store_with_empty_buckets_is_decoded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without symbols an index has no hash at all; after many removals most buckets have none."""
    place = Range(0, 0, 0, 1)
    many = [FileRecord(f"{n}.py", "h", symbols=[Symbol(f"s{n}", "function", place)]) for n in range(900)]
    for name, records, removed in (("none", [FileRecord("a.py", "h")], 0), ("few", many, 899)):
        path = tmp_path / name
        with Store.open(path) as store:
            with store.transaction() as txn:
                for record in records:
                    txn.index_file(record)
            store.checkpoint()
            with store.transaction() as txn:
                for record in records[:removed]:
                    txn.remove_file(record.path)
            store.checkpoint()
        for segment in path.glob("segments/*/SEAL"):
            own = Segment(str(segment.parent), CODE)
            found = decode.records((segment.parent / "records.msgpack").read_bytes())
            assert [record["key"] for record in found.records] == [record.key for record in own.scan()]
        assert decode.main([str(path)]) == 0, capsys.readouterr().err


def test_a_torn_end_is_left_over_and_damage_is_an_error(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = Path(journal_file(str(path), 9)).read_bytes()
    whole = decode.journal_file(data)
    cut = decode.journal_file(data[:-16])
    assert cut.frames == whole.frames[:-1]
    assert cut.rest > 0
    broken = tmp_path / "records.msgpack"
    shutil.copyfile(Path(segments(str(path))[0], "records.msgpack"), broken)
    broken.write_bytes(broken.read_bytes()[:-7])
    assert decode.main([str(broken)]) == 1
    assert "records" in capsys.readouterr().err


def test_an_adopted_segment_is_decoded(tmp_path: Path) -> None:
    with SegmentBuilder(CODE, tmp_path / "segment") as builder:
        for one in numbered(3):
            builder.add(one)
        made = builder.finish()
    with Store.open(tmp_path / "store", policy=MANUAL) as store, store.transaction() as txn:
        txn.adopt(made.path)
    [frame] = decode.journal_file((tmp_path / f"store/journal/{1:020d}.wal").read_bytes()).frames
    [entry] = frame["entries"]
    assert entry["entry"] == "SegmentAdopted"
    seal = entry["seal"]
    assert (seal["records"], seal["first_key"], seal["last_key"]) == (3, b"pkg/000.py", b"pkg/002.py")
    assert decode.sealed((tmp_path / f"store/segments/{made.digest}/SEAL").read_bytes())[2] == seal
