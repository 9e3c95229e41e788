"""neovim and emacs, set up as docs/editors.md has it, and VS Code's library. They skip where absent."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.waiting import HANG_S

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINE, _COLUMN = "8", "10"


def snippet(language: str, marker: str) -> str:
    """The one snippet of docs/editors.md in a language that has a text in it."""
    page = (ROOT / "docs/editors.md").read_text()
    (found,) = [text for kind, text in _FENCE.findall(page) if kind == language and marker in text]
    return found


def ask(command: list[str], config: Path, root: Path) -> dict[str, str]:
    """What the client printed, by the first word of each line."""
    binaries = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "CONFIG": str(config),
        "FILE": str(root / "main.py"),
        "ROOT": str(root),
        "LINE": _LINE,
        "COLUMN": _COLUMN,
        "HOME": str(root),
    }
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=HANG_S
    )
    output = done.stdout + done.stderr
    found = dict(re.findall(r"^(DEFINITION|SYMBOLS|HOVER) (.*)$", output, re.MULTILINE))
    assert found, output
    return found


def check(found: dict[str, str], root: Path) -> None:
    """The answers are those of any other client."""
    assert found["DEFINITION"].strip() == f"file://{root}/shapes.py 27"
    assert found["SYMBOLS"].strip() == "1"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nvim") is None, reason="neovim is not installed")
def test_neovim(root: Path, tmp_path: Path) -> None:
    config = tmp_path / "init.lua"
    config.write_text(without_keeper(snippet("lua", "lsp.start_client")))
    command = ["nvim", "--headless", "-u", "NONE", "-i", "NONE", "-n", "-c", f"luafile {HERE / 'nvim.lua'}"]
    found = ask(command, config, root)
    check(found, root)
    assert "The sum of all areas." in found["HOVER"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("emacs") is None, reason="emacs is not installed")
def test_emacs_with_eglot(root: Path, tmp_path: Path) -> None:
    known = ["emacs", "--batch", "--eval", "(progn (package-initialize) (require 'eglot))"]
    if subprocess.run(known, capture_output=True, check=False).returncode:
        pytest.skip("eglot is not installed")
    config = tmp_path / "init.el"
    config.write_text(without_keeper(snippet("elisp", "eglot-server-programs")))
    command = [
        "emacs",
        "--batch",
        "--eval",
        "(package-initialize)",
        "-l",
        "eglot",
        "-l",
        str(HERE / "eglot.el"),
    ]
    check(ask(command, config, root), root)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_protocol_library_of_vs_code(root: Path, tmp_path: Path) -> None:
    package = "vscode-languageserver-protocol"
    modules = Path(os.environ.get("NODE_PATH", ""))
    if not (modules / package).is_dir():
        pytest.skip(f"NODE_PATH names no folder with {package}: `npm install {package}`")
    command = ["node", str(HERE / "session.js"), str(root), "diptych", "lsp", "--no-keeper"]
    check(ask(command, tmp_path, root), root)


def without_keeper(config: str) -> str:
    """The configuration for a repository of a test, which is not to be watched."""
    changed = config.replace('"lsp"', '"lsp", "--no-keeper"', 1)
    if "(" in config and "eglot" in config:
        changed = config.replace('"lsp"', '"lsp" "--no-keeper"', 1)
    assert changed != config
    return changed
