"""What every remote that can be written keeps to. A new kind of remote is one more line in `REMOTES`."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable
from pathlib import Path

import obstore.store
import pytest
from tests.support.waiting import join

from diptych.artifact.errors import InvalidArtifactNameError, MissingObjectError, RefMovedError
from diptych.artifact.names import digest_of
from diptych.artifact.remotes.base import Remote
from diptych.artifact.remotes.file import FileRemote
from diptych.artifact.remotes.memory import MemoryRemote, MemoryStore
from diptych.artifact.remotes.object import ObjectRemote

Clients = Callable[[], Remote]


def memory(_: Path) -> Clients:
    """Clients of one remote in memory."""
    store = MemoryStore()
    return lambda: MemoryRemote(store)


def folder(tmp_path: Path) -> Clients:
    """Clients of one remote in a folder."""
    return lambda: FileRemote(os.fspath(tmp_path / "remote"))


def object_store(_: Path) -> Clients:
    """Clients of one remote in an object store, which keeps its objects in memory."""
    store = obstore.store.MemoryStore()
    return lambda: ObjectRemote("s3://bucket/indexes", store=store)


REMOTES = {"memory": memory, "file": folder, "object store": object_store}


@pytest.fixture(params=REMOTES)
def clients(request: pytest.FixtureRequest, tmp_path: Path) -> Clients:
    return REMOTES[request.param](tmp_path)


def test_a_blob_is_read_from_any_offset(clients: Clients) -> None:
    data = os.urandom(3_000_000)
    digest = digest_of(data)
    with clients() as writing:
        writing.write_blob(digest, data)
        writing.write_blob(digest, data)
    with clients() as remote:
        assert remote.has_blob(digest)
        assert b"".join(remote.read_blob(digest)) == data
        assert b"".join(remote.read_blob(digest, start=1_234_567)) == data[1_234_567:]
        assert b"".join(remote.read_blob(digest, start=5, length=7)) == data[5:12]
        assert b"".join(remote.read_blob(digest, start=len(data))) == b""
        assert [(one.digest, one.size_bytes) for one in remote.list_blobs()] == [(digest, len(data))]
        remote.delete_blob(digest)
        remote.delete_blob(digest)
        assert remote.present_blobs([digest]) == set()
        with pytest.raises(MissingObjectError):
            list(remote.read_blob(digest))


def test_a_manifest_and_its_signature(clients: Clients) -> None:
    data = b'{"format":1}'
    digest = digest_of(data)
    with clients() as remote:
        with pytest.raises(MissingObjectError):
            remote.read_manifest(digest)
        assert remote.read_signature(digest) is None
        remote.write_manifest(digest, data, [])
        remote.write_signature(digest, b"signed")
        assert remote.read_manifest(digest) == data
        assert remote.read_signature(digest) == b"signed"
        assert [one.digest for one in remote.list_manifests()] == [digest]
        remote.delete_manifest(digest)
        assert list(remote.list_manifests()) == []
        assert remote.read_signature(digest) is None


def test_a_ref_is_written_only_where_it_is_as_expected(clients: Clients) -> None:
    with clients() as one, clients() as two:
        assert one.capabilities.compare_and_swap
        assert one.read_ref("branch/main") is None
        first = one.write_ref("branch/main", b"1", expected=None)
        with pytest.raises(RefMovedError):
            two.write_ref("branch/main", b"lost", expected=None)
        found = two.read_ref("branch/main")
        assert found is not None
        assert (found.body, found.version) == (b"1", first)
        second = two.write_ref("branch/main", b"2", expected=first)
        with pytest.raises(RefMovedError):
            one.write_ref("branch/main", b"lost", expected=first)
        with pytest.raises(RefMovedError):
            one.delete_ref("branch/main", expected=first)
        one.delete_ref("branch/main", expected=second)
        assert two.read_ref("branch/main") is None
        two.delete_ref("branch/main", expected=second)


def test_refs_are_listed_by_prefix_with_their_versions(clients: Clients) -> None:
    names = ["branch/Über/x y", "branch/main", "channel/stable", "commit/" + "a" * 40, "pr/17"]
    with clients() as remote:
        versions = {name: remote.write_ref(name, name.encode(), expected=None) for name in names}
        assert {one.name: one.version for one in remote.list_refs()} == versions
        assert [one.name for one in remote.list_refs("branch/")] == ["branch/main", "branch/Über/x y"]
        assert [one.name for one in remote.list_refs("branch/m")] == ["branch/main"]
        now_ms = remote.store_time_ms()
        assert all(now_ms - 3_600_000 < one.modified_ms <= now_ms for one in remote.list_refs())


NO_REFS = ["main", "branch/", "branch/\0", "commit/abc", "pr/x", "tag/v1", "branch/" + "ü" * 40]


@pytest.mark.parametrize("name", NO_REFS)
def test_a_name_that_is_no_ref_is_refused(clients: Clients, name: str) -> None:
    with clients() as remote:
        with pytest.raises(InvalidArtifactNameError):
            remote.read_ref(name)
        with pytest.raises(InvalidArtifactNameError):
            remote.write_ref(name, b"", expected=None)


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "0" * 63])
def test_what_is_no_digest_is_refused(clients: Clients, digest: str) -> None:
    with clients() as remote:
        with pytest.raises(InvalidArtifactNameError):
            list(remote.read_blob(digest))
        with pytest.raises(InvalidArtifactNameError):
            remote.write_blob(digest, b"")
        with pytest.raises(InvalidArtifactNameError):
            remote.read_manifest(digest)


def test_documents(clients: Clients) -> None:
    with clients() as remote:
        assert remote.read_document("gc/1.json") is None
        remote.write_document("gc/2.json", b"2")
        remote.write_document("gc/1.json", b"0")
        remote.write_document("gc/1.json", b"1")
        remote.write_document("diptych-remote.json", b"{}")
        assert remote.list_documents("gc/") == ["gc/1.json", "gc/2.json"]
        assert remote.read_document("gc/1.json") == b"1"
        remote.delete_document("gc/1.json")
        remote.delete_document("gc/1.json")
        assert remote.list_documents("gc/") == ["gc/2.json"]


def test_of_many_writers_no_acknowledged_one_is_lost(clients: Clients) -> None:
    """Each counts up a number in a ref: the sum is that of all acknowledged writes."""
    each, writers = 10, 8

    def count_up() -> None:
        with clients() as remote:
            done = 0
            while done < each:
                found = remote.read_ref("channel/count")
                number = int(found.body.split()[0]) if found else 0
                # No two bodies are equal, as those of a push never are.
                body = f"{number + 1} {secrets.token_hex(8)}".encode()
                try:
                    remote.write_ref("channel/count", body, expected=found.version if found else None)
                except RefMovedError:
                    continue
                done += 1

    threads = [threading.Thread(target=count_up) for _ in range(writers)]
    for thread in threads:
        thread.start()
    join(*threads)
    with clients() as remote:
        found = remote.read_ref("channel/count")
        assert found is not None
        assert int(found.body.split()[0]) == each * writers
