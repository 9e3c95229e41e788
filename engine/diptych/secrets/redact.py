"""Replace secrets by `…`: in a text, or in a source before it is parsed.

In a source each secret becomes as many bytes of filling, so that every offset stays; what is extracted from
it then has `…` for the filling. So no part of a secret remains where a signature is cut off, and none gets
into what is derived from the source.
"""

from __future__ import annotations

import re

from diptych.secrets.find import find

REDACTED = "…"
_FILL = "…".encode()
_FILLED = re.compile("…[…_]*")


def redacted(text: str) -> str:
    """`text` with `…` for each secret. `find` finds none in the result."""
    # What surrounds a secret may make one with what is left: once more, until nothing is found.
    while found := find(text):
        for secret in reversed(found):
            text = f"{text[: secret.start]}{REDACTED}{text[secret.end :]}"
    return text


def masked(source: bytes) -> bytes:
    """`source` with as many bytes of filling for each secret; see `unmasked`."""
    # One character for each byte, so that places are offsets.
    found = find(source.decode("latin-1"))
    if not found:
        return source
    parts, end = [], 0
    for secret in found:
        parts += [source[end : secret.start], _filling(source[secret.start : secret.end])]
        end = secret.end
    return b"".join([*parts, source[end:]])


def _filling(secret: bytes) -> bytes:
    """As many bytes, on the same lines."""
    return b"\n".join(
        _FILL * (len(line) // len(_FILL)) + b"_" * (len(line) % len(_FILL)) for line in secret.split(b"\n")
    )


def unmasked(text: str) -> str:
    """A text from a masked source, with one `…` for each run of filling."""
    return _FILLED.sub(REDACTED, text) if REDACTED in text else text
