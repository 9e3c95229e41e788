"""Names that a document from disk gives: none leads out of the store, and none is of any kind but its own."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import msgpack
import pytest
from blake3 import blake3
from tests.support.damage import MANUAL, generation

from diptych import DiptychError, FileRecord, Range, Store, Symbol, repair, verify
from diptych.errors import CorruptionError, CorruptSearchError, CorruptSnapshotError
from diptych.layout import is_generation_file, is_path_inside, is_plain_name
from diptych.sealed import seal, unseal
from diptych.search.leaf import files_in_use
from diptych.store.generation import read_manifest
from diptych.store.manifest import decode_closed, decode_manifest, encode_manifest

OUTSIDE = [
    "../planted",
    "search/../../../../planted",
    "search/a/../../../../../planted",
    "search//planted",
    "search/..",
    "search/.",
    "search/",
    "search/a/b",
    "/etc/passwd",
    "search//etc/passwd",
    "search/.managed.json",
    "search/a\0b",
    "search/a\\b",
    "search/a:b",
    "search/nul",
    "search/\x1b[31m",
    "manifest.msgpack",
    "",
]


def small(path):
    symbol = Symbol("parse", "function", Range(0, 0, 1, 0))
    with Store.open(path, policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(FileRecord("a.py", "0" * 64, "python", [symbol]))
        store.checkpoint()


def tree(path):
    return sorted(str(found) for found in Path(path).rglob("*"))


def name_also(store, name):
    """Let the manifest name one more file, with the size and the hash of one that is outside."""
    where = generation(store, 1)
    manifest = read_manifest(where)
    data = Path(store).parent.joinpath("secret").read_bytes()
    files = manifest.files | {name: (len(data), blake3(data).hexdigest())}
    Path(where, "manifest.msgpack").write_bytes(encode_manifest(replace(manifest, files=files)))


@pytest.mark.parametrize("name", ["search/../../../../secret", "search//{folder}/secret"])
@pytest.mark.parametrize("command", ["search", "verify", "repair", "status", "checkpoint"])
def test_no_command_leaves_the_store_by_a_name_in_a_manifest(tmp_path, name, command):
    folder = tmp_path / "outer" / "inner"
    store = folder / "s"
    folder.mkdir(parents=True)
    (folder / "secret").write_bytes(b"of the user")
    small(store)
    name_also(str(store), name.format(folder=folder))
    before = sorted(set(tree(tmp_path)) - set(tree(store)))
    temporary = tmp_path.parent / (tmp_path.name + "-tmp") / "deep" / "deeper"
    temporary.mkdir(parents=True)
    arguments = ["parse", "--fresh", "never"] if command == "search" else []
    ran = subprocess.run(
        [sys.executable, "-m", "diptych", command, *arguments, "--store", str(store)],
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in ran.stderr
    assert sorted(set(tree(tmp_path)) - set(tree(store))) == before
    assert tree(temporary.parents[1]) == [str(temporary.parent), str(temporary)]
    assert not [found for found in Path(store).rglob("*") if found.is_symlink() or found.name == "secret"]


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_manifest_that_names_what_is_none_of_its_files_is_damaged(tmp_path, name):
    (tmp_path / "secret").write_bytes(b"of the user")
    small(tmp_path / "s")
    assert not is_generation_file(name)
    name_also(str(tmp_path / "s"), name)
    with pytest.raises(CorruptSnapshotError, match="makes no sense"):
        read_manifest(generation(str(tmp_path / "s"), 1))
    assert "manifest-damaged" in {finding.kind for finding in verify(tmp_path / "s").findings}
    with Store.open(tmp_path / "s", read_only=True) as store:
        # From the journal, which goes back to the beginning.
        assert [hit.path for hit in store.search("parse")] == ["a.py"]
    assert repair(tmp_path / "s").given_up == []
    assert verify(tmp_path / "s").ok


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("files", {"snapshot.msgpack": (1, "zz" * 32)}),
        ("files", {"snapshot.msgpack": (1, "00")}),
        ("files", {"snapshot.msgpack": (-1, "0" * 64)}),
        ("files", {"snapshot.msgpack": ("1", "0" * 64)}),
        ("files", {"snapshot.msgpack": (2**63, "0" * 64)}),
        ("files", {"search/meta.json": (2**40, "0" * 64)}),
        ("lsn", -1),
        ("lsn", 2**64 - 1),
        ("lsn", "1"),
        ("lsn", True),
        ("records", None),
        ("records", -1),
        ("chain", -1),
        ("counts", {"symbols": "many"}),
        ("counts", []),
        ("created_ms", 2**63),
        ("modified_ms", "yesterday"),
    ],
)
def test_a_field_of_a_manifest_that_makes_no_sense(tmp_path, field, value):
    small(tmp_path / "s")
    manifest = read_manifest(generation(str(tmp_path / "s"), 1))
    with pytest.raises(CorruptSnapshotError):
        decode_manifest(encode_manifest(replace(manifest, **{field: value})), where="x")
    for name, wrong in (("store_id", b"short"), ("schema", 7), ("fingerprint", None), ("created_ms", -1)):
        identity = replace(manifest.identity, **{name: wrong})
        with pytest.raises(CorruptSnapshotError):
            decode_manifest(encode_manifest(replace(manifest, identity=identity)), where="x")


def test_a_mark_of_an_orderly_close_that_makes_no_sense():
    good = {"store_id": bytes(16), "lsn": 1, "chain": 2, "closed_ms": 3}
    assert decode_closed(seal("DIPTYCHC", good), where="x").lsn == 1
    for field, wrong in (("lsn", 2**64 - 1), ("lsn", -1), ("lsn", b"1"), ("store_id", ""), ("chain", None)):
        with pytest.raises(CorruptionError):
            decode_closed(seal("DIPTYCHC", {**good, field: wrong}), where="x")


def test_keys_that_collide_are_refused_before_they_are_put_in_a_map():
    # Their hashes are all alike, so that a map of them would take time by the square of their number. The
    # bound is on what is put in a map: none of it.
    for key in ([1, 2], 7, None, 1.5, msgpack.Timestamp(1, 2), msgpack.ExtType(3, b"")):
        packer = msgpack.Packer(datetime=False)
        body = packer.pack_map_header(1) + packer.pack(key) + packer.pack(0)
        parts = msgpack.unpackb(seal("DIPTYCHM", {}))
        forged = msgpack.packb(["DIPTYCHM", 1, body, checksum("DIPTYCHM", 1, body)])
        assert parts[3] == checksum("DIPTYCHM", 1, parts[2])
        with pytest.raises(CorruptionError, match="does not decode"):
            unseal("DIPTYCHM", forged, where="x")


def checksum(magic, version, packed):
    from diptych.sealed import _checksum

    return _checksum(magic, version, packed)


@pytest.mark.parametrize("segment", ["", "..", "../../planted", ".managed", 7, None, "a/b"])
def test_a_segment_of_meta_json_has_a_plain_name(tmp_path, segment):
    import json

    (tmp_path / "meta.json").write_text(json.dumps({"segments": [{"segment_id": segment, "deletes": None}]}))
    (tmp_path / ".managed.json").write_text("[]")
    with pytest.raises(CorruptSearchError):
        files_in_use(str(tmp_path))


@pytest.mark.parametrize(
    "path", [b"", b"/a", b"a//b", b"..", b"a/../b", b"./a", b"a/.", b"a/", b"a\0b", "a", None]
)
def test_a_path_that_leads_outside(path):
    assert not is_path_inside(path)


def test_what_the_engine_writes_fits_the_grammar(tmp_path):
    assert is_path_inside(b".github/a..b/...")
    assert is_plain_name("0123456789abcdef0123456789abcdef.12.del")
    assert not is_plain_name("a" * 129)
    small(tmp_path / "s")
    assert all(map(is_generation_file, read_manifest(generation(str(tmp_path / "s"), 1)).files))
    assert issubclass(CorruptionError, DiptychError)
