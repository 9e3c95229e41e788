"""The contract between the storage core and a schema.

The core knows keys (bytes), payloads (opaque bytes, one per key), terms (bytes that find a payload, or an
item in it, by exact match) and search documents (text fields). Only the schema knows what they mean. All
methods are pure: the same argument gives the same result in every process.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from blake3 import blake3

from diptych.errors import InvalidArgumentError, InvalidRecordError
from diptych.schema.fields import VALUE_KINDS, Field
from diptych.schema.shape import TOKENS_VERSION, Shape

Record = TypeVar("Record")
Buffer = bytes | memoryview

# Prefix of the core's search fields, not allowed in a schema's.
RESERVED_PREFIX = "_"
MAX_KEY_BYTES = 65_535


class Projection(NamedTuple):
    """Everything that is derived from a payload: the results of `counts`, `terms` and `documents`."""

    counts: tuple[int, ...]
    terms: Sequence[Iterable[tuple[bytes, int]]]
    documents: Iterable[tuple[int, dict[str, Any]]]


class Schema(ABC, Generic[Record]):
    """How one kind of record is packed, found and searched.

    It may change while there are stores. The next writer that opens one brings it up to date:

    - Fields, indexes and counters may be added, changed and removed. What is affected is rebuilt.
    - Increase `projection_version` when `terms`, `documents` or `counts` give something else for the same
      payload. Both are rebuilt.
    - Increase `version` when payloads change, and list in `older_versions` those that `upgrade` takes in.
      Payloads are upgraded when they are read, and written again as checkpoints come to them. A store of
      another version cannot be opened.
    - `default_fields` and `any_case_fields` matter to queries alone.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    older_versions: ClassVar[tuple[int, ...]] = ()
    projection_version: ClassVar[int] = 1
    is_stand_in: ClassVar[bool] = False
    """Whether it knows nothing of payloads: see `diptych.schema.stored`."""
    fields: ClassVar[tuple[Field, ...]]
    """The search fields, in order."""
    default_fields: ClassVar[dict[str, float]]
    """The fields that a query without field names searches, each with its boost."""
    any_case_fields: ClassVar[frozenset[str]] = frozenset()
    """The exact fields whose values a query may write in upper or lower case."""
    name_field: ClassVar[str | None] = None
    """The field of names, if there is one: a hit whose name is a word of the query comes first."""
    qualifier_fields: ClassVar[tuple[str, ...]] = ()
    """The text fields that hold what a name is in: the query `a.b` finds the name b where they have a.

    They add to the score of a hit that a query's words are in.
    """
    facets: ClassVar[tuple[str, ...]] = ()
    """What hits are counted by, beside the exact fields: names that `facet` knows."""
    indexes: ClassVar[tuple[str, ...]]
    """The exact-match indexes, in the order in which `terms` fills them."""
    counters: ClassVar[tuple[str, ...]]
    """What `counts` counts, by name."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Refuse fields that cannot be what they are named for. Raises InvalidArgumentError."""
        super().__init_subclass__(**options)
        _check_fields(cls)

    def fingerprint(self, version: int | None = None) -> str:
        """32 hexadecimal digits that change with anything the stored bytes depend on.

        `version` is one of `older_versions`, None for the current one.
        """
        facts: tuple[object, ...] = (
            self.name,
            version or self.version,
            self.fields,
            self.indexes,
            self.counters,
        )
        later = (self.projection_version, TOKENS_VERSION)
        if later != (1, 1):
            # Added later: fingerprints of before stay as they are.
            facts += later
        return blake3(repr(facts).encode()).hexdigest(16)

    @property
    def shape(self) -> Shape:
        """What the stored bytes depend on, beside the payloads."""
        return Shape(
            tuple((field.name, field.tokens) for field in self.fields),
            tuple(self.indexes),
            tuple(self.counters),
            self.projection_version,
            TOKENS_VERSION,
        )

    def upgrade(self, version: int, payload: bytes) -> bytes:  # noqa: ARG002 - for overriding methods
        """A payload of one of `older_versions` as one of this version. By default the same bytes.

        Its terms, documents and counts, with their items, must be those that the older version gave for the
        old payload; where they are not, increase `projection_version` too. Raises CorruptionError for a
        payload that is none.
        """
        return payload

    @abstractmethod
    def key(self, name: str) -> bytes:
        """The key for the name that a caller gives. Raises InvalidRecordError for an invalid name."""

    def check_key(self, key: bytes) -> None:
        """Raise InvalidRecordError for a key that `key` would never return."""
        if type(key) is not bytes or not 0 < len(key) <= MAX_KEY_BYTES:
            raise InvalidRecordError(f"a key must have 1 to {MAX_KEY_BYTES:,} bytes")

    @abstractmethod
    def key_of(self, record: Record) -> bytes:
        """The key of a record. Raises InvalidRecordError."""

    @abstractmethod
    def pack(self, record: Record) -> bytes:
        """The payload of a record, without its key. Raises InvalidRecordError."""

    @abstractmethod
    def unpack(self, key: bytes, payload: bytes) -> Record:
        """The record of a payload."""

    @abstractmethod
    def counts(self, payload: bytes) -> tuple[int, ...]:
        """How many of each of `counters` are in the payload."""

    @abstractmethod
    def terms(self, payload: bytes) -> Sequence[Iterable[tuple[bytes, int]]]:
        """For each of `indexes`, the `(term, item)` pairs of a payload.

        An item is a number below 2**32 by which the schema finds a part of the payload.
        """

    matches_views: ClassVar[bool] = False
    """Whether `matches` takes a memoryview of a payload as well as its bytes."""

    @abstractmethod
    def matches(self, index: int, term: bytes, key: bytes, payload: bytes, items: Sequence[int]) -> list[Any]:
        """The hits at `items` of a payload that really have `term` (the index stores only hashes)."""

    @abstractmethod
    def documents(self, key: bytes, payload: bytes) -> Iterable[tuple[int, dict[str, Any]]]:
        """The search documents of a payload, each with its item.

        A document gives a field a value or a list of values; see `diptych.schema.fields` for their types. It
        may give `_weight`, from 0: the hit's score is multiplied by log2(2 + weight).
        """

    def project(self, key: bytes, payload: bytes) -> Projection:
        """`counts`, `terms` and `documents` at once; a schema may do it in one pass over the payload."""
        return Projection(self.counts(payload), self.terms(payload), self.documents(key, payload))

    def snapshot_of(self, record: Record) -> Record | None:  # noqa: ARG002 - for overriding methods
        """An immutable snapshot of the record, for `project_record` when its transaction commits.

        None if the caller could still change it, or if the snapshot would not make that cheaper.
        """
        return None

    def project_record(self, key: bytes, payload: bytes, record: Record) -> Projection:  # noqa: ARG002
        """`project` for a payload whose record is available: `pack` made the payload from it."""
        return self.project(key, payload)

    def facet(self, name: str, key: bytes) -> str:
        """The value of one of `facets` for the documents of a key."""
        raise NotImplementedError(f"the schema has no facet {name}, and none of {key!r:.100}")

    @abstractmethod
    def item(self, key: bytes, payload: Buffer, item: int) -> Any:
        """The part of a hit for `item` that does not depend on the query.

        It is cached in memory and passed to `hit` by later searches, so it must not be a view of the payload.
        """

    @abstractmethod
    def hit(self, found: Any, score: float) -> Any:
        """The search hit for a result of `item`."""


def _check_fields(schema: type[Schema[Any]]) -> None:
    fields = getattr(schema, "fields", None)
    if fields is None:
        return
    kinds = {field.name: field.tokens for field in fields}
    if len(kinds) != len(fields):
        raise InvalidArgumentError(f"{schema.__name__} has two fields of one name")
    default = getattr(schema, "default_fields", {})
    named = [*default, *schema.any_case_fields, *schema.qualifier_fields]
    if schema.name_field is not None:
        named.append(schema.name_field)
    for name in named:
        if name not in kinds:
            raise InvalidArgumentError(f"{schema.__name__} has no field {name!r:.100}")
    for name in default:
        if kinds[name] in VALUE_KINDS:
            raise InvalidArgumentError(
                f"{schema.__name__}: {name} has no words, so a query without field names cannot search it",
                advice="leave it out of default_fields",
            )
    for name in schema.any_case_fields:
        if kinds[name] != "exact":
            raise InvalidArgumentError(f"{schema.__name__}: {name} of any_case_fields is not exact")
