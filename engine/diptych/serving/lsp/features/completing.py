"""What can be written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lsprotocol import types

from diptych.serving.answers.completion import BUILTIN, ELSEWHERE, Completion, completions
from diptych.serving.answers.hover import hover
from diptych.serving.lsp.asked import Lines, asked
from diptych.serving.lsp.protocol import Plain
from diptych.serving.lsp.uris import path_of

if TYPE_CHECKING:
    from diptych.serving.lsp.server import Server

_Kind = types.CompletionItemKind
_KINDS = {
    "class": _Kind.Class,
    "function": _Kind.Function,
    "method": _Kind.Method,
    "field": _Kind.Field,
    "variable": _Kind.Variable,
    "parameter": _Kind.Variable,
    "constant": _Kind.Constant,
    "module": _Kind.Module,
    "import": _Kind.Module,
    "interface": _Kind.Interface,
    "enum": _Kind.Enum,
    "struct": _Kind.Struct,
    "type": _Kind.Class,
    "namespace": _Kind.Module,
    "keyword": _Kind.Keyword,
    "builtin": _Kind.Function,
}


def register(server: Server) -> None:
    """Answer these requests."""
    options = types.CompletionOptions(trigger_characters=["."], resolve_provider=True)

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, options)
    async def _complete(params: types.CompletionParams) -> Plain | None:
        return await server.answer(lambda: _completed(server, params))

    @server.feature(types.COMPLETION_ITEM_RESOLVE)
    async def _resolve(item: types.CompletionItem) -> types.CompletionItem:
        return await server.answer(lambda: _resolved(server, item)) or item


def _completed(server: Server, params: types.CompletionParams) -> Plain:
    question = asked(server, params)
    if question is None:
        return Plain({"isIncomplete": False, "items": []})
    point = question.point(params.position)
    found = completions(question.source, question.path, *point)
    span = question.lines.plain_range(question.path, found.start, point)
    items = [_item(one, number, span, question.lines) for number, one in enumerate(found.items)]
    return Plain({"isIncomplete": not found.is_complete, "items": items})


def _item(one: Completion, number: int, span: dict[str, Any], lines: Lines) -> dict[str, Any]:
    """A CompletionItem as a JSON value."""
    made: dict[str, Any] = {
        "label": one.name,
        "kind": _KINDS.get(one.kind, _Kind.Text).value,
        # The order is the answer's; an editor would sort by the label.
        "sortText": f"{number:05}",
        "textEdit": {"range": span, "newText": one.name},
    }
    if one.origin == ELSEWHERE:
        made["labelDetails"] = {"description": one.path}
    if one.origin != BUILTIN:
        made["data"] = [lines.uri(one.path), *one.place]
    return made


def _resolved(server: Server, item: types.CompletionItem) -> types.CompletionItem:
    """The item with the signature and documentation of what it names."""
    data: Any = item.data
    if not isinstance(data, list) or [type(one) for one in data] != [str, int, int]:
        return item
    uri, row, column = data
    located = server.roots.located(uri) if path_of(uri) is not None else None
    if located is None:
        return item
    # What an import names is described where it is defined.
    found = hover(located.root.source, located.path, row, column)
    if found is not None:
        item.detail = found.signature or None
        item.documentation = found.documentation or None
    return item
