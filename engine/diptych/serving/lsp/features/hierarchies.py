"""What calls what, and which class extends which."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from diptych.names.definitions import Found
from diptych.names.facts import Point
from diptych.serving.answers.calls import CallSite, callees_of, callers_of, functions_at
from diptych.serving.answers.hierarchy import classes_at, subtypes, supertypes
from diptych.serving.lsp.asked import Asked, Lines, asked, name_part, symbol_kind

if TYPE_CHECKING:
    from diptych.serving.lsp.server import Server

_LEVEL_MAX = 100


def register(server: Server) -> None:
    """Answer these requests."""

    @server.feature(types.TEXT_DOCUMENT_PREPARE_CALL_HIERARCHY)
    async def _calls(params: types.CallHierarchyPrepareParams) -> list[types.CallHierarchyItem] | None:
        return await server.answer(lambda: _prepared_calls(server, params))

    @server.feature(types.CALL_HIERARCHY_INCOMING_CALLS)
    async def _incoming(
        params: types.CallHierarchyIncomingCallsParams,
    ) -> list[types.CallHierarchyIncomingCall] | None:
        return await server.answer(lambda: _callers(server, params.item))

    @server.feature(types.CALL_HIERARCHY_OUTGOING_CALLS)
    async def _outgoing(
        params: types.CallHierarchyOutgoingCallsParams,
    ) -> list[types.CallHierarchyOutgoingCall] | None:
        return await server.answer(lambda: _callees(server, params.item))

    @server.feature(types.TEXT_DOCUMENT_PREPARE_TYPE_HIERARCHY)
    async def _types(params: types.TypeHierarchyPrepareParams) -> list[types.TypeHierarchyItem] | None:
        return await server.answer(lambda: _prepared_types(server, params))

    @server.feature(types.TYPE_HIERARCHY_SUPERTYPES)
    async def _supertypes(
        params: types.TypeHierarchySupertypesParams,
    ) -> list[types.TypeHierarchyItem] | None:
        return await server.answer(lambda: _related(server, params.item, up=True))

    @server.feature(types.TYPE_HIERARCHY_SUBTYPES)
    async def _subtypes(params: types.TypeHierarchySubtypesParams) -> list[types.TypeHierarchyItem] | None:
        return await server.answer(lambda: _related(server, params.item, up=False))


def _prepared_calls(
    server: Server, params: types.CallHierarchyPrepareParams
) -> list[types.CallHierarchyItem]:
    question = asked(server, params)
    if question is None:
        return []
    found = functions_at(question.source, question.path, *question.point(params.position))
    return [_call_item(question.lines, one) for one in found]


def _prepared_types(
    server: Server, params: types.TypeHierarchyPrepareParams
) -> list[types.TypeHierarchyItem]:
    question = asked(server, params)
    if question is None:
        return []
    found = classes_at(question.source, question.path, *question.point(params.position))
    return [_type_item(question.lines, one) for one in found]


def _callers(server: Server, item: types.CallHierarchyItem) -> list[types.CallHierarchyIncomingCall]:
    question, start = _again(server, item, functions_at)
    if question is None or start is None:
        return []
    grouped = _grouped(callers_of(question.source, start))
    return [
        types.CallHierarchyIncomingCall(
            _call_item(question.lines, other), _spans(question.lines, sites, start)
        )
        for other, sites in grouped
    ]


def _callees(server: Server, item: types.CallHierarchyItem) -> list[types.CallHierarchyOutgoingCall]:
    question, start = _again(server, item, functions_at)
    if question is None or start is None:
        return []
    grouped = _grouped(callees_of(question.source, start))
    return [
        types.CallHierarchyOutgoingCall(
            _call_item(question.lines, other), _spans(question.lines, sites, other)
        )
        for other, sites in grouped
    ]


def _related(server: Server, item: types.TypeHierarchyItem, *, up: bool) -> list[types.TypeHierarchyItem]:
    question, start = _again(server, item, classes_at)
    if question is None or start is None:
        return []
    found = supertypes(question.source, start) if up else subtypes(question.source, start)
    return [_type_item(question.lines, one) for one in found[:_LEVEL_MAX]]


def _again(server: Server, item: Any, find: Any) -> tuple[Asked | None, Found | None]:
    """The definition that an item is of: where its name is now."""
    document = types.TextDocumentIdentifier(item.uri)
    question = asked(server, types.DefinitionParams(document, item.selection_range.start))
    if question is None:
        return None, None
    found = find(question.source, question.path, *question.point(item.selection_range.start))
    return question, found[0] if found else None


def _grouped(found: Iterable[CallSite]) -> list[tuple[Found, list[tuple[str, Point]]]]:
    """Each function once, with its calls."""
    grouped: dict[tuple[str, Point], tuple[Found, list[tuple[str, Point]]]] = {}
    for other, _, path, place in found:
        known = grouped.get((other.path, other.origin))
        if known is not None:
            known[1].append((path, place))
        elif len(grouped) < _LEVEL_MAX:
            grouped[other.path, other.origin] = (other, [(path, place)])
    return list(grouped.values())


def _spans(lines: Lines, sites: list[tuple[str, Point]], named: Found) -> list[types.Range]:
    return [lines.name_range(path, place, name_part(named.qualified)) for path, place in sites]


def _call_item(lines: Lines, one: Found) -> types.CallHierarchyItem:
    at = lines.name_range(one.path, one.place, name_part(one.qualified))
    return types.CallHierarchyItem(
        _shown(one), symbol_kind(one.kind), lines.uri(one.path), at, at, detail=one.path
    )


def _type_item(lines: Lines, one: Found) -> types.TypeHierarchyItem:
    at = lines.name_range(one.path, one.place, name_part(one.qualified))
    return types.TypeHierarchyItem(
        _shown(one), symbol_kind(one.kind), lines.uri(one.path), at, at, detail=one.path
    )


def _shown(one: Found) -> str:
    return one.qualified or one.path.rpartition("/")[2]
