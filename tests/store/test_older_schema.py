"""A store of an older version of its schema opens, and becomes one of the current version with a writer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar, NoReturn

import msgpack
import pytest
from tests.support.damage import MANUAL, newest, segments
from tests.support.files import gone
from tests.support.records import record

from diptych import (
    CorruptSearchError,
    CorruptStoreError,
    Field,
    FileRecord,
    IncompatibleStoreError,
    Store,
    StoreReplacedError,
    repair,
    verify,
)
from diptych.layout import RECORDS
from diptych.schema.base import Projection
from diptych.schema.code import CODE, CodeSchema
from diptych.schema.code_tables import is_packed
from diptych.sealed import seal
from diptych.segment import rebuild
from diptych.segment.reader import Segment
from diptych.store.generation import read_manifest
from diptych.store.manifest import IDENTITY_MAGIC, Identity, decode_identity


class OldCode(CodeSchema):
    version: ClassVar[int] = 1
    older_versions: ClassVar[tuple[int, ...]] = ()


def identity(path: str) -> Identity:
    with open(os.path.join(path, "IDENTITY"), "rb") as file:
        return decode_identity(file.read(), where=path)


@pytest.fixture
def old(memory_path: Path) -> str:
    path = str(memory_path / "store")
    with Store.open(path, schema=OldCode()) as store:
        with store.transaction() as txn:
            txn.put(record("a.py"))
        store.checkpoint()
        with store.transaction() as txn:
            txn.put(record("b.py"))
    assert identity(path).schema_version == 1
    return path


def test_a_reader_reads_it_and_changes_nothing(old: str) -> None:
    before = identity(old)
    with Store.open(old, read_only=True) as store:
        assert {found.path for found in store.files()} == {"a.py", "b.py"}
    assert identity(old) == before
    assert verify(old, deep=True).ok


def test_a_reader_follows_the_writer_that_brings_it_up_to_date(old: str) -> None:
    older = Store.open(old, schema=OldCode(), read_only=True)
    with older, Store.open(old, read_only=True) as reader:
        with Store.open(old) as store:
            with store.transaction() as txn:
                txn.index_file(record("c.py"))
            reader.refresh()
            assert [found.path for found in reader.files()] == ["a.py", "b.py", "c.py"]
            store.checkpoint(compact=True)
            reader.refresh()
            assert [found.path for found in reader.files()] == ["a.py", "b.py", "c.py"]
        with pytest.raises(StoreReplacedError, match=r"has changed the schema .* 'code' version 3"):
            older.refresh()


def test_a_writer_makes_it_one_of_the_current_version(old: str) -> None:
    before = identity(old)
    with Store.open(old) as store:
        assert store.file("a.py") == record("a.py")
        with store.transaction() as txn:
            txn.index_file(record("c.py"))
        after = identity(old)
        assert (after.schema_version, after.fingerprint) == (CODE.version, CODE.fingerprint())
        assert (after.store_id, after.created_ms) == (before.store_id, before.created_ms)
        store.checkpoint()
    assert verify(old, deep=True).ok
    with Store.open(old, read_only=True) as store:
        assert {found.path for found in store.files()} == {"a.py", "b.py", "c.py"}
    with pytest.raises(IncompatibleStoreError, match=f"schema 'code' version {CODE.version}"):
        Store.open(old, schema=OldCode())


class OtherCode(OldCode):
    """Without one of the fields."""

    fields: ClassVar[tuple[Field, ...]] = CodeSchema.fields[:-1]
    default_fields: ClassVar[dict[str, float]] = {"name": 4.0}


class SecondCode(CodeSchema):
    """The schema with payloads of version 2, as it packed them."""

    version: ClassVar[int] = 2
    older_versions: ClassVar[tuple[int, ...]] = (1,)

    def pack(self, record: FileRecord) -> bytes:
        symbols = [
            [name, kind, [*where, named[0] - where[0], named[1], named[2] - where[0], named[3]], *rest]
            for name, kind, where, *rest, named in record.symbols
        ]
        fields = [record.content_hash, record.language, symbols, record.relations]
        return bytes(msgpack.packb(fields, unicode_errors="surrogateescape"))


def test_payloads_of_version_2_are_read_beside_those_of_version_3(memory_path: Path) -> None:
    path = str(memory_path / "store")
    with Store.open(path, policy=MANUAL, schema=SecondCode()) as store:
        put(store, "a.py", "b.py")
        store.checkpoint()
        put(store, "c.py")
    with Store.open(path, read_only=True) as store:
        before = _answers(store)
    with Store.open(path, policy=MANUAL) as store:
        assert _answers(store) == before
        store.checkpoint(compact=True)
        assert _answers(store) == before
        put(store, "b.py")
        store.checkpoint(compact=True)
        assert _answers(store) == before
    assert verify(path, deep=True).ok
    payloads = {stored.key: stored.payload for stored in Segment(segments(path)[0], CODE).scan()}
    assert {key: is_packed(payload) for key, payload in payloads.items()} == {
        b"a.py": False,
        b"b.py": True,
        b"c.py": False,
    }


def _answers(store: Store) -> list[object]:
    files = sorted(store.files(), key=lambda found: found.path)
    symbols = {symbol.name for one in files for symbol in one.symbols}
    targets = {relation.target for one in files for relation in one.relations}
    return [
        *files,
        *(sorted(map(repr, store.symbols(name))) for name in sorted(symbols)),
        *(sorted(map(repr, store.references(name))) for name in sorted(targets)),
        *(sorted(repr(hit.symbol) for hit in store.search(name, limit=50)) for name in sorted(symbols)),
    ]


def test_an_older_version_with_other_indexes_is_migrated(memory_path: Path) -> None:
    path = str(memory_path / "store")
    with Store.open(path, schema=OtherCode()) as store:
        with store.transaction() as txn:
            txn.put(record("a.py"))
    with pytest.raises(IncompatibleStoreError, match="search field 'documentation' is new"):
        Store.open(path, read_only=True)
    with Store.open(path) as store:
        assert store.file("a.py") == record("a.py")
    assert identity(path).shape == CODE.shape
    assert verify(path).ok


def test_a_store_that_does_not_say_its_shape_is_not_taken_for_a_changed_one(memory_path: Path) -> None:
    path = str(memory_path / "store")
    Store.open(path, schema=OtherCode()).close()
    names = ("store_id", "schema", "schema_version", "fingerprint", "created_ms")
    body = {name: getattr(identity(path), name) for name in names}
    Path(path, "IDENTITY").write_bytes(seal(IDENTITY_MAGIC, body, version=2))
    for read_only in (True, False):
        with pytest.raises(IncompatibleStoreError, match="version 1, and was opened with"):
            Store.open(path, read_only=read_only)


class LowerCaseCode(CodeSchema):
    """The next version of the schema, which extracts other terms and makes other documents."""

    version: ClassVar[int] = CODE.version + 1
    older_versions: ClassVar[tuple[int, ...]] = (CODE.version,)

    def terms(self, payload: bytes) -> list[list[tuple[bytes, int]]]:
        return [[(term.lower(), item) for term, item in some] for some in super().terms(payload)]

    def project(self, key: bytes, payload: bytes) -> Projection:
        found = super().project(key, payload)
        return Projection(found.counts, self.terms(payload), list(found.documents)[:1])

    def project_record(self, key: bytes, payload: bytes, record: FileRecord) -> Projection:
        return self.project(key, payload)


LOWER_CASE = LowerCaseCode()
MIXED = [f"{name}.py" for name in ("Aa", "Bb", "Cc", "Dd", "Ee", "Ff")]


@pytest.fixture
def mixed(memory_path: Path) -> str:
    """A store with a segment of the older version, one record of it dead, and a segment of the newer one."""
    path = str(memory_path / "store")
    with Store.open(path, policy=MANUAL) as store:
        put(store, "Zz.py", *MIXED[:4])
        store.checkpoint()
    with Store.open(path, policy=MANUAL, schema=LOWER_CASE) as store:
        with store.transaction() as txn:
            txn.remove_file("Zz.py")
        put(store, MIXED[4])
        store.checkpoint()
        put(store, MIXED[5])
        store.checkpoint()
    found = [one.seal.schema_version for one in read_manifest(newest(path)).segments]
    assert found[:2] == [CODE.version, CODE.version + 1]
    return path


def put(store: Store, *names: str) -> None:
    with store.transaction() as txn:
        for name in names:
            txn.index_file(record(name))


def check_mixed(path: str, *, read_only: bool) -> None:
    with Store.open(path, policy=MANUAL, schema=LOWER_CASE, read_only=read_only) as store:
        assert list(store.files()) == [record(name) for name in MIXED]
        assert [store.file(name) for name in ("Zz.py", *MIXED)] == [None, *map(record, MIXED)]


def test_a_segment_of_an_older_version_is_no_damage(mixed: str) -> None:
    assert verify(mixed, schema=LOWER_CASE).findings == []


def test_records_of_an_older_version_are_rebuilt_from_the_search_index(mixed: str) -> None:
    gone(os.path.join(segments(mixed)[0], RECORDS))
    check_mixed(mixed, read_only=True)
    report = repair(mixed, schema=LOWER_CASE)
    assert (report.given_up, report.mended_from) == ([], "search")
    check_mixed(mixed, read_only=False)
    assert verify(mixed, schema=LOWER_CASE).findings == []


def test_repair_salvages_where_records_cannot_be_rebuilt(
    mixed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the reason: that both halves are as SEAL says promises no more than that."""
    gone(os.path.join(segments(mixed)[0], RECORDS))

    def refuse(*_: object, **__: object) -> NoReturn:
        raise CorruptSearchError("it holds other records")

    with monkeypatch.context() as patch:
        patch.setattr(rebuild, "rebuild_records", refuse)
        with pytest.raises(CorruptStoreError, match="damaged"):
            Store.open(mixed, schema=LOWER_CASE, policy=MANUAL)
        assert repair(mixed, schema=LOWER_CASE, dry_run=True).given_up == []
        assert repair(mixed, schema=LOWER_CASE).given_up == []
    check_mixed(mixed, read_only=False)
