"""A web server and a peer as remotes: read only, and with every fault that a server or a line can have."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from tests.artifact.remotes.servers import Fault, Faulty, running
from tests.support.waiting import exit_code, wait_until

from diptych.artifact.errors import (
    AccessDeniedError,
    ArtifactError,
    HostileArtifactError,
    InvalidArtifactNameError,
    MissingObjectError,
    RemoteUnavailableError,
    ThrottledError,
    UnsupportedRemoteError,
)
from diptych.artifact.names import blob_path, digest_of
from diptych.artifact.remotes.file import FileRemote
from diptych.artifact.remotes.http import HttpRemote
from diptych.artifact.remotes.peer import PeerRemote
from diptych.artifact.serve import application

DATA = os.urandom(2_500_000)
DIGEST = digest_of(DATA)
MANIFEST = b'{"format":1}'
REF = "branch/Feature/Über x"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with FileRemote(os.fspath(tmp_path / "remote")) as remote:
        remote.write_blob(DIGEST, DATA)
        remote.write_manifest(digest_of(MANIFEST), MANIFEST, [])
        remote.write_signature(digest_of(MANIFEST), b"signed")
        remote.write_ref(REF, b"body", expected=None)
        remote.write_ref("branch/main", b"main", expected=None)
    return tmp_path / "remote"


class Server:
    """A web server of a folder, whose next answers can be made to fail."""

    def __init__(self, folder: Path) -> None:
        self.faulty = Faulty(Starlette(routes=[Mount("/", StaticFiles(directory=folder))]))
        self.url = ""
        self.slept_s: list[float] = []

    def client(self) -> HttpRemote:
        return HttpRemote(self.url, sleep=self.slept_s.append)


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    made = Server(folder)
    with running(made.faulty) as made.url:
        yield made


def read_everything(remote: HttpRemote) -> None:
    assert remote.present_blobs([DIGEST, "0" * 64]) == {DIGEST}
    assert b"".join(remote.read_blob(DIGEST)) == DATA
    assert b"".join(remote.read_blob(DIGEST, start=1_234_567)) == DATA[1_234_567:]
    assert b"".join(remote.read_blob(DIGEST, start=5, length=7)) == DATA[5:12]
    assert b"".join(remote.read_blob(DIGEST, start=len(DATA))) == b""
    assert remote.read_manifest(digest_of(MANIFEST)) == MANIFEST
    assert remote.read_signature(digest_of(MANIFEST)) == b"signed"
    assert remote.read_signature("0" * 64) is None
    found = remote.read_ref(REF)
    assert found is not None
    assert found.body == b"body"
    assert remote.read_ref("branch/other") is None
    with pytest.raises(MissingObjectError):
        list(remote.read_blob("0" * 64))
    with pytest.raises(MissingObjectError):
        remote.read_manifest("0" * 64)
    with pytest.raises(UnsupportedRemoteError, match="can only be read"):
        remote.write_blob(DIGEST, DATA)
    assert remote.capabilities.read_only


def test_a_folder_behind_a_web_server_is_read(server: Server) -> None:
    with server.client() as remote:
        read_everything(remote)
        with pytest.raises(UnsupportedRemoteError, match="cannot list"):
            list(remote.list_refs())


def test_a_peer_is_read_and_lists_its_refs(folder: Path) -> None:
    served = application(FileRemote(os.fspath(folder)))
    with running(served) as url, PeerRemote(url.replace("http:", "peer:")) as remote:
        read_everything(remote)
        assert [one.name for one in remote.list_refs()] == sorted(["branch/main", REF])
        assert [one.name for one in remote.list_refs("branch/m")] == ["branch/main"]
        # Nothing but blobs, manifests and refs has an answer, whatever is in the folder.
        (folder / "secret").write_text("x")
        for path in ("secret", "blobs/../secret", "refs/../../secret", "blobs/sha256/../../secret", "LOCK"):
            assert remote.read_document(path) is None, path


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_a_folder_behind_nginx_is_read(folder: Path, tmp_path: Path) -> None:
    socket_path, configuration = tmp_path / "nginx.sock", tmp_path / "nginx.conf"
    port = _free_port()
    configuration.write_text(
        f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log;\n"
        "events {}\n"
        f"http {{ access_log off; client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p;\n"
        f" fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;\n"
        f" server {{ listen 127.0.0.1:{port}; listen unix:{socket_path}; root {folder}; }} }}\n"
    )
    for above in (folder, *folder.parents):
        # Its workers are another user where it was started by root.
        if above.owner() == folder.owner() and os.geteuid() == 0 and "pytest" in str(above):
            above.chmod(0o755)
    process = subprocess.Popen(["nginx", "-c", str(configuration)], stderr=subprocess.DEVNULL)
    try:
        wait_until(socket_path.exists)
        with HttpRemote(f"http://127.0.0.1:{port}") as remote:
            read_everything(remote)
    finally:
        process.terminate()
        exit_code(process)


def _free_port() -> int:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.parametrize("cut_after", [0, 1, 1_048_575, 1_048_576, 1_048_577, len(DATA) - 1])
def test_a_connection_that_is_cut_is_taken_up_where_it_ended(server: Server, cut_after: int) -> None:
    server.faulty.pending = [Fault(cut_after=cut_after)]
    with server.client() as remote:
        assert b"".join(remote.read_blob(DIGEST)) == DATA
    first, second = (headers["range"] for _, _, headers in server.faulty.seen)
    assert first.startswith("bytes=0-")
    assert int(second.removeprefix("bytes=").partition("-")[0]) <= cut_after


def test_a_server_without_ranges_is_read_from_its_beginning(server: Server) -> None:
    whole = Fault(status=200, body=DATA)
    with server.client() as remote:
        server.faulty.pending = [whole]
        assert b"".join(remote.read_blob(DIGEST, start=1_000_000)) == DATA[1_000_000:]
        server.faulty.pending = [Fault(cut_after=1_500_000), whole]
        assert b"".join(remote.read_blob(DIGEST)) == DATA


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_a_failure_that_passes_is_tried_again(server: Server, status: int) -> None:
    server.faulty.pending = [Fault(status=status), Fault(status=status)]
    with server.client() as remote:
        assert remote.read_manifest(digest_of(MANIFEST)) == MANIFEST
    assert len(server.slept_s) == 2


@pytest.mark.parametrize(("status", "error"), [(503, RemoteUnavailableError), (429, ThrottledError)])
def test_one_that_stays_is_an_error_that_says_so(
    server: Server, status: int, error: type[ArtifactError]
) -> None:
    server.faulty.pending = [Fault(status=status) for _ in range(50)]
    with server.client() as remote, pytest.raises(error, match=rf"\({status}, 5 tries in \d+ s\)") as raised:
        remote.read_manifest(digest_of(MANIFEST))
    assert "Nothing was changed" in str(raised.value)
    assert raised.value.exit_code == 7


def test_a_wait_is_honoured_up_to_the_timeout(server: Server) -> None:
    with server.client() as remote:
        server.faulty.pending = [Fault(status=429, headers={"retry-after": "7"})]
        assert remote.read_manifest(digest_of(MANIFEST)) == MANIFEST
        assert server.slept_s == [7.0]
        server.faulty.pending = [Fault(status=503, headers={"retry-after": "600"})]
        with pytest.raises(ThrottledError, match="asks to wait 600 s") as raised:
            remote.read_manifest(digest_of(MANIFEST))
    assert "--timeout 630" in raised.value.advice


def test_credentials_that_are_refused_are_not_tried_again(server: Server) -> None:
    server.faulty.pending = [Fault(status=403)]
    with server.client() as remote, pytest.raises(AccessDeniedError):
        remote.read_manifest(digest_of(MANIFEST))
    assert server.slept_s == []


def test_a_length_that_is_a_lie_is_noticed(server: Server) -> None:
    server.faulty.pending = [Fault(status=200, body=MANIFEST, declares=1_000) for _ in range(9)]
    with server.client() as remote, pytest.raises(RemoteUnavailableError, match="the connection was cut"):
        remote.read_manifest(digest_of(MANIFEST))


def test_what_is_too_large_is_not_read(server: Server) -> None:
    server.faulty.pending = [Fault(status=200, body=b"x" * 20_000)]
    with server.client() as remote, pytest.raises(HostileArtifactError, match="more than"):
        remote.read_ref("branch/main")


def test_a_part_that_was_not_asked_for_is_refused(server: Server) -> None:
    server.faulty.pending = [
        Fault(status=206, body=DATA[:10], headers={"content-range": f"bytes 0-9/{len(DATA)}"})
    ]
    with server.client() as remote, pytest.raises(HostileArtifactError, match="another part"):
        list(remote.read_blob(DIGEST, start=100))


def test_compressed_answers_are_refused(server: Server) -> None:
    server.faulty.pending = [Fault(status=200, body=MANIFEST, headers={"content-encoding": "gzip"})]
    with server.client() as remote, pytest.raises(HostileArtifactError, match="compressed"):
        remote.read_manifest(digest_of(MANIFEST))


def test_credentials_stay_on_the_host_that_they_are_for(server: Server, folder: Path) -> None:
    other = Faulty(Starlette(routes=[Mount("/", StaticFiles(directory=folder))]))
    granted: list[str] = []

    def authorize(url: str) -> dict[str, str]:
        granted.append(url)
        return {"authorization": "Bearer of-the-tests", "cookie": "of-the-tests"}

    with running(other) as elsewhere, HttpRemote(server.url, authorize=authorize) as remote:
        server.faulty.pending = [Fault(status=302, headers={"location": f"{elsewhere}/{blob_path(DIGEST)}"})]
        assert b"".join(remote.read_blob(DIGEST)) == DATA
        (_, _, sent), (_, _, received) = server.faulty.seen[0], other.seen[0]
        assert sent["authorization"] == "Bearer of-the-tests"
        assert not {"authorization", "cookie"} & received.keys()
        # And back again: what led elsewhere once is not trusted for the rest of the way.
        server.faulty.pending = [Fault(status=302, headers={"location": f"{elsewhere}/x"})]
        other.pending = [Fault(status=307, headers={"location": f"{server.url}/{blob_path(DIGEST)}"})]
        assert b"".join(remote.read_blob(DIGEST)) == DATA
        assert "authorization" not in server.faulty.seen[-1][2]
    assert all(url.startswith(server.url) for url in granted)


@pytest.mark.parametrize("target", ["ftp://host/x", "file:///etc/passwd", "http:///x", "http://["])
def test_redirects_to_anything_else_are_refused(server: Server, target: str) -> None:
    server.faulty.pending = [Fault(status=302, headers={"location": target})]
    with server.client() as remote, pytest.raises(ArtifactError) as raised:
        remote.read_manifest(digest_of(MANIFEST))
    assert target not in str(raised.value)


def test_redirects_in_a_circle_end(server: Server) -> None:
    server.faulty.pending = [Fault(status=302, headers={"location": f"{server.url}/x"}) for _ in range(50)]
    with server.client() as remote, pytest.raises(HostileArtifactError, match="redirects more than"):
        remote.read_manifest(digest_of(MANIFEST))


def test_a_server_that_is_not_there(folder: Path) -> None:
    slept_s: list[float] = []
    with HttpRemote(f"http://127.0.0.1:{_free_port()}", sleep=slept_s.append) as remote:
        with pytest.raises(RemoteUnavailableError, match="no connection, 5 tries") as raised:
            remote.read_ref("branch/main")
    assert raised.value.exit_code == 7


def test_plain_http_is_for_this_machine_alone() -> None:
    with pytest.raises(InvalidArtifactNameError, match="not encrypted"):
        HttpRemote("http://example.test/indexes")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[[1]]", b'{"a":1}', b"[" * 50_000, b'[["x", "v", "never"]]', b"null"]
)
def test_a_peer_that_lists_nonsense_is_refused(body: bytes) -> None:
    faulty = Faulty(None)
    faulty.pending = [Fault(status=200, body=body)]
    with running(faulty) as url, PeerRemote(url.replace("http:", "peer:")) as remote:
        with pytest.raises(HostileArtifactError, match="another form"):
            list(remote.list_refs())


def test_a_peer_lists_nothing_but_refs_that_were_asked_for() -> None:
    faulty = Faulty(None)
    body = b'[["branch/main", "v", 1], ["../x", "v", 1], ["pr/1", "v", 1], ["nonsense", "v", 1]]'
    faulty.pending = [Fault(status=200, body=body)]
    with running(faulty) as url, PeerRemote(url.replace("http:", "peer:")) as remote:
        assert [one.name for one in remote.list_refs("branch/")] == ["branch/main"]
