"""Every error Diptych raises, as one tree, grouped by what the caller would do about it.

    DiptychError
    ├── CallerError                 the call was wrong; nothing was changed; correct it and call again
    │   ├── InvalidRecordError      (ValueError) a record, path or option that cannot be stored
    │   │   ├── InvalidPathError
    │   │   └── RecordTooLargeError
    │   ├── UnknownFileError        (KeyError) no such file in the store
    │   ├── QueryError              (ValueError) the query language does not know this
    │   ├── TransactionError        used twice, nested, or after its end
    │   ├── StateTransitionError    a state change that the table does not allow
    │   ├── StoreClosedError        the handle was closed
    │   ├── ForkedProcessError      the handle was opened before a fork, in the parent
    │   └── ReadOnlyError           a write through a handle opened for reading
    ├── OpenError                   this is not a store that can be opened here
    │   ├── StoreNotFoundError      (FileNotFoundError) nothing there, and create=False
    │   ├── NotAStoreError          something is there, and it is not a store
    │   ├── StoreLockedError        another process writes to it; `.pid` says which
    │   ├── TrackedStoreError       the repository tracks it: it came with a clone
    │   └── IncompatibleStoreError  a newer format, or another schema
    ├── CorruptionError             bytes on disk are not what was written; see `diptych verify`
    │   ├── CorruptJournalError
    │   ├── CorruptSnapshotError
    │   ├── CorruptSearchError
    │   └── CorruptStoreError       what is left cannot be opened without giving something up
    └── StorageError                (OSError) the operating system refused
        ├── StorageFullError        no space, or over quota: the transaction was rolled back
        ├── PoisonedError           an earlier failure left the outcome on disk unknown; reopen to recover
        ├── StoreReplacedError      the store was deleted, moved or replaced while it was open; reopen
        └── CommitInDoubtError      this commit may or may not survive; reopen to learn which

Each carries `advice`: what to do next, in a sentence, or "" where the message says it all.
"""

from __future__ import annotations


class DiptychError(Exception):
    """The root of the tree."""

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return self.message


class CallerError(DiptychError):
    """The call was wrong; nothing was changed."""


class InvalidRecordError(CallerError, ValueError):
    """A record that cannot be stored."""


class InvalidPathError(InvalidRecordError):
    """A path that is empty, absolute, or has a `.`, `..` or empty component, or a NUL."""


class RecordTooLargeError(InvalidRecordError):
    """A record over the size cap."""


class UnknownFileError(CallerError, KeyError):
    """No such file in the store."""


class QueryError(CallerError, ValueError):
    """A query that cannot be parsed or run."""


class TransactionError(CallerError):
    """A transaction used twice, nested, or after its end."""


class StateTransitionError(CallerError):
    """A state change that the table of transitions does not allow."""


class StoreClosedError(CallerError):
    """The handle was closed."""


class ForkedProcessError(CallerError):
    """The handle was opened in the parent process, before a fork."""


class ReadOnlyError(CallerError):
    """A write through a handle opened for reading."""


class OpenError(DiptychError):
    """What is at the path cannot be opened as a store here and now."""


class StoreNotFoundError(OpenError, FileNotFoundError):
    """Nothing is there, and it was not to be created."""


class NotAStoreError(OpenError):
    """Something is there, and it is not a Diptych store."""


class StoreLockedError(OpenError):
    """Another process (or handle) is the writer. `pid` is its process id, 0 when unknown."""

    def __init__(self, message: str, *, pid: int = 0, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.pid = pid


class TrackedStoreError(OpenError):
    """The repository around the store tracks it, so it was made elsewhere, perhaps by a stranger."""


class IncompatibleStoreError(OpenError):
    """A store of a newer format or of another schema."""


class CorruptionError(DiptychError):
    """Bytes on disk are not what was written. `where` names the file, or the file and offset."""

    def __init__(self, message: str, *, where: str = "", advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.where = where


class CorruptJournalError(CorruptionError):
    """A frame or a segment that was whole once is not any more."""


class CorruptSnapshotError(CorruptionError):
    """A damaged snapshot leaf or manifest."""


class CorruptSearchError(CorruptionError):
    """A damaged search leaf."""


class CorruptStoreError(CorruptionError):
    """What is left cannot be opened without giving something up: a matter for `repair`."""


class StorageError(DiptychError, OSError):
    """The operating system refused. `errno` is the original's."""

    def __init__(self, message: str, *, errno: int | None = None, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.errno = errno


class StorageFullError(StorageError):
    """No space left, or over quota. The transaction was rolled back; reads go on."""


class PoisonedError(StorageError):
    """An earlier failure left the outcome on disk unknown: this handle writes no more."""


class StoreReplacedError(StorageError):
    """The store's directory, its LOCK or its journal was deleted, moved or replaced while it was open.

    This handle writes no more, and wrote nothing into another store. A commit that raises it was not
    acknowledged; only where that happened in the middle of it may it survive, with the files that it is in.
    """


class CommitInDoubtError(StorageError):
    """This commit may or may not survive. Reopen the store, and look at `lsn`."""
