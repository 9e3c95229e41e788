"""A reader keeps what it opened, never finds a gap, and is notified of a newer version."""

from __future__ import annotations

import gc
import multiprocessing
import os
import shutil
import subprocess
import threading
import time
import warnings
from pathlib import Path

import pytest
from tests.support.waiting import HANG_S, join, wait_for

from diptych.errors import StoreClosedError
from diptych.versions import Embedding, VersionManager, open_current
from diptych.versions.errors import (
    CorruptVersionError,
    EmbeddingMismatchError,
    UnknownVersionError,
    VersionInUseError,
)
from diptych.versions.reader import open_version

SPAWN = multiprocessing.get_context("spawn")


def publish(manager: VersionManager, version: str, source: Path) -> None:
    source.write_text(version)
    manager.stage(version, {"file": source, "again": source}, {"is": version})
    manager.publish(version)


@pytest.fixture
def manager(tmp_path: Path) -> VersionManager:
    manager = VersionManager(tmp_path / "base")
    publish(manager, "v1", tmp_path / "source")
    return manager


def test_an_open_version_that_is_dropped_is_released_with_a_warning(
    manager: VersionManager, tmp_path: Path
) -> None:
    publish(manager, "v2", tmp_path / "source")
    version = open_version(manager.path, "v1")
    with pytest.raises(VersionInUseError):
        manager.discard("v1")
    with pytest.warns(ResourceWarning, match="version v1 was dropped without close"):
        del version
        gc.collect()
    manager.discard("v1")


def test_an_open_version_that_is_closed_warns_of_nothing(manager: VersionManager) -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        version = open_current(manager.path)
        version.close()
        del version
        gc.collect()
    assert [str(one.message) for one in seen if "dropped" in str(one.message)] == []


def test_an_open_version_is_not_removed_until_it_is_closed(manager: VersionManager, tmp_path: Path) -> None:
    reader = manager.open_current()
    publish(manager, "v2", tmp_path / "source")
    assert manager.prune(keep=1).in_use == ("v1",)
    with pytest.raises(VersionInUseError):
        manager.discard("v1")
    assert Path(reader.asset("file")).read_text() == "v1"
    reader.close()
    reader.close()
    with pytest.raises(StoreClosedError):
        reader.asset("file")
    assert manager.prune(keep=1).removed == ("v1",)


def test_a_reader_in_another_process_holds_its_version_also_when_it_is_killed(
    manager: VersionManager, tmp_path: Path
) -> None:
    program = "import sys; from diptych.versions import open_current\n"
    program += "reader = open_current(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [os.sys.executable, "-c", program, str(tmp_path / "base")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "engine")},
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        publish(manager, "v2", tmp_path / "source")
        assert manager.prune(keep=1).in_use == ("v1",)
        process.kill()
    assert manager.prune(keep=1).removed == ("v1",)


def test_a_forked_childs_close_does_not_end_the_parents_hold(manager: VersionManager, tmp_path: Path) -> None:
    with manager.open_current() as reader:
        publish(manager, "v2", tmp_path / "source")
        pid = os.fork()
        if pid == 0:
            reader.close()
            os._exit(0)
        os.waitpid(pid, 0)
        assert manager.prune(keep=1).in_use == ("v1",)


def test_changed_and_reopen(manager: VersionManager, tmp_path: Path) -> None:
    with manager.open_current() as old:
        assert not old.changed()
        assert old.reopen() is old
        publish(manager, "v2", tmp_path / "source")
        assert old.changed()
        with old.reopen() as new:
            assert (old.version, new.version) == ("v1", "v2")
            assert old.attrs == {"is": "v1"}
            assert Path(old.asset("file")).read_text() == "v1"
            assert Path(new.asset("file")).read_text() == "v2"
        manager.rollback()
        assert not old.changed()


def test_a_watch_calls_back_once_per_version_and_survives_a_bad_callback(
    manager: VersionManager, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []
    notified = threading.Event()

    def callback(version: str) -> None:
        seen.append(version)
        notified.set()
        raise RuntimeError("a bad callback")

    with manager.watch(callback, interval_s=0.005):
        for version in ("v2", "v3"):
            notified.clear()
            publish(manager, version, tmp_path / "source")
            wait_for(notified)
    publish(manager, "v4", tmp_path / "source")
    assert seen == ["v2", "v3"]
    assert "callback for a new version failed" in caplog.text


def test_an_embedding_of_another_kind_is_refused(manager: VersionManager) -> None:
    manager.stage("v2", embedding=Embedding("small", 384, "cosine"), base="v1")
    manager.publish("v2")
    with manager.open_current() as reader:
        reader.require_embedding(Embedding("small", 384, "cosine"))
        with pytest.raises(EmbeddingMismatchError, match="384"):
            reader.require_embedding(Embedding("large", 1024, "cosine"))
    with manager.open("v1") as reader, pytest.raises(EmbeddingMismatchError, match="no embedding"):
        reader.require_embedding(Embedding("small", 384, "cosine"))


def test_nothing_published_and_a_current_that_leads_nowhere(tmp_path: Path) -> None:
    with pytest.raises(UnknownVersionError):
        open_current(str(tmp_path))
    manager = VersionManager(tmp_path / "base")
    publish(manager, "v1", tmp_path / "source")
    shutil.rmtree(tmp_path / "base" / "versions" / "v1")
    with pytest.raises(CorruptVersionError, match="which is not there"):
        manager.open_current()
    for content in (b"", b"v1", b"../../etc\n", b"v1\nv2\n", b"\xff\n", b"x" * 500):
        (tmp_path / "base" / "CURRENT").write_bytes(content)
        with pytest.raises(CorruptVersionError):
            manager.current()
        with pytest.raises(CorruptVersionError):
            open_current(str(tmp_path / "base"))


def test_an_unknown_asset_is_named(manager: VersionManager) -> None:
    with manager.open_current() as reader:
        with pytest.raises(UnknownVersionError, match="nothing"):
            reader.asset("nothing")
        with pytest.raises(UnknownVersionError, match="part"):
            reader.asset("file", "part")


def read_in_a_loop(base: str, started, stop, results) -> None:
    """Opens the current version again and again, and reads all of it. Reports opens, versions seen, gaps.

    Once at least before `started` is set, and once after `stop`.
    """
    opens = 0
    seen: set[str] = set()
    gaps: list[str] = []
    last = False
    while not last:
        last = stop.is_set()
        try:
            with open_current(base) as reader:
                opens += 1
                seen.add(reader.version)
                contents = {Path(reader.asset(name)).read_text() for name in ("file", "again")}
                if contents != {reader.version} or reader.attrs != {"is": reader.version}:
                    gaps.append(f"{reader.version} reads {contents}")
            # The symlink is never missing. (To follow it is another thing: without a lease, what it leads to
            # may be pruned between the two steps of a path's resolution.)
            os.readlink(os.path.join(base, "current"))
        except Exception as error:
            gaps.append(repr(error))
        started.set()
    results.put((opens, len(seen), gaps))


def publish_beside_readers(tmp_path: Path, versions: int, readers: int) -> tuple[int, int, list[str]]:
    """Publish that many versions, pruning to one each time; (opens, versions seen by the busiest, gaps)."""
    manager = VersionManager(tmp_path / "base")
    publish(manager, "v0", tmp_path / "source")
    stop, results = SPAWN.Event(), SPAWN.Queue()
    started = [SPAWN.Event() for _ in range(readers)]
    processes = [
        SPAWN.Process(target=read_in_a_loop, args=(str(tmp_path / "base"), event, stop, results))
        for event in started
    ]
    for process in processes:
        process.start()
    for event in started:
        wait_for(event)
    for number in range(1, versions + 1):
        publish(manager, f"v{number}", tmp_path / "source")
        if number % 7 == 0:
            manager.rollback()
        manager.prune(keep=1)
    stop.set()
    answers = [results.get(timeout=HANG_S) for _ in processes]
    join(*processes)
    return (
        sum(opens for opens, _, _ in answers),
        max(seen for _, seen, _ in answers),
        [gap for _, _, gaps in answers for gap in gaps],
    )


def test_readers_see_no_gap_over_many_publishes(tmp_path: Path) -> None:
    opens, seen, gaps = publish_beside_readers(tmp_path, versions=150, readers=2)
    assert gaps == []
    # Before the first publish and after the last.
    assert opens >= 4 and seen >= 2


@pytest.mark.slow
def test_readers_see_no_gap_over_thousands_of_publishes(tmp_path: Path) -> None:
    started = time.perf_counter()
    opens, seen, gaps = publish_beside_readers(tmp_path, versions=5000, readers=2)
    elapsed_s = time.perf_counter() - started
    print(f"5000 published in {elapsed_s:.0f} s; {opens} opens, {seen} versions seen, {len(gaps)} gaps")
    assert gaps == []


def publish_many(base: str, prefix: str, source: str, count: int, results) -> None:
    manager = VersionManager(base, lock_timeout_s=HANG_S)
    done = []
    for number in range(count):
        version = f"{prefix}{number}"
        publish(manager, version, Path(source))
        done.append(version)
    results.put(done)


def test_two_processes_racing_lose_nothing(tmp_path: Path) -> None:
    base, results = tmp_path / "base", SPAWN.Queue()
    processes = [
        SPAWN.Process(target=publish_many, args=(str(base), who, str(tmp_path / who), 25, results))
        for who in ("a", "b")
    ]
    for process in processes:
        process.start()
    done = sorted(results.get(timeout=HANG_S) + results.get(timeout=HANG_S))
    join(*processes)
    assert [process.exitcode for process in processes] == [0, 0]
    manager = VersionManager(base)
    infos = manager.list()
    assert sorted(info.version for info in infos) == done
    # Each publish came strictly after another: no number is given twice, none is left out.
    assert [info.sequence for info in infos] == list(range(50, 0, -1))
    assert manager.current() == infos[0].version
    assert all(manager.verify(info.version).ok for info in infos)
