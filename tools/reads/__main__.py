"""`python -m tools.reads STORE`: what reads of a code index cost.

Searches for single words of all frequencies and for two or three words, beside Tantivy alone in an index of
the same symbols; keys, terms and records, beside SQLite. Processor time, the best of five rounds in turns.
"""

from __future__ import annotations

import argparse
import sys
import tempfile

from diptych import Store
from tools.reads import ranges, searches
from tools.reads.timing import Times


def main() -> int:
    """Measure and print; 0."""
    parser = argparse.ArgumentParser(prog="python -m tools.reads", description=__doc__)
    parser.add_argument("store", help="for instance DIR/complete of `python -m tools.ranking --store DIR`")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--single", type=int, default=500, help="searches for one word")
    parser.add_argument("--several", type=int, default=200, help="searches for two or three words")
    options = parser.parse_args()
    with Store.open(options.store, read_only=True) as store, tempfile.TemporaryDirectory() as folder:
        alone = searches.index_alone(store, f"{folder}/tantivy")
        for name, queries in (
            ("one word", searches.single_words(store, options.single, options.seed)),
            ("two or three words", searches.several_words(store, options.several, options.seed)),
        ):
            tantivy_times, times = searches.measure(store, alone, queries)
            _print(f"{len(queries)} searches for {name}", "Tantivy alone", tantivy_times, times)
        database = ranges.fill(store, f"{folder}/sqlite")
        for one in ranges.measure(store, database, options.seed):
            _print(one.name, "SQLite", one.sqlite, one.diptych)
        database.close()
    return 0


def _print(name: str, other: str, theirs: Times, ours: Times) -> None:
    print(name)
    for who, times in ((other, theirs), ("diptych", ours)):
        print(f"  {who:14} p50 {times.p50_us:9,.0f}  p99 {times.p99_us:9,.0f}  mean {times.mean_us:9,.0f} µs")
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    print("  {:14} p50 {:9.2f}  p99 {:9.2f}  mean {:9.2f}".format("ratio", *ratios))


if __name__ == "__main__":
    sys.exit(main())
