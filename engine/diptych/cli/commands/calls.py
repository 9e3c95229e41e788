"""`diptych calls`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from diptych.cli.arguments import Argument, Option
from diptych.cli.freshness import WAIT_S, Busy, Fresh, OutputRoot, Wait
from diptych.cli.options import Json, StorePath
from diptych.cli.output import Part, Styled
from diptych.cli.questions import Stdin

if TYPE_CHECKING:
    from diptych.cli.questions import Session
    from diptych.names.definitions import Found
    from diptych.serving.answers import Call
    from diptych.serving.source import StoreSource

_DEPTH_MAX = 20


def run(
    question: Annotated[
        str | None,
        Argument(
            "NAME|FILE:LINE:COLUMN",
            help="A function by its name, alone or dotted, or by a place where it is written.",
        ),
    ] = None,
    callees: Annotated[bool, Option("--callees/--callers", help="What it calls, or what calls it.")] = False,
    depth: Annotated[
        int, Option("--depth", bounds=(1, _DEPTH_MAX), metavar="N", help="How many calls away.")
    ] = 1,
    stdin: Stdin = False,
    store: StorePath = None,
    output_root: OutputRoot = None,
    fresh: Fresh = "auto",
    wait: Wait = WAIT_S,
    busy: Busy = "fail",
    as_json: Json = False,
) -> int:
    """Find what calls a function, or what it calls.

    Only calls that resolve to it are listed, each caller or callee once. Exit code 1 if there are none.

    \b
    Examples:
      diptych calls parse
      diptych calls Store.open --depth 3
      diptych calls src/parser.py:15:12 --callees
    """
    from diptych.cli.questions import answer_stdin, require_one, session, show_answer

    require_one(question, stdin=stdin, what="a name or FILE:LINE:COLUMN")
    with session(store, fresh, wait=wait, busy=busy, output_root=output_root) as asking:
        if question is None:
            return answer_stdin(lambda one: _answer(asking, one, callees, depth))
        return show_answer(
            _answer(asking, question, callees, depth),
            "calls",
            _line,
            as_json=as_json,
            empty="no calls found",
        )


def _answer(asking: Session, question: str, callees: bool, depth: int) -> dict[str, Any]:
    from diptych.serving.answers import calls

    source = asking.source()
    found: dict[tuple[object, ...], Call] = {}
    for start in _starts(asking, source, question):
        for one in calls(source, start, direction="callees" if callees else "callers", depth=depth):
            found.setdefault((one.path, one.row, one.column), one)
    return {"calls": [_document(one) for one in found.values()]}


def _starts(asking: Session, source: StoreSource, question: str) -> list[Found]:
    from diptych.serving.answers.calls import functions_at, functions_named

    if ":" in question:
        return functions_at(source, *asking.place(question))
    return functions_named(source, question)


def _document(found: Call) -> dict[str, Any]:
    return {
        "depth": found.depth,
        "name": found.name,
        "kind": found.kind,
        "path": found.path,
        "line": found.row + 1,
        "column": found.column + 1,
        "evidence": found.evidence,
        "call": {"path": found.call_path, "line": found.call_row + 1, "column": found.call_column + 1},
        "text": found.text,
    }


def _line(found: dict[str, Any]) -> list[Part]:
    from diptych.cli.questions import place_part

    place = place_part(found["path"], found["line"] - 1, found["column"] - 1)
    indent = "  " * (found["depth"] - 1)
    call = found["call"]
    at = f"  [{found['evidence']}]  {call['path']}:{call['line']}: {found['text']}"
    return [place, f" {indent}{found['kind']} ", Styled(found["name"], "bold"), at]
