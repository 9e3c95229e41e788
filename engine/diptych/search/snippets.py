"""Parts of texts with the words of a query marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from diptych.search.words import register_words

if TYPE_CHECKING:
    import tantivy

MAX_CHARACTERS = 160


class Snippet(NamedTuple):
    """A part of a text; `marks` are the `(begin, end)` of the words that were asked for, in characters."""

    text: str
    marks: tuple[tuple[int, int], ...]


class SnippetMaker:
    """Cuts texts of one field, for one query."""

    def __init__(
        self,
        index: tantivy.Index,
        searcher: tantivy.Searcher,
        query: tantivy.Query,
        fields: tantivy.Schema,
        field: str,
    ) -> None:
        from tantivy import SnippetGenerator

        # It splits the text as the field's tokenizer does.
        register_words(index)
        self._fields = fields
        self._field = field
        self._generator = SnippetGenerator.create(searcher, query, fields, field)
        self._generator.set_max_num_chars(MAX_CHARACTERS)

    def snippet(self, text: str) -> Snippet:
        """The part of `text` with the most words of the query; its beginning where it has none."""
        from tantivy import Document

        made = self._generator.snippet_from_doc(Document.from_dict({self._field: text}, self._fields))
        fragment = made.fragment()
        if not fragment:
            return Snippet(text[:MAX_CHARACTERS], ())
        data = fragment.encode()
        marks = [
            (
                len(data[: mark.start].decode("utf-8", "replace")),
                len(data[: mark.end].decode("utf-8", "replace")),
            )
            for mark in made.highlighted()
        ]
        return Snippet(fragment, tuple(marks))
