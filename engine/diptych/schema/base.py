"""The contract between the storage core and a schema.

The core knows keys (bytes), payloads (opaque bytes, one per key), terms (bytes under which a payload, or an
item in it, is found by exact match) and search documents (text fields). What any of these mean, only the
schema knows. All methods are pure: the same argument gives the same answer in every process.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeVar

from blake3 import blake3

from diptych.errors import InvalidRecordError

Record = TypeVar("Record")
Buffer = bytes | memoryview

# The core's own search fields begin with this; a schema's must not.
RESERVED_PREFIX = "_"
MAX_KEY_BYTES = 65_535


class Field(NamedTuple):
    """One text field of a search document.

    `tokens`: "code" splits at what is not a letter or digit and lower-cases; "exact" keeps the value whole.
    """

    name: str
    tokens: Literal["code", "exact"] = "code"


class Projection(NamedTuple):
    """All that the stores derive from a payload: what `counts`, `terms` and `documents` give."""

    counts: tuple[int, ...]
    terms: Sequence[Iterable[tuple[bytes, int]]]
    documents: Iterable[tuple[int, dict[str, str]]]


class Schema(ABC, Generic[Record]):
    """How one kind of record is packed, found and searched.

    `version` rises when payloads, terms or documents change: a store made by another version is refused.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    fields: ClassVar[tuple[Field, ...]]
    """The search fields, in order."""
    default_fields: ClassVar[dict[str, float]]
    """The fields a query searches when it names none, each with its boost."""
    any_case_fields: ClassVar[frozenset[str]] = frozenset()
    """The exact fields whose values a query may write in upper or lower case."""
    indexes: ClassVar[tuple[str, ...]]
    """The exact-match indexes, in the order in which `terms` fills them."""
    counters: ClassVar[tuple[str, ...]]
    """What `counts` counts, by name."""

    def fingerprint(self) -> str:
        """32 hexadecimal digits that differ when anything the stored bytes rest on differs."""
        facts = (self.name, self.version, self.fields, self.indexes, self.counters)
        return blake3(repr(facts).encode()).hexdigest(16)

    @abstractmethod
    def key(self, name: str) -> bytes:
        """The key of what a caller calls `name`. Raises InvalidRecordError for a name that cannot be one."""

    def check_key(self, key: bytes) -> None:
        """Raise InvalidRecordError for a key that `key` would not give."""
        if type(key) is not bytes or not 0 < len(key) <= MAX_KEY_BYTES:
            raise InvalidRecordError(f"a key has 1 to {MAX_KEY_BYTES:,} bytes")

    @abstractmethod
    def key_of(self, record: Record) -> bytes:
        """The key of a record. Raises InvalidRecordError."""

    @abstractmethod
    def pack(self, record: Record) -> bytes:
        """The payload of a record, without its key. Raises InvalidRecordError."""

    @abstractmethod
    def unpack(self, key: bytes, payload: bytes) -> Record:
        """The record again."""

    @abstractmethod
    def counts(self, payload: bytes) -> tuple[int, ...]:
        """How many of each of `counters` are in the payload."""

    @abstractmethod
    def terms(self, payload: bytes) -> Sequence[Iterable[tuple[bytes, int]]]:
        """For each of `indexes`, the `(term, item)` pairs of a payload.

        An item is a number below 2**32 that tells the schema where in the payload to look.
        """

    @abstractmethod
    def matches(self, index: int, term: bytes, key: bytes, payload: bytes, items: Sequence[int]) -> list[Any]:
        """The hits at `items` of a payload whose term is really `term` (terms are found by hash)."""

    @abstractmethod
    def documents(self, key: bytes, payload: bytes) -> Iterable[tuple[int, dict[str, str]]]:
        """The search documents of a payload, each with the item it stands for."""

    def project(self, key: bytes, payload: bytes) -> Projection:
        """`counts`, `terms` and `documents` at once; a schema may do it in one pass over the payload."""
        return Projection(self.counts(payload), self.terms(payload), self.documents(key, payload))

    def snapshot_of(self, record: Record) -> Record | None:  # noqa: ARG002 - a schema's own may look at it
        """The record as it is now, for `project_record` to be asked of it when its transaction commits.

        None where the caller could change it until then, or where it would not make that cheaper.
        """
        return None

    def project_record(self, key: bytes, payload: bytes, record: Record) -> Projection:  # noqa: ARG002
        """`project`, of a payload whose record is at hand: `pack` made the one of the other."""
        return self.project(key, payload)

    @abstractmethod
    def item(self, key: bytes, payload: Buffer, item: int) -> Any:
        """What the document for `item` stands for: that part of a hit which no query changes.

        It is kept in memory, and given to `hit` by whoever searches next; a view of a payload must not be.
        """

    @abstractmethod
    def hit(self, found: Any, score: float) -> Any:
        """The search hit for what `item` returned."""
