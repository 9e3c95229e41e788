"""Renames over the protocol."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.serving.lsp.conftest import make_store
from tests.serving.lsp.editor import Editor, ResponseError, at, changed, initialize, opened
from tests.support.waiting import HANG_S

from diptych.serving.answers.rename import rename
from diptych.serving.lsp import workspace
from diptych.serving.lsp.features import renaming
from diptych.serving.lsp.server import Server
from diptych.serving.lsp.uris import uri_of
from diptych.workspace.freshness import check

DOCUMENT_CHANGES: dict[str, Any] = {
    "workspace": {
        "workspaceEdit": {"documentChanges": True, "changeAnnotationSupport": {"groupsOnLabel": True}}
    }
}


def applied(root: Path, edit: dict[str, Any]) -> dict[str, str]:
    """The texts after an edit, for positions in UTF-8. Only what needs no confirmation."""
    found: dict[str, str] = {}
    changes = edit.get("changes") or {
        one["textDocument"]["uri"]: one["edits"] for one in edit.get("documentChanges", ())
    }
    for uri, edits in changes.items():
        path = uri.removeprefix(uri_of(str(root)) + "/")
        lines = (root / path).read_text().split("\n")
        for one in sorted(
            edits, key=lambda e: (e["range"]["start"]["line"], e["range"]["start"]["character"])
        )[::-1]:
            if "annotationId" in one:
                continue
            start, end = one["range"]["start"], one["range"]["end"]
            row = start["line"]
            lines[row] = lines[row][: start["character"]] + one["newText"] + lines[row][end["character"] :]
        found[path] = "\n".join(lines)
    return found


def test_a_function_is_renamed_in_all_files(editor: Editor, made: Path) -> None:
    initialize(editor, made)
    asked = at(made, "main.py", "print(@total(")
    assert editor.ask("textDocument/prepareRename", asked)["placeholder"] == "total"
    texts = applied(made, editor.ask("textDocument/rename", {**asked, "newName": "sum_of"}))
    assert set(texts) == {"main.py", "shapes.py"}
    assert "from shapes import Square, sum_of\n" in texts["main.py"]
    assert "print(sum_of(squares" in texts["main.py"]
    assert "def sum_of(shapes" in texts["shapes.py"]
    assert "total" not in texts["main.py"] + texts["shapes.py"]


def test_methods_that_override_are_renamed_together(editor: Editor, made: Path) -> None:
    initialize(editor, made, capabilities=DOCUMENT_CHANGES)
    edit = editor.ask("textDocument/rename", {**at(made, "shapes.py", "shape.@area"), "newName": "size"})
    texts = applied(made, edit)
    assert texts["shapes.py"].count("def size(self)") == 2
    assert "shape.size()" in texts["shapes.py"]
    assert "big.size()" in texts["main.py"]
    assert "Square(2).size()" in texts["tests/test_shapes.py"]


def test_a_use_whose_receiver_is_not_known_asks(editor: Editor, root: Path) -> None:
    from diptych import Store
    from diptych.indexer import index_repository

    (root / "unknown.py").write_text("def f(thing):\n    return thing.area()\n")
    with Store.open(root / ".diptych") as store:
        index_repository(root, store, processes=0)
    initialize(editor, root, capabilities=DOCUMENT_CHANGES)
    edit = editor.ask("textDocument/rename", {**at(root, "shapes.py", "shape.@area"), "newName": "size"})
    (asks,) = [one for one in edit["documentChanges"] if one["textDocument"]["uri"].endswith("/unknown.py")]
    (change,) = asks["edits"]
    assert edit["changeAnnotations"][change["annotationId"]]["needsConfirmation"] is True


def test_the_versions_of_open_documents_are_told(editor: Editor, root: Path) -> None:
    initialize(editor, root, capabilities=DOCUMENT_CHANGES)
    editor.tell("textDocument/didOpen", opened(root, "main.py", version=7))
    edit = editor.ask("textDocument/rename", {**at(root, "shapes.py", "def @total"), "newName": "sum_of"})
    versions = {
        Path(one["textDocument"]["uri"]).name: one["textDocument"]["version"]
        for one in edit["documentChanges"]
    }
    assert versions == {"main.py": 7, "shapes.py": None}


def test_an_edit_meanwhile_does_not_pass_for_the_text_that_was_asked(
    editor: Editor, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = threading.Event()
    did_change = Server.did_change

    async def noticed(self: Server, *change: Any) -> None:
        asyncio.get_running_loop().call_soon(told.set)
        await did_change(self, *change)

    def edited_meanwhile(*asked: Any) -> Any:
        made = rename(*asked)
        editor.tell("textDocument/didChange", changed(root, "main.py", "# first\n", 8, (0, 0, 0, 0)))
        assert told.wait(HANG_S)
        return made

    monkeypatch.setattr(Server, "did_change", noticed)
    monkeypatch.setattr(renaming, "rename", edited_meanwhile)
    initialize(editor, root, capabilities=DOCUMENT_CHANGES)
    editor.tell("textDocument/didOpen", opened(root, "main.py", version=7))
    edit = editor.ask("textDocument/rename", {**at(root, "shapes.py", "def @total"), "newName": "sum_of"})
    versions = [one["textDocument"]["version"] for one in edit["documentChanges"]]
    assert sorted(versions, key=str) == [7, None]


def test_what_is_committed_while_the_index_is_compared_is_renamed_too(
    editor: Editor, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    initialize(editor, root)
    asked = at(root, "shapes.py", "def @total")
    assert editor.ask("textDocument/prepareRename", asked)

    def committed_before(*place: str) -> Any:
        (root / "late.py").write_text("from shapes import total\n")
        make_store(root)
        return check(*place)

    monkeypatch.setattr(workspace, "check", committed_before)
    edit = editor.ask("textDocument/rename", {**asked, "newName": "sum_of"})
    assert {Path(uri).name for uri in edit["changes"]} == {"late.py", "main.py", "shapes.py"}


@pytest.mark.parametrize(
    ("path", "marked", "new", "said"),
    [
        ("main.py", "print(@total(", "Square", "there is a Square already, in shapes.py:17:7"),
        ("main.py", "print(@total(", "squares", "there is a squares already, in main.py:3:1"),
        ("shapes.py", "result = @0.0", "x", "there is no name here"),
        ("main.py", "print(@total(", "not a name", "'not a name' is no name in python"),
        ("main.py", "print(@total(", "class", "'class' is no name in python"),
        ("shapes.py", "shape.@area", "sides", "there is a sides already, in shapes.py:7:5"),
        ("main.py", "from @shapes", "x", "shapes is a module"),
        ("main.py", "@print(total", "x", "it is not known what print refers to here"),
        ("shapes.py", "super().@__init__", "x", "__init__ means something to the language"),
        ("main.go", "func @Run", "x", ""),
        ("shapes.py", "@scale: float", "result", "there is a result already, in shapes.py:30:5"),
    ],
)  # fmt: skip
def test_a_rename_that_would_break_something_is_refused(
    reading: Editor, made: Path, path: str, marked: str, new: str, said: str
) -> None:
    asked = {**at(made, path, marked), "newName": new}
    if not said:
        assert reading.ask("textDocument/rename", asked)["changes"]
        return
    with pytest.raises(ResponseError) as raised:
        reading.ask("textDocument/rename", asked)
    assert (raised.value.code, raised.value.message) == (-32803, said)


def test_without_a_complete_index_it_is_an_error_and_never_a_partial_edit(editor: Editor, root: Path) -> None:
    initialize(editor, root)
    (root / "main.py").write_text((root / "main.py").read_text() + "total([])\n")
    asked = at(root, "shapes.py", "def @total")
    for method in ("textDocument/prepareRename", "textDocument/rename"):
        with pytest.raises(ResponseError) as raised:
            editor.ask(method, {**asked, "newName": "sum_of"})
        assert raised.value.code == -32803
        assert raised.value.message.startswith("index not ready: 1 file changed")
    (root / ".diptych").rename(root / "elsewhere")
    with pytest.raises(ResponseError, match="index not ready: "):
        editor.ask("textDocument/rename", {**asked, "newName": "sum_of"})


def test_an_edit_that_is_not_saved_counts(editor: Editor, root: Path) -> None:
    initialize(editor, root)
    editor.tell("textDocument/didOpen", opened(root, "main.py"))
    editor.tell("textDocument/didChange", changed(root, "main.py", "total([])\n", 2, (2, 0, 2, 0)))
    edit = editor.ask("textDocument/rename", {**at(root, "shapes.py", "def @total"), "newName": "sum_of"})
    (uri,) = [uri for uri in edit["changes"] if uri.endswith("/main.py")]
    assert [one["range"]["start"]["line"] for one in edit["changes"][uri]] == [0, 2, 8]
