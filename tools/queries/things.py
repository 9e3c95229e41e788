"""A schema with fields of every kind, and random records of it.

Its vocabulary is small, so that queries find something, and the words inside each word and its stem are
written down here by hand: the evaluator does not ask the code that it is compared with.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, NamedTuple

import msgpack

from diptych import Bool, Date, Field, InvalidRecordError, Keyword, Number, Schema, Text

PARTS = {
    "parse": [],
    "parser": [],
    "pares": [],
    "the": [],
    "thé": [],
    "x": [],
    "get": [],
    "user": [],
    "getUserName": ["get", "user", "name"],
    "getusername": [],
    "HTTPServer": ["http", "server"],
    "http": [],
    "Server": [],
    "utf8": ["utf", "8"],
    "NOT": [],
    "checks" * 9: [],
    "checks" * 9 + "B": ["checks" * 9, "b"],
}
STEMS = {
    "running": "run",
    "runs": "run",
    "parsers": "parser",
    "parser": "parser",
    "Café": "cafe",
    "tests": "test",
    "the": "the",
    "x": "x",
}
KINDS = ["class", "Class", "function", "type alias"]
TAGS = ["red", "Red", "green", "a-b", "café"]
_BEGIN = datetime(2023, 11, 1, tzinfo=UTC)


class Thing(NamedTuple):
    """Some documents under one key."""

    key: str
    documents: tuple[dict[str, Any], ...]


class ThingSchema(Schema[Thing]):
    """Things by key. A document's item is its number."""

    name: ClassVar[str] = "things"
    version: ClassVar[int] = 1
    fields: ClassVar[tuple[Field, ...]] = (
        Text("name"),
        Text("place"),
        Text("note", prose=True),
        Keyword("kind"),
        Keyword("tag"),
        Number("size"),
        Number("ratio", real=True),
        Date("modified"),
        Bool("done"),
    )
    default_fields: ClassVar[dict[str, float]] = {"name": 3.0, "note": 1.0}
    any_case_fields: ClassVar[frozenset[str]] = frozenset(("kind",))
    name_field: ClassVar[str | None] = "name"
    qualifier_fields: ClassVar[tuple[str, ...]] = ("place",)
    facets: ClassVar[tuple[str, ...]] = ("first",)
    indexes: ClassVar[tuple[str, ...]] = ("kinds",)
    counters: ClassVar[tuple[str, ...]] = ("documents",)

    def key(self, name: str) -> bytes:
        """The key of a name. Raises InvalidRecordError."""
        if not isinstance(name, str) or not name:
            raise InvalidRecordError("a name is a text that is not empty")
        return name.encode()

    def key_of(self, record: Thing) -> bytes:
        """The key of a thing."""
        return self.key(record.key)

    def pack(self, record: Thing) -> bytes:
        """The payload."""
        return bytes(msgpack.packb(record.documents, datetime=True))

    def unpack(self, key: bytes, payload: bytes) -> Thing:
        """The thing again."""
        return Thing(key.decode(), tuple(msgpack.unpackb(payload, timestamp=3)))

    def counts(self, payload: bytes) -> tuple[int, ...]:
        """How many documents."""
        return (len(msgpack.unpackb(payload, timestamp=3)),)

    def terms(self, payload: bytes) -> Sequence[Iterable[tuple[bytes, int]]]:
        """The kinds."""
        documents = msgpack.unpackb(payload, timestamp=3)
        return [[(d["kind"].encode(), number) for number, d in enumerate(documents) if "kind" in d]]

    def matches(
        self,
        index: int,  # noqa: ARG002
        term: bytes,
        key: bytes,
        payload: bytes,
        items: Sequence[int],
    ) -> list[Any]:
        """The key and the item of each."""
        documents = msgpack.unpackb(payload, timestamp=3)
        return [(key.decode(), item) for item in items if documents[item].get("kind", "").encode() == term]

    def documents(self, key: bytes, payload: bytes) -> Iterable[tuple[int, dict[str, Any]]]:  # noqa: ARG002
        """As they are."""
        return enumerate(msgpack.unpackb(payload, timestamp=3))

    def facet(self, name: str, key: bytes) -> str:  # noqa: ARG002
        """The key's first letter."""
        return key[:1].decode()

    def item(self, key: bytes, payload: bytes | memoryview, item: int) -> tuple[str, int]:  # noqa: ARG002
        """The key and the item."""
        return key.decode(), item

    def hit(self, found: tuple[str, int], score: float) -> tuple[str, int, float]:
        """The same, with the score."""
        return (*found, score)


THINGS = ThingSchema()


def random_things(chance: random.Random, count: int) -> list[Thing]:
    """Things of different keys."""
    keys = chance.sample([f"{first}{second}" for first in "abc" for second in "0123456789"], count)
    return [Thing(key, tuple(_document(chance) for _ in range(chance.randrange(5)))) for key in keys]


def _document(chance: random.Random) -> dict[str, Any]:
    document: dict[str, Any] = {}
    words, prose = list(PARTS), list(STEMS)
    if chance.random() < 0.9:
        document["name"] = chance.choice(
            ["", chance.choice(words), f"{chance.choice(words)}_{chance.choice(words)}", "std::parse"]
        )
    if chance.random() < 0.5:
        document["place"] = " ".join(chance.choices(words, k=chance.randrange(4)))
    if chance.random() < 0.7:
        document["note"] = " ".join(chance.choices(prose, k=chance.randrange(5)))
    if chance.random() < 0.8:
        document["kind"] = chance.choice(KINDS)
    if chance.random() < 0.6:
        document["tag"] = chance.sample(TAGS, chance.randrange(1, 3))
    if chance.random() < 0.8:
        numbers = [-5, 0, 3, 4, 10**12, -(2**63), 2**63 - 1]
        document["size"] = chance.choice([chance.choice(numbers), chance.sample(numbers, 2)])
    if chance.random() < 0.6:
        document["ratio"] = chance.choice([-0.0, 0.0, 0.5, 0.1, -2.25, 1e300, 3])
    if chance.random() < 0.8:
        document["modified"] = _BEGIN + chance.choice(
            [
                timedelta(days=chance.randrange(100)),
                timedelta(days=30, microseconds=-1),
                timedelta(hours=chance.randrange(3_000), seconds=chance.randrange(3_600)),
            ]
        )
    if chance.random() < 0.5:
        document["done"] = chance.random() < 0.5
    return document
