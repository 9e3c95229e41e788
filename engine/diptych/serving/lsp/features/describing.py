"""What a name means, and what a call takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from diptych.serving.answers.hover import Hover, hover
from diptych.serving.answers.signature import signature
from diptych.serving.lsp.asked import asked
from diptych.serving.lsp.positions import units_of

if TYPE_CHECKING:
    from diptych.serving.lsp.server import Server


def register(server: Server) -> None:
    """Answer these requests."""

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def _hover(params: types.HoverParams) -> types.Hover | None:
        return await server.answer(lambda: _described(server, params))

    options = types.SignatureHelpOptions(trigger_characters=["(", ","])

    @server.feature(types.TEXT_DOCUMENT_SIGNATURE_HELP, options)
    async def _signature(params: types.SignatureHelpParams) -> types.SignatureHelp | None:
        return await server.answer(lambda: _signature_at(server, params))


def _described(server: Server, params: types.HoverParams) -> types.Hover | None:
    question = asked(server, params)
    found = hover(question.source, question.path, *question.point(params.position)) if question else None
    if question is None or found is None:
        return None
    at = question.lines.name_range(question.path, found.place, found.name)
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, hover_text(found)), at)


def hover_text(found: Hover) -> str:
    """A hover as Markdown: the signature, where it is and how sure that is, the documentation."""
    best = found.definition
    where = f"{best.kind} `{best.name or best.path}` in `{best.path}:{best.row + 1}`, {best.evidence}"
    if best.candidates:
        where += f" {best.candidate} of {best.candidates}"
    parts = [where]
    if found.signature:
        fence = "`" * max(3, _longest_run(found.signature) + 1)
        parts.insert(0, f"{fence}{found.language}\n{found.signature}\n{fence}")
    if found.documentation:
        fence = "`" * max(3, _longest_run(found.documentation) + 1)
        parts.append(f"{fence}text\n{found.documentation}\n{fence}")
    return "\n\n".join(parts)


def _longest_run(text: str) -> int:
    """The longest run of backticks: a fence around text is longer, so that nothing in it ends it."""
    longest = run = 0
    for letter in text:
        run = run + 1 if letter == "`" else 0
        longest = max(longest, run)
    return longest


def _signature_at(server: Server, params: types.SignatureHelpParams) -> types.SignatureHelp | None:
    question = asked(server, params)
    found = signature(question.source, question.path, *question.point(params.position)) if question else None
    if found is None:
        return None
    text = found.text.encode("utf-8", "surrogateescape")

    def units(characters: int) -> int:
        # Offsets in a label are always in UTF-16.
        return units_of(text, len(found.text[:characters].encode("utf-8", "surrogateescape")), "utf-16")

    parameters = [types.ParameterInformation((units(start), units(end))) for start, end in found.parameters]
    one = types.SignatureInformation(found.text, found.documentation or None, parameters)
    return types.SignatureHelp([one], active_signature=0, active_parameter=found.active)
