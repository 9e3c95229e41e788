"""A store of an older version of its schema opens, and becomes one of the current version with a writer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

import pytest
from tests.support.records import record

from diptych import Field, IncompatibleStoreError, Store, verify
from diptych.schema.code import CODE, CodeSchema
from diptych.sealed import seal
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
    with pytest.raises(IncompatibleStoreError, match="schema 'code' version 2"):
        Store.open(old, schema=OldCode())


class OtherCode(OldCode):
    """Without one of the fields."""

    fields: ClassVar[tuple[Field, ...]] = CodeSchema.fields[:-1]
    default_fields: ClassVar[dict[str, float]] = {"name": 4.0}


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
