"""One changed file: parsed, and committed by itself."""

from __future__ import annotations

from contextlib import suppress

from diptych import fs
from diptych.errors import InvalidRecordError
from diptych.indexer import Settings
from diptych.indexer.discover import scan_names
from diptych.indexer.fact_columns import Fact, Stat
from diptych.indexer.parse import Parsed, failed_hash, parse
from diptych.indexer.plan import Job
from diptych.indexer.pool import WarmWorkers, parsed_in_workers
from diptych.store.code import Store
from diptych.workspace.host.facts import FactsKeeper


class SingleUpdates:
    """Brings the store up to date with single files of the repository at `root`.

    All but small files are parsed in a worker, which is kept for the next: a parser in this process
    could not be stopped.
    """

    def __init__(
        self, root: str, settings: Settings, facts: FactsKeeper, workers: WarmWorkers, *, in_process: bool
    ) -> None:
        self._root, self._settings = root, settings
        self._facts, self._workers = facts, workers
        self._in_process = in_process

    def index(self, store: Store, path: str, found: tuple[str, Stat] | None) -> None:
        """Parse the file and commit its record. `found`: its language and stat when it was listed, or None.

        One that is gone, or is no source file any more, loses its record. Raises StorageError,
        CorruptionError.
        """
        record = store.file(path)
        parsed = fact = None
        if found is not None:
            parsed, fact = self._parse(store, path, found, record.content_hash if record is not None else "")
            if parsed.unchanged:
                return
        if parsed is not None and parsed.payload:
            with suppress(InvalidRecordError):
                with self._facts.noting(store, path, fact), store.transaction() as txn:
                    txn.put_packed(path.encode("utf-8", "surrogateescape"), parsed.payload)
                return
            fact = fact and fact._replace(skipped="not storable")
        if record is not None:
            # It must not leave its stale record in the store.
            with self._facts.noting(store, path, fact), store.transaction() as txn:
                txn.remove_file(path)
        elif fact is not None:
            # Nothing to commit; but without an account of it, the index would never be fresh.
            with self._facts.noting(store, path, fact):
                pass

    def _parse(
        self, store: Store, path: str, found: tuple[str, Stat], known_hash: str
    ) -> tuple[Parsed, Fact | None]:
        """The parsed file, and the fact about it, where its stat could be taken."""
        settings = self._settings
        name = path.encode("utf-8", "surrogateescape")
        seen = scan_names(self._root, [name], settings, store_path=store.path).files.get(path)
        # The size of now: what was small when the files were last listed may be large.
        size = (found if seen is None else seen)[1].size
        parsed = self._parsed(Job(path, found[0], size, known_hash, redact=settings.redact))
        if parsed.unchanged or seen is None:
            return parsed, None
        digest = parsed.content_hash or failed_hash(self._root, parsed, settings.max_file_bytes)
        return parsed, Fact(seen[1], digest, parsed.skipped, parsed.error_bytes) if digest else None

    def _parsed(self, job: Job) -> Parsed:
        settings = self._settings
        if self._in_process or job.size <= settings.in_process_file_bytes:
            with fs.Beneath(self._root) as tree:
                return parse(tree, job, settings.max_file_bytes)
        (parsed,) = parsed_in_workers(
            [job],
            self._root,
            processes=1,
            max_file_bytes=settings.max_file_bytes,
            timeout_s=settings.worker_timeout_s,
            workers=self._workers,
        )
        return parsed
