"""What the tests of versions share: small real sources of each kind, and what must hold of any base."""

from __future__ import annotations

import os
from pathlib import Path

from diptych import FileRecord, Range, Store, Symbol, content_hash
from diptych.versions import (
    Asset,
    DuckDbCatalogue,
    FaissIndex,
    LucenePair,
    ScipIndex,
    State,
    VersionManager,
    open_current,
)
from diptych.versions.names import CURRENT, CURRENT_LINK, LOCK, VERSIONS, is_version_name


def write_tree(root: Path, text: str) -> Path:
    """A directory with files at two depths, an empty file and an empty directory."""
    (root / "deep" / "er").mkdir(parents=True, exist_ok=True)
    (root / "hollow").mkdir(exist_ok=True)
    (root / "top.bin").write_bytes(text.encode() * 10)
    (root / "deep" / "er" / "bottom.bin").write_bytes(b"bottom " + text.encode())
    (root / "deep" / "void").write_bytes(b"")
    return root


def write_store(root: Path) -> Path:
    """A Diptych store with a file in a generation, and one that is only in the journal."""
    with Store.open(root) as store:
        for name in ("a", "b"):
            symbol = Symbol(f"parse_{name}", "function", Range(0, 0, 1, 0))
            with store.transaction() as txn:
                txn.index_file(FileRecord(f"{name}.py", content_hash(name.encode()), "python", (symbol,)))
            if name == "a":
                store.checkpoint()
    return root


def lucene(root: Path, text: str) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / "segments_2").write_bytes(b"\x3f\xd7\x6c\x17segments" + text.encode())
    (root / "_0.cfs").write_bytes(text.encode() * 50)
    (root / "write.lock").write_bytes(b"")
    return root


def typed_assets(root: Path, text: str) -> dict[str, Asset | str]:
    """One asset of each kind that needs no other program to make."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "index.faiss").write_bytes(b"IxFI" + text.encode() * 9)
    (root / "ids.bin").write_bytes(text.encode())
    (root / "cat.duckdb").write_bytes(b"\0" * 8 + b"DUCK" + text.encode() * 9)
    (root / "index.scip").write_bytes(b"\x0a\x04" + text.encode())
    return {
        "vectors": FaissIndex(root / "index.faiss", root / "ids.bin"),
        "catalogue.duckdb": DuckDbCatalogue(root / "cat.duckdb"),
        "index.scip": ScipIndex(root / "index.scip"),
        "lucene": LucenePair(lucene(root / "bm25", text), lucene(root / "splade", text + "s")),
        "notes": str(write_tree(root / "notes", text)),
    }


def check_base(base: Path | str, allowed: set[str | None]) -> str | None:
    """The invariant of a base: the current version is one of `allowed`, and each published one is intact.

    Changes nothing. Gives the current version.
    """
    manager = VersionManager(base, read_only=True)
    current = manager.current()
    assert current in allowed
    if current is not None:
        with open_current(str(base)) as reader:
            assert reader.version == current
            assert all(os.path.exists(asset.path) for asset in reader.assets.values())
        link = Path(base, CURRENT_LINK)
        if link.is_symlink():
            # After a crash it may lag by one version, but that version is intact.
            assert VersionManager(base, read_only=True).verify(link.resolve().name).ok
    for info in manager.list():
        assert info.state is not State.DAMAGED, info
        if info.state not in (State.INCOMPLETE, State.STAGED):
            report = manager.verify(info.version)
            assert report.ok, report
    return current


def check_settled(base: Path | str) -> None:
    """After a manager ran to its end: the symlink is right, and nothing is left lying about."""
    current = VersionManager(base, read_only=True).current()
    assert set(os.listdir(base)) <= {LOCK, CURRENT, CURRENT_LINK, VERSIONS}
    assert os.readlink(Path(base, CURRENT_LINK)) == os.path.join(VERSIONS, current or "")
    for name in os.listdir(Path(base, VERSIONS)):
        assert is_version_name(name.removesuffix(".staging")), name
        assert not [entry for entry in os.listdir(Path(base, VERSIONS, name)) if entry.endswith(".tmp")]
