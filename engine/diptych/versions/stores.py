"""Verify a Diptych store inside a version. The store's code is imported only here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from diptych.errors import CorruptionError, IncompatibleStoreError, OpenError
from diptych.versions.errors import InvalidAssetError
from diptych.versions.manifest import Manifest
from diptych.versions.report import Finding

if TYPE_CHECKING:
    from diptych.schema.base import Schema


def require_intact_store(path: str, schema: Schema[Any] | None) -> None:
    """Verify a store without reading every byte. The default schema is that of a code index.

    Raises InvalidAssetError if it is damaged, IncompatibleStoreError for another schema or a newer format,
    and StorageError.
    """
    from diptych.schema.code import CODE
    from diptych.store.report import Severity
    from diptych.store.verify import verify

    try:
        report = verify(path, deep=False, schema=schema or CODE)
    except IncompatibleStoreError:
        raise
    except (OpenError, CorruptionError) as error:
        raise InvalidAssetError(error.message, advice=error.advice) from error
    for finding in report.findings:
        if finding.severity is not Severity.NOTE:
            raise InvalidAssetError(
                f"the store is damaged: {finding.where}: {finding.message}",
                advice="run `diptych repair` on it, then stage it again",
            )


def check_stores(directory: str, manifest: Manifest) -> Iterator[Finding]:
    """The findings in each Diptych store of a version. Reads every byte. Raises StorageError."""
    from diptych.store.report import Severity
    from diptych.store.verify import verify

    for name, asset in sorted(manifest.assets.items()):
        if asset.kind != "store":
            continue
        try:
            findings = verify(os.path.join(directory, name), deep=True).findings
        except IncompatibleStoreError as error:
            yield Finding("store", name, f"not verified: {error.message}", severity="note")
        except (OpenError, CorruptionError) as error:
            yield Finding("store", name, error.message, advice=error.advice)
        else:
            for found in findings:
                severity = "note" if found.severity is Severity.NOTE else "error"
                where = f"{name}: {found.where}"
                yield Finding("store", where, found.message, severity=severity, advice=found.advice)
