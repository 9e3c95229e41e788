"""docs/coordinator.md says what the code does."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from diptych.workspace.coordinator import ExitReason, Limits
from diptych.workspace.coordinator.states import REASON_NAMES
from diptych.workspace.coordinator.transitions import TABLE

DOCUMENT = (Path(__file__).parents[3] / "docs" / "coordinator.md").read_text("utf-8")


def test_the_table_in_the_document_is_the_table_in_the_code() -> None:
    written = DOCUMENT.split("<!-- table of transitions -->")[1].split("<!-- end of table -->")[0]
    lines = written.strip().splitlines()[2:]
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    assert rows == [(r.source, r.trigger, " or ".join(r.targets), r.condition) for r in TABLE]


def test_every_limit_is_documented_with_its_default() -> None:
    table = DOCUMENT.split("## Limits and budgets")[1].split("\n## ")[0]
    for field in fields(Limits):
        assert f"`{field.name}`" in table
    shown = dict(re.findall(r"\| `(\w+)` \| ([\d,]+)", table))
    for name, number in shown.items():
        value = getattr(Limits(), name)
        assert int(number.replace(",", "")) == (value >> 20 if name == "cache_bytes_max" else value)
    assert len(shown) == 7


def test_every_reason_is_documented() -> None:
    for name in REASON_NAMES:
        assert f"`{name.title().replace('_', '')}`" in DOCUMENT
    assert {"scan_budget", "update_budget"} <= set(ExitReason)
