"""Two independent oracles for Python: jedi in this process, pyright over its language server."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlparse

from tools.quality.names_sites import Drawn

Place = tuple[str, int]
"""A path relative to the corpus, and a row."""


class Jedi:
    """jedi's `goto`, through imports."""

    def __init__(self, corpus: str) -> None:
        import jedi

        self._corpus = os.path.realpath(corpus)
        self._project = jedi.Project(self._corpus, sys_path=[self._corpus], smart_sys_path=False)
        self._scripts: dict[str, Any] = {}

    def places(self, site: Drawn) -> set[Place]:
        """Where jedi finds the definition, inside the corpus."""
        import jedi

        if site.path not in self._scripts:
            self._scripts[site.path] = jedi.Script(
                path=os.path.join(self._corpus, site.path), project=self._project
            )
        script = self._scripts[site.path]
        try:
            found = script.goto(site.row + 1, _characters(self._corpus, site), follow_imports=True)
        except Exception:
            return set()
        places = set()
        for name in found:
            path = inside(self._corpus, str(name.module_path)) if name.module_path else None
            if path is not None:
                places.add((path, 0 if name.type == "module" else (name.line or 1) - 1))
        return places


class Pyright:
    """A pyright language server on the corpus."""

    def __init__(self, corpus: str) -> None:
        self._corpus = os.path.realpath(corpus)
        self._server = subprocess.Popen(
            ["pyright-langserver", "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._next = 0
        self._open: set[str] = set()
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

    def __enter__(self) -> Pyright:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.kill()
        self._server.wait()

    def places(self, site: Drawn) -> set[Place]:
        """Where pyright finds the definition, inside the corpus."""
        path = os.path.join(self._corpus, site.path)
        uri = Path(path).as_uri()
        if site.path not in self._open:
            self._open.add(site.path)
            text = Path(path).read_text("utf-8")
            document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
            self._notify("textDocument/didOpen", {"textDocument": document})
        position = {"line": site.row, "character": _characters(self._corpus, site)}
        answer = self._request(
            "textDocument/definition", {"textDocument": {"uri": uri}, "position": position}
        )
        places = set()
        for location in answer or []:
            where = unquote(urlparse(location.get("uri") or location["targetUri"]).path)
            inner = inside(self._corpus, where)
            if inner is not None:
                span = location.get("range") or location["targetSelectionRange"]
                places.add((inner, span["start"]["line"]))
        return places

    def close_files(self) -> None:
        """Close what is open, so that the server need not keep it checked."""
        for path in self._open:
            uri = Path(os.path.join(self._corpus, path)).as_uri()
            self._notify("textDocument/didClose", {"textDocument": {"uri": uri}})
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
                answers = [_settings(item.get("section", "")) for item in items]
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
                raise EOFError("pyright has ended")
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        found: dict[str, Any] = json.loads(self._server.stdout.read(length))
        return found


def _settings(section: str) -> dict[str, Any]:
    quiet = {"diagnosticMode": "openFilesOnly", "typeCheckingMode": "off", "useLibraryCodeForTypes": True}
    return {"analysis": quiet} if section == "python" else quiet if section == "python.analysis" else {}


def inside(corpus: str, path: str) -> str | None:
    """`path` relative to the corpus, or None if it is outside."""
    real = os.path.realpath(path)
    return os.path.relpath(real, corpus) if real.startswith(f"{corpus}/") else None


def _characters(corpus: str, site: Drawn) -> int:
    with open(os.path.join(corpus, site.path), "rb") as file:
        line = file.read().split(b"\n", site.row + 1)[site.row]
    return len(line[: site.column].decode("utf-8", "replace"))
