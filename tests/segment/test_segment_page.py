"""The segment on the page about the format, and the one that is written."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.notes import NOTES, Note
from tests.support.segments import build

PAGE = Path(__file__).resolve().parents[2] / "docs/format.md"
_ROW = re.compile(r"^([0-9a-f]{3})  ((?:[0-9a-f]{2} )*[0-9a-f]{2})(?:  |$)", re.MULTILINE)


def test_the_bytes_on_the_page_are_those_of_the_file(memory_path: Path) -> None:
    segment = build(memory_path / "s", [Note("b", ("x",), "hi"), Note("a", (), "")], NOTES)
    data = (Path(segment.directory) / "records.msgpack").read_bytes()
    rows = _ROW.findall(PAGE.read_text().split("### Sections of records.msgpack")[1])
    assert len(rows) > 15
    for offset, text in rows:
        shown = bytes.fromhex(text)
        assert data[int(offset, 16) :][: len(shown)] == shown, offset
