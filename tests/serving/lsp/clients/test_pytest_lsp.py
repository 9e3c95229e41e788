"""The server as pytest-lsp asks it, with what real editors say that they can do."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities, make_test_lsp_client

EDITORS = (
    "visual_studio_code",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("neovim", "emacs")),
)


@pytest.mark.parametrize("editor", EDITORS)
def test_a_session_of_an_editor(editor: str, made: Path) -> None:
    asyncio.run(session(editor, made))


async def session(editor: str, root: Path) -> None:
    """Say hello, ask, and say goodbye."""
    command = [sys.executable, "-m", "diptych", "lsp", "--no-keeper"]
    config = ClientServerConfig(server_command=command, client_factory=make_test_lsp_client)
    client: LanguageClient = await config.start()
    try:
        folders = [types.WorkspaceFolder(root.as_uri(), root.name)]
        hello = types.InitializeParams(
            capabilities=client_capabilities(editor), root_uri=root.as_uri(), workspace_folders=folders
        )
        result = await client.initialize_session(hello)
        assert result.server_info is not None
        assert result.server_info.name == "diptych"
        for provider in (
            "definition", "references", "hover", "completion", "rename", "document_symbol",
            "workspace_symbol", "signature_help",
            "call_hierarchy", "type_hierarchy", "folding_range", "selection_range",
            "document_highlight", "type_definition", "implementation", "declaration",
        ):  # fmt: skip
            assert getattr(result.capabilities, f"{provider}_provider"), provider
        document = types.TextDocumentIdentifier((root / "main.py").as_uri())
        found = await client.text_document_definition_async(
            types.DefinitionParams(document, types.Position(7, 10))
        )
        assert isinstance(found, list | tuple)
        (first,) = found
        uri = first.target_uri if isinstance(first, types.LocationLink) else first.uri
        assert uri == (root / "shapes.py").as_uri()
        symbols = await client.workspace_symbol_async(types.WorkspaceSymbolParams("Square"))
        assert symbols
        await client.shutdown_session()
    finally:
        await client.stop()
