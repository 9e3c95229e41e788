"""`diptych changes`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from diptych.cli.arguments import Option
from diptych.cli.options import LSN_MAX, Json, StorePath
from diptych.cli.schemas import SchemaName, schema_of


def run(
    since: Annotated[
        int,
        Option("--since", bounds=(0, LSN_MAX), metavar="LSN", help="Only what was committed after this LSN."),
    ] = 0,
    store: StorePath = None,
    schema: SchemaName = None,
    as_json: Json = False,
) -> int:
    """List what was committed after an LSN.

    One line for each change of each transaction, oldest first: its LSN, what was done, and the path; in JSON
    one value for each transaction, with its metadata. As far back as the journal is kept; where that is not
    far enough, the error says how far it goes. Changes nothing. Exit code 1 if nothing was committed.

    \b
    Examples:
      diptych changes
      diptych changes --since 1 --json | jq '.[].changes[].path'
    """
    from diptych.cli.exit_codes import ExitCode
    from diptych.cli.output import array, line
    from diptych.cli.place import find_store
    from diptych.store.store import RecordStore

    found = False
    path = find_store(store)
    known = schema_of(path, schema)

    def transactions() -> Iterator[dict[str, Any]]:
        nonlocal found
        with RecordStore.open_with(path, known, create=False, read_only=True) as opened:
            for transaction in opened.changes(since):
                found = True
                yield {
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

    if as_json:
        array(transactions())
    else:
        for transaction in transactions():
            for text in lines(transaction):
                line(text)
    return ExitCode.DONE if found else ExitCode.FINDINGS


def lines(transaction: dict[str, Any]) -> Iterator[str]:
    """A transaction as lines of text."""
    import json

    lsn, metadata = transaction["lsn"], transaction["metadata"]
    if metadata:
        yield f"{lsn:>8}  metadata  {json.dumps(metadata, ensure_ascii=False)}"
    for change in transaction["changes"]:
        yield f"{lsn:>8}  {change['op']:<8}  {change['path']}"
