"""Where a name is defined, and where it is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from lsprotocol import types

from diptych.serving.answers import Definition, Reference, definition, references
from diptych.serving.lsp.asked import Asked, asked, has, name_part

if TYPE_CHECKING:
    from diptych.serving.lsp.server import Server

_MAX_NAMED = 20
_PART = 100
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

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    async def _references(params: types.ReferenceParams) -> list[types.Location] | None:
        found = await server.answer(lambda: _used(server, params))
        token = params.partial_result_token
        if token is None or found is None:
            return found
        parts = iter(found)
        while part := list(islice(parts, _PART)):
            server.progress(types.ProgressParams(token, part))
        return []


def _defined(
    server: Server, params: types.DefinitionParams | types.DeclarationParams, *, links: bool
) -> Places:
    question = asked(server, params)
    if question is None:
        return []
    found = definition(question.source, question.path, *question.point(params.position))
    places = found.definitions[:_MAX_NAMED]
    if not links:
        return [question.lines.location(one.path, (one.row, one.column), _written(one)) for one in places]
    origin = question.lines.name_range(question.path, found.place, found.name)
    return [_link(question, one, origin) for one in places]


def _link(question: Asked, found: Definition, origin: types.Range) -> types.LocationLink:
    at = question.lines.name_range(found.path, (found.row, found.column), _written(found))
    return types.LocationLink(question.lines.uri(found.path), at, at, origin)


def _written(found: Definition) -> str:
    return name_part(found.name)


def _used(server: Server, params: types.ReferenceParams) -> list[types.Location]:
    question = asked(server, params)
    if question is None:
        return []
    found = references(question.source, question.path, *question.point(params.position))
    wanted = _wanted(found.references, declaration=params.context.include_declaration)
    return [question.lines.location(one.path, (one.row, one.column), found.name) for one in wanted]


def _wanted(found: Sequence[Reference], *, declaration: bool) -> Iterator[Reference]:
    return (one for one in found if declaration or one.role != "definition")
