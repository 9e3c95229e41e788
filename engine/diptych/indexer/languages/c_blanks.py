"""Spellings of C and C++ that the grammars do not take, blanked before parsing. Offsets and lines stay."""

from __future__ import annotations

import re

MACRO = rb"(?:[A-Z][A-Z0-9_]{2,}|__\w+|_[A-Z][A-Z0-9_]+)"
CALL = rb'(?:[ \t]*\((?:"(?:\\.|[^"\\\n])*+"|[^()\n;{}"]|\([^()\n;{}]*\)){0,200}\))'
NAME = rb"[A-Za-z_][\w:]*+"
TAG_NAME = rb"[A-Za-z_]\w*+(?:::\w++)*+"
"""The name of a class: not the colon before its bases."""
BOUNDARIES = (b";", b"{", b"}", b":", b">", b")", b"/", b"")
"""What may come before a declaration."""
CONTEXT_BYTES = 64

# `void m() OVERRIDE;`, `int f(void) __THROW __nonnull ((1));`, `~Lock() RELEASE(mutex) {`
_SUFFIX = re.compile(
    rb"\)\s*(?:(?:const|override|final|noexcept)\b\s*)*((?:" + MACRO + rb"(?!\w)" + CALL + rb"?\s*){1,10}+)"
    rb"(?=[;{]|:(?!:)|=\s*\w+\s*;|(?:override|final|noexcept)\b)"
)
_STATEMENT = re.compile(rb"[ \t}]*(?:if|while|for|switch|else|return|case|do)\b")
# `int count GUARDED_BY(mutex);`
_GUARD = re.compile(rb"(?:GUARDED|ATTR|ALIGN|DEPRECATED)\w*" + CALL + rb"(?=\s*[;={])")
# `int ALIGN_UP(int x) {`: with parameters, it is the name of a function.
_PARAMETERS = re.compile(rb"\w[\s*&]+\w|\(\s*(?:void\s*)?\)")
_GUARDS = (b"GUARDED", b"ATTR", b"ALIGN", b"DEPRECATED")
_BEGIN_OF_WORD = re.compile(rb"\w+\Z")
# `int first OF((int a));`
_PROTOTYPE = re.compile(rb"\((?<=[A-Z0-9_]\()\((?:[^();{}]|\([^();{}]*\)){0,1000}\)\s*(\))(?=\s*[;{])")
_BEFORE_PROTOTYPE = re.compile(rb"[\w)](?<!\breturn)(?<!\belse)[ \t]+([A-Z_][A-Z0-9_]*)\Z")
# `CHECK_FIELD(unsigned short, 1);` as a statement: with a type in it, nothing below is read.
_TYPE_ARGUMENT = re.compile(
    rb"\((?<=[A-Z0-9_]\()\s*((?:unsigned|signed|int|char|short|long|float|double|bool|void|const|\w+_t)\b"
    rb'(?:"(?:\\.|[^"\\\n])*+"|[^;{}()"]){0,400})\)\s*;'
)
_MACRO_STATEMENT = re.compile(rb"[ \t]*[A-Z][A-Z0-9_]+\(")
# `class Widget API_FINAL : Base {`
_TAG_SUFFIX = re.compile(
    rb"class\s+(?:" + MACRO + rb"(?!\w)" + CALL + rb"?\s+){0,4}+"
    + TAG_NAME + rb"\s+(" + MACRO + rb")(?=\s*(?:\{|:[^:]))"
)  # fmt: skip
# `enum type UNDERLYING(unsigned char) {`: with a name in the parentheses, it is a function.
_ENUM_SUFFIX = re.compile(
    rb"enum\s++"
    + NAME
    + rb"\s++([A-Z][A-Z0-9_]{2,}\((?:(?:unsigned|signed)[ \t]++)?(?:char|short|int|long|\w+_t)\))(?=\s*\{)"
)
# Friends that are functions, and instantiations, define nothing, and the grammar takes few of them.
_FRIEND = re.compile(
    rb"friend\s++(?!(?:class|struct|union|template|constexpr|inline)\b)[^;{}()=]{0,200}+"
    rb"\((?!\s*\))[^;{}]{0,600}+;"
)
_INSTANTIATION = re.compile(rb"extern\s++template\b[^;{}]{0,600}+;")
# A comment in a directive ends the directive, for the grammar, whatever follows.
_COMMENT_IN_DIRECTIVE = re.compile(rb"\*/(?:(?=[^\n]{0,400}\\\r?\n)|(?=[ \t]*+[^\s/])(?P<inside>))")
_DIRECTIVE = re.compile(rb"[ \t]*#")
# `#if HAS_INCLUDE(<string_view>) && \`: the grammar has no such name but after `include`.
_CONDITION = re.compile(rb"#[ \t]*(?:if|elif)[ \t]+((?:[^\n\\]|\\\r?\n)*+)")
_NAME_ARGUMENT = re.compile(rb"\([<\"]")
# `} __packed;`, `} __packed __aligned(8) name;`: on another line, a statement or a function begins.
_CLOSING = re.compile(
    rb"\}(?:\s*+(?=__\w++\s*+;)|[ \t]*+)((?:__(?!attribute)\w++" + CALL + rb"?+(?:\s++|(?=;)))++)(?=;|[*\w])"
)
# `for_each_cpu(i)` before its statement: the grammar takes it for a declaration where a name comes after it,
# and loses the rest of the function, and for a definition where a brace does.
_LOOP_NAME = re.compile(rb"for_?each|FOR_?EACH")
_LOOP = re.compile(
    rb"^[ \t]+(\w*(?:for_?each|FOR_?EACH)\w*)[ \t]*"
    rb"\((?:[^();{}]|\((?:[^();{}]|\((?:[^();{}]|\([^();{}]*\))*+\))*+\)){0,400}+\)"
    # Not part of it: the statement may be such a loop.
    rb"(?=(\s*)(?!(?:const|noexcept|override|final|volatile|throw|requires|try)\b)[\w(*{])",
    re.MULTILINE,
)
# A constructor has no type before it either.
_LOOP_CLASS = re.compile(rb"\b(?:class|struct)\s+(\w*(?:for_?each|FOR_?EACH)\w*)")
# What comes before a statement. (Before a function is its type, also on a line of its own.)
_BEFORE_STATEMENT = re.compile(rb"(?:[;{})/:]|\b(?:else|do))\s*\Z")
# `Py_BEGIN_ALLOW_THREADS` on a line of its own in a function.
_BLOCK_MACRO = re.compile(rb"(?:BEGIN|END)(?:_\w{1,80}+)?+(?!\w)(?=[ \t]*\r?\n\s*(.))")
_BEGIN_OF_LINE = re.compile(rb"[ \t]+(?:\w+_)?")
_COMMENT_BEFORE = re.compile(rb"/\*(?:[^*]|\*(?!/))*+\*/")
_ABOVE_BYTES = 256
_SECTION_WORDS = (b"signals", b"slots", b"Q_SIGNALS", b"Q_SLOTS")
_SECTIONS = re.compile(
    rb"^[ \t]*(?:(signals|Q_SIGNALS)|(?:public|private|protected)[ \t]+(slots|Q_SLOTS))(?=\s*:)", re.MULTILINE
)
# `inline Source::operator bool() const {`: after a word, the grammar takes the class for a type.
_INLINE_CONVERSION = re.compile(
    rb"\b((?:inline|constexpr)[ \t]+)(?=(?:\w|::|<[^<>;{}]{0,100}>)+::\s*operator\s+[A-Za-z])"
)
# The grammar takes delimiters of up to 15 characters, one fewer than the language.
_LONGEST_DELIMITER = re.compile(rb'R"([^()\\\s]{16})\(')
# `f(a, b) int a, b; {`: without a type, the grammar takes only `f(a) {`.
_OLD_STYLE = re.compile(
    rb"^[A-Za-z_]\w*[ \t]*\(\s*\w+([\w\s,]*)\)((?:\s*[A-Za-z_][\w \t*,\[\]]*;)+)(?=\s*\{)", re.MULTILINE
)
_OLD_STYLE_END = re.compile(rb";\s*\n?\{")
_NOT_NEWLINE = re.compile(rb"[^\r\n]")
_NOT_LINE_END = re.compile(rb"[^\r\n\\]")
# Limits on what is searched for each match, so that no source takes long.
_LINE_BYTES = 1_000
_WORD_BYTES = 64
_OLD_STYLE_BYTES = 400


def without_oddities(blanked: bytearray, source: bytes) -> None:
    """Blank in `blanked` what the grammars do not take of `source`."""
    _attributes(blanked, source)
    _comments_in_directives(blanked, source)
    if b"INCLUDE" in source or b"include(" in source:
        for match in _CONDITION.finditer(source):
            start, end = match.span(1)
            if not _NAME_ARGUMENT.search(source, start, end):
                continue
            blanked[start:end] = b"1" + _NOT_LINE_END.sub(b" ", source[start + 1 : end])
    _old_style_parameters(blanked, source)
    for pattern in (_TAG_SUFFIX, _ENUM_SUFFIX):
        for match in pattern.finditer(source):
            blank(blanked, *match.span(1))
    for match in _CLOSING.finditer(source):
        blank(blanked, *match.span(1))
    for match in _PROTOTYPE.finditer(source):
        start = match.start()
        macro = _BEFORE_PROTOTYPE.search(source, max(start - _WORD_BYTES, 0), start)
        if macro:
            blank(blanked, macro.start(1), start + 1)
            blank(blanked, *match.span(1))
    for match in _TYPE_ARGUMENT.finditer(source):
        if _MACRO_STATEMENT.fullmatch(source, line_start(source, match.start()), match.start() + 1):
            blank(blanked, *match.span(1))
    if _LOOP_NAME.search(source):
        classes = set(_LOOP_CLASS.findall(source))
        for match in _LOOP.finditer(source):
            before = source[max(match.start() - _WORD_BYTES, 0) : match.start()]
            if match[1] not in classes and _BEFORE_STATEMENT.search(before):
                _end_call(blanked, source, match)
    if b"::operator" in source:
        for match in _INLINE_CONVERSION.finditer(source):
            blank(blanked, *match.span(1))
    if b"BEGIN" in source or b"END" in source:
        _block_macros(blanked, source)
    for pattern in (_FRIEND, _INSTANTIATION):
        for match in pattern.finditer(source):
            blank(blanked, *match.span())
    # Words first: the expression tries each place where a word may begin.
    if any(word in source for word in _SECTION_WORDS):
        _sections(blanked, source)
    if b'R"' in source:
        _longest_delimiters(blanked, source)


def _end_call(blanked: bytearray, source: bytes, loop: re.Match[bytes]) -> None:
    """Make a loop a call, and what follows it a statement by itself."""
    spaces = re.search(rb"[ \t]", loop[2])
    if spaces:
        blanked[loop.start(2) + spaces.start()] = ord(";")
    elif source[loop.end() : loop.end() + 1] == b"{":
        # No room: the statement alone, as without the call there is no function of its name.
        blank(blanked, loop.start(1), loop.end())


def blank(blanked: bytearray, start: int, end: int) -> None:
    """Overwrite with spaces all but the ends of lines."""
    blanked[start:end] = _NOT_NEWLINE.sub(b" ", blanked[start:end])


def line_start(source: bytes, position: int) -> int:
    """Where the line of `position` begins; in a very long line, somewhere before."""
    begin = max(position - _LINE_BYTES, 0)
    return max(source.rfind(b"\n", begin, position) + 1, begin)


def begins_declaration(source: bytes, start: int) -> bool:
    """Whether what comes before the line of `start` completes something."""
    before = source[max(start - CONTEXT_BYTES, 0) : start].rstrip()
    if before[-1:] in BOUNDARIES:
        return True
    end = max(start - CONTEXT_BYTES, 0) + len(before)
    above = source[line_start(source, end) : end].lstrip()
    return above[:1] == b"#" or b"//" in above


def _attributes(blanked: bytearray, source: bytes) -> None:
    for match in _SUFFIX.finditer(source):
        if not _STATEMENT.match(source, line_start(source, match.start())):
            blank(blanked, *match.span(1))
    if any(word in source for word in _GUARDS):
        for match in _GUARD.finditer(source):
            start = match.start()
            if _PARAMETERS.search(match[0]):
                continue
            begin = _BEGIN_OF_WORD.search(source, max(start - _WORD_BYTES, 0), start)
            blank(blanked, begin.start() if begin else start, match.end())


def _comments_in_directives(blanked: bytearray, source: bytes) -> None:
    for match in _COMMENT_IN_DIRECTIVE.finditer(source):
        start = source.rfind(b"/*", max(match.start() - _LINE_BYTES, 0), match.start())
        inside = match["inside"] is None or _DIRECTIVE.match(source, line_start(source, start))
        if start >= 0 and inside:
            # What escapes the end of a line stays.
            blanked[start : match.end()] = _NOT_LINE_END.sub(b" ", blanked[start : match.end()])


def _old_style_parameters(blanked: bytearray, source: bytes) -> None:
    """`f(a, b) int a, b; {` as `f(a) {`."""
    for end in _OLD_STYLE_END.finditer(source):
        head = _OLD_STYLE.search(source, max(end.start() - _OLD_STYLE_BYTES, 0), end.end())
        if head:
            blank(blanked, *head.span(1))
            blank(blanked, *head.span(2))


def _block_macros(blanked: bytearray, source: bytes) -> None:
    """Macros that begin or end a block: between statements, and no constant of an enum."""
    for match in _BLOCK_MACRO.finditer(source):
        line = line_start(source, match.start())
        if not _BEGIN_OF_LINE.fullmatch(source, line, match.start()):
            continue
        above = _COMMENT_BEFORE.sub(b"", source[max(line - _ABOVE_BYTES, 0) : line]).rstrip()
        before = b"#" if above.rpartition(b"\n")[2].lstrip()[:1] == b"#" else above[-1:]
        if before in (b";", b"}") or (before in (b"{", b"#") and match[1] not in b"},="):
            blank(blanked, line, match.end())


def _sections(blanked: bytearray, source: bytes) -> None:
    """`signals:` as `public:`, and `public slots:` without the word that only Qt knows."""
    for match in _SECTIONS.finditer(source):
        start, end = match.span(match.lastindex or 0)
        blank(blanked, start, end)
        if match[1]:
            blanked[start : start + 6] = b"public"


def _longest_delimiters(blanked: bytearray, source: bytes) -> None:
    """Raw strings with the longest delimiter, with one character fewer in it."""
    end = 0
    for match in _LONGEST_DELIMITER.finditer(source):
        if match.start() < end:
            continue
        delimiter = match[1]
        end = source.find(b")" + delimiter + b'"', match.end())
        if end < 0:
            return
        blanked[match.start() : match.end()] = b' R"' + delimiter[:-1] + b"("
        blanked[end : end + len(delimiter) + 2] = b")" + delimiter[:-1] + b'" '
