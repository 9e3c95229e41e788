"""Every error Diptych raises, as one tree, grouped by what the caller would do about it.

    DiptychError
    ├── CallerError                 the call was wrong; nothing was changed; correct it and call again
    │   ├── InvalidArgumentError    (ValueError) an option or argument that has no such value
    │   ├── InvalidRecordError      (ValueError) a record or path that cannot be stored
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
    │   └── CorruptStoreError       what is left cannot be opened without losing something
    └── StorageError                (OSError) the operating system refused
        ├── StorageFullError        no space, or over quota: the transaction was rolled back
        ├── PoisonedError           an earlier failure left the outcome on disk unknown; reopen to recover
        ├── StoreReplacedError      the store was deleted, moved or replaced while it was open; reopen
        ├── CommitInDoubtError      this commit may or may not survive; reopen to learn which
        └── CommitNotPublishedError this commit is durable, in the journal; no generation has it yet

Each carries `advice` (what to do next, in a sentence), `code` (a stable name, for programs) and `exit_code`
(what the command exits with). A released code keeps its meaning; new ones may be added.
"""

from __future__ import annotations


class DiptychError(Exception):
    """The root of the tree. `advice` defaults to that of the class."""

    code: str = "error"
    exit_code: int = 7
    default_advice: str = "report this defect, with the traceback that DIPTYCH_DEBUG=1 shows"

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
    default_advice = "correct the call, and call again: nothing was changed"


class InvalidArgumentError(CallerError, ValueError):
    """An option or argument that has no such value."""

    code = "invalid-argument"
    default_advice = "give a value that the message allows: nothing was changed"


class InvalidRecordError(CallerError, ValueError):
    """A record that cannot be stored."""

    code = "invalid-record"
    default_advice = "correct the record, and store it again"


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
    default_advice = "`diptych files` lists those there are"


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
    default_advice = "look at its `state`, and let what it is doing end first"


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
    """What is at the path cannot be opened as a store here and now."""

    code = "cannot-open"
    default_advice = "check the path, and that a store is there"


class StoreNotFoundError(OpenError, FileNotFoundError):
    """Nothing is there, and it was not to be created."""

    code = "store-not-found"
    exit_code = 3
    default_advice = "make one with `diptych index`, or name another with --store"


class NotAStoreError(OpenError):
    """Something is there, and it is not a Diptych store."""

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
    """The repository around the store tracks it, so it was made elsewhere, perhaps by a stranger."""

    code = "tracked-store"
    exit_code = 6
    default_advice = "name it with --store where you trust it, or index again into another place"


class IncompatibleStoreError(OpenError):
    """A store of a newer format or of another schema."""

    code = "incompatible-store"
    exit_code = 6
    default_advice = "open it with the program that made it, or index again into a new store"


class CorruptionError(DiptychError):
    """Bytes on disk are not what was written. `where` names the file, or the file and offset."""

    code = "corruption"
    exit_code = 5
    default_advice = "run `diptych verify --deep`; `diptych repair --dry-run` says what a repair would do"

    def __init__(self, message: str, *, where: str = "", advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.where = where


class CorruptJournalError(CorruptionError):
    """A frame or a segment that was intact once is not any more."""

    code = "corrupt-journal"


class CorruptSnapshotError(CorruptionError):
    """A damaged snapshot or manifest."""

    code = "corrupt-snapshot"


class CorruptSearchError(CorruptionError):
    """A damaged search index."""

    code = "corrupt-search"


class CorruptStoreError(CorruptionError):
    """What is left cannot be opened without losing something: a matter for `repair`."""

    code = "corrupt-store"


class StorageError(DiptychError, OSError):
    """The operating system refused. `errno` is the original's."""

    code = "storage"
    default_advice = "check the disk, and the rights at that path; then run it again"

    def __init__(self, message: str, *, errno: int | None = None, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.errno = errno


class StorageFullError(StorageError):
    """No space left, or over quota. The transaction was rolled back; reads continue."""

    code = "storage-full"
    default_advice = "free some space, and run it again"


class PoisonedError(StorageError):
    """An earlier failure left the outcome on disk unknown: this handle writes no more."""

    code = "poisoned"
    default_advice = "close the store and open it again: recovery tells what survived"


class StoreReplacedError(StorageError):
    """The store's directory, its LOCK or its journal was deleted, moved or replaced while it was open.

    This handle writes no more, and wrote nothing into another store. A commit that raises it was not
    acknowledged; only where that happened in the middle of it may it survive, with the files that it is in.
    """

    code = "store-replaced"
    default_advice = "close this handle and open the store again"


class CommitInDoubtError(StorageError):
    """This commit may or may not survive. Reopen the store, and look at `lsn`."""

    code = "commit-in-doubt"
    default_advice = "close the store and open it again: recovery tells whether the commit survived"


class CommitNotPublishedError(StorageError):
    """With durability "full": this commit is durable, in the journal, but no generation could be published.

    It was not rolled back, and must not be repeated.
    """

    code = "commit-not-published"
    default_advice = "do not repeat the commit; call checkpoint() when the cause is gone"
