"""`python -m tools.ranking`: index Python's standard library, and measure how good the first hits are.

The share of everyday searches whose wanted definition comes first; and the mean reciprocal rank of 600 public
definitions that are searched for by the first sentence of their documentation: in that index, and in one that
has no documentation, where only names, signatures and paths can find them.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import sysconfig
import tempfile

from diptych import Store
from diptych.indexer import Settings, index_repository
from tools.ranking.measure import ask, described, everyday, first_share, reciprocal_rank

_SHARE_LEAST = 0.85
_RANK_LEAST = 0.27


def main() -> int:
    """Measure; 1 where a measure is below what it should be."""
    parser = argparse.ArgumentParser(prog="python -m tools.ranking", description=__doc__)
    parser.add_argument(
        "--source", default=sysconfig.get_path("stdlib"), help="default: the standard library"
    )
    parser.add_argument("--store", default="", help="keep the store here, and use it again")
    parser.add_argument("--questions", default="", help="another file of everyday searches")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--misses", action="store_true", help="print what did not come first")
    options = parser.parse_args()
    folder = options.store or tempfile.mkdtemp(prefix="diptych-ranking-")
    try:
        with Store.open(f"{folder}/complete") as store:
            if not len(store):
                _index(options.source, store)
            questions = everyday(options.questions) if options.questions else everyday()
            answers = list(ask(store, questions))
            share = first_share(answers)
            descriptions = described(store.files(), options.seed)
            rank = reciprocal_rank(list(ask(store, descriptions, plain=True)))
            with Store.open(f"{folder}/undocumented") as bare:
                if not len(bare):
                    _copy_undocumented(store, bare)
                bare_rank = reciprocal_rank(list(ask(bare, descriptions, plain=True)))
    finally:
        if not options.store:
            shutil.rmtree(folder)
    if options.misses:
        for question, place, first in answers:
            if place != 1:
                wanted = " or ".join(question.wanted)
                print(f"{question.query}: {first}; wanted at {place or 'no'} place: {wanted}")
    print(f"wanted definition first: {share:.1%} of {len(answers)} everyday searches")
    print(f"mean reciprocal rank of described definitions: {rank:.3f}; {bare_rank:.3f} without documentation")
    return 0 if share >= _SHARE_LEAST and rank >= _RANK_LEAST else 1


def _index(source: str, store: Store) -> None:
    with tempfile.TemporaryDirectory() as folder:
        # What is installed beside it is not the standard library.
        beside = shutil.ignore_patterns("site-packages", "dist-packages", "__pycache__", "*.so")
        shutil.copytree(source, f"{folder}/lib", ignore=beside, symlinks=True)
        index_repository(f"{folder}/lib", store, settings=Settings())
    store.checkpoint()


def _copy_undocumented(store: Store, target: Store) -> None:
    with target.transaction() as txn:
        for record in store.files():
            symbols = [symbol._replace(documentation="") for symbol in record.symbols]
            txn.index_file(record._replace(symbols=tuple(symbols)))
    target.checkpoint()


if __name__ == "__main__":
    sys.exit(main())
