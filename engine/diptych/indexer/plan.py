"""Decide what a run has to do, from the files, the facts and the store. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from diptych.indexer.fact_columns import Fact, Stat
from diptych.indexer.facts import compare
from diptych.values import Value, field

_LARGE_BYTES = 128 * 1024


class Job(NamedTuple):
    """A file to read. If its hash is `expected`, it is not parsed again.

    Then it is in the store already, unless `known_as` says why it was skipped. With `redact`, secrets in it
    are replaced before it is parsed.
    """

    path: str
    language: str
    size: int
    expected: str = ""
    known_as: str = ""
    redact: bool = False


class Plan(Value, frozen=False):
    """The files to read, the unchanged ones, and those to remove from the store.

    `kept` are the facts of the unchanged files, for the next run.
    """

    jobs: list[Job] = field(default_factory=list)
    kept: dict[str, Fact] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)


def plan(
    files: Mapping[str, tuple[str, Stat]],
    facts: Mapping[str, Fact],
    stored: Mapping[str, str] | None,
    *,
    parse_all: bool = False,
    redact: bool = False,
) -> Plan:
    """Decide what to do with every file.

    `stored` maps each path in the store to the content hash of its record; None means that the store is
    unchanged since the facts, which then give the hashes. With `parse_all`, every file is parsed. `redact` is
    that of each job.
    """
    made = Plan()
    if stored is None:
        stored = {path: fact.content_hash for path, fact in facts.items() if not fact.skipped}
    compared = compare(facts, {path: stat for path, (_, stat) in files.items()})
    to_read = compared.in_doubt + compared.new
    for path in compared.unchanged:
        fact = facts[path]
        in_store = stored.get(path)
        current = in_store is None if fact.skipped else in_store == fact.content_hash
        if current and not parse_all:
            made.kept[path] = fact
        else:
            to_read.append(path)
    for path in to_read:
        language, stat = files[path]
        expected, known_as = stored.get(path, ""), ""
        if not expected and path in facts and facts[path].skipped:
            expected, known_as = facts[path].content_hash, facts[path].skipped
        known = ("", "") if parse_all else (expected, known_as)
        made.jobs.append(Job(path, language, stat.size, *known, redact))
    # Large files first, so that a run does not end with only one busy process.
    made.jobs.sort(key=lambda job: (-(job.size // _LARGE_BYTES), job.path))
    made.removed = sorted(path for path in stored if path not in files)
    return made


def chunks(jobs: list[Job], *, max_files: int, max_bytes: int, max_path_bytes: int) -> Iterator[list[Job]]:
    """Cut the jobs into runs of bounded size, each of at least one job."""
    chunk: list[Job] = []
    size = path_bytes = 0
    for job in jobs:
        path_size = 4 * len(job.path)
        too_much = size + job.size > max_bytes or path_bytes + path_size > max_path_bytes
        if chunk and (too_much or len(chunk) >= max_files):
            yield chunk
            chunk, size, path_bytes = [], 0, 0
        chunk.append(job)
        size += job.size
        path_bytes += path_size
    if chunk:
        yield chunk
