"""What pygls does with messages, but for what is done here.

pygls keeps the text of open documents and replies to a message that it cannot read with nothing. Here the
answering thread keeps the documents, and every request gets a reply.
"""

from __future__ import annotations

import contextvars
import json
from collections.abc import Generator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Protocol, cast

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.protocol import LanguageServerProtocol, lsp_method

from diptych.lazy import logger
from diptych.serving.lsp.positions import Encoding, chosen
from diptych.serving.lsp.wire import INVALID_REQUEST, Message, Refused

_log = logger(__name__)

_NOT_INITIALIZED, _METHOD_NOT_FOUND, _INVALID_PARAMS = -32002, -32601, -32602


class Plain(NamedTuple):
    """A JSON value as a result. In a long list the objects of the protocol cost more than the answer."""

    value: Any


class Written(NamedTuple):
    """A JSON value as a result, as its text. Of a list of symbols the objects cost more than to find them."""

    text: str


class Connection(Protocol):
    """What a server does when it is told something; see `diptych.serving.lsp.server`."""

    encoding: Encoding

    def connect(self, params: types.InitializeParams) -> None:
        """The editor said which folders it has open."""

    def end(self, code: int) -> None:
        """End the connection."""

    async def did_open(self, document: types.TextDocumentItem) -> None:
        """A document was opened."""

    async def did_change(
        self,
        document: types.VersionedTextDocumentIdentifier,
        edits: Sequence[types.TextDocumentContentChangeEvent],
    ) -> None:
        """A document was edited."""

    async def did_close(self, uri: str) -> None:
        """A document was closed."""

    async def change_folders(self, added: list[str], removed: list[str]) -> None:
        """Folders were opened and closed."""


class Messages(LanguageServerProtocol):
    """The messages of one connection. Used by the thread of the event loop alone."""

    _initialize_seen = False

    @property
    def _connection(self) -> Connection:
        return cast("Connection", self._server)

    def receive(self, message: Message | Refused) -> None:
        """Handle a message, or what came in its place. Never raises."""
        try:
            if isinstance(message, Refused):
                self._refuse(None, message.code, message.message)
            elif "method" in message:
                self._called(message)
            else:
                self._handle(message)
        except Exception:  # noqa: BLE001 - whatever comes, the next message is another one
            _log.exception("a message could not be handled")

    def _called(self, message: Message) -> None:
        method, number = message["method"], message.get("id")
        is_request = "id" in message
        if not isinstance(method, str) or (is_request and type(number) not in (int, str)):
            self._refuse(None, INVALID_REQUEST, "a method is a string, an id a number or a string")
        elif not self._initialize_seen and method not in (types.INITIALIZE, types.EXIT):
            if is_request:
                self._refuse(number, _NOT_INITIALIZED, f"{method} came before initialize")
        elif self._shutdown and method != types.EXIT:
            if is_request:
                self._refuse(number, INVALID_REQUEST, f"{method} came after shutdown")
        elif method == types.CANCEL_REQUEST and not _names_request(message.get("params")):
            # There is no request of that id, and a notification gets no reply.
            pass
        elif method == types.INITIALIZE and self._initialize_seen:
            self._refuse(number, INVALID_REQUEST, "initialize came twice")
        elif is_request and method not in self.fm.features and method not in self.fm.builtin_features:
            self._refuse(number, _METHOD_NOT_FOUND, f"there is no method {method[:200]}")
        else:
            self._handle(message)

    def _handle(self, message: Message) -> None:
        try:
            structured = self.structure_message(message)
        except JsonRpcException as error:
            if "method" in message and "id" in message:
                code = _INVALID_PARAMS if isinstance(error, JsonRpcInvalidParams) else INVALID_REQUEST
                self._refuse(message["id"], code, f"the parameters of {message['method']} are malformed")
            return
        if "method" not in message:
            self.handle_message(structured)
            return
        # Each in a context of its own, as `handle_message` does, which looks at every attribute first.
        context = contextvars.copy_context()
        if "id" in message:
            context.run(self._handle_request, message["id"], message["method"], structured.params)
        else:
            context.run(self._handle_notification, message["method"], structured.params)

    def _refuse(self, number: int | str | None, code: int, text: str) -> None:
        # lsprotocol has no response without an id, which is what a message that is none gets.
        error = {"code": code, "message": text}
        self._send_data({"jsonrpc": "2.0", "id": number, "error": error})

    def send_part(self, token: int | str, part: Sequence[Any]) -> None:
        """Send a part of an answer, JSON values."""
        params = {"token": token, "value": part}
        self._send_data({"jsonrpc": "2.0", "method": types.PROGRESS, "params": params})

    def _send_response(self, msg_id: Any, result: Any = None, error: Any = None) -> None:
        if isinstance(result, Plain):
            self._send_data({"jsonrpc": "2.0", "id": msg_id, "result": result.value})
        elif isinstance(result, Written):
            self._send_text(f'{{"jsonrpc": "2.0", "id": {json.dumps(msg_id)}, "result": {result.text}}}')
        else:
            super()._send_response(msg_id, result, error)

    def _send_text(self, text: str) -> None:
        """Send a message that is written already. The streams of `run` write at once."""
        body = text.encode()
        assert self.writer is not None
        # An editor that is gone is missed where its messages are read.
        with suppress(OSError, ValueError):
            self.writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Generator[Any, Any, types.InitializeResult]:
        """Choose the encoding of positions; the rest is pygls's. No index is opened before the reply."""
        self._initialize_seen = True
        general = params.capabilities.general
        offered = [str(getattr(one, "value", one)) for one in (general and general.position_encodings) or ()]
        self._connection.encoding = chosen(offered)
        if general is not None and offered:
            general.position_encodings = [types.PositionEncodingKind(self._connection.encoding)]
        self._connection.connect(params)
        result = yield from super().lsp_initialize(params)
        return result

    @lsp_method(types.EXIT)
    def lsp_exit(self, *_: Any) -> None:  # type: ignore[override]
        """End the connection."""
        self._connection.end(0 if self._shutdown else 1)

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    async def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        """The text of a document is the editor's from now on."""
        await self._connection.did_open(params.text_document)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    async def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        """An edit."""
        await self._connection.did_change(params.text_document, params.content_changes)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    async def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        """What is on disk counts again."""
        await self._connection.did_close(params.text_document.uri)

    @lsp_method(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    async def lsp_workspace__did_change_workspace_folders(
        self, params: types.DidChangeWorkspaceFoldersParams
    ) -> None:
        """Open and close roots."""
        await self._connection.change_folders(
            [folder.uri for folder in params.event.added], [folder.uri for folder in params.event.removed]
        )


def _names_request(params: Any) -> bool:
    return isinstance(params, dict) and type(params.get("id")) in (int, str)
