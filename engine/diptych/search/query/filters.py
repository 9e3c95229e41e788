"""Conditions beside a query: values of exact fields, which add nothing to scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from diptych.errors import InvalidArgumentError
from diptych.schema.base import Schema
from diptych.search.query.nodes import Clauses, Node, Parsed, Scored, Words, either

Filters = Mapping[str, str | Sequence[str]]


def filtered(query: Parsed, filters: Filters, schema: Schema[Any]) -> Parsed:
    """The query, of documents that have one of the values in each field that is named.

    Raises InvalidArgumentError for a name that is no exact field.
    """
    exact = [field.name for field in schema.fields if field.tokens == "exact"]
    conditions: list[Node] = []
    for name, values in filters.items():
        if name not in exact:
            raise InvalidArgumentError(
                f"there is no exact field {name!r:.100}", advice=f"filter by {', '.join(exact) or 'nothing'}"
            )
        several = [values] if isinstance(values, str) else list(values)
        if several:
            conditions.append(Scored(either([Words(name, (value,)) for value in several]), 0.0))
    if query.node is None or not conditions:
        return query
    return query._replace(node=Clauses(required=(query.node, *conditions)))
