"""What find-references finds, held against the oracle's."""

from __future__ import annotations

from collections.abc import Sequence

from diptych.serving.answers import references
from diptych.serving.source import StoreSource
from tools.quality.names.oracle import Drawn, Oracle, Spot

_LISTED = 4


def print_references(
    source: StoreSource, corpus: str, oracle: Oracle, sites: Sequence[Drawn], *, listed: bool
) -> None:
    """Precision and recall over all places that either has, definitions and imports included."""
    known = common = found = 0
    asked = 0
    for site, truth in zip(sites, oracle.references(corpus, sites), strict=True):
        if not truth:
            continue
        ours = _ours(source, site)
        asked += 1
        known, found, common = known + len(truth), found + len(ours), common + len(ours & truth)
        if listed and ours != truth:
            _print_difference(site, ours, truth)
    precision = f"{100 * common / found:.1f} %" if found else "-"
    recall = f"{100 * common / known:.1f} %" if known else "-"
    print(f"references of {asked} names: precision {precision} of {found}, recall {recall} of {known}")


def _ours(source: StoreSource, site: Drawn) -> set[Spot]:
    found = references(source, site.path, site.row, site.column)
    return {(one.path, one.row, one.column) for one in found.references}


def _print_difference(site: Drawn, ours: set[Spot], truth: set[Spot]) -> None:
    print(f"\nreferences of {site.name}: {site.path}:{site.row + 1}:{site.column + 1} ({site.group})")
    for what, places in (("missed", truth - ours), ("more", ours - truth)):
        for path, row, column in sorted(places)[:_LISTED]:
            print(f"  {what} ({len(places)}): {path}:{row + 1}:{column + 1}")
