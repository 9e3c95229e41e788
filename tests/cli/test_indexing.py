"""`diptych index`: what it finds, what it leaves alone, and how it continues after an interruption."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.cli.command import diptych, document, environment, text, write_modules
from tests.cli.conftest import make_repository
from tests.support.waiting import output


def test_first_run_second_run_change_and_removal(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "r")
    first = document("index", cwd=root)
    assert (first["found"], first["indexed"], first["source"]) == (2, 2, "git")
    assert first["languages"] == {"go": 1, "python": 1}
    again = document("index", cwd=root)
    assert (again["indexed"], again["unchanged"], again["lsn"]) == (0, 2, first["lsn"])
    (root / "main.go").unlink()
    (root / "src/new.py").write_text("def brand_new(): pass\n")
    last = document("index", cwd=root)
    assert (last["indexed"], last["unchanged"], last["removed"]) == (1, 1, 1)
    assert text("files", cwd=root) == "src/new.py\nsrc/parser.py\n"


def test_nothing_in_the_repository_changes_but_the_store(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "r")
    git = ["git", "-C", str(root), "status", "--porcelain", "--untracked-files=all"]
    before = subprocess.run(git, capture_output=True, check=True).stdout
    diptych("index", cwd=root)
    assert subprocess.run(git, capture_output=True, check=True).stdout == before
    assert text("verify", "--deep", cwd=root).endswith("(every byte was read)\n")


def test_from_a_folder_below_the_whole_repository_is_indexed(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "r")
    assert document("index", cwd=root / "src")["root"] == str(root)
    assert (root / ".diptych").is_dir()
    assert not (root / "src/.diptych").exists()
    assert document("index", cwd=root / "src")["unchanged"] == 2


def test_a_folder_that_is_no_repository_is_walked(tmp_path: Path) -> None:
    write_modules(tmp_path / "plain", 3)
    (tmp_path / "plain/.gitignore").write_text("module_00001.py\n")
    report = document("index", tmp_path / "plain", cwd=tmp_path)
    assert (report["source"], report["indexed"]) == ("walk", 2)


def test_exclude_and_size_limit(tmp_path: Path) -> None:
    write_modules(tmp_path, 4)
    (tmp_path / "big.py").write_text("x = 1\n" * 1000)
    report = document(
        "index", ".", "--exclude", "*1.py", "--exclude", "*2.py", "--max-file-bytes", "5000", cwd=tmp_path
    )
    assert report["indexed"] == 2
    assert report["skipped"] == {"too large": 1}
    assert "skipped: 1 too large" in text("index", ".", "--max-file-bytes", "5000", cwd=tmp_path)


def test_a_store_elsewhere(tmp_path: Path) -> None:
    write_modules(tmp_path / "code", 2)
    report = document("index", tmp_path / "code", "--store", tmp_path / "kept", cwd=tmp_path)
    assert report["store"] == str(tmp_path / "kept")
    assert not (tmp_path / "code/.diptych").exists()


def test_no_source_files_is_said_with_exit_code_1(tmp_path: Path) -> None:
    done = diptych("index", tmp_path, cwd=tmp_path, code=1)
    assert b"has no source files" in done.stderr
    assert document("index", tmp_path, cwd=tmp_path, code=1)["empty"] is True
    assert diptych("search", "anything", cwd=tmp_path, code=1).stdout == b""


def test_a_syntax_error_and_a_binary_file_do_not_stop_the_run(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def good(): pass\nclass ((((\n")
    (tmp_path / "binary.py").write_bytes(b"x = 1\0\0")
    (tmp_path / "folder.py").mkdir()
    report = document("index", ".", cwd=tmp_path)
    assert report["indexed"] == 1
    assert report["skipped"]["binary"] == 1
    assert document("symbol", "good", cwd=tmp_path)[0]["path"] == "broken.py"


HELD = """
import signal, sys
# A shell that starts the tests in the background has them, and so this, ignore the signal.
signal.signal(signal.SIGINT, signal.default_int_handler)
from diptych.cli import main
from diptych.indexer import pipeline
commit = pipeline._Run._commit
def held(run, *arguments):
    commit(run, *arguments)
    print("committed", flush=True)
    # Not `signal.pause()`: a signal that came just before it would never end it.
    while True:
        pass
pipeline._Run._commit = held
sys.argv = ["diptych", *sys.argv[1:]]
main()
"""
"""The command, which stands still after its first batch."""


def test_an_interrupted_run_keeps_what_it_committed_and_the_next_goes_on(tmp_path: Path) -> None:
    write_modules(tmp_path / "code", 1200)
    with subprocess.Popen(
        [sys.executable, "-c", HELD, "index", ".", "--processes", "1"],
        cwd=tmp_path / "code",
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"committed\n"
        # A terminal sends the signal to all its processes.
        os.killpg(run.pid, signal.SIGINT)
        _, said = output(run)
    assert run.returncode == 130, said
    assert b"Traceback" not in said
    assert said.decode().endswith(
        "diptych: interrupted.\n         Next: what was committed stays: run the command again to continue.\n"
    )
    assert diptych("verify", "--deep", cwd=tmp_path / "code").returncode == 0
    committed = document("status", cwd=tmp_path / "code")["records"]
    assert 1000 <= committed < 1200
    rest = document("index", ".", cwd=tmp_path / "code")
    assert (rest["indexed"], rest["unchanged"]) == (1200 - committed, committed)
    assert document("status", cwd=tmp_path / "code")["records"] == 1200
