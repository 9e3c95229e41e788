"""The client's tools: what answers cost, and odd messages."""

from __future__ import annotations

import random
from pathlib import Path

from tools.editors.fuzz import run
from tools.editors.sites import drawn

from diptych import Store
from diptych.indexer import index_repository


def test_odd_messages_are_answered_and_the_server_stays(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "class A:\n    def f(self):\n        return 1\n\n\ndef g(a: A) -> A:\n    return a\n"
    )
    (tmp_path / "b.py").write_text("from a import A, g\n\n\ndef h():\n    return g(A()).f()\n")
    with Store.open(tmp_path / ".diptych") as store:
        index_repository(tmp_path, store, processes=0)
    codes = run(tmp_path, 300, random.Random(7))
    assert codes[0] > 50
    assert codes[-32602] > 10
    assert codes[-32603] == 0


def test_places_are_where_their_names_are(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 'é'.upper(); y = x.z\n")
    for place in drawn(tmp_path, 10, 1):
        line = (tmp_path / place.path).read_bytes().split(b"\n")[place.row]
        assert line[place.column :].startswith(place.name.encode())
