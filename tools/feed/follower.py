"""The process that follows: it appends a line for each transaction to a log, and may be killed at any time.

The log is what it makes of the transactions, and has their LSNs, so that it knows which it has: what it is
given again after a kill, it passes over.
"""

from __future__ import annotations

import os
import sys

from diptych import Store

_ACKNOWLEDGE_EVERY = 50
_WAIT_S = 5.0


def follow(store_path: str, name: str, log_path: str, commits: int) -> None:
    """Follow the store under a name until the log has that many transactions."""
    with open(log_path, "a+b") as log:
        last = _last_in(log_path)
        with (
            Store.open(store_path, read_only=True) as store,
            store.consumer(name, before=True, timeout_s=60.0) as consumer,
        ):
            while last < commits:
                for transaction in consumer:
                    if transaction.lsn > last:
                        (change,) = transaction.changes
                        log.write(
                            b"%d %s %s %s %d\n"
                            % (
                                transaction.lsn,
                                change.key,
                                change.before.content_hash.encode() if change.before else b"-",
                                change.after.content_hash.encode() if change.after else b"-",
                                transaction.metadata.get("number", 0),
                            )
                        )
                        last = transaction.lsn
                    if transaction.lsn % _ACKNOWLEDGE_EVERY == 0:
                        log.flush()
                        os.fdatasync(log.fileno())
                        consumer.acknowledge(transaction.lsn)
                log.flush()
                store.wait(last + 1, _WAIT_S)


def _last_in(log_path: str) -> int:
    """The LSN of the log's last line; one that a kill cut short is cut off."""
    with open(log_path, "r+b") as log:
        data = log.read()
        complete = data.rfind(b"\n") + 1
        log.truncate(complete)
    lines = data[:complete].split(b"\n")
    return int(lines[-2].split()[0]) if len(lines) > 1 else 0


if __name__ == "__main__":
    follow(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
