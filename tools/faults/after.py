"""After the fault: the store opened without any, read, judged, written to, and opened again."""

from __future__ import annotations

from diptych import DiptychError, Store, verify
from tools.damage.model import expected, read_all, refusals, wrong_answers

from .ledger import Event, changes, judge
from .workload import MANUAL


def check(path: str, events: list[Event]) -> list[str]:
    """A sentence for each promise broken."""
    try:
        with Store.open(path, policy=MANUAL) as store:
            files = {file.path: file for file in store.files()}
            broken = judge(events, files, store.lsn)
            answers = read_all(store, sorted(files))
            broken += [f"{surface}: {error!r}" for surface, error in refusals(answers).items()]
            broken += wrong_answers(answers, expected(files, store.lsn))
            k = 1 + max((event.k for event in events), default=0)
            with store.transaction() as txn:
                for record in changes(k, "").values():
                    assert record is not None
                    txn.index_file(record)
                    files[record.path] = record
            lsn = store.checkpoint()
        with Store.open(path, read_only=True) as again:
            broken += wrong_answers(read_all(again, sorted(files)), expected(files, lsn))
        if not verify(path).ok:
            broken.append(f"verify: {verify(path).findings}")
    except DiptychError as error:
        return [f"the next open, commit or read fails: {error!r} {error.advice}"]
    return broken
