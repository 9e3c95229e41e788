"""What a verdict rests on: values gathered from the disk, as plain data. No input or output here.

A field that is None was not looked at, because something cheaper had decided already.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from diptych.indexer.settings import Notice
from diptych.values import Value, field
from diptych.workspace.freshness.hints import Counts


class Problem(Enum):
    """Why a store cannot be read."""

    MISSING = "missing"
    INCOMPATIBLE = "incompatible"
    CORRUPT = "corrupt"


class Account(Enum):
    """What the indexer's facts say of the store."""

    COMPLETE = "complete"
    LAGGING = "lagging"
    """The store has been written to since: another writer, or a run that was cut short."""
    BEGUN = "begun"
    """A first run of the indexer was begun, and has not ended."""
    NONE = "none"
    """There is no facts file: no run of the indexer was ever finished here."""
    WORTHLESS = "worthless"
    """There is one, and it is damaged, or of another state of the store."""


class StoreFound(Value):
    """The store as opening it found it; `problem` is None where it could be read."""

    problem: Problem | None = None
    message: str = ""
    advice: str = ""
    store_id: str = ""
    lsn: int = 0
    records: int = 0
    damaged: bool = False
    """Whether something in it waits for a writer to heal it."""


class Recorded(Value):
    """What the last finished run of the indexer wrote down."""

    lsn: int = 0
    indexer: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    commit: str = ""
    branch: str = ""
    files: int = 0


class GitNow(Value):
    """What git says. `same_index`: every entry of its index is as it was when this was last recorded."""

    commit: str = ""
    branch: str = ""
    same_index: bool = False
    dirty: int = 0
    """Tracked files whose stat is not the one in git's index."""
    untracked: int = 0


class Differences(Value):
    """How the files on disk differ from the records in the store.

    `by` is "git" (its index vouched for the files that were not inspected) or "stat" (every file was
    inspected). Of `new`, `changed` and `gone` each is a list of paths; where there are many, not all:
    `unread` files were in doubt and left unread, since enough was known. `touched` are those whose stat
    proved nothing, and whose content is that of their record.
    """

    by: str
    files: int = 0
    looked_at: int = 0
    hashed: int = 0
    unread: int = 0
    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    touched: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many files are known to differ."""
        return len(self.new) + len(self.changed) + len(self.gone)


class Evidence(Value):
    """All of it, in the order in which it is gathered: cheapest first."""

    root: str
    """The repository; "" where none is known for the store."""
    store_path: str
    store: StoreFound = field(default_factory=StoreFound)
    account: Account = Account.COMPLETE
    recorded: Recorded = field(default_factory=Recorded)
    root_problem: str = ""
    """Why the repository cannot be looked at; "" where it can."""
    indexer: Mapping[str, str] | None = None
    settings: Mapping[str, Any] | None = None
    git: GitNow | None = None
    differences: Differences | None = None
    notice: Notice | None = None
    """What to report about how the files were found."""
    writer_pid: int | None = None
    """The process that holds the writer's lock; 0 where nobody does."""
    progress: Counts | None = None
    """How far that process is, if it runs the indexer and says so."""
