"""`diptych checkpoint`."""

from __future__ import annotations

from typing import Annotated

from diptych.cli.arguments import Option
from diptych.cli.options import Json, StorePath, Timeout
from diptych.cli.schemas import SchemaName, schema_of


def run(
    store: StorePath = None,
    compact: Annotated[bool, Option("--compact", help="Rewrite all records, as few segments.")] = False,
    schema: SchemaName = None,
    timeout: Timeout = 0.0,
    as_json: Json = False,
) -> None:
    """Publish a generation with everything committed.

    Writers do this automatically. Do it by hand before a backup or a copy of the store.

    With --compact searches read few segments, and nothing of removed records is left in the new generation.

    \b
    Examples:
      diptych checkpoint
      diptych checkpoint --compact
    """
    from diptych.cli.output import document, line
    from diptych.cli.place import find_store
    from diptych.store.store import RecordStore

    path = find_store(store)
    found = schema_of(path, schema)
    with RecordStore.open_with(path, found, create=False, lock_timeout_s=timeout) as opened:
        before = opened.stats().generations
        lsn = opened.checkpoint(compact=compact)
        after = opened.stats().generations
    published = before != after
    if as_json:
        document({"lsn": lsn, "published": published, "generations": list(after)})
    elif published:
        line(f"published the generation of LSN {lsn:,}")
    else:
        line(f"nothing changed since the generation of LSN {lsn:,}" if lsn else "the store is empty")
