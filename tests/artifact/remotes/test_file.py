"""A remote in a folder: what is durable when a call returns, and what else may be in the folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from diptych.artifact.errors import HostileArtifactError, InvalidArtifactNameError
from diptych.artifact.names import digest_of
from diptych.artifact.remotes.base import MAX_REF_BODY_BYTES
from diptych.artifact.remotes.file import FileRemote, path_of, url_of
from diptych.artifact.remotes.opening import open_remote


@pytest.fixture
def remote(tmp_path: Path) -> FileRemote:
    return FileRemote(os.fspath(tmp_path / "a remote"))


@pytest.fixture
def durable(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happened to the disk, in order: `fsync PATH`, `gone PATH`, `named PATH`."""
    events: list[str] = []
    fsync, unlink, replace = os.fsync, os.unlink, os.replace

    def recorded_fsync(fd: int) -> None:
        fsync(fd)
        events.append(f"fsync {os.readlink(f'/proc/self/fd/{fd}')}")

    def recorded_unlink(path: str) -> None:
        unlink(path)
        events.append(f"gone {path}")

    def recorded_replace(source: str, target: str) -> None:
        replace(source, target)
        events.append(f"named {target}")

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "unlink", recorded_unlink)
    monkeypatch.setattr(os, "replace", recorded_replace)
    return events


def test_a_ref_that_is_deleted_stays_deleted(remote: FileRemote, durable: list[str]) -> None:
    """Or what it named, and was removed after it, would be missing after a crash."""
    version = remote.write_ref("pr/1", b"1", expected=None)
    folder = os.path.join(remote.path, "refs", "pr")
    assert durable.index(f"named {folder}/1") < durable.index(f"fsync {folder}", 2)
    durable.clear()
    remote.delete_ref("pr/1", expected=version)
    assert durable.index(f"gone {folder}/1") < durable.index(f"fsync {folder}")


def test_files_of_others_in_the_folder_are_not_seen(remote: FileRemote) -> None:
    remote.write_blob(digest_of(b"x"), b"x")
    remote.write_manifest(digest_of(b"{}"), b"{}", [])
    remote.write_ref("branch/main", b"1", expected=None)
    for name in ("refs/branch/.main.1234.tmp", "refs/branch/UPPER", "refs/other/main", "refs/pr/01"):
        path = Path(remote.path, name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"2")
    Path(remote.path, "blobs/sha256/2d", "f" * 64).write_bytes(b"in the wrong place")
    Path(remote.path, "manifests/sha256/README").write_bytes(b"")
    assert [one.name for one in remote.list_refs()] == ["branch/main"]
    assert [one.digest for one in remote.list_blobs()] == [digest_of(b"x")]
    assert [one.digest for one in remote.list_manifests()] == [digest_of(b"{}")]


def test_a_link_is_not_followed(remote: FileRemote, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    Path(remote.path, "refs/branch").mkdir(parents=True)
    Path(remote.path, "refs/branch/main").symlink_to(secret)
    with pytest.raises(OSError, match="link"):
        remote.read_ref("branch/main")


def test_a_ref_that_is_too_long_is_refused(remote: FileRemote) -> None:
    Path(remote.path, "refs/branch").mkdir(parents=True)
    Path(remote.path, "refs/branch/main").write_bytes(b"x" * (MAX_REF_BODY_BYTES + 1))
    with pytest.raises(HostileArtifactError):
        remote.read_ref("branch/main")


def test_a_url_is_a_path_and_back(tmp_path: Path) -> None:
    path = os.fspath(tmp_path / "a b#c?ü")
    assert path_of(url_of(path)) == path
    opened = open_remote(url_of(path))
    assert isinstance(opened, FileRemote)
    assert opened.path == path
    assert open_remote(path).url == url_of(path)


NO_URLS = ["file://host/x", "file:x", "file:///a%00b", "ftp://x", "x", "", "s3://u:p@b/x", "https://["]


@pytest.mark.parametrize("url", NO_URLS)
def test_a_url_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(InvalidArtifactNameError) as caught:
        open_remote(url)
    assert "u:p" not in str(caught.value)


def test_a_folder_that_is_read_only_can_be_read(remote: FileRemote) -> None:
    version = remote.write_ref("branch/main", b"1", expected=None)
    os.chmod(remote.path, 0o555)
    try:
        reading = FileRemote(remote.path)
        found = reading.read_ref("branch/main")
        assert found is not None
        assert found.version == version
        if os.geteuid() != 0:
            assert reading.capabilities.read_only
    finally:
        os.chmod(remote.path, 0o755)
