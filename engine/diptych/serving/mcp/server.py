"""The protocol's side: tools, resources and prompts, over the answers of `tools` and `resolving`."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import anyio
import anyio.to_thread
import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourceUpdated
from mcp.shared.exceptions import MCPError

from diptych._version import __version__
from diptych.serving.mcp import inputs
from diptych.serving.mcp.catalogue import listed_tools
from diptych.serving.mcp.prompts import PROMPTS
from diptych.workspace.keeper import KeeperClient, Place

if TYPE_CHECKING:
    from diptych.serving.mcp.index import AgentIndex

STATUS_URI = "diptych://status"

INSTRUCTIONS = """\
An index of this repository's code that is kept up to date while files change. Prefer it to grep for where
something is defined, used or called, and for what a change affects. Start with `search` or `symbol`; pass
the ids of one answer (path#Outer.name) to the next tool. Evidence: exact and inferred are resolved, named is
by name alone. Each answer ends with how fresh it is; where that says partial, grep for what is missing."""

_STATUS_EVERY_S = 1.0
_Context = ServerRequestContext[Any, Any]


class AgentServer:
    """The server of one repository's index. `run` it in one of the transports of `run`. Close it.

    What answers is imported with the first question: until then an agent only wants to know what there is.
    """

    def __init__(self, place: Place, keeper: KeeperClient) -> None:
        self._place, self._keeper = place, keeper
        self._opening = threading.Lock()
        self._index: AgentIndex | None = None
        self._bus = InMemorySubscriptionBus()
        self._sessions: set[Any] = set()
        self.server: Server[Any] = Server(
            "diptych",
            version=__version__,
            title="Diptych",
            instructions=INSTRUCTIONS,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_resources=self._list_resources,
            on_list_resource_templates=self._list_templates,
            on_read_resource=self._read_resource,
            on_subscribe_resource=self._subscribe,
            on_unsubscribe_resource=self._unsubscribe,
            on_subscriptions_listen=ListenHandler(self._bus),
            on_list_prompts=self._list_prompts,
            on_get_prompt=self._get_prompt,
        )

    def close(self) -> None:
        """End, once no question is under way; one that waits for the index is answered as it is."""
        self._keeper.close()
        with self._opening:
            if self._index is not None:
                self._index.close()

    async def tell_status(self) -> None:
        """Tell those who subscribed to the status whenever it changes, until cancelled."""
        last: object = None
        while True:
            await anyio.sleep(_STATUS_EVERY_S)
            said = await anyio.to_thread.run_sync(self._keeper.state)
            now = (type(said.state), said.message, said.lsn, said.pending_count)
            if now == last:
                continue
            last = now
            await self._bus.publish(ResourceUpdated(uri=STATUS_URI))
            for session in list(self._sessions):
                try:
                    await session.send_resource_updated(STATUS_URI)
                except (anyio.ClosedResourceError, anyio.BrokenResourceError, MCPError):
                    self._sessions.discard(session)

    async def _ask(self, name: str, arguments: dict[str, Any] | None) -> types.CallToolResult:
        # Where nobody waits for the answer any more, neither does the end of the server: see `close`.
        return await anyio.to_thread.run_sync(self._answered, name, arguments, abandon_on_cancel=True)

    def _answered(self, name: str, arguments: dict[str, Any] | None) -> types.CallToolResult:
        from diptych.serving.mcp.answering import answered
        from diptych.serving.mcp.index import AgentIndex

        with self._opening:
            if self._index is None:
                self._index = AgentIndex(self._place, self._keeper)
                # What is there now stays: to look for garbage in it would hold up an answer now and then.
                gc.freeze()
        return answered(self._index, name, arguments)

    async def _list_tools(
        self, _context: _Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=listed_tools())

    async def _call_tool(
        self, _context: _Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        return await self._ask(params.name, params.arguments)

    async def _list_resources(
        self, _context: _Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        about = "The state of the index"
        found = types.Resource(name="status", uri=STATUS_URI, description=about, mime_type="text/plain")
        return types.ListResourcesResult(resources=[found])

    async def _list_templates(
        self, _context: _Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        found = [
            types.ResourceTemplate(
                name="outline",
                uri_template="diptych://outline/{+path}",
                description="The symbols of a file, or the files of a folder",
                mime_type="text/plain",
            ),
            types.ResourceTemplate(
                name="symbol",
                uri_template="diptych://symbol/{id}",
                description="A symbol with its source, by its id",
                mime_type="text/plain",
            ),
        ]
        return types.ListResourceTemplatesResult(resource_templates=found)

    async def _read_resource(
        self, _context: _Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        uri = str(params.uri)
        kind, _, rest = uri.removeprefix("diptych://").partition("/")
        if uri == STATUS_URI:
            found = await self._ask("status", {})
        elif kind == "outline" and uri.startswith("diptych://"):
            found = await self._ask("outline", {"path": unquote(rest), "max_tokens": inputs.TOKENS_MAX})
        elif kind == "symbol" and uri.startswith("diptych://"):
            wanted = {"symbol": unquote(rest), "body": True, "max_tokens": inputs.TOKENS_MAX}
            found = await self._ask("symbol", wanted)
        else:
            raise MCPError(types.INVALID_PARAMS, f"there is no resource {uri:.200}; read {STATUS_URI}")
        text = _text_of(found.content)
        if found.is_error:
            raise MCPError(types.INVALID_PARAMS, text)
        content = types.TextResourceContents(uri=uri, mime_type="text/plain", text=text)
        return types.ReadResourceResult(contents=[content])

    async def _subscribe(self, context: _Context, params: types.SubscribeRequestParams) -> types.EmptyResult:
        if str(params.uri) != STATUS_URI:
            raise MCPError(types.INVALID_PARAMS, f"only {STATUS_URI} can be subscribed to")
        self._sessions.add(context.session)
        return types.EmptyResult()

    async def _unsubscribe(
        self, context: _Context, _params: types.UnsubscribeRequestParams
    ) -> types.EmptyResult:
        self._sessions.discard(context.session)
        return types.EmptyResult()

    async def _list_prompts(
        self, _context: _Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListPromptsResult:
        found = [
            types.Prompt(
                name=name,
                description=prompt.about,
                arguments=[
                    types.PromptArgument(name=argument, description=told, required=True)
                    for argument, told in prompt.takes.items()
                ],
            )
            for name, prompt in PROMPTS.items()
        ]
        return types.ListPromptsResult(prompts=found)

    async def _get_prompt(
        self, _context: _Context, params: types.GetPromptRequestParams
    ) -> types.GetPromptResult:
        prompt = PROMPTS.get(params.name)
        if prompt is None:
            raise MCPError(
                types.INVALID_PARAMS, f"there is no prompt {params.name:.100}; there are {', '.join(PROMPTS)}"
            )
        given = params.arguments or {}
        missing = [name for name in prompt.takes if not given.get(name)]
        if missing:
            raise MCPError(types.INVALID_PARAMS, f"{params.name} needs {', '.join(missing)}")
        text = prompt.text.format(**{name: " ".join(given[name].split())[:500] for name in prompt.takes})
        message = types.PromptMessage(role="user", content=types.TextContent(type="text", text=text))
        return types.GetPromptResult(description=prompt.about, messages=[message])


def symbol_uri(identity: str) -> str:
    """The resource of a symbol."""
    return f"diptych://symbol/{quote(identity, safe='/')}"


def _text_of(content: Iterable[Any]) -> str:
    return "\n".join(one.text for one in content if isinstance(one, types.TextContent))
