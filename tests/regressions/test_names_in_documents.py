"""Names that a document from disk gives: none leads out of the store, and none is of any kind but its own."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import msgpack
import pytest
from tests.support.damage import MANUAL, generation

from diptych import DiptychError, FileRecord, Range, Store, Symbol, repair, verify
from diptych.errors import CorruptionError, CorruptSnapshotError
from diptych.fs import digest_stable_file
from diptych.layout import are_segment_files, is_generation_file_1, is_path_inside, is_plain_name
from diptych.sealed import seal, unseal
from diptych.segment.seal import encode_seal
from diptych.store.generation import read_manifest
from diptych.store.manifest import decode_closed, decode_manifest, encode_manifest

OUTSIDE = [
    "../planted",
    "a/../../../../planted",
    "..",
    ".",
    "",
    "a/b",
    "/etc/passwd",
    "meta.json",
    ".managed.json",
    "a\0b",
    "a\\b",
    "a:b",
    "nul",
    "\x1b[31m",
    "SEAL",
]


def small(path):
    symbol = Symbol("parse", "function", Range(0, 0, 1, 0))
    with Store.open(path, policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.index_file(FileRecord("a.py", "0" * 64, "python", [symbol]))
        store.checkpoint()


def tree(path):
    return sorted(str(found) for found in Path(path).rglob("*"))


def name_also(store, name, *, segment_id=None):
    """Let a listed segment name one more file, with the size and the hashes of one that is outside."""
    where = generation(store, 1)
    manifest = read_manifest(where)
    [listed] = manifest.segments
    files = listed.seal.files | {name: digest_stable_file(str(Path(store).parent / "secret"))}
    own = replace(listed.seal, files=files, segment_id=segment_id or listed.seal.segment_id)
    forged = replace(listed, sealed=encode_seal(own))
    data = encode_manifest(replace(manifest, segments=(forged,)))
    Path(where).write_bytes(data)
    Path(store, "segments", Path(where).name).write_bytes(data)


@pytest.mark.parametrize("name", ["../../../secret", "{folder}/secret"])
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
    assert not is_generation_file_1("search/" + name) or name == "meta.json" or name == "SEAL"
    name_also(str(tmp_path / "s"), name)
    with pytest.raises(CorruptSnapshotError, match="makes no sense"):
        read_manifest(generation(str(tmp_path / "s"), 1))
    # Its copy is no better, so that nothing says that the name is that of a generation.
    assert "stray" in {finding.kind for finding in verify(tmp_path / "s").findings}
    with Store.open(tmp_path / "s", read_only=True) as store:
        # From the journal, which goes back to the beginning.
        assert [hit.path for hit in store.search("parse")] == ["a.py"]
    assert repair(tmp_path / "s").given_up == []
    assert verify(tmp_path / "s").ok


@pytest.mark.parametrize(
    ("field", "value"),
    [
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
    for listed in ([], [[]], [[b"", b"", 1, []]], [[b"x", b"", 1, [1, 2]]], [[None] * 4], 7):
        body = msgpack.unpackb(msgpack.unpackb(encode_manifest(manifest))[2])
        with pytest.raises(CorruptSnapshotError):
            decode_manifest(seal("DIPTYCHM", body | {"segments": listed}, version=2), where="x")
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


@pytest.mark.parametrize("segment_id", ["", "..", "../../planted", "A" * 32, "0" * 31, "0" * 32 + "\n"])
def test_a_segments_id_is_part_of_plain_names(tmp_path, segment_id):
    (tmp_path / "secret").write_bytes(b"of the user")
    small(tmp_path / "s")
    name_also(str(tmp_path / "s"), "records.msgpack", segment_id=segment_id or "x")
    with pytest.raises(CorruptSnapshotError, match="makes no sense"):
        read_manifest(generation(str(tmp_path / "s"), 1))


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
    [listed] = read_manifest(generation(str(tmp_path / "s"), 1)).segments
    assert are_segment_files(listed.seal.files, listed.seal.segment_id)
    assert issubclass(CorruptionError, DiptychError)
