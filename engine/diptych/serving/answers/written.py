"""Where a file writes a name: found in its text first, and only there in its tree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum

from diptych.indexer.languages import language_of
from diptych.names.places import sites_named
from diptych.names.sites import Site
from diptych.names.source import Names
from diptych.serving.answers.plain import PlainFile
from diptych.serving.answers.text import may_follow
from diptych.serving.files import ParsedFile
from diptych.serving.parts import Part, Span
from diptych.serving.source import StoreSource

# A file is parsed whole where a name is at more places, or in more of it.
_PARTS_MAX = 64
_SHARE_MAX = 0.5
# Here an import names what it brings; in JavaScript a default export has any name.
_NAMED_TO_BE_USED = frozenset({"python", "go"})

_IN_WORD = frozenset(byte for byte in range(256) if re.match(rb"[\w\x80-\xff$]", bytes((byte,))))
_WORD_ENDS = rb"(?![\w\x80-\xff$])"
_BLANK = rb"(?:\s|\\\r?\n|#[^\n]*\n)*"
_DOT = b"."
_STAR = re.compile(rb"import[\s\\(]*\*")
_ARGUMENT = re.compile(_BLANK + rb"=(?!=)")
_BEFORE_ARGUMENT = b"(,"
_RENAMED = _BLANK + rb"as\b"
_NOT_CALLED = _WORD_ENDS + rb"(?!\s*\()"


# Ways to give `self` another value than that of a method's first parameter, or what may be one.
_OTHER_SELF = re.compile(
    rb"\bself\s*(?::=|=(?!=))|\bas\s+self\b|^[ \t]*+(?:[(\[][ \t]*+)?+self[ \t]*[,)\]]",
    re.MULTILINE,
)
# Each takes the rest of its line, which is looked through once: a line may have thousands of these words.
_BINDING_LINE = re.compile(rb"\b(?:import|for|global|nonlocal)\b[^\n]*")
_SELF_WORD = re.compile(rb"\bself\b")
_SELF, _QUOTES = b"self", b"'\""


class Receivers(Enum):
    """What receivers of a member lead to what is sought: any, all but literals, also not `self`."""

    ANY = 0
    NO_LITERALS = 1
    NO_SELF = 2


class Form(Enum):
    """How a name is written: in any way; after a dot; as an argument, `name=`; as one of these two."""

    ANY = 0
    MEMBER = 1
    ARGUMENT = 2
    MEMBER_OR_ARGUMENT = 3


def may_write(source: StoreSource, path: str, name: str) -> bool:
    """Whether a file has the name in its text, or may give what it imports any other name."""
    if language_of(path) not in _NAMED_TO_BE_USED:
        return True
    return writes(source, path, name, Form.ANY)


def writes(source: StoreSource, path: str, name: str, form: Form) -> bool:
    """Whether a file has the name in its text, by itself and in that form."""
    text = source.parsed_text(path)
    return text is not None and any(True for _ in _each_offset(text, name, form))


def may_rename(source: StoreSource, path: str, names: Iterable[str]) -> bool:
    """Whether an import in a file of Python may give one of the names another, by its text."""
    return _has(source, path, names, _RENAMED)


def may_give(source: StoreSource, path: str, names: Iterable[str]) -> bool:
    """Whether a file of Python may bind what has one of the names, not a result of it, by its text."""
    return _has(source, path, names, _NOT_CALLED)


def _has(source: StoreSource, path: str, names: Iterable[str], after: bytes) -> bool:
    text = source.parsed_text(path) or b""
    for name in names:
        written = name.encode("utf-8", "surrogateescape")
        # Most files have no such word at all, which this says fastest.
        if written and written in text and re.search(re.escape(written) + after, text):
            return True
    return False


def imports_all(source: StoreSource, path: str) -> bool:
    """Whether a file of Python imports all that another exports."""
    return _STAR.search(source.parsed_text(path) or b"") is not None


def sites_in(parsed: ParsedFile, *words: str) -> Iterator[Site]:
    """Where a file writes a name, or another that it imports it as, in order."""
    offsets = _offsets(parsed.source, words, Form.ANY)
    if offsets and parsed.tree is not None:
        yield from sites_named(parsed.names, parsed.source, parsed.tree.root_node, iter(offsets))


def places_of(
    parsed: ParsedFile,
    *words: str,
    form: Form = Form.ANY,
    within: Span | None = None,
    receivers: Receivers = Receivers.ANY,
) -> list[int]:
    """The bytes at which a file writes one of the words in that form, in order.

    Those outside of `within` only if they are arguments.
    """
    offsets = _offsets(parsed.source, words, form)
    if within is not None:
        start, end = (parsed.offset(*place) or 0 for place in within)
        others = set(_offsets(parsed.source, words, Form.ARGUMENT))
        offsets = [one for one in offsets if start <= one < end or one in others]
    return offsets if receivers is Receivers.ANY else _without(parsed.source, offsets, receivers)


def sites_by_part(
    source: StoreSource, parsed: ParsedFile, offsets: list[int]
) -> Iterator[tuple[Names, Site]]:
    """The sites at these places, each with the names of the part of the file that was parsed for it.

    Of a file of a hundred functions most often a few write the name.
    """
    for part, inside in _parts(source, parsed, offsets) if offsets else ():
        for site in sites_named(part.names, part.source, part.root, iter(inside)):
            yield part.names, site


def plain_file(source: StoreSource, parsed: ParsedFile) -> PlainFile | None:
    """What the text says of a file of Python that is as it was indexed; None for others."""
    if parsed.language != "python" or parsed.is_parsed:
        return None
    seen = source.names_of(parsed.path)
    # For a file that has changed since it was indexed, that has made the complete names.
    is_recorded = seen is not None and not seen.facts.complete and not parsed.is_parsed
    return PlainFile(seen, parsed.source) if seen is not None and is_recorded else None


def _offsets(text: bytes, words: Iterable[str], form: Form) -> list[int]:
    """Where one of the words is, by itself."""
    return sorted(at for word in set(words) for at in _each_offset(text, word, form))


def _each_offset(text: bytes, word: str, form: Form) -> Iterator[int]:
    # The expression begins with the word, which is found as fast as by `in`.
    ends = _ARGUMENT.pattern if form is Form.ARGUMENT else _WORD_ENDS
    for match in re.finditer(_escaped(word) + b"(?=" + ends + b")", text):
        at, end = match.span()
        if (not at or text[at - 1] not in _IN_WORD) and _is_of_form(text, at, end, form):
            yield at


def _escaped(word: str) -> bytes:
    return re.escape(word.encode("utf-8", "surrogateescape"))


def _is_of_form(text: bytes, start: int, end: int, form: Form) -> bool:
    if form is Form.ANY or (form is not Form.ARGUMENT and may_follow(text, start, _DOT)):
        return True
    if form is Form.MEMBER or (form is not Form.ARGUMENT and _ARGUMENT.match(text, end) is None):
        return False
    # Not an assignment, but what is in brackets.
    return may_follow(text, start, _BEFORE_ARGUMENT)


def _without(text: bytes, offsets: list[int], receivers: Receivers) -> list[int]:
    """The places of Python without those after a literal, or after a `self` that is an object's own."""
    has_self = receivers is not Receivers.NO_SELF or _may_bind_self(text)
    found = []
    for at in offsets:
        if text[at - 1 : at] == b".":
            before = text[at - 6 : at - 1] if at > 5 else b""
            if before[-1:] and before[-1] in _QUOTES:
                continue
            if not has_self and before[1:] == _SELF and before[0] not in _IN_WORD and before[:1] != _DOT:
                continue
        found.append(at)
    return found


def _may_bind_self(text: bytes) -> bool:
    """Whether a file of Python may give `self` a value of its own, or import one."""
    if _OTHER_SELF.search(text) or _STAR.search(text):
        return True
    return any(_SELF_WORD.search(match[0]) for match in _BINDING_LINE.finditer(text))


def _parts(source: StoreSource, parsed: ParsedFile, offsets: list[int]) -> list[tuple[Part, list[int]]]:
    """The parts of a file around offsets that ascend, each with those in it."""
    # For a file that has changed since it was indexed, that has made the complete names.
    seen = source.names_of(parsed.path) if not parsed.is_parsed else None
    found: list[tuple[Part, list[int]]] = []
    if seen is not None and not parsed.is_parsed and len(offsets) <= _PARTS_MAX:
        left = _SHARE_MAX * len(parsed.source)
        for offset in offsets:
            if found and found[-1][0].root.start_byte <= offset < found[-1][0].root.end_byte:
                found[-1][1].append(offset)
                continue
            part = parsed.part(seen, parsed.place(offset))
            if part is None:
                break
            found.append((part, [offset]))
            left -= part.root.end_byte - part.root.start_byte
            if left < 0:
                break
        else:
            return found
    if parsed.tree is None:
        return []
    return [(Part(parsed.names, parsed.source, parsed.tree.root_node), offsets)]
