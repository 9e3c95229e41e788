"""Questions about a place in a file: from `FILE:LINE:COLUMN` to an answer, one or many in a process."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from diptych.cli.arguments import Argument, Option
from diptych.cli.exit_codes import ExitCode
from diptych.cli.output import Part, Styled, document, json_line, line, note
from diptych.lazy import pattern

if TYPE_CHECKING:
    from diptych.serving.source import StoreSource
    from diptych.store.code import Store

_PLACE = pattern(r"(.+?):([0-9]{1,9})(?::([0-9]{1,9}))?", re.DOTALL)

Place = Annotated[
    str | None,
    Argument(
        "FILE:LINE:COLUMN",
        help="Where the name is written; line and column count from 1, columns in UTF-8 bytes.",
    ),
]
Stdin = Annotated[
    bool,
    Option("--stdin", help="Read one question a line, and write one JSON answer a line."),
]


class Asked(NamedTuple):
    """A place in a file of the repository; rows and columns from zero."""

    path: str
    row: int
    column: int


class Session:
    """A store opened for reading, and the files of its repository."""

    def __init__(self, store: Store) -> None:
        from diptych.serving.precise import Precise

        self._store = store
        self.root = root_of(store)
        self._precise = Precise(store.path)
        self._source: StoreSource | None = None
        self._lsn = -1

    def source(self) -> StoreSource:
        """What to ask, as of the newest commit."""
        from diptych.serving.files import Files
        from diptych.serving.source import StoreSource

        lsn = self._store.refresh()
        if self._source is None or lsn != self._lsn:
            files = self._source.files if self._source is not None else Files(self.root)
            self.close_view()
            self._source, self._lsn = StoreSource(self._store.view(), files, self._precise), lsn
        return self._source

    def close(self) -> None:
        """Read no more."""
        self.close_view()
        self._precise.close()

    def close_view(self) -> None:
        """Close the view, so that its generation can be removed."""
        if self._source is not None:
            self._source.view.close()

    def place(self, given: str) -> Asked:
        """The place that `FILE:LINE:COLUMN` names. Raises InvalidArgumentError."""
        from diptych.errors import InvalidArgumentError

        match = _PLACE.fullmatch(given)
        if match is None or match[3] is None or int(match[2]) < 1 or int(match[3]) < 1:
            raise InvalidArgumentError(
                f"{given!r:.200} is not a place",
                advice="give FILE:LINE:COLUMN, with line and column from 1, for example src/app.py:12:5",
            )
        return Asked(self.path(match[1]), int(match[2]) - 1, int(match[3]) - 1)

    def path(self, given: str) -> str:
        """A file's path as the store has it: relative to the repository. Raises InvalidArgumentError."""
        from diptych.errors import InvalidArgumentError

        root = os.path.realpath(self.root)
        folder, name = os.path.split(os.path.abspath(given))
        inside = os.path.relpath(os.path.join(os.path.realpath(folder), name), root)
        if inside == os.pardir or inside.startswith(os.pardir + os.sep) or "\0" in given:
            raise InvalidArgumentError(
                f"{given!r:.200} is not in the repository {root}", advice="name a file of the repository"
            )
        if not os.path.lexists(os.path.join(root, inside)) and given in self._store:
            # As the other commands print it, whatever the folder one is in.
            return given
        return inside


def root_of(store: Store) -> str:
    """The repository that a store is an index of: the folder it is in, or the one it was made from."""
    from diptych.indexer import facts
    from diptych.workspace.freshness import repository_of

    known = facts.load(store.path, store_id=store.store_id, lsn=store.lsn)
    recorded = known.root if known is not None else ""
    return repository_of(None, store.path, recorded) or os.path.dirname(store.path)


@contextmanager
def session(
    store: str | None, fresh: str, *, wait: float, busy: str, output_root: str | None
) -> Iterator[Session]:
    """A session on the store, as fresh as `fresh` requires."""
    from diptych.cli.freshness import open_fresh

    with open_fresh(store, fresh, wait=wait, busy=busy, output_root=output_root) as opened:
        asking = Session(opened)
        try:
            yield asking
        finally:
            asking.close()


def require_one(question: str | None, *, stdin: bool, what: str) -> None:
    """Raise InvalidArgumentError unless there is either a question or --stdin."""
    from diptych.errors import InvalidArgumentError

    if question is None and not stdin:
        raise InvalidArgumentError("there is no question", advice=f"give {what}, or --stdin")
    if question is not None and stdin:
        raise InvalidArgumentError("there are a question and --stdin", advice="give one of them")


def answer_stdin(answer: Callable[[str], Any]) -> ExitCode:
    """Answer each line of standard input with a line of JSON; an error is an answer too."""
    from diptych.cli.shell import describe
    from diptych.errors import DiptychError

    for raw in sys.stdin.buffer:
        question = raw.decode("utf-8", "surrogateescape").rstrip("\r\n")
        if not question.strip():
            continue
        try:
            found = answer(question)
        except DiptychError as error:
            failure = describe(error)
            found = {"error": {"code": failure.code, "message": failure.message, "advice": failure.advice}}
        json_line({"question": question, **found})
        sys.stdout.buffer.flush()
    return ExitCode.DONE


def show_answer(
    found: dict[str, Any], key: str, as_line: Callable[[Any], list[Part]], *, as_json: bool, empty: str
) -> ExitCode:
    """Print an answer, as a JSON document or as a line for each item. Returns the exit code."""
    if as_json:
        document(found)
    else:
        for item in found[key]:
            line(*as_line(item))
        if not found[key]:
            note(empty)
    return ExitCode.DONE if found[key] else ExitCode.FINDINGS


def place_part(path: str, row: int, column: int) -> Styled:
    """`path:line:column:`, counted from 1."""
    return Styled(f"{path}:{row + 1}:{column + 1}:", "cyan")
