"""A registry as a remote: Debian's docker-registry as it is, and behind a server that wants a password."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.artifact.remotes.servers import Fault, Faulty, running
from tools.sharing.servers import programs

from diptych.artifact.errors import (
    AccessDeniedError,
    HostileArtifactError,
    InvalidArtifactNameError,
    MissingObjectError,
    RefMovedError,
    UnsupportedRemoteError,
)
from diptych.artifact.names import digest_of
from diptych.artifact.remotes.base import BlobSize
from diptych.artifact.remotes.oci import OciRemote
from diptych.artifact.remotes.oci_auth import credentials_of
from diptych.artifact.remotes.oci_forms import ref_of_tag, tag_of

_NUMBERS = count()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The host and port of a registry."""
    try:
        with programs.registry(tmp_path_factory.mktemp("registry")) as served:
            yield urlsplit(served.url).netloc
    except programs.NotInstalledError as error:
        pytest.skip(str(error))


def client(host: str, **more: bool) -> OciRemote:
    return OciRemote(f"oci://{host}/team/{next(_NUMBERS)}", sleep=lambda _: None, **more)


def test_blobs_are_read_from_any_offset(registry: str) -> None:
    # In several chunks.
    data = os.urandom(20_000_000)
    digest = digest_of(data)
    with client(registry) as remote:
        assert remote.present_blobs([digest]) == set()
        remote.write_blob(digest, data)
        remote.write_blob(digest, data)
        assert remote.has_blob(digest)
        assert b"".join(remote.read_blob(digest)) == data
        assert b"".join(remote.read_blob(digest, start=19_999_990)) == data[-10:]
        assert b"".join(remote.read_blob(digest, start=5, length=7)) == data[5:12]
        assert b"".join(remote.read_blob(digest, start=len(data))) == b""
        with pytest.raises(MissingObjectError):
            list(remote.read_blob("0" * 64))


def test_a_manifest_is_an_oci_manifest_whose_layers_are_its_blobs(registry: str) -> None:
    blob, manifest = b"a blob", b'{"format":1}'
    with client(registry) as remote:
        remote.write_blob(digest_of(blob), blob)
        # A plan may know only how far it reads: the registry wants the size.
        remote.write_manifest(digest_of(manifest), manifest, [BlobSize(digest_of(blob), 3)])
        assert remote.read_manifest(digest_of(manifest)) == manifest
        assert remote.read_signature(digest_of(manifest)) is None
        remote.write_signature(digest_of(manifest), b"signed")
        assert remote.read_signature(digest_of(manifest)) == b"signed"
        with pytest.raises(MissingObjectError):
            remote.read_manifest("0" * 64)
        with pytest.raises(MissingObjectError):
            remote.write_manifest(digest_of(b"x"), b"x", [BlobSize("1" * 64, 1)])


def test_refs_that_move_need_leave_and_those_of_commits_do_not(registry: str) -> None:
    commit = "commit/" + "a" * 40
    with client(registry) as remote:
        assert not remote.capabilities.compare_and_swap
        version = remote.write_ref(commit, b"1", expected=None)
        assert remote.write_ref(commit, b"1", expected=None) == version
        with pytest.raises(UnsupportedRemoteError, match="compare and swap") as raised:
            remote.write_ref("branch/main", b"1", expected=None)
        assert "--no-cas" in raised.value.advice


def test_refs_are_tags(registry: str) -> None:
    with client(registry, without_swap=True) as remote:
        assert list(remote.list_refs()) == []
        names = ["branch/Feature/Über x", "branch/main", "channel/stable", "pr/17"]
        versions = {name: remote.write_ref(name, name.encode(), expected=None) for name in names}
        assert [one.name for one in remote.list_refs()] == sorted(names)
        assert [one.name for one in remote.list_refs("branch/m")] == ["branch/main"]
        for name in names:
            found = remote.read_ref(name)
            assert found is not None
            assert (found.body, found.version) == (name.encode(), versions[name])
        with pytest.raises(RefMovedError):
            remote.write_ref("branch/main", b"2", expected=None)
        newer = remote.write_ref("branch/main", b"2", expected=versions["branch/main"])
        with pytest.raises(RefMovedError):
            remote.delete_ref("branch/main", expected=versions["branch/main"])
        remote.delete_ref("branch/main", expected=newer)
        assert remote.read_ref("branch/main") is None
        remote.write_document("gc/1.json", b"{}")
        assert remote.read_document("gc/1.json") == b"{}"
        assert remote.list_documents("gc/") == ["gc/1.json"]
        with pytest.raises(UnsupportedRemoteError):
            list(remote.list_blobs())


@pytest.mark.parametrize(
    "ref", ["branch/main", "branch/Ä_b/%2F", "commit/" + "0" * 40, "user/a-b", "branch/-x"]
)
def test_a_tag_names_one_ref(ref: str) -> None:
    assert ref_of_tag(tag_of(ref)) == ref


@pytest.mark.parametrize("tag", ["latest", "branch-", "branch-_zz", "manifest-" + "a" * 64, "branch-A"])
def test_other_tags_are_no_refs(tag: str) -> None:
    assert ref_of_tag(tag) is None


def test_a_ref_that_no_tag_can_hold_is_refused() -> None:
    with pytest.raises(InvalidArtifactNameError, match="too long"):
        tag_of("branch/" + "x" * 150)


@pytest.mark.parametrize(
    "url", ["oci://host", "oci://host/Upper", "oci://host/a//b", "oci:///x", "oci://h/.."]
)
def test_what_is_no_repository_is_refused(url: str) -> None:
    with pytest.raises(InvalidArtifactNameError):
        OciRemote(url)


# A registry that wants a password: what a public one does before it gives a token.


class Guarded:
    """Answers `/v2/` with a challenge, and everything else as absent."""

    def __init__(self, realm: str = "") -> None:
        self.realm, self.url, self.asked = realm, "", []
        routes = [
            Route("/v2/", self._top),
            Route("/token", self._token),
            Route("/v2/{rest:path}", self._absent, methods=["GET", "HEAD"]),
        ]
        self.application = Faulty(Starlette(routes=routes))

    def _top(self, _: Request) -> Response:
        realm = self.realm or f"{self.url}/token"
        challenge = f'Bearer realm="{realm}",service="tests",scope="x"'
        return Response(status_code=401, headers={"www-authenticate": challenge})

    def _token(self, request: Request) -> Response:
        self.asked.append(dict(request.query_params))
        wanted = base64.b64encode(b"alice:pass:word").decode()
        if request.headers.get("authorization") != f"Basic {wanted}":
            return Response(status_code=401)
        return JSONResponse({"token": "token-of-the-tests"})

    def _absent(self, request: Request) -> Response:
        right = request.headers.get("authorization") == "Bearer token-of-the-tests"
        return Response(status_code=404 if right else 401)


@pytest.fixture
def logged_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


def test_a_token_is_asked_for_with_the_password_of_docker_login(logged_in: Path) -> None:
    guarded = Guarded()
    with running(guarded.application) as url:
        guarded.url, host = url, url.removeprefix("http://")
        auth = base64.b64encode(b"alice:pass:word").decode()
        logged_in.write_text(json.dumps({"auths": {host: {"auth": auth}}}))
        with OciRemote(f"oci://{host}/team/index") as remote:
            assert remote.present_blobs(["0" * 64, "1" * 64]) == set()
        assert guarded.asked == [{"service": "tests", "scope": "repository:team/index:pull,push"}]
        logged_in.write_text("{}")
        with OciRemote(f"oci://{host}/team/index") as remote, pytest.raises(AccessDeniedError) as raised:
            remote.present_blobs(["0" * 64])
    assert "alice" not in f"{raised.value} {raised.value.advice}"


def test_a_password_is_not_sent_without_encryption(logged_in: Path) -> None:
    guarded = Guarded(realm="http://elsewhere.test/token")
    with running(guarded.application) as url:
        with OciRemote(f"oci://{url.removeprefix('http://')}/team/index") as remote:
            with pytest.raises(HostileArtifactError, match="without encryption"):
                remote.present_blobs(["0" * 64])


def test_a_chunk_that_was_lost_is_taken_up_where_the_registry_says(registry: str) -> None:
    from tests.artifact.remotes.forwarding import forwarding

    data = os.urandom(18_000_000)
    faulty = Faulty(forwarding(f"http://{registry}"))
    with running(faulty) as url, client(url.removeprefix("http://")) as remote:
        # The second chunk arrives, its answer does not; the third is refused once.
        faulty.pending = [
            Fault(lost=True, method="PATCH"),
            Fault(status=503, method="PATCH"),
        ]
        remote.write_blob(digest_of(data), data)
        assert b"".join(remote.read_blob(digest_of(data))) == data
    assert not faulty.pending


def test_a_program_that_keeps_passwords_is_asked(logged_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = logged_in.parent / "docker-credential-tests"
    program.write_text('#!/bin/sh\ncat >/dev/null\necho \'{"Username": "bob", "Secret": "s3"}\'\n')
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{logged_in.parent}:{os.environ['PATH']}")
    logged_in.write_text(json.dumps({"credHelpers": {"host.test": "tests"}}))
    assert credentials_of("host.test") == ("bob", "s3")
    assert credentials_of("other.test") is None
    logged_in.write_text(json.dumps({"credsStore": "../../bin/sh"}))
    assert credentials_of("host.test") is None
