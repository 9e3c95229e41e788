"""How often definitions and references are right, held against another reader of real code.

    python -m tools.quality names --language L --corpus DIR [--seed N] [--sites 300]
        [--style uniform|stratified] [--references N] [--list] [--scip FILE] [--group GROUP]

Sites are drawn by seed. A site counts if the oracle of the language knows a definition of it inside; for
Python, one that jedi and pyright have in common. `--references N` also asks for the references of N of their
definitions. The oracle's answers can be kept in a file (`--oracle FILE`), since they take most of the time.
With `--scip FILE`, the oracle is an index of the corpus in SCIP's format; with `--group GROUP`, only sites of
that group are drawn, `global` for an index.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from diptych.indexer.pipeline import index_repository
from diptych.serving.answers import Answer, definition
from diptych.serving.files import Files
from diptych.serving.source import StoreSource
from diptych.store.code import Store
from tools.quality.names.oracle import Drawn, Oracle, Spot
from tools.quality.names.references import print_references
from tools.quality.names.scip import ScipOracle

LANGUAGES = ("python", "typescript", "go", "java", "c", "cpp")


class Judged(NamedTuple):
    """A site, where the oracles agree that it leads, and the answer."""

    site: Drawn
    truth: set[Spot]
    answer: Answer
    cpu_ms: float

    @property
    def outcome(self) -> str:
        """ "first right", "in list", "wrong" or "none"."""
        places = [(one.path, one.row) for one in self.answer.definitions]
        if not places:
            return "none"
        rows = {spot[:2] for spot in self.truth}
        if places[0] in rows:
            return "first right"
        return "in list" if rows.intersection(places) else "wrong"

    @property
    def evidence(self) -> str:
        """The evidence of the first answer."""
        return self.answer.definitions[0].evidence if self.answer.definitions else "none"


def main(arguments: list[str]) -> int:
    """Draw, ask, judge and print."""
    options = _options(arguments)
    oracle = _oracle(options)
    groups = (options.group,) if options.group else oracle.groups
    sites = drawn(
        oracle, options.corpus, seed=options.seed, count=options.sites, style=options.style, groups=groups
    )
    truths = _truths(oracle, options.corpus, sites, options.oracle)
    with _asked(options.corpus, options.store) as source:
        judged = _judged(source, sites, truths)
        _print(judged, len(sites))
        if options.references:
            asked = _definitions(judged)[: options.references]
            print_references(source, options.corpus, oracle, asked, listed=options.list)
    if options.list:
        for one in judged:
            if one.outcome != "first right":
                _print_wrong(one)
    return 0


def _oracle(options: argparse.Namespace) -> Oracle:
    if options.scip is not None:
        return ScipOracle(options.scip)
    chosen: Oracle = import_module(f"tools.quality.names.{options.language}").ORACLE
    return chosen


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.quality names")
    parser.add_argument("--language", choices=LANGUAGES, default="python")
    parser.add_argument("--corpus", required=True, help="a folder of source code")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sites", type=int, default=300)
    parser.add_argument("--style", choices=("uniform", "stratified"), default="uniform")
    parser.add_argument("--references", type=int, default=0, help="of how many sites to find the references")
    parser.add_argument("--store", help="a store of the corpus that is up to date")
    parser.add_argument("--group", help="draw from this group of the oracle's alone")
    parser.add_argument("--scip", type=Path, help="hold the answers against this index")
    parser.add_argument("--oracle", help="where to keep what the oracle says")
    parser.add_argument("--list", action="store_true", help="list what is not right first")
    return parser.parse_args(arguments)


def drawn(
    oracle: Oracle, corpus: str, *, seed: int, count: int, style: str, groups: tuple[str, ...] = ()
) -> list[Drawn]:
    """`count` sites: uniform over all of them, or the same number of each of these groups of the oracle's."""
    chosen = random.Random(seed)
    by_group: dict[str, list[Drawn]] = {group: [] for group in oracle.groups}
    for site in oracle.sites(corpus):
        by_group.setdefault(site.group, []).append(site)
    if style == "uniform":
        every = [site for group, sites in by_group.items() for site in sites if group in (groups or by_group)]
        return chosen.sample(every, min(count, len(every)))
    groups = groups or oracle.groups
    each = count // len(groups)
    return [
        site
        for group in groups
        for site in chosen.sample(by_group[group], min(each, len(by_group[group])))
    ]


def _truths(oracle: Oracle, corpus: str, sites: list[Drawn], kept: str | None) -> dict[Drawn, set[Spot]]:
    if kept and os.path.exists(kept):
        with open(kept, encoding="utf-8") as file:
            return {
                Drawn(*site): {(*place[:2], *place[2:]) for place in places}
                for site, places in json.load(file)
            }
    ordered = sorted(sites)
    truths = dict(zip(ordered, oracle.definitions(corpus, ordered), strict=True))
    if kept:
        with open(kept, "w", encoding="utf-8") as file:
            json.dump([(site, sorted(places)) for site, places in truths.items()], file)
    return truths


@contextmanager
def _asked(corpus: str, store_path: str | None) -> Iterator[StoreSource]:
    """The corpus, indexed."""
    with tempfile.TemporaryDirectory() as folder:
        path = store_path or os.path.join(folder, "store")
        with Store.open(path, read_only=store_path is not None) as store:
            if store_path is None:
                index_repository(corpus, store)
            files = Files(corpus)
            try:
                with store.view() as view:
                    yield StoreSource(view, files)
            finally:
                files.close()


def _judged(source: StoreSource, sites: list[Drawn], truths: dict[Drawn, set[Spot]]) -> list[Judged]:
    judged = []
    for site in sites:
        if truths[site]:
            began_s = time.process_time()
            answer = definition(source, site.path, site.row, site.column)
            cpu_ms = (time.process_time() - began_s) * 1000
            judged.append(Judged(site, truths[site], answer, cpu_ms))
    return judged


def _definitions(judged: list[Judged]) -> list[Drawn]:
    """The definitions that the oracle knows for the sites, each once; not whole files, which have no name."""
    found: dict[Spot, Drawn] = {}
    for one in judged:
        spot = min(one.truth)
        if spot[1:] == (0, 0):
            continue
        found.setdefault(spot, Drawn(*spot, one.site.name, one.site.group))
    return list(found.values())


def _print(judged: list[Judged], drawn_sites: int) -> None:
    print(f"{len(judged)} of {drawn_sites} sites judged: the oracle knows a definition in the corpus")
    print(f"{'':<14}{'sites':>6}{'first right':>13}{'in list':>10}{'wrong':>9}{'none':>8}")
    groups = [("all", judged)]
    groups += [(group, [one for one in judged if one.site.group == group]) for group in _groups(judged)]
    groups += [(kind, [one for one in judged if one.evidence == kind]) for kind in _evidences(judged)]
    for name, some in groups:
        counts = Counter(one.outcome for one in some)
        first, wrong, none = counts["first right"], counts["wrong"], counts["none"]
        listed = first + counts["in list"]
        shares = (_share(first, some), _share(listed, some), _share(wrong, some), _share(none, some))
        print(f"{name:<14}{len(some):>6}{shares[0]:>13}{shares[1]:>10}{shares[2]:>9}{shares[3]:>8}")
    sure = [one for one in judged if one.evidence in ("exact", "inferred")]
    not_first = sum(one.outcome != "first right" for one in sure)
    print(f"first wrong among exact and inferred: {_share(not_first, sure)} of {len(sure)}")
    times = sorted(one.cpu_ms for one in judged) or [0.0]
    p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
    print(f"a definition: p50 {p50:.2f} ms, p99 {p99:.2f} ms, of CPU, in one process")


def _groups(judged: list[Judged]) -> list[str]:
    return sorted({one.site.group for one in judged})


def _evidences(judged: list[Judged]) -> list[str]:
    return [kind for kind in ("exact", "inferred", "named") if any(one.evidence == kind for one in judged)]


def _share(part: int, whole: list[Judged]) -> str:
    return f"{100 * part / len(whole):.1f} %" if whole else "-"


def _print_wrong(one: Judged) -> None:
    site = one.site
    print(f"\n{one.outcome}: {site.path}:{site.row + 1}:{site.column + 1} {site.name} ({site.group})")
    print("  oracles:", ", ".join(f"{path}:{row + 1}" for path, row, *_ in sorted(one.truth)))
    for found in one.answer.definitions[:3]:
        print(f"  answer:  {found.path}:{found.row + 1} {found.kind} {found.name} ({found.evidence})")
