"""Whether the store is up to date with the files on disk: what the next run of the indexer would change."""

from __future__ import annotations

import os
from collections.abc import Iterator

from diptych.indexer import Settings, facts
from diptych.indexer.discover import scan
from diptych.indexer.facts import Facts
from diptych.indexer.parse import read_regular
from diptych.indexer.plan import plan
from diptych.model import content_hash
from diptych.store.code import Store


def last_run(store: Store) -> Facts | None:
    """What the last run of the indexer saw, or None where that is not known."""
    return facts.load(store.path, store_id=store.store_id, lsn=store.lsn)


def changed(root: str, store: Store, known: Facts | None) -> Iterator[str]:
    """The files below `root` that are new, gone, or of another content than in the store.

    The settings are those of the last run. Raises OSError where `root` cannot be read.
    """
    settings = Settings()
    if known is not None:
        settings = Settings(**{**known.settings, "exclude": tuple(known.settings["exclude"])})
    stored = known.stored_hashes() if known is not None and known.lsn == store.lsn else {}
    if len(stored) != len(store):
        # The last run does not speak for the store as it is: each record says which content it is of.
        stored = {record.path: record.content_hash for record in store.files()}
    found = scan(root, settings, store_path=store.path)
    made = plan(found.files, known.files if known is not None else {}, stored)
    yield from made.removed
    for job in sorted(made.jobs):
        if not job.expected or _differs(root, job.path, job.expected, settings):
            yield job.path


def _differs(root: str, path: str, expected: str, settings: Settings) -> bool:
    try:
        data = read_regular(os.path.join(os.fsencode(root), os.fsencode(path)), settings.max_file_bytes)
    except OSError:
        # The indexer would pass over it.
        return False
    return data is not None and content_hash(data) != expected
