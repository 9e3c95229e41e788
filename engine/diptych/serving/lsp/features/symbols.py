"""The symbols of a file, and of all files."""

from __future__ import annotations

from json.encoder import encode_basestring_ascii as _quoted
from typing import TYPE_CHECKING

from lsprotocol import types

from diptych.model import Symbol, SymbolHit
from diptych.names.facts import Point
from diptych.serving.answers.symbols import SYMBOLS_MAX, workspace_symbols
from diptych.serving.lsp.asked import Lines, asked, has, symbol_kind, symbol_number
from diptych.serving.lsp.protocol import Written

if TYPE_CHECKING:
    from diptych.serving.lsp.server import Server


def register(server: Server) -> None:
    """Answer these requests."""

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def _of_document(
        params: types.DocumentSymbolParams,
    ) -> list[types.DocumentSymbol] | list[types.SymbolInformation] | None:
        supported = ("text_document", "document_symbol", "hierarchical_document_symbol_support")
        if has(server.client_capabilities, supported):
            return await server.answer(lambda: _nested(server, params))
        return await server.answer(lambda: _flat(server, params))

    @server.feature(types.WORKSPACE_SYMBOL)
    async def _of_workspace(params: types.WorkspaceSymbolParams) -> Written | None:
        return await server.answer(lambda: _everywhere(server, params.query))


def _nested(server: Server, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
    question = asked(server, params)
    record = question.source.record(question.path) if question is not None else None
    if question is None or record is None:
        return []
    top: list[types.DocumentSymbol] = []
    open_around: list[tuple[str, types.DocumentSymbol]] = []
    for symbol in sorted(record.symbols, key=lambda one: (one.range[:2], _negative(one.range[2:]))):
        made = _document_symbol(question.lines, question.path, symbol)
        while open_around and open_around[-1][0] != symbol.container:
            open_around.pop()
        siblings = open_around[-1][1].children if open_around else top
        assert isinstance(siblings, list)
        siblings.append(made)
        open_around.append((_dotted(symbol), made))
    return top


def _negative(end: Point) -> Point:
    return -end[0], -end[1]


def _dotted(symbol: Symbol) -> str:
    return f"{symbol.container}.{symbol.name}" if symbol.container else symbol.name


def _document_symbol(lines: Lines, path: str, symbol: Symbol) -> types.DocumentSymbol:
    span, named = symbol.range, symbol.name_range
    around = lines.range(path, span[:2], span[2:])
    at = (
        lines.range(path, named[:2], named[2:]) if named[:2] >= span[:2] and named[2:] <= span[2:] else around
    )
    return types.DocumentSymbol(
        symbol.name or " ", symbol_kind(symbol.kind), around, at, detail=symbol.signature or None, children=[]
    )


def _flat(server: Server, params: types.DocumentSymbolParams) -> list[types.SymbolInformation]:
    question = asked(server, params)
    record = question.source.record(question.path) if question is not None else None
    if question is None or record is None:
        return []
    hits = (SymbolHit(question.path, symbol) for symbol in record.symbols)
    return [_information(question.lines, hit) for hit in hits]


def _information(lines: Lines, hit: SymbolHit) -> types.SymbolInformation:
    symbol = hit.symbol
    at = lines.range(hit.path, symbol.name_range[:2], symbol.name_range[2:])
    return types.SymbolInformation(
        types.Location(lines.uri(hit.path), at),
        symbol.name,
        symbol_kind(symbol.kind),
        container_name=symbol.container or None,
    )


def _everywhere(server: Server, query: str) -> Written:
    found: list[str] = []
    for root in server.roots.roots:
        lines = Lines(server, root, server.roots.spelling(root))
        found += [_written(lines, hit) for hit in workspace_symbols(root.source, query)]
    return Written(f"[{', '.join(found[:SYMBOLS_MAX])}]")


def _written(lines: Lines, hit: SymbolHit) -> str:
    """A SymbolInformation as JSON."""
    path, symbol = hit.path, hit.symbol
    row, column, end_row, end_column = symbol.name_range
    inside = f', "containerName": {_quoted(symbol.container)}' if symbol.container else ""
    return (
        f'{{"name": {_quoted(symbol.name)}, "kind": {symbol_number(symbol.kind)}, "location": {{"uri": '
        f'{_quoted(lines.uri(path))}, "range": {{"start": {{"line": {row}, "character": '
        f'{lines.units(path, row, column)}}}, "end": {{"line": {end_row}, "character": '
        f"{lines.units(path, end_row, end_column)}}}}}}}{inside}}}"
    )
