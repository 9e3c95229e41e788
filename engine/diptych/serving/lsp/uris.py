"""Paths as `file:` URIs, and back. Names that are not UTF-8 keep their bytes."""

from __future__ import annotations

import os
import re
from urllib.parse import quote, unquote_to_bytes, urlsplit

# What `quote` leaves as it is: most paths are nothing else.
_PLAIN = re.compile(r"[\w.~/-]*", re.ASCII)


def path_of(uri: str) -> str | None:
    """The absolute path that a URI names; None for one that is not a file of this machine."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        return None
    path = os.fsdecode(unquote_to_bytes(parts.path))
    return os.path.normpath(path) if path.startswith("/") and "\0" not in path else None


def uri_of(path: str) -> str:
    """The URI of an absolute path."""
    return "file://" + (path if _PLAIN.fullmatch(path) else quote(os.fsencode(path)))
