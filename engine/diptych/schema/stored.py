"""The schema of a store as the store knows it: enough to read payloads, not to know what they mean."""

# Abstract methods of a contract that it cannot keep.
# ruff: noqa: ARG002

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from diptych.errors import IncompatibleStoreError
from diptych.schema.base import Buffer, Schema
from diptych.schema.fields import Field
from diptych.schema.shape import Shape


class StoredSchema(Schema[bytes]):
    """A stand-in for a schema that cannot be imported, or has changed since. Its records are payloads."""

    is_stand_in = True

    def __init__(self, name: str, version: int, shape: Shape, older_versions: tuple[int, ...] = ()) -> None:
        self.name = name  # type: ignore[misc]
        self.version = version  # type: ignore[misc]
        self.older_versions = older_versions  # type: ignore[misc]
        self.fields = tuple(Field(*row) for row in shape.fields)  # type: ignore[misc]
        self.default_fields = {}  # type: ignore[misc]
        self.indexes, self.counters = shape.indexes, shape.counters  # type: ignore[misc]
        self.projection_version = shape.projection_version  # type: ignore[misc]
        self._shape = shape

    @property
    def shape(self) -> Shape:
        """As the store has it."""
        return self._shape

    def key(self, name: str) -> NoReturn:
        """Raise IncompatibleStoreError, as do all methods but `unpack`."""
        self._refuse()

    def key_of(self, record: bytes) -> NoReturn:
        """See `key`."""
        self._refuse()

    def pack(self, record: bytes) -> NoReturn:
        """See `key`."""
        self._refuse()

    def unpack(self, key: bytes, payload: bytes) -> bytes:
        """The payload itself."""
        return payload

    def counts(self, payload: bytes) -> NoReturn:
        """See `key`."""
        self._refuse()

    def terms(self, payload: bytes) -> NoReturn:
        """See `key`."""
        self._refuse()

    def matches(self, index: int, term: bytes, key: bytes, payload: bytes, items: Sequence[int]) -> NoReturn:
        """See `key`."""
        self._refuse()

    def documents(self, key: bytes, payload: bytes) -> Iterable[tuple[int, dict[str, str]]]:
        """See `key`."""
        self._refuse()

    def item(self, key: bytes, payload: Buffer, item: int) -> NoReturn:
        """See `key`."""
        self._refuse()

    def hit(self, found: Any, score: float) -> NoReturn:
        """See `key`."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise IncompatibleStoreError(
            f"this needs the schema {self.name!r} of the store, which is not at hand",
            advice="name it with `--schema package.module:OBJECT`, or install the package that has it",
        )
