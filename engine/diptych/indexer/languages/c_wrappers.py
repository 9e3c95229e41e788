"""Macros of C and C++ declarations that are told by their arguments, in whatever case they are written."""

from __future__ import annotations

import re

from diptych.indexer.languages.c_blanks import MACRO, NAME, begins_declaration, blank, line_start

# `printflike(2, 3)`: no function has a number for a parameter.
_NUMBERS = re.compile(rb"\([ \t]*+\d++(?:[ \t]*+,[ \t]*+\d++)*+[ \t]*+\)")
_CALLED = re.compile(
    rb"(?:(?P<before>[\w*>)])[ \t\r\n]++|^[ \t]*+)(?P<macro>[A-Za-z_]\w*+[ \t]*+)\Z", re.MULTILINE
)
# Before the name: `void printflike(2, 3) fail(const char *, ...)`
_NAME_AFTER = re.compile(
    rb"\s++(?:(?:const|struct|static|inline|unsigned)\s++)*+(?P<type>"
    + NAME
    + rb"[\s*&]++)?+"
    + NAME
    + rb"[ \t]*+\("
)
# `int ALIGN(8) count;`
_VARIABLE_AFTER = re.compile(rb"[ \t]++\w++[ \t]*+[;=\[]")
# After the parameters: `void fail(const char *, ...) printflike(1, 2);`
_END_AFTER = re.compile(rb"\s*+[;{]")
_DECLARATION_BEFORE = re.compile(
    rb"(?:^|[;}])\s*+(?P<type>(?:[A-Za-z_][\w:]*+[\s*&]++){1,6})"
    + NAME
    + rb"[ \t]*+\((?!\s*+\d)(?:[^;{}()]|\([^;{}()]*+\)){0,600}+\)\s*+\Z",
    re.MULTILINE,
)
_NO_NAMES = frozenset(
    b"if while for switch else return case do goto break continue define sizeof alignas alignof typedef"
    b" noexcept".split()
)
_NO_DECLARATION = re.compile(
    rb"[ \t]*+#|.*\b(?:if|while|for|switch|else|return|case|do|goto)[ \t]*\Z", re.DOTALL
)
_SPECIFIERS = re.compile(rb"static|extern|inline|virtual|const|volatile|struct|union|enum|[A-Z_][A-Z0-9_]+")
# `EXPORT(const char *) name(void)`: the type stays.
_NAME_AFTER_CLOSE = re.compile(
    rb"\)[ \t]*+(?P<line>\r?\n[ \t]*+)?+(?:" + NAME + rb"[ \t]++)?+(?P<name>" + NAME + rb")[ \t]*+\("
)
# Parameters, not arguments: `(void)`, `(Bitmap  *map, …`, `(const char *name`.
_PARAMETERS = re.compile(
    rb"\s*+(?:void\s*+\)|(?:const|struct|enum|union|unsigned)\b|"
    + NAME
    + rb"(?:\s++\**+|\*++\s*+)[A-Za-z_]\w*+\s*+[,)\[])"
)
_WRAPPED = re.compile(
    rb"(?P<indent>[ \t]*+)(?:(?:extern|static|inline)[ \t]++)*+(?P<macro>[A-Za-z_]\w*+[ \t]*+\()"
    rb"(?P<type>[ \t]*+"
    rb"(?:(?:const|struct|enum|union|unsigned|signed|long|short)[ \t]++)*+[A-Za-z_][\w:]*+[\s\w*&]{0,60}+)"
)
_IS_TYPE = re.compile(
    rb"[*&]|\b(?:void|int|char|unsigned|signed|long|short|float|double|bool|_Bool|const|struct|enum|union|\w+_t)\b"
)
_IS_MACRO = re.compile(rb"[A-Z][A-Z0-9_]{2,}[ \t]*\(\Z")
# `int first(int a) internal_function;`, and on a line of its own between the type and the name.
_WORD_AFTER = re.compile(rb"\)\s+(?!(?:const|volatile|override|final|noexcept|try)\b)([a-z]\w*)[ \t]*;")
_WORD_BETWEEN = re.compile(rb"\n([a-z_]\w*+)[ \t]*+\n(?=\w+[ \t]*\()")
_TYPE_LINE = re.compile(rb"(?:[A-Za-z_]\w*+[ \t*]++){0,4}+[A-Za-z_]\w*+[ \t*]*+")
# `sqlite3 *WSD list = 0;`, `int FAR table[] = {`: after a type and before a name. Each of these begins with
# what is rare in a source.
_BEFORE_VARIABLE = re.compile(
    rb"[A-Z_](?<=[ \t*][A-Z_])(?:[A-Z0-9_]{2,}|_\w+)[ \t]+(?=(?!"
    + MACRO
    + rb"\W)(?P<name>[A-Za-z_]\w*+)[ \t]*[;=\[])"
)
# `static u32 seed __ro_after_init;`
_AFTER_VARIABLE = re.compile(rb"__(?<=[ \t]__)(?!attribute)\w+[ \t]*(?=[;=])")
_VARIABLE_BEFORE = re.compile(
    rb"(?P<type>[A-Za-z_]\w*+)(?:[ \t]*\*[* \t]*|[ \t]+)(?!" + MACRO + rb"\W)(?P<name>[A-Za-z_]\w*+)[ \t]+\Z"
)
# `BOOL (WINAPI *hook)(int);`, `void WINAPI (*hook)(int);`
_POINTER = re.compile(
    rb"\([ \t]*+(?P<macro>(?:"
    + MACRO
    + rb"(?!\w)[ \t]*+){1,4}+)?\*[ \t]*+"
    + NAME
    + rb"[ \t]*+(?:\[\w*\][ \t]*+)?\)\s*+\("
)
# `IVim __RPC_FAR *This`: in headers that are generated for interfaces, and of no other meaning.
_RPC = re.compile(rb"__RPC_(?:FAR|STUB|USER)(?!\w)")
_MACRO_BEFORE = re.compile(rb"[ \t](?P<macro>" + MACRO + rb")[ \t]*\Z")
# `static yyconst int16_t table[] = {`, `local const unsigned char table[] = {`: one name too many.
_LOWER = re.compile(
    rb"^(?:(?:static|extern)[ \t]+(?P<second>[a-z_]\w*+)[ \t]+(?P<type>[A-Za-z_]\w*+)[ \t]+(?:\*[ \t]*)?"
    rb"(?!" + MACRO + rb"\W)(?P<name>[A-Za-z_]\w*+)[ \t]*[\[=;]"
    rb"|(?P<first>[a-z_]\w*+)[ \t]+const[ \t]+(?:unsigned|signed|struct|enum|union)[ \t])",
    re.MULTILINE,
)
_KEYWORDS = frozenset(
    b"auto bool char class const consteval constexpr constinit double enum extern final float inline int"
    b" long mutable register restrict short signed size_t ssize_t static struct thread_local typedef typename"
    b" union unsigned using void volatile return else new delete throw goto case do operator friend"
    b" virtual explicit namespace template public private protected default export co_return co_await"
    b" co_yield and or not sizeof if while for switch in".split()
)
_TYPE_WORDS = frozenset(
    b"auto bool char double float int long short signed size_t ssize_t unsigned void".split()
)
# The end of a type: a word, a pointer or the arguments of a template.
_TYPE_END = re.compile(rb"(?:\b([A-Za-z_]\w*+)[ \t]*|[*>][ \t]*)\Z")
_WORD = re.compile(rb"\w+")
_NAME_BYTES = 80
_DECLARATION_BYTES = 1_000


def without_wrappers(blanked: bytearray, source: bytes) -> None:
    """Blank in `blanked` the macros of `source` that have numbers, or a type, for arguments."""
    for match in _NUMBERS.finditer(source):
        start, end = match.span()
        near = max(start - _NAME_BYTES, 0)
        called = _CALLED.search(source[near:start])
        if called is None or called["macro"].rstrip() in _NO_NAMES:
            continue
        begin = near + called.start("macro")
        if called["before"] == b")":
            is_macro = _END_AFTER.match(source, end) is not None and _is_declared(source, begin)
        elif _may_declare(source, begin):
            name = _NAME_AFTER.match(source, end)
            if called["before"] is None:
                # `every(100) run();` is a statement.
                is_macro = name is not None and (
                    name["type"] is not None or source[begin - 1 : begin] in b"\n"
                )
            else:
                is_macro = (name or _VARIABLE_AFTER.match(source, end)) is not None
        else:
            is_macro = False
        if is_macro:
            blank(blanked, begin, end)
    _between_type_and_name(blanked, source)
    for match in _NAME_AFTER_CLOSE.finditer(source):
        close = match.start()
        wrapped = _WRAPPED.fullmatch(source, line_start(source, close), close)
        if wrapped and _is_wrapped(source, wrapped, match):
            # A broader rule may have blanked the type with its macro.
            start, end = wrapped.span("type")
            blanked[start:end] = source[start:end]
            blank(blanked, *wrapped.span("macro"))
            blank(blanked, close, close + 1)
    _words(blanked, source)


def _between_type_and_name(blanked: bytearray, source: bytes) -> None:
    """Macros between a type and a name, and words before a type."""
    for match in _BEFORE_VARIABLE.finditer(source):
        start, end = match.span()
        # `EXTERN BOOL first;`: the first is the macro.
        is_second = source[start - 2 : start - 1].isupper()
        if not is_second and match["name"] not in _KEYWORDS and _is_type_before(source, start):
            blank(blanked, start, end)
    if b" __" in source:
        for match in _AFTER_VARIABLE.finditer(source):
            start, end = match.span()
            variable = _VARIABLE_BEFORE.search(source, max(start - _NAME_BYTES, 0), start)
            if variable is None or variable["name"] in _KEYWORDS:
                continue
            if _is_type_before(source, variable.end("type")):
                blank(blanked, start, end)
    if b"__RPC_" in source:
        for match in _RPC.finditer(source):
            if _may_declare(source, match.start()):
                blank(blanked, *match.span())
    for match in _POINTER.finditer(source):
        begin = match.start()
        if match["macro"]:
            if _is_type_before(source, begin):
                blank(blanked, *match.span("macro"))
            continue
        near = max(begin - _NAME_BYTES, 0)
        macro = _MACRO_BEFORE.search(source[near:begin])
        if macro and _is_type_before(source, near + macro.start("macro")):
            blank(blanked, near + macro.start("macro"), near + macro.end("macro"))
    for match in _LOWER.finditer(source):
        sort = "first" if match["first"] else "second"
        if _KEYWORDS.isdisjoint(match.group("first", "second", "type", "name")):
            blank(blanked, *match.span(sort))


def _is_type_before(source: bytes, end: int) -> bool:
    """Whether the type of a declaration may come before `end`, on its line."""
    word = _TYPE_END.search(source, max(end - _NAME_BYTES, 0), end)
    if word is None or not _may_declare(source, end):
        return False
    name = word[1]
    if name is None or name in _TYPE_WORDS:
        return True
    return name not in _KEYWORDS and not name.startswith(b"__")


def _words(blanked: bytearray, source: bytes) -> None:
    """Words where no declaration has one."""
    for match in _WORD_AFTER.finditer(source):
        if match[1] not in _NO_NAMES and _is_declared(source, match.start(1)):
            blank(blanked, *match.span(1))
    for match in _WORD_BETWEEN.finditer(source):
        line = line_start(source, match.start())
        type_ = _TYPE_LINE.fullmatch(source, line, match.start())
        if type_ and match[1] not in _NO_NAMES and _has_type(type_[0]):
            blank(blanked, *match.span(1))


def _is_wrapped(source: bytes, wrapped: re.Match[bytes], match: re.Match[bytes]) -> bool:
    """Whether what a macro has in its parentheses is the type of the function that is named after it."""
    is_macro = _IS_MACRO.match(wrapped["macro"]) is not None
    if match["name"].isupper() or not begins_declaration(source, wrapped.start()):
        # `DECLARE(int)\nDECLARE(char)`, `void *\nf(size_t size) noexcept(true)`
        return False
    if match["line"] or wrapped["indent"]:
        # `  EXPORT( Error )\n  load( Face  face );`: a macro as a statement, and a call, look like it.
        return is_macro and _PARAMETERS.match(source, match.end()) is not None
    return is_macro or _IS_TYPE.search(wrapped["type"]) is not None


def _has_type(words: bytes) -> bool:
    """Whether the words before a name have that of a type, not only `static`, `struct` or a macro."""
    found = _WORD.findall(words)
    return _NO_NAMES.isdisjoint(found) and not all(_SPECIFIERS.fullmatch(word) for word in found)


def _may_declare(source: bytes, end: int) -> bool:
    """Whether the line up to `end` may be the beginning of a declaration: no directive, and no statement."""
    return _NO_DECLARATION.match(source, line_start(source, end), end) is None


def _is_declared(source: bytes, end: int) -> bool:
    """Whether the parameters of a declaration end at `end`."""
    declaration = _DECLARATION_BEFORE.search(source, max(end - _DECLARATION_BYTES, 0), end)
    return declaration is not None and _has_type(declaration["type"])
