"""What there is in a store's directory, as a scan finds it: frozen values, and the files that it opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from diptych.change import Change, SegmentAdopted
from diptych.errors import IncompatibleStoreError
from diptych.journal.file import JournalFile
from diptych.journal.format import HEADER_SIZE, JournalHeader
from diptych.journal.reader import Tail
from diptych.schema.base import Schema
from diptych.segment.reader import Segment
from diptych.store.manifest import ClosedMark, Identity, ListedSegment, Manifest
from diptych.values import Value, field


class FoundTransaction(NamedTuple):
    """A complete transaction found in the journal."""

    lsn: int
    changes: list[Change]
    metadata: bytes = b""
    adopted: tuple[SegmentAdopted, ...] = ()


class FoundJournalFile(Value):
    """A file of the journal."""

    path: str
    first_lsn: int
    """By its name."""
    size: int = 0
    header: JournalHeader | None = None
    """None where it cannot be read."""
    problem: str = ""
    foreign: bool = False
    """Whether it belongs to another store."""
    read: bool = False
    """Whether its frames were read; older ones than are needed are not."""
    last_lsn: int = 0
    chain: int = 0
    end: int = HEADER_SIZE
    """After the last frame that ends a transaction, which is where a cut would be made."""
    tail: Tail | None = None
    unfinished: bool = False
    """Whether frames of a transaction without its last one are at the end."""
    transactions: tuple[FoundTransaction, ...] = ()
    """Those newer than what was asked for."""

    @property
    def misnamed(self) -> bool:
        """Whether its header says that another LSN is its first."""
        return self.header is not None and self.header.first_lsn != self.first_lsn

    @property
    def proven_lsn(self) -> int:
        """The LSN that the journal reached before it, as its header says; its name alone proves nothing."""
        return self.header.first_lsn - 1 if self.header is not None and not self.foreign else 0


class FoundSegment(Value):
    """A segment that a manifest lists, and what is wrong with each of its parts ("" when nothing is)."""

    path: str
    listed: ListedSegment
    seal_problem: str = ""
    records_problem: str = ""
    search_problem: str = ""
    undecodable: Mapping[bytes, str] = field(default_factory=dict)
    """By key, why a record that is intact does not decode under the schema, as far as was verified."""

    @property
    def usable(self) -> bool:
        """Whether one of the two halves is intact, as far as was verified."""
        return not (self.records_problem and self.search_problem)

    @property
    def damaged(self) -> bool:
        """Whether one of the two halves is not."""
        return bool(self.records_problem or self.search_problem)


class FoundGeneration(Value):
    """A generation: its manifest, what is wrong with that ("" when nothing is), and its segments."""

    path: str
    lsn: int
    """By its name."""
    revision: int
    """By its name: which one of this LSN it is."""
    manifest: Manifest | None = None
    problem: str = ""
    segments: tuple[FoundSegment, ...] = ()
    foreign: bool = False
    """Whether it belongs to another store."""

    @property
    def usable(self) -> bool:
        """Whether everything in it can be read, as far as was verified."""
        is_complete = self.manifest is not None and not self.problem
        return is_complete and all(segment.usable for segment in self.segments)

    @property
    def damaged_segments(self) -> list[FoundSegment]:
        """The segments of which a half is not intact."""
        return [segment for segment in self.segments if segment.damaged]


class Scan(Value):
    """All there is in a store's directory."""

    path: str
    identity: Identity | None = None
    identity_missing: bool = False
    """Whether there is no identity at all."""
    identity_problem: str = ""
    generations: tuple[FoundGeneration, ...] = ()
    """Newest first."""
    journal: tuple[FoundJournalFile, ...] = ()
    """Oldest first."""
    adopted: tuple[FoundSegment, ...] = ()
    """The segments that these transactions of the journal adopted."""
    segment_names: tuple[str, ...] = ()
    """What there is in the directory of segments."""
    unreferenced: tuple[str, ...] = ()
    """Below `segments/` and `incoming/`, what no manifest lists and no transaction of the journal adopted.

    Of `segments/` nothing where a manifest or the journal cannot be read.
    """
    journal_from: int = 0
    """The journal's transactions after this LSN were read."""
    closed: ClosedMark | None = None
    closed_problem: str = ""
    strays: tuple[Stray, ...] = ()
    temporaries: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    """Errors of the medium that were met twice, and are among what looks damaged."""
    incompatible: IncompatibleStoreError | None = None

    def segments(self) -> dict[str, FoundSegment]:
        """By path, the segments that a manifest lists or a transaction adopted."""
        listed = [segment for generation in self.generations for segment in generation.segments]
        return {segment.path: segment for segment in (*self.adopted, *listed)}

    def adopted_by(self, transaction: FoundTransaction) -> list[FoundSegment]:
        """The segments that a transaction adopted."""
        by_seal = {segment.listed.sealed: segment for segment in self.adopted}
        return [by_seal[entry.sealed] for entry in transaction.adopted]

    @property
    def store_id(self) -> bytes | None:
        """The store's id, by its identity or else by its newest manifest."""
        return store_id_of(self.identity, self.generations)


class Stray(NamedTuple):
    """What is not what its name says, and why it is no part of the store."""

    path: str
    reason: str


class OpenFiles(Value, frozen=False):
    """What a scan opened: journal files with an intact header, and segments with intact records."""

    schema: Schema[Any]
    """What segments are opened with."""
    journal: dict[str, JournalFile] = field(default_factory=dict)
    """By path."""
    segments: dict[str, Segment] = field(default_factory=dict)
    """By digest."""


def store_id_of(identity: Identity | None, generations: tuple[FoundGeneration, ...]) -> bytes | None:
    """The store's id, by its identity or else by its newest manifest."""
    known = [identity, *(g.manifest.identity for g in generations if g.manifest)]
    return next((some.store_id for some in known if some is not None), None)
