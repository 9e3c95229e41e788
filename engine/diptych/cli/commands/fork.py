"""`diptych fork`."""

from __future__ import annotations

from typing import Annotated

from diptych.cli.arguments import Argument
from diptych.cli.options import Json, StorePath, not_empty
from diptych.cli.schemas import SchemaName, schema_of


def run(
    path: Annotated[str, Argument("PATH", parse=not_empty, help="Where to put it; nothing must be there.")],
    store: StorePath = None,
    schema: SchemaName = None,
    as_json: Json = False,
) -> None:
    """Make another store that shares this one's segments.

    It is made beside a running writer. It has an id of its own, and neither store sees what the other
    commits. Its segments are hard links, or verified copies on another file system. Changes nothing in the
    store.

    \b
    Examples:
      diptych fork ../fork-of-index
      diptych fork ../fork-of-another --store .diptych
    """
    import os

    from diptych.cli.output import document, line
    from diptych.cli.place import find_store
    from diptych.store.store import RecordStore

    where, source = os.path.abspath(path), find_store(store)
    found = schema_of(source, schema)
    with RecordStore.open_with(source, found, create=False, read_only=True) as opened:
        lsn = opened.fork(where)
        source = opened.path
    if as_json:
        document({"path": where, "lsn": lsn, "source": source})
    else:
        line(f"forked LSN {lsn:,} of {source} to {where}")
