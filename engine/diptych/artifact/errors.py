"""The errors of artifacts. Each one also belongs to a category of `diptych.errors`.

ArtifactError (DiptychError)
├── InvalidArtifactNameError    (CallerError, ValueError) a URL, ref or digest of a form that there is not
├── UnsupportedRemoteError      (CallerError) the remote cannot do that: it is read-only, or cannot list
├── SecretsFoundError           (CallerError) something in the index must not leave this machine
├── LocalChangesError           (CallerError) installing would lose commits of this store
├── UnknownArtifactError        (CallerError, KeyError) no such ref, manifest or remote
├── NoAncestorError             (CallerError) no commit before this one has an artifact
├── RefMovedError               (OpenError) another push moved the ref first
├── IncompatibleArtifactError   (IncompatibleStoreError) of a newer format, another schema or repository
├── UntrustedError              (OpenError) not signed by a trusted key, expired, or older than one seen
├── CorruptArtifactError        (CorruptionError) bytes are not what their name or their manifest says
│   └── MissingObjectError      a blob or manifest is gone
├── HostileArtifactError        (CorruptionError) a path or size that no artifact of Diptych has
├── RemoteUnavailableError      (StorageError) the remote does not answer
│   └── ThrottledError          it asks to wait longer than the timeout
└── AccessDeniedError           (StorageError) the remote refuses these credentials
"""

from __future__ import annotations

from diptych.errors import (
    CallerError,
    CorruptionError,
    DiptychError,
    IncompatibleStoreError,
    OpenError,
    StorageError,
)


class ArtifactError(DiptychError):
    """The root of the artifact errors."""

    code = "artifact"
    exit_code = 2
    default_advice = "`diptych artifact --help` shows what there is"


class InvalidArtifactNameError(ArtifactError, CallerError, ValueError):
    """A URL, ref or digest of a form that there is not."""

    code = "invalid-artifact-name"
    default_advice = "correct the name: nothing was changed"


class UnsupportedRemoteError(ArtifactError, CallerError):
    """The remote cannot do that: it is read-only, cannot list, or cannot compare and swap."""

    code = "unsupported-remote"
    default_advice = "use another remote for this: nothing was changed"


class SecretsFoundError(ArtifactError, CallerError):
    """Something in the index must not leave this machine."""

    code = "secrets-found"
    exit_code = 1
    default_advice = "rotate the secrets, then `diptych index --redact` and push again: nothing was sent"


class LocalChangesError(ArtifactError, CallerError):
    """Installing would lose commits that only this store has."""

    code = "local-changes"
    exit_code = 1
    default_advice = "`--rebase` indexes them again on top; `--replace` keeps this store aside"


class UnknownArtifactError(ArtifactError, CallerError, KeyError):
    """No such ref, manifest or remote."""

    code = "unknown-artifact"
    exit_code = 3
    default_advice = "`diptych artifact list` shows what the remote has"


class NoAncestorError(ArtifactError, CallerError):
    """No commit before this one has an artifact."""

    code = "no-ancestor"
    exit_code = 3
    default_advice = "`diptych index` builds the index here"


class RefMovedError(ArtifactError, OpenError):
    """Another push moved the ref first. What was uploaded is kept, and used by the next push."""

    code = "ref-moved"
    exit_code = 4
    default_advice = "run `diptych artifact sync`"


class IncompatibleArtifactError(ArtifactError, IncompatibleStoreError):
    """Of a newer format, another schema, or another repository."""

    code = "incompatible-artifact"
    exit_code = 6
    default_advice = "upgrade Diptych, or build the index here with `diptych index`"


class UntrustedError(ArtifactError, OpenError):
    """Not signed by a trusted key, expired, or older than one seen before."""

    code = "untrusted"
    exit_code = 6
    default_advice = "if you trust its maker, `diptych artifact key trust` says so"


class CorruptArtifactError(ArtifactError, CorruptionError):
    """Bytes are not what their name or their manifest says. Nothing was installed."""

    code = "corrupt-artifact"
    exit_code = 5
    default_advice = "run `diptych artifact verify` on the remote; nothing was installed"

    def __init__(self, message: str, *, where: str = "", advice: str = "") -> None:
        CorruptionError.__init__(self, message, where=where, advice=advice or self.default_advice)


class MissingObjectError(CorruptArtifactError):
    """A blob or a manifest is gone."""

    code = "missing-object"
    default_advice = "push the artifact again; nothing was installed"


class HostileArtifactError(ArtifactError, CorruptionError):
    """A path or size that no artifact of Diptych has."""

    code = "hostile-artifact"
    exit_code = 5
    default_advice = "do not use this remote: nothing was installed"

    def __init__(self, message: str, *, where: str = "", advice: str = "") -> None:
        CorruptionError.__init__(self, message, where=where, advice=advice or self.default_advice)


class RemoteUnavailableError(ArtifactError, StorageError):
    """The remote does not answer, or answers with a failure that may pass. Nothing was changed."""

    code = "remote-unavailable"
    exit_code = 7
    default_advice = "run it again: what was transferred is kept"

    def __init__(self, message: str, *, errno: int | None = None, advice: str = "") -> None:
        StorageError.__init__(self, message, errno=errno, advice=advice or self.default_advice)


class ThrottledError(RemoteUnavailableError):
    """The remote asks to wait longer than the timeout."""

    code = "throttled"
    default_advice = "run it again later, or give a longer --timeout"


class AccessDeniedError(ArtifactError, StorageError):
    """The remote refuses these credentials, or asks for some."""

    code = "access-denied"
    exit_code = 7
    default_advice = "check the credentials for this remote and their rights, then run it again"

    def __init__(self, message: str, *, errno: int | None = None, advice: str = "") -> None:
        StorageError.__init__(self, message, errno=errno, advice=advice or self.default_advice)
