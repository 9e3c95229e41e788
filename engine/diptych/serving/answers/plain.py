"""Sites of Python that the text around them and the recorded names of their file decide.

Of a name that no function binds, each use means what the file binds it to, or what a star import brings.
Whether a function binds a name its text says: no place in it where the name is written is one that may bind.
What cannot be told so is left to the tree. So nothing is parsed for most uses of a module, and for what is
used through one, or through `self`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate
from keyword import kwlist
from typing import NamedTuple

from diptych.names.definitions import Found, definitions
from diptych.names.facts import CLASS, FUNCTION, IMPORTED, Binding, Point, Scope
from diptych.names.infer import Inference
from diptych.names.sites import FREE, ITEM, MEMBER, MODULE, Site
from diptych.names.source import Names
from diptych.serving.answers.text import (
    CASE,
    GENERIC_CLASS,
    IMPORT,
    MAX_LINE,
    NESTED,
    OUTERMOST,
    Literals,
    binds,
    goes_on,
    may_follow,
    receiver_before,
)

_TOP = -1
"""In place of a function's number: what is in no function."""
_LOOP_OR_AS = re.compile(rb"\b(?:for|as)\b")
_PARAMETER = re.compile(rb"(?:async\s+)?def\s+\w+\(\s*(\w+)[,)]")
_OF_CLASS = frozenset({"__new__", "__init_subclass__", "__class_getitem__"})
# Some of these are names in other places, which the tree tells.
_KEYWORDS = frozenset(word.encode() for word in (*kwlist, "match", "case", "type", "print", "exec", "super"))
_SUPER = b"super()"
_ALIAS, _END = rb"(?:[ \t]+as[ \t]+\w+)?", rb"[ \t\r]*(?:#[^\n]*)?\Z"
_MODULES = rb"([\w.]+" + _ALIAS + rb"(?:[ \t]*,[ \t]*[\w.]+" + _ALIAS + rb")*)"
_ITEMS = _MODULES.replace(b"[\\w.]", b"\\w")
_IMPORT_LINE = re.compile(rb"[ \t]*import[ \t]+" + _MODULES + _END)
_FROM_LINE = re.compile(rb"[ \t]*from[ \t]+(?!__future__)([\w.]+)[ \t]+import[ \t]+" + _ITEMS + _END)
_MAX_LINES = 20
_BLANKS = re.compile(rb"[ \t]*")
_WORD_ENDS = rb"(?![\w\x80-\xff])"
_IN_WORD = frozenset(byte for byte in range(256) if re.match(rb"[\w\x80-\xff]", bytes((byte,))))
_WORD = re.compile(rb"[\w\x80-\xff]+")
_ITEM = re.compile(rb"([\w.]+)(?:[ \t]+as[ \t]+(\w+))?")


class Plain(NamedTuple):
    """A site, and whether its answer counts only if there is one."""

    site: Site
    is_local_import: bool = False


class Region(NamedTuple):
    """A function that is in no other, or what is outside of all: its number, and its bytes."""

    number: int
    begin: int
    end: int


class PlainFile:
    """What can be told of one file by its text. `seen` is what others see of it, and is of the same text."""

    def __init__(self, seen: Names, text: bytes) -> None:
        self.seen = seen
        self._text = text
        self._regions: dict[int, Region] = {}
        self._literals: dict[int, Literals] = {}
        self._bound: dict[tuple[bytes, int], bool] = {}
        self._cases: dict[int, bool] = {}
        self._nested: dict[int, tuple[list[int], list[int]]] = {}
        # The byte that was asked for last, its row, and where that begins: the next is near.
        self._last = 0, 0, 0

    def decided(
        self, offsets: list[int], inference: Inference
    ) -> tuple[list[tuple[Site, list[Found]]], list[int]]:
        """The sites at these bytes that are decided, with what they mean, and the bytes that are left."""
        made: list[tuple[Site, list[Found]]] = []
        known: dict[Site, list[Found]] = {}
        if not self._is_whole:
            return made, offsets
        left: list[int] = []
        for start in offsets:
            place = self._place(start)
            region = self._region(start, place)
            if not self._is_import(place) and self._literals_at(start, place).says_nothing(start):
                continue
            word = _WORD.match(self._text, start)
            plain = self._site(start, word.end(), place, region) if word is not None else None
            if plain is None:
                left.append(start)
                continue
            site, is_local = plain
            asked = site if site.kind in (ITEM, MODULE) else site._replace(place=(0, 0))
            found = known.get(asked)
            if found is None:
                found = definitions(inference.source, self.seen, site, by_name=False, inference=inference)
                known[asked] = found
            if is_local and not found:
                # Then it is what else the function binds.
                left.append(start)
            else:
                made.append((site, found))
        return made, left

    def _site(self, start: int, end: int, place: Point, region: Region) -> Plain | None:
        """The site of the word there; None where the tree has to say."""
        text = self._text
        if not self._is_import(place):
            literals = self._literals_at(start, place)
            if literals.at(start) or not literals.are_sure:
                return None
        word = text[start:end]
        is_prefix = text[end : end + 1] in (b"'", b'"')
        if is_prefix or not word.isascii() or word in _KEYWORDS or place[1] > MAX_LINE:
            return None
        if self._is_nested(start, place, region):
            # What is around it, the recorded names do not say.
            return None
        line = text[start - place[1] : start - place[1] + MAX_LINE].partition(b"\n")[0]
        if len(line) == MAX_LINE:
            return None
        if IMPORT.search(line):
            return self._imported(line, start, end, place, region)
        before = text[start - 1 : start]
        if before == b".":
            return self._member(start, word, place, region, line)
        if not before.strip() and may_follow(text, start, b"."):
            return None
        # Which of several bindings counts is a question of the place, but all are given.
        if binds(text, start, end) or not self._is_of_file(word, region, one=False):
            return None
        return Plain(Site(FREE, word.decode(), place))

    def _member(self, start: int, word: bytes, place: Point, region: Region, line: bytes) -> Plain | None:
        name = word.decode()
        if self.seen.at_place(place):
            return None
        if self._literals_at(start, place).ends_at(start - 1):
            return Plain(Site(MEMBER, name, place, shape="!str"))
        receiver = receiver_before(self._text, start)
        if receiver is None:
            return None
        head, _, rest = receiver.partition(b".")
        begin = start - 1 - len(receiver)
        if head in _KEYWORDS or may_follow(self._text, begin, b"."):
            return None
        if head == _SUPER:
            if not self._is_method(region) or self._indent_of_nested(region, start) >= 0:
                return None
            return Plain(Site(MEMBER, name, place, self._scope(region).parent, receiver.decode()))
        if self._is_object(head, region):
            if _LOOP_OR_AS.search(line):
                # A field may be bound there that others do not see.
                return None
            scope = self._scope(region)
            is_class = "classmethod" in scope.decorators or scope.name in _OF_CLASS
            shape = ("^^" if is_class else "^") + (f".{rest.decode()}" if rest else "")
            return Plain(Site(MEMBER, name, place, scope.parent, shape))
        if not self._is_of_file(head, region):
            return None
        return Plain(Site(MEMBER, name, place, shape=receiver.decode()))

    def _imported(self, line: bytes, start: int, end: int, place: Point, region: Region) -> Plain | None:
        """The site in an import of one line."""
        column, word = place[1], self._text[start:end].decode()
        is_local = region.number != _TOP
        if goes_on(self._text, start - column):
            return None
        if (statement := _IMPORT_LINE.match(line)) is not None:
            for item in _ITEM.finditer(line, statement.start(1), statement.end(1)):
                if item.start(1) <= column < item.end(1):
                    module = line[item.start(1) : column] + self._text[start:end]
                    return Plain(Site(MODULE, word, place, module=module.decode()), is_local)
                if item.start(2) <= column < item.end(2):
                    return Plain(Site(MODULE, word, place, module=item[1].decode()), is_local)
        elif (statement := _FROM_LINE.match(line)) is not None:
            module = statement[1]
            if statement.start(1) <= column < statement.end(1):
                module = line[statement.start(1) : column] + self._text[start:end]
                return Plain(Site(MODULE, word, place, module=module.decode()), is_local)
            for item in _ITEM.finditer(line, statement.start(2), statement.end(2)):
                if item.start() <= column < item.end():
                    return Plain(Site(ITEM, item[1].decode(), place, module=module.decode()), is_local)
        return None

    def _is_nested(self, start: int, place: Point, region: Region) -> bool:
        """Whether a byte may be in a definition in a function."""
        indent = self._indent_of_nested(region, start)
        if indent < 0:
            return False
        literals = self._literals_at(start, place)
        line = start - place[1]
        for _ in range(_MAX_LINES):
            is_first = not goes_on(self._text, line) and not literals.at(line)
            if is_first and literals.depth(line) == 0:
                blanks = _BLANKS.match(self._text, line)
                assert blanks is not None
                is_head = NESTED.match(self._text, line - 1) is not None
                return is_head or b"\t" in blanks[0] or len(blanks[0]) > indent
            line = self._text.rfind(b"\n", 0, line - 1) + 1
        return True

    def _indent_of_nested(self, region: Region, start: int) -> int:
        """The least indent of what may be definitions before a byte in a function; -1 for none."""
        if region.number not in self._nested:
            found = list(NESTED.finditer(self._text, region.begin, region.end))
            least = accumulate((len(one[1]) for one in found), min)
            self._nested[region.number] = [one.end() for one in found], list(least)
        ends, indents = self._nested[region.number]
        number = bisect_right(ends, start) - 1
        return indents[number] if number >= 0 else -1

    def _is_of_file(self, word: bytes, region: Region, *, one: bool = True) -> bool:
        """Whether a name means in a region what it means in the file, however it is used there.

        With `one`, only if it is bound to one thing alone.
        """
        bound = self._bound_to.get(word.decode(), [])
        if any(binding.scope for binding in bound):
            # A class sees its own.
            return False
        if one and len(bound) > 1 and len({(other.how, other.shape) for other in bound}) > 1:
            return False
        if one and len(bound) > 1 and bound[0].how != IMPORTED:
            return False
        if self._has_generic_class and self._is_method(region):
            # It sees the type parameters of its class, which are not recorded.
            return False
        return not self._is_bound_in(word, region)

    def _is_method(self, region: Region) -> bool:
        return region.number != _TOP and self.seen.scopes[self._scope(region).parent].kind == CLASS

    def _is_object(self, head: bytes, region: Region) -> bool:
        """Whether a name is that of the object, or class, that the method of a region is called on."""
        if not self._is_method(region) or "staticmethod" in self._scope(region).decorators:
            return False
        first = _PARAMETER.match(self._text, region.begin)
        if first is None or first[1] != head:
            return False
        return not self._is_bound_in(head, region, first.start(1))

    def _is_bound_in(self, word: bytes, region: Region, except_at: int = -1) -> bool:
        """Whether a function may bind a name, or what is outside of all: but for what is recorded."""
        asked = (word, region.number)
        if asked not in self._bound:
            self._bound[asked] = self._has_case(region) or any(
                at != except_at and self._may_bind(at, at + len(word), region)
                for at in self._written(word, region)
            )
        return self._bound[asked]

    def _written(self, word: bytes, region: Region) -> Iterator[int]:
        """Where a word is written in a region."""
        pattern = re.compile(word + _WORD_ENDS)
        for one in pattern.finditer(self._text, region.begin, region.end):
            at = one.start()
            if at and self._text[at - 1] in _IN_WORD:
                continue
            if region.number != _TOP or self._number(self._place(at)) == _TOP:
                yield at

    def _may_bind(self, start: int, end: int, region: Region) -> bool:
        place = self._place(start)
        literals = self._literals_at(start, place)
        if kind := literals.at(start):
            return kind == Literals.FORMATTED and literals.assigns_at(start)
        if not binds(self._text, start, end):
            return False
        if region.number != _TOP:
            return True
        # What is bound here is known.
        word = self._text[start:end].decode()
        return not any(one.name == word and one.scope == 0 for one in self.seen.at_place(place))

    def _is_import(self, place: Point) -> bool:
        """Whether an import binds the name there, for others to see."""
        return any(one.how == IMPORTED for one in self.seen.at_place(place))

    def _has_case(self, region: Region) -> bool:
        """Whether there may be a pattern, which binds what looks like an argument."""
        if region.number not in self._cases:
            found = CASE.search(self._text, region.begin, region.end)
            self._cases[region.number] = found is not None
        return self._cases[region.number]

    def _literals_at(self, offset: int, place: Point) -> Literals:
        """The literals of the function around a byte, or of what is between two."""
        starts, numbers = self._functions
        number = self._number(place)
        # What is between two has a number that no function has.
        at = number if number != _TOP else -1 - bisect_right(starts, place)
        if at not in self._literals:
            if number != _TOP:
                region = self._region(offset, place)
                begin, end = region.begin, region.end
            else:
                before = -2 - at
                ends = self.seen.scopes[numbers[before]].end if before >= 0 else (0, 0)
                begin = self._moved(offset, place, ends) if before >= 0 else 0
                is_last = before + 1 >= len(starts)
                end = len(self._text) if is_last else self._moved(offset, place, starts[before + 1])
            self._literals[at] = Literals(self._text, begin, end)
        return self._literals[at]

    @cached_property
    def _bound_to(self) -> dict[str, list[Binding]]:
        """The bindings of each name."""
        found: dict[str, list[Binding]] = {}
        for one in self.seen.facts.bindings:
            found.setdefault(one.name, []).append(one)
        return found

    @cached_property
    def _has_generic_class(self) -> bool:
        return GENERIC_CLASS.search(self._text) is not None

    @cached_property
    def _is_whole(self) -> bool:
        """Whether the recorded names are of all that the text defines, and no function has a star import.

        What follows an error in the syntax may be missing.
        """
        if any(at for at, _ in self.seen.facts.stars):
            return False
        outermost = [one.start() + 1 for one in OUTERMOST.finditer(self._text)]
        outermost += [0] if OUTERMOST.match(b"\n" + self._text[:MAX_LINE]) else []
        recorded = sum(one.start[1] == 0 and one.kind in (FUNCTION, CLASS) for one in self.seen.scopes)
        if len(outermost) == recorded:
            return True
        places = ((at, self._place(at)) for at in outermost)
        return all(
            place in self.seen.scope_at or self._literals_at(at, place).at(at) for at, place in places
        )

    @cached_property
    def _functions(self) -> tuple[list[Point], list[int]]:
        """The functions that are in no other, in order: where they begin, and their numbers."""
        numbers: list[int] = []
        last = (-1, -1)
        scopes = self.seen.scopes
        functions = [number for number, scope in enumerate(scopes) if scope.kind == FUNCTION]
        for number in sorted(functions, key=lambda one: scopes[one].start):
            if scopes[number].start >= last:
                numbers.append(number)
                last = scopes[number].end
        return [scopes[one].start for one in numbers], numbers

    def _number(self, place: Point) -> int:
        """The function around a place that is in no other, by its number."""
        starts, numbers = self._functions
        at = bisect_right(starts, place) - 1
        return numbers[at] if at >= 0 and place < self.seen.scopes[numbers[at]].end else _TOP

    def _region(self, offset: int, place: Point) -> Region:
        number = self._number(place)
        if number not in self._regions:
            begin, end = 0, len(self._text)
            if number != _TOP:
                scope = self.seen.scopes[number]
                begin = self._moved(offset, place, scope.start)
                end = self._moved(offset, place, scope.end)
            self._regions[number] = Region(number, begin, end)
        return self._regions[number]

    def _moved(self, offset: int, place: Point, other: Point) -> int:
        """The byte at another place, not far from one that is known."""
        begin = offset - place[1]
        for _ in range(place[0] - other[0]):
            begin = self._text.rfind(b"\n", 0, begin - 1) + 1
        for _ in range(other[0] - place[0]):
            begin = self._text.find(b"\n", begin) + 1
        return begin + other[1]

    def _scope(self, region: Region) -> Scope:
        return self.seen.scopes[region.number]

    def _place(self, offset: int) -> Point:
        last, row, line = self._last
        rows = self._text.count(b"\n", min(last, offset), max(last, offset))
        row += rows if offset >= last else -rows
        if rows:
            line = self._text.rfind(b"\n", 0, offset) + 1
        self._last = offset, row, line
        return row, offset - line
