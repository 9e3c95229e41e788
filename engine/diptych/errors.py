"""Every error Diptych raises, as one tree, grouped by what the caller can do about it.

    DiptychError
    ├── CallerError                 the call was wrong; nothing was changed; correct it and call again
    │   ├── InvalidArgumentError    (ValueError) an option or argument with an invalid value
    │   ├── InvalidRecordError      (ValueError) a record or path that cannot be stored
    │   │   ├── InvalidPathError
    │   │   └── RecordTooLargeError
    │   ├── UnknownFileError        (KeyError) no such file in the store
    │   ├── ConflictError           a record is not the one that a conditional write expected
    │   ├── ChangesNotKeptError     (LookupError) the journal does not go back so far
    │   ├── QueryError              (ValueError) not valid in the query language
    │   ├── TransactionError        used twice, nested, or after its end
    │   ├── StateTransitionError    a state change that the table does not allow
    │   ├── StoreClosedError        the handle was closed
    │   ├── ForkedProcessError      the handle was opened before a fork, in the parent
    │   └── ReadOnlyError           a write through a handle opened for reading
    ├── OpenError                   the store cannot be opened here and now
    │   ├── StoreNotFoundError      (FileNotFoundError) nothing there, and create=False
    │   ├── NotAStoreError          something else is there
    │   ├── StoreLockedError        another process writes to it; `.pid` says which
    │   ├── TrackedStoreError       the repository tracks it: it came with a clone
    │   └── IncompatibleStoreError  a newer format, or another schema
    ├── CorruptionError             bytes on disk are not what was written; see `diptych verify`
    │   ├── CorruptJournalError
    │   ├── CorruptSnapshotError
    │   ├── CorruptSearchError
    │   └── CorruptStoreError       it cannot be opened without losing data
    └── StorageError                (OSError) the operating system reported an error
        ├── StorageFullError        no space, or over quota: the transaction was rolled back
        ├── PoisonedError           an earlier failure left the outcome on disk unknown; reopen to recover
        ├── StoreReplacedError      the store was deleted, moved or replaced while it was open; reopen
        ├── CommitInDoubtError      this commit may or may not survive; reopen to find out
        └── CommitNotPublishedError this commit is durable in the journal, but no generation has it

Each has `advice` (what to do next), `code` (a stable name for programs) and `exit_code` (of the command). A
released code keeps its meaning; new ones may be added.
"""

from __future__ import annotations


class DiptychError(Exception):
    """The root of the tree. `advice` defaults to the advice of the class."""

    code: str = "error"
    exit_code: int = 7
    default_advice: str = "report this bug, with the traceback that DIPTYCH_DEBUG=1 shows"

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice or self.default_advice

    def __str__(self) -> str:
        return self.message


class CallerError(DiptychError):
    """The call was wrong; nothing was changed."""

    code = "caller-error"
    exit_code = 2
    default_advice = "correct the call and try again: nothing was changed"


class InvalidArgumentError(CallerError, ValueError):
    """An option or argument with an invalid value."""

    code = "invalid-argument"
    default_advice = "give a valid value: nothing was changed"


class InvalidRecordError(CallerError, ValueError):
    """A record that cannot be stored."""

    code = "invalid-record"
    default_advice = "correct the record and store it again"


class InvalidPathError(InvalidRecordError):
    """A path that is empty, absolute, or has a `.`, `..` or empty component, or a NUL."""

    code = "invalid-path"
    default_advice = "give a path relative to the repository's root, as git writes it"


class RecordTooLargeError(InvalidRecordError):
    """A record over the size cap."""

    code = "record-too-large"
    default_advice = "leave out part of it, or skip the file"


class UnknownFileError(CallerError, KeyError):
    """No such file in the store."""

    code = "unknown-file"
    exit_code = 3
    default_advice = "`diptych files` lists the files in the store"


class ConflictError(CallerError):
    """A record is not the one that a conditional write expected."""

    code = "conflict"
    default_advice = "read it again, and decide again"


class ChangesNotKeptError(CallerError, LookupError):
    """The changes after an LSN are not all kept. `oldest_lsn` is the oldest that changes are kept after."""

    code = "changes-not-kept"
    exit_code = 3
    default_advice = "read the whole store, and follow it from its `lsn` on; with a name, the journal is kept"

    def __init__(self, message: str, *, oldest_lsn: int = 0, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.oldest_lsn = oldest_lsn


class QueryError(CallerError, ValueError):
    """A query that cannot be parsed or run."""

    code = "query"
    default_advice = "`diptych search --help` shows the query language"


class TransactionError(CallerError):
    """A transaction used twice, nested, or after its end."""

    code = "transaction"
    default_advice = "begin a new one with `store.transaction()`, and use it inside its `with` block"


class StateTransitionError(CallerError):
    """A state change that the table of transitions does not allow."""

    code = "state-transition"
    default_advice = "look at its `state`, and wait until the current operation ends"


class StoreClosedError(CallerError):
    """The handle was closed."""

    code = "store-closed"
    default_advice = "open it again"


class ForkedProcessError(CallerError):
    """The handle was opened in the parent process, before a fork."""

    code = "forked-process"
    default_advice = "open the store again in the child"


class ReadOnlyError(CallerError):
    """A write through a handle opened for reading."""

    code = "read-only"
    default_advice = "open it for writing, with read_only=False"


class OpenError(DiptychError):
    """The store cannot be opened here and now."""

    code = "cannot-open"
    default_advice = "check that the path names a store"


class StoreNotFoundError(OpenError, FileNotFoundError):
    """Nothing is there, and create=False."""

    code = "store-not-found"
    exit_code = 3
    default_advice = "make one with `diptych index`, or name another with --store"


class NotAStoreError(OpenError):
    """Something else than a Diptych store is there."""

    code = "not-a-store"
    exit_code = 6
    default_advice = "choose an empty or a new directory"


class StoreLockedError(OpenError):
    """Another process (or handle) is the writer. `pid` is its process id, 0 when unknown."""

    code = "store-locked"
    exit_code = 4
    default_advice = "wait until it is done, or give a longer timeout"

    def __init__(self, message: str, *, pid: int = 0, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.pid = pid


class TrackedStoreError(OpenError):
    """The repository tracks the store, so it was made elsewhere, perhaps by an attacker."""

    code = "tracked-store"
    exit_code = 6
    default_advice = "name it with --store if you trust it, or index again into another place"


class IncompatibleStoreError(OpenError):
    """A store with a newer format or another schema."""

    code = "incompatible-store"
    exit_code = 6
    default_advice = "open it with the program that made it, or index again into a new store"


class CorruptionError(DiptychError):
    """Bytes on disk are not what was written. `where` names the file, or the file and offset."""

    code = "corruption"
    exit_code = 5
    default_advice = "run `diptych verify --deep`; `diptych repair --dry-run` shows what a repair would do"

    def __init__(self, message: str, *, where: str = "", advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.where = where


class CorruptJournalError(CorruptionError):
    """A frame or a segment that was intact is damaged."""

    code = "corrupt-journal"


class CorruptSnapshotError(CorruptionError):
    """A damaged snapshot or manifest."""

    code = "corrupt-snapshot"


class CorruptSearchError(CorruptionError):
    """A damaged search index."""

    code = "corrupt-search"


class CorruptStoreError(CorruptionError):
    """The store cannot be opened without losing data: run `repair`."""

    code = "corrupt-store"


class StorageError(DiptychError, OSError):
    """The operating system reported an error, whose `errno` this has."""

    code = "storage"
    default_advice = "check the disk and the permissions of that path, then run it again"

    def __init__(self, message: str, *, errno: int | None = None, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.errno = errno


class StorageFullError(StorageError):
    """No space left, or over quota. The transaction was rolled back; reads continue."""

    code = "storage-full"
    default_advice = "free some space, then run it again"


class PoisonedError(StorageError):
    """An earlier failure left the state on disk unknown, so this handle cannot write any more."""

    code = "poisoned"
    default_advice = "close the store and open it again: recovery finds what survived"


class StoreReplacedError(StorageError):
    """The store's directory, its LOCK or its journal was deleted, moved or replaced while it was open.

    This handle cannot write any more, and wrote nothing to another store. A commit that raises this error was
    not acknowledged. It survives only if that happened during the commit, and only with the files it is in.
    """

    code = "store-replaced"
    default_advice = "close this handle and open the store again"


class CommitInDoubtError(StorageError):
    """This commit may or may not survive. Reopen the store, and look at `lsn`."""

    code = "commit-in-doubt"
    default_advice = "close the store and open it again: recovery finds whether the commit survived"


class CommitNotPublishedError(StorageError):
    """With durability "full": this commit is durable in the journal, but publishing a generation failed.

    It was not rolled back, and must not be repeated.
    """

    code = "commit-not-published"
    default_advice = "do not repeat the commit; call checkpoint() when the cause is fixed"
