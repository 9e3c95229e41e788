"""`diptych backup`."""

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
    """Copy the store at one LSN, beside a running writer.

    The copy opens by itself, as any store. It is verified to the last byte and durable before it gets its
    name. Changes nothing in the store.

    \b
    Examples:
      diptych backup ../index-of-today
      diptych backup ../index-of-friday --store .diptych
    """
    import os

    from diptych.cli.output import document, line
    from diptych.cli.place import find_store
    from diptych.store.store import RecordStore

    where, source = os.path.abspath(path), find_store(store)
    found = schema_of(source, schema)
    with RecordStore.open_with(source, found, create=False, read_only=True) as opened:
        lsn = opened.backup(where)
    if as_json:
        document({"path": where, "lsn": lsn})
    else:
        line(f"backed up LSN {lsn:,} to {where}")
