"""A folder that is reached through a symbolic link: the same files, whichever way the editor writes them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.serving.lsp.editor import Editor, at, changed, initialize, opened, places

from diptych.serving.lsp.spelling import RESOLVED, Spelling, spelling_of

CALL = "print(@total("


@pytest.fixture
def link(root: Path, tmp_path: Path) -> Path:
    """A link to the repository."""
    link = tmp_path / "link"
    link.symlink_to(root)
    return link


@pytest.mark.parametrize("open_by_link", [True, False])
def test_a_question_is_answered_in_its_own_spelling(
    editor: Editor, root: Path, link: Path, *, open_by_link: bool
) -> None:
    initialize(editor, link if open_by_link else root)
    for written in (root, link):
        found = editor.ask("textDocument/definition", at(written, "main.py", CALL))
        assert places(written, found) == ["shapes.py:28:5"]


def test_a_folder_inside_of_what_the_link_leads_to(editor: Editor, root: Path, link: Path) -> None:
    initialize(editor, link / "tests")
    for written in (root, link):
        found = editor.ask("textDocument/definition", at(written, "tests/test_shapes.py", "import @Square"))
        assert places(written, found) == ["shapes.py:17:7"]
    found = editor.ask("workspace/symbol", {"query": "total"})
    assert places(link, [one["location"] for one in found]) == ["shapes.py:28:5"]


def test_a_link_into_a_repository(editor: Editor, root: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.symlink_to(root / "tests")
    initialize(editor, inner)
    found = editor.ask("textDocument/definition", at(inner, "test_shapes.py", "import @Square"))
    # What is not below the link has but one name.
    assert places(root, found) == ["shapes.py:17:7"]


def test_an_open_document_keeps_its_uri(editor: Editor, root: Path, link: Path) -> None:
    initialize(editor, root)
    editor.tell("textDocument/didOpen", opened(link, "shapes.py"))
    editor.tell("textDocument/didChange", changed(link, "shapes.py", "\n", 2, (0, 0, 0, 0)))
    found = editor.ask("textDocument/definition", at(root, "main.py", CALL))
    assert places(link, found) == ["shapes.py:29:5"]


def test_both_spellings_are_one_repository(editor: Editor, root: Path, link: Path) -> None:
    initialize(editor, root, link)
    # After the folders were opened: the state is told at once.
    assert len(editor.ask("workspace/symbol", {"query": "total"})) == 1
    assert len(editor.ask("diptych/status")["roots"]) == 1
    gone = {"uri": root.as_uri(), "name": "root"}
    editor.tell("workspace/didChangeWorkspaceFolders", {"event": {"added": [], "removed": [gone]}})
    found = editor.ask("workspace/symbol", {"query": "total"})
    assert places(link, [one["location"] for one in found]) == ["shapes.py:28:5"]


def test_a_file_outside_of_all_folders_through_a_link(editor: Editor, made: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "alone.py").write_text("def work():\n    pass\n\n\nwork()\n")
    (tmp_path / "other").symlink_to(tmp_path / "real")
    initialize(editor, made)
    found = editor.ask("textDocument/definition", at(tmp_path / "other", "alone.py", "\n\n@work"))
    assert places(tmp_path / "other", found) == ["alone.py:1:5"]


def test_how_a_folder_is_written(tmp_path: Path) -> None:
    (tmp_path / "real" / "pkg").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "pkg").symlink_to(tmp_path / "real" / "pkg")
    through = Spelling(str(tmp_path / "link"), str(tmp_path / "real"))
    assert spelling_of(str(tmp_path / "link")) == through
    assert spelling_of(str(tmp_path / "link" / "pkg" / "new")) == through
    assert spelling_of(str(tmp_path / "real" / "pkg")) == RESOLVED
    # The same name at the end of both is that of the link, not of a folder in it.
    apart = Spelling(str(tmp_path / "far" / "pkg"), str(tmp_path / "real" / "pkg"))
    assert spelling_of(str(tmp_path / "far" / "pkg")) == apart
    assert apart.to_resolved(str(tmp_path / "far" / "pkgs" / "x")) is None
    assert apart.to_written(str(tmp_path / "real" / "other")) == str(tmp_path / "real" / "other")


def test_a_link_to_the_root_of_the_file_system(tmp_path: Path) -> None:
    (tmp_path / "all").symlink_to("/")
    found = spelling_of(f"{tmp_path}/all")
    assert found.to_resolved(f"{tmp_path}/all/usr/x.py") == "/usr/x.py"
    assert found.to_written("/usr/x.py") == f"{tmp_path}/all/usr/x.py"
