"""What workloads leave beside a store, copies and a consumer, and what must hold of them after a crash."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import ClassVar

from diptych import Store, StoreNotFoundError, verify
from diptych.schema.code import CODE, CodeSchema

from ..oracle import CheckError, shorten
from .diptych_plan import COMMITS, Files, Transaction, word_of

CONSUMER = "mirror"


class ChangedCode(CodeSchema):
    """The code schema, changed so that both halves of each segment have to be built again."""

    projection_version: ClassVar[int] = CODE.projection_version + 1


def copy_path(directory: str, place: int) -> str:
    """Where the copy goes that the letter at this place of a word makes."""
    return f"{directory}/copy-{place}"


def consume(store: Store, transactions: list[Transaction]) -> None:
    """Acknowledge all that a named consumer has not read; a new one begins here. Raises CheckError."""
    with store.consumer(CONSUMER) as consumer:
        for transaction in consumer:
            wanted = transactions[transaction.lsn - 1]
            keys = {record.path for record in wanted.stored} | set(wanted.removed)
            found = {change.key.decode() for change in transaction.changes}
            if found != keys:
                raise CheckError(
                    "wrong-changes", f"LSN {transaction.lsn} changed {shorten(found)}, not {keys}"
                )
            consumer.acknowledge(transaction.lsn)


def check_copies(workload: str, directory: str, states: list[Files], issued: int) -> None:
    """Hold each copy against the state that it is of: it is complete, or not there. Raises CheckError."""
    for place, letter, number in _letters(workload):
        if letter not in "uo":
            continue
        path = copy_path(directory, place)
        try:
            with Store.open(path, read_only=True) as store:
                lsn, found = store.lsn, {record.path: record for record in store.files()}
        except StoreNotFoundError:
            if issued > number:
                raise CheckError("lost-copy", f"{path} was made at LSN {number}, and is not there") from None
            continue
        # A fork is of the newest generation, a backup of the newest transaction.
        if (lsn != number if letter == "u" else lsn > number) or found != states[lsn]:
            raise CheckError("wrong-copy", f"{path}, made at LSN {number}, has LSN {lsn}: {shorten(found)}")
        report = verify(path, deep=True)
        if not report.ok:
            raise CheckError("damaged-copy", f"{path}: {shorten(report.findings)}")


def check_consumer(
    workload: str, store: Store, transactions: list[Transaction], issued: int, recovered: int
) -> None:
    """What was acknowledged is not given again, and what follows is given in order. Raises CheckError."""
    acknowledged = [number for _, letter, number in _letters(workload) if letter == "a"]
    if not acknowledged or not os.path.exists(f"{store.path}/consumers/{CONSUMER}/POSITION"):
        if any(number < issued for number in acknowledged):
            raise CheckError("lost-consumer", "The consumer's position was durable, and is not there.")
        return
    least = max((number for number in acknowledged if number < issued), default=0)
    with store.consumer(CONSUMER) as consumer:
        if not least <= consumer.lsn <= recovered:
            raise CheckError(
                "wrong-position",
                f"The consumer is at LSN {consumer.lsn}, and not from {least} to {recovered}.",
            )
        wanted = list(range(consumer.lsn + 1, recovered + 1))
        given = [transaction.lsn for transaction in consumer]
        if given != wanted:
            raise CheckError("wrong-feed", f"The consumer is given {given}, and not {wanted}.")
    consume(store, transactions)


def _letters(workload: str) -> Iterator[tuple[int, str, int]]:
    """Place and letter of each operation, with the number of transactions before it."""
    number = 0
    for place, letter in enumerate(word_of(workload)[1]):
        yield place, letter, number
        number += letter in COMMITS
