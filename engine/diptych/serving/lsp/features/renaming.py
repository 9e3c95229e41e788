"""Rename. Only with an index that is complete: half of a rename is worse than none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from diptych.errors import InvalidArgumentError
from diptych.serving.answers.rename import Edit, Rename, rename, renameable
from diptych.serving.errors import RenameRefusedError
from diptych.serving.lsp.asked import Asked, asked, has

if TYPE_CHECKING:
    from diptych.serving.lsp.server import Server

_REQUEST_FAILED, _CONTENT_MODIFIED = -32803, -32801
_ASK = "by-name"


def register(server: Server) -> None:
    """Answer these requests."""

    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    async def _prepare(params: types.PrepareRenameParams) -> types.PrepareRenamePlaceholder | None:
        return await server.answer(lambda: _prepared(server, params))

    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    async def _rename(params: types.RenameParams) -> types.WorkspaceEdit | None:
        uri = params.text_document.uri
        version = server.versions.get(uri)
        made = await server.answer(lambda: _renamed(server, params))
        if server.versions.get(uri) != version:
            raise JsonRpcException(code=_CONTENT_MODIFIED, message="the document was edited meanwhile")
        return made


def _prepared(server: Server, params: types.PrepareRenameParams) -> types.PrepareRenamePlaceholder | None:
    question = _ready(server, params)
    try:
        found = renameable(question.source, question.path, *question.point(params.position))
    except (RenameRefusedError, InvalidArgumentError) as error:
        raise JsonRpcException(code=_REQUEST_FAILED, message=str(error)) from None
    return types.PrepareRenamePlaceholder(
        question.lines.name_range(question.path, found.place, found.name), found.name
    )


def _renamed(server: Server, params: types.RenameParams) -> types.WorkspaceEdit:
    question = _ready(server, params)
    point = question.point(params.position)
    try:
        made = rename(question.source, question.path, *point, params.new_name)
    except (RenameRefusedError, InvalidArgumentError) as error:
        raise JsonRpcException(code=_REQUEST_FAILED, message=str(error)) from None
    edit = ("workspace", "workspace_edit")
    if not has(server.client_capabilities, (*edit, "document_changes")):
        return types.WorkspaceEdit(changes=_changes(question, made))
    annotated = has(server.client_capabilities, (*edit, "change_annotation_support"))
    changes = [
        types.TextDocumentEdit(
            types.OptionalVersionedTextDocumentIdentifier(uri, _version(server, uri)),
            [
                _edit(question, one, made)
                for one in edits
                if annotated or not one.needs_confirmation
            ],
        )
        for uri, edits in _by_document(question, made.edits)
    ]
    changes = [one for one in changes if one.edits]
    asks = annotated and any(one.needs_confirmation for one in made.edits)
    label = types.ChangeAnnotation(
        "Uses of the same name", needs_confirmation=True, description="the type before the dot is not known"
    )
    return types.WorkspaceEdit(
        document_changes=list(changes), change_annotations={_ASK: label} if asks else None
    )


def _version(server: Server, uri: str) -> int | None:
    """The version of the text that was asked: the editor may have told of a newer one meanwhile."""
    document = server.roots.document(uri)
    return document.version if document is not None else None


def _ready(server: Server, params: types.PrepareRenameParams | types.RenameParams) -> Asked:
    """The question, if its index is complete. Raises JsonRpcException."""
    question = asked(server, params)
    if question is None:
        raise JsonRpcException(code=_REQUEST_FAILED, message="the document is no file of this machine")
    problem = question.root.not_ready()
    if problem:
        raise JsonRpcException(code=_REQUEST_FAILED, message=f"index not ready: {problem}")
    return question


def _edit(question: Asked, edit: Edit, made: Rename) -> types.TextEdit | types.AnnotatedTextEdit:
    at = question.lines.name_range(edit.path, (edit.row, edit.column), made.name)
    if edit.needs_confirmation:
        return types.AnnotatedTextEdit(_ASK, at, edit.text)
    return types.TextEdit(at, edit.text)


def _changes(question: Asked, made: Rename) -> dict[str, list[types.TextEdit]]:
    """For a client that cannot ask: what is certain alone."""
    certain = [one for one in made.edits if not one.needs_confirmation]
    return {
        uri: [
            types.TextEdit(question.lines.name_range(one.path, (one.row, one.column), made.name), one.text)
            for one in edits
        ]
        for uri, edits in _by_document(question, certain)
    }


def _by_document(question: Asked, edits: Iterable[Edit]) -> list[tuple[str, list[Edit]]]:
    found: dict[str, list[Edit]] = {}
    for one in edits:
        found.setdefault(question.lines.uri(one.path), []).append(one)
    return list(found.items())
