"""A Tantivy index in memory, for what was committed since the newest generation."""

from __future__ import annotations

from typing import Any

from diptych.change import Change, FileIndexed
from diptych.fs import importing
from diptych.schema.base import Schema
from diptych.search.documents import document_adder, item_documents, key_term, tantivy_schema
from diptych.search.guard import guarded
from diptych.search.index import SearchIndex
from diptych.search.words import register_words

# The least Tantivy accepts. One thread: a commit here has tens of documents.
_HEAP_BYTES = 15_000_000
_WHERE = "the search index in memory"


class MemorySearch:
    """Grows by records; each `commit` gives a SearchIndex of all so far. Not for several threads at once."""

    def __init__(self, schema: Schema[Any]) -> None:
        with importing("tantivy"):
            import tantivy

        self._schema = schema
        self._fields = tantivy_schema(schema)
        with guarded("make", _WHERE):
            self._index = tantivy.Index(self._fields)
            # "manual": the default reloads in a thread of its own, which makes reload() here wait 100 ms
            # for its lock now and then.
            self._index.config_reader("manual")
            register_words(self._index)
            self._writer = self._index.writer(_HEAP_BYTES, 1)
            self._add = document_adder(self._writer, schema, self._fields)

    def apply(self, change: Change) -> None:
        """Take in a change."""
        # Without the record's own document: nothing is ever rebuilt from memory. Read before Tantivy is asked
        # for anything: what fails in that is no fault of the index.
        documents = (
            self._schema.documents(change.key, change.payload) if isinstance(change, FileIndexed) else ()
        )
        with guarded("write to", _WHERE):
            self._writer.delete_documents_by_term("_key", key_term(change.key))
            for document in item_documents(self._schema, change.key, documents):
                self._add(document)

    def commit(self) -> SearchIndex:
        """Everything so far, searchable."""
        from tantivy import Document

        with guarded("commit to", _WHERE):
            self._writer.commit()
            self._index.reload()
            found = SearchIndex(self._index, self._schema, _WHERE)
            # A document of nothing, which no search returns: Tantivy's thread makes ready for the next
            # segment when its first document comes, some 2 ms, and now no one waits for it.
            self._writer.add_document(Document())
        return found
