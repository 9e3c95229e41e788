"""The documents that an editor has open: what is in them counts, not what is on disk."""

from __future__ import annotations

from tree_sitter import Tree

from diptych.indexer.bounded import parsed_tree
from diptych.indexer.errors import TooSlowError
from diptych.indexer.grammar import parser_of
from diptych.indexer.languages import LANGUAGES, language_of, language_of_content
from diptych.model import content_hash
from diptych.names.facts import Point
from diptych.serving.files import ParsedFile


class Document:
    """An open document. `version` is the editor's. Edits change the tree; it is parsed when one asks."""

    def __init__(self, path: str, source: bytes, version: int, *, language: str = "") -> None:
        """`language` is what the editor calls it, for a path that does not say it."""
        known = language_of(path) or (language if language in LANGUAGES else "")
        self.path = path
        self.version = version
        self.language = language_of_content(known, source) if known else ""
        self._parsed = ParsedFile(path, self.language, source, content_hash(source))
        self._edited: Tree | None = None
        """The tree of an earlier text, told of the edits since."""

    @property
    def source(self) -> bytes:
        """The text as UTF-8."""
        return self._parsed.source

    @property
    def content_hash(self) -> str:
        """The hash of the text."""
        return self._parsed.content_hash

    @property
    def unparsed(self) -> ParsedFile:
        """The text with its lines. Its tree, if one asks for it, is made from nothing: see `parsed`."""
        return self._parsed

    def parsed(self) -> ParsedFile | None:
        """The text with its tree and names; None if there is no parser for it."""
        if not self.language:
            return None
        if not self._parsed.has_tree:
            self._parsed.set_tree(self._tree())
        return self._parsed

    def replace(self, start: Point, end: Point, text: bytes) -> None:
        """Replace what is between two places. A place beyond a line or the text is its end."""
        before, lines = self.source, self._parsed.lines
        start, end = _inside(lines, start), _inside(lines, end)
        begin, stop = self._parsed.offset(*start), self._parsed.offset(*end)
        assert begin is not None and stop is not None
        if stop < begin:
            begin, stop, start, end = stop, begin, end, start
        tree = self._parsed.tree_made() or self._edited
        if tree is not None:
            added, last = text.count(b"\n"), text.rpartition(b"\n")[2]
            column = len(last) if added else start[1] + len(last)
            tree.edit(begin, stop, begin + len(text), start, end, (start[0] + added, column))
        self._edited = tree
        after = before[:begin] + text + before[stop:]
        self._parsed = ParsedFile(self.path, self.language, after, content_hash(after))

    def replace_all(self, source: bytes) -> None:
        """Another text."""
        self._edited = None
        self._parsed = ParsedFile(self.path, self.language, source, content_hash(source))

    def move_to(self, path: str) -> None:
        """The same document, at another path."""
        if path != self.path:
            self.path = path
            self.replace_all(self.source)

    def _tree(self) -> Tree | None:
        try:
            return parsed_tree(parser_of(self.language), self.source, self._edited)
        except TooSlowError:
            return None


def _inside(lines: list[bytes], place: Point) -> Point:
    row, column = place
    if row >= len(lines):
        return len(lines) - 1, len(lines[-1])
    return row, min(column, len(lines[row]))
