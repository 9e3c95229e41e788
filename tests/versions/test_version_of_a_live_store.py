"""Writes to a store that was staged by hard links must not change the published version."""

import os

import pytest

from diptych import FileRecord, Range, Store, Symbol
from diptych.errors import DiptychError
from diptych.versions import DiptychStore, Files, VersionManager
from diptych.versions.errors import CorruptVersionError, InvalidAssetError


def add(store, name):
    symbol = Symbol(name, "function", Range(0, 0, 1, 0))
    with Store.open(store) as opened, opened.transaction() as txn:
        txn.index_file(FileRecord(f"{name}.py", "0" * 64, "python", [symbol]))


def checkpoint(store):
    with Store.open(store) as opened:
        opened.checkpoint()


def seen(path):
    with Store.open(path, read_only=True) as opened:
        return [found.path for found in opened.files()]


def shared(version, store):
    """The files of the version that are the store's own."""
    found = set()
    for folder, _, names in os.walk(version):
        for name in names:
            relative = os.path.relpath(os.path.join(folder, name), version)
            ours, theirs = os.path.join(version, relative), os.path.join(store, relative)
            if os.path.exists(theirs) and os.path.samefile(ours, theirs):
                found.add(relative)
    return found


@pytest.mark.parametrize("share", ["auto", "link", "copy"])
def test_later_commits_do_not_reach_a_published_version(tmp_path, share):
    store = str(tmp_path / "store")
    add(store, "one")
    checkpoint(store)
    add(store, "two")
    manager = VersionManager(tmp_path / "base")
    manager.stage("v1", {"code": DiptychStore(store)}, share=share)
    manager.publish("v1")
    inside = str(tmp_path / "base" / "versions" / "v1" / "code")
    if share == "link":
        assert {name.partition("/")[0] for name in shared(inside, store)} == {"generations", "segments"}
    add(store, "three")
    checkpoint(store)
    add(store, "four")
    assert manager.verify("v1", deep=True).findings == ()
    assert seen(inside) == ["one.py", "two.py"]
    # The next one shares what is the same, and neither changes the other.
    manager.stage("v2", {"code": DiptychStore(store)}, share=share)
    manager.publish("v2")
    add(store, "five")
    assert [manager.verify(name, deep=True).ok for name in ("v1", "v2")] == [True, True]


def test_a_link_in_a_store_is_not_brought_into_a_version(tmp_path):
    store = tmp_path / "store"
    add(str(store), "one")
    (tmp_path / "secret").write_text("of the user")
    (store / "generations" / "planted").symlink_to(tmp_path / "secret")
    with pytest.raises(InvalidAssetError, match="planted"):
        VersionManager(tmp_path / "base").stage("v1", {"code": DiptychStore(store)})


@pytest.mark.parametrize("share", ["auto", "link", "copy"])
def test_a_folder_of_a_version_that_became_a_link_is_not_shared_from(tmp_path, share):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("same")
    manager = VersionManager(tmp_path / "base")
    manager.stage("v1", {"docs": Files(tmp_path / "docs")})
    manager.publish("v1")
    inside = tmp_path / "base" / "versions" / "v1" / "docs"
    inside.rename(tmp_path / "elsewhere")
    inside.symlink_to(tmp_path / "elsewhere")
    outside = tmp_path / "elsewhere" / "a.txt"
    with pytest.raises(CorruptVersionError, match=r"docs/a\.txt"):
        manager.stage("v2", {}, base="v1", share=share)
    manager.stage("v3", {"docs": Files(tmp_path / "docs")}, share=share)
    assert outside.stat().st_nlink == 1
    assert {finding.kind for finding in manager.verify("v1").findings} == {"type", "missing"}


def test_keys_that_collide_in_the_attributes_are_refused(tmp_path):
    import msgpack

    from diptych.versions.manifest import _unpacked, check_attrs

    assert check_attrs({"a": {1: "one", b"two": 2, 3.5: None}}) == {"a": {1: "one", b"two": 2, 3.5: None}}
    packer = msgpack.Packer()
    for key in (msgpack.Timestamp(1, 2), msgpack.ExtType(5, b""), [1, 2]):
        with pytest.raises(ValueError, match="key"):
            _unpacked(packer.pack_map_header(1) + packer.pack(key) + packer.pack(0))
        if not isinstance(key, list):
            with pytest.raises(DiptychError):
                check_attrs({"a": {key: 0}})
