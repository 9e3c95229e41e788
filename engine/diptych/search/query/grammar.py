"""The grammar: from text to what is asked, checked against a schema's fields.

    query     alternative (OR alternative)*
    alternative  clause+                         several clauses: any of them, after `+`, `-` and fields
    clause    operand (AND operand)*
    operand   (NOT | - | +)* (item | field:item | field:IN [value ...] | field:range) ^number?
    item      word | word* | word~1 | /expression/ | "phrase" | * | ( query )
    range     > value | >= value | < value | <= value | [value TO value] | {value TO value}

What cannot be read in one way only is refused. No part of this calls itself: parentheses need no stack.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from diptych.errors import QueryError
from diptych.schema.base import Schema
from diptych.search.query.groups import Group
from diptych.search.query.nodes import (
    Boosted,
    Clauses,
    Node,
    Parsed,
    either,
    levels_of,
    quote,
    quoted,
    refuse,
    shown,
)
from diptych.search.query.operands import Operands

# Tantivy calls itself for each level of a query, and ends the process where the stack ends. It takes 9 KiB a
# level, after some 60: this leaves half of a stack of 512 KiB, which a thread has by default on macOS.
MAX_LEVELS = 24
MAX_CHARACTERS = 65_536
MAX_ITEMS = 1_000
MAX_BOOST = 1_000_000.0
_SHORT_CHARACTERS = 256

_NUMBER = re.compile(r"\d+(?:\.\d*)?|\.\d+")
_PLAIN = re.compile(r"[\w\s]*")
_OPERATORS = frozenset(("AND", "OR", "NOT"))
_FUZZY = re.compile(r"~(\d*)\Z")
_KEYWORD = re.compile(r"(AND|OR|NOT)(?=[\s()\"]|\Z)")
# What lacks a space after an operator.
_GLUED = re.compile(r"(AND|OR|NOT)(?=[-+/!'&|])")
# What is an operator in other languages. `empty?` and `vec!` are words.
_FOREIGN = re.compile(r"\A!+|&&|\|\||\?(?=\w)")
_INSTEAD = {
    "!": "write NOT or - before what is to be left out",
    "&": "write AND between words",
    "|": "write OR between words",
    "?": "write . in a regular expression for any character, as in /soc.et/",
}
# `::` belongs to a name, as in std::vector.
_FIELD = re.compile(r"([^\s:()\[{\"'^*~\\/]*):(?!:)")
_SET = re.compile(r"IN\s*\[")
_COMPARISON = re.compile(r"([<>]=?)\s*([^\s()^]*)")
_RANGE = re.compile(r"([\[{])\s*([^\s\[\]{}]+)\s+TO\s+([^\s\[\]{}]+)\s*([\]}])")
_VALUE = re.compile(r"[^\s()^\],\"]+")


def parse(text: str, schema: Schema[Any]) -> Parsed:
    """Read a query. Raises QueryError for one that is not of the language above, with how to write it."""
    return (_parse_short if len(text) <= _SHORT_CHARACTERS else _parse)(text, schema)


def _parse(text: str, schema: Schema[Any]) -> Parsed:
    if len(text) > MAX_CHARACTERS:
        raise QueryError(
            f"the query has more than {MAX_CHARACTERS:,} characters",
            advice="ask for less at a time; a long text is searched for with --plain, or plain=True",
        )
    try:
        # As documents are: bytes that are not UTF-8 are replaced.
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:
        refuse("it holds a lone surrogate", "leave out what is not text")
    operands = Operands(schema)
    # Most queries are nothing but words: a look at the whole is far cheaper than one at each character.
    words = text.split()
    if _PLAIN.fullmatch(text) and len(words) <= MAX_ITEMS and _OPERATORS.isdisjoint(words):
        node = either([operands.word(None, word) for word in words]) if words else None
    else:
        node = _Parser(text, operands).parse()
    return Parsed(None) if node is None else operands.ranked(node)


# A query is asked again: for the next page, for its number of hits, for its groups.
_parse_short = lru_cache(maxsize=256)(_parse)


class _Parser:
    def __init__(self, text: str, operands: Operands) -> None:
        self._text = text
        self._at = 0
        self._operands = operands
        self._groups = [Group(None)]
        self._items = 0

    def parse(self) -> Node | None:
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
        return node

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
        named = self._field() or None
        if named is not None:
            if field is not None:
                refuse(f"the field {named} is named inside {field}:( )", "name one field for each group")
            field = named
            if not self._skip_space():
                refuse(f"nothing follows {field}:", f'name what to search for, as in {field}:"a word"')
        if self._text[self._at] == "(":
            self._at += 1
            self._groups.append(Group(field, named=named))
        elif named and (values := self._set(named)) is not None:
            self._added(values, frozenset((named,)))
        else:
            self._added(self._item(field), frozenset((named,) if named else ()))

    def _close(self) -> None:
        if len(self._groups) == 1:
            refuse("a `)` closes nothing")
        group = self._groups.pop()
        node = group.finish()
        if node is None:
            refuse("there is nothing between `(` and `)`")
        self._at += 1
        self._added(node, group.fields)

    def _added(self, node: Node, fields: frozenset[str]) -> None:
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
        self._groups[-1].add(node, fields)

    def _field(self) -> str:
        """The field that is named here, "" for none; reads it with its colon."""
        match = _FIELD.match(self._text, self._at)
        if match is None:
            return ""
        name = match[1]
        if name not in self._operands.fields:
            known = ", ".join(self._operands.fields)
            refuse(
                f"there is no field {shown(name)}; the fields are {known}",
                f"quote it to search for the text: {quoted(self._until_space())}",
            )
        self._at = match.end()
        return name

    def _set(self, field: str) -> Node | None:
        """`IN [a b]` or `IN [a, b]` after a field: any of the values."""
        match = _SET.match(self._text, self._at)
        if match is None:
            return None
        self._at = match.end()
        values: list[Node] = []
        while self._skip_space(",") and self._text[self._at] != "]":
            values.append(self._item(field, in_set=True))
        if self._at >= len(self._text):
            refuse("the set after IN is not closed", f"write it as {field}:IN [a b]")
        if not values:
            refuse("the set after IN is empty", f"write it as {field}:IN [a b]")
        self._at += 1
        return Clauses(optional=tuple(values))

    def _item(self, field: str | None, in_set: bool = False) -> Node:
        """A word, a phrase, a range, …, in its field or in the default ones."""
        self._items += 1
        if self._items > MAX_ITEMS:
            raise QueryError(f"the query has more than {MAX_ITEMS:,} words", advice="ask for less at a time")
        first = self._text[self._at]
        if first in "\"'":
            return self._operands.phrase(field, self._phrase(first))
        if first in "[{<>":
            return self._range(field, first)
        if field is not None and self._operands.has_values(field) and first in "+-.0123456789":
            return self._value(field)
        if first in "()^+-":
            refuse(f"`{first}` stands where a word or a phrase is wanted")
        if word := self._keyword():
            refuse(f"{word} stands where a word or a phrase is wanted", quote(word))
        if first == "/":
            return self._operands.pattern(field, self._expression())
        return self._word_item(field, in_set)

    def _word_item(self, field: str | None, in_set: bool) -> Node:
        """A word, with what its characters mean at its end."""
        if match := _GLUED.match(self._text, self._at):
            refuse(
                f"{match[1]} has no space after it",
                f"write one, or quote the text: {quoted(self._until_space())}",
            )
        word, marks = self._word(in_set)
        if match := _FOREIGN.search(marks):
            instead = _INSTEAD[match[0][0]]
            refuse(
                f"{match[0]} in {shown(word)} is no operator", f"{instead}, or quote the text: {quoted(word)}"
            )
        # Only what does not follow a backslash has a meaning of its own.
        star, tilde = marks.find("*"), marks.find("~", 1)
        if star >= 0:
            if star < len(word) - 1:
                refuse(f"the * in {shown(word)} is not at its end", "write only the beginning before it")
            return self._operands.any(field) if star == 0 else self._operands.prefix(field, word[:-1])
        if tilde >= 0:
            match = _FUZZY.search(marks)
            if match is None or match[1] not in ("", "1", "2"):
                refuse(f"~ in {shown(word)} ends a word, alone or as ~1 or ~2")
            return self._operands.fuzzy(field, word[: match.start()], int(match[1] or 1))
        if ":" in marks.replace("::", ""):
            refuse(f"{shown(word)} holds a colon", f"quote it: {quoted(word)}")
        if "," in marks and field is not None and self._operands.is_exact(field):
            refuse(
                f"{shown(word)} holds a comma",
                f"write several values as {field}:IN [a, b], or quote one that has a comma: {quoted(word)}",
            )
        return self._operands.word(field, word)

    def _range(self, field: str | None, first: str) -> Node:
        """A comparison, or what stands between brackets."""
        if field is None:
            refuse(
                f"{first} begins a range, and no field is named", f"name one, or quote it: {quoted(first)}"
            )
        if not self._operands.has_values(field):
            refuse(
                f"{first} begins a range, and {field} has no numbers and no dates",
                f'write {field}:word, {field}:begin* or {field}:"words"',
            )
        if first in "<>":
            match = _COMPARISON.match(self._text, self._at)
            if match is None or match[2] in ("", "*"):
                refuse(f"a value follows {first}, as in {field}:{first}5")
            self._at = match.end()
            sign, value = match.groups()
            included = sign.endswith("=")
            if first == "<":
                return self._operands.values(field, "*", value, with_low=True, with_high=included)
            return self._operands.values(field, value, "*", with_low=included, with_high=True)
        match = _RANGE.match(self._text, self._at)
        if match is None:
            refuse(f"{first} begins a range, and it is none", f"write it as {field}:[1 TO 5] or {field}:>=1")
        self._at = match.end()
        opened, low, high, closed = match.groups()
        return self._operands.values(field, low, high, with_low=opened == "[", with_high=closed == "]")

    def _value(self, field: str) -> Node:
        """A number or a date."""
        match = _VALUE.match(self._text, self._at)
        assert match is not None
        self._at = match.end()
        return self._operands.value(field, match[0])

    def _expression(self) -> str:
        """What stands between slashes; a slash in it follows a backslash."""
        begin = self._at
        self._at += 1
        while self._at < len(self._text) and self._text[self._at] != "/":
            self._at += 2 if self._text[self._at] == "\\" else 1
        if self._at >= len(self._text):
            refuse(
                f"the regular expression {shown(self._text[begin:])} is not closed",
                f"close it with /, or quote it to search for the text: {quoted(self._until_space(begin))}",
            )
        self._at += 1
        if self._at == begin + 2:
            refuse("there is nothing between / and /")
        return self._text[begin + 1 : self._at - 1]

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
        ends = '()"^],' if in_set else '()"^'
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

    def _skip_space(self, also: str = "") -> bool:
        """Pass over white space, and the characters of `also`; whether anything follows."""
        text = self._text
        while self._at < len(text) and (text[self._at].isspace() or text[self._at] in also):
            self._at += 1
        return self._at < len(self._text)

    def _until_space(self, begin: int | None = None) -> str:
        return self._text[self._at if begin is None else begin :].split(None, 1)[0]
