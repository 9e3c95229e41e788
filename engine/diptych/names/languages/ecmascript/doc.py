"""Types that JavaScript has in comments: `/** @param {Map<string, Foo>} one */`.

A type is read into the form that `diptych.names.annotations` has; one that says nothing is "?".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

from tree_sitter import Node

from diptych.names.annotations import FUNCTION_TYPE, OF_VALUE, of_module, written_at
from diptych.names.facts import Point
from diptych.names.languages.shapes import MAX_CHARS, MAX_DEPTH

_UNKNOWN = "?"
_BLANKS = b" \t\r\n"
_BLANK = re.compile(rb"(?:[ \t\r]|\n[ \t]*(?:\*(?!/))?)*")
_TAG = re.compile(rb"@(\w+)")
_NAME = re.compile(rb"[A-Za-z_$\x80-\xff][\w$\x80-\xff]*")
_CALLED = re.compile(rb"\[?[ \t]*([A-Za-z_$\x80-\xff][\w$.\x80-\xff]*)")
_STRING = re.compile(rb"""(["'])([^"'<>\n]*)\1""")
_KEY = re.compile(rb"""(?:readonly[ \t]+)?["']?([A-Za-z_$\x80-\xff][\w$\x80-\xff]*)["']?[ \t]*(\?)?""")
_FLAT = re.compile(rb"\{[^{}()\[\]]{0,400}\}")
_PLAIN = re.compile(rb"\{[ \t]*([A-Za-z_$][\w$]*)[ \t]*\}")
_IMPORTED = re.compile(rb"""\{[ \t]*import\((["'])([^"'<>\n]{1,200})\1\)((?:\.[\w$]{1,60}){0,3})[ \t]*\}""")
_NUMBER = re.compile(rb"-?[\d.]+")
_ANYTHING = frozenset({"Object", "object", "any", "Function", "unknown", "mixed", "function", "const"})
_RENAMED = {"Object": "Record", "array": "Array", "promise": "Promise"}
# What may be around a function or a value that a comment is before.
_HOLDERS = frozenset({
    "export_statement", "variable_declarator", "lexical_declaration", "variable_declaration",
    "assignment_expression", "expression_statement", "pair", "field_definition",
})  # fmt: skip
# Real comments have some tens of tags, and types of some hundreds of bytes.
_MAX_BYTES = 64 * 1024
_MAX_TAGS = 1_000
_MAX_TYPE_BYTES = 4_096


class Tag:
    """A tag: where it starts, what it is, and the name after its type, with where that is and ends.

    Its type is read when one asks.
    """

    def __init__(self, comment: Comment, start: int, tag: str, braces: int) -> None:
        self.start = start
        self.tag = tag
        self.name = ""
        self.at = self.end = start
        self._comment = comment
        self._braces = braces

    @property
    def type(self) -> str:
        """The type in braces; "" for none."""
        return self._read[0]

    @property
    def objects(self) -> tuple[Written, ...]:
        """The types in it that list members."""
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[str, tuple[Written, ...]]:
        if self._braces < 0:
            return "", ()
        if (plain := _PLAIN.match(self._comment.source, self._braces, self._comment.end)) is not None:
            name = _text(plain[1])
            return (name if name not in _ANYTHING else _UNKNOWN), ()
        if (item := _IMPORTED.match(self._comment.source, self._braces, self._comment.end)) is not None:
            return of_module(_text(item[2])) + _text(item[3]), ()
        reader = _Types(self._comment, self._braces)
        return reader.in_braces(), tuple(reader.objects)


class Written(NamedTuple):
    """A type that lists members: `{ a: string }`. The members have a name, a place and a shape."""

    start: Point
    end: Point
    members: tuple[tuple[str, Point, str], ...]


class Comment(NamedTuple):
    """A comment of a source: its bytes, and the place of one of the bytes of the source."""

    source: bytes
    start: int
    end: int
    known: int
    place: Point

    # By whatever node it was found, its tags are the same, and are read once.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Comment) and self[:3] == other[:3]

    def __hash__(self) -> int:
        return hash((self.start, self.end))

    def place_of(self, offset: int) -> Point:
        """The row and column of a byte that is not after the known one, or not before it."""
        row, column = self.place
        first, last = min(offset, self.known), max(offset, self.known)
        lines = self.source.count(b"\n", first, last)
        if not lines:
            return row, column + offset - self.known
        start = self.source.rfind(b"\n", 0, offset) + 1
        return (row - lines if offset < self.known else row + lines), offset - start

    def tags(self) -> tuple[Tag, ...]:
        """The tags, in order."""
        return _tags(self)


# Each parameter of a function asks for those of one comment.
@lru_cache(maxsize=4)
def _tags(comment: Comment) -> tuple[Tag, ...]:
    found: list[Tag] = []
    source, at, end = comment.source, comment.start, comment.end
    while len(found) < _MAX_TAGS and (match := _TAG.search(source, at, end)) is not None:
        at = _skipped(source, match.end(), end)
        closing = _end_of_braces(source, at, end) if source[at : at + 1] == b"{" else -1
        tag = Tag(comment, match.start(), _text(match[1]), at if closing >= 0 else -1)
        tag.end = at = max(closing + 1, at)
        called = _CALLED.match(source, _skipped(source, at, end), end)
        if called is not None:
            tag.name, (tag.at, tag.end) = _text(called[1]), called.span(1)
        found.append(tag)
    return tuple(found)


def comment_of(source: bytes, node: Node) -> Comment:
    """A comment by its node."""
    row, column = node.start_point
    return Comment(source, node.start_byte, node.end_byte, node.start_byte, (row, column))


def is_doc(source: bytes, node: Node) -> bool:
    """Whether a comment may have tags."""
    start, end = node.byte_range
    return source.startswith(b"/**", start) and source.find(b"@", start, end) >= 0


def comment_before(source: bytes, node: Node) -> Comment | None:
    """The comment just before a node, if it may have tags."""
    end = node.start_byte
    while end and source[end - 1] in _BLANKS:
        end -= 1
    if source[end - 2 : end] != b"*/":
        return None
    start = source.rfind(b"/*", max(end - _MAX_BYTES, 0), end - 2)
    if start < 0 or source[start + 2] != ord("*"):
        return None
    row, column = node.start_point
    return Comment(source, start, end, node.start_byte, (row, column)) if b"@" in source[start:end] else None


def comment_for(source: bytes, node: Node) -> Comment | None:
    """The comment before a function or a value, or before what it is given to."""
    current: Node | None = node
    last = -1
    while current is not None:
        if current.start_byte != last:
            last = current.start_byte
            if (found := comment_before(source, current)) is not None:
                return found
        parent = current.parent
        is_holder = parent is not None and parent.type in _HOLDERS
        # Of `a = 1, b = 2` it is for the first.
        is_several = parent is not None and current.type == "variable_declarator"
        is_first = parent is None or not is_several or current == parent.named_child(0)
        current = parent if is_holder and is_first else None
    return None


def said_type(source: bytes, node: Node | None, tags: tuple[str, ...] = ("type",)) -> str:
    """The shape of a value that a comment gives a type: `@type`, or one of these tags; "" for none."""
    comment = comment_for(source, node) if node is not None else None
    return _shape_of_tag(comment, tags) if comment is not None else ""


def type_before(source: bytes, node: Node) -> str:
    """The same, by the comment just before it: a cast, or a parameter's type."""
    comment = comment_before(source, node)
    return _shape_of_tag(comment, ("type",)) if comment is not None else ""


def _shape_of_tag(comment: Comment, tags: tuple[str, ...]) -> str:
    return next((shape(one.type) for one in comment.tags() if one.tag in tags), "")


def parameter_type(source: bytes, function: Node, parameter: Node, index: int) -> str:
    """The shape of a parameter by the comment before its function; "" for none.

    A parameter that is a pattern is the one whose number it has.
    """
    comment = comment_for(source, function)
    if comment is None:
        return ""
    given = [one for one in comment.tags() if one.tag in ("param", "arg", "argument")]
    left = parameter.child_by_field_name("left")
    name = left if left is not None else parameter
    if name.type == "rest_pattern":
        name = name.named_children[0] if name.named_child_count else name
    if name.type == "identifier":
        text = _text(source[name.start_byte : name.end_byte])
        found = next((one.type for one in given if one.name == text), "")
        if found in ("", _UNKNOWN) and (listed := members_of_parameter(comment, given, text)) is not None:
            found = written_at(listed.start)
        is_rest = name is not parameter and parameter.type == "rest_pattern"
        return shape(f"Array[{found}]" if is_rest and found and not found.startswith("Array") else found)
    whole = [one for one in given if "." not in one.name]
    return shape(whole[index].type) if index < len(whole) else ""


def members_of_parameter(comment: Comment, given: Sequence[Tag], name: str) -> Written | None:
    """The members that further tags say a parameter has: `@param {string} one.size`; None for none."""
    own = next((one for one in given if one.name == name), None)
    members = [one for one in given if one.name.rpartition(".")[0] == name]
    if own is None or not members:
        return None
    place = comment.place_of(own.start)
    listed = []
    for one in members:
        last = one.name.rpartition(".")[2]
        listed.append((last, comment.place_of(one.end - len(last.encode())), shape(one.type)))
    return Written(place, comment.place_of(members[-1].end), tuple(listed))


def shape(text: str) -> str:
    """The shape of a value of a type; "" for one that says nothing."""
    return f":{text}" if text and text != _UNKNOWN else ""


class _Types:
    """A reader of one type. `objects` are the types in it that list members."""

    def __init__(self, comment: Comment, at: int) -> None:
        self._comment = comment
        self._source = comment.source
        self._at = at
        self._end = comment.end - 2
        self.objects: list[Written] = []

    def in_braces(self) -> str:
        """The type in braces; where it is of no known form, it says nothing."""
        self._at, self._end = self._at + 1, _end_of_braces(self._source, self._at, self._end)
        found = self._several(0)
        self._skip()
        is_read = self._at >= self._end
        return found if is_read and len(found) < MAX_CHARS - 16 else _UNKNOWN

    def _skip(self) -> None:
        if self._at < self._end and self._source[self._at] in _BLANKS:
            self._at = _skipped(self._source, self._at, self._end)

    def _next(self, text: bytes) -> bool:
        self._skip()
        is_next = self._source.startswith(text, self._at, self._end)
        self._at += len(text) if is_next else 0
        return is_next

    def _several(self, depth: int) -> str:
        if depth > MAX_DEPTH:
            return _UNKNOWN
        self._next(b"|")
        parts = [self._one(depth + 1)]
        while self._next(b"|") or self._next(b"&"):
            parts.append(self._one(depth + 1))
        return " | ".join(parts)

    def _one(self, depth: int) -> str:
        if depth > MAX_DEPTH:
            return _UNKNOWN
        while self._is_any(b".?!") and (self._next(b"...") or self._next(b"?") or self._next(b"!")):
            pass
        found = self._plain(depth)
        while self._is_any(b"[?!="):
            if self._next(b"[]"):
                found = f"Array[{found}]"
            elif self._next(b"["):
                closing = self._source.find(b"]", self._at, self._end)
                self._at = closing + 1 if closing >= 0 else self._end
                found = _UNKNOWN
            elif not (self._next(b"?") or self._next(b"!") or (not self._is_arrow() and self._next(b"="))):
                break
        return found

    def _is_any(self, signs: bytes) -> bool:
        """Whether one of these bytes comes next."""
        self._skip()
        return self._at < self._end and self._source[self._at] in signs

    def _is_arrow(self) -> bool:
        self._skip()
        return self._source.startswith(b"=>", self._at, self._end)

    def _plain(self, depth: int) -> str:
        self._skip()
        if self._source.startswith(b"{", self._at, self._end):
            return self._object(depth)
        if self._next(b"("):
            return self._in_parentheses(depth)
        if self._next(b"["):
            parts = self._listed(b"]", depth)
            return f"Array[{' | '.join(parts) or _UNKNOWN}]"
        if self._next(b"*"):
            return _UNKNOWN
        string = _STRING.match(self._source, self._at, self._end)
        if string is not None:
            self._at = string.end()
            return "string"
        number = _NUMBER.match(self._source, self._at, self._end)
        if number is not None:
            self._at = number.end()
            return "number"
        return self._named(depth)

    def _named(self, depth: int) -> str:
        word = _NAME.match(self._source, self._at, self._end)
        if word is None:
            return _UNKNOWN
        self._at = word.end()
        name = _text(word[0])
        if name in ("typeof", "keyof", "readonly", "asserts", "new") and not self._next(b"."):
            inner = self._one(depth + 1)
            return {"typeof": f"{OF_VALUE}[{inner}]", "readonly": inner}.get(name, _UNKNOWN)
        if name == "import" and self._next(b"("):
            name = self._imported()
        if name == "function" and self._next(b"("):
            taken = self._listed(b")", depth)
            returned = self._one(depth + 1) if self._next(b":") else _UNKNOWN
            return f"{FUNCTION_TYPE}[{', '.join([returned, *taken])}]"
        while self._source.startswith(b".", self._at, self._end):
            word = _NAME.match(self._source, self._at + 1, self._end)
            if word is None:
                break
            self._at, name = word.end(), f"{name}.{_text(word[0])}"
        self._next(b".") if self._source.startswith(b".<", self._at, self._end) else None
        if self._next(b"<"):
            arguments = self._listed(b">", depth)
            return f"{_RENAMED.get(name, name)}[{', '.join(arguments)}]"
        if self._next(b"is "):
            self._one(depth + 1)
            return "boolean"
        return _UNKNOWN if name in _ANYTHING else name

    def _imported(self) -> str:
        self._skip()
        module = _STRING.match(self._source, self._at, self._end)
        closing = self._source.find(b")", self._at, self._end)
        self._at = closing + 1 if closing >= 0 else self._end
        return of_module(_text(module[2])) if module is not None else _UNKNOWN

    def _in_parentheses(self, depth: int) -> str:
        """A type in parentheses, or a function's parameters, each a name and a type."""
        start = self._at
        closing = _closing(self._source, start - 1, self._end)
        after = _skipped(self._source, closing + 1, self._end) if closing >= 0 else self._end
        if not self._source.startswith(b"=>", after, self._end):
            found = self._several(depth + 1)
            self._next(b")")
            return found
        taken = []
        while not self._next(b")") and self._at < self._end:
            self._next(b"...")
            key = _KEY.match(self._source, self._at, self._end)
            self._at = key.end() if key is not None else self._at + 1
            taken.append(self._several(depth + 1) if self._next(b":") else _UNKNOWN)
            self._next(b",")
        self._next(b"=>")
        returned = self._several(depth + 1)
        return f"{FUNCTION_TYPE}[{', '.join([returned, *taken])}]"

    def _listed(self, closing: bytes, depth: int) -> list[str]:
        found: list[str] = []
        while not self._next(closing) and self._at < self._end:
            before = self._at
            found.append(self._several(depth + 1))
            self._next(b",")
            if self._at == before:
                self._at += 1
        return found

    def _object(self, depth: int) -> str:
        start = self._at
        end = _closing(self._source, start, self._end)
        if end < 0:
            self._at = self._end
            return _UNKNOWN
        self._at += 1
        members: list[tuple[str, Point, str]] = []
        while self._at < end:
            self._skip()
            key = _KEY.match(self._source, self._at, end)
            if key is None:
                break
            self._at = key.end()
            given = self._several(depth + 1) if self._next(b":") else _UNKNOWN
            members.append((_text(key[1]), self._comment.place_of(key.start(1)), shape(given)))
            if not (self._next(b",") or self._next(b";")):
                break
        self._at = end + 1
        place = self._comment.place_of(start)
        self.objects.append(Written(place, self._comment.place_of(end + 1), tuple(members)))
        return written_at(place)


def _skipped(source: bytes, at: int, end: int) -> int:
    if at >= end or source[at] not in _BLANKS:
        return at
    match = _BLANK.match(source, at, end)
    return match.end() if match is not None else at


def _end_of_braces(source: bytes, start: int, end: int) -> int:
    """Where the type ends that begins with the brace at `start`; -1 if it does not, or is too long."""
    flat = _FLAT.match(source, start, end)
    return flat.end() - 1 if flat is not None else _closing(source, start, min(end, start + _MAX_TYPE_BYTES))


def _closing(source: bytes, start: int, end: int) -> int:
    """Where the bracket at `start` is closed; -1 if it is not."""
    depth = 0
    for at in range(start, end):
        byte = source[at]
        if byte in b"{([":
            depth += 1
        elif byte in b"})]":
            depth -= 1
            if not depth:
                return at
    return -1


def _text(text: bytes) -> str:
    return text.decode("utf-8", "replace")
