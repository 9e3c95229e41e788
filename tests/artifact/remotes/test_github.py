"""A GitHub repository as a remote, against a stand-in for its API."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from tests.artifact.remotes.servers import Fault, Faulty, running
from tests.support.waiting import join
from tools.sharing.servers.github import TOKEN, GithubStandIn

from diptych.artifact.errors import (
    AccessDeniedError,
    InvalidArtifactNameError,
    MissingObjectError,
    RefMovedError,
    RemoteUnavailableError,
)
from diptych.artifact.names import digest_of
from diptych.artifact.remotes.github import GithubRemote


class Repository:
    def __init__(self) -> None:
        self.stand_in = GithubStandIn()
        self.faulty = Faulty(self.stand_in.application)

    def client(self, token: str = TOKEN) -> GithubRemote:
        return GithubRemote("github://owner/name", api=self.stand_in.url, token=token, sleep=lambda _: None)


@pytest.fixture
def repository() -> Iterator[Repository]:
    made = Repository()
    with ExitStack() as stack:
        made.stand_in.url = stack.enter_context(running(made.faulty))
        made.stand_in.assets_url = stack.enter_context(running(made.stand_in.asset_host))
        yield made


def test_blobs_manifests_and_documents_are_assets(repository: Repository) -> None:
    data, manifest = os.urandom(300_000), b'{"format":1}'
    digest, name = digest_of(data), digest_of(manifest)
    with repository.client() as remote:
        remote.write_blob(digest, data)
        remote.write_blob(digest, data)
        remote.write_manifest(name, manifest, [])
        remote.write_signature(name, b"first")
        remote.write_signature(name, b"second")
        remote.write_document("gc/1.json", b"{}")
    with repository.client() as remote:
        assert remote.present_blobs([digest, name]) == {digest}
        # The asset is on another host, which refuses a request with the token.
        assert b"".join(remote.read_blob(digest)) == data
        assert b"".join(remote.read_blob(digest, start=100_000, length=17)) == data[100_000:100_017]
        assert b"".join(remote.read_blob(digest, start=len(data))) == b""
        assert remote.read_manifest(name) == manifest
        assert remote.read_signature(name) == b"second"
        assert remote.list_documents("gc/") == ["gc/1.json"]
        assert [one.digest for one in remote.list_blobs()] == [digest]
        remote.delete_blob(digest)
        with pytest.raises(MissingObjectError):
            list(remote.read_blob(digest))


def test_a_blob_of_another_push_is_seen(repository: Repository) -> None:
    with repository.client() as one, repository.client() as two:
        assert two.present_blobs(["0" * 64]) == set()
        one.write_blob(digest_of(b"x"), b"x")
        assert b"".join(two.read_blob(digest_of(b"x"))) == b"x"
        two.write_blob(digest_of(b"x"), b"x")


def test_refs_are_compared_and_swapped(repository: Repository) -> None:
    with repository.client() as one, repository.client() as two:
        assert one.capabilities.compare_and_swap
        first = one.write_ref("branch/Feature/x", b"1", expected=None)
        with pytest.raises(RefMovedError):
            two.write_ref("branch/Feature/x", b"lost", expected=None)
        second = two.write_ref("branch/Feature/x", b"2", expected=first)
        with pytest.raises(RefMovedError):
            one.write_ref("branch/Feature/x", b"lost", expected=first)
        found = one.read_ref("branch/Feature/x")
        assert found is not None
        assert (found.body, found.version) == (b"2", second)
        one.write_ref("branch/main", b"m", expected=None)
        assert [name for name, _, _ in one.list_refs()] == ["branch/Feature/x", "branch/main"]
        assert [name for name, _, _ in one.list_refs("branch/m")] == ["branch/main"]
        with pytest.raises(RefMovedError):
            one.delete_ref("branch/Feature/x", expected=first)
        one.delete_ref("branch/Feature/x", expected=second)
        assert one.read_ref("branch/Feature/x") is None


def test_of_many_writers_no_acknowledged_one_is_lost(repository: Repository) -> None:
    each, acknowledged = 5, []

    def count_up() -> None:
        with repository.client() as remote:
            done = 0
            while done < each:
                found = remote.read_ref("branch/main")
                number = int(found.body) if found is not None else 0
                try:
                    remote.write_ref("branch/main", b"%d" % (number + 1), expected=found and found.version)
                except RefMovedError:
                    continue
                done += 1
                acknowledged.append(number)

    threads = [threading.Thread(target=count_up) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        join(thread)
    with repository.client() as remote:
        found = remote.read_ref("branch/main")
    assert found is not None
    assert int(found.body) == len(acknowledged) == 3 * each


def test_an_answer_that_is_lost_is_in_doubt_and_not_written_twice(repository: Repository) -> None:
    with repository.client() as remote:
        first = remote.write_ref("branch/main", b"1", expected=None)
        repository.faulty.pending = [Fault(lost=True, method="PATCH")]
        with pytest.raises(RemoteUnavailableError):
            remote.write_ref("branch/main", b"2", expected=first)
        found = remote.read_ref("branch/main")
        assert found is not None
        assert found.body == b"2"


def test_a_wrong_token_is_refused_and_not_shown(repository: Repository) -> None:
    with repository.client(token="wrong-and-not-to-be-shown") as remote:
        with pytest.raises(AccessDeniedError) as raised:
            remote.write_blob(digest_of(b"x"), b"x")
    assert "wrong-and" not in f"{raised.value} {raised.value.advice}"
    with repository.client(token="") as remote:
        assert remote.capabilities.read_only


@pytest.mark.parametrize("url", ["github://owner", "github://owner/a/b", "github://../x", "github://o/.."])
def test_what_is_no_repository_is_refused(url: str) -> None:
    with pytest.raises(InvalidArtifactNameError):
        GithubRemote(url, token="")


def test_a_repository_whose_name_ends_like_git_keeps_it() -> None:
    with GithubRemote("github://owner/digit", token="") as remote:
        assert remote.url == "github://owner/digit"
