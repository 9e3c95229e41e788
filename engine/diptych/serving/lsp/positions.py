"""Columns as an editor counts them, in UTF-8, UTF-16 or UTF-32 units, and as bytes.

Bytes that are not UTF-8 count as one unit each.
"""

from __future__ import annotations

from typing import Literal

Encoding = Literal["utf-8", "utf-16", "utf-32"]
# What is cheapest first.
PREFERRED: tuple[Encoding, ...] = ("utf-8", "utf-32", "utf-16")

_BEYOND_BMP = "\uffff"


def chosen(offered: list[str] | None) -> Encoding:
    """The encoding to use with a client that offers these; UTF-16 where it offers none that is known."""
    return next((one for one in PREFERRED if one in (offered or ())), "utf-16")


def column_of(line: bytes, units: int, encoding: Encoding) -> int:
    """The byte at a column of a line. Beyond the line is its end, within a character its beginning."""
    if line.isascii():
        return min(units, len(line))
    if encoding == "utf-8":
        at = min(units, len(line))
        while 0 < at < len(line) and line[at] & 0xC0 == 0x80 and at > units - 4:
            at -= 1
        return at
    text = line.decode("utf-8", "surrogateescape")
    if encoding == "utf-32":
        return len(text[:units].encode("utf-8", "surrogateescape"))
    left = units
    for number, letter in enumerate(text):
        left -= 1 + (letter > _BEYOND_BMP)
        if left < 0:
            return len(text[:number].encode("utf-8", "surrogateescape"))
    return len(line)


def units_of(line: bytes, column: int, encoding: Encoding) -> int:
    """The column of a byte of a line."""
    before = line[:column]
    if encoding == "utf-8" or before.isascii():
        return len(before)
    text = before.decode("utf-8", "surrogateescape")
    if encoding == "utf-32":
        return len(text)
    return len(text) + sum(letter > _BEYOND_BMP for letter in text)
