"""The files of a repository as they are now, parsed when a question needs it."""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import NamedTuple, Protocol

from tree_sitter import Tree

from diptych import fs
from diptych.indexer import text
from diptych.indexer.errors import TooSlowError
from diptych.indexer.extract import tree_of
from diptych.indexer.grammar import parser_of
from diptych.indexer.languages import LANGUAGES as KNOWN
from diptych.indexer.languages import language_of, language_of_content
from diptych.indexer.parse import read_regular
from diptych.indexer.settings import Settings
from diptych.model import content_hash
from diptych.names.facts import MODULE, FileFacts, Point, Scope
from diptych.names.languages import LANGUAGES
from diptych.names.languages import language as names_language
from diptych.names.source import Names
from diptych.serving.parts import Lines, Part, captures_in, part_around
from diptych.serving.weighted import Weighted
from diptych.values import Value, field

# Of the sources that are kept. With its tree and its names, a file takes some thirty times as much.
_PARSED_BYTES = 512 * 1024
_WORD = re.compile(rb"[\w\x80-\xff]")


class Seen(NamedTuple):
    """What `stat` said of a file, the hash of what was read then, and whether its text was all ASCII."""

    stat: tuple[int, int, int, int]
    content_hash: str
    is_ascii: bool = False


class _Checked(Value, frozen=False):
    """The newest `Seen` of each file, and the files looked at for the current question."""

    seen: dict[str, Seen] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)


class ParsedFile:
    """A file's bytes, its tree and all it says about names."""

    def __init__(self, path: str, language: str, source: bytes, digest: str) -> None:
        self.path = path
        self.language = language
        self.source = source
        self.content_hash = digest
        self._part: Part | None = None

    @cached_property
    def tree(self) -> Tree | None:
        """The tree, or None for a file that takes too long to parse."""
        try:
            return tree_of(parser_of(self.language), KNOWN[self.language], self.source)
        except TooSlowError:
            return None

    @property
    def has_tree(self) -> bool:
        """Whether it was parsed, or given a tree."""
        return "tree" in self.__dict__

    def tree_made(self) -> Tree | None:
        """The tree if there is one already."""
        return self.tree if self.has_tree else None

    def set_tree(self, tree: Tree | None) -> None:
        """Give it the tree of its source, made from an earlier one."""
        self.__dict__["tree"] = tree

    @property
    def is_parsed(self) -> bool:
        """Whether the complete facts are there."""
        return "names" in self.__dict__

    def part(self, seen: Names, place: Point) -> Part | None:
        """See `part_around`. One question after the other is often about the same function."""
        if self._part is None or not self._part.serves(seen, place):
            self._part = part_around(seen, self._text, place) if self.language in LANGUAGES else None
        return self._part

    def part_with(self, seen: Names, place: Point, added: int) -> Part | None:
        """The same for a text that is that of `seen` with as many bytes more at the place."""
        return part_around(seen, self._text, place, added=added) if self.language in LANGUAGES else None

    @cached_property
    def names(self) -> Names:
        """The complete facts; those of an empty file where it cannot be parsed."""
        return Names(self.path, self.language, self._facts())

    @cached_property
    def lines(self) -> list[bytes]:
        """The lines, without their ends."""
        return self.source.split(b"\n")

    def offset(self, row: int, column: int) -> int | None:
        """The byte at a row and a column, or None if there is none."""
        if not 0 <= row < len(self.lines) or not 0 <= column <= len(self.lines[row]):
            return None
        return self._text.offset((row, column))

    def place(self, offset: int) -> Point:
        """The row and the column of a byte."""
        row = self.source.count(b"\n", 0, offset)
        return row, offset - (self.source.rfind(b"\n", 0, offset) + 1)

    def is_after_name(self, row: int, column: int) -> bool:
        """Whether a name ends right before a place, so that it is the one meant."""
        line = self.lines[row]
        return bool(_WORD.match(line, column - 1)) and not _WORD.match(line, column) if column else False

    def line_text(self, row: int) -> str:
        """A line as text, without the white space around it."""
        return self.lines[row].decode("utf-8", "replace").strip() if row < len(self.lines) else ""

    @property
    def _text(self) -> Lines:
        return Lines(self.source, self.lines)

    def _facts(self) -> FileFacts:
        empty = FileFacts((Scope(MODULE, -1, (0, 0), (0, 0)),), (), complete=True)
        if self.language not in LANGUAGES or self.tree is None:
            return empty
        try:
            captures = captures_in(self.language, self.tree)
        except TooSlowError:
            return empty
        return names_language(self.language).collect(self.source, captures, complete=True)


class Open(Protocol):
    """A document that is open in an editor: it counts, not the file at its path."""

    @property
    def source(self) -> bytes:
        """The text as UTF-8."""

    @property
    def content_hash(self) -> str:
        """The hash of the text."""

    def parsed(self) -> ParsedFile | None:
        """The text with its tree and names; None if there is no parser for it."""


class Files:
    """The files below a folder, and the documents that are `open` there. Not thread-safe. Close it."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.open: dict[str, Open] = {}
        """By path."""
        self._tree = fs.Beneath(root)
        self._max_bytes = Settings().max_file_bytes
        self._parsed: Weighted[ParsedFile] = Weighted(_PARSED_BYTES)
        self._checked = _Checked()
        self._text: tuple[str, bytes | None] = "", None
        """The text that was asked for last."""

    def close(self) -> None:
        """Close the folders that are open."""
        self._tree.close()

    def begin(self) -> None:
        """A new question: what was looked at before is looked at again."""
        self._checked.asked.clear()
        self._text = "", None
        # A folder that stays open is the one it was, wherever it was moved, and whatever is at its path now.
        self._tree.close()

    def hash_of(self, path: str) -> str:
        """The content hash of a file as it is now; "" if it cannot be read."""
        document = self.open.get(path)
        if document is not None:
            return document.content_hash
        seen = self._checked.seen.get(path)
        if seen is not None and path in self._checked.asked:
            return seen.content_hash
        stat = self._stat(path)
        self._checked.asked.add(path)
        if stat is None:
            self._checked.seen[path] = Seen((0, 0, 0, 0), "")
        elif seen is None or seen.stat != stat or not seen.content_hash:
            self._checked.seen[path] = _seen(stat, self._read(path))
        return self._checked.seen[path].content_hash

    def is_ascii(self, path: str) -> bool:
        """Whether the text of a file is all ASCII now, so that a column is the same in every encoding."""
        document = self.open.get(path)
        if document is not None:
            return document.source.isascii()
        return self.hash_of(path) != "" and self._checked.seen[path].is_ascii

    def parsed(self, path: str) -> ParsedFile | None:
        """The file as it is now, or None if it cannot be read, or has no parser."""
        document = self.open.get(path)
        if document is not None:
            return document.parsed()
        digest = self.hash_of(path)
        known = self._parsed.get(path)
        if known is not None and known.content_hash == digest:
            return known
        language = language_of(path)
        data = self._read(path) if digest and language else None
        if data is None:
            return None
        source = _as_text(language, data)
        language = language_of_content(language, source)
        made = ParsedFile(path, language, source, content_hash(data))
        self._parsed.keep(path, made, len(source))
        return made

    def bytes_of(self, path: str) -> bytes | None:
        """The file's text as UTF-8, not parsed."""
        document = self.open.get(path)
        if document is not None:
            return document.source
        known = self._parsed.get(path)
        if known is not None and known.content_hash == self.hash_of(path):
            return known.source
        if self._text[0] != path:
            data = self._read(path)
            self._text = path, _as_text(language_of(path), data) if data is not None else None
        return self._text[1]

    def read(self, path: str) -> tuple[bytes, str] | None:
        """The text of a file on the disk as UTF-8, and the content hash of the same bytes."""
        data = self._read(path)
        return (_as_text(language_of(path), data), content_hash(data)) if data is not None else None

    def raw(self, path: str) -> bytes | None:
        """The file's bytes as they are; None if it cannot be read, or is too large."""
        return self._read(path)

    def _stat(self, path: str) -> tuple[int, int, int, int] | None:
        try:
            found = self._tree.lstat(os.fsencode(path))
        except (OSError, ValueError):
            # ValueError: no file has a name with a NUL.
            return None
        return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino

    def _read(self, path: str) -> bytes | None:
        try:
            data = read_regular(self._tree, path, self._max_bytes)
        except (OSError, ValueError):
            return None
        return data if len(data) <= self._max_bytes else None


def _seen(stat: tuple[int, int, int, int], data: bytes | None) -> Seen:
    if data is None:
        return Seen(stat, "")
    # What is all ASCII is taken as it is, whatever encoding it declares.
    return Seen(stat, content_hash(data), data.isascii())


def _as_text(language: str, data: bytes) -> bytes:
    declares = language in KNOWN and KNOWN[language].declares_encoding
    return text.as_utf8(data, declares_encoding=declares)
