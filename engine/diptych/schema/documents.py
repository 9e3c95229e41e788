"""The search documents of one record, field by field.

A schema that makes many documents gives them so: what is done with a field is then done for all documents at
once, without Python code for each. As a sequence they are what `Schema.documents` gives otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any


class Documents(Sequence[tuple[int, dict[str, Any]]]):
    """Documents, each with its item: document *i* has the *i*-th value of each column."""

    __slots__ = ("columns", "items", "same")

    def __init__(
        self,
        items: Sequence[int],
        columns: Mapping[str, Sequence[Any]],
        same: Mapping[str, Any] | None = None,
    ) -> None:
        """`columns`: as long as `items`; None where a document has no value. `same`: fields with one
        value for all."""
        self.items = items
        self.columns = columns
        self.same: Mapping[str, Any] = {} if same is None else same

    @classmethod
    def of(cls, documents: Iterable[tuple[int, dict[str, Any]]]) -> Documents:
        """Documents as `Schema.documents` gives them."""
        if isinstance(documents, Documents):
            return documents
        pairs = list(documents)
        names = dict.fromkeys(chain.from_iterable(document for _, document in pairs))
        columns = {name: [document.get(name) for _, document in pairs] for name in names}
        return cls([item for item, _ in pairs], columns)

    def column(self, name: str) -> Sequence[Any] | None:
        """The values of a field; None where no document has one."""
        value = self.same.get(name)
        return self.columns.get(name) if value is None else [value] * len(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, at: int) -> tuple[int, dict[str, Any]]:  # type: ignore[override]
        document = dict(self.same)
        for name, column in self.columns.items():
            if column[at] is not None:
                document[name] = column[at]
        return self.items[at], document

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]
