"""What tests say to the language server, and how they read its answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tools.editors.client import Editor, Process, ResponseError, initialize

from diptych.serving.lsp.uris import uri_of


def at(root: Path, path: str, marked: str) -> dict[str, Any]:
    """Parameters for the name after the `@` in `marked`, which, without it, is in the file once (UTF-8)."""
    text = (root / path).read_bytes()
    before, _, after = marked.encode().partition(b"@")
    assert text.count(before + after) == 1, f"{marked!r} is in {path} {text.count(before + after)} times"
    start = text.index(before + after) + len(before)
    place = {
        "line": text.count(b"\n", 0, start),
        "character": start - (text.rfind(b"\n", 0, start) + 1),
    }
    return {"textDocument": {"uri": uri_of(str(root / path))}, "position": place}


def places(root: Path, found: list[dict[str, Any]] | None) -> list[str]:
    """Locations as `path:line:column`, from 1."""
    shown = []
    for one in found or []:
        uri, span = one["uri"], one["range"]
        path = uri.removeprefix(uri_of(str(root)) + "/")
        shown.append(f"{path}:{span['start']['line'] + 1}:{span['start']['character'] + 1}")
    return shown


def opened(root: Path, path: str, text: str | None = None, version: int = 1) -> dict[str, Any]:
    """Parameters of `textDocument/didOpen`."""
    text = (root / path).read_text() if text is None else text
    uri = uri_of(str(root / path))
    return {"textDocument": {"uri": uri, "languageId": "python", "version": version, "text": text}}


def changed(
    root: Path, path: str, text: str, version: int, span: tuple[int, int, int, int] | None = None
) -> dict[str, Any]:
    """Parameters of `textDocument/didChange`; without `span` the complete text."""
    change: dict[str, Any] = {"text": text}
    if span is not None:
        change["range"] = {
            "start": {"line": span[0], "character": span[1]},
            "end": {"line": span[2], "character": span[3]},
        }
    uri = uri_of(str(root / path))
    return {"textDocument": {"uri": uri, "version": version}, "contentChanges": [change]}


__all__ = ["Editor", "Process", "ResponseError", "at", "changed", "initialize", "opened", "places"]
