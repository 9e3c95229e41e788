"""Swift before its parser, where there are syntax errors: what the grammar does not take, in other words."""

from __future__ import annotations

import re

# The empty tuple as a value.
_EMPTY_TUPLE = re.compile(rb"(?<=[(,:])([ \t]*+)\(\)(?=[ \t]*+[),\n])")
_BLANKED = re.compile(
    # `case .success():`
    rb"(?<=\w)\(\)(?=[ \t]*+:[ \t]*+$)"
    rb"|^[ \t]*+#(?:warning|error)[ \t]*+\([^\n]*+"
    rb"|@_\w{1,100}+\((?:[^()\n]|\([^()\n]{0,200}+\)){0,500}+\)"
    rb"|\bisolated(?=[ \t]++deinit\b)",
    re.MULTILINE,
)
_OWNERSHIP = re.compile(
    rb"\b(?:consuming|borrowing|__consuming)(?=[ \t]++(?:func|get|set|init)\b|[ \t]*+$)", re.MULTILINE
)
_NOT_NEWLINE = re.compile(rb"[^\n]")


def rewritten(source: bytes) -> bytes:
    """`source` as the grammar takes it, each token where it was."""
    source = _EMPTY_TUPLE.sub(rb"\g<1>00", source)
    source = _OWNERSHIP.sub(lambda match: b"mutating".ljust(len(match[0])), source)
    return _BLANKED.sub(lambda match: _NOT_NEWLINE.sub(b" ", match[0]), source)
