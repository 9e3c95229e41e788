"""One connection to an editor."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from lsprotocol import types
from lsprotocol.converters import get_converter
from pygls.exceptions import (
    FeatureNotificationError,
    JsonRpcException,
    JsonRpcInternalError,
    JsonRpcRequestCancelled,
)
from pygls.lsp.server import LanguageServer

from diptych._version import __version__
from diptych.errors import CorruptionError, InvalidArgumentError, StorageError
from diptych.lazy import logger
from diptych.serving.errors import QuestionCancelledError
from diptych.serving.lsp.answering import Answering
from diptych.serving.lsp.positions import Encoding, column_of
from diptych.serving.lsp.protocol import Messages
from diptych.serving.lsp.uris import uri_of
from diptych.serving.lsp.workspace import Workspace

Answer = TypeVar("Answer")
Edit = types.TextDocumentContentChangeEvent

_log = logger(__name__)
_PARENT_CHECK_S = 0.5


class Server(LanguageServer):
    """The state of one connection. `workspace` belongs to the answering thread."""

    protocol: Messages

    def __init__(self, *, output_root: str | None = None, keep: bool = False) -> None:
        super().__init__("diptych", __version__, protocol_cls=Messages, converter_factory=get_converter)
        self.encoding: Encoding = "utf-16"
        self.answering = Answering()
        self.roots = Workspace(self.answering.is_cancelled, output_root=output_root, keep=keep)
        self.versions: dict[str, int] = {}
        """The newest version of each open document, as told by the editor. Of the event loop's thread."""
        self.ended: asyncio.Future[int] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    # Of the event loop's thread.

    def connect(self, params: types.InitializeParams) -> None:
        """The editor said which folders it has open. They are opened after the reply."""
        folders = [folder.uri for folder in params.workspace_folders or ()]
        if not folders and params.root_uri:
            folders = [params.root_uri]
        elif not folders and params.root_path:
            folders = [uri_of(os.path.abspath(params.root_path))]
        self.later(self.change_folders(folders, []))
        if params.process_id:
            self.later(self._end_with(params.process_id))

    def later(self, job: Any) -> None:
        """Run a coroutine beside the messages."""
        task = asyncio.ensure_future(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def end(self, code: int) -> None:
        """End the connection. `code` is the exit code of the process."""
        if self.ended is not None and not self.ended.done():
            self.ended.set_result(code)

    async def _end_with(self, parent: int) -> None:
        """End when the editor is gone, even where the stream to it stays open."""
        while True:
            await asyncio.sleep(_PARENT_CHECK_S)
            try:
                os.kill(parent, 0)
            except ProcessLookupError:
                return self.end(1)
            except (OSError, OverflowError):
                # It is another user's; or no process id at all.
                continue

    async def close(self) -> None:
        """Close everything."""
        for task in self._tasks:
            task.cancel()
        self.answering.end(self.roots.close)

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Leave it to the log: a window in the editor helps nobody, and a request has its reply."""
        if source is FeatureNotificationError:
            _log.warning("a notification could not be handled: %s", error)

    async def answer(self, job: Callable[[], Answer]) -> Answer | None:
        """What `job` returns, in the answering thread and at the newest LSN; None where nothing is.

        Raises JsonRpcException.
        """
        try:
            return await self.answering.run(lambda: self._answered(job))
        except QuestionCancelledError:
            raise JsonRpcRequestCancelled("the request was cancelled") from None
        except JsonRpcException:
            raise
        except Exception as error:  # noqa: BLE001 - one request fails, not the server
            _log.exception("a request failed")
            raise JsonRpcInternalError(f"unexpected failure ({type(error).__name__}: {error})") from None

    def _answered(self, job: Callable[[], Answer]) -> Answer | None:
        self.roots.refresh()
        try:
            return job()
        except InvalidArgumentError:
            return None
        except (CorruptionError, StorageError) as error:
            # From what is open in the editor and on disk, as if there were no store.
            _log.warning("the store cannot be read: %s", error)
            self.roots.forsake(str(error))
        try:
            return job()
        except InvalidArgumentError:
            return None

    async def did_open(self, document: types.TextDocumentItem) -> None:
        """See `Workspace.open`."""
        self.versions[document.uri] = document.version
        job = (document.uri, document.text, document.version, str(document.language_id))
        await self.answering.run(lambda: self.roots.open(*job))

    async def did_close(self, uri: str) -> None:
        """See `Workspace.close_document`."""
        self.versions.pop(uri, None)
        await self.answering.run(lambda: self.roots.close_document(uri))

    async def did_change(
        self, document: types.VersionedTextDocumentIdentifier, edits: Sequence[Edit]
    ) -> None:
        """Edits, each on the text that the one before it left."""
        self.versions[document.uri] = document.version
        await self.answering.run(lambda: self._edit(document.uri, document.version, edits))

    async def change_folders(self, added: list[str], removed: list[str]) -> None:
        """The editor opened and closed folders."""

        def change() -> None:
            for uri in removed:
                self.roots.remove_folder(uri)
            for uri in added:
                self.roots.add_folder(uri)

        await self.answering.run(change)

    # Of the answering thread.

    def _edit(self, uri: str, version: int, edits: Sequence[Edit]) -> None:
        document = self.roots.document(uri)
        if document is None:
            return
        for edit in edits:
            text = edit.text.encode("utf-8", "replace")
            if isinstance(edit, types.TextDocumentContentChangePartial):
                lines = document.unparsed.lines
                start, end = self._place(lines, edit.range.start), self._place(lines, edit.range.end)
                document.replace(start, end, text)
            else:
                document.replace_all(text)
        document.version = version

    def _place(self, lines: list[bytes], at: types.Position) -> tuple[int, int]:
        if at.line >= len(lines):
            return len(lines), 0
        line = lines[at.line].removesuffix(b"\r")
        return at.line, column_of(line, at.character, self.encoding)
