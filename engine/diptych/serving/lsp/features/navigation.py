"""Where a name is defined, and where it is used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from diptych.names.definitions import Found
from diptych.serving.answers.definition import defined
from diptych.serving.answers.reference import Reference
from diptych.serving.answers.references import by_file, referred
from diptych.serving.answers.types import implementations, type_definitions
from diptych.serving.lsp.asked import Asked, asked, has, name_part
from diptych.serving.lsp.protocol import Plain
from diptych.serving.source import StoreSource

if TYPE_CHECKING:
    from diptych.serving.lsp.server import Server

_MAX_NAMED = 20
_FIRST_PART, _PART = 20, 100
"""So many references are sent at a time to a client that takes them in parts."""

Places = list[types.LocationLink] | list[types.Location]


def register(server: Server) -> None:
    """Answer these requests."""

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    async def _definition(params: types.DefinitionParams) -> Places | None:
        links = has(server.client_capabilities, ("text_document", "definition", "link_support"))
        return await server.answer(lambda: _defined(server, params, links=links))

    @server.feature(types.TEXT_DOCUMENT_DECLARATION)
    async def _declaration(params: types.DeclarationParams) -> Places | None:
        links = has(server.client_capabilities, ("text_document", "declaration", "link_support"))
        return await server.answer(lambda: _defined(server, params, links=links))

    @server.feature(types.TEXT_DOCUMENT_TYPE_DEFINITION)
    async def _type_definition(params: types.TypeDefinitionParams) -> list[types.Location] | None:
        return await server.answer(lambda: _located(server, params, type_definitions))

    @server.feature(types.TEXT_DOCUMENT_IMPLEMENTATION)
    async def _implementation(params: types.ImplementationParams) -> list[types.Location] | None:
        return await server.answer(lambda: _located(server, params, implementations))

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    async def _references(params: types.ReferenceParams) -> Plain | None:
        token = params.partial_result_token
        if token is None:
            return await server.answer(lambda: Plain(list(chain.from_iterable(_used(server, params)))))
        # From the answering thread, while it looks for more.
        loop = asyncio.get_running_loop()

        def send(part: list[dict[str, Any]]) -> None:
            loop.call_soon_threadsafe(server.protocol.send_part, token, part)

        return await server.answer(lambda: _sent_in_parts(_used(server, params), send))


def _sent_in_parts(
    files: Iterator[Iterator[dict[str, Any]]], send: Callable[[list[dict[str, Any]]], None]
) -> Plain:
    """Send what is found in parts. What is left to reply with: nothing.

    The first part is small, and of one file: the next with any may be the last of many.
    """
    size, part = _FIRST_PART, []
    for found in files:
        for one in found:
            part.append(one)
            if len(part) >= size:
                send(part)
                size, part = _PART, []
        if part and size == _FIRST_PART:
            send(part)
            size, part = _PART, []
    if part:
        send(part)
    return Plain([])


def _defined(
    server: Server, params: types.DefinitionParams | types.DeclarationParams, *, links: bool
) -> Places:
    question = asked(server, params)
    if question is None:
        return []
    found = defined(question.source, question.path, *question.point(params.position))
    places = found.found[:_MAX_NAMED]
    if not links:
        return [question.lines.location(one.path, one.place, _written(one)) for one in places]
    origin = question.lines.name_range(question.path, found.place, found.name)
    return [_link(question, one, origin) for one in places]


def _located(
    server: Server,
    params: types.TypeDefinitionParams | types.ImplementationParams,
    find: Callable[[StoreSource, str, int, int], list[Found]],
) -> list[types.Location]:
    question = asked(server, params)
    if question is None:
        return []
    found = find(question.source, question.path, *question.point(params.position))
    return [question.lines.location(one.path, one.place, name_part(one.qualified)) for one in found]


def _link(question: Asked, found: Found, origin: types.Range) -> types.LocationLink:
    at = question.lines.name_range(found.path, found.place, _written(found))
    return types.LocationLink(question.lines.uri(found.path), at, at, origin)


def _written(found: Found) -> str:
    return name_part(found.qualified)


def _used(server: Server, params: types.ReferenceParams) -> Iterator[Iterator[dict[str, Any]]]:
    """The sure references, those of one file after the other."""
    question = asked(server, params)
    if question is None:
        return
    _, target = referred(question.source, question.path, *question.point(params.position))
    if target is None:
        return
    for found in by_file(question.source, target, only_sure=True, related=True):
        yield _sure(question, found, declared=params.context.include_declaration)


def _sure(
    question: Asked, found: Iterator[tuple[Reference, bool]], *, declared: bool
) -> Iterator[dict[str, Any]]:
    for one, is_sure in found:
        if is_sure and (declared or one.role != "definition"):
            yield question.lines.plain_location(one.path, (one.row, one.column))
