"""Indexes of real indexers: every one of their answers is given, as precise, and equals theirs.

npm install @sourcegraph/scip-python @sourcegraph/scip-typescript
NODE_PATH=…/node_modules python -m pytest -m slow tests/serving/scip/test_producers.py
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.names.asking import asking
from tests.serving.scip.test_exporting import FILES
from tests.serving.scip.test_importing import imported
from tests.support.waiting import HANG_S

from diptych.schema.precise import DEFINITION
from diptych.schema.precise_symbols import is_local
from diptych.serving.answers import definition
from diptych.serving.scip.reading import Document, read_documents

_PACKAGES = os.path.join(os.environ.get("NODE_PATH", ""), "@sourcegraph")
_PRODUCERS = {
    "scip-python": ("scip-python/index.js", ["--project-name", "app", "--environment", "packages.json", "."]),
    "scip-typescript": ("scip-typescript/dist/src/main.js", ["--no-progress-bar"]),
}
_BESIDE = {"packages.json": "[]", "tsconfig.json": "{}"}


@pytest.mark.slow
@pytest.mark.parametrize("producer", _PRODUCERS)
def test_what_an_indexer_says_is_answered_as_precise(producer: str, tmp_path: Path) -> None:
    script, options = _PRODUCERS[producer]
    program, node = os.path.join(_PACKAGES, script), shutil.which("node")
    if node is None or not os.path.exists(program):
        pytest.skip(f"NODE_PATH names no folder with {producer}: `npm install @sourcegraph/{producer}`")
    with asking(tmp_path, {**FILES, **_BESIDE}) as asked:
        line = [node, program, "index", "--output", "index.scip", *options]
        subprocess.run(line, cwd=tmp_path, check=True, capture_output=True, timeout=HANG_S)
        data = (tmp_path / "index.scip").read_bytes()
        done = imported(tmp_path, data)
        assert (done.refused, done.dropped) == ((), 0)
        assert done.producer.startswith(producer)
        with (tmp_path / "index.scip").open("rb") as file:
            documents = [one for one in read_documents(file, "index.scip") if isinstance(one, Document)]
        defined: dict[tuple[str, str], set[tuple[str, int, int]]] = {}
        for document in documents:
            for one in document.occurrences:
                if one.roles & DEFINITION:
                    places = defined.setdefault(_scoped(document.path, one.symbol), set())
                    places.add((document.path, *one.range[:2]))
        compared = 0
        for document in documents:
            for one in document.occurrences:
                theirs = defined.get(_scoped(document.path, one.symbol))
                # In ASCII alone their columns are ours.
                text = (tmp_path / document.path).read_text().split("\n")[one.range[0]]
                if theirs is None or one.range[1] == one.range[3] or not text.isascii():
                    continue
                found = definition(asked.source, document.path, *one.range[:2]).definitions
                assert {one.evidence for one in found} == {"precise"}
                assert theirs <= {(one.path, one.row, one.column) for one in found}
                compared += 1
        assert compared > 3


def _scoped(path: str, symbol: str) -> tuple[str, str]:
    """A symbol, and the file that it is local to."""
    return path if is_local(symbol) else "", symbol
