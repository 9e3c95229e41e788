"""A client of the language server that says exactly what one wants, to a process or to the same one."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Self

from diptych.serving.lsp.uris import uri_of

# No reply takes a hundredth of this.
_HANG_S = 900.0


class ResponseError(Exception):
    """An error that the server replied with."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code, self.message = error["code"], error["message"]


class Editor:
    """One connection. Requests wait for their reply; notifications are collected."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        self._reader, self._writer = reader, writer
        self._replies: dict[object, dict[str, Any]] = {}
        self._came: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.told: list[dict[str, Any]] = []
        """Notifications and requests of the server."""
        self._number = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            length = 0
            while (line := self._reader.readline()).strip():
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            if not line:
                self._came.put(None)
                return
            self._came.put(json.loads(self._reader.read(length)))

    def send(self, message: object) -> None:
        """Send a message."""
        self.send_raw(json.dumps(message).encode())

    def send_raw(self, body: bytes) -> None:
        """Send any body."""
        self._writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._writer.flush()

    def begin(self, method: str, params: object = None) -> int:
        """Send a request and do not wait; its id."""
        self._number += 1
        self.send({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        return self._number

    def reply(self, number: object) -> Any:
        """The reply to a request. Raises ResponseError."""
        while number not in self._replies:
            self._take()
        found = self._replies.pop(number)
        if "error" in found:
            raise ResponseError(found["error"])
        return found.get("result")

    def replies(self) -> list[dict[str, Any]]:
        """The replies that came and were not asked for."""
        return list(self._replies.values())

    def await_told(self, method: str) -> dict[str, Any]:
        """The next notification of that name, which is taken out of `told`."""
        while True:
            for message in self.told:
                if message["method"] == method:
                    self.told.remove(message)
                    return message
            self._take()

    def part_of(self, number: object, token: object) -> list[Any]:
        """The first part of an answer that is sent in parts; [] where the reply came before any."""
        while number not in self._replies:
            for message in self.told:
                if message["method"] == "$/progress" and message["params"]["token"] == token:
                    part: list[Any] = message["params"]["value"]
                    return part
            self.told.clear()
            self._take()
        return []

    def ended(self) -> bool:
        """Whether the server closed its stream; waits for that."""
        while (message := self._came.get(timeout=_HANG_S)) is not None:
            self._sort(message)
        return True

    def ask(self, method: str, params: object = None) -> Any:
        """Send a request; its result."""
        return self.reply(self.begin(method, params))

    def tell(self, method: str, params: object = None) -> None:
        """Send a notification."""
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def _take(self) -> None:
        message = self._came.get(timeout=_HANG_S)
        if message is None:
            raise EOFError("the server ended")
        self._sort(message)

    def _sort(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            self._replies[message["id"]] = message
            return
        self.told.append(message)
        if "id" in message:
            self.send({"jsonrpc": "2.0", "id": message["id"], "result": None})


class Process:
    """`diptych lsp` in a process, and an editor that is connected to it. Without options: `--no-keeper`."""

    def __init__(self, *options: str, environment: Mapping[str, str] | None = None) -> None:
        self.child = subprocess.Popen(
            [sys.executable, "-m", "diptych", "lsp", *(options or ("--no-keeper",))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
        )
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.editor = Editor(self.child.stdout, self.child.stdin)  # type: ignore[arg-type]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.child.kill()
        self.child.wait()
        for stream in (self.child.stdin, self.child.stdout):
            assert stream is not None
            stream.close()


def initialize(
    editor: Editor, *roots: Path, encoding: str = "utf-8", capabilities: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Say hello; the server's capabilities."""
    folders = [{"uri": uri_of(str(root)), "name": root.name} for root in roots]
    said = {"general": {"positionEncodings": [encoding, "utf-16"]}, **(capabilities or {})}
    params = {"processId": os.getpid(), "rootUri": None, "capabilities": said, "workspaceFolders": folders}
    result = editor.ask("initialize", params)
    editor.tell("initialized", {})
    found: dict[str, Any] = result["capabilities"]
    return found
