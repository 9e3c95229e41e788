"""`diptych checkpoint`."""

from __future__ import annotations

from diptych.cli.options import Json, StorePath, Timeout


def run(store: StorePath = None, timeout: Timeout = 0.0, as_json: Json = False) -> None:
    """Publish a generation with all that was committed.

    Writers do this by themselves in time; by hand it is for before a backup or a copy of the store.

    \b
    Example:
      diptych checkpoint
    """
    from diptych.cli.output import document, line
    from diptych.cli.place import find_store
    from diptych.store.code import Store

    with Store.open(find_store(store), create=False, lock_timeout_s=timeout) as opened:
        before = opened.stats().generations
        lsn = opened.checkpoint()
        after = opened.stats().generations
    published = before != after
    if as_json:
        document({"lsn": lsn, "published": published, "generations": list(after)})
    elif published:
        line(f"published the generation of LSN {lsn:,}")
    else:
        line(f"nothing changed since the generation of LSN {lsn:,}" if lsn else "the store is empty")
