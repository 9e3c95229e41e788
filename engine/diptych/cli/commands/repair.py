"""`diptych repair`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from diptych.cli.arguments import Option
from diptych.cli.options import Json, StorePath, Timeout
from diptych.cli.schemas import SchemaName, schema_of

if TYPE_CHECKING:
    from diptych.cli.output import Part
    from diptych.store.report import Report


def run(
    dry_run: Annotated[bool, Option("--dry-run", help="Only show what would be done.")] = False,
    store: StorePath = None,
    schema: SchemaName = None,
    timeout: Timeout = 0.0,
    as_json: Json = False,
) -> int:
    """Repair a damaged store, and list what was lost.

    Nothing is deleted: damaged files are moved to the store's quarantine folder. Exit code 1 if something
    was lost, or with --dry-run if something is damaged; otherwise 0.

    \b
    Examples:
      diptych repair --dry-run
      diptych repair
    """
    from diptych.cli.exit_codes import ExitCode
    from diptych.cli.output import document, line
    from diptych.cli.place import find_store
    from diptych.cli.reports import report_document
    from diptych.store.repair import repair

    path = find_store(store)
    report = repair(path, dry_run=dry_run, lock_timeout_s=timeout, schema=schema_of(path, schema))
    if as_json:
        document({**report_document(report), "dry_run": dry_run})
    else:
        for parts in lines(report, dry_run=dry_run):
            line(*parts)
    if report.given_up or (dry_run and not report.ok):
        return ExitCode.FINDINGS
    return ExitCode.DONE


def lines(report: Report, *, dry_run: bool) -> list[list[Part]]:
    """What was wrong, what was done, what was lost."""
    from diptych.cli.reports import finding_lines

    shown = [parts for finding in report.findings for parts in finding_lines(finding)]
    shown.append(["would do:" if dry_run else "did:"])
    shown += [[f"  {number}. {action}"] for number, action in enumerate(report.actions, 1)]
    if report.given_up:
        shown.append(["would lose:" if dry_run else "lost:"])
        shown += [[f"  {what}"] for what in report.given_up]
    if report.mended_from:
        verb = "would be repaired" if dry_run else "was repaired"
        shown.append([f"{report.path} {verb} from the {report.mended_from}, up to LSN {report.lsn:,}"])
    return shown
