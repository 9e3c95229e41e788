"""Bash before its parser, where there are syntax errors: what the grammar does not take, in other words."""

from __future__ import annotations

import re

# What `${name#pattern}` removes: it may have quotes and braces.
_PATTERN = re.compile(
    rb"(\$\{\w{1,200}+(?:##?|%%?))((?:\\[^\n]|\"[^\"\n]{0,100}+\"|[^}\"\\\n]){1,200}+)(?=\})"
)
# In a test.
_PARENTHESIS = re.compile(rb"(?<=[ \t])\\[()](?=[ \t])")


def rewritten(source: bytes) -> bytes:
    """`source` as the grammar takes it, each token where it was."""
    source = _PATTERN.sub(lambda match: match[1] + b"x" * len(match[2]), source)
    return _PARENTHESIS.sub(b"  ", source)
