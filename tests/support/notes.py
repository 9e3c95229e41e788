"""A schema of something else than code: notes, each with tags and a text. It needs no storage code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

import msgpack

from diptych import Field, InvalidRecordError, Schema


class Note(NamedTuple):
    """A note."""

    title: str
    tags: tuple[str, ...]
    text: str


class NotesSchema(Schema[Note]):
    """Notes by title, found by tag and by text. A tag's item is its number, the document's is 0."""

    name: ClassVar[str] = "notes"
    version: ClassVar[int] = 3
    fields: ClassVar[tuple[Field, ...]] = (Field("text"), Field("tag", "exact"))
    default_fields: ClassVar[dict[str, float]] = {"text": 1.0}
    indexes: ClassVar[tuple[str, ...]] = ("tags",)
    counters: ClassVar[tuple[str, ...]] = ("tags", "words")

    def key(self, name: str) -> bytes:
        if not isinstance(name, str) or not name:
            raise InvalidRecordError("a title is a text that is not empty")
        return name.encode()

    def key_of(self, record: Note) -> bytes:
        return self.key(record.title)

    def pack(self, record: Note) -> bytes:
        return bytes(msgpack.packb((record.tags, record.text)))

    def unpack(self, key: bytes, payload: bytes) -> Note:
        tags, text = msgpack.unpackb(payload, use_list=False)
        return Note(key.decode(), tags, text)

    def counts(self, payload: bytes) -> tuple[int, ...]:
        tags, text = msgpack.unpackb(payload)
        return len(tags), len(text.split())

    def terms(self, payload: bytes) -> Sequence[Iterable[tuple[bytes, int]]]:
        return [[(tag.encode(), number) for number, tag in enumerate(msgpack.unpackb(payload)[0])]]

    def matches(self, index: int, term: bytes, key: bytes, payload: bytes, items: Sequence[int]) -> list[Any]:
        note = self.unpack(key, payload)
        return [note.title for item in items if note.tags[item].encode() == term]

    def documents(self, key: bytes, payload: bytes) -> Iterable[tuple[int, dict[str, str]]]:
        note = self.unpack(key, payload)
        document = {"text": f"{note.title} {note.text}"}
        if note.tags:
            document["tag"] = note.tags[0]
        yield 0, document

    def item(self, key: bytes, payload: bytes | memoryview, item: int) -> Any:
        return self.unpack(key, bytes(payload))

    def hit(self, found: Any, score: float) -> Any:
        return found


NOTES = NotesSchema()
