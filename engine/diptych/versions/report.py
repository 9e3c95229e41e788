"""What verifying a version found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference.

    `kind`: "missing", "extra", "size", "content", "type", "unreadable", "manifest" or "store".
    `where`: the path inside the version. `severity`: "error", or "note" where nothing is wrong.
    """

    kind: str
    where: str
    message: str
    severity: str = "error"
    advice: str = ""


@dataclass(frozen=True, slots=True)
class VersionReport:
    """What `verify` found in one version; `bytes_read` counts what was hashed."""

    version: str
    findings: tuple[Finding, ...]
    files: int
    bytes_read: int
    elapsed_ms: float

    @property
    def ok(self) -> bool:
        """Whether the version is whole: notes aside, there is no finding."""
        return all(finding.severity == "note" for finding in self.findings)
