"""From a file's bytes to the text of names, signatures and documentation.

Sources are parsed as raw bytes. Text cut from them is decoded as UTF-8, with U+FFFD for invalid bytes (a
Latin-1 comment): a search index holds only Unicode, and names in another encoding are rare. UTF-16 with a
byte-order mark, and Python in an encoding that it declares, are transcoded first, so that their columns also
count UTF-8 bytes.
"""

from __future__ import annotations

import codecs
import re

from diptych.lazy import pattern

# A longer name is data, not a name. It is cut off, so that one file cannot make many records huge.
NAME_MAX_CHARS = 512
CONTAINER_MAX_CHARS = 1024
SIGNATURE_MAX_CHARS = 240
DOCUMENTATION_MAX_CHARS = 2000

_SNIFFED_BYTES = 8192  # as in git: a NUL in the first 8 KB means binary
_CODING = pattern(rb"(?:[ \t\f]*(?:#[^\r\n]*)?\r?\n)?[ \t\f]*#[^\r\n]*?coding[:=][ \t]*([-\w.]+)")
_CHARACTER_SET = pattern(
    r"iso8859-\d+|cp\d+|koi8-[rtu]|mac-\w+|euc_\w+|iso2022_\w+|gb\w+|big5\w*|shift_jis\w*|johab|tis-620|hz|hp-roman8"
)
_COMMENT_MARK = pattern(r"[ \t]*(?:///?!?|/\*\*?!?|\*(?!/)|#+!?)?[ \t]?")
_ESCAPED_BYTE = pattern("[\udc80-\udcff]")
_PREFIXES = "rRuUbBfFtT"
_NO_TEXT = frozenset("bft")
# The escapes that documentation has. Others stay as they are written.
_ESCAPE = pattern(r"\\([\\'\"nt\n])")
_ESCAPES = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "t": "\t", "\n": ""}


def is_utf16(head: bytes) -> bool:
    """Whether the bytes begin with a UTF-16 byte-order mark (and not UTF-32's, which begins alike)."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return False
    return head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


def is_binary(data: bytes) -> bool:
    """Whether git would call it binary: a NUL among the first 8 KB, other than UTF-16's."""
    return data.find(b"\0", 0, _SNIFFED_BYTES) >= 0 and not is_utf16(data)


def as_utf8(data: bytes, *, declares_encoding: bool = False) -> bytes:
    """The source to parse: transcoded from UTF-16 with a byte-order mark or from a declared encoding."""
    if is_utf16(data):
        return data.decode("utf-16", "replace").encode("utf-8", "replace")
    if declares_encoding and not data.isascii():
        encoding = _declared_encoding(data)
        if encoding:
            return data.decode(encoding, "replace").encode("utf-8", "replace")
    return data


def is_utf8(data: bytes) -> bool:
    """Whether all of it is valid UTF-8."""
    if data.isascii():
        return True
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def valid_utf8(data: bytes) -> bytes:
    """The same bytes with a control character, of which no name is made, for each that is no valid UTF-8."""
    if is_utf8(data):
        return data
    return _ESCAPED_BYTE.sub("\x7f", data.decode("utf-8", "surrogateescape")).encode("utf-8")


def _declared_encoding(data: bytes) -> str:
    """The encoding that a comment in one of the first two lines declares, as in PEP 263; "" for UTF-8."""
    match = _CODING.match(data[:_SNIFFED_BYTES])
    if match is None:
        return ""
    try:
        name = codecs.lookup(match[1].decode("ascii")).name
    except (LookupError, ValueError):
        return ""
    # Only those that map bytes to characters: others (zip, rot13, idna) are no encodings of a source.
    return name if _CHARACTER_SET.fullmatch(name) else ""


def folded(raw: bytes, limit: int) -> str:
    """One line of at most `limit` characters, with runs of white space folded to one space."""
    # Cut before folding, since a head may have megabytes (a generated table).
    text = " ".join(raw[: limit * 8].decode("utf-8", "replace").split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def docstring(literals: list[bytes]) -> str:
    """The text of a Python docstring, of one literal or of adjacent ones, without quotes and indentation.

    "" if one of them is no plain text: Python takes no f-string and no bytes for a docstring.
    """
    parts = []
    for literal in literals:
        raw = literal[: DOCUMENTATION_MAX_CHARS * 8].decode("utf-8", "replace")
        prefix, text = _unquoted(raw)
        if set(prefix) & _NO_TEXT:
            return ""
        parts.append(text if "\\" not in text or "r" in prefix else _ESCAPE.sub(_unescaped, text))
    lines = "".join(parts).expandtabs().replace("\r\n", "\n").split("\n")
    return _capped("\n".join(_dedented(lines)).strip())


def _unquoted(literal: str) -> tuple[str, str]:
    """The prefix of a string literal in lower case, and what is between its quotes."""
    text = literal.lstrip(_PREFIXES)
    prefix = literal[: len(literal) - len(text)].lower()
    quote = text[:3] if text[:3] in ('"""', "'''") else text[:1]
    return prefix, text.removeprefix(quote).removesuffix(quote)


def _unescaped(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[1], match[0])


def comment(raw: bytes) -> str:
    """The text of a comment block, without the comment marks of each line."""
    text = raw[: DOCUMENTATION_MAX_CHARS * 8].decode("utf-8", "replace")
    lines = text.replace("\r\n", "\n").split("\n")
    if text.startswith("--"):
        # Lua's mark, which elsewhere is text.
        lines = [line.strip().lstrip("-").removeprefix("[[").removesuffix("]]").strip() for line in lines]
    return _capped("\n".join(map(without_marks, lines)).strip())


def without_marks(line: str) -> str:
    """A line of a comment without the marks at its beginning and end."""
    line = _COMMENT_MARK.sub("", line, count=1).rstrip(" \t")
    # Not by one pattern, which takes hours on a long line of white space.
    return line[:-1].rstrip("*").rstrip(" \t") if line.endswith("*/") else line


def _dedented(lines: list[str]) -> list[str]:
    margin = min((len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()), default=0)
    return [lines[0].strip(), *(line[margin:].rstrip() for line in lines[1:])]


def _capped(text: str) -> str:
    return text if len(text) <= DOCUMENTATION_MAX_CHARS else text[: DOCUMENTATION_MAX_CHARS - 1] + "…"
