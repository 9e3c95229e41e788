"""`diptych definition`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diptych.cli.freshness import WAIT_S, Busy, Fresh, OutputRoot, Wait
from diptych.cli.options import Json, StorePath
from diptych.cli.output import Part, Styled
from diptych.cli.questions import Place, Stdin

if TYPE_CHECKING:
    from diptych.cli.questions import Session
    from diptych.serving.answers import Definition


def run(
    place: Place = None,
    stdin: Stdin = False,
    store: StorePath = None,
    output_root: OutputRoot = None,
    fresh: Fresh = "auto",
    wait: Wait = WAIT_S,
    busy: Busy = "fail",
    as_json: Json = False,
) -> int:
    """Find what the name at a place refers to.

    Each answer says how sure it is: "exact" by scopes and imports, "inferred" by the type of what is before
    the dot, "named" for one of several definitions of that name, "precise" from an imported index (see
    `diptych scip import`). Exit code 1 if there is none.

    \b
    Examples:
      diptych definition src/parser.py:15:12
      diptych definition src/parser.py:15:12 --json
      printf 'src/parser.py:15:12\\nsrc/parser.py:11:16\\n' | diptych definition --stdin
    """
    from diptych.cli.questions import answer_stdin, require_one, session, show_answer

    require_one(place, stdin=stdin, what="FILE:LINE:COLUMN")
    with session(store, fresh, wait=wait, busy=busy, output_root=output_root) as asking:
        if place is None:
            return answer_stdin(lambda question: _answer(asking, question))
        return show_answer(
            _answer(asking, place),
            "definitions",
            _line,
            as_json=as_json,
            empty="no definition found, or no name there",
        )


def _answer(asking: Session, question: str) -> dict[str, Any]:
    from diptych.serving.answers import definition

    place = asking.place(question)
    found = definition(asking.source(), *place)
    return {"name": found.name, "definitions": [_document(one) for one in found.definitions]}


def _document(found: Definition) -> dict[str, Any]:
    return {
        "path": found.path,
        "line": found.row + 1,
        "column": found.column + 1,
        "kind": found.kind,
        "name": found.name,
        "evidence": found.evidence,
        "candidate": found.candidate,
        "candidates": found.candidates,
        "text": found.text,
    }


def _line(found: dict[str, Any]) -> list[Part]:
    from diptych.cli.questions import place_part

    evidence = found["evidence"]
    if found["candidates"]:
        evidence += f" {found['candidate']} of {found['candidates']}"
    place = place_part(found["path"], found["line"] - 1, found["column"] - 1)
    name = found["name"] or found["path"]
    return [place, f" {found['kind']} ", Styled(name, "bold"), f"  [{evidence}]  {found['text']}"]
