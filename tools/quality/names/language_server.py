"""A language server on a corpus, asked over its standard streams."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlparse

from tools.quality.names.oracle import Drawn, Spot, inside

_FILES_OPEN = 200


class LanguageServer:
    """Started with `command`; `language` is its own name for what it is asked about."""

    def __init__(
        self, corpus: str, command: Sequence[str], language: str, settings: dict[str, Any] | None = None
    ) -> None:
        self._corpus = os.path.realpath(corpus)
        self._language = language
        self._settings = settings or {}
        self._server = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._corpus,
        )
        self._next = 0
        self._open: set[str] = set()
        self._lines: dict[str, list[bytes]] = {}
        root = Path(self._corpus).as_uri()
        self._request(
            "initialize",
            {
                "processId": os.getpid(),
                "rootUri": root,
                "capabilities": {"workspace": {"configuration": True}},
                "workspaceFolders": [{"uri": root, "name": "corpus"}],
            },
        )
        self._notify("initialized", {})

    def __enter__(self) -> LanguageServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.kill()
        self._server.wait()

    def definitions(self, site: Drawn) -> set[Spot]:
        """Where the definition is, inside the corpus."""
        return self._located("textDocument/definition", site, {})

    def declarations(self, site: Drawn) -> set[Spot]:
        """Where the declaration is, inside the corpus."""
        return self._located("textDocument/declaration", site, {})

    def references(self, site: Drawn) -> set[Spot]:
        """Where the name is used, and defined, inside the corpus."""
        context = {"context": {"includeDeclaration": True}}
        return self._located("textDocument/references", site, context)

    def _located(self, method: str, site: Drawn, more: dict[str, Any]) -> set[Spot]:
        uri = self._opened(site.path)
        line = self._line(site.path, site.row)
        # The protocol counts UTF-16 units.
        character = len(line[: site.column].decode("utf-8", "replace").encode("utf-16-le")) // 2
        position = {"line": site.row, "character": character}
        answer = self._request(method, {"textDocument": {"uri": uri}, "position": position, **more})
        found = set()
        for location in answer if isinstance(answer, list) else [answer] if answer else []:
            where = unquote(urlparse(location.get("uri") or location["targetUri"]).path)
            path = inside(self._corpus, where)
            if path is not None:
                start = (location.get("range") or location["targetSelectionRange"])["start"]
                found.add((path, start["line"], self._column(path, start["line"], start["character"])))
        return found

    def _column(self, path: str, row: int, character: int) -> int:
        line = self._line(path, row).decode("utf-8", "replace").encode("utf-16-le")
        return len(line[: character * 2].decode("utf-16-le", "replace").encode())

    def _line(self, path: str, row: int) -> bytes:
        if path not in self._lines:
            with open(os.path.join(self._corpus, path), "rb") as file:
                self._lines[path] = file.read().split(b"\n")
        lines = self._lines[path]
        return lines[row] if row < len(lines) else b""

    def _opened(self, path: str) -> str:
        full = Path(self._corpus, path)
        if path not in self._open:
            if len(self._open) >= _FILES_OPEN:
                self._close_files()
            self._open.add(path)
            text = full.read_text("utf-8", "replace")
            document = {"uri": full.as_uri(), "languageId": self._language, "version": 1, "text": text}
            self._notify("textDocument/didOpen", {"textDocument": document})
        return full.as_uri()

    def _close_files(self) -> None:
        """Close what is open, so that the server need not keep it checked."""
        for path in self._open:
            self._notify(
                "textDocument/didClose", {"textDocument": {"uri": Path(self._corpus, path).as_uri()}}
            )
        self._open.clear()

    def _notify(self, method: str, parameters: Any) -> None:
        self._send({"jsonrpc": "2.0", "method": method, "params": parameters})

    def _request(self, method: str, parameters: Any) -> Any:
        self._next += 1
        number = self._next
        self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": parameters})
        while True:
            message = self._receive()
            if message.get("id") == number and "method" not in message:
                return message.get("result")
            if "id" in message and "method" in message:
                # The server asks for settings, or to register something.
                items = (message.get("params") or {}).get("items", [])
                answers = [self._settings.get(item.get("section", ""), {}) for item in items]
                result = answers if message["method"] == "workspace/configuration" else None
                self._send({"jsonrpc": "2.0", "id": message["id"], "result": result})

    def _send(self, message: dict[str, Any]) -> None:
        assert self._server.stdin is not None
        body = json.dumps(message).encode()
        self._server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._server.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self._server.stdout is not None
        length = 0
        while (line := self._server.stdout.readline().strip()) or not length:
            if not line and self._server.poll() is not None:
                raise EOFError("the language server has ended")
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        found: dict[str, Any] = json.loads(self._server.stdout.read(length))
        return found
