"""`diptych index`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

from diptych.cli.arguments import Option
from diptych.cli.freshness import OutputRoot, tell_forked
from diptych.cli.options import FILE_BYTES_MAX, Json, Processes, Repository, StorePath, Timeout, pattern
from diptych.values import as_dict, replace

if TYPE_CHECKING:
    from diptych.indexer import IndexReport

def run(
    path: Repository = None,
    store: StorePath = None,
    output_root: OutputRoot = None,
    processes: Processes = None,
    exclude: Annotated[
        list[str] | None,
        Option(
            "--exclude",
            metavar="PATTERN",
            parse=pattern,
            help="Exclude these, in .gitignore syntax. Repeatable. Default: as in the last run.",
        ),
    ] = None,
    max_file_bytes: Annotated[
        int | None,
        Option(
            "--max-file-bytes",
            bounds=(1, FILE_BYTES_MAX),
            metavar="N",
            help="Skip larger files. Default: as in the last run; 2 MiB at first.",
        ),
    ] = None,
    redact: Annotated[
        bool,
        Option("--redact", help="Store … in place of each secret. Default: as in the last run."),
    ] = False,
    reset: Annotated[
        bool, Option("--reset", help="Forget the last run's --exclude, --max-file-bytes and --redact.")
    ] = False,
    parse_all: Annotated[bool, Option("--all", help="Parse unchanged files too.")] = False,
    explain: Annotated[
        bool,
        Option(
            "--explain",
            help="Name the files with syntax errors, those skipped, and all suffixes without a parser.",
        ),
    ] = False,
    quiet: Annotated[bool, Option("--quiet", "-q", help="Show no progress.")] = False,
    timeout: Timeout = 0.0,
    as_json: Json = False,
) -> int:
    """Bring the store up to date with a repository's files.

    Git lists the files; without git, a walk that honours .gitignore. Unchanged files are not read again. An
    interrupted run keeps what it committed, and the next one continues from there. Where a keeper or a watch
    has the store, it does the work, and this waits for it.
    A store holds one repository: files not below PATH are removed from it. It remembers --exclude,
    --max-file-bytes and --redact until they are given again, or --reset.

    \b
    Examples:
      diptych index
      diptych index ~/src/django --processes 2
      diptych index . --exclude 'vendor/' --exclude '*.min.js'
    """
    from diptych.cli.exit_codes import ExitCode
    from diptych.cli.output import note, tell
    from diptych.cli.place import find_root, output_root_for, store_of
    from diptych.cli.progress import Progressing
    from diptych.errors import InvalidArgumentError, StoreNotFoundError
    from diptych.indexer import Settings
    from diptych.layout import KEEPER
    from diptych.store.code import Store
    from diptych.workspace.freshness import (
        fork_for_worktree,
        hide_from_git,
        recorded_settings,
        unchanged,
        update,
    )

    root = find_root(path)
    if not os.path.lexists(root):
        raise StoreNotFoundError(f"there is no folder {root}", advice="check the path")
    if not os.path.isdir(root):
        raise InvalidArgumentError(f"{root} is not a folder", advice="give the folder of a repository")
    below = output_root_for(store, output_root)
    where = store if store and below is None else store_of(root, below)
    forked = fork_for_worktree(root, where)
    if forked is not None:
        tell_forked(forked)
    report = None
    as_before = not (reset or parse_all or exclude or redact or max_file_bytes is not None)
    if as_before:
        report = unchanged(root, where)
    if report is None and os.path.lexists(os.path.join(where, KEEPER)):
        from diptych.workspace.keeper.asking import KEEPER_ENDS_S, end_keeper, indexed_by_keeper

        if as_before:
            with Progressing(shown=not quiet) as progressing:
                report = indexed_by_keeper(root, where, progressing.show)
        elif end_keeper(where):
            timeout = max(timeout, KEEPER_ENDS_S)
    if report is None:
        with Store.open(where, lock_timeout_s=timeout) as opened:
            hide_from_git(opened.path)
            settings = Settings() if reset else recorded_settings(opened)
            if exclude:
                settings = replace(settings, exclude=tuple(exclude))
            if max_file_bytes is not None:
                settings = replace(settings, max_file_bytes=max_file_bytes)
            if redact:
                settings = replace(settings, redact=True)
            with Progressing(shown=not quiet) as progressing:
                report = update(
                    root,
                    opened,
                    processes=processes,
                    settings=settings,
                    parse_all=parse_all,
                    progress=progressing.show,
                )
    _print(report, os.path.abspath(where), as_json=as_json, explain=explain)
    if report.notice is not None:
        tell(report.notice)
    if report.empty:
        note(f"diptych: {root} has no source files in a supported language")
        return ExitCode.FINDINGS
    return ExitCode.DONE


def _print(report: IndexReport, store: str, *, as_json: bool, explain: bool) -> None:
    from diptych.cli.output import document, line, plural, size
    from diptych.cli.unparsed import Unparsed, error_line, explained, suffix_line

    if as_json:
        figures = as_dict(report)
        figures["notice"] = as_dict(report.notice) if report.notice is not None else None
        document({**figures, "store": store, "empty": report.empty})
        return
    line(f"{report.root}: {plural(report.found, 'source file')} ({_languages(report)})")
    line(
        f"  {report.indexed:,} indexed, {report.unchanged:,} unchanged, {report.removed:,} removed"
        f" in {report.elapsed_s:.2f} s, LSN {report.lsn}"
    )
    if report.indexed:
        rate = report.parsed_bytes / max(report.elapsed_s, 1e-9)
        line(
            f"  {plural(report.symbols, 'symbol')} and {plural(report.relations, 'relation')}"
            f" from {size(report.parsed_bytes)} ({size(int(rate))}/s)"
        )
    if report.skipped:
        line("  skipped: " + ", ".join(f"{count:,} {why}" for why, count in report.skipped.most_common()))
    unparsed = Unparsed.of_report(report)
    for name, text in (("syntax errors", error_line(unparsed)), ("no parser", suffix_line(unparsed))):
        if text:
            line(f"  {name}: {text}")
    if explain:
        for text in explained(unparsed):
            line(text)


def _languages(report: IndexReport) -> str:
    shown = ", ".join(f"{count:,} {name}" for name, count in report.languages.most_common())
    return shown or "none"
