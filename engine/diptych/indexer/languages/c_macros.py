"""C and C++ before the preprocessor: blanking the macros of declarations.

A parser without the headers cannot know that `API` in `class API Widget {` is a macro, and loses the class.
So such words are overwritten by spaces before parsing. Every offset stays, and names, signatures and comments
are cut from the source itself. A word is blanked only where it can be nothing else: a third name in a
declaration, a second one before a body, a name before `int`, a line of its own between declarations. In
comments and strings it does not matter.

Macros are told by their case (`EXPORT_API`) or their underscores (`__init`).
"""

from __future__ import annotations

import re

from diptych.indexer.languages.c_blanks import (
    BOUNDARIES,
    CALL,
    CONTEXT_BYTES,
    MACRO,
    NAME,
    TAG_NAME,
    begins_declaration,
    blank,
    line_start,
    without_oddities,
)
from diptych.indexer.languages.c_defines import with_definitions, without_unnamed_bits
from diptych.indexer.languages.c_wrappers import without_wrappers

_MACROS = rb"(?:" + MACRO + rb"(?!\w)" + CALL + rb"?\s+){0,4}"
_TAGS = frozenset(b"struct class union enum".split())
_SPECIFIERS = frozenset(b"static extern inline virtual friend constexpr typedef".split())
_NO_TYPES = frozenset(
    b"const volatile return else new case goto throw typename operator delete co_return register mutable"
    b" default public private protected template using namespace".split()
)
_WORD_BEFORE = re.compile(rb"\w+\Z")

# What only a declaration begins with. `const` may also follow a type, as in `DWORD const x`.
_KEYWORD = (
    rb"(?:(?:int|char|void|unsigned|signed|long|short|float|double|bool|_Bool|struct|enum|union|static"
    rb"|extern|inline|typedef|class|virtual|friend|constexpr|template|explicit|namespace|auto|s?size_t"
    rb"|u?int\d+_t|public|private|protected|using|typename)\b"
    # A conversion has no type: `API operator bool() const`.
    rb"|operator\s+(?!(?:new|delete|co_await)\b)[A-Za-z_:]"
    rb"|const\s+[\w:]+(?:<[^<>;{}()]{0,100}>(?:::[\w:]+)?)?[\s*&]+\w)"
)
_TAG = TAG_NAME + rb"(?:<[^<>;{}]{0,100}>)?(?:\s+(?:final\b|" + MACRO + rb"))?\s*(?:\{|:(?!:))"
# Also `first OF((int a))`.
_FUNCTION = rb"~?" + NAME + rb"\s*+(?:[A-Z_][A-Z0-9_]*+[ \t]*+\((?=\()|\()"
# A type and a name, as in `Widget *first(`: with the macro before them, one name too many.
_TYPE = rb"(?!(?:const|volatile)\b)(?P<type>" + NAME + rb")"
_ARGUMENTS = rb"<[^;{}()]{0,100}>"
_TYPE_AND_NAME = (
    _TYPE
    + rb"(?:" + _ARGUMENTS + rb"(?:::" + NAME + rb")?)?(?:\s*[*&]+\s*|\s+)(?:const\s+)?(?!" + MACRO + rb"\W)"
    + NAME
    # A specialization, or a member of a template.
    + rb"(?:\s*" + _ARGUMENTS + rb"(?:::[~\w:]+\s*)?(?=\())?"
    + rb"\s*[(;=\[,{]"
)  # fmt: skip
_TYPE_AND_OPERATOR = NAME + rb"(?:<[^;{}()]{0,100}>)?(?:\s*[*&]+\s*|\s+)operator\b"
_TYPE_AND_POINTER = NAME + rb"[\s*&]*\(\s*\*\s*" + NAME + rb"\s*\)\s*\("
# Only a constructor has initializers.
_CONSTRUCTOR = (
    NAME + rb"(?:" + _ARGUMENTS + rb"::" + NAME + rb")?\((?:[^();{}]|\([^();{}]*\)){0,400}\)\s*"
    rb"(?:(?:noexcept|" + MACRO + rb")(?!\w)\s*)?:(?!:)"
)  # fmt: skip
_DECLARATION = (
    rb"(?:" + b"|".join((_TYPE_AND_NAME, _TYPE_AND_OPERATOR, _TYPE_AND_POINTER, _CONSTRUCTOR)) + rb")"
)

# A macro, with its arguments, and what may follow one in a declaration: this alone rules out most of prose.
_CANDIDATE = re.compile(
    rb"[A-Z_](?<!\w[A-Z_])(?:[A-Z0-9_]{2,}|_\w+)(?!\w)(" + CALL + rb")?"
    rb"(?:[ \t]*\n\s*(?=[A-Za-z_~\[#/}])"
    rb"|[ \t]+(?=" + _MACROS + rb"(?:" + b"|".join((_KEYWORD, _FUNCTION, _TAG, _DECLARATION)) + rb")))"
)
_KEYWORD_AFTER = re.compile(_MACROS + _KEYWORD)
_TAG_AFTER = re.compile(_MACROS + _TAG)
_FUNCTION_AFTER = re.compile(_MACROS + _FUNCTION)
_DECLARATION_AFTER = re.compile(_MACROS + _DECLARATION)
_BARE_FUNCTION = re.compile(NAME + rb"(?:" + _ARGUMENTS + rb")?\s*+\(")
_CONSTRUCTOR_AFTER = re.compile(_CONSTRUCTOR)
_DECLARATION_BEHIND = re.compile(
    rb"(?:\s++|//[^\n]*+\n|/\*(?:[^*]|\*(?!/)){0,2000}+\*/){0,20}+"
    rb"(?:#[ \t]*define|struct|typedef|static|enum|union|const)\b"
)
_END_OF_LIST = re.compile(
    rb"(?:#[^\n]*+\n\s*+|//[^\n]*+\n\s*+|/\*(?:[^*]|\*(?!/)){0,2000}+\*/\s*+){0,20}+\}"
)
_CONVENTION = re.compile(rb"\w*(?:CALL|CALLBACK|API|CDECL|PASCAL|CONV|ENTRY|CC)(?:_?\d)?\Z")
# Macros whose calls need no semicolon in a class.
_DECLARES = re.compile(
    rb"(?:Q_|\w*(?:DECLARE|DISALLOW|DISABLE|DEFINE|BEGIN|END|PROPERTY|GENERATED|HEAD|NAMESPACE|DEPRECATED|ATTR"
    rb"|EXPORT|NODISCARD|UNUSED|PRINTF|FORMAT))"
)
# What only a class has, before or after such a call.
_SECTION_BEFORE = re.compile(rb"\b(?:public|private|protected)\s*:\Z")
_MEMBER_AFTER = re.compile(
    _MACROS + rb"(?:(?:inline|virtual|explicit|friend)\b|(?:public|private|protected)\s*:"
    rb"|[A-Za-z_][\w:]*+[\s&*]++operator\b)"
)


def without_macros(source: bytes) -> bytes:
    """`source` with the macros of its declarations blanked: as long as it was, with the same lines."""
    blanked = bytearray(source)
    end_of_last, has_type = -1, False
    for match in _CANDIDATE.finditer(source):
        start, end = match.span()
        if _is_call(source, match):
            is_macro = False
        elif start == end_of_last:
            # The second of two macros in a row is one for the same reason, but for `API U32 first(int a)`.
            is_macro = has_type or not _is_type(source, match)
        else:
            is_macro = _is_macro(source, match)
            has_type = is_macro and _is_type_before(source, start)
        if is_macro:
            blank(blanked, start, end)
            end_of_last = end
        elif specifier := _before_definition(source, match):
            blank(blanked, specifier, end)
    without_oddities(blanked, source)
    without_wrappers(blanked, source)
    with_definitions(blanked, source)
    without_unnamed_bits(blanked, source)
    return bytes(blanked)


def _is_call(source: bytes, match: re.Match[bytes]) -> bool:
    """Whether a candidate is a call by itself: with arguments, and a comment or a directive after it.

    It is none where a declaration follows, which a call without a semicolon would hide.
    """
    start, end = match.span()
    after = source[end : end + 1]
    if not match[1] or after not in (b"/", b"#") or (after == b"#" and b'"' in match[1]):
        return False
    return source[start - 1 : start] not in b"\n" or not _DECLARATION_BEHIND.match(source, end)


def _is_macro(source: bytes, match: re.Match[bytes]) -> bool:
    """Whether a candidate can be nothing but a macro of a declaration."""
    start, end = match.span()
    line = line_start(source, start)
    indent = source[line:start].lstrip()
    if indent[:1] == b"#" or source[line - 2 : line] == b"\\\n":
        return False
    before = source[max(start - CONTEXT_BYTES, 0) : start].rstrip()
    if source[end : end + 1] == b"}":
        # Alone at the end of a class: after a comma or a brace, it is the last constant of an enum.
        return not match[1] and not indent and before[-1:] in (b";", b"}")
    word = _WORD_BEFORE.search(before)
    if word and word[0] in _TAGS:
        return _TAG_AFTER.match(source, end) is not None
    is_open = source[end : end + 1] in (b"#", b"/") and not match[1]
    if is_open and (not _DECLARES.match(source, start) or _END_OF_LIST.match(source, end)):
        # The type of the function after the comment, perhaps, or the last constant of an enum.
        return False
    if match[1]:
        alone = not indent and (
            start == line
            or _DECLARES.match(source, start)
            or _SECTION_BEFORE.search(before)
            or _MEMBER_AFTER.match(source, end)
        )
        same_line = b"\n" not in source[match.end(1) : end]
        return bool(alone or (same_line and _KEYWORD_AFTER.match(source, end)))
    if _KEYWORD_AFTER.match(source, end):
        return True
    if not indent and begins_declaration(source, start):
        return _is_superfluous(source, end) or _is_alone(source, start, end)
    if word is None:
        if before[-1:] in (b"*", b"&"):
            return _FUNCTION_AFTER.match(source, end) is not None
        return before[-1:] in BOUNDARIES and _is_superfluous(source, end)
    if word[0] == b"explicit":
        # A constructor, which has no type.
        return _FUNCTION_AFTER.match(source, end) is not None
    if word[0] in _SPECIFIERS:
        return _is_superfluous(source, end)
    # `int API first(`
    return word[0] not in _NO_TYPES and _FUNCTION_AFTER.match(source, end) is not None


def _is_type(source: bytes, match: re.Match[bytes]) -> bool:
    """Whether a candidate may be the type of the function after it, which is no constructor."""
    end = match.end()
    return (
        not match[1]
        and _BARE_FUNCTION.match(source, end) is not None
        and _CONSTRUCTOR_AFTER.match(source, end) is None
    )


def _is_type_before(source: bytes, start: int) -> bool:
    """Whether the type of a declaration comes before `start`."""
    before = source[max(start - CONTEXT_BYTES, 0) : start].rstrip()
    word = _WORD_BEFORE.search(before)
    return before[-1:] in (b"*", b"&") or (
        word is not None and word[0] not in _SPECIFIERS and word[0] not in _NO_TYPES
    )


def _before_definition(source: bytes, match: re.Match[bytes]) -> int:
    """Where `static DEFINE_PATH(name, "text")` begins, alone on its line and without a semicolon; else 0."""
    start, end = match.span()
    line = line_start(source, start)
    if not match[1] or b'"' not in match[1] or b"\n" not in source[match.end(1) : end]:
        return 0
    return line if source[line:start].strip() in (b"static", b"extern") else 0


def _is_superfluous(source: bytes, end: int) -> bool:
    """Whether a type and a name follow, so that the word before them is neither."""
    declaration = _DECLARATION_AFTER.match(source, end)
    # In `DWORD WINAPI main(` it is the second that is none.
    return declaration is not None and not _CONVENTION.match(declaration["type"] or b"")


def _is_alone(source: bytes, start: int, end: int) -> bool:
    """Whether the word fills its line; the type of a function may, too."""
    return b"\n" in source[start:end] and not _FUNCTION_AFTER.match(source, end)
