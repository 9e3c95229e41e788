"""From a query's tree to Tantivy's query."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from diptych.schema.base import Schema
from diptych.search.names import name_terms
from diptych.search.query.nodes import (
    Between,
    Bonus,
    Boosted,
    Clauses,
    Everything,
    Fuzzy,
    Named,
    Node,
    Nothing,
    Parsed,
    Pattern,
    Prefix,
    Scored,
    Within,
    Words,
    has_automaton,
)
from diptych.search.query.patterns import in_any_case, literal
from diptych.search.ranked import Prepared

if TYPE_CHECKING:
    import tantivy


# A word in what the name is in, multiplied.
_CONTEXT = 1.5
# What more than one document in so many has says little of any.
_TELLING = 128
_FEW = 100
# So many documents are weighted and put in order in the time that choosing the best of more takes.
ALL_WEIGHTED_MAX = 4_096
# So many queries of words are kept.
_KEPT_MAX = 256


class Compiler:
    """Makes queries for one state of an index."""

    def __init__(self, schema: Schema[Any], fields: tantivy.Schema, searcher: tantivy.Searcher) -> None:
        import tantivy

        self._make, self._occur, self._type = tantivy.Query, tantivy.Occur, tantivy.FieldType
        self._fields = fields
        self._searcher = searcher
        self._any_case = schema.any_case_fields
        self._exact = {field.name for field in schema.fields if field.tokens == "exact"}
        self._real = {field.name for field in schema.fields if field.tokens == "real"}
        self._kept: dict[Parsed, Prepared] = {}

    def prepared(self, parsed: Parsed) -> Prepared:
        """The queries of a parsed one."""
        known = self._kept.get(parsed)
        if known is not None:
            return known
        if parsed.node is None:
            return Prepared(self._make.empty_query())
        most = self._most(parsed.node)
        made = self._prepared(parsed, most)
        # An automaton may take megabytes.
        if not has_automaton(parsed.node):
            if len(self._kept) >= _KEPT_MAX:
                self._kept.clear()
            self._kept[parsed] = made
        return made

    def _prepared(self, parsed: Parsed, most: int | None) -> Prepared:
        assert parsed.node is not None
        plain = self.query(parsed.node)
        if not parsed.names and not parsed.contexts:
            return Prepared(plain)
        should, must = self._occur.Should, self._occur.Must
        first = [(should, query) for query in map(self._bonus, parsed.names) if query is not None]
        first += [
            (should, self._make.boost_query(self._term_of("_within", word), _CONTEXT))
            for word in parsed.contexts
            if self._is_telling(word)
        ]
        if most is not None and most <= ALL_WEIGHTED_MAX:
            return Prepared(plain, all=self._make.boolean_query([(must, plain), *first]) if first else plain)
        if not first:
            return Prepared(plain, is_ranked=True)
        required = [(must, self._make.boolean_query(first)), (must, plain)]
        return Prepared(plain, self._make.boolean_query(required), is_ranked=True)

    def _most(self, node: Node) -> int | None:
        """How many documents words may find, at most; None for what is not words alone."""
        if isinstance(node, Words):
            if node.field in self._any_case:
                return None
            return min([self._searcher.doc_freq(node.field, word) for word in node.words])
        if isinstance(node, Boosted | Scored):
            return self._most(node.query)
        if not isinstance(node, Clauses) or node.excluded:
            return None
        if node.required:
            known = [most for part in node.required if (most := self._most(part)) is not None]
            return min(known, default=None)
        total = 0
        for part in node.optional:
            most = self._most(part)
            if most is None:
                return None
            total += most
        return total

    def _bonus(self, bonus: Bonus) -> tantivy.Query | None:
        """What gives a name its bonus; None where nothing has that name."""
        # Not a query for a set of terms, which goes through all names and makes room for all documents.
        terms = [
            (self._occur.Should, self._term_of("_name", term))
            for term in name_terms(bonus.how, bonus.name)
            if self._searcher.doc_freq("_name", term)
        ]
        if not terms:
            return None
        query = terms[0][1] if len(terms) == 1 else self._make.boolean_query(terms)
        if bonus.within:
            parts = [query, *(self._term_of("_within", word) for word in bonus.within)]
            query = self._make.boolean_query([(self._occur.Must, part) for part in parts])
        return self._make.const_score_query(query, bonus.score)

    def _is_telling(self, word: str) -> bool:
        """Whether few enough names are in something with that word that it tells them apart."""
        return 0 < self._searcher.doc_freq("_within", word) <= max(self._searcher.num_docs // _TELLING, _FEW)

    def query(self, node: Node) -> tantivy.Query:
        """The query of a tree."""
        make = self._make
        # By type, the frequent first: `match` costs more than what Tantivy does.
        if type(node) is Words:
            return self._words(node)
        if type(node) is Boosted:
            return make.boost_query(self.query(node.query), node.factor)
        if type(node) is Clauses:
            return self._clauses(node)
        if type(node) is Scored:
            return make.const_score_query(self.query(node.query), node.score)
        if type(node) is Named:
            return self._named(node)
        if type(node) is Within:
            return self._term_of("_within", node.word)
        if type(node) is Prefix:
            of = in_any_case if node.field in self._any_case else literal
            pattern = "".join(map(of, node.text)) + "(?s:.*)"
            return make.regex_query(self._fields, node.field, pattern)
        if type(node) is Fuzzy:
            return make.fuzzy_term_query(self._fields, node.field, node.text, node.distance)
        if type(node) is Pattern:
            return make.regex_query(self._fields, node.field, node.expression)
        if type(node) is Between:
            return self._between(node)
        if type(node) is Nothing:
            return make.empty_query()
        assert type(node) is Everything
        return self.items(1.0)

    def items(self, score: float) -> tantivy.Query:
        """All documents that stand for an item: not those that hold records, and not the watermark."""
        return self._make.const_score_query(self._make.exists_query("_item"), score)

    def _words(self, node: Words) -> tantivy.Query:
        field, words = node
        if len(words) > 1:
            return self._make.phrase_query(self._fields, field, list(words))
        if field not in self._any_case:
            return self._term(field, words[0])
        queries = [self._term(field, term) for term in self._any_case_terms(field, words[0])]
        return queries[0] if len(queries) == 1 else self._make.disjunction_max_query(queries)

    def _clauses(self, node: Clauses) -> tantivy.Query:
        parts = [(self._occur.Should, query) for query in self._alternatives(node.optional, 1.0)]
        parts += [(self._occur.Must, self.query(part)) for part in node.required]
        parts += [(self._occur.MustNot, self.query(part)) for part in node.excluded]
        if not node.required and not node.optional:
            # To Tantivy, a query that only excludes finds nothing.
            parts.append((self._occur.Must, self.items(0.0)))
        return self._make.boolean_query(parts)

    def _alternatives(self, nodes: Iterable[Node], factor: float) -> Iterator[tantivy.Query]:
        """The queries of alternatives, with those inside others beside them.

        Of words side by side, Tantivy passes over what cannot be among the best.
        """
        for node in nodes:
            if isinstance(node, Boosted):
                yield from self._alternatives((node.query,), factor * node.factor)
            elif isinstance(node, Clauses) and not node.required and not node.excluded:
                yield from self._alternatives(node.optional, factor)
            else:
                query = self.query(node)
                yield query if factor == 1.0 else self._make.boost_query(query, factor)

    def _named(self, node: Named) -> tantivy.Query:
        # Not a query for a set of terms, which goes through all names and makes room for all documents.
        terms = [self._term_of("_name", term) for term in name_terms(node.how, node.name)]
        return (
            terms[0]
            if len(terms) == 1
            else self._make.boolean_query([(self._occur.Should, t) for t in terms])
        )

    def _between(self, node: Between) -> tantivy.Query:
        if node.field in self._real:
            low = -math.inf if node.low is None else float(node.low)
            high = math.inf if node.high is None else float(node.high)
            kind = self._type.Float
        else:
            low = -(2**63) if node.low is None else int(node.low)
            high = 2**63 - 1 if node.high is None else int(node.high)
            kind = self._type.Integer
        return self._make.const_score_query(
            self._make.range_query(self._fields, node.field, kind, low, high), 1.0
        )

    def _term_of(self, field: str, term: str) -> tantivy.Query:
        """A term of one of the core's fields."""
        return self._make.term_query(self._fields, field, term, index_option="basic")

    def _term(self, field: str, term: str) -> tantivy.Query:
        option = "basic" if field in self._exact else "freq"
        return self._make.term_query(self._fields, field, term, index_option=option)

    def _any_case_terms(self, field: str, value: str) -> list[str]:
        """The terms that are `value` but for their case."""
        wanted = value.casefold()
        begins = {value[:1].lower(), value[:1].upper(), value[:1]}
        found = {term for begin in begins for term, _ in self._searcher.terms_with_prefix(field, begin)}
        return sorted(term for term in found if term.casefold() == wanted)
