"""Object stores: what is refused, what a probe finds, and real servers where they are installed.

Where the servers come from: `tools.sharing.servers.programs`; and `npm install s3rver`.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from obstore.store import AzureStore, MemoryStore
from tests.artifact.remotes.servers import Fault, Faulty, running
from tests.support.waiting import HANG_S, join
from tools.sharing.servers.google import GoogleStandIn, google_environment
from tools.sharing.servers.programs import (
    ACCOUNT,
    PUBLIC_KEY_OF_THE_EMULATOR,
    NotInstalledError,
    Served,
    azurite,
    free_port,
    moto,
    program,
    s3_environment,
    seaweedfs,
    started,
)

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

Server = Callable[[Path], AbstractContextManager[Served]]


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


@contextmanager
def s3rver(folder: Path) -> Iterator[Served]:
    """A store that ignores conditions."""
    port = free_port()
    command = [program("s3rver"), "-d", str(folder), "-a", "127.0.0.1", "-p", str(port)]
    with started([*command, "--configure-bucket", "bucket"], port, folder):
        yield Served("s3://bucket/indexes", s3_environment(port))


@contextmanager
def serving(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a remote there; the test is skipped where the program is not installed."""
    try:
        with server(folder) as served:
            for name, value in served.environment.items():
                monkeypatch.setenv(name, value)
            yield served.url
    except NotInstalledError as error:
        pytest.skip(str(error))


def check_a_store(url: str, data: bytes) -> None:
    """It keeps to conditions, gives what it got from any offset, and lists it."""
    with open_remote(url) as remote:
        assert remote.capabilities.compare_and_swap
        remote.write_blob(digest_of(data), data)
        assert b"".join(remote.read_blob(digest_of(data))) == data
        assert b"".join(remote.read_blob(digest_of(data), start=len(data) - 10)) == data[-10:]
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
        found = remote.read_ref(listed.name)
        assert (listed.name, found and found.version) == ("branch/Feature/x%", second)
        assert abs(remote.store_time_ms() - listed.modified_ms) < 3_600_000
        remote.delete_ref("branch/Feature/x%", expected=second)
        assert [one.size_bytes for one in remote.list_blobs()] == [len(data)]


@pytest.mark.slow
@pytest.mark.parametrize("server", [moto, seaweedfs, azurite], ids=lambda one: one.__name__)
def test_a_real_store(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(server, tmp_path, monkeypatch) as url:
        check_a_store(url, os.urandom(9_000_000))
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
    with serving(s3rver, tmp_path, monkeypatch) as url:
        with open_remote(url) as remote:
            assert not remote.capabilities.compare_and_swap
            with pytest.raises(UnsupportedRemoteError, match="only if absent"):
                remote.write_ref("branch/main", b"1", expected=None)
            assert remote.read_ref("branch/main") is None
            remote.write_blob(digest_of(b"x"), b"x")
            assert b"".join(remote.read_blob(digest_of(b"x"))) == b"x"


def test_conditions_lists_and_ranges_as_google_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(GoogleStandIn().application) as url:
        for name, value in google_environment(url).items():
            monkeypatch.setenv(name, value)
        check_a_store("gs://bucket/indexes", os.urandom(100_000))
        assert counted_up("gs://bucket/indexes", writers=2, each=3) == 6
