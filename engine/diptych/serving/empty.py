"""What is answered from where there is no store yet: nothing is recorded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from diptych.change import StoredRecord
from diptych.model import RelationHit, SearchHit, SymbolHit
from diptych.schema.code import CODE
from diptych.store.generation import Generation
from diptych.store.overlay import Overlay
from diptych.store.symbols import Match


class NoRecords:
    """In place of a view; see `diptych.serving.source.Records`."""

    def __init__(self) -> None:
        self.lsn = 0
        self.generation: Generation | None = None
        self.overlay = Overlay(CODE)

    def symbols(self, _name: str) -> list[SymbolHit]:
        """None."""
        return []

    def find_symbols(self, _name: str, _match: Match = "exact", *, limit: int = 20) -> list[SymbolHit]:  # noqa: ARG002
        """None."""
        return []

    def symbols_like(self, _text: str, *, limit: int) -> list[SymbolHit]:  # noqa: ARG002
        """None."""
        return []

    def search(self, _query: str, limit: int = 20, *, plain: bool = False) -> Sequence[SearchHit]:  # noqa: ARG002
        """None."""
        return []

    def references(self, _name: str) -> list[RelationHit]:
        """None."""
        return []

    def payload(self, _key: bytes) -> bytes | None:
        """None."""
        return None

    def has_key(self, _key: bytes) -> bool:
        """False."""
        return False

    def stored(self) -> Iterable[StoredRecord]:
        """None."""
        return ()

    def close(self) -> None:
        """Do nothing."""
