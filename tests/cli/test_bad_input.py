"""What is wrong with a path, a store, a query or the disk gets a sentence and a code, and loses nothing."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.cli.command import COMMAND, diptych, document, environment, error_output, text, write_modules
from tests.cli.conftest import make_repository, remount
from tests.support.waiting import HANG_S, SHORT_S, exit_code, output
from xxhash import xxh3_64_intdigest

WRITER = """
import sys
from diptych import Store
with Store.open(sys.argv[1]):
    print("writing", flush=True)
    sys.stdin.read()
"""


@contextmanager
def writer(store: Path) -> Iterator[int]:
    """Another process that holds the store open for writing; its process id."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(store)],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        yield process.pid
        output(process)


WAITING = """
import signal, sys
# A shell that starts the tests in the background has them, and so this, ignore the signal.
signal.signal(signal.SIGINT, signal.default_int_handler)
import filelock
from diptych.cli import main
acquire = filelock.FileLock.acquire
def recorded(lock, *arguments, **options):
    print("waiting", flush=True)
    return acquire(lock, *arguments, **options)
filelock.FileLock.acquire = recorded
sys.argv = ["diptych", *sys.argv[1:]]
main()
"""


@contextmanager
def waiting_for_the_lock(repository: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`diptych index` at the moment in which it asks for the lock that another holds."""
    with subprocess.Popen(
        [sys.executable, "-c", WAITING, "index", "--timeout", str(HANG_S)],
        cwd=repository,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"waiting\n"
        assert process.poll() is None
        yield process


def test_no_store_anywhere(tmp_path: Path) -> None:
    for verb in (["status"], ["search", "x"], ["verify"], ["journal"]):
        assert "diptych index" in error_output(*verb, cwd=tmp_path, code=3)
    for verb in (["repair"], ["checkpoint"], ["export"], ["files"]):
        error_output(*verb, "--store", tmp_path / "none", cwd=tmp_path, code=3)
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_is_empty_missing_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "file.py").write_text("x = 1\n")
    error_output("index", "", cwd=tmp_path, code=2)
    error_output("index", "file.py", cwd=tmp_path, code=2)
    error_output("index", "missing", cwd=tmp_path, code=3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file.py"]


def test_a_store_path_that_is_a_file(tmp_path: Path) -> None:
    make_repository(tmp_path / "r")
    (tmp_path / "file").write_text("precious")
    for verb in (["index", "r"], ["status"], ["verify"], ["repair"], ["checkpoint"], ["journal"]):
        assert "is a file" in error_output(*verb, "--store", "file", cwd=tmp_path, code=6)
    assert (tmp_path / "file").read_text() == "precious"


def test_a_store_path_that_belongs_to_another_program(tmp_path: Path) -> None:
    make_repository(tmp_path / "r")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/data.db").write_bytes(b"precious")
    for verb in (["index", "r"], ["status"], ["verify"], ["repair"], ["checkpoint"], ["journal"]):
        assert "belongs to something else" in error_output(*verb, "--store", "other", cwd=tmp_path, code=6)
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["data.db"]


def test_a_store_of_a_newer_format(repository: Path) -> None:
    (segment,) = repository.glob(".diptych/journal/*.wal")
    data = bytearray(segment.read_bytes())
    data[8:12] = (99).to_bytes(4, "little")
    data[56:64] = xxh3_64_intdigest(bytes(data[:56])).to_bytes(8, "little")
    segment.write_bytes(data)
    for verb in (
        ["index"],
        ["status"],
        ["verify"],
        ["repair"],
        ["checkpoint"],
        ["journal"],
        ["symbol", "parse"],
    ):
        assert "format 99" in error_output(*verb, cwd=repository, code=6)
    assert segment.read_bytes() == data


def test_a_second_writer_is_told_the_first_ones_process_id_and_readers_go_on(repository: Path) -> None:
    store = repository / ".diptych"
    with writer(store) as pid:
        for verb in (["index"], ["checkpoint"], ["repair"], ["index", "--timeout", "0.2"]):
            assert f"process {pid}" in error_output(*verb, cwd=repository, code=4)
        for verb in (["status"], ["symbol", "parse"], ["search", "parse"], ["verify", "--deep"], ["journal"]):
            diptych(*verb, cwd=repository)
    diptych("index", cwd=repository)


def test_a_timeout_waits_for_the_other_writer(repository: Path) -> None:
    with ExitStack() as held:
        held.enter_context(writer(repository / ".diptych"))
        with waiting_for_the_lock(repository) as waiting:
            with pytest.raises(subprocess.TimeoutExpired):
                waiting.wait(SHORT_S)
            held.close()
            output(waiting)
    assert waiting.returncode == 0


@pytest.mark.parametrize("query", ["a:b:(", "nofield:x", '"open', "(", "AND", ""])
def test_a_query_that_cannot_be_parsed(indexed: Path, query: str) -> None:
    done = diptych("search", query, cwd=indexed, code=None)
    assert done.returncode in (1, 2)
    if query in ("nofield:x", "a:b:("):
        error_output("search", query, cwd=indexed, code=2)


def test_a_name_of_a_megabyte_in_the_source_is_stored_and_found(tmp_path: Path) -> None:
    # The indexer cuts a name that no source has; the store itself would accept all of it.
    name = "n" * 1_000_000
    (tmp_path / "long.py").write_text(f"def {name}(): pass\ndef short(): pass\n")
    diptych("index", ".", cwd=tmp_path)
    long, short = document("export", cwd=tmp_path)[0]["symbols"]
    assert (set(long["name"]), short["name"]) == ({"n"}, "short")
    assert long["range"][2:] == [0, len(f"def {name}(): pass")]
    assert document("symbol", "short", cwd=tmp_path)[0]["path"] == "long.py"


def test_unknown_commands_options_and_arguments(indexed: Path) -> None:
    for arguments in (
        ["nonsense"],
        ["status", "--nonsense"],
        ["symbol"],
        ["search", "x", "--limit", "0"],
        ["index", "a", "b"],
    ):
        done = diptych(*arguments, cwd=indexed, code=2)
        assert b"Usage: diptych" in done.stderr
        assert done.stdout == b""


def test_a_full_disk_is_said_and_with_room_the_next_run_goes_on(tmp_path: Path, small_disk: Path) -> None:
    write_modules(tmp_path / "code", 1500, functions=12)
    said = error_output("index", tmp_path / "code", "--store", small_disk / "store", cwd=tmp_path, code=7)
    assert "No space left" in said
    remount(small_disk, "size=64m")
    report = document("index", tmp_path / "code", "--store", small_disk / "store", cwd=tmp_path)
    assert report["indexed"] + report["unchanged"] == 1500
    diptych("verify", "--deep", "--store", small_disk / "store", cwd=tmp_path)


def test_a_read_only_file_system_is_read_and_not_written(repository: Path, small_disk: Path) -> None:
    store = small_disk / "store"
    diptych("index", repository, "--store", store, cwd=repository)
    diptych("checkpoint", "--store", store, cwd=repository)
    remount(small_disk, "ro")
    for verb in (
        ["status"],
        ["symbol", "parse"],
        ["search", "parse"],
        ["verify", "--deep"],
        ["journal"],
        ["export"],
    ):
        diptych(*verb, "--store", store, cwd=repository)
    (repository / "new.py").write_text("def new(): pass\n")
    for verb in (["index", str(repository)], ["checkpoint"], ["repair"]):
        error_output(*verb, "--store", store, cwd=repository, code=7)
    error_output("index", repository, "--store", small_disk / "another", cwd=repository, code=7)


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    write_modules(tmp_path, 60, functions=40)
    diptych("index", ".", cwd=tmp_path)
    for verb in ("export", "journal"):
        with subprocess.Popen(
            [*COMMAND, verb], cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as run:
            assert run.stdout is not None
            assert run.stderr is not None
            run.stdout.read(10)
            run.stdout.close()
            assert run.stderr.read() == b""
            assert exit_code(run) == (141 if verb == "export" else run.returncode)


def test_standard_output_that_is_full_or_closed(indexed: Path) -> None:
    for target, code in (("> /dev/full", 7), (">&-", 0), (">&- 2>&-", 0)):
        line = f"{shlex.join(COMMAND)} files {target}"
        done = subprocess.run(
            ["sh", "-c", line], cwd=indexed, env=environment(), capture_output=True, check=False
        )
        assert done.returncode == code
        assert b"Exception ignored" not in done.stderr
        assert (b"No space left" in done.stderr) is (code == 7)


def test_an_unexpected_failure_is_a_sentence_and_a_traceback_only_when_asked_for(indexed: Path) -> None:
    code = (
        "import sys, diptych.cli.place as place\n"
        "def broken(given): raise ZeroDivisionError('by zero')\n"
        "place.find_store = broken\n"
        "from diptych.cli import main\n"
        "sys.argv = ['diptych', 'status']\n"
        "main()\n"
    )
    for debug in ("", "1"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=indexed,
            env=environment(DIPTYCH_DEBUG=debug),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 7
        assert b"ZeroDivisionError: by zero" in done.stderr
        assert (b"Traceback" in done.stderr) is bool(debug)


def test_a_signal_while_waiting_for_the_lock(repository: Path) -> None:
    with writer(repository / ".diptych"), waiting_for_the_lock(repository) as waiting:
        os.kill(waiting.pid, signal.SIGINT)
        _, said = output(waiting)
    assert waiting.returncode == 130
    assert said.startswith(b"diptych: interrupted.")


def test_a_folder_that_was_deleted_under_the_shell(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    line = f"rmdir {gone} && exec {' '.join(COMMAND)} status"
    done = subprocess.run(["sh", "-c", line], cwd=gone, env=environment(), capture_output=True, check=False)
    assert done.returncode == 7
    assert done.stderr.startswith(b"diptych: ")
    assert b"Traceback" not in done.stderr


def test_names_that_are_not_utf_8_go_through_every_command(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/d\xff"
    os.mkdir(folder)
    with open(folder + b"/a\xfe\n.py", "wb") as file:
        file.write(b"def odd(): return odd()\n")
    diptych("index", ".", cwd=tmp_path)
    shown = b"d\xff/a\xfe\\x0a.py"
    assert diptych("files", cwd=tmp_path).stdout == shown + b"\n"
    assert diptych("files", "-0", b"d\xff", cwd=tmp_path).stdout == b"d\xff/a\xfe\n.py\0"
    for verb in (["symbol", "odd"], ["refs", "odd"], ["search", "odd"]):
        assert diptych(*verb, cwd=tmp_path).stdout.startswith(shown + b":1:")
        (hit,) = document(*verb, cwd=tmp_path)
        assert os.fsencode(hit["path"]) == b"d\xff/a\xfe\n.py"
    assert shown in diptych("journal", cwd=tmp_path).stdout
    assert os.fsencode(document("export", cwd=tmp_path)[0]["path"]) == b"d\xff/a\xfe\n.py"
    assert "1 file, 1 symbol" in text("status", cwd=tmp_path)
    diptych("index", folder, cwd=tmp_path)
    assert "d\\xff/nothing" in error_output("status", "--store", b"d\xff/nothing", cwd=tmp_path, code=3)
