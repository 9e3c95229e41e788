"""What is answered from one file alone: highlights, foldings, selections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from diptych.serving.answers.local import foldings, highlights, selections
from diptych.serving.lsp.asked import Asked, asked

if TYPE_CHECKING:
    from diptych.serving.lsp.server import Server

_HIGHLIGHTS = {"read": types.DocumentHighlightKind.Read, "write": types.DocumentHighlightKind.Write}
_FOLDINGS = {"comment": types.FoldingRangeKind.Comment, "imports": types.FoldingRangeKind.Imports}


def register(server: Server) -> None:
    """Answer these requests."""

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
    async def _highlights(params: types.DocumentHighlightParams) -> list[types.DocumentHighlight] | None:
        return await server.answer(lambda: _highlighted(server, params))

    @server.feature(types.TEXT_DOCUMENT_FOLDING_RANGE)
    async def _foldings(params: types.FoldingRangeParams) -> list[types.FoldingRange] | None:
        return await server.answer(lambda: _folded(server, params))

    @server.feature(types.TEXT_DOCUMENT_SELECTION_RANGE)
    async def _selections(params: types.SelectionRangeParams) -> list[types.SelectionRange] | None:
        return await server.answer(lambda: _selected(server, params))


def _highlighted(server: Server, params: types.DocumentHighlightParams) -> list[types.DocumentHighlight]:
    question = asked(server, params)
    if question is None:
        return []
    name, found = highlights(question.source, question.path, *question.point(params.position))
    return [
        types.DocumentHighlight(
            question.lines.name_range(question.path, (one.row, one.column), name), _HIGHLIGHTS[one.kind]
        )
        for one in found
    ]


def _folded(server: Server, params: types.FoldingRangeParams) -> list[types.FoldingRange]:
    question = asked(server, params)
    if question is None:
        return []
    return [
        types.FoldingRange(one.start_row, one.end_row, kind=_FOLDINGS.get(one.kind))
        for one in foldings(question.source, question.path)
    ]


def _selected(server: Server, params: types.SelectionRangeParams) -> list[types.SelectionRange]:
    question = asked(server, params)
    if question is None:
        return []
    return [_around(question, position) for position in params.positions]


def _around(question: Asked, position: types.Position) -> types.SelectionRange:
    made = None
    for start, end in reversed(selections(question.source, question.path, *question.point(position))):
        made = types.SelectionRange(question.lines.range(question.path, start, end), made)
    # A place without anything around it is its own selection.
    return made or types.SelectionRange(types.Range(position, position))
