"""How far the index is: told to the editor when it changes, shown as progress, and asked for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from lsprotocol import types

from diptych.lazy import logger
from diptych.serving.lsp.asked import has
from diptych.serving.lsp.spelling import resolved_paths
from diptych.serving.lsp.uris import path_of
from diptych.serving.lsp.workspace import Root
from diptych.workspace.coordinator import Building
from diptych.workspace.keeper import KeeperState

if TYPE_CHECKING:
    from diptych.serving.lsp.server import Server

STATUS = "diptych/status"
REINDEX_COMMAND, STATUS_COMMAND = "diptych.reindex", "diptych.status"

_LOOK_S = 0.5
_log = logger(__name__)


def register(server: Server) -> None:
    """Answer these requests, and tell of changes."""

    @server.feature(types.INITIALIZED)
    async def _initialized(_params: types.InitializedParams) -> None:
        server.later(_tell(server))
        if has(server.client_capabilities, ("workspace", "did_change_watched_files", "dynamic_registration")):
            await _register_watch(server)

    @server.feature(STATUS)
    async def _status(_params: Any) -> dict[str, Any]:
        return status(server)

    @server.command(STATUS_COMMAND)
    async def _status_command(*_: Any) -> dict[str, Any]:
        return status(server)

    @server.command(REINDEX_COMMAND)
    async def _reindex(*_: Any) -> None:
        for root in list(server.roots.roots):
            root.keeper.request_look()

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def _saved(params: types.DidSaveTextDocumentParams) -> None:
        hint(server, [params.text_document.uri])

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def _changed(params: types.DidChangeWatchedFilesParams) -> None:
        hint(server, [change.uri for change in params.changes])


def hint(server: Server, uris: list[str]) -> None:
    """Tell the keepers of files that changed. They watch by themselves: it is a hint."""
    paths = resolved_paths(path for path in map(path_of, uris) if path is not None)
    for root in list(server.roots.roots):
        inside = [relative for path in paths if (relative := root.relative(path)) is not None]
        if inside:
            root.keeper.request_look(inside)


def status(server: Server) -> dict[str, Any]:
    """What is known of each root's index, as a JSON value."""
    return {"roots": [_of_root(root, root.keeper.state()) for root in list(server.roots.roots)]}


def _of_root(root: Root, said: KeeperState) -> dict[str, Any]:
    return {
        "root": root.place.root,
        "store": root.place.store,
        "answeredAtLsn": root.lsn,
        "problem": root.problem,
        "message": said.message,
        **said.document(),
    }


async def _tell(server: Server) -> None:
    """Tell of each change of a state, until the connection ends."""
    told: dict[str, str] = {}
    builds: dict[str, _Build] = {}
    shows_progress = has(server.client_capabilities, ("window", "work_done_progress"))
    while True:
        for root in list(server.roots.roots):
            said = root.keeper.state()
            document = _of_root(root, said)
            # An LSN more is no news.
            news = str([document[key] for key in ("state", "message", "problem", "pid")])
            if told.get(root.place.root) != news:
                told[root.place.root] = news
                server.protocol.notify(STATUS, document)
            if shows_progress:
                builds.setdefault(root.place.root, _Build(server)).show(said)
        await asyncio.sleep(_LOOK_S)


class _Build:
    """A build as the editor shows it: work that is under way."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._token = ""
        self._is_shown = False

    def show(self, said: KeeperState) -> None:
        """Show how far it is; begin and end with it."""
        state, progress = said.state, self._server.work_done_progress
        if isinstance(state, Building):
            percentage = 100 * state.indexed // state.total if state.total else 0
            if not self._token:
                self._token = str(uuid4())
                self._server.later(self._begin(self._token, said.message, percentage))
            elif self._is_shown:
                progress.report(
                    self._token, types.WorkDoneProgressReport(message=said.message, percentage=percentage)
                )
        elif self._token:
            if self._is_shown:
                progress.end(self._token, types.WorkDoneProgressEnd(message=said.message or "ready"))
            self._token, self._is_shown = "", False

    async def _begin(self, token: str, message: str, percentage: int) -> None:
        try:
            await self._server.work_done_progress.create_async(token)
        except Exception as error:  # noqa: BLE001 - a client that refuses shows nothing
            _log.info("the client shows no progress: %s", error)
            return
        if token == self._token:
            begin = types.WorkDoneProgressBegin("Indexing", message=message, percentage=percentage)
            self._server.work_done_progress.begin(token, begin)
            self._is_shown = True


async def _register_watch(server: Server) -> None:
    """Ask the client to tell of files that change."""
    watch = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher("**/*")])
    method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
    wanted = types.RegistrationParams([types.Registration(str(uuid4()), method, watch)])
    try:
        await server.client_register_capability_async(wanted)
    except Exception as error:  # noqa: BLE001 - a client that refuses keeps its files to itself
        _log.info("the client does not tell of files that change: %s", error)
