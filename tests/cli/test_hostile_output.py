"""No control character of data reaches a terminal, whatever command prints it and wherever it comes from."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.command import COMMAND, diptych, environment
from tests.cli.test_terminal import on_terminal
from tests.support.waiting import HANG_S, wait_until

from diptych.cli.output import printable

# Red, a title, a C1 control, DEL, an override of the direction, an isolate, a line separator, a backspace.
EVIL = "\x1b[31m\x1b]0;t\x07\x9b31m\x7f\u202e\u2066\u2028\b\r"
# A terminal's own line ends are CR LF.
FORBIDDEN = re.compile(
    "[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\r(?!\n)"
)
PLAIN = {"NO_COLOR": "1"}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An indexed repository whose every name, text and branch is hostile, and a base of versions."""
    root = tmp_path_factory.mktemp("hostile") / f"root{EVIL}"
    root.mkdir()
    name = EVIL.replace("\r", "")
    for number in range(2):
        body = (
            f'class Odd{number}(Base):\n    """Doc {EVIL}"""\n\n'
            f'    def odd(self, a="{name}"):\n        return odd()\n'
        )
        (root / f"{name}{number}\udcff.py").write_text(body, "utf-8", "surrogateescape")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "init", "-q", "-b", "b\u202eranch"], cwd=root, check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], cwd=root, check=True)
    diptych("index", cwd=root)
    return root


def clean(shown: bytes) -> str:
    """What a terminal got, as text; fails where it holds what data must not bring there."""
    text = shown.decode("utf-8", "surrogateescape")
    found = FORBIDDEN.search(text)
    assert found is None, (found, text)
    assert not re.search("[\udc80-\udcff]", text), text
    return text


COMMANDS = [
    ["search", "odd"],
    ["search", "--json", "odd"],
    ["search", f"nofield{EVIL}:x"],
    ["search", f'"{EVIL}'],
    ["symbol", "odd"],
    ["symbol", EVIL],
    ["refs", "odd"],
    ["files"],
    ["files", "-0"],
    ["files", "--json"],
    ["status"],
    ["status", "--check", "--explain"],
    ["status", "--root", f"none{EVIL}"],
    ["verify", "--deep"],
    ["repair", "--dry-run"],
    ["repair"],
    ["checkpoint"],
    ["journal"],
    ["export"],
    ["index"],
    ["index", "--all"],
    ["index", f"none{EVIL}"],
    ["index", "--exclude", EVIL],
    ["status", "--store", f"none{EVIL}"],
    [f"verb{EVIL}"],
    ["status", f"--option{EVIL}"],
    ["status", f"argument{EVIL}"],
    ["search", "x", "--limit", EVIL],
    ["search", "x", "--fresh", EVIL],
    ["search", "x", "--wait", EVIL],
    ["versions", "list", "--base", f"none{EVIL}"],
    ["versions", "publish", EVIL],
    ["versions", f"verb{EVIL}"],
    ["versions", "stage", "a", "--file", EVIL],
    ["versions", "stage", "a", "--attr", f"name={EVIL}", "--file", f"f=none{EVIL}"],
    ["watch", f"none{EVIL}"],
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda words: printable(" ".join(words))[:40])
def test_no_control_character_of_data_reaches_a_terminal(hostile: Path, arguments: list[str]) -> None:
    shown = on_terminal(*arguments, cwd=hostile, **PLAIN)
    if "-0" in arguments:
        # The command's own, after each path.
        shown = shown.replace(b"\0", b"")
    clean(shown)


def test_in_colour_only_the_commands_own_sequences_do(hostile: Path) -> None:
    own = re.compile("\x1b\\[(?:[0-9]{1,2})?m")
    for arguments in (["symbol", "odd"], ["refs", "odd"], ["status"], ["status", "--store", f"none{EVIL}"]):
        shown = on_terminal(*arguments, cwd=hostile).decode("utf-8", "surrogateescape")
        text = clean(own.sub("", shown).encode("utf-8", "surrogateescape"))
        # The data's own red, escaped, is still to be read.
        assert "\\x1b[31m" in text


def test_damage_and_its_repair_are_told_without_control_characters(hostile: Path, tmp_path: Path) -> None:
    import shutil

    root = tmp_path / f"copy{EVIL}"
    shutil.copytree(hostile, root, symlinks=True)
    diptych("checkpoint", cwd=root)
    (snapshot, *_) = root.glob(".diptych/segments/*/records.msgpack")
    data = bytearray(snapshot.read_bytes())
    data[len(data) // 3] ^= 0xFF
    snapshot.write_bytes(data)
    for arguments in (["verify", "--deep"], ["search", "odd"], ["status"], ["repair"]):
        clean(on_terminal(*arguments, cwd=root, **PLAIN))


def test_a_traceback_that_was_asked_for_has_none_either(hostile: Path) -> None:
    clean(on_terminal("status", "--store", f"none{EVIL}", cwd=hostile, DIPTYCH_DEBUG="1", **PLAIN))


def test_what_goes_to_a_pipe_is_one_line_for_each_hit_and_has_none_but_bytes_of_paths(hostile: Path) -> None:
    shown = diptych("symbol", "odd", cwd=hostile).stdout
    assert shown.count(b"\n") == 2
    assert FORBIDDEN.search(shown.decode("utf-8", "surrogateescape")) is None
    assert b"\xff.py" in shown


def test_the_events_of_a_watch_have_none(hostile: Path, tmp_path: Path) -> None:
    pytest.importorskip("watchfiles")
    root = tmp_path / f"watched{EVIL}"
    root.mkdir()
    (root / "first.py").write_text("def first(): pass\n")
    log = tmp_path / "log"
    with (
        open(log, "wb") as out,
        subprocess.Popen(
            [*COMMAND, "watch", ".", "--plain"], cwd=root, env=environment(**PLAIN), stdout=out, stderr=out
        ) as run,
    ):
        _wait(lambda: b"ready" in log.read_bytes(), run)
        (root / f"new{EVIL}.py").write_text("def new(): pass\n")
        _wait(lambda: b"changed new" in log.read_bytes(), run)
        run.send_signal(signal.SIGINT)
        run.wait(timeout=HANG_S)
    clean(log.read_bytes())


def _wait(reached: Callable[[], bool], run: subprocess.Popen[bytes]) -> None:
    wait_until(lambda: reached() or run.poll() is not None)
    assert run.poll() is None


def test_only_one_module_prints() -> None:
    """Whatever prints goes through `diptych.cli.output`, which escapes."""
    engine = Path(sys.modules["diptych"].__path__[0])
    prints = re.compile(
        r"(?<![\w.])print\(|std(?:out|err)(?:\.buffer)?\.write|print_exception"
    )
    found = [
        f"{path.relative_to(engine)}: {text.strip()}"
        for path in sorted(engine.rglob("*.py"))
        if path.relative_to(engine) != Path("cli/output.py")
        for text in path.read_text().splitlines()
        if prints.search(text)
    ]
    # What cannot be logged, as ASCII, and an example in a docstring.
    assert found == [
        'lazy.py: sys.stderr.write(f"{ascii(message % values if values else message)[1:-1]}\\n")',
        "workspace/freshness/__init__.py: print(ensured.warning, file=sys.stderr)",
    ]
