"""The query language: from text to what is asked, checked against a schema's fields.

    query     alternative (OR alternative)*
    alternative  clause+                         several clauses: any of them, after `+` and `-`
    clause    operand (AND operand)*
    operand   (NOT | - | +)* (item | field:item | field:IN [value ...]) ^number?
    item      word | word* | word~1 | "phrase" | * | ( query )

What cannot be read in one way only is refused. No part of this calls itself: parentheses need no stack.
"""

from __future__ import annotations

import re
from typing import Any

from diptych.errors import QueryError
from diptych.schema.base import Schema
from diptych.search.nodes import (
    Boosted,
    Clauses,
    Everything,
    Fuzzy,
    Group,
    Node,
    Parsed,
    Prefix,
    Words,
    levels_of,
    quote,
    quoted,
    refuse,
    shown,
)
from diptych.search.words import DROPPED_BYTES, lowered, words_of

# Tantivy calls itself for each level of a query, and ends the process where the stack ends. It takes 9 KiB a
# level, after some 60: this leaves half of a stack of 512 KiB, which a thread has by default on macOS.
MAX_LEVELS = 24
MAX_ITEMS = 1_000
# The code schema indexes the first 4,096 characters of a text: no longer word can match.
MAX_WORD_CHARACTERS = 4_096
# Tantivy's automata have at most 1,000 states, and a state takes a byte or so.
MAX_PREFIX_BYTES = 256
MAX_FUZZY_CHARACTERS = 128
# A character has four bytes at most, in lower case as well.
_LONG_CHARACTERS = DROPPED_BYTES // 4
MAX_BOOST = 1_000_000.0

_NUMBER = re.compile(r"\d+(?:\.\d*)?|\.\d+")
_PLAIN = re.compile(r"[\w\s]*")
_OPERATORS = frozenset(("AND", "OR", "NOT"))
_FUZZY = re.compile(r"~(\d*)\Z")
_KEYWORD = re.compile(r"(AND|OR|NOT)(?=[\s()\"]|\Z)")
# `::` belongs to a name, as in std::vector.
_FIELD = re.compile(r"([^\s:()\[{\"'^*~\\]*):(?!:)")
_SET = re.compile(r"IN\s*\[")


def parse(text: str, schema: Schema[Any]) -> Parsed:
    """Read a query. Raises QueryError for one that is not of the language above, with how to write it."""
    try:
        # As documents are: bytes that are not UTF-8 are replaced.
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:
        refuse("it holds a lone surrogate", "leave out what is not text")
    parser = _Parser(text, schema)
    # Most queries are nothing but words: a look at the whole is far cheaper than one at each character.
    words = text.split()
    if _PLAIN.fullmatch(text) and len(words) <= MAX_ITEMS and _OPERATORS.isdisjoint(words):
        nodes = [parser.words(None, word) for word in words]
        return Parsed(
            None if not nodes else nodes[0] if len(nodes) == 1 else Clauses(optional=tuple(nodes)),
            parser.long_words,
        )
    return parser.parse()


class _Parser:
    def __init__(self, text: str, schema: Schema[Any]) -> None:
        self._text = text
        self._at = 0
        self._schema = schema
        self._exact = {field.name: field.tokens == "exact" for field in schema.fields}
        self._groups = [Group(None)]
        self._items = 0
        self.long_words = False

    def parse(self) -> Parsed:
        """The whole text."""
        while self._skip_space():
            self._step()
        if len(self._groups) > 1:
            refuse("a `(` is not closed", 'close it, or quote what it belongs to, as in "parse("')
        node = self._groups[0].finish()
        if node is not None and levels_of(node) > MAX_LEVELS:
            raise QueryError(
                f"the query nests more than {MAX_LEVELS} levels deep",
                advice="put fewer parentheses inside each other",
            )
        return Parsed(node, self.long_words)

    def _step(self) -> None:
        """Read one operator, parenthesis or operand."""
        group, character = self._groups[-1], self._text[self._at]
        if character == ")":
            self._close()
        elif character in "+-":
            self._sign(group, character)
        elif word := self._keyword():
            if word == "NOT":
                if group.required:
                    refuse("`+` stands before NOT", "leave one of them out")
                group.negated = not group.negated
                group.joining = "NOT"
            else:
                group.join(word)
        else:
            self._operand(group)

    def _sign(self, group: Group, sign: str) -> None:
        following = self._text[self._at + 1 : self._at + 2]
        if not following or following.isspace() or following in "+-)":
            refuse(
                f"`{sign}` stands right before what it is about, and once", "write it as in parse -kind:class"
            )
        if sign == "+" and group.negated:
            refuse("`+` stands after NOT", "leave one of them out")
        self._at += 1
        if sign == "-":
            group.negated = not group.negated
        else:
            group.required = True
        group.joining = f"`{sign}`"

    def _keyword(self) -> str:
        """AND, OR or NOT, where one stands here; reads it."""
        match = _KEYWORD.match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match[1]

    def _operand(self, group: Group) -> None:
        """A word, phrase, set, or the beginning of a group, each perhaps with its field."""
        field = group.field
        if named := self._field():
            if field is not None:
                refuse(f"the field {named} is named inside {field}:( )", "name one field for each group")
            field = named
            if not self._skip_space():
                refuse(f"nothing follows {field}:", f'name what to search for, as in {field}:"a word"')
        if self._text[self._at] == "(":
            self._at += 1
            self._groups.append(Group(field))
        elif named and (values := self._set(named)) is not None:
            self._added(values)
        else:
            self._added(self._item(field))

    def _close(self) -> None:
        if len(self._groups) == 1:
            refuse("a `)` closes nothing")
        node = self._groups.pop().finish()
        if node is None:
            refuse("there is nothing between `(` and `)`")
        self._at += 1
        self._added(node)

    def _added(self, node: Node) -> None:
        """Take an operand into its group, with the boost that follows it."""
        text = self._text
        if text.startswith("^", self._at):
            number = _NUMBER.match(text, self._at + 1)
            if number is None or float(number[0]) > MAX_BOOST:
                refuse(f"a number of at most {MAX_BOOST:,.0f} follows ^, as in word^2")
            self._at = number.end()
            node = Boosted(node, float(number[0]))
        if self._at < len(text) and not text[self._at].isspace() and text[self._at] != ")":
            refuse(f"{shown(text[self._at :])} follows without a space")
        self._groups[-1].add(node)

    def _field(self) -> str:
        """The field that is named here, "" for none; reads it with its colon."""
        match = _FIELD.match(self._text, self._at)
        if match is None:
            return ""
        name = match[1]
        if name not in self._exact:
            known = ", ".join(self._exact)
            refuse(
                f"there is no field {shown(name)}; the fields are {known}",
                f"quote it to search for the text: {quoted(self._until_space())}",
            )
        self._at = match.end()
        return name

    def _set(self, field: str) -> Node | None:
        """`IN [a b]` after a field: any of the values."""
        match = _SET.match(self._text, self._at)
        if match is None:
            return None
        self._at = match.end()
        values: list[Node] = []
        while self._skip_space() and self._text[self._at] != "]":
            values.append(self._item(field, in_set=True))
        if self._at >= len(self._text):
            refuse("the set after IN is not closed", f"write it as {field}:IN [a b]")
        if not values:
            refuse("the set after IN is empty", f"write it as {field}:IN [a b]")
        self._at += 1
        return Clauses(optional=tuple(values))

    def _item(self, field: str | None, in_set: bool = False) -> Node:
        """A word or a phrase, in its field or in the default ones."""
        self._items += 1
        if self._items > MAX_ITEMS:
            raise QueryError(f"the query has more than {MAX_ITEMS:,} words", advice="ask for less at a time")
        first = self._text[self._at]
        if first in "\"'":
            return self.words(field, self._phrase(first))
        if first in "[{<>":
            refuse(f"{first} begins a range, and no field has numbers")
        if first in "()^+-":
            refuse(f"`{first}` stands where a word or a phrase is wanted")
        if word := self._keyword():
            refuse(f"{word} stands where a word or a phrase is wanted", quote(word))
        if first == "/":
            refuse("/ begins a regular expression, and there are none")
        word, marks = self._word(in_set)
        # Only what does not follow a backslash has a meaning of its own.
        star, tilde = marks.find("*"), marks.find("~", 1)
        if star >= 0:
            if star < len(word) - 1:
                refuse(f"the * in {shown(word)} is not at its end", "write only the beginning before it")
            if star == 0:
                return self._any(field)
            return self._prefix(field, word[:-1])
        if tilde >= 0:
            match = _FUZZY.search(marks)
            if match is None or match[1] not in ("", "1", "2"):
                refuse(f"~ in {shown(word)} ends a word, alone or as ~1 or ~2")
            return self._fuzzy(field, word[: match.start()], int(match[1] or 1))
        if ":" in marks.replace("::", ""):
            refuse(f"{shown(word)} holds a colon", f"quote it: {quoted(word)}")
        return self.words(field, word)

    def _phrase(self, delimiter: str) -> str:
        """What stands between quotes; a backslash takes what follows it as it is."""
        begin = self._at
        characters: list[str] = []
        self._at += 1
        while self._at < len(self._text):
            character = self._text[self._at]
            self._at += 1
            if character == delimiter:
                break
            if character == "\\" and self._at < len(self._text):
                character = self._text[self._at]
                self._at += 1
            characters.append(character)
        else:
            refuse(
                f"the quote at {shown(self._text[begin:])} is not closed", f"close it, or write \\{delimiter}"
            )
        if self._text.startswith(("~", "*"), self._at):
            refuse(f"a phrase takes no {self._text[self._at]}")
        return "".join(characters)

    def _word(self, in_set: bool) -> tuple[str, str]:
        """A word, and the same with a NUL for each character that followed a backslash."""
        characters: list[str] = []
        marks: list[str] = []
        ends = '()"^]' if in_set else '()"^'
        while self._at < len(self._text):
            character = self._text[self._at]
            if character.isspace() or character in ends:
                break
            self._at += 1
            mark = character
            if character == "\\" and self._at < len(self._text):
                character, mark = self._text[self._at], "\0"
                self._at += 1
            characters.append(character)
            marks.append(mark)
        following = self._text[self._at : self._at + 1]
        if characters and following and following in '("':
            refuse(f"a {following} follows {shown(''.join(characters))} without a space")
        return "".join(characters), "".join(marks)

    def words(self, field: str | None, text: str) -> Node:
        if len(text) > MAX_WORD_CHARACTERS:
            refuse(
                f"a word or phrase has more than {MAX_WORD_CHARACTERS:,} characters",
                "search for a part of it",
            )
        split = words_of(text)
        long = len(text) >= _LONG_CHARACTERS and _any_long(split)
        found: list[tuple[str, Node]] = []
        for name in self._fields(field):
            exact = self._exact[name]
            words = (text,) if exact else split
            if words and text:
                self.long_words |= long and not exact
                found.append((name, Words(name, words)))
        if not found:
            refuse(
                f"{shown(text)} has no letter and no digit",
                "search for words: other characters are not indexed",
            )
        return self._in_any(found)

    def _prefix(self, field: str | None, text: str) -> Node:
        if len(text.encode()) > MAX_PREFIX_BYTES:
            refuse(f"what stands before * has more than {MAX_PREFIX_BYTES} bytes", "write less of it")
        found: list[tuple[str, Node]] = []
        for name in self._fields(field):
            if self._exact[name]:
                found.append((name, Prefix(name, text)))
            else:
                self.long_words = True
                found.append((name, Prefix(name, _one_word(text, "*"))))
        return self._in_any(found)

    def _fuzzy(self, field: str | None, text: str, distance: int) -> Node:
        if len(text) > MAX_FUZZY_CHARACTERS:
            refuse(f"what stands before ~ has more than {MAX_FUZZY_CHARACTERS} characters")
        found: list[tuple[str, Node]] = []
        for name in self._fields(field):
            if self._exact[name] and field is not None:
                refuse(f"~ is for words, and {name} is exact", f"write {name}:{text}, or {name}:{text[:2]}*")
            if not self._exact[name]:
                word = _one_word(text, "~")
                # Each edit may add a character, of four bytes at most.
                self.long_words |= len(word.encode()) + 4 * distance >= DROPPED_BYTES
                found.append((name, Fuzzy(name, word, distance)))
        if not found:
            refuse("~ is for words, and the fields that are searched are exact", "name a field")
        return self._in_any(found)

    def _any(self, field: str | None) -> Node:
        """`*`: everything, or in a field whatever has something there."""
        if field is None:
            return Everything()
        self.long_words |= not self._exact[field]
        return Prefix(field, "")

    def _fields(self, field: str | None) -> list[str]:
        return [field] if field is not None else list(self._schema.default_fields)

    def _in_any(self, found: list[tuple[str, Node]]) -> Node:
        """In any of the fields that were found, each with its weight."""
        weights = self._schema.default_fields
        nodes = [
            node if (weight := weights.get(name, 1.0)) == 1.0 else Boosted(node, weight)
            for name, node in found
        ]
        return nodes[0] if len(nodes) == 1 else Clauses(optional=tuple(nodes))

    def _skip_space(self) -> bool:
        """Pass over white space; whether anything follows."""
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
        return self._at < len(self._text)

    def _until_space(self) -> str:
        return self._text[self._at :].split(None, 1)[0]


def _one_word(text: str, mark: str) -> str:
    """The word that a prefix or a fuzzy word is about, as it is indexed."""
    words = words_of(text)
    if words != (lowered(text),):
        refuse(f"{mark} follows one word of letters and digits, and {shown(text)} is none")
    return words[0]


def _any_long(words: tuple[str, ...]) -> bool:
    return any(len(word.encode()) >= DROPPED_BYTES for word in words)
