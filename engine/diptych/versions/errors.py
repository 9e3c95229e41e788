"""What can go wrong with versions; each error also belongs to a category of `diptych.errors`.

    VersionError (DiptychError)
    ├── InvalidVersionNameError     (CallerError, ValueError) a name that no version or asset may have
    ├── InvalidAssetError           (CallerError, ValueError) the source is not what the asset says it is
    ├── UnknownVersionError         (CallerError, KeyError) no version, or no asset, of that name
    ├── VersionExistsError          (CallerError) the name is taken by a published version
    ├── VersionStateError           (CallerError) the version's state does not allow this
    │   ├── IncompleteVersionError  its staging never finished
    │   ├── NotPublishedError       staged only
    │   ├── ImmutableVersionError   published: it does not change any more
    │   └── CurrentVersionError     the current version cannot be removed
    ├── NoRollbackTargetError       (CallerError) no earlier version is left to go back to
    ├── VersionInUseError           (OpenError) a reader holds it, or somebody is removing it
    ├── EmbeddingMismatchError      (OpenError) made with another model, dimension or metric
    ├── IncompatibleVersionError    (IncompatibleStoreError) a manifest of a newer format
    ├── CorruptVersionError         (CorruptionError) its files are not what its manifest says
    └── AssetChangedError           (StorageError) the source changed while it was being staged
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from diptych.errors import (
    CallerError,
    CorruptionError,
    DiptychError,
    IncompatibleStoreError,
    OpenError,
    StorageError,
)

if TYPE_CHECKING:
    from diptych.versions.verify import Finding


class VersionError(DiptychError):
    """The root of the errors of versions."""


class InvalidVersionNameError(VersionError, CallerError, ValueError):
    """A name that no version or asset may have."""


class InvalidAssetError(VersionError, CallerError, ValueError):
    """The source is missing, or is not what the asset says it is."""


class UnknownVersionError(VersionError, CallerError, KeyError):
    """No version, or no asset in it, of that name."""


class VersionExistsError(VersionError, CallerError):
    """The name belongs to a published version already."""


class VersionStateError(VersionError, CallerError):
    """The version's state does not allow this."""


class IncompleteVersionError(VersionStateError):
    """Its staging never finished."""


class NotPublishedError(VersionStateError):
    """It is staged, and not published yet."""


class ImmutableVersionError(VersionStateError):
    """It is published, and does not change any more."""


class CurrentVersionError(VersionStateError):
    """It is the current version, which cannot be removed."""


class NoRollbackTargetError(VersionError, CallerError):
    """No earlier version is left to go back to."""


class VersionInUseError(VersionError, OpenError):
    """A reader holds the version, or somebody is removing it just now."""


class EmbeddingMismatchError(VersionError, OpenError):
    """The version was made with another embedding model, dimension or metric."""


class IncompatibleVersionError(VersionError, IncompatibleStoreError):
    """The manifest is of a newer format."""


class CorruptVersionError(VersionError, CorruptionError):
    """The version's files are not what its manifest says. `findings` tells each difference."""

    def __init__(
        self, message: str, *, where: str = "", advice: str = "", findings: Sequence[Finding] = ()
    ) -> None:
        super().__init__(message, where=where, advice=advice)
        self.findings = tuple(findings)


class AssetChangedError(VersionError, StorageError):
    """The source changed while it was being staged. Nothing was staged."""
