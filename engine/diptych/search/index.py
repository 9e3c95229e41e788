"""Asking a Tantivy index: one committed state of it, by query text or by key."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from diptych.change import StoredRecord
from diptych.errors import CorruptSearchError, QueryError
from diptych.schema.base import Schema
from diptych.search.documents import (
    RECORD_TYPE,
    decode_stored,
    key_term,
    tantivy_schema,
)
from diptych.search.guard import guarded
from diptych.search.query.compile import Compiler
from diptych.search.query.grammar import parse
from diptych.search.query.nodes import Parsed
from diptych.search.ranked import BEST, Hit, Prepared, best_of, place
from diptych.search.snippets import SnippetMaker

if TYPE_CHECKING:
    import tantivy

_SCAN_BATCH = 4_096
# By how much each batch of hits is larger than the one before it.
_GROWTH = 8
# How Tantivy's errors begin when what is asked for does not fit the fields, whatever their files hold.
_OF_THE_QUERY = ("Schema error: ", "The field does not exist: ", "An invalid argument was passed: ")


_new = tuple.__new__


class Order(NamedTuple):
    """An order by a field of numbers, dates or truth values."""

    field: str
    descending: bool = False


class Match(NamedTuple):
    """A document found: its score, the hash of its record's key, and the item it stands for."""

    score: Any
    key_hash: int
    item: int


class SearchIndex:
    """A Tantivy searcher: the documents as of one commit, whatever is committed later."""

    def __init__(self, index: tantivy.Index, schema: Schema[Any], where: str) -> None:
        self.where = where
        self._schema = schema
        self._weight = "_weight" if schema.name_field is not None else None
        self._fields = tantivy_schema(schema)
        with guarded("open", where):
            self._index = index
            self._searcher = index.searcher()
        self._compiler = Compiler(schema, self._fields, self._searcher)

    def parse(self, query: str) -> Prepared:
        """A query of the language in `diptych.search.query`. Raises QueryError, CorruptSearchError."""
        return self.compile(parse(query, self._schema))

    def compile(self, parsed: Parsed) -> Prepared:
        """A parsed query, to be run on this index. Raises CorruptSearchError."""
        with guarded("parse a query for", self.where):
            return self._compiler.prepared(parsed)

    def matches(self, query: Prepared, limit: int, order: Order | None = None) -> Iterator[Match]:
        """`batches`, one match after the other."""
        for batch in self.batches(query, limit, order):
            yield from batch

    def batches(self, query: Prepared, limit: int, order: Order | None = None) -> Iterator[list[Match]]:
        """The documents of the schema that match, best first, in batches that begin with `limit`.

        With an order, `score` is the value of its field, None where a document has none: those come last.
        Raises QueryError where the query cannot be run on its fields, and CorruptSearchError.
        """
        # Tantivy makes room for as many hits as it is asked for, and ends the process where there is none.
        size = max(min(operator.index(limit), self._searcher.num_docs), 1)
        if query.is_ranked and order is None:
            found = self._ranked(query, size)
        else:
            found = self._unranked(query.weighted if order is None else query.plain, size, order)
        for hits in found:
            with guarded("search", self.where):
                addresses = [address for _, address in hits]
                items = self._searcher.fast_field_values("_item", addresses)
                hashes = self._searcher.fast_field_values("_hash", addresses)
            yield [
                _new(Match, (hit[0], key_hash, item))
                for hit, key_hash, item in zip(hits, hashes, items, strict=True)
                # A record's own document is no hit of anyone's.
                if item is not None and key_hash is not None
            ]

    def _unranked(self, query: tantivy.Query, size: int, order: Order | None) -> Iterator[list[Hit]]:
        """All hits, best first."""
        offset = 0
        while True:
            hits = self._hits(query, size, offset, order)
            yield hits
            if len(hits) < size:
                return
            # Each batch ranks what came before it once more: few batches, each larger by far.
            offset += size
            size = min(size * _GROWTH, max(self._searcher.num_docs - offset, 1))

    def _ranked(self, query: Prepared, size: int) -> Iterator[list[Hit]]:
        """All hits, best first: `best_of` the query, then what else there is by words alone."""
        with self._run():
            best = best_of(self._searcher, query)
        seen: set[int] = set()
        batch: list[Hit] = []
        for hit in best.hits:
            at = place(hit[1])
            if at not in seen:
                seen.add(at)
                batch.append(hit)
                if len(batch) == size:
                    yield batch
                    batch, size = [], size * _GROWTH
        yield batch
        most = BEST
        while not best.is_all and most < self._searcher.num_docs:
            most = min(most * _GROWTH, self._searcher.num_docs)
            with self._run():
                hits = self._searcher.search(query.plain, most, count=False).hits
            # From the first again: near a boundary, the order may depend on how many are asked for.
            rest = [hit for hit in hits if place(hit[1]) not in seen]
            seen.update(place(address) for _, address in rest)
            yield rest
            if len(hits) < most:
                return

    def _hits(
        self, query: tantivy.Query, size: int, offset: int, order: Order | None
    ) -> list[Hit]:
        import tantivy

        with self._run():
            if order is None:
                result = self._searcher.search(
                    query, size, count=False, offset=offset, weight_by_field=self._weight
                )
            else:
                direction = tantivy.Order.Desc if order.descending else tantivy.Order.Asc
                result = self._searcher.search(
                    query, size, count=False, offset=offset, order_by_field=order.field, order=direction
                )
            return list(result.hits)

    def count(self, query: tantivy.Query) -> int:
        """How many documents match. Raises QueryError, CorruptSearchError."""
        with self._run():
            return int(self._searcher.search(query, 1, count=True).count)  # type: ignore[attr-defined]

    def term_counts(self, field: str, query: tantivy.Query) -> list[tuple[str, int]]:
        """The values of an exact field, each with how many documents of a query have it.

        Raises QueryError, CorruptSearchError.
        """
        with self._run():
            return list(self._searcher.terms_with_prefix(field, "", filter_query=query))

    def without(self, query: tantivy.Query, keys: Sequence[bytes]) -> tantivy.Query:
        """The query, without the documents of these keys."""
        from tantivy import Occur, Query

        if not keys:
            return query
        hidden = Query.term_set_query(self._fields, "_key", [key_term(key) for key in keys])
        return Query.boolean_query([(Occur.Must, query), (Occur.MustNot, hidden)])

    def snippet_maker(self, query: tantivy.Query, field: str) -> SnippetMaker:
        """What marks the words of a query in texts of a field. Raises CorruptSearchError."""
        with guarded("search", self.where):
            return SnippetMaker(self._index, self._searcher, query, self._fields, field)

    @contextmanager
    def _run(self) -> Iterator[None]:
        """Tell a query that cannot be run from an index that cannot be read."""
        try:
            with guarded("search", self.where):
                yield
        except CorruptSearchError as error:
            reason = str(error.__cause__)
            if not reason.startswith(_OF_THE_QUERY):
                raise
            raise QueryError(f"the query cannot be run: {reason.split(': ', 1)[-1]}") from error

    def record(self, key: bytes) -> StoredRecord | None:
        """The record of a key, from its record document, or None. Raises CorruptSearchError."""
        for found in self._stored("_key", key_term(key), 16):
            if found.key == key:
                return found
        return None

    def records(self) -> Iterator[StoredRecord]:
        """Every record, in no order. Raises CorruptSearchError."""
        yield from self._stored("_type", RECORD_TYPE, _SCAN_BATCH)

    def numbered_records(self) -> Iterator[tuple[int, StoredRecord]]:
        """Every record, after the number of its document in its segment.

        In that order where there is one segment. Raises CorruptSearchError.
        """
        for number, stored in self._documents("_type", RECORD_TYPE, _SCAN_BATCH):
            yield number, decode_stored(stored, where=self.where)

    @property
    def documents(self) -> int:
        """How many documents there are, of all kinds."""
        return int(self._searcher.num_docs)

    def items(self, first: int, last: int) -> list[tuple[int, int]]:
        """`(key hash, item)` of the schema's documents whose key's hash is in `first` to `last`, in no order.

        Raises CorruptSearchError.
        """
        import tantivy

        with guarded("search", self.where):
            query = tantivy.Query.range_query(
                self._fields, "_hash", tantivy.FieldType.Unsigned, first, last, True, True
            )
            # Tantivy makes room for as many hits as it is asked for.
            count = self._searcher.search(query, 1, count=True).count or 0  # type: ignore[attr-defined]
            hits = self._searcher.search(query, max(count, 1), count=False).hits
            addresses = [address for _, address in hits]
            items = self._searcher.fast_field_values("_item", addresses)
            hashes = self._searcher.fast_field_values("_hash", addresses)
        pairs = zip(hashes, items, strict=True)
        return [(int(hash_), int(item)) for hash_, item in pairs if hash_ is not None and item is not None]

    def _stored(self, field: str, term: str, batch: int) -> Iterator[StoredRecord]:
        for _, stored in self._documents(field, term, batch):
            yield decode_stored(stored, where=self.where)

    def _documents(self, field: str, term: str, batch: int) -> Iterator[tuple[int, bytes]]:
        """Number and `_stored` of every document with that term that has one."""
        import tantivy

        with guarded("search", self.where):
            query = tantivy.Query.term_query(self._fields, field, term, index_option="basic")
            # Every document has the same score, so that a later batch goes on where the one before ended.
            query = tantivy.Query.const_score_query(query, 1.0)
        offset = 0
        while True:
            with guarded("read", self.where):
                hits = self._searcher.search(query, batch, count=False, offset=offset).hits
            for _, address in hits:
                with guarded("read", self.where):
                    stored = self._searcher.doc(address).get_first("_stored")
                if stored is not None:
                    yield address.doc, bytes(stored)
            if len(hits) < batch:
                return
            offset += batch
