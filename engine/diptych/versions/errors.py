"""The errors of versions. Each one also belongs to a category of `diptych.errors`.

VersionError (DiptychError)
├── InvalidVersionNameError     (CallerError, ValueError) a name that no version or asset may have
├── InvalidAssetError           (CallerError, ValueError) the source is not what the asset says it is
├── UnknownVersionError         (CallerError, KeyError) no version or asset of that name
├── VersionExistsError          (CallerError) the name is taken by a published version
├── VersionStateError           (CallerError) the version's state does not allow this
│   ├── IncompleteVersionError  its staging never finished
│   ├── NotPublishedError       staged only
│   ├── ImmutableVersionError   published, so it cannot change
│   └── CurrentVersionError     the current version cannot be removed
├── NoRollbackTargetError       (CallerError) no earlier version is left to go back to
├── VersionInUseError           (OpenError) a reader holds it, or it is being removed
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
    from diptych.versions.report import Finding


class VersionError(DiptychError):
    """The root of the version errors."""

    code = "version"
    exit_code = 2
    default_advice = "`diptych versions list` shows what there is"


class InvalidVersionNameError(VersionError, CallerError, ValueError):
    """A name that no version or asset may have."""

    code = "invalid-version-name"
    default_advice = "choose another name"


class InvalidAssetError(VersionError, CallerError, ValueError):
    """The source is missing, or is not what the asset says it is."""

    code = "invalid-asset"
    default_advice = "check the path and what is there, and stage again: nothing was staged"


class UnknownVersionError(VersionError, CallerError, KeyError):
    """No version or asset of that name."""

    code = "unknown-version"
    exit_code = 3


class VersionExistsError(VersionError, CallerError):
    """A published version already has that name."""

    code = "version-exists"
    default_advice = "choose another name"


class VersionStateError(VersionError, CallerError):
    """The version's state does not allow this."""

    code = "version-state"


class IncompleteVersionError(VersionStateError):
    """Its staging never finished."""

    code = "incomplete-version"
    default_advice = "stage it again"


class NotPublishedError(VersionStateError):
    """It is staged but not published yet."""

    code = "not-published"
    default_advice = "publish it first"


class ImmutableVersionError(VersionStateError):
    """It is published, so it cannot change."""

    code = "immutable-version"
    default_advice = "stage a new version from it"


class CurrentVersionError(VersionStateError):
    """It is the current version, which cannot be removed."""

    code = "current-version"
    default_advice = "publish another version, or roll back to one, first"


class NoRollbackTargetError(VersionError, CallerError):
    """No earlier version is left to go back to."""

    code = "no-rollback-target"
    exit_code = 3


class VersionInUseError(VersionError, OpenError):
    """A reader holds the version, or it is being removed."""

    code = "version-in-use"
    exit_code = 4
    default_advice = "close it there, and try again"


class EmbeddingMismatchError(VersionError, OpenError):
    """The version was made with another embedding model, dimension or metric."""

    code = "embedding-mismatch"
    exit_code = 6
    default_advice = "use that model, or build a version with yours"


class IncompatibleVersionError(VersionError, IncompatibleStoreError):
    """The manifest has a newer format."""

    code = "incompatible-version"
    exit_code = 6
    default_advice = "open it with a newer Diptych"


class CorruptVersionError(VersionError, CorruptionError):
    """The version's files are not what its manifest says. `findings` lists the differences."""

    code = "corrupt-version"
    exit_code = 5
    default_advice = "`diptych versions verify VERSION` says more; stage it again, or roll back to another"

    def __init__(
        self, message: str, *, where: str = "", advice: str = "", findings: Sequence[Finding] = ()
    ) -> None:
        super().__init__(message, where=where, advice=advice)
        self.findings = tuple(findings)


class AssetChangedError(VersionError, StorageError):
    """The source changed while it was being staged. Nothing was staged."""

    code = "asset-changed"
    exit_code = 7
    default_advice = "stage it again when nothing writes to it"
