"""The tools as an agent sees them. Nothing is imported here that only an answer needs."""

from __future__ import annotations

from typing import Any, NamedTuple

import mcp_types as types

from diptych.serving.mcp import inputs
from diptych.serving.mcp.schemas import OUTPUT


class Tool(NamedTuple):
    """A tool: what it takes, and what an agent is told of it. What answers is in `answering`."""

    takes: type[inputs.Input]
    title: str
    about: str


TOOLS: dict[str, Tool] = {
    "search": Tool(
        inputs.SearchInput,
        "Search symbols",
        "Full-text search over names, signatures and documentation of symbols, best first, with the total.",
    ),
    "symbol": Tool(
        inputs.SymbolInput,
        "Show a symbol",
        "A symbol: signature, documentation, members, what refers to its name; its source with body=true.",
    ),
    "outline": Tool(
        inputs.OutlineInput,
        "Outline a file or folder",
        "The symbols of a file, nested, with their lines; or the files of a folder.",
    ),
    "definition": Tool(
        inputs.DefinitionInput,
        "Go to definition",
        "What a name in a line of a file refers to, each definition with its evidence.",
    ),
    "references": Tool(
        inputs.ReferencesInput,
        "Find references",
        "Where a symbol is used: exact totals by kind and folder first, then the lines, by file.",
    ),
    "calls": Tool(
        inputs.CallsInput,
        "Callers and callees",
        "What calls a function, or what it calls, up to three calls away.",
    ),
    "impact": Tool(
        inputs.ImpactInput,
        "Impact of a change",
        "What a change of symbols, files or a git range may break: callers by depth, files, tests.",
    ),
    "changed": Tool(
        inputs.ChangedInput,
        "What changed",
        "Symbols added, removed and altered since an LSN, a commit, or the last call.",
    ),
    "status": Tool(
        inputs.StatusInput,
        "State of the index",
        "Whether the index is ready, how far it covers the repository, and what to do if it is not.",
    ),
}


def listed_tools() -> list[types.Tool]:
    """All tools, whatever state the index is in."""
    hints = types.ToolAnnotations(
        read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
    )
    return [
        types.Tool(
            name=name,
            title=tool.title,
            description=tool.about,
            input_schema=_schema(tool.takes),
            output_schema=OUTPUT,
            annotations=hints,
        )
        for name, tool in TOOLS.items()
    ]


def _schema(takes: type[inputs.Input]) -> dict[str, Any]:
    """The schema of a tool's arguments, without what only a person would read."""
    found = takes.model_json_schema()
    found.pop("description", None)
    found.pop("title", None)
    for one in found["properties"].values():
        one.pop("title", None)
    return found
