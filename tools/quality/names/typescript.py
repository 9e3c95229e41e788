"""An oracle for TypeScript and JavaScript: TypeScript's language service, in Node."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.quality.names.oracle import Drawn, Spot

_PROGRAM = Path(__file__).with_name("typescript.js")


class TypeScriptOracle:
    """A site is one that the service knows a definition of in the corpus."""

    groups = ("member", "import", "type", "name")

    def sites(self, corpus: str) -> list[Drawn]:
        """The sites of a corpus."""
        return [Drawn(*site) for site in _asked("sites", corpus)]

    def definitions(self, corpus: str, sites: Sequence[Drawn]) -> list[set[Spot]]:
        """Where each site's definitions are; any declaration of what it refers to counts."""
        return [_spots(found) for found in _asked("definitions", corpus, sites)]

    def references(self, corpus: str, sites: Sequence[Drawn]) -> list[set[Spot]]:
        """Where the service finds the name used."""
        return [_spots(found) for found in _asked("references", corpus, sites)]


def _spots(found: list[list[Any]]) -> set[Spot]:
    return {(path, row, column) for path, row, column in found}


def _asked(what: str, corpus: str, sites: Sequence[Drawn] = ()) -> Any:
    places = json.dumps([site[:3] for site in sites]).encode()
    done = subprocess.run(["node", _PROGRAM, what, corpus], input=places, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


ORACLE = TypeScriptOracle()
