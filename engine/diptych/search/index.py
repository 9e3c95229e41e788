"""Asking a Tantivy index: one committed state of it, by query text or by key."""

from __future__ import annotations

import operator
from collections.abc import Iterator
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
from diptych.search.nodes import Boosted, Clauses, Fuzzy, Node, Parsed, Prefix, Words
from diptych.search.query import parse

if TYPE_CHECKING:
    import tantivy

_SCAN_BATCH = 4_096
# How Tantivy's errors begin when what is asked for does not fit the fields, whatever their files hold.
_OF_THE_QUERY = ("Schema error: ", "The field does not exist: ", "An invalid argument was passed: ")


# What has a meaning in a regular expression.
_SPECIAL = frozenset("\\.+*?()|[]{}^$")

_new = tuple.__new__


class Match(NamedTuple):
    """A document found: its score, the hash of its record's key, and the item it stands for."""

    score: float
    key_hash: int
    item: int


class SearchIndex:
    """A Tantivy searcher: the documents as of one commit, whatever is committed later."""

    def __init__(self, index: tantivy.Index, schema: Schema[Any], where: str) -> None:
        self.where = where
        self._schema = schema
        self._any_case = schema.any_case_fields
        self._exact = {field.name for field in schema.fields if field.tokens == "exact"}
        self._fields = tantivy_schema(schema)
        with guarded("open", where):
            self._index = index
            self._searcher = index.searcher()

    def parse(self, query: str) -> tantivy.Query:
        """A query of the language in `diptych.search.query`. Raises QueryError, CorruptSearchError."""
        return self.compile(parse(query, self._schema))

    def compile(self, parsed: Parsed) -> tantivy.Query:
        """A parsed query, to be run on this index. Raises CorruptSearchError."""
        import tantivy

        with guarded("parse a query for", self.where):
            return tantivy.Query.empty_query() if parsed.node is None else self._query(parsed.node)

    def _query(self, node: Node) -> tantivy.Query:
        import tantivy

        make = tantivy.Query
        # By type, the frequent first: `match` costs more than what Tantivy does.
        if type(node) is Words:
            field, words = node
            if len(words) > 1:
                return make.phrase_query(self._fields, field, list(words))
            if field not in self._any_case:
                return self._term(field, words[0])
            queries = [self._term(field, term) for term in self._any_case_terms(field, words[0])]
            return queries[0] if len(queries) == 1 else make.disjunction_max_query(queries)
        if type(node) is Boosted:
            return make.boost_query(self._query(node.query), node.factor)
        if type(node) is Clauses:
            occur = tantivy.Occur
            parts = [(occur.Should, self._query(part)) for part in node.optional]
            parts += [(occur.Must, self._query(part)) for part in node.required]
            parts += [(occur.MustNot, self._query(part)) for part in node.excluded]
            if not node.required and not node.optional:
                # To Tantivy, a query that only excludes finds nothing.
                parts.append((occur.Must, make.const_score_query(make.all_query(), 0.0)))
            return make.boolean_query(parts)
        if type(node) is Prefix:
            of = _in_any_case if node.field in self._any_case else _literal
            pattern = "".join(map(of, node.text)) + "(?s:.*)"
            return make.regex_query(self._fields, node.field, pattern)
        if type(node) is Fuzzy:
            return make.fuzzy_term_query(self._fields, node.field, node.text, node.distance)
        return make.all_query()

    def _term(self, field: str, term: str) -> tantivy.Query:
        import tantivy

        option = "basic" if field in self._exact else "freq"
        return tantivy.Query.term_query(self._fields, field, term, index_option=option)

    def _any_case_terms(self, field: str, value: str) -> list[str]:
        """The terms that are `value` but for their case."""
        wanted = value.casefold()
        begins = {value[:1].lower(), value[:1].upper(), value[:1]}
        found = {term for begin in begins for term, _ in self._searcher.terms_with_prefix(field, begin)}
        return sorted(term for term in found if term.casefold() == wanted)

    def matches(self, query: tantivy.Query, limit: int) -> Iterator[Match]:
        """The documents of the schema that match, best first, in batches that begin with `limit`.

        Raises QueryError where the query cannot be run on its fields, and CorruptSearchError.
        """
        # Tantivy makes room for as many hits as it is asked for, and ends the process where there is none.
        offset, size = 0, max(min(operator.index(limit), self._searcher.num_docs), 1)
        while True:
            hits = self._hits(query, size, offset)
            with guarded("search", self.where):
                addresses = [address for _, address in hits]
                items = self._searcher.fast_field_values("_item", addresses)
                hashes = self._searcher.fast_field_values("_hash", addresses)
            for (score, _), key_hash, item in zip(hits, hashes, items, strict=True):
                # A record's own document: no hit of anyone's.
                if item is not None and key_hash is not None:
                    yield _new(Match, (score, key_hash, item))
            if len(hits) < size:
                return
            offset += size
            size = min(size * 2, _SCAN_BATCH)

    def _hits(self, query: tantivy.Query, size: int, offset: int) -> list[tuple[float, Any]]:
        try:
            with guarded("search", self.where):
                return list(self._searcher.search(query, size, count=False, offset=offset).hits)
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


def _literal(character: str) -> str:
    """A regular expression for one character."""
    return "\\" + character if character in _SPECIAL else character


def _in_any_case(character: str) -> str:
    forms = {character, character.lower(), character.upper()}
    return _literal(character) if len(forms) == 1 else f"(?:{'|'.join(map(_literal, sorted(forms)))})"
