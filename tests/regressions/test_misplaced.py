"""A pipe, a device, a folder, a file of holes or a link in the place of each file and folder of a store and
of a version, with every command: refused or healed, in bounded memory, and nothing outside is touched.

Each kind has a process of its own, with less address space than the file of holes would take. It says where
it is, so that one that waits for ever is named.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.regressions.misplaced import KINDS, bound_memory, call, misplace, most_resident_bytes, state_of
from tests.support.damage import own_segment
from tests.support.waiting import join

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="limits and pipes as on Linux"),
    pytest.mark.slow,
]

ADDRESS_SPACE_BYTES = 4 << 30
RESIDENT_BYTES = 1 << 30
# One that waits does so for ever; one that works may have all the time that a loaded machine needs.
PATIENCE_S = 3_600

READING = [
    ("search", "work", "--fresh", "never"),
    ("symbol", "work_0", "--fresh", "never"),
    ("refs", "helper", "--fresh", "never"),
    ("files", "--fresh", "never"),
    ("status",),
    ("status", "--check"),
    ("verify",),
    ("export",),
    ("journal",),
    ("repair", "--dry-run"),
]
WRITING = [("checkpoint",), ("index", "{root}"), ("search", "work"), ("repair",)]


def write_modules(root: Path, count: int) -> None:
    for number in range(count):
        (root / f"m{number}.py").write_text(f"def work_{number}(a):\n    return helper(a)\n")


def git(root: Path, *arguments: str) -> None:
    settings = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *settings, *arguments], cwd=root, check=True, capture_output=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository, a store of it with two generations and caches, and a base with versions of it."""
    top = tmp_path_factory.mktemp("made")
    root, store, base = top / "root", top / "s", top / "base"
    root.mkdir()
    write_modules(root, 3)
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "x")
    for round_ in range(3):
        (root / "again.py").write_text(f"def again_{round_}():\n    pass\n")
        assert call("index", root, "--store", store)[0] == 0
        if round_ < 2:
            assert call("checkpoint", "--store", store)[0] == 0
    assert call("status", "--check", "--store", store)[0] == 0
    for number, name in enumerate(("v1", "v2", "v3")):
        (top / "notes.txt").write_text(f"of {name}")
        arguments = ("--store", f"code={store}", "--file", f"notes={top / 'notes.txt'}", "--base", base)
        assert call("versions", "stage", name, *arguments)[0] == 0
        if number < 2:
            assert call("versions", "publish", name, "--base", base)[0] == 0
    return top


def places_of(store: Path) -> list[str]:
    newest = sorted(store.glob("generations/*"))[-1].relative_to(store)
    journal_files = sorted(path.relative_to(store) for path in store.glob("journal/*.wal"))
    segment = Path(own_segment(str(store), int(newest.name))).relative_to(store)
    assert len(list(store.glob("generations/*"))) == 2 and len(journal_files) > 1
    return [
        "LOCK", "IDENTITY", "facts.msgpack", "freshness.msgpack", "journal", "generations", "segments",
        "incoming", "quarantine", "journal/CLOSED", str(journal_files[0]), str(journal_files[-1]),
        str(newest), f"segments/{newest.name}", str(segment), f"{segment}/SEAL",
        f"{segment}/records.msgpack", f"{segment}/search.bundle", ".gitignore", "journal/x.tmp",
        "generations/x.tmp", "incoming/1.1", "x.tmp",
    ]  # fmt: skip


def test_every_file_of_the_store_is_among_the_places(made: Path) -> None:
    store = made / "s"
    places = set(places_of(store))
    folders = {"generations", "journal"}
    for path in store.iterdir():
        assert path.name in places, path
    assert folders < places
    assert {path.name for path in (store / "journal").iterdir() if path.suffix != ".wal"} == {"CLOSED"}


def in_a_process(work: Callable[[str, str, str], None], made: Path, kind: str) -> None:
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="diptych-test-", dir=memory))
    try:
        said = folder / "place"
        child = multiprocessing.get_context("spawn").Process(target=work, args=(str(made), str(folder), kind))
        child.start()
        child.join(PATIENCE_S)
        waits = child.is_alive()
        child.kill()
        join(child)
        assert not waits, said.read_text()
        assert child.exitcode == 0, said.read_text()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def on_a_store(made: str, folder: str, kind: str) -> None:
    root, template = Path(made, "root"), Path(made, "s")
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    bound_memory(ADDRESS_SPACE_BYTES)
    for place in places_of(template):
        store, outside = Path(folder, "s"), Path(folder, "outside")
        shutil.copytree(template, store)
        outside.mkdir()
        misplace(store / place, kind, outside)
        before = state_of(outside)
        codes = []
        for words in READING + WRITING:
            arguments = [word.format(root=root) for word in words]
            Path(folder, "place").write_text(f"{kind} at {place}: {' '.join(arguments)}")
            codes.append((words[0], *call(*arguments, "--store", store)))
            assert state_of(outside) == before, (place, arguments)
        Path(folder, "place").write_text(f"{kind} at {place}: {codes}")
        # A lock that cannot be taken is for its user to clear away; all else is healed, or lost in repair.
        if place == "LOCK" and kind != "sparse":
            assert codes[-1][1] == 7, codes
            assert f"{store}/LOCK" in codes[-1][2]
        else:
            assert codes[-1][1] in (0, 1), codes
            assert call("verify", "--store", store)[0] == 0
            assert call("checkpoint", "--store", store)[0] == 0
        assert state_of(outside) == before
        shutil.rmtree(store)
        shutil.rmtree(outside)
    assert most_resident_bytes() < RESIDENT_BYTES


VERSION_PLACES = [
    "LOCK", "CURRENT", "current", "versions", "versions/v1", "versions/v2", "versions/v2/manifest.msgpack",
    "versions/v2/notes", "versions/v2/code", "versions/v2/code/IDENTITY", "versions/v2/code/generations",
    "versions/v3.staging", "versions/v3.staging/manifest.msgpack", "versions/v3.staging/code",
    "versions/v3.staging/notes", "versions/v4.staging", "versions/.removed.v0", ".CURRENT.1.tmp",
]  # fmt: skip
ON_VERSIONS = [
    ("list",), ("current",), ("verify",), ("verify", "v2", "--deep"), ("verify", "v3", "--deep"),
    ("diff", "v1", "v2"), ("diff", "v1", "v3"), ("prune", "--dry-run"),
    ("stage", "v4", "--from", "v2", "--file", "other={notes}"), ("stage", "v5", "--file", "notes={notes}"),
    ("stage", "v6", "--from", "v3", "--share", "copy", "--file", "other={notes}"),
    ("publish", "v3"), ("rollback", "v1"), ("rollback", "v2"), ("discard", "v3"), ("discard", "v2"),
    ("prune", "--keep", "1"), ("list",),
]  # fmt: skip


def on_versions(made: str, folder: str, kind: str) -> None:
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    bound_memory(ADDRESS_SPACE_BYTES)
    for place in VERSION_PLACES:
        base, outside = Path(folder, "base"), Path(folder, "outside")
        shutil.copytree(Path(made, "base"), base, symlinks=True)
        outside.mkdir()
        misplace(base / place, kind, outside)
        before = state_of(outside)
        for words in ON_VERSIONS:
            arguments = [word.format(notes=Path(made, "notes.txt")) for word in words]
            Path(folder, "place").write_text(f"{kind} at {place}: versions {' '.join(arguments)}")
            call("versions", *arguments, "--base", base)
            assert state_of(outside) == before, (place, arguments)
        shutil.rmtree(base)
        shutil.rmtree(outside)
    assert most_resident_bytes() < RESIDENT_BYTES


@pytest.mark.parametrize("kind", KINDS)
def test_a_store(made: Path, kind: str) -> None:
    in_a_process(on_a_store, made, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_versions(made: Path, kind: str) -> None:
    in_a_process(on_versions, made, kind)


def test_a_store_that_a_link_leads_to_is_a_store(made: Path, tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    shutil.copytree(made / "s", tmp_path / "far" / "s")
    (tmp_path / "folder").symlink_to(tmp_path / "far")
    (tmp_path / "store").symlink_to(tmp_path / "far" / "s")
    for path in (tmp_path / "folder" / "s", tmp_path / "store"):
        for words in READING + WRITING:
            arguments = [word.format(root=made / "root") for word in words]
            assert call(*arguments, "--store", path)[0] == 0, arguments
    shutil.copytree(made / "base", tmp_path / "far" / "base", symlinks=True)
    (tmp_path / "base").symlink_to(tmp_path / "far" / "base")
    for base in (tmp_path / "folder" / "base", tmp_path / "base"):
        assert call("versions", "verify", "--deep", "--base", base)[0] == 0
        assert call("versions", "rollback", "--base", base)[0] == 0
        assert call("versions", "rollback", "v2", "--base", base)[0] == 0
