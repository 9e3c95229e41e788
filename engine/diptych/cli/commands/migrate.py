"""`diptych migrate`."""

from __future__ import annotations

from typing import Annotated

from diptych.cli.arguments import Option
from diptych.cli.options import Json, StorePath, Timeout
from diptych.cli.schemas import SchemaName, schema_of


def run(
    records: Annotated[
        bool, Option("--records", help="Also write again each record of an older version of the schema.")
    ] = False,
    store: StorePath = None,
    schema: SchemaName = None,
    timeout: Timeout = 0.0,
    as_json: Json = False,
) -> None:
    """Bring the store up to date with its schema and with this Diptych.

    Where the schema has other search fields, indexes or counters than the store was written with, what is
    affected is rebuilt from the records. A store of an older format is migrated. Opening a store for writing
    does that too; this does nothing else. A kill at any moment leaves the store as it was, or up to date.

    Where two programs with different schemas have rebuilt the store in turn, both are refused: this says that
    the schema given here is the one to keep.

    Records of an older version of the schema are upgraded as they are read. With --records they are written
    again now, with the whole index.

    \b
    Examples:
      diptych migrate
      diptych migrate --records
    """
    from diptych.cli.output import document, line, plural
    from diptych.cli.place import find_store
    from diptych.store.rebuilt import forget
    from diptych.store.store import RecordStore

    path = find_store(store)
    found = schema_of(path, schema)
    forget(path)
    with RecordStore.open_with(path, found, create=False, lock_timeout_s=timeout) as opened:
        older = opened.stats().older_records
        if records and older:
            opened.checkpoint(compact=True)
            older = opened.stats().older_records
        stats = opened.stats()
    if as_json:
        document({"lsn": stats.lsn, "schema": stats.schema, "older_records": older})
    else:
        line(f"the store is up to date with schema {stats.schema}, at LSN {stats.lsn:,}")
        if older:
            line(f"{plural(older, 'record')} of an older version: upgraded as they are read")
