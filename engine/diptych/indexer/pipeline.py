"""A run of the indexer: scan, plan, parse, one transaction per batch, remove, and write the facts.

Where there is much to parse, as in a first run, the workers build segments of the records, and a transaction
adopts one: what this process does for each is then the same for any number of records.

What was committed stays when a run is interrupted. The next finds it by content hash, since the store is
then ahead of the facts, and goes on from there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from diptych import fs
from diptych.errors import InvalidRecordError
from diptych.indexer import facts as facts_file
from diptych.indexer import git, grammar_versions
from diptych.indexer.discover import left_out, scan
from diptych.indexer.fact_columns import Fact
from diptych.indexer.facts import Facts
from diptych.indexer.meter import Meter
from diptych.indexer.parse import Parsed, failed_hash, parse
from diptych.indexer.plan import Job, Plan, plan
from diptych.indexer.settings import IndexReport, Progress, Settings
from diptych.values import as_dict

if TYPE_CHECKING:
    from diptych.indexer.pool import Sealed, WarmWorkers
    from diptych.store.code import Store


def index_repository(
    root: str | os.PathLike[str],
    store: Store,
    *,
    processes: int | None = None,
    settings: Settings | None = None,
    parse_all: bool = False,
    progress: Callable[[Progress], None] | None = None,
    workers: WarmWorkers | None = None,
) -> IndexReport:
    """Bring `store` up to date with the files below `root`.

    `settings` None: those of the run before; they are the store's until they are changed.
    `processes` parse (as many as there are cores when None; 0: in this process). `parse_all` parses
    what is unchanged too. `progress` is called some ten times a second, and once at the end. A process that
    runs this again and again passes its `workers` (`diptych.indexer.pool.WarmWorkers`), so that a worker need
    not be started each time.

    Raises OSError when `root` cannot be read, and what the store's transactions raise; what was committed
    before that stays.
    """
    started_s = time.monotonic()
    run = _Run(os.fspath(root), store, settings, progress, workers)
    run.execute(cores() if processes is None else processes, parse_all)
    run.report.elapsed_s = time.monotonic() - started_s
    return run.report


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Batch(NamedTuple):
    """Files that are committed together, and the segment that has their records, if not the results do."""

    files: list[Parsed]
    segment: str = ""


class _Run:
    def __init__(
        self,
        root: str,
        store: Store,
        settings: Settings | None,
        progress: Callable[[Progress], None] | None,
        workers: WarmWorkers | None,
    ) -> None:
        self._workers = workers
        self.report = IndexReport(root)
        self._root = root
        self._store = store
        self._known = known = facts_file.load(store.path, store_id=store.store_id, lsn=store.lsn)
        self._settings = settings or facts_file.settings_in(known.settings if known else {})
        self._meter = Meter(progress)
        if self._settings.redact:
            # Here, where it is no fault of a file that it cannot be loaded.
            from diptych.secrets import require

            require()
        # Before the first look at a file: an edit after this must not be taken for seen.
        self._taken_ns = time.time_ns()
        before = found_by_git(store, known)
        self._found = scan(root, self._settings, store_path=store.path, before=before)
        self._seen: dict[str, Fact] = {}

    def execute(self, processes: int, parse_all: bool) -> None:
        """The whole run, in order."""
        store, report, known = self._store, self.report, self._known
        versions = grammar_versions.current()
        stored = self._stored()
        made = plan(
            self._found.files,
            known.files if known else {},
            stored,
            parse_all=parse_all or self._is_made_otherwise(versions),
            redact=self._settings.redact,
        )
        self._count(made)
        with closing(self._parsed(made.jobs, processes)) as results:
            for batch in self._batches(results, made.jobs):
                self._commit(batch, stored)
        self._remove(made.removed)
        report.lsn = store.lsn
        self._save(made, versions)
        changes = report.indexed + report.removed
        if changes and changes >= self._settings.checkpoint_changes:
            store.checkpoint()
            report.checkpointed = True

    def _is_made_otherwise(self, versions: dict[str, str]) -> bool:
        """Whether the same files would give other records than those in the store."""
        known, redact = self._known, self._settings.redact
        if known is None:
            # Who knows whether the records are redacted.
            return redact
        return known.indexer != versions or (known.settings.get("redact") is True) != redact

    def _stored(self) -> dict[str, str]:
        """The content hash of each record in the store."""
        store, known = self._store, self._known
        if known is not None and known.lsn == store.lsn:
            recorded = known.stored_hashes()
            if len(recorded) == len(store):
                return recorded
        # The facts do not speak for the store as it is: each record says which content it is of.
        return store.content_hashes() if len(store) else {}

    def _count(self, made: Plan) -> None:
        report, found = self.report, self._found
        found.count_in(report)
        if report.empty and report.notice is None:
            report.notice = left_out(self._root, self._settings, found)
        for path, fact in made.kept.items():
            if fact.skipped:
                report.count_skipped(path, fact.skipped)
            else:
                report.unchanged += 1
                report.count_errors(path, fact.error_bytes, fact.stat.size)

    def _parsed(self, jobs: list[Job], processes: int) -> Generator[Parsed | Sealed]:
        settings = self._settings
        if processes and sum(job.size for job in jobs) >= settings.build_bytes:
            from diptych.indexer.pool import built_in_workers

            return built_in_workers(
                jobs,
                self._root,
                self._store.path,
                processes=processes,
                max_file_bytes=settings.max_file_bytes,
                timeout_s=settings.worker_timeout_s,
            )
        # Without facts nobody knows whether one of the files kills its parser: let that be a worker.
        few = (
            self._known is not None
            and len(self._known.files) > 0
            and len(jobs) <= settings.in_process_files
            and sum(job.size for job in jobs) <= settings.in_process_bytes
            and all(job.size <= settings.in_process_file_bytes for job in jobs)
        )
        if processes and jobs and not few:
            # Imported here: a run that finds little changed starts no process.
            from diptych.indexer.pool import parsed_in_workers

            return parsed_in_workers(
                jobs,
                self._root,
                processes=processes,
                max_file_bytes=settings.max_file_bytes,
                timeout_s=settings.worker_timeout_s,
                workers=self._workers,
            )
        return self._parsed_here(jobs)

    def _parsed_here(self, jobs: list[Job]) -> Generator[Parsed]:
        with fs.Beneath(self._root) as tree:
            for job in jobs:
                yield parse(tree, job, self._settings.max_file_bytes)

    def _batches(self, results: Iterator[Parsed | Sealed], jobs: list[Job]) -> Iterator[Batch]:
        """The results in batches of bounded size, each segment as one."""
        settings = self._settings
        self._meter.begin(len(jobs), sum(job.size for job in jobs))
        batch: list[Parsed] = []
        batch_bytes = 0
        building: dict[str, Parsed] = {}
        """By path, the files whose segment is not complete."""
        for parsed in results:
            if not isinstance(parsed, Parsed):
                yield Batch([building.pop(path) for path in parsed.files], parsed.path)
                continue
            if building.pop(parsed.path, None) is None:
                # Otherwise a worker died, and it was parsed once more.
                self._meter.advance(parsed.size)
            if parsed.is_in_segment:
                building[parsed.path] = parsed
                continue
            batch.append(parsed)
            batch_bytes += len(parsed.payload)
            if len(batch) >= settings.batch_files or batch_bytes >= settings.batch_bytes:
                yield Batch(batch)
                batch, batch_bytes = [], 0
        if batch:
            yield Batch(batch)
        self._meter.finish()

    def _commit(self, batch: Batch, stored: Mapping[str, str]) -> None:
        """Commit a batch, and count it."""
        if batch.segment:
            with self._store.transaction() as txn:
                txn.adopt(batch.segment, trusted=True)
            self.report.transactions += 1
            for parsed in batch.files:
                self._settle(parsed)
        else:
            self._commit_files(batch.files, stored)

    def _commit_files(self, batch: list[Parsed], stored: Mapping[str, str]) -> None:
        """One transaction for a batch; none when nothing in it changes the store."""
        to_put = [parsed for parsed in batch if parsed.payload]
        refused: set[str] = set()
        # What cannot be parsed now must not be answered for by what it once was.
        to_remove = [parsed.path for parsed in batch if parsed.skipped and parsed.path in stored]
        if to_put or to_remove:
            with self._store.transaction() as txn:
                for parsed in to_put:
                    try:
                        txn.put_packed(parsed.path.encode("utf-8", "surrogateescape"), parsed.payload)
                    except InvalidRecordError:
                        refused.add(parsed.path)
                to_remove += [path for path in sorted(refused) if path in stored]
                for path in to_remove:
                    txn.remove_file(path)
            self.report.transactions += 1
            self.report.removed += len(to_remove)
        for parsed in batch:
            self._settle(parsed._replace(skipped="not storable") if parsed.path in refused else parsed)

    def _settle(self, parsed: Parsed) -> None:
        """Count a result, now that it is committed, and keep what it says for the facts."""
        report, digest, error_bytes = self.report, parsed.content_hash, parsed.error_bytes
        if parsed.skipped:
            report.count_skipped(parsed.path, parsed.skipped)
            digest = digest or failed_hash(self._root, parsed, self._settings.max_file_bytes)
        elif parsed.unchanged:
            report.unchanged += 1
            if self._known is not None and parsed.path in self._known.files:
                error_bytes = self._known.files[parsed.path].error_bytes
        else:
            report.indexed += 1
            report.symbols += parsed.symbols
            report.relations += parsed.relations
            report.parsed_bytes += parsed.size
        report.count_errors(parsed.path, error_bytes, parsed.size)
        if digest:
            stat = self._found.files[parsed.path][1]
            self._seen[parsed.path] = Fact(stat, digest, parsed.skipped, error_bytes)

    def _remove(self, paths: list[str]) -> None:
        for start in range(0, len(paths), self._settings.batch_files):
            part = paths[start : start + self._settings.batch_files]
            with self._store.transaction() as txn:
                for path in part:
                    txn.remove_file(path)
            self.report.transactions += 1
            self.report.removed += len(part)

    def _save(self, made: Plan, versions: dict[str, str]) -> None:
        """Write the facts, unless the file holds the same already."""
        known, store = self._known, self._store
        # What is kept was in the facts: as many are the same.
        same_files = known is not None and not self._seen and len(known.files) == len(made.kept)
        root, settings = os.path.realpath(self._root), as_dict(self._settings)
        source, largest = self._found.source, settings["max_file_bytes"]
        others = dict(self._found.other_suffixes)
        exclude, redact = settings["exclude"], settings["redact"]
        made_by = (store.lsn, versions, root, source, exclude, largest, redact, others, True)
        if known is not None and same_files and _made_by(known) == made_by:
            return
        # Not into another store, nor alone into the folder of one that was deleted.
        store.refuse_replaced()
        head = git.head(self._root)
        files = made.kept | self._seen
        facts_file.save(
            store.path,
            Facts(
                store_id=store.store_id,
                lsn=store.lsn,
                taken_ns=self._taken_ns,
                indexer=versions,
                files={path: files[path] for path in self._found.files if path in files},
                settings=settings,
                commit=head.commit,
                branch=head.branch,
                root=root,
                source=source,
                other_suffixes=others,
            ),
        )


def _made_by(known: Facts) -> tuple[object, ...]:
    settings = known.settings
    exclude = tuple(settings.get("exclude", ()))
    largest = settings.get("max_file_bytes")
    return (
        known.lsn,
        known.indexer,
        known.root,
        known.source,
        exclude,
        largest,
        settings.get("redact") is True,
        known.other_suffixes,
        known.complete,
    )


def found_by_git(store: Store, known: Facts | None) -> Collection[str] | None:
    """The files of the store, if git found them, as far as the facts tell; None if a walk did.

    Of a store without facts, or whose first run did not end, nobody knows: what is in it is not to be
    replaced for want of git.
    """
    if known is not None and known.complete:
        return known.files if known.source == "git" else None
    return [record.path for record in store.files()] if len(store) else None
