"""Symbols, hovers, signatures, and what is answered from one file alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.serving.lsp.editor import Editor, at, changed, initialize, opened

from diptych.serving.lsp.uris import uri_of


def document(root: Path, path: str) -> dict[str, Any]:
    """Parameters that name a document."""
    return {"textDocument": {"uri": uri_of(str(root / path))}}


def names(found: list[dict[str, Any]]) -> list[str]:
    """Symbols by name, each inside of what contains it."""
    shown = []
    for one in found:
        shown.append(one["name"])
        shown += [f"{one['name']}.{name}" for name in names(one.get("children") or [])]
    return shown


def test_symbols_of_a_document_are_nested(editor: Editor, made: Path) -> None:
    supported = {"textDocument": {"documentSymbol": {"hierarchicalDocumentSymbolSupport": True}}}
    initialize(editor, made, capabilities=supported)
    found = editor.ask("textDocument/documentSymbol", document(made, "shapes.py"))
    assert names(found) == [
        *("Shape", "Shape.sides", "Shape.__init__", "Shape.area"),
        *("Square", "Square.__init__", "Square.area", "total"),
    ]
    assert found[0]["selectionRange"]["start"] == {"line": 3, "character": 6}
    *_, go = editor.ask("textDocument/documentSymbol", document(made, "main.go"))
    assert (go["name"], go["kind"]) == ("Run", 12)


def test_a_client_without_nesting_gets_a_list(reading: Editor, made: Path) -> None:
    found = reading.ask("textDocument/documentSymbol", document(made, "shapes.py"))
    assert [one["name"] for one in found if one.get("containerName") == "Square"] == ["__init__", "area"]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("Square", "Square"),
        ("squ", "squares"),
        ("Squ", "Square"),
        ("tota", "total"),
        ("sqr", "Square"),
        ("Run", "Run"),
        ("a", "area"),
    ],
)
def test_symbols_of_the_workspace(reading: Editor, query: str, first: str) -> None:
    found = reading.ask("workspace/symbol", {"query": query})
    assert found[0]["name"] == first


def test_own_code_comes_before_vendored_and_exact_before_alike(editor: Editor, root: Path) -> None:
    from diptych import Store
    from diptych.indexer import index_repository

    (root / "vendor").mkdir()
    (root / "vendor/a.py").write_text("class HTTPThing: pass\ndef zig(): pass\n")
    (root / "own.py").write_text("class HTTPThing: pass\ndef zigzag(): pass\n")
    with Store.open(root / ".diptych") as store:
        index_repository(root, store, processes=0)
    initialize(editor, root)
    for query in ("HTTPThing", "HT", "httpt", "thing"):
        found = editor.ask("workspace/symbol", {"query": query})
        assert [Path(one["location"]["uri"]).name for one in found] == ["own.py", "a.py"], query
    assert [one["name"] for one in editor.ask("workspace/symbol", {"query": "zig"})] == ["zig", "zigzag"]


def test_symbols_of_open_documents_are_where_they_are_now(editor: Editor, root: Path) -> None:
    initialize(editor, root)
    editor.tell("textDocument/didOpen", opened(root, "shapes.py"))
    text = "\ndef totalled():\n    pass\n\n"
    editor.tell("textDocument/didChange", changed(root, "shapes.py", text, 2, (1, 0, 1, 0)))
    found = editor.ask("workspace/symbol", {"query": "total"})
    assert [(one["name"], one["location"]["range"]["start"]["line"]) for one in found] == [
        ("total", 31),
        ("totalled", 2),
    ]
    editor.tell("textDocument/didChange", changed(root, "shapes.py", "x = 1\n", 3))
    assert editor.ask("workspace/symbol", {"query": "total"}) == []


@pytest.mark.parametrize(
    "query", ["", "   ", "((", "*", "a AND", "\\", "é", "x" * 5_000, "_", "a.b.c", "[=~]"]
)
def test_odd_queries_are_no_errors(reading: Editor, query: str) -> None:
    assert isinstance(reading.ask("workspace/symbol", {"query": query}), list)


def test_hover_has_signature_place_evidence_and_documentation(reading: Editor, made: Path) -> None:
    found = reading.ask("textDocument/hover", at(made, "main.py", "print(@total("))
    text = found["contents"]["value"]
    assert "def total(shapes: list[Shape], scale: float = 1.0) -> float" in text
    assert "`shapes.py:28`, exact" in text
    assert "The sum of all areas." in text
    assert found["range"]["start"]["character"] == 10
    inferred = reading.ask("textDocument/hover", at(made, "main.py", "big.@area"))["contents"]["value"]
    assert "`Square.area` in `shapes.py:24`, inferred" in inferred
    assert (
        reading.ask(
            "textDocument/hover", {**document(made, "main.py"), "position": {"line": 4, "character": 0}}
        )
        is None
    )


def test_hover_on_a_parameter_has_its_line(reading: Editor, made: Path) -> None:
    found = reading.ask("textDocument/hover", at(made, "shapes.py", "result * @scale"))
    assert "parameter `total.scale`" in found["contents"]["value"]


@pytest.mark.parametrize(
    ("before", "active"), [("total(", 0), ("total([], ", 1), ("total(scale=", 1), ("total([1, 2], f(", None)]
)
def test_the_signature_of_a_call_that_is_being_typed(
    editor: Editor, root: Path, before: str, active: int | None
) -> None:
    text = f"from shapes import total\n\n{before}"
    initialize(editor, root)
    editor.tell("textDocument/didOpen", opened(root, "typing.py", text))
    asked = {**document(root, "typing.py"), "position": {"line": 2, "character": len(before)}}
    found = editor.ask("textDocument/signatureHelp", asked)
    if active is None:
        assert found is None
        return
    (one,) = found["signatures"]
    labels = [one["label"][slice(*parameter["label"])] for parameter in one["parameters"]]
    assert labels == ["shapes: list[Shape]", "scale: float = 1.0"]
    assert found["activeParameter"] == active


def test_the_signature_of_a_class_is_its_constructor(editor: Editor, root: Path) -> None:
    initialize(editor, root)
    found = editor.ask("textDocument/signatureHelp", at(root, "main.py", "Square(@3.0)"))
    (one,) = found["signatures"]
    assert [one["label"][slice(*p["label"])] for p in one["parameters"]] == ["length: float"]


def test_highlights_tell_reads_from_writes(reading: Editor, made: Path) -> None:
    found = reading.ask("textDocument/documentHighlight", at(made, "shapes.py", "return @result"))
    kinds = [(one["range"]["start"]["line"] + 1, one["kind"]) for one in found]
    assert kinds == [(30, 3), (32, 3), (33, 2)]


def test_foldings_of_definitions_comments_and_imports(editor: Editor, root: Path) -> None:
    text = "import a\nimport b\n\n# one\n# two\ndef f():\n    if x:\n        y()\n"
    initialize(editor, root)
    editor.tell("textDocument/didOpen", opened(root, "f.py", text))
    found = editor.ask("textDocument/foldingRange", document(root, "f.py"))
    assert [(one["startLine"], one["endLine"], one.get("kind")) for one in found] == [
        (0, 1, "imports"),
        (3, 4, "comment"),
        (5, 7, None),
        (6, 7, None),
    ]


def test_selections_grow_to_the_file(reading: Editor, made: Path) -> None:
    asked = at(made, "main.py", "scale=@2.0")
    (one,) = reading.ask(
        "textDocument/selectionRange", {**document(made, "main.py"), "positions": [asked["position"]]}
    )
    sizes = []
    while one is not None:
        start, end = one["range"]["start"], one["range"]["end"]
        sizes.append((end["line"] - start["line"], end["character"] - start["character"]))
        one = one.get("parent")
    assert sizes[0] == (0, 3)
    assert sizes[-1][0] >= 9
    assert len(sizes) > 5
