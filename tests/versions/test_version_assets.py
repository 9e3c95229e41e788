"""What a version is made of: the kinds of asset, how files come in, and what is shared."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
from pathlib import Path

import pytest

from diptych import Store
from diptych.errors import DiptychError, ReadOnlyError, StorageError, StorageFullError
from diptych.fs import hashing
from diptych.layout import GENERATIONS, IDENTITY, JOURNAL, SEGMENTS
from diptych.versions import (
    Asset,
    DiptychStore,
    DuckDbCatalogue,
    Embedding,
    FaissIndex,
    LuceneIndex,
    LucenePair,
    ScipIndex,
    VersionManager,
    sharing,
)
from diptych.versions.errors import (
    AssetChangedError,
    InvalidAssetError,
    UnknownVersionError,
)

from .support import lucene, typed_assets, write_store, write_tree


@pytest.fixture
def manager(tmp_path: Path) -> VersionManager:
    return VersionManager(tmp_path / "base")


def inode(path: str | Path) -> int:
    return os.stat(path).st_ino


def test_each_kind_is_staged_and_found_again_by_its_parts(manager: VersionManager, tmp_path: Path) -> None:
    manager.stage("v1", typed_assets(tmp_path / "src", "one"), {"commit": "abc"})
    manager.publish("v1")
    assets = manager.assets("v1")
    assert {name: (asset.kind, set(asset.parts)) for name, asset in assets.items()} == {
        "vectors": ("faiss", {"index", "id_map"}),
        "catalogue.duckdb": ("duckdb", {""}),
        "index.scip": ("scip", {""}),
        "lucene": ("lucene_pair", {"bm25", "splade"}),
        "notes": ("files", {""}),
    }
    with manager.open_current() as reader:
        assert Path(reader.asset("vectors", "id_map")).read_bytes() == b"one"
        assert Path(reader.asset("index.scip")).read_bytes() == b"\x0a\x04one"
        assert sorted(os.listdir(reader.asset("lucene", "bm25"))) == ["_0.cfs", "segments_2"]
        assert os.listdir(os.path.join(reader.asset("notes"), "hollow")) == []
    assert assets["notes"].files == 3
    assert assets["notes"].size_bytes == 30 + 10 + 0
    info = manager.info("v1")
    assert info.files == sum(asset.files for asset in assets.values())
    assert info.size_bytes == sum(asset.size_bytes for asset in assets.values())


def invalid(root: Path) -> dict[str, Asset | Path]:
    good = typed_assets(root, "x")
    assert good
    (root / "text").write_text("plain text")
    (root / "empty").write_bytes(b"")
    (root / "busy.duckdb").write_bytes(b"\0" * 8 + b"DUCK")
    (root / "busy.duckdb.wal").write_bytes(b"changes")
    (root / "bare").mkdir()
    os.mkfifo(root / "fifo")
    (root / "holder").mkdir()
    os.mkfifo(root / "holder" / "fifo")
    (root / "looped").mkdir()
    (root / "looped" / "self").symlink_to(root / "looped")
    (root / "dangling").symlink_to(root / "nowhere")
    return {
        "nothing there": root / "none",
        "a dangling symlink": root / "dangling",
        "a fifo": root / "fifo",
        "a fifo in a tree": root / "holder",
        "a symlink to a directory in a tree": root / "looped",
        "FAISS: text": FaissIndex(root / "text", root / "ids.bin"),
        "FAISS: empty": FaissIndex(root / "empty", root / "ids.bin"),
        "FAISS: no id map": FaissIndex(root / "index.faiss", root / "none"),
        "FAISS: a directory": FaissIndex(root / "bare", root / "ids.bin"),
        "DuckDB: text": DuckDbCatalogue(root / "text"),
        "DuckDB: changes in its log": DuckDbCatalogue(root / "busy.duckdb"),
        "SCIP: text": ScipIndex(root / "text"),
        "SCIP: empty": ScipIndex(root / "empty"),
        "Lucene: no segments": LuceneIndex(root / "bare"),
        "Lucene: a file": LuceneIndex(root / "text"),
        "Lucene: half a pair": LucenePair(root / "bm25", root / "bare"),
        "a store: no identity": DiptychStore(root / "bare"),
        "a store: a file": DiptychStore(root / "text"),
    }


def test_a_source_that_is_not_what_it_is_said_to_be_is_refused(
    manager: VersionManager, tmp_path: Path
) -> None:
    for what, asset in invalid(tmp_path / "src").items():
        with pytest.raises(InvalidAssetError) as caught:
            manager.stage("v1", {"asset": asset})
        assert str(tmp_path / "src") in caught.value.message, what
        assert manager.list() == [], what


def test_a_store_is_staged_without_its_lock_and_cache(manager: VersionManager, tmp_path: Path) -> None:
    manager.stage("v1", {"code": DiptychStore(write_store(tmp_path / "store"))})
    staged = Path(manager.assets("v1")["code"].path)
    assert sorted(os.listdir(staged)) == [IDENTITY, GENERATIONS, JOURNAL, SEGMENTS]
    manager.publish("v1")
    with manager.open_current() as reader, Store.open(reader.asset("code"), read_only=True) as store:
        assert [record.path for record in store.files()] == ["a.py", "b.py"]
        assert [hit.path for hit in store.search("parse_a")] == ["a.py"]
    # Reading it left nothing in the version.
    assert manager.verify("v1", deep=True).findings == ()


def test_a_damaged_store_is_not_staged(manager: VersionManager, tmp_path: Path) -> None:
    store = write_store(tmp_path / "store")
    os.truncate(next((store / SEGMENTS).glob("*/records.msgpack")), 10)
    with pytest.raises(InvalidAssetError, match="records"):
        manager.stage("v1", {"code": DiptychStore(store)})
    assert manager.list() == []


def test_deep_verification_looks_into_a_store(manager: VersionManager, tmp_path: Path) -> None:
    """The version's own hashes cannot show that its store was damaged before it was staged."""
    store = write_store(tmp_path / "store")
    snapshot = next((store / SEGMENTS).glob("*/records.msgpack"))
    data = bytearray(snapshot.read_bytes())
    # In a record: what is around the records is looked at before the version is staged.
    data[data.index(b"python")] ^= 1
    snapshot.write_bytes(data)
    manager.stage("v1", {"code": DiptychStore(store)})
    assert manager.verify("v1").ok
    report = manager.verify("v1", deep=True)
    assert not report.ok
    assert {finding.kind for finding in report.findings} == {"store"}


def test_what_comes_from_outside_is_its_own_and_read_only(manager: VersionManager, tmp_path: Path) -> None:
    source = write_tree(tmp_path / "src", "one")
    os.chmod(source / "top.bin", 0o755)
    manager.stage("v1", {"tree": source})
    staged = Path(manager.assets("v1")["tree"].path)
    assert inode(staged / "top.bin") != inode(source / "top.bin")
    assert stat.S_IMODE(os.stat(staged / "top.bin").st_mode) == 0o555
    assert stat.S_IMODE(os.stat(staged / "deep" / "void").st_mode) == 0o444
    # Its owner writes in place; the version stays.
    with open(source / "top.bin", "r+b") as file:
        file.write(b"CHANGED")
    assert manager.publish("v1").version == "v1"


def test_what_did_not_change_is_shared_with_the_current_version(
    manager: VersionManager, tmp_path: Path
) -> None:
    source = write_tree(tmp_path / "src", "one")
    manager.stage("v1", {"tree": source})
    manager.publish("v1")
    (source / "deep" / "er" / "bottom.bin").write_bytes(b"bottom two")
    manager.stage("v2", {"tree": source})
    one, two = (Path(manager.assets(version)["tree"].path) for version in ("v1", "v2"))
    assert inode(one / "top.bin") == inode(two / "top.bin")
    assert inode(one / "deep/er/bottom.bin") != inode(two / "deep/er/bottom.bin")
    manager.stage("v3", {"tree": source}, base="v2", share="copy")
    assert inode(one / "top.bin") != inode(Path(manager.assets("v3")["tree"].path) / "top.bin")


def test_link_shares_with_the_source_and_leaves_its_mode_alone(
    manager: VersionManager, tmp_path: Path
) -> None:
    source = write_tree(tmp_path / "src", "one")
    manager.stage("v1", {"tree": source}, share="link")
    staged = Path(manager.assets("v1")["tree"].path)
    assert inode(staged / "top.bin") == inode(source / "top.bin")
    assert os.access(source / "top.bin", os.W_OK)
    assert stat.S_IMODE(os.stat(source / "top.bin").st_mode) & 0o200
    # A promise that is broken is found out before publishing.
    with open(source / "top.bin", "r+b") as file:
        file.write(b"CHANGED")
    assert not manager.verify("v1").ok


def test_symlinks_to_files_become_files(manager: VersionManager, tmp_path: Path) -> None:
    source = write_tree(tmp_path / "src", "one")
    (source / "alias").symlink_to(source / "top.bin")
    for share in ("auto", "link", "copy"):
        manager.stage("v1", {"tree": source}, share=share)
        alias = Path(manager.assets("v1")["tree"].path) / "alias"
        assert not alias.is_symlink()
        assert alias.read_bytes() == (source / "top.bin").read_bytes()
        assert manager.verify("v1").ok


def test_relinking_a_lucene_pair_shares_all_else(manager: VersionManager, tmp_path: Path) -> None:
    with pytest.raises(UnknownVersionError):
        manager.relink_lucene("v2", LucenePair(tmp_path, tmp_path))
    embedding = Embedding("small", 384, "cosine")
    manager.stage("v1", typed_assets(tmp_path / "src", "one"), {"commit": "abc"}, embedding=embedding)
    manager.publish("v1")
    pair = LucenePair(lucene(tmp_path / "b", "new"), lucene(tmp_path / "s", "new too"))
    manager.relink_lucene("v2", pair)
    old, new = manager.assets("v1"), manager.assets("v2")
    assert set(old) == set(new)
    for name in old:
        shared = name != "lucene"
        for part in old[name].parts:
            before, after = Path(old[name].parts[part]), Path(new[name].parts[part])
            files = [path.relative_to(before) for path in before.rglob("*") if path.is_file()]
            for file in files or [Path()]:
                assert (inode(before / file) == inode(after / file)) is shared
    assert manager.info("v2").attrs == {"commit": "abc"}
    assert manager.info("v2").embedding == embedding
    diff = manager.diff("v1", "v2")
    assert diff.changed == tuple(
        f"lucene/{part}/{file}" for part in ("bm25", "splade") for file in ("_0.cfs", "segments_2")
    )
    assert diff.unchanged == 7 and not diff.added and not diff.removed
    manager.publish("v2")
    assert manager.rollback().version == "v1"


def test_leaving_an_asset_out(manager: VersionManager, tmp_path: Path) -> None:
    manager.stage("v1", typed_assets(tmp_path / "src", "one"))
    manager.stage("v2", base="v1", without=["notes", "vectors"])
    assert set(manager.assets("v2")) == {"catalogue.duckdb", "index.scip", "lucene"}
    assert manager.diff("v1", "v2").assets_removed == ("notes", "vectors")
    with pytest.raises(InvalidAssetError, match="nonesuch"):
        manager.stage("v3", base="v1", without=["nonesuch"])
    with pytest.raises(UnknownVersionError):
        manager.stage("v3", base="v0")
    with pytest.raises(InvalidAssetError, match="from itself"):
        manager.stage("v1", base="v1")
    with pytest.raises(InvalidAssetError, match="share"):
        manager.stage("v3", share="symlink")


def test_attributes_and_embedding_until_published(manager: VersionManager) -> None:
    manager.stage("v1", attrs={"a": 1, "b": [1, {"c": None}]})
    manager.write_attrs("v1", {"a": 2, "b": None, "d": "x"})
    manager.write_embedding("v1", Embedding("m", 3, "l2"))
    manager.publish("v1")
    with manager.open_current() as reader:
        assert reader.attrs == {"a": 2, "d": "x"}
        assert reader.embedding == Embedding("m", 3, "l2")
        reader.attrs["a"] = "a copy"
        assert reader.attrs["a"] == 2
    diff_with = manager.stage("v2", base="v1", attrs={"a": 3})
    assert diff_with.attrs == {"a": 3, "d": "x"}
    assert manager.diff("v1", "v2").attrs == {"a": (2, 3)}


def test_a_source_that_changes_meanwhile_is_refused(
    manager: VersionManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "growing"
    source.write_bytes(b"one")
    real = sharing.digest_stable_file

    def digest_then_grow(path: str) -> object:
        entry = real(path)
        with open(source, "ab") as file:
            file.write(b"more")
        return entry

    monkeypatch.setattr(sharing, "digest_stable_file", digest_then_grow)
    with pytest.raises(AssetChangedError, match="growing"):
        manager.stage("v1", {"file": source})
    assert manager.list() == []


def test_file_names_that_are_not_utf_8(manager: VersionManager, tmp_path: Path) -> None:
    source = tmp_path / "src"
    source.mkdir()
    name = os.fsdecode(b"caf\xe9 \n\xff")
    (source / name).write_bytes(b"x")
    manager.stage("v1", {"tree": source})
    manager.publish("v1")
    manager.stage("v2", base="v1", attrs={"n": 2})
    manager.publish("v2")
    assert os.listdir(manager.assets("v2")["tree"].path) == [name]
    (source / name).write_bytes(b"y")
    manager.stage("v3", {"tree": source})
    assert manager.diff("v2", "v3").changed == (f"tree/{name}",)


def test_large_files_are_hashed_in_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "_WINDOW_BYTES", 1 << 20)
    path = tmp_path / "large"
    for size_bytes in ((1 << 20) - 1, 1 << 20, (1 << 20) + 1, (3 << 20) + 4567):
        path.write_bytes(os.urandom(size_bytes))
        assert sharing.digest_stable_file(str(path)) == sharing.digest_source(str(path))


def test_a_full_disk_is_said_and_leaves_the_base_as_it_was(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(small)], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a small tmpfs: {mounted.stderr.strip()}")
    try:
        manager = VersionManager(small / "base")
        source = write_tree(tmp_path / "src", "one")
        manager.stage("v1", {"tree": source})
        manager.publish("v1")
        (source / "large").write_bytes(os.urandom(1 << 20))
        with pytest.raises(StorageFullError) as caught:
            manager.stage("v2", {"tree": source})
        assert caught.value.errno == errno.ENOSPC and caught.value.advice
        assert [info.version for info in manager.list()] == ["v1"]
        # Fill what is left, so that not even a manifest has room.
        (source / "large").unlink()
        manager.stage("v2", {"tree": source}, {"n": 2})
        with open(small / "filler", "wb", buffering=0) as filler, pytest.raises(OSError):
            while True:
                filler.write(b"x" * 512)
        with pytest.raises(StorageFullError):
            manager.publish("v2")
        assert manager.current() == "v1"
        assert manager.verify("v1").ok
        (small / "filler").unlink()
        assert manager.publish("v2").previous == "v1"
        assert VersionManager(small / "base").verify("v2").ok
    finally:
        subprocess.run(["umount", str(small)], check=True)


def check_read_only(manager: VersionManager, expected: type[DiptychError]) -> None:
    with manager.open_current() as reader, manager.open("v1") as named:
        assert reader.version == named.version == "v1"
        assert not reader.changed()
    assert manager.verify("v1").ok and manager.verify("v2").ok
    assert len(manager.list()) == 2
    for call in (lambda: manager.publish("v2"), lambda: manager.stage("v3"), manager.prune):
        with pytest.raises(expected) as caught:
            call()
        assert "read-only" in caught.value.message.lower()
        assert caught.value.advice


def test_a_read_only_base_is_read_and_refuses_changes(tmp_path: Path) -> None:
    source = write_tree(tmp_path / "src", "one")
    manager = VersionManager(tmp_path / "base")
    manager.stage("v1", {"tree": source})
    manager.publish("v1")
    manager.stage("v2", {"tree": source}, {"n": 2})
    # A lagging link, so that opening the base would have something to heal.
    (tmp_path / "base" / "current").unlink()
    (tmp_path / "base" / "current").symlink_to("versions/v0")
    mounted = subprocess.run(
        ["mount", "--bind", "-o", "ro", str(tmp_path / "base"), str(tmp_path / "base")],
        capture_output=True,
        text=True,
    )
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount read-only: {mounted.stderr.strip()}")
    try:
        check_read_only(VersionManager(tmp_path / "base", read_only=True), ReadOnlyError)
        check_read_only(VersionManager(tmp_path / "base"), StorageError)
    finally:
        subprocess.run(["umount", str(tmp_path / "base")], check=True)
    assert VersionManager(tmp_path / "base").publish("v2").previous == "v1"
