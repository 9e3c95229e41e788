"""How far the index is, and what is answered meanwhile."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.serving.lsp.editor import Editor, Process, ResponseError, at, initialize, opened, places
from tests.support.waiting import wait_until


def test_without_a_keeper_the_state_says_so(reading: Editor, made: Path) -> None:
    told = reading.await_told("diptych/status")["params"]
    assert (told["root"], told["state"], told["pid"]) == (str(made), "degraded", 0)
    (root,) = reading.ask("diptych/status")["roots"]
    assert root["answeredAtLsn"] >= 0
    (again,) = reading.ask("workspace/executeCommand", {"command": "diptych.status"})["roots"]
    assert again["root"] == str(made)
    assert reading.ask("workspace/executeCommand", {"command": "diptych.reindex"}) is None
    with pytest.raises(ResponseError):
        reading.ask("workspace/executeCommand", {"command": "diptych.nonsense"})


def test_files_to_watch_are_asked_for_where_the_client_can(editor: Editor, made: Path) -> None:
    watch = {"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": True}}}
    initialize(editor, made, capabilities=watch)
    (wanted,) = editor.await_told("client/registerCapability")["params"]["registrations"]
    assert wanted["method"] == "workspace/didChangeWatchedFiles"
    editor.tell("workspace/didChangeWatchedFiles", {"changes": [{"uri": "file:///nowhere", "type": 2}]})
    assert editor.ask("diptych/status")


def test_several_roots_and_folders_that_come_and_go(editor: Editor, made: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(made, other)
    (other / "only_here.py").write_text("def only_here(): pass\n")
    initialize(editor, made)
    asked = at(other, "main.py", "print(@total(")
    folder = {"uri": other.as_uri(), "name": "other"}
    editor.tell("workspace/didChangeWorkspaceFolders", {"event": {"added": [folder], "removed": []}})
    assert places(other, editor.ask("textDocument/definition", asked)) == ["shapes.py:28:5"]
    found = editor.ask("workspace/symbol", {"query": "total"})
    assert len(found) == 2
    editor.tell("workspace/didChangeWorkspaceFolders", {"event": {"added": [], "removed": [folder]}})
    assert len(editor.ask("workspace/symbol", {"query": "total"})) == 1


def test_a_keeper_indexes_what_an_editor_opens(tmp_path: Path) -> None:
    pytest.importorskip("watchfiles")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "lib.py").write_text("def work():\n    pass\n")
    (tmp_path / "main.py").write_text("from lib import work\n\nwork()\n")
    progress = {"window": {"workDoneProgress": True}}
    with Process("--keeper") as process:
        editor = process.editor
        initialize(editor, tmp_path, capabilities=progress)
        # At once, whatever the state of the index.
        editor.tell("textDocument/didOpen", opened(tmp_path, "lib.py"))
        assert editor.ask("textDocument/hover", at(tmp_path, "lib.py", "def @work"))

        def state() -> str:
            found: str = editor.ask("diptych/status")["roots"][0]["state"]
            return found

        wait_until(lambda: state() == "ready", "the index to be ready")
        asked = at(tmp_path, "main.py", "\n@work")
        assert places(tmp_path, editor.ask("textDocument/definition", asked)) == ["lib.py:1:5"]
        (tmp_path / "fresh.py").write_text("def brand_new(): pass\n")
        wait_until(lambda: editor.ask("workspace/symbol", {"query": "brand_new"}), "the new name")
        edits: list[dict[str, str]] = []

        def renamed() -> bool:
            try:
                edits.append(editor.ask("textDocument/rename", {**asked, "newName": "toil"})["changes"])
            except ResponseError as error:
                assert error.message.startswith("index not ready")
            return bool(edits)

        wait_until(renamed, "the rename")
        assert len(edits[0]) == 2


def test_a_repository_is_closed_with_the_last_of_its_folders(editor: Editor, root: Path) -> None:
    (root / "docs").mkdir()
    initialize(editor, root / "tests", root / "docs")
    asked = at(root, "main.py", "print(@total(")
    for folder, found in ((root / "docs", ["shapes.py:28:5"]), (root / "tests", None)):
        gone = {"uri": folder.as_uri(), "name": folder.name}
        editor.tell("workspace/didChangeWorkspaceFolders", {"event": {"added": [], "removed": [gone]}})
        if found:
            assert places(root, editor.ask("textDocument/definition", asked)) == found
            assert len(editor.ask("workspace/symbol", {"query": "total"})) == 1
        else:
            assert not editor.ask("workspace/symbol", {"query": "total"})
