"""`diptych lsp` at the command line."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.command import diptych
from tests.serving.lsp.editor import Editor, at, initialize, places


def test_without_the_extra_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "lsprotocol.py").write_text("raise ModuleNotFoundError('no module', name='lsprotocol')\n")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    done = subprocess.run(
        [sys.executable, "-m", "diptych", "lsp"],
        stdin=subprocess.DEVNULL, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "pip install 'diptych[lsp]'" in done.stderr


@pytest.mark.parametrize("given", ["0.0.0.0:1", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:99999", ""])
def test_only_a_port_of_this_machine_is_listened_on(given: str, tmp_path: Path) -> None:
    done = diptych("lsp", "--tcp", given, cwd=tmp_path, code=None)
    assert done.returncode == 2


def test_the_command_needs_nothing_of_the_extra_for_its_help(tmp_path: Path) -> None:
    script = """
import sys
from diptych.cli import main
sys.argv[1:] = ["lsp", "--help"]
try:
    main()
finally:
    print([name for name in sys.modules if name.startswith(("pygls", "lsprotocol", "tree_sitter"))])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.rstrip().endswith("[]")


def test_several_editors_over_tcp(made: Path) -> None:
    command = [sys.executable, "-m", "diptych", "lsp", "--no-keeper", "--tcp", "127.0.0.1:0"]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert child.stderr is not None
        said = child.stderr.readline()
        port = int(re.findall(r"listening on 127\.0\.0\.1:(\d+)", said)[0])
        editors = []
        for _ in range(2):
            connection = socket.create_connection(("127.0.0.1", port))
            editors.append(Editor(connection.makefile("rb"), connection.makefile("wb")))
        for editor in editors:
            initialize(editor, made)
        for editor in editors:
            found = editor.ask("textDocument/definition", at(made, "main.py", "print(@total("))
            assert places(made, found) == ["shapes.py:28:5"]
        editors[0].ask("shutdown")
        editors[0].tell("exit")
        assert editors[0].ended()
        assert editors[1].ask("textDocument/definition", at(made, "main.py", "print(@total("))
    finally:
        child.kill()
        child.communicate()
