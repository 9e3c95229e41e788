"""Whatever comes over the wire, the server replies to what is a request, and goes on."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serving.lsp.editor import Editor, Process, ResponseError, at, initialize, places
from tests.support.waiting import HANG_S, wait_until

from diptych.serving.lsp.run import serve
from diptych.serving.lsp.wire import MAX_MESSAGE_BYTES, Refused, messages


def error_of(editor: Editor, method: str, params: object = None) -> int:
    """The code of the error that a request gets."""
    with pytest.raises(ResponseError) as raised:
        editor.ask(method, params)
    code: int = raised.value.code
    return code


def test_headers_in_any_order_and_case_and_bodies_that_are_none() -> None:
    body = b'{"jsonrpc":"2.0","method":"x"}'
    stream = io.BytesIO(
        b"content-LENGTH: %d\r\nContent-Type: x\r\n\r\n%s" % (len(body), body)
        + b"rubbish\r\n\r\nContent-Length: 3\r\n\r\n{{{"
        + b"Content-Length: 2\r\n\r\n[]"
        + b"Content-Length: %d\n\n%s" % (len(body), body)
        + b"Content-Length: 99\r\n\r\nends here"
    )
    found = list(messages(stream))
    assert [one.code if isinstance(one, Refused) else one["method"] for one in found] == [
        "x",
        -32700,
        -32600,
        "x",
    ]


def test_a_message_that_is_too_large_is_passed_over() -> None:
    class Endless(io.RawIOBase):
        left = MAX_MESSAGE_BYTES + 1

        def read(self, size: int = -1) -> bytes:
            count = min(size, self.left)
            self.left -= count
            return b"x" * count

        def readline(self, _size: int | None = -1) -> bytes:
            lines = self.__dict__.setdefault("lines", [b"Content-Length: %d\r\n" % self.left, b"\r\n"])
            return lines.pop(0) if lines else b""

    stream = Endless()
    (found,) = messages(stream)  # type: ignore[arg-type]
    assert isinstance(found, Refused)
    assert stream.left == 0


def test_a_request_before_initialize_and_after_shutdown_is_refused(editor: Editor, made: Path) -> None:
    assert error_of(editor, "textDocument/definition", at(made, "main.py", "print(@total(")) == -32002
    initialize(editor, made)
    assert error_of(editor, "initialize", {"capabilities": {}}) == -32600
    assert editor.ask("shutdown") is None
    assert error_of(editor, "textDocument/definition", at(made, "main.py", "print(@total(")) == -32600
    editor.tell("exit")
    assert editor.ended()


def test_unknown_methods_and_malformed_parameters(
    reading: Editor, made: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert error_of(reading, "textDocument/nonsense", {}) == -32601
    assert error_of(reading, "textDocument/definition", {"textDocument": 7}) == -32602
    reading.tell("$/whatever", {})
    reading.tell("textDocument/didChange", {"nothing": "right"})
    reading.send_raw(b"\xff\xfe")
    with caplog.at_level(logging.WARNING):
        reading.tell("$/cancelRequest", {"id": [7]})
        assert reading.ask("workspace/symbol", {"query": "\ud800"}) is None
    assert caplog.text == ""
    found = reading.ask("textDocument/definition", at(made, "main.py", "print(@total("))
    assert places(made, found) == ["shapes.py:28:5"]


def test_a_failure_in_a_handler_is_an_error_and_not_the_end(
    reading: Editor, made: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from diptych.serving.lsp.features import navigation

    def fail(*_: object) -> None:
        raise ZeroDivisionError("on purpose")

    with monkeypatch.context() as patched, caplog.at_level(logging.ERROR):
        patched.setattr(navigation, "defined", fail)
        assert error_of(reading, "textDocument/definition", at(made, "main.py", "print(@total(")) == -32603
    assert "on purpose" in caplog.text
    assert reading.ask("textDocument/definition", at(made, "main.py", "print(@total("))


def test_a_cancelled_request_is_replied_to_while_it_runs(
    reading: Editor, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diptych.serving.lsp.features import navigation

    def until_cancelled(source: Any, *_: object) -> None:
        wait_until(source.is_cancelled)
        source.check()

    with monkeypatch.context() as patched:
        patched.setattr(navigation, "defined", until_cancelled)
        running = reading.begin("textDocument/definition", at(made, "main.py", "print(@total("))
        waiting = reading.begin("textDocument/definition", at(made, "main.py", "print(@total("))
        for number in (waiting, running):
            reading.tell("$/cancelRequest", {"id": number})
            with pytest.raises(ResponseError) as raised:
                reading.reply(number)
            assert raised.value.code == -32800
    assert reading.ask("textDocument/definition", at(made, "main.py", "print(@total("))


def test_the_process_ends_with_its_stream_and_after_exit(made: Path) -> None:
    with Process() as process:
        initialize(process.editor, made)
        process.child.stdin.close()  # type: ignore[union-attr]
        assert process.child.wait(HANG_S) == 1
    with Process() as process:
        initialize(process.editor, made)
        process.editor.ask("shutdown")
        process.editor.tell("exit")
        assert process.child.wait(HANG_S) == 0


def test_the_process_ends_when_the_editor_is_gone(made: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with Process() as process:
        said = {"processId": gone.pid, "rootUri": None, "capabilities": {}}
        process.editor.ask("initialize", said)
        gone.communicate(b"\n")
        assert process.child.wait(HANG_S) == 1


_METHODS = st.sampled_from([
    "initialize", "initialized", "shutdown", "textDocument/didOpen", "textDocument/didChange",
    "textDocument/definition", "textDocument/references", "$/cancelRequest", "$/setTrace", "nonsense",
    "workspace/didChangeWorkspaceFolders", "workspace/executeCommand", "textDocument/didClose",
])  # fmt: skip
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from([
            "textDocument", "uri", "position", "line", "character", "text", "version", "range", "start",
            "end", "contentChanges", "event", "added", "removed", "id", "languageId", "jsonrpc", "context",
        ]),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip
_MESSAGES = st.lists(
    st.binary(max_size=30)
    | _VALUES
    | st.fixed_dictionaries(
        {"jsonrpc": st.just("2.0")},
        optional={"id": _VALUES, "method": _METHODS | _VALUES, "params": _VALUES, "result": _VALUES},
    ),
    max_size=12,
)


def framed(message: object) -> bytes:
    """A message as it is sent; bytes as a body that may be anything."""
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


@settings(max_examples=30)
@given(sent=_MESSAGES)
def test_nothing_on_the_wire_ends_the_server(sent: list[object]) -> None:
    logging.disable(logging.CRITICAL)
    try:
        first = {"jsonrpc": "2.0", "id": "first", "method": "initialize", "params": {"capabilities": {}}}
        last = {"jsonrpc": "2.0", "id": "last", "method": "still/there", "params": {}}
        written = io.BytesIO()
        written.close = lambda: None  # type: ignore[method-assign]
        serve(io.BytesIO(b"".join(map(framed, [first, *sent, last]))), written)
        written.seek(0)
        replies = list(messages(written))
    finally:
        logging.disable(logging.NOTSET)
    assert all(isinstance(one, dict) for one in replies)
    assert [one["id"] for one in replies if one.get("id") in ("first", "last")][-1] == "last"
