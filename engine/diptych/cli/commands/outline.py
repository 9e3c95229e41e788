"""`diptych outline`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from diptych.cli.arguments import Argument
from diptych.cli.freshness import WAIT_S, Busy, Fresh, OutputRoot, Wait
from diptych.cli.options import Json, StorePath
from diptych.cli.output import Part, Styled
from diptych.cli.questions import Stdin

if TYPE_CHECKING:
    from diptych.cli.questions import Session
    from diptych.serving.answers import Entry


def run(
    path: Annotated[str | None, Argument("FILE", help="A file of the repository.")] = None,
    stdin: Stdin = False,
    store: StorePath = None,
    output_root: OutputRoot = None,
    fresh: Fresh = "auto",
    wait: Wait = WAIT_S,
    busy: Busy = "fail",
    as_json: Json = False,
) -> int:
    """List the symbols of a file.

    Exit code 1 if there is nothing.

    \b
    Examples:
      diptych outline src/parser.py
      diptych outline src/parser.py --json
    """
    from diptych.cli.questions import answer_stdin, require_one, session, show_answer

    require_one(path, stdin=stdin, what="FILE")
    with session(store, fresh, wait=wait, busy=busy, output_root=output_root) as asking:
        if path is None:
            return answer_stdin(lambda question: _answer(asking, question))
        return show_answer(
            _answer(asking, path), "entries", _line, as_json=as_json, empty="nothing is defined there"
        )


def _answer(asking: Session, question: str) -> dict[str, Any]:
    from diptych.serving.answers import outline

    path = asking.path(question)
    return {"path": path, "entries": [_document(path, one) for one in outline(asking.source(), path)]}


def _document(path: str, entry: Entry) -> dict[str, Any]:
    return {
        "path": path,
        "line": entry.row + 1,
        "column": entry.column + 1,
        "end_line": entry.end_row + 1,
        "end_column": entry.end_column + 1,
        "kind": entry.kind,
        "name": entry.name,
        "depth": entry.depth,
    }


def _line(entry: dict[str, Any]) -> list[Part]:
    from diptych.cli.questions import place_part

    place = place_part(entry["path"], entry["line"] - 1, entry["column"] - 1)
    return [place, " " + "  " * entry["depth"] + f"{entry['kind']} ", Styled(entry["name"], "bold")]
