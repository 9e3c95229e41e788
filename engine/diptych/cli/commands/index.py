"""`diptych index`."""

from __future__ import annotations

import os
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated

import typer

from diptych.cli.freshness import OutputRoot
from diptych.cli.options import FILE_BYTES_MAX, Json, Processes, Repository, StorePath, Timeout, patterns

if TYPE_CHECKING:
    from diptych.indexer import IndexReport
    from diptych.store.code import Store


def run(
    path: Repository = None,
    store: StorePath = None,
    output_root: OutputRoot = None,
    processes: Processes = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude",
            metavar="PATTERN",
            callback=patterns,
            help="Leave these out, as in .gitignore. Repeatable.",
        ),
    ] = None,
    max_file_bytes: Annotated[
        int,
        typer.Option(
            "--max-file-bytes", min=1, max=FILE_BYTES_MAX, metavar="N", help="Leave larger files out."
        ),
    ] = 2 * 1024 * 1024,
    parse_all: Annotated[bool, typer.Option("--all", help="Parse unchanged files too.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    timeout: Timeout = 0.0,
    as_json: Json = False,
) -> None:
    """Bring the store up to date with a repository's files.

    Files are found as git finds them, otherwise by a walk that honours .gitignore. What is unchanged is not
    read again. An interrupted run keeps what it committed, and the next one goes on from there.
    A store holds one repository: what is not below PATH is removed from it.

    \b
    Examples:
      diptych index
      diptych index ~/src/django --processes 2
      diptych index . --exclude 'vendor/' --exclude '*.min.js'
    """
    from diptych.cli.exit_codes import ExitCode
    from diptych.cli.output import note
    from diptych.cli.place import find_root, output_root_for, store_of
    from diptych.errors import InvalidArgumentError, StoreNotFoundError
    from diptych.indexer import Settings
    from diptych.store.code import Store
    from diptych.workspace.freshness import hide_from_git, update

    root = find_root(path)
    if not os.path.lexists(root):
        raise StoreNotFoundError(f"there is no folder {root}", advice="check the path")
    if not os.path.isdir(root):
        raise InvalidArgumentError(f"{root} is not a folder", advice="give the folder of a repository")
    settings = Settings(max_file_bytes=max_file_bytes, exclude=tuple(exclude or ()))
    below = output_root_for(store, output_root)
    where = store if store and below is None else store_of(root, below)
    with Store.open(where, lock_timeout_s=timeout) as opened:
        hide_from_git(opened.path)
        from diptych.cli.progress import Progressing

        with Progressing(shown=not quiet) as progressing:
            report = update(
                root,
                opened,
                processes=processes,
                settings=settings,
                parse_all=parse_all,
                progress=progressing.show,
            )
        _print(report, opened, as_json)
    if report.empty:
        note(f"diptych: {root} has no source files in a language that is known here")
        raise typer.Exit(ExitCode.FINDINGS)


def _print(report: IndexReport, store: Store, as_json: bool) -> None:
    from diptych.cli.output import document, line, plural, size

    if as_json:
        # Not asdict, which makes of a Counter one of pairs.
        figures = {field.name: getattr(report, field.name) for field in fields(report)}
        document({**figures, "store": store.path, "empty": report.empty})
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


def _languages(report: IndexReport) -> str:
    shown = ", ".join(f"{count:,} {name}" for name, count in report.languages.most_common())
    return shown or "none"
