"""SCIP indexes for tests, written by protobuf alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from diptych.serving.scip.messages import messages

Row = tuple[Any, ...]
"""Of an occurrence: `(range, symbol, roles)`."""


def index_bytes(*documents: bytes, root: str = "", tool: tuple[str, str] = ("scip-test", "1")) -> bytes:
    """An index with these documents."""
    metadata = messages().metadata(project_root=root)
    metadata.tool_info.name, metadata.tool_info.version = tool
    fields = [(1, metadata.SerializeToString()), *((2, document) for document in documents)]
    return b"".join(_field(number, data) for number, data in fields)


def document_bytes(
    path: str, occurrences: Sequence[Row], *, text: str = "", language: str = "python", encoding: int = 0
) -> bytes:
    """A document with these occurrences."""
    made = messages().document(relative_path=path, language=language, text=text, position_encoding=encoding)
    for where, symbol, roles in occurrences:
        made.occurrences.add(range=where, symbol=symbol, symbol_roles=roles)
    return bytes(made.SerializeToString())


def _field(number: int, data: bytes) -> bytes:
    size, length = bytearray(), len(data)
    while length > 0x7F:
        size.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([number << 3 | 2]) + bytes(size) + bytes([length]) + data
