"""An oracle for Java: javac, which says of each reference what it is declared as."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tools.quality.names.oracle import Drawn, Spot

_PROGRAM = Path(__file__).with_name("References.java")


class JavaOracle:
    """A site is a reference to what is declared in the corpus. Needs `java` from a JDK, 17 or later."""

    groups = ("member", "type", "name")

    def sites(self, corpus: str) -> list[Drawn]:
        """The references of a corpus."""
        return list(_resolved(corpus))

    def definitions(self, corpus: str, sites: Sequence[Drawn]) -> list[set[Spot]]:
        """What each site is declared as."""
        known = _resolved(corpus)
        return [known.get(site, set()) for site in sites]

    def references(self, corpus: str, sites: Sequence[Drawn]) -> list[set[Spot]]:
        """The references to what is declared at each site, and the declaration."""
        by_spot: dict[Spot, set[Spot]] = {}
        for site, spots in _resolved(corpus).items():
            for spot in spots:
                by_spot.setdefault(spot, {spot}).add((site.path, site.row, site.column))
        return [by_spot.get((site.path, site.row, site.column), set()) for site in sites]


@cache
def _resolved(corpus: str) -> dict[Drawn, set[Spot]]:
    done = subprocess.run(["java", str(_PROGRAM), corpus], stdout=subprocess.PIPE, check=True)
    found: dict[Drawn, set[Spot]] = {}
    for line in done.stdout.decode().splitlines():
        group, name, path, row, column, *declared = line.split("\t")
        site = Drawn(path, int(row), int(column), name, group)
        found.setdefault(site, set()).add((declared[0], int(declared[1]), int(declared[2])))
    return found


ORACLE = JavaOracle()
