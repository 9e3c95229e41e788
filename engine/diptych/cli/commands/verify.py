"""`diptych verify`."""

from __future__ import annotations

from typing import Annotated

from diptych.cli.arguments import Option
from diptych.cli.options import Json, StorePath
from diptych.cli.schemas import SchemaName, schema_of


def run(
    deep: Annotated[
        bool, Option("--deep", help="Read every byte, and compare the snapshot with the search index.")
    ] = False,
    store: StorePath = None,
    schema: SchemaName = None,
    as_json: Json = False,
) -> int:
    """Look for damage, and change nothing.

    Checks the identity, manifests, file sizes and every frame of the journal. With --deep, also every byte of
    the snapshot and the search index. Takes no lock, so a writer can continue. Exit code 1 for findings, 0
    for notes alone.

    \b
    Examples:
      diptych verify
      diptych verify --deep --json
    """
    from diptych.cli.exit_codes import ExitCode
    from diptych.cli.output import document, line
    from diptych.cli.place import find_store
    from diptych.cli.reports import finding_lines, report_document
    from diptych.store.verify import verify

    path = find_store(store)
    found = schema_of(path, schema)
    report = verify(path, deep=deep, schema=found)
    if as_json:
        document(report_document(report))
    else:
        for finding in report.findings:
            for parts in finding_lines(finding):
                line(*parts)
        extent = "every byte was read" if deep else "snapshot and search index not read; --deep reads them"
        if deep and found.is_stand_in:
            extent = f"every byte was read; without the schema {found.name}, the stores were not compared"
        verdict = "nothing is damaged" if report.ok else "damaged"
        line(f"{report.path}: {verdict} up to LSN {report.lsn:,} ({extent})")
    if not report.ok:
        return ExitCode.FINDINGS
    return ExitCode.DONE
