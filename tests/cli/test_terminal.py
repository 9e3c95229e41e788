"""What a terminal gets that a pipe does not: colour, a progress bar, and no raw bytes."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

from tests.cli.command import COMMAND, diptych, environment, write_modules
from tests.support.waiting import exit_code


def on_terminal(*arguments: str, cwd: Path, **env: str) -> bytes:
    """What the command writes when all its streams are a terminal."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *arguments], cwd=cwd, env=environment(**env), stdin=slave, stdout=slave, stderr=slave
    ) as run:
        os.close(slave)
        written = b""
        while True:
            try:
                more = os.read(master, 65536)
            except OSError:
                break
            if not more:
                break
            written += more
        exit_code(run)
    os.close(master)
    return written


def test_colour_on_a_terminal_only_and_not_against_the_users_will(indexed: Path) -> None:
    assert b"\x1b[" in on_terminal("symbol", "parse", cwd=indexed)
    assert b"\x1b[" not in on_terminal("symbol", "parse", cwd=indexed, NO_COLOR="1")
    assert b"\x1b[" not in on_terminal("symbol", "parse", cwd=indexed, TERM="dumb")
    assert b"\x1b[" not in diptych("symbol", "parse", cwd=indexed).stdout
    assert b"\x1b[" in on_terminal("status", cwd=Path("/"))


def test_a_name_cannot_steer_the_terminal(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/\x1b]0;title\x07\xff.py", "wb") as file:
        file.write(b"def odd(): pass\n")
    diptych("index", ".", cwd=tmp_path)
    for shown in (on_terminal("symbol", "odd", cwd=tmp_path), on_terminal("files", cwd=tmp_path)):
        assert b"\\x1b]0;title\\x07\\xff.py" in shown
        assert b"\x1b]" not in shown


def test_progress_is_a_bar_on_a_terminal_and_silent_when_asked_or_piped(tmp_path: Path) -> None:
    write_modules(tmp_path, 400)
    shown = on_terminal("index", ".", "--processes", "1", cwd=tmp_path)
    assert b"Indexing" in shown
    assert b"/400" in shown
    assert b"files/s" in shown
    assert b"Indexing" not in on_terminal("index", ".", "--all", "--quiet", cwd=tmp_path)
    # Not in a terminal: a plain line each few seconds, and a slow machine takes longer than that.
    piped = diptych("index", ".", "--all", cwd=tmp_path).stderr
    assert all(re.fullmatch(rb"(diptych: )?[\d,]+ of 400 files, .*", line) for line in piped.splitlines())
