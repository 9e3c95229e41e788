"""`diptych changes`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from diptych.cli.arguments import Option
from diptych.cli.options import LSN_MAX, Json, StorePath
from diptych.cli.schemas import SchemaName, schema_of

if TYPE_CHECKING:
    from diptych.store.feed.changes import CommittedTransaction


def run(
    since: Annotated[
        int,
        Option("--since", bounds=(0, LSN_MAX), metavar="LSN", help="Only what was committed after this LSN."),
    ] = 0,
    store: StorePath = None,
    follow: Annotated[
        bool, Option("--follow", "-f", help="Stay, and print each transaction when it is committed.")
    ] = False,
    schema: SchemaName = None,
    as_json: Json = False,
) -> int:
    """List what was committed after an LSN.

    One line for each change of each transaction, oldest first: its LSN, what was done, and the path; in JSON
    one value for each transaction, with its metadata. As far back as the journal is kept; where that is not
    far enough, the error says how far it goes. Changes nothing. Exit code 1 if nothing was committed.

    With --follow it ends when it is interrupted, and prints a JSON value a line.

    \b
    Examples:
      diptych changes
      diptych changes --since 1 --json | jq '.[].changes[].path'
    """
    from diptych.cli.exit_codes import ExitCode
    from diptych.cli.output import array, json_line, line
    from diptych.cli.place import find_store
    from diptych.store.store import RecordStore

    found = False
    path = find_store(store)
    known = schema_of(path, schema)

    def transactions() -> Iterator[dict[str, Any]]:
        nonlocal found
        with RecordStore.open_with(path, known, create=False, read_only=True) as opened:
            feed = opened.changes(since)
            while True:
                for transaction in feed:
                    found = True
                    yield _document(transaction)
                if not follow:
                    return
                sys.stdout.flush()
                opened.wait(feed.lsn + 1)

    if as_json and not follow:
        array(transactions())
        return ExitCode.DONE if found else ExitCode.FINDINGS
    for transaction in transactions():
        if as_json:
            json_line(transaction)
        else:
            for text in lines(transaction):
                line(text)
    return ExitCode.DONE if found else ExitCode.FINDINGS


def _document(transaction: CommittedTransaction[Any]) -> dict[str, Any]:
    return {
        "lsn": transaction.lsn,
        "metadata": transaction.metadata,
        "changes": [
            {
                "op": "removed" if change.is_removal else "indexed",
                "path": change.key.decode("utf-8", "surrogateescape"),
            }
            for change in transaction.changes
        ],
    }


def lines(transaction: dict[str, Any]) -> Iterator[str]:
    """A transaction as lines of text."""
    import json

    lsn, metadata = transaction["lsn"], transaction["metadata"]
    if metadata:
        yield f"{lsn:>8}  metadata  {json.dumps(metadata, ensure_ascii=False)}"
    for change in transaction["changes"]:
        yield f"{lsn:>8}  {change['op']:<8}  {change['path']}"
