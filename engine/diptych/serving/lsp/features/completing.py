"""What can be written."""

from __future__ import annotations

import json
from json.encoder import encode_basestring_ascii as _quoted
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from diptych.serving.answers.completion import BUILTIN, ELSEWHERE, Completion, completions
from diptych.serving.answers.hover import hover
from diptych.serving.lsp.asked import Lines, asked
from diptych.serving.lsp.protocol import Written
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
_NUMBERS = {name: kind.value for name, kind in _KINDS.items()}
_TEXT = _Kind.Text.value


def register(server: Server) -> None:
    """Answer these requests."""
    options = types.CompletionOptions(trigger_characters=["."], resolve_provider=True)

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, options)
    async def _complete(params: types.CompletionParams) -> Written | None:
        return await server.answer(lambda: _completed(server, params))

    @server.feature(types.COMPLETION_ITEM_RESOLVE)
    async def _resolve(item: types.CompletionItem) -> types.CompletionItem:
        return await server.answer(lambda: _resolved(server, item)) or item


def _completed(server: Server, params: types.CompletionParams) -> Written:
    question = asked(server, params)
    if question is None:
        return Written('{"isIncomplete": false, "items": []}')
    point = question.point(params.position)
    found = completions(question.source, question.path, *point)
    span = json.dumps(question.lines.plain_range(question.path, found.start, point))
    items = [_item(one, number, span, question.lines) for number, one in enumerate(found.items)]
    is_incomplete = "false" if found.is_complete else "true"
    return Written(f'{{"isIncomplete": {is_incomplete}, "items": [{", ".join(items)}]}}')


def _item(one: Completion, number: int, span: str, lines: Lines) -> str:
    """A CompletionItem as JSON."""
    name = _quoted(one.name)
    details = data = ""
    if one.origin == ELSEWHERE:
        details = f', "labelDetails": {{"description": {_quoted(one.path)}}}'
    if one.origin != BUILTIN:
        row, column = one.place
        data = f', "data": [{_quoted(lines.uri(one.path))}, {row}, {column}]'
    # The order is the answer's; an editor would sort by the label.
    return (
        f'{{"label": {name}, "kind": {_NUMBERS.get(one.kind, _TEXT)}, "sortText": "{number:05}", "textEdit": '
        f'{{"range": {span}, "newText": {name}}}{details}{data}}}'
    )


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
