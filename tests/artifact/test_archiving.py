"""An artifact in one file: an OCI image layout, read back, and refused where it is something else."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.artifact.support import check_same, fill, some_records

from diptych.artifact.archiving import write_archive
from diptych.artifact.encode import Pack
from diptych.artifact.errors import ArtifactError, HostileArtifactError, UnsupportedRemoteError
from diptych.artifact.names import digest_of
from diptych.artifact.promote import promote
from diptych.artifact.pull import pull
from diptych.artifact.push import push
from diptych.artifact.remembered import load
from diptych.artifact.remotes.archive import ArchiveRemote
from diptych.artifact.remotes.memory import MemoryRemote
from diptych.artifact.remotes.opening import open_remote
from diptych.artifact.sign import new_key
from diptych.artifact.trust import Policy, Trust
from diptych.errors import CorruptionError, DiptychError

MAIN = "branch/main"


@pytest.fixture
def store(memory_path: Path) -> str:
    path = os.path.join(memory_path, "made", ".diptych")
    fill(path, some_records())
    return path


@pytest.fixture
def packed(store: str, tmp_path: Path) -> Path:
    remote = MemoryRemote()
    push(store, remote, ref=MAIN, remember=False)
    write_archive(os.fspath(tmp_path / "a.tar"), remote, [MAIN])
    return tmp_path / "a.tar"


def test_what_is_packed_installs_elsewhere_and_is_remembered_by_nobody(
    store: str, packed: Path, tmp_path: Path
) -> None:
    assert load(store).refs == ()
    with open_remote(os.fspath(packed)) as remote:
        assert [one.name for one in remote.list_refs()] == [MAIN]
        done = pull(remote, tmp_path / "there", ref=MAIN)
        with pytest.raises(UnsupportedRemoteError, match="can only be read"):
            promote(remote, MAIN, "channel/stable")
    check_same(tmp_path / "there", store)
    assert done.fetched_bytes > 0
    assert load(os.fspath(tmp_path / "there")).remote == ""
    assert sorted(os.listdir(tmp_path)) == ["a.tar", "there"]


def test_the_signature_is_in_the_file(store: str, tmp_path: Path) -> None:
    key, other = new_key(os.fspath(tmp_path / "key")), new_key(os.fspath(tmp_path / "other"))
    remote = MemoryRemote()
    push(store, remote, ref=MAIN, key=key)
    path = os.fspath(tmp_path / "a.tar")
    write_archive(path, remote, [MAIN])
    archive = ArchiveRemote(path)

    def trusting(public: str) -> Trust:
        return Trust((Policy(archive.url, "signature", (public,)),))

    with pytest.raises(ArtifactError):
        pull(archive, tmp_path / "there", ref=MAIN, trust=trusting(other.public))
    assert pull(archive, tmp_path / "there", ref=MAIN, trust=trusting(key.public)).outcome == "installed"


def test_it_is_an_oci_image_layout(packed: Path) -> None:
    """As the specification has it: each descriptor has the digest and the size of what it names."""
    with tarfile.open(packed) as tar:
        files = {one.name: tar.extractfile(one).read() for one in tar}  # type: ignore[union-attr]
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    waiting = json.loads(files["index.json"])["manifests"]
    seen = set()
    while waiting:
        one = waiting.pop()
        data = files[f"blobs/sha256/{one['digest'].removeprefix('sha256:')}"]
        assert (digest_of(data), len(data)) == (one["digest"].removeprefix("sha256:"), one["size"])
        seen.add(one["digest"])
        if one["mediaType"].endswith("manifest.v1+json"):
            body = json.loads(data)
            waiting += [body["config"], *body["layers"]]
    assert len(seen) == len(files) - 2


def _tar(*members: tuple[str, bytes], kind: bytes = tarfile.REGTYPE) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members:
            one = tarfile.TarInfo(name)
            one.size, one.type = len(data), kind
            tar.addfile(one, io.BytesIO(data))
    return out.getvalue()


INDEX = ("index.json", b'{"manifests":[]}')
LAYOUT = ("oci-layout", b"{}")


@pytest.mark.parametrize(
    "data",
    [
        _tar(LAYOUT, INDEX, ("../x", b"y")),
        _tar(LAYOUT, INDEX, ("/etc/passwd", b"y")),
        _tar(LAYOUT, INDEX, (f"blobs/sha256/{'A' * 64}", b"y")),
        _tar(LAYOUT, INDEX, (f"blobs/sha256/{'a' * 64}", b""), kind=tarfile.SYMTYPE),
        _tar(LAYOUT, INDEX, INDEX),
        _tar(LAYOUT, ("index.json", b"[]")),
        _tar(LAYOUT, ("index.json", b"[" * 100_000)),
        _tar(LAYOUT, INDEX)[:1_540],
        b"PK\x03\x04" + bytes(2_000),
        b"x" * 10_000,
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.tar").write_bytes(data)
    with pytest.raises((HostileArtifactError, UnsupportedRemoteError)):
        ArchiveRemote(os.fspath(tmp_path / "a.tar"))


def test_a_file_without_an_artifact_is_refused(tmp_path: Path) -> None:
    for data in (b"", _tar(LAYOUT), bytes(1_024)):
        (tmp_path / "a.tar").write_bytes(data)
        with pytest.raises(UnsupportedRemoteError, match="has no artifact"):
            ArchiveRemote(os.fspath(tmp_path / "a.tar"))


def test_a_damaged_file_is_installed_as_it_was_or_not_at_all(
    store: str, packed: Path, tmp_path: Path
) -> None:
    data = packed.read_bytes()
    with tarfile.open(packed) as tar:
        # Of a pack, what begins it is read by nobody.
        packs = [
            range(one.offset_data + len(Pack()), one.offset_data + one.size)
            for one in tar.getmembers()
            if data[one.offset_data : one.offset_data + 1] not in (b"{", b"")
        ]
    assert max(map(len, packs)) > 4_000
    installed = 0
    for number, at in enumerate(range(7, len(data), len(data) // 40)):
        damaged = bytearray(data)
        damaged[at] ^= 0x10
        packed.write_bytes(damaged)
        dest = tmp_path / f"there-{number}"
        try:
            with open_remote(os.fspath(packed)) as remote:
                pull(remote, dest, ref=MAIN)
        except (DiptychError, CorruptionError):
            assert not dest.exists()
        else:
            # In what nothing reads: the padding, and the owners and times of the tar.
            assert not any(at in pack for pack in packs)
            installed += 1
            if installed == 1:
                check_same(dest, store)
    assert installed


def test_it_is_durable_before_it_has_its_name_and_so_is_the_name(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = MemoryRemote()
    push(store, remote, ref=MAIN)
    events: list[str] = []

    def recorded(does: Callable[..., object], name: str) -> Callable[..., object]:
        def act(*given: object) -> object:
            done = does(*given)
            at = os.readlink(f"/proc/self/fd/{given[0]}") if name == "fsync" else given[-1]
            events.append(f"{name} {at}")
            return done

        return act

    monkeypatch.setattr(os, "fsync", recorded(os.fsync, "fsync"))
    monkeypatch.setattr(os, "replace", recorded(os.replace, "named"))
    write_archive(os.fspath(tmp_path / "a.tar"), remote, [MAIN])
    assert events[0].startswith(f"fsync {tmp_path}/.a.tar.")
    assert events[1:] == [f"named {tmp_path}/a.tar", f"fsync {tmp_path}"]
