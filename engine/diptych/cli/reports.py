"""Findings and reports, as JSON values and as lines."""

from __future__ import annotations

from typing import Any

from diptych.cli.output import Part, Styled
from diptych.store.report import Finding, Report, Severity
from diptych.values import as_dict

_COLOURS = {Severity.NOTE: "blue", Severity.WARNING: "yellow", Severity.ERROR: "red"}


def finding_document(finding: Finding) -> dict[str, Any]:
    """A finding; its severity is "note", "warning" or "error"."""
    return {**as_dict(finding), "severity": finding.severity.value}


def report_document(report: Report) -> dict[str, Any]:
    """A report; `ok` is whether nothing is damaged."""
    return {
        **as_dict(report),
        "ok": report.ok,
        "findings": [finding_document(finding) for finding in report.findings],
    }


def finding_lines(finding: Finding) -> list[list[Part]]:
    """What was found, where, and what to do."""
    severity = Styled(finding.severity.value, _COLOURS[finding.severity])
    lines: list[list[Part]] = [[severity, f" {finding.kind}: {finding.message}"]]
    if finding.where not in finding.message:
        lines.append([f"  where: {finding.where}"])
    if finding.advice:
        lines.append([f"  do: {finding.advice}"])
    return lines
