"""Watching: real files, real events, and a store that ends up equal to indexing from scratch."""

from __future__ import annotations

import os
import pty
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest

from diptych import Store
from diptych.indexer import IndexReport, facts, index_repository
from diptych.layout import FACTS, PROGRESS
from diptych.workspace.coordinator import Ready, Snapshot, Stage
from diptych.workspace.freshness import Account, Kind, check, store_below, update
from diptych.workspace.host import RepositoryHost
from diptych.workspace.monitor import Monitor, Rate
from diptych.workspace.watch import is_rule, relative_name

from .watching import (
    NEVER_S,
    RUN,
    Watching,
    from_scratch,
    git,
    read_until,
    repository,
    run_watch,
    wait_until,
    write,
)


def git_output(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return repository(tmp_path / "repository")


@pytest.fixture
def watching(root: Path, tmp_path: Path) -> Iterator[Watching]:
    with Watching(root, tmp_path / "store") as watching:
        yield watching


def test_the_repository_is_indexed_at_the_start(watching: Watching, tmp_path: Path) -> None:
    state = watching.coordinator.state
    assert isinstance(state, Ready)
    assert (state.files, state.symbols) == (5, sum(len(record.symbols) for record in watching.records()))
    assert watching.records() == from_scratch(watching.root, tmp_path / "fresh")


def test_an_edit_is_found_without_leaving_ready(watching: Watching) -> None:
    since_s = watching.coordinator.state.since_s
    write(watching.root, "pkg/m1.py", "edited")
    wait_until(lambda: watching.found("edited") == ["pkg/m1.py"])
    assert watching.found("first_1") == []
    wait_until(watching.settled)
    assert watching.coordinator.state.since_s == since_s


def test_new_renamed_and_deleted_files(watching: Watching, tmp_path: Path) -> None:
    write(watching.root, "pkg/new.py", "new")
    os.rename(watching.root / "pkg/m2.py", watching.root / "pkg/renamed.py")
    os.unlink(watching.root / "pkg/m3.py")
    wait_until(lambda: watching.found("new") == ["pkg/new.py"])
    wait_until(lambda: watching.found("first_2") == ["pkg/renamed.py"])
    wait_until(lambda: watching.found("first_3") == [])
    wait_until(watching.settled)
    assert watching.records() == from_scratch(watching.root, tmp_path / "fresh")


def test_a_file_replaced_as_editors_do(watching: Watching) -> None:
    write(watching.root, "pkg/.m1.py.tmp", "replaced")
    os.replace(watching.root / "pkg/.m1.py.tmp", watching.root / "pkg/m1.py")
    wait_until(lambda: watching.found("replaced") == ["pkg/m1.py"])


def test_a_folder_moved_in_and_out(watching: Watching, tmp_path: Path) -> None:
    for n in range(4):
        write(tmp_path, f"outside/deep/m{n}.py", f"moved_{n}")
    os.rename(tmp_path / "outside", watching.root / "inside")
    wait_until(lambda: watching.found("moved_3") == ["inside/deep/m3.py"])
    os.rename(watching.root / "inside", tmp_path / "outside")
    wait_until(lambda: not any(watching.found(f"moved_{n}") for n in range(4)))
    shutil.rmtree(watching.root / "pkg")
    wait_until(lambda: watching.records() == [])


def test_ignored_files_are_not_noticed(watching: Watching) -> None:
    write(watching.root, "ignored/a.py", "unseen")
    write(watching.root, "pkg/x_generated.py", "unseen")
    (watching.root / "notes.txt").write_text("def unseen(): pass")
    write(watching.root, "pkg/last.py", "last")
    wait_until(lambda: watching.found("last") == ["pkg/last.py"])
    assert watching.found("unseen") == []
    assert {name for name in watching.noticed if name != "pkg/last.py"} == set()


def test_new_rules_of_what_to_ignore_begin_a_new_build(watching: Watching) -> None:
    write(watching.root, "ignored/a.py", "now_seen")
    (watching.root / ".gitignore").write_text("pkg/m4.py\n")
    git(watching.root, "rm", "-q", "--cached", "pkg/m4.py")
    (watching.root / ".gitignore").write_text("/pkg/m4.py\n")
    wait_until(lambda: watching.found("now_seen") == ["ignored/a.py"])
    wait_until(lambda: watching.found("first_4") == [])
    assert watching.coordinator.metrics().builds >= 2


def test_a_file_named_with_bytes_that_are_not_utf_8(watching: Watching) -> None:
    name = os.fsdecode(b"pkg/caf\xe9 \xff:*.py")
    write(watching.root, name, "odd_name")
    wait_until(lambda: watching.found("odd_name") == [name])
    os.unlink(watching.root / name)
    wait_until(lambda: watching.found("odd_name") == [])


def test_a_branch_switch_of_a_thousand_files_degrades_and_recovers(root: Path, tmp_path: Path) -> None:
    git(root, "checkout", "-q", "-b", "other")
    for n in range(1000):
        write(root, f"lib{n % 7}/m{n}.py", f"on_other_{n}")
    shutil.rmtree(root / "pkg")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "second")
    git(root, "checkout", "-q", "main")
    with Watching(root, tmp_path / "store") as watching:
        with watching.idle():
            git(root, "checkout", "-q", "other")
            moves = watching.coordinator.metrics
            wait_until(lambda: moves().transitions.get((Stage.READY, Stage.DEGRADED), 0) > 0)
        wait_until(watching.settled)
        assert watching.found("on_other_999") == ["lib5/m999.py"]
        assert watching.records() == from_scratch(root, tmp_path / "fresh_other")
        git(root, "checkout", "-q", "main")
        wait_until(lambda: watching.found("first_1") == ["pkg/m1.py"] and watching.settled())
        assert watching.records() == from_scratch(root, tmp_path / "fresh_main")


def test_edits_without_pause_end_equal_to_indexing_from_scratch(watching: Watching, tmp_path: Path) -> None:
    for n in range(300):
        name = f"pkg/m{n % 8}.py"
        if n % 11 == 10 and (watching.root / name).exists():
            os.unlink(watching.root / name)
        else:
            write(watching.root, name, f"edit_{n}")
        time.sleep(0.002)
    write(watching.root, "pkg/end.py", "the_end")
    wait_until(lambda: watching.found("the_end") == ["pkg/end.py"] and watching.settled())
    assert watching.records() == from_scratch(watching.root, tmp_path / "fresh")


def test_what_only_the_run_found_and_is_gone_at_its_end(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made after the scan and moved away before anyone but the run has seen it."""
    runs: list[int] = []

    def run(*arguments: Any, **options: Any) -> IndexReport:
        write(root, "late/a.py", "late")
        report = update(*arguments, **options)
        runs.append(report.found)
        os.rename(root / "late", tmp_path / f"away{len(runs)}")
        # Its events are read while the run lasts: those of a file that is made after it come later.
        write(root, f"marker{len(runs)}.py", "marker")
        wait_until(lambda: f"marker{len(runs)}.py" in watching.noticed)
        return report

    monkeypatch.setattr("diptych.workspace.host.run.update", run)
    watching = Watching(root, tmp_path / "store")
    with watching:
        assert runs[0] == 6
        wait_until(lambda: watching.found("late") == [])
        monkeypatch.undo()


def test_what_means_nothing_during_a_run_is_looked_at_after_it(root: Path, tmp_path: Path) -> None:
    """A folder made and moved away within one batch of events, and the run found it in between."""
    with RepositoryHost(str(root), Store.open(tmp_path / "store"), processes=0) as host:
        scanned = list(host.scan())
        assert host.select(["late", "notes.txt"]) == []
        write(root, "late/a.py", "late")
        assert list(host.index(scanned)) == scanned
        os.rename(root / "late", tmp_path / "away")
        assert host.select([]) == ["late/"]
        assert list(host.index(["late/"])) == ["late/"]
        assert host.store.symbols("late") == []
        assert host.select([]) == []


def test_a_folder_that_became_a_link_is_noticed_and_not_followed(root: Path, tmp_path: Path) -> None:
    write(tmp_path, "outside/a.py", "outside")
    write(root, "late/a.py", "late")
    with RepositoryHost(str(root), Store.open(tmp_path / "store"), processes=0) as host:
        list(host.index(list(host.scan())))
        assert host.store.symbols("late") != []
        os.rename(root / "late", tmp_path / "away")
        (root / "late").symlink_to(tmp_path / "outside")
        assert host.select(["late"]) == ["late/"]
        assert list(host.index(["late/"])) == ["late/"]
        assert host.store.symbols("late") == host.store.symbols("outside") == []


def test_lives_of_a_repository_end_equal_to_indexing_from_scratch(tmp_path: Path) -> None:
    for seed in range(3):
        life = RepositoryLife(seed, tmp_path / str(seed) / "repository")
        with Watching(life.root, tmp_path / str(seed) / "store") as watching:
            for _ in range(40):
                life.step()
            write(life.root, "the_end.py", "the_end")
            wait_until(lambda: watching.found("the_end") == ["the_end.py"] and watching.settled())
            expected = from_scratch(life.root, tmp_path / str(seed) / "fresh")
            wait_until(lambda: watching.records() == expected)  # noqa: B023


class RepositoryLife:
    """Random changes of a repository, as people, editors and git make them."""

    def __init__(self, seed: int, root: Path) -> None:
        self.root = root
        self.random = random.Random(seed)
        self.serial = 0
        for n in range(20):
            write(root, f"pkg{n % 3}/m{n}.py", f"first_{n}")
        git(root, "init")
        git(root, "add", ".")
        git(root, "commit", "-m", "first")
        git(root, "branch", "other")

    def step(self) -> None:
        self.serial += 1
        common = (self.edit, self.edit, self.make, self.remove, self.move)
        actions = (*common, self.ignore, self.switch, self.commit)
        with suppress(OSError):  # a move into itself, or out of what is no more
            self.random.choice(actions)()
        time.sleep(self.random.choice((0, 0, 0.005, 0.05)))

    def edit(self) -> None:
        files = [path for path in self._all() if path.suffix == ".py" and path.is_file()]
        if files:
            write(self.root, str(self.random.choice(files).relative_to(self.root)), f"edit_{self.serial}")

    def make(self) -> None:
        for n in range(self.random.choice((1, 3, 40))):
            write(self.root, f"made{self.serial % 5}/deep{n % 3}/m{n}.py", f"made_{self.serial}_{n}")

    def remove(self) -> None:
        if found := self._all():
            path = self.random.choice(found)
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def move(self) -> None:
        if found := self._all():
            path = self.random.choice(found)
            os.rename(path, self.root / f"moved{self.serial % 4}{path.suffix}")

    def ignore(self) -> None:
        rules = self.random.choice(("", "pkg1/\n", "m*.py\n", "made1/\n"))
        (self.root / ".gitignore").write_text(rules)

    def switch(self) -> None:
        git(self.root, "checkout", "-q", "-f", self.random.choice(("main", "other")))

    def commit(self) -> None:
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "--allow-empty", "-m", str(self.serial))

    def _all(self) -> list[Path]:
        return sorted(path for path in self.root.rglob("*") if ".git" not in path.parts)


def test_a_folder_without_git(tmp_path: Path) -> None:
    root = tmp_path / "plain"
    write(root, "a.py", "alpha")
    with Watching(root, root / ".diptych") as watching:
        write(root, "b/c.py", "beta")
        wait_until(lambda: watching.found("beta") == ["b/c.py"])
        assert not [name for name in watching.noticed if name.startswith(".diptych")]


def test_after_the_watch_the_indexer_finds_nothing_to_do(root: Path, tmp_path: Path) -> None:
    with Watching(root, tmp_path / "store") as watching:
        write(root, "pkg/m1.py", "edited")
        wait_until(lambda: watching.found("edited") == ["pkg/m1.py"])
        lsn = watching.store.lsn
    with Store.open(tmp_path / "store") as store:
        report = index_repository(root, store, processes=0)
        assert (report.indexed, report.removed, store.lsn) == (0, 0, lsn)


def test_ctrl_c_during_the_first_index_is_its_regular_end_too(root: Path, tmp_path: Path) -> None:
    for n in range(400):
        write(root, f"lib/m{n}.py", *(f"f{n}_{k}" for k in range(50)))
    process = run_watch(root, "--store", str(tmp_path / "store"))
    read_until(process, "building, indexing")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=NEVER_S)
    assert (process.returncode, err) == (0, "")
    assert not (tmp_path / "store" / PROGRESS).exists(), "the run was ended, not cut off"
    with Store.open(tmp_path / "store") as store:
        assert index_repository(root, store, processes=0).found == 405


SAYS_IT_LOCKS = (
    """
from diptych.fs.lock import WriterLock
begin = WriterLock.__init__
def told(*arguments, **options):
    print("locking", flush=True)
    begin(*arguments, **options)
WriterLock.__init__ = told
"""
    + RUN
)


def test_ctrl_c_before_it_watches_interrupts(root: Path, tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    with Store.open(store):
        process = run_watch(root, "--store", store, "--timeout", str(NEVER_S), program=SAYS_IT_LOCKS)
        # It can get no further while this process has the lock.
        read_until(process, "locking")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=NEVER_S)
    assert process.returncode == 130


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_ends_in_order_when_asked_to(root: Path, tmp_path: Path, number: signal.Signals) -> None:
    process = run_watch(root, "--store", str(tmp_path / "store"))
    read_until(process, "ready: ")
    write(root, "pkg/m1.py", "edited")
    read_until(process, "changed pkg/m1.py")
    process.send_signal(number)
    _, err = process.communicate(timeout=NEVER_S)
    assert (process.returncode, err) == (0, "")
    with Store.open(tmp_path / "store") as store:
        assert index_repository(root, store, processes=0).found == 5
        assert [hit.path for hit in store.symbols("edited")] == ["pkg/m1.py"]


def test_on_a_terminal_one_screen_is_kept_up_to_date(root: Path) -> None:
    terminal, other_end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, "watch", str(root), "--processes", "0"],
        stdin=other_end,
        stdout=other_end,
        stderr=other_end,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"},
    )
    os.close(other_end)
    shown = b""

    def read_until(text: bytes) -> None:
        nonlocal shown
        while text not in shown:
            shown += os.read(terminal, 65536)

    try:
        read_until(b"ready: 5 symbols in 5 files")
        write(root, "pkg/m1.py", "edited", "twice")
        read_until(b"changed pkg/m1.py")
        read_until(b"ready: 6 symbols in 5 files")
        process.send_signal(signal.SIGINT)
        with suppress(OSError):  # the terminal goes away with the process
            while data := os.read(terminal, 65536):
                shown += data
        assert process.wait(NEVER_S) == 0
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
    assert b"changes/s" in shown
    assert b"\x1b[?1049l" in shown, "the screen that was there before is given back"
    assert git_output(root, "status", "--porcelain") == " M pkg/m1.py\n", "the store hides from git"


def test_a_second_watch_of_the_same_store_is_refused(root: Path, tmp_path: Path) -> None:
    with Watching(root, tmp_path / "store"):
        process = run_watch(root, "--store", str(tmp_path / "store"))
        _, err = process.communicate(timeout=NEVER_S)
    assert process.returncode == 4
    assert str(os.getpid()) in err


def test_a_store_that_writes_no_more_is_opened_anew(watching: Watching) -> None:
    before = watching.store
    watching.coordinator.notify_failure(OSError(5, "Input/output error"))
    wait_until(watching.settled)
    assert watching.store is not before
    write(watching.root, "pkg/m1.py", "after_recovery")
    wait_until(lambda: watching.found("after_recovery") == ["pkg/m1.py"])


def test_files_of_a_submodule(root: Path, tmp_path: Path) -> None:
    write(tmp_path / "inner", "a.py", "inner_a")
    git(tmp_path / "inner", "init")
    git(tmp_path / "inner", "add", ".")
    git(tmp_path / "inner", "commit", "-m", "inner")
    git(root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(tmp_path / "inner"), "sub")
    with Watching(root, tmp_path / "store") as watching:
        assert watching.found("inner_a") == ["sub/a.py"]
        write(root, "sub/b.py", "inner_b")
        wait_until(lambda: watching.found("inner_b") == ["sub/b.py"])


def test_a_killed_watch_leaves_a_store_that_the_next_brings_up_to_date(root: Path, tmp_path: Path) -> None:
    process = run_watch(root, "--store", str(tmp_path / "store"))
    read_until(process, "ready: ")
    process.kill()
    process.communicate()
    write(root, "pkg/m1.py", "edited_while_nobody_watched")
    with Watching(root, tmp_path / "store") as watching:
        assert watching.found("edited_while_nobody_watched") == ["pkg/m1.py"]
        assert watching.records() == from_scratch(root, tmp_path / "fresh")


def test_without_watchfiles_the_command_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['watchfiles'] = None\n"
        "import threading\n"
        "from diptych.errors import CallerError\n"
        "from diptych.workspace.notices import Notices\n"
        "try: list(Notices('.').batches(threading.Event()))\n"
        "except CallerError as error: print(error.advice)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "Install it with: pip install 'diptych[watch]'.\n"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/r/pkg/a.py", "pkg/a.py"),
        ("/r/.git/index", ""),
        ("/r/.git", ""),
        ("/r/sub/.git/HEAD", ""),
        ("/r/sub/.git", "sub/.git"),
        ("/r/sub/.git/modules/.git", ""),
        ("/r/.git/info/exclude", ".git/info/exclude"),
        ("/r/.gitignore", ".gitignore"),
        ("/r/.diptych/journal/1.wal", ""),
        ("/r/.diptych", ""),
        ("/r/.diptychs/a.py", ".diptychs/a.py"),
        ("/r", ""),
        ("/repository/a.py", ""),
    ],
)
def test_which_paths_are_watched(path: str, name: str) -> None:
    assert relative_name("/r", path, "/r/.diptych") == name


def test_which_files_are_rules() -> None:
    names = (".gitignore", "a/.gitignore", ".git/info/exclude", "gitignore", "exclude", "a/.gitignore/b")
    assert [name for name in names if is_rule(name)] == [".gitignore", "a/.gitignore", ".git/info/exclude"]


def test_a_rate_is_over_the_last_seconds_and_holds_no_more() -> None:
    rate = Rate(window_s=10.0)
    for second in range(1000):
        rate.observe(float(second), second * 3)
    assert rate.per_s == pytest.approx(3.0)
    assert len(rate._samples) == 11
    for second in range(1000, 1020):
        rate.observe(float(second), 2997)
    assert rate.per_s == 0.0


def test_the_screen_shows_state_rates_and_the_last_events(watching: Watching) -> None:
    monitor = Monitor("diptych watch  /r", events_max=3, wall=lambda: 0.0)
    monitor.observe(watching.coordinator.metrics())
    snapshot: Snapshot = watching.coordinator.metrics()
    for n in range(20):
        monitor.observe(snapshot, [f"a{n}.py", "b.py"])
    screen = "\n".join(monitor.screen())
    assert "ready: 5 symbols in 5 files" in screen
    assert "0 pending, 1 builds" in screen
    assert "changes/s" in screen
    assert screen.count("changed a") == 3
    assert "changed a19.py and 1 more" in screen
    assert len(monitor.fresh()) == 23
    assert monitor.fresh() == []


def run_until_ready(root: Path, *options: str, **environment: str) -> None:
    process = run_watch(root, *options, **environment)
    read_until(process, "ready: ")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=NEVER_S)
    assert process.returncode == 0


def test_the_store_is_below_the_output_root_where_queries_look_for_it(root: Path, tmp_path: Path) -> None:
    run_until_ready(root, DIPTYCH_OUTPUT_ROOT=str(tmp_path / "out"))
    assert not (root / ".diptych").exists()
    verdict, _ = check(str(root), store_below(str(tmp_path / "out"), str(root)))
    assert verdict.kind is Kind.FRESH
    run_until_ready(root, "--output-root", str(tmp_path / "other"))
    assert len(os.listdir(tmp_path / "other")) == 1


def test_what_the_last_run_left_out_stays_out(root: Path) -> None:
    run_until_ready(root, "--exclude", "m1.py", "--exclude", "m2.py")
    run_until_ready(root)
    with Store.open(root / ".diptych", read_only=True) as store:
        assert [record.path for record in store.files()] == ["pkg/m0.py", "pkg/m3.py", "pkg/m4.py"]
    run_until_ready(root, "--exclude", "m1.py")
    with Store.open(root / ".diptych", read_only=True) as store:
        assert len(store) == 4


def test_a_first_build_cut_short_leaves_an_account_that_it_began(root: Path, tmp_path: Path) -> None:
    """Without one a query could not tell its records from another program's, and would never update them."""
    for n in range(300):
        write(root, f"pkg/n{n}.py", f"second_{n}")
    with RepositoryHost(str(root), Store.open(tmp_path / "store"), processes=0) as host:
        build = cast("Generator[str]", host.index(list(host.scan())))
        next(build)
        build.close()
        assert (tmp_path / "store" / FACTS).exists()


def test_what_git_lists_otherwise_though_no_file_changed(watching: Watching, tmp_path: Path) -> None:
    write(watching.root, "ignored/a.py", "added")
    git(watching.root, "add", "-f", "ignored/a.py")
    wait_until(lambda: watching.found("added") == ["ignored/a.py"])
    write(watching.root, "ignored/b.py", "added_beside_another")
    git(watching.root, "add", "-f", "ignored/b.py")
    write(watching.root, "pkg/other.py", "another")
    wait_until(lambda: watching.found("added_beside_another") == ["ignored/b.py"])
    git(watching.root, "rm", "-q", "--cached", "ignored/a.py")
    wait_until(lambda: watching.found("added") == [])
    wait_until(watching.settled)
    assert watching.records() == from_scratch(watching.root, tmp_path / "fresh")


def test_a_folder_that_becomes_a_repository_of_its_own(watching: Watching) -> None:
    write(watching.root, "inner/a.py", "inside")
    wait_until(lambda: watching.found("inside") == ["inner/a.py"])
    git(watching.root / "inner", "init")
    wait_until(lambda: watching.found("inside") == [])
    shutil.rmtree(watching.root / "inner/.git")
    wait_until(lambda: watching.found("inside") == ["inner/a.py"])


def test_the_facts_keep_up_with_the_store(watching: Watching, tmp_path: Path) -> None:
    """Otherwise each query under a watch would compare every record."""

    def accounted() -> bool:
        store = watching.store
        known = facts.load(store.path, store_id=store.store_id, lsn=store.lsn)
        return known is not None and known.lsn == store.lsn

    for n in range(3):
        write(watching.root, f"pkg/m{n}.py", "edited")
        write(watching.root, "pkg/new.py", f"new_{n}")
        os.unlink(watching.root / f"pkg/m{n + 2}.py")
        wait_until(lambda: watching.found(f"new_{n}") == ["pkg/new.py"])  # noqa: B023
        wait_until(lambda: watching.settled() and accounted())
        verdict, gathered = check(str(watching.root), watching.store.path)
        assert (verdict.kind, gathered.evidence.account) == (Kind.FRESH, Account.COMPLETE)
    (watching.root / "pkg/new.py").write_bytes(b"\0binary")
    wait_until(lambda: watching.found("new_2") == [])
    wait_until(lambda: watching.settled() and accounted())
    assert check(str(watching.root), watching.store.path)[0].kind is Kind.FRESH
