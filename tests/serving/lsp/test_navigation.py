"""Where names are defined and used."""

from __future__ import annotations

from pathlib import Path

from tests.serving.lsp.editor import Editor, at, changed, initialize, opened, places


def test_a_definition_in_another_file(reading: Editor, made: Path) -> None:
    found = reading.ask("textDocument/definition", at(made, "main.py", "print(@total("))
    assert places(made, found) == ["shapes.py:28:5"]


def test_a_client_that_takes_links_gets_the_name_it_asked_about(editor: Editor, made: Path) -> None:
    initialize(editor, made, capabilities={"textDocument": {"definition": {"linkSupport": True}}})
    (found,) = editor.ask("textDocument/definition", at(made, "main.py", "big.@area"))
    assert found["targetUri"].endswith("/shapes.py")
    assert found["originSelectionRange"]["start"] == {"line": 7, "character": 41}
    assert found["originSelectionRange"]["end"] == {"line": 7, "character": 45}


def test_references_with_and_without_the_declaration(reading: Editor, made: Path) -> None:
    asked = at(made, "shapes.py", "class @Square")
    found = reading.ask("textDocument/references", {**asked, "context": {"includeDeclaration": True}})
    every = [
        "main.py:1:20", "main.py:3:12", "main.py:3:25", "main.py:7:11", "shapes.py:17:7",
        "tests/test_shapes.py:1:20", "tests/test_shapes.py:5:12",
    ]  # fmt: skip
    assert sorted(places(made, found)) == every
    found = reading.ask("textDocument/references", {**asked, "context": {"includeDeclaration": False}})
    assert sorted(places(made, found)) == [one for one in every if one != "shapes.py:17:7"]


def test_references_in_parts(reading: Editor, made: Path) -> None:
    asked = {**at(made, "shapes.py", "class @Square"), "partialResultToken": "t"}
    assert reading.ask("textDocument/references", {**asked, "context": {"includeDeclaration": True}}) == []
    parts = [reading.await_told("$/progress")["params"] for _ in range(2)]
    assert [part["token"] for part in parts] == ["t", "t"]
    # The first is of one file: it does not wait for the search of the others.
    first, rest = (places(made, part["value"]) for part in parts)
    assert first == ["shapes.py:17:7"]
    assert len(rest) == 6


def test_an_open_document_counts_and_not_the_file(editor: Editor, root: Path) -> None:
    initialize(editor, root)
    editor.tell("textDocument/didOpen", opened(root, "shapes.py"))
    editor.tell("textDocument/didChange", changed(root, "shapes.py", "\n\n", 2, (0, 0, 0, 0)))
    asked = at(root, "main.py", "print(@total(")
    assert places(root, editor.ask("textDocument/definition", asked)) == ["shapes.py:30:5"]
    editor.tell("textDocument/didClose", {"textDocument": opened(root, "shapes.py")["textDocument"]})
    assert places(root, editor.ask("textDocument/definition", asked)) == ["shapes.py:28:5"]


def test_a_file_that_was_saved_elsewhere_is_read_again(editor: Editor, root: Path) -> None:
    initialize(editor, root)
    asked = at(root, "main.py", "print(@total(")
    assert places(root, editor.ask("textDocument/definition", asked)) == ["shapes.py:28:5"]
    (root / "shapes.py").write_text("x = 1\n" + (root / "shapes.py").read_text())
    assert places(root, editor.ask("textDocument/definition", asked)) == ["shapes.py:29:5"]


def test_a_name_that_is_only_in_an_open_document_is_found(editor: Editor, root: Path) -> None:
    initialize(editor, root)
    editor.tell("textDocument/didOpen", opened(root, "fresh.py", "def brand_new():\n    pass\n"))
    text = "from fresh import brand_new\n\nbrand_new()\n"
    editor.tell("textDocument/didOpen", opened(root, "other.py", text))
    asked = {**at(root, "main.py", "from @shapes"), "position": {"line": 2, "character": 2}}
    asked["textDocument"] = opened(root, "other.py", text)["textDocument"]
    assert places(root, editor.ask("textDocument/definition", asked)) == ["fresh.py:1:5"]


def test_without_a_store_the_same_file_and_open_documents_are_known(editor: Editor, tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("def work():\n    pass\n\n\nwork()\n")
    initialize(editor, tmp_path)
    found = editor.ask("textDocument/definition", at(tmp_path, "one.py", "\n\n@work"))
    assert places(tmp_path, found) == ["one.py:1:5"]


def test_a_file_outside_of_all_roots_is_answered_for_by_itself(reading: Editor, tmp_path: Path) -> None:
    (tmp_path / "alone.py").write_text("def work():\n    pass\n\n\nwork()\n")
    found = reading.ask("textDocument/definition", at(tmp_path, "alone.py", "\n\n@work"))
    assert places(tmp_path, found) == ["alone.py:1:5"]


def test_nothing_there_is_no_error(reading: Editor, made: Path) -> None:
    asked = at(made, "main.py", "@from shapes")
    for position in ({"line": 4, "character": 0}, {"line": 999, "character": 7}):
        assert not reading.ask("textDocument/definition", {**asked, "position": position})
    asked["textDocument"] = {"uri": "untitled:Untitled-1"}
    assert not reading.ask("textDocument/definition", asked)
