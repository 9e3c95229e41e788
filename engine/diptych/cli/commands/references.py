"""`diptych references`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from diptych.cli.arguments import Option
from diptych.cli.freshness import WAIT_S, Busy, Fresh, OutputRoot, Wait
from diptych.cli.options import HITS_MAX, Json, StorePath
from diptych.cli.output import Part, Styled
from diptych.cli.questions import Place, Stdin

if TYPE_CHECKING:
    from diptych.cli.questions import Session
    from diptych.serving.answers import Reference


def run(
    place: Place = None,
    possible: Annotated[
        bool, Option("--possible", help="Also uses of the name whose receiver is not known.")
    ] = False,
    limit: Annotated[
        int | None,
        Option("--limit", "-n", bounds=(1, HITS_MAX), metavar="N", help="Maximum number of references."),
    ] = None,
    stdin: Stdin = False,
    store: StorePath = None,
    output_root: OutputRoot = None,
    fresh: Fresh = "auto",
    wait: Wait = WAIT_S,
    busy: Busy = "fail",
    as_json: Json = False,
) -> int:
    """Find where the definition of the name at a place is used.

    Unlike `diptych refs`, which goes by name alone, other definitions of the same name are told apart.
    Exit code 1 if there are none.

    \b
    Examples:
      diptych references src/parser.py:15:12
      diptych references src/parser.py:15:12 --possible
    """
    from diptych.cli.questions import answer_stdin, require_one, session, show_answer

    require_one(place, stdin=stdin, what="FILE:LINE:COLUMN")
    with session(store, fresh, wait=wait, busy=busy, output_root=output_root) as asking:
        if place is None:
            return answer_stdin(lambda question: _answer(asking, question, possible, limit))
        return show_answer(
            _answer(asking, place, possible, limit),
            "references",
            _line,
            as_json=as_json,
            empty="no reference found, or no name there",
        )


def _answer(asking: Session, question: str, possible: bool, limit: int | None) -> dict[str, Any]:
    from diptych.serving.answers import references

    found = references(asking.source(), *asking.place(question))
    every = [*found.references, *(found.possible if possible else ())]
    return {
        "name": found.name,
        "references": [_document(one) for one in every[:limit]],
        "total": len(every),
        "possible": len(found.possible),
    }


def _document(found: Reference) -> dict[str, Any]:
    return {
        "path": found.path,
        "line": found.row + 1,
        "column": found.column + 1,
        "role": found.role,
        "inside": found.inside,
        "evidence": found.evidence,
        "text": found.text,
    }


def _line(found: dict[str, Any]) -> list[Part]:
    from diptych.cli.questions import place_part

    place = place_part(found["path"], found["line"] - 1, found["column"] - 1)
    inside = found["inside"] or "(file)"
    role = f" {found['role']} in "
    return [place, role, Styled(inside, "bold"), f"  [{found['evidence']}]  {found['text']}"]
