"""A push and a pull through each kind of remote: what comes out is what went in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from obstore.store import MemoryStore
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from tests.artifact.remotes.servers import running
from tests.artifact.remotes.test_oci import registry  # noqa: F401 - a fixture
from tools.sharing.servers.github import TOKEN, GithubStandIn
from tools.sharing.servers.google import GoogleStandIn, google_environment

from diptych import FileRecord, Store
from diptych.artifact.pull import pull
from diptych.artifact.push import push
from diptych.artifact.remotes.base import Remote
from diptych.artifact.remotes.file import FileRemote
from diptych.artifact.remotes.github import GithubRemote
from diptych.artifact.remotes.http import HttpRemote
from diptych.artifact.remotes.object import ObjectRemote
from diptych.artifact.remotes.oci import OciRemote
from diptych.artifact.remotes.peer import PeerRemote
from diptych.artifact.serve import application
from diptych.artifact.sign import new_key
from diptych.artifact.trust import SIGNATURE, Policy, Trust
from diptych.model import Range, Symbol

Opened = Callable[[], Remote]
COMMIT = "a" * 40


@contextmanager
def object_store(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Opened, Opened]]:
    store = MemoryStore()
    opened = lambda: ObjectRemote("s3://bucket/indexes", store=store)  # noqa: E731
    yield opened, opened


@contextmanager
def oci(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Opened, Opened]]:
    host = request.getfixturevalue("registry")
    url = f"oci://{host}/indexes/{tmp_path.name.replace('_', '-')}"
    opened = lambda: OciRemote(url, without_swap=True)  # noqa: E731
    yield opened, opened


@contextmanager
def github(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Opened, Opened]]:
    stand_in = GithubStandIn()
    with running(stand_in.application) as stand_in.url, running(stand_in.asset_host) as stand_in.assets_url:
        opened = lambda: GithubRemote("github://owner/name", api=stand_in.url, token=TOKEN)  # noqa: E731
        yield opened, opened


@contextmanager
def web(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Opened, Opened]]:
    folder = tmp_path / "remote"
    folder.mkdir()
    with running(Starlette(routes=[Mount("/", StaticFiles(directory=folder))])) as url:
        yield lambda: FileRemote(os.fspath(folder)), lambda: HttpRemote(url)


@contextmanager
def peer(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Opened, Opened]]:
    folder = os.fspath(tmp_path / "remote")
    with running(application(FileRemote(folder))) as url:
        yield lambda: FileRemote(folder), lambda: PeerRemote(url.replace("http:", "peer:"))


@contextmanager
def google(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Opened, Opened]]:
    monkeypatch = request.getfixturevalue("monkeypatch")
    with running(GoogleStandIn().application) as url:
        for name, value in google_environment(url).items():
            monkeypatch.setenv(name, value)
        opened = lambda: ObjectRemote("gs://bucket/indexes")  # noqa: E731
        yield opened, opened


KINDS = {
    "object store": object_store,
    "google": google,
    "registry": oci,
    "github": github,
    "web": web,
    "peer": peer,
}


def write(path: Path, *numbers: int) -> None:
    with Store.open(path) as store:
        with store.transaction() as txn:
            for number in numbers:
                symbol = Symbol(
                    f"call_{number}", "function", Range(0, 0, 0, 1), signature=f"def call_{number}()"
                )
                txn.index_file(FileRecord(f"pkg/{number}.py", f"{number:064x}", "python", [symbol]))
        store.checkpoint()


def names(path: Path) -> list[str]:
    with Store.open(path, read_only=True) as store:
        assert store.search("call*", limit=1).total == len(store)
        return [record.path for record in store.files()]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_pulled_is_what_was_pushed(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    key = new_key(os.fspath(tmp_path / "key"))
    with ExitStack() as stack:
        pushing, pulling = stack.enter_context(KINDS[kind](tmp_path, request))
        write(here, *range(200))
        with pushing() as remote:
            first = push(os.fspath(here), remote, ref="branch/main", key=key)
            assert first.outcome == "pushed"
            assert push(os.fspath(here), remote, ref="branch/main", key=key).outcome == "unchanged"
        with pulling() as remote:
            trust = Trust((Policy(remote.url, SIGNATURE, (key.public,)),))
            got = pull(remote, there, ref="branch/main", trust=trust)
        assert (got.outcome, got.content_id) == ("installed", first.content_id)
        assert names(there) == names(here)
        write(here, 7, 500)
        with pushing() as remote:
            second = push(os.fspath(here), remote, ref="branch/main", key=key)
        assert (second.outcome, second.serial) == ("pushed", 2)
        assert second.sent_bytes < second.full_bytes
        with pulling() as remote:
            got = pull(remote, there, digest=second.manifest, trust=trust)
        assert got.content_id == second.content_id
        assert "pkg/500.py" in names(there)
