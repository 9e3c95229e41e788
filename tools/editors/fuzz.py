"""`python -m tools.editors.fuzz --messages 100000 --seed 1`: odd messages to a server that must stay.

Requests that an editor sends, about a small repository, with parts that are replaced at random; notifications
that edit documents anywhere; bodies that are no messages. After every hundred a proper question must be
answered properly, and no reply may say that the server failed within itself (-32603). Exit code 1 otherwise.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from diptych import Store
from diptych.indexer import index_repository
from diptych.serving.lsp.run import serve
from diptych.serving.lsp.uris import uri_of
from tools.editors.client import Editor, initialize

_FAILED = -32603
_ASK_EVERY = 100
_TEXT = (
    "class A:\n    def f(self):\n        return 'é😀'\n\n\ndef g(a: A) -> A:\n    return a.f()\n\n\ng(A())\n"
)

_ODD: tuple[Any, ...] = (
    None, True, -1, 0, 7, 2**31, 2**63, 1.5, "", "x", "file:///", "file:///a.py", "é😀", [], {}, [[]],
    {"uri": 3}, "\ud800", "a" * 5_000,
)  # fmt: skip


def main() -> int:
    """Send, ask, count; 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m tools.editors.fuzz", description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="diptych-fuzz-") as folder:
        root = Path(folder)
        (root / "a.py").write_text(_TEXT)
        (root / "b.py").write_text("from a import A, g\n\n\ndef h():\n    return g(A()).f()\n")
        with Store.open(root / ".diptych") as store:
            index_repository(root, store, processes=0)
        codes = run(root, given.messages, random.Random(given.seed))
    print(f"{given.messages} messages, {sum(codes.values())} replies: {dict(codes.most_common())}")
    return int(codes[_FAILED] > 0)


def run(root: Path, count: int, chance: random.Random) -> Counter[int]:
    """Send so many messages; how often each code of an error came, and 0 for none. Raises AssertionError."""
    here, there = socket.socketpair()
    with here, there, there.makefile("rb") as reader, there.makefile("wb") as writer:
        serving = threading.Thread(target=serve, args=(reader, writer))
        serving.start()
        try:
            return _fuzzed(root, Editor(here.makefile("rb"), here.makefile("wb")), count, chance)
        finally:
            here.shutdown(socket.SHUT_RDWR)
            serving.join()


def _fuzzed(root: Path, editor: Editor, count: int, chance: random.Random) -> Counter[int]:
    initialize(editor, root)
    question = {"textDocument": {"uri": uri_of(str(root / "b.py"))}, "position": {"line": 4, "character": 11}}
    for number in range(count):
        if number % _ASK_EVERY == 0:
            # What is open counts: close it, so that the answer is that of the files.
            editor.tell("textDocument/didClose", {"textDocument": question["textDocument"]})
            editor.tell("textDocument/didClose", {"textDocument": {"uri": uri_of(str(root / "a.py"))}})
            found = editor.ask("textDocument/definition", question)
            assert [one["range"]["start"] for one in found] == [{"line": 5, "character": 4}], found
        _send(root, editor, number, chance)
    editor.ask("textDocument/definition", question)
    return Counter(reply.get("error", {"code": 0})["code"] for reply in editor.replies())


def _send(root: Path, editor: Editor, number: int, chance: random.Random) -> None:
    if chance.random() < 0.02:
        editor.send_raw(chance.randbytes(chance.randrange(40)))
        return
    method = chance.choice(list(_METHODS))
    params = _mutated(_METHODS[method](root, chance), chance)
    message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
    if not method.startswith(("textDocument/did", "workspace/did", "$/")):
        message["id"] = f"r{number}"
    if chance.random() < 0.05:
        message = _mutated(message, chance)
        if isinstance(message, dict) and message.get("method") in ("exit", "shutdown"):
            return
    editor.send_raw(json.dumps(message).encode())


def _mutated(value: Any, chance: random.Random) -> Any:
    """The same, each part of it replaced with a small probability."""
    if chance.random() < 0.03:
        return chance.choice(_ODD)
    if isinstance(value, dict):
        return {key: _mutated(one, chance) for key, one in value.items() if chance.random() > 0.01}
    if isinstance(value, list):
        return [_mutated(one, chance) for one in value]
    return value


def _document(root: Path, chance: random.Random) -> dict[str, Any]:
    return {"uri": uri_of(str(root / chance.choice(("a.py", "b.py"))))}


def _position(chance: random.Random) -> dict[str, int]:
    return {"line": chance.randrange(14), "character": chance.randrange(30)}


def _at(root: Path, chance: random.Random) -> dict[str, Any]:
    return {"textDocument": _document(root, chance), "position": _position(chance)}


def _of(root: Path, chance: random.Random) -> dict[str, Any]:
    return {"textDocument": _document(root, chance)}


def _edit(root: Path, chance: random.Random) -> dict[str, Any]:
    text = chance.choice(("", "x", "\n", "(", "'", "é😀", "    ", "def q():\n", ".", _TEXT))
    change: dict[str, Any] = {"text": text, "range": {"start": _position(chance), "end": _position(chance)}}
    if chance.random() < 0.2:
        del change["range"]
    document = {**_document(root, chance), "version": chance.randrange(99)}
    return {"textDocument": document, "contentChanges": [change]}


def _open(root: Path, chance: random.Random) -> dict[str, Any]:
    document = {**_document(root, chance), "languageId": "python", "version": 1, "text": _TEXT}
    return {"textDocument": document}


def _item(root: Path, chance: random.Random) -> dict[str, Any]:
    at = {"start": _position(chance), "end": _position(chance)}
    return {"item": {"name": "A", "kind": 5, "range": at, "selectionRange": at, **_document(root, chance)}}


_METHODS: dict[str, Callable[[Path, random.Random], dict[str, Any]]] = {
    **dict.fromkeys(
        (
            "textDocument/definition", "textDocument/declaration", "textDocument/typeDefinition",
            "textDocument/implementation", "textDocument/hover", "textDocument/completion",
            "textDocument/signatureHelp", "textDocument/documentHighlight", "textDocument/prepareRename",
            "textDocument/prepareCallHierarchy", "textDocument/prepareTypeHierarchy",
        ),
        _at,
    ),
    **dict.fromkeys(
        (
            "textDocument/documentSymbol", "textDocument/foldingRange", "textDocument/didClose",
            "textDocument/didSave",
        ),
        _of,
    ),
    **dict.fromkeys(
        (
            "callHierarchy/incomingCalls", "callHierarchy/outgoingCalls", "typeHierarchy/supertypes",
            "typeHierarchy/subtypes",
        ),
        _item,
    ),
    "textDocument/references": lambda root, chance: {
        **_at(root, chance), "context": {"includeDeclaration": True}
    },
    "textDocument/rename": lambda root, chance: {**_at(root, chance), "newName": "fresh"},
    "textDocument/selectionRange": lambda root, chance: {
        **_of(root, chance), "positions": [_position(chance)]
    },
    "textDocument/didOpen": _open,
    "textDocument/didChange": _edit,
    "workspace/symbol": lambda _root, chance: {"query": chance.choice(("", "A", "g", "fg", "x y", "*"))},
    "workspace/didChangeWatchedFiles": lambda root, chance: {
        "changes": [{**_document(root, chance), "type": 2}]
    },
    "workspace/executeCommand": lambda _root, _chance: {"command": "diptych.status", "arguments": []},
    "completionItem/resolve": lambda _root, _chance: {"label": "x", "data": ["file:///a", 0, 0]},
    "diptych/status": lambda _root, _chance: {},
    "$/cancelRequest": lambda _root, chance: {"id": f"r{chance.randrange(10_000)}"},
}  # fmt: skip

if __name__ == "__main__":
    raise SystemExit(main())
