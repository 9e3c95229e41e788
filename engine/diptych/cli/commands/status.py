"""`diptych status`."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Annotated, Any

from diptych.cli.arguments import Option
from diptych.cli.freshness import OutputRoot
from diptych.cli.options import Json, StorePath, not_empty
from diptych.cli.schemas import SchemaName, schema_of

if TYPE_CHECKING:
    from diptych.cli.output import Part
    from diptych.indexer.facts import Facts
    from diptych.store.stats import Stats
    from diptych.workspace.keeper import KeeperState

_SHOWN = 5
# Rows about the repository that was indexed.
_OF_CODE = ("last indexed", "files found by", "settings", "syntax errors", "no parser")
_SOURCES = {"git": "git", "walk": "a walk under .gitignore", "": "unknown"}


def run(
    check: Annotated[
        bool, Option("--check", help="Compare with the files on disk; exit code 6 where they differ.")
    ] = False,
    explain: Annotated[
        bool,
        Option("--explain", help="Show each test for the freshness verdict, and what was not parsed."),
    ] = False,
    root: Annotated[
        str | None,
        Option(
            "--root",
            metavar="PATH",
            parse=not_empty,
            help="The repository. Default: the folder the store is in.",
        ),
    ] = None,
    store: StorePath = None,
    schema: SchemaName = None,
    output_root: OutputRoot = None,
    as_json: Json = False,
) -> int:
    """Show the contents and the state of the store.

    Counts, sizes, the newest LSN, the generations kept, the time of the last change, and what recovery found
    when this command opened the store: for example, that the search index had to replace a damaged snapshot.
    Then whether the index is fresh: whether indexing now would change nothing. Changes nothing.

    \b
    Examples:
      diptych status
      diptych status --check || diptych index
      diptych status --json | jq .counts.symbols
    """
    from diptych.cli.exit_codes import ExitCode
    from diptych.cli.freshness import differing, freshness_document, freshness_lines, located
    from diptych.cli.output import document, line
    from diptych.cli.unparsed import Unparsed, explained
    from diptych.errors import CorruptionError, OpenError
    from diptych.indexer import facts
    from diptych.schema.code import CODE
    from diptych.store.code import Store
    from diptych.store.store import RecordStore
    from diptych.workspace.freshness import gather, judge

    found_root, path = located(store, output_root, may_build=False)
    known_schema = schema_of(path, schema)
    if known_schema is not CODE:
        with RecordStore.open_with(path, known_schema, read_only=True) as other:
            return _show_other(other.stats(), as_json=as_json)
    root = root or found_root
    try:
        with Store.open(path, read_only=True) as opened:
            stats = opened.stats()
            known = facts.load(opened.path, store_id=opened.store_id, lsn=opened.lsn)
    except (CorruptionError, OpenError):
        evidence = gather(root, path).evidence
        verdict = judge(evidence)
        if as_json:
            document({"path": path, "freshness": freshness_document(verdict, evidence)})
        else:
            for text in freshness_lines(verdict, evidence, explain=explain):
                line(text)
        raise
    keeper = _keeper(stats.path)
    evidence = gather(root, stats.path, thorough=check).evidence
    verdict = judge(evidence)
    stale = differing(evidence)
    if as_json:
        run_of = None
        if known is not None and known.complete:
            made_with = {name: known.settings.get(name) for name in ("exclude", "max_file_bytes")}
            made_with["redact"] = known.settings.get("redact") is True
            found_by = {"commit": known.commit, "branch": known.branch, "source": known.source}
            gave = {"syntax_errors": known.with_errors(), "other_suffixes": known.other_suffixes}
            run_of = {**found_by, "settings": made_with, **gave}
        shown = {"last_run": run_of, "freshness": freshness_document(verdict, evidence)}
        shown["keeper"] = keeper.document() if keeper is not None else None
        document({**as_document(stats), **shown, **({"stale": stale} if check else {})})
    else:
        for parts in lines(stats, known):
            line(*parts)
        about = [*_imported_lines(stats.path), *_keeper_lines(keeper)]
        for text in (*about, *freshness_lines(verdict, evidence, explain=explain)):
            line(text)
        if explain:
            for text in explained(Unparsed.of_facts(known)):
                line(text)
        if check:
            line(freshness(stale))
    return ExitCode.INCOMPATIBLE if check and not verdict.fresh else ExitCode.DONE


def _show_other(stats: Stats, *, as_json: bool) -> int:
    """A store of another schema than that of code: no repository is known of it."""
    from diptych.cli.exit_codes import ExitCode
    from diptych.cli.output import document, line

    if as_json:
        document(as_document(stats))
    else:
        for parts in lines(stats, None):
            if str(parts[0]).partition(":")[0] not in _OF_CODE:
                line(*parts)
    return ExitCode.DONE


def _imported_lines(path: str) -> list[str]:
    """How much was imported with `diptych scip import`, if anything was."""
    from diptych.layout import PRECISE

    if not os.path.lexists(os.path.join(path, PRECISE)):
        return []
    from diptych.cli.output import plural
    from diptych.serving.precise import Precise

    precise = Precise(path)
    try:
        precise.begin()
        found = f"facts of {plural(len(precise), 'file')}; in backups, not in artifacts"
        return [f"{'imported:':<16} {found}"] if precise.is_there else []
    finally:
        precise.close()


def _keeper(path: str) -> KeeperState | None:
    """The process that keeps the index up to date, if one does."""
    from diptych.layout import KEEPER

    if not os.path.lexists(os.path.join(path, KEEPER)):
        return None
    from diptych.workspace.keeper import keeper_state

    return keeper_state(path)


def _keeper_lines(keeper: KeeperState | None) -> list[str]:
    if keeper is None:
        return []
    from diptych.cli.output import plural
    from diptych.workspace.coordinator import describe

    kind = "keeper" if keeper.is_keeper else "watch"
    waits = f", {plural(keeper.pending_count, 'changed file')} waiting" if keeper.pending_count else ""
    found = [f"{kind + ':':<16} process {keeper.pid}, {describe(keeper.state)}{waits}"]
    return [*found, *([f"{'':<16} {keeper.warning}"] if keeper.warning else [])]


def as_document(stats: Stats) -> dict[str, Any]:
    """The figures as a JSON value: sizes in bytes, times in milliseconds since 1970."""
    from diptych.cli.reports import finding_document
    from diptych.values import as_dict

    value = as_dict(stats)
    value["origin"] = None if stats.origin is None else as_dict(stats.origin)
    value["state"] = {**as_dict(stats.state), "status": stats.state.status.value}
    value["recovery"] = [finding_document(finding) for finding in stats.recovery]
    return value


def freshness(stale: list[str]) -> str:
    """A line about the files that differ."""
    if not stale:
        return f"{'files on disk:':<16} as in the store"
    shown = ", ".join(stale[:_SHOWN]) + (", …" if len(stale) > _SHOWN else "")
    return f"{'files on disk:':<16} {len(stale):,} differ from the store ({shown}): run `diptych index`"


def lines(stats: Stats, known: Facts | None) -> list[list[Part]]:
    """The figures for people."""
    from diptych.cli.output import plural, size
    from diptych.cli.reports import finding_lines
    from diptych.cli.unparsed import Unparsed, error_line, suffix_line

    unparsed = Unparsed.of_facts(known)
    noun = "file" if stats.schema == "code" else "record"
    counts = ", ".join(plural(count, name.removesuffix("s")) for name, count in stats.counts.items())
    total = stats.snapshot_bytes + stats.search_bytes + stats.journal_bytes
    rows = [
        ("store", stats.path),
        ("state", _state(stats)),
        ("holds", ", ".join(filter(None, (plural(stats.records, noun), counts)))),
        ("LSN", f"{stats.lsn:,} ({plural(stats.changes, 'change')} in the journal alone)"),
        ("generations", ", ".join(name.lstrip("0") or "0" for name in stats.generations) or "none yet"),
        ("snapshot", size(stats.snapshot_bytes)),
        ("search index", size(stats.search_bytes)),
        ("journal", size(stats.journal_bytes)),
        ("total", size(total)),
        ("last modified", _moment(stats.modified_ms)),
        ("created", _moment(stats.created_ms)),
        *([("consumers", _consumers(stats))] if stats.consumers else []),
        *([("metadata", _metadata(stats))] if stats.metadata_lsn else []),
        ("last indexed", _run(known)),
        ("files found by", _SOURCES[known.source if known is not None else ""]),
        ("settings", _settings(known)),
        ("syntax errors", error_line(unparsed) or "none"),
        ("no parser", suffix_line(unparsed) or "for no file"),
        ("id", f"{stats.store_id} (schema {stats.schema})"),
        ("content", stats.content_id or "not known before the next checkpoint"),
        *([("forked from", _origin(stats))] if stats.origin_id else []),
    ]
    if stats.checkpoint_error:
        rows.append(("last checkpoint", f"failed: {stats.checkpoint_error}"))
    shown: list[list[Part]] = [[f"{name + ':':<16} {value}"] for name, value in rows]
    if not stats.recovery:
        return [*shown, [f"{'recovery:':<16} nothing to do"]]
    found: list[list[Part]] = [
        ["  ", *parts] for finding in stats.recovery for parts in finding_lines(finding)
    ]
    return [*shown, ["recovery:"], *found]


def _consumers(stats: Stats) -> str:
    places = [(one.name, f"LSN {one.lsn:,}" if one.lsn >= 0 else "damaged") for one in stats.consumers]
    return ", ".join(f"{name} ({place})" for name, place in places)


def _origin(stats: Stats) -> str:
    of = f"{stats.origin_id}, LSN {stats.origin_lsn:,}"
    return f"{stats.origin.source} ({of})" if stats.origin is not None else of


def _metadata(stats: Stats) -> str:
    import json

    return f"{json.dumps(stats.metadata, ensure_ascii=False)} (LSN {stats.metadata_lsn:,})"


def _run(known: Facts | None) -> str:
    if known is None:
        return "unknown: the next `diptych index` compares every file"
    if not known.complete:
        return "not yet: the first run has not ended"
    if known.inherited:
        return f"not here yet: as the store it was forked from, commit {known.commit[:12] or 'unknown'}"
    when = _moment(known.taken_ns // 1_000_000)
    where = f" on {known.branch}" if known.branch else ""
    return f"{when}, commit {known.commit[:12]}{where}" if known.commit else when


def _settings(known: Facts | None) -> str:
    from diptych.cli.output import size
    from diptych.indexer.facts import settings_in

    settings = settings_in(known.settings if known is not None else {})
    left_out = ", ".join(settings.exclude) or "nothing"
    redacted = ", secrets redacted" if settings.redact else ""
    return f"files up to {size(settings.max_file_bytes)}, {left_out} excluded{redacted}"


def _state(stats: Stats) -> str:
    state = stats.state
    return f"{state.status.value}: {state.reason}" if state.reason else state.status.value


def _moment(milliseconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(milliseconds / 1000))
