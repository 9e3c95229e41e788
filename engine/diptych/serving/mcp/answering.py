"""From a call to its result: the arguments checked, the tool asked, the answer cut to size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mcp_types as types
from pydantic import ValidationError

from diptych.errors import DiptychError
from diptych.serving.mcp import inputs, resolving, tools
from diptych.serving.mcp.catalogue import TOOLS, Tool
from diptych.serving.mcp.index import AgentIndex, NoIndexYetError
from diptych.serving.mcp.render import Answer, clean, one_line, printable, rendered

ANSWERS: dict[str, Callable[[AgentIndex, Any], Answer]] = {
    "search": tools.search,
    "symbol": tools.symbol,
    "outline": tools.outline,
    "definition": resolving.definition,
    "references": resolving.references,
    "calls": resolving.calls,
    "impact": resolving.impact,
    "changed": resolving.changed,
    "status": tools.status,
}


def answered(index: AgentIndex, name: str, arguments: dict[str, Any] | None) -> types.CallToolResult:
    """The answer of a tool. What is wrong is an answer too: a sentence, and what to do next."""
    tool = TOOLS.get(name)
    if tool is None:
        return _failed(f"there is no tool {name!r:.100}", f"the tools are {', '.join(TOOLS)}", "unknown-tool")
    try:
        given = tool.takes.model_validate(arguments or {})
    except ValidationError as error:
        return _failed(*_mistakes(name, tool, error), "invalid-arguments")
    if isinstance(given, inputs.StatusInput):
        # Without the lock: others may ask meanwhile.
        if given.refresh:
            index.keeper.request_look()
        if given.wait_s:
            index.keeper.wait(ready=True, timeout_s=given.wait_s)
    with index.lock:
        index.begin()
        try:
            answer = ANSWERS[name](index, given)
        except NoIndexYetError as error:
            advice = "call `status` with wait_s, or search the files with grep meanwhile"
            answer = Answer(head=[f"{error}. Next: {advice}."], value={"found": False}, total=0)
        except DiptychError as error:
            return _failed(error.message, error.advice, error.code)
        freshness, state = index.state()
        text, value = rendered(answer, freshness, state, given.max_tokens)
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], structured_content=value)


def _failed(message: str, advice: str, code: str) -> types.CallToolResult:
    text = printable(" ".join(f"{message.rstrip('.')}. Next: {advice.rstrip('.')}.".split()))
    value = clean({"error": {"code": code, "message": message, "advice": advice}})
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)], structured_content=value, is_error=True
    )


def _mistakes(name: str, tool: Tool, error: ValidationError) -> tuple[str, str]:
    """What is wrong with the arguments, and what there is."""
    said = []
    for one in error.errors(include_url=False, include_input=False)[:5]:
        where = ".".join(map(str, one["loc"])) or "arguments"
        what = (
            "is not known" if one["type"] == "extra_forbidden" else one["msg"].removeprefix("Value error, ")
        )
        said.append(f"{one_line(where, 80)}: {what}")
    return f"{name}: {'; '.join(said)}", f"it takes {', '.join(tool.takes.model_fields)}"
