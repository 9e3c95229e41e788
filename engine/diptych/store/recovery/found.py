"""What there is in a store's directory, as a scan finds it: values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from diptych.change import Change
from diptych.errors import IncompatibleStoreError
from diptych.journal.format import HEADER_SIZE, SegmentHeader
from diptych.journal.reader import Tail
from diptych.journal.segment import Segment
from diptych.snapshot.reader import SnapshotReader
from diptych.store.manifest import ClosedMark, Identity, Manifest


class FoundTransaction(NamedTuple):
    """A complete transaction found in the journal."""

    lsn: int
    changes: list[Change]


@dataclass(slots=True)
class FoundSegment:
    """A journal segment."""

    path: str
    first_lsn: int
    size: int = 0
    segment: Segment | None = None
    problem: str = ""
    read: bool = False
    """Whether its frames were read; older ones than are needed are not."""
    foreign: bool = False
    """Whether it belongs to another store."""
    last_lsn: int = 0
    chain: int = 0
    end: int = HEADER_SIZE
    """Behind the last frame that ends a transaction, which is where a cut would be made."""
    tail: Tail | None = None
    unfinished: bool = False
    """Whether whole frames of a transaction without its last one stand at the end."""
    transactions: list[FoundTransaction] = field(default_factory=list)
    """Those newer than what was asked for."""

    @property
    def header(self) -> SegmentHeader | None:
        """The header, when it is whole."""
        return self.segment.header if self.segment is not None else None

    @property
    def misnamed(self) -> bool:
        """Whether its header says that another LSN is its first."""
        return self.header is not None and self.header.first_lsn != self.first_lsn

    @property
    def proven_lsn(self) -> int:
        """The LSN that the journal reached before it, as its header says; its name alone proves nothing."""
        return self.header.first_lsn - 1 if self.header is not None and not self.foreign else 0


@dataclass(slots=True)
class FoundGeneration:
    """A generation: its manifest, and for each leaf what is wrong with it ("" when nothing is)."""

    path: str
    lsn: int
    mend: int
    manifest: Manifest | None = None
    problem: str = ""
    snapshot: SnapshotReader | None = None
    snapshot_problem: str = ""
    search_problem: str = ""
    foreign: bool = False
    """Whether it belongs to another store."""
    told_lsn: int | None = None
    """The LSN that a whole manifest has, where it is not that of the name."""

    @property
    def usable(self) -> bool:
        """Whether a leaf is whole, as far as was looked."""
        return self.manifest is not None and not (self.snapshot_problem and self.search_problem)


@dataclass(slots=True)
class Scan:
    """All there is in a store's directory."""

    path: str
    identity: Identity | None = None
    identity_problem: str = ""
    generations: list[FoundGeneration] = field(default_factory=list)
    """Newest first."""
    segments: list[FoundSegment] = field(default_factory=list)
    """Oldest first."""
    closed: ClosedMark | None = None
    closed_problem: str = ""
    strays: dict[str, str] = field(default_factory=dict)
    """What is not what its name says, by its path: why it is no part of the store."""
    temporaries: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    """Errors of the medium that were met twice, and are among what looks damaged."""
    journal_from: int = 0
    """The journal's transactions behind this LSN were read."""
    incompatible: IncompatibleStoreError | None = None

    @property
    def store_id(self) -> bytes | None:
        """The store's id, by its identity or else by its newest manifest."""
        known = [self.identity, *(g.manifest.identity for g in self.generations if g.manifest)]
        return next((identity.store_id for identity in known if identity is not None), None)
