"""The result of verifying a version."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference.

    `kind`: "missing", "extra", "size", "content", "type", "unreadable", "manifest" or "store".
    `where`: the path inside the version. `severity`: "error", or "note" if nothing is wrong.
    """

    kind: str
    where: str
    message: str
    severity: str = "error"
    advice: str = ""


@dataclass(frozen=True, slots=True)
class VersionReport:
    """What `verify` found in one version. `bytes_read` counts the bytes hashed."""

    version: str
    findings: tuple[Finding, ...]
    files: int
    bytes_read: int
    elapsed_ms: float

    @property
    def ok(self) -> bool:
        """Whether the version is intact: there is no finding but notes."""
        return all(finding.severity == "note" for finding in self.findings)
