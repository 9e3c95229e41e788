"""`diptych changes`: what was committed, then what is."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

from tests.cli.command import COMMAND, document, environment
from tests.support.records import record
from tests.support.waiting import HANG_S

from diptych import Store


def commit(path: Path, name: str) -> None:
    with Store.open(path) as store, store.transaction(metadata={"of": name}) as txn:
        txn.index_file(record(name))


def test_follow_prints_each_transaction_when_it_is_committed(tmp_path: Path) -> None:
    path = tmp_path / "store"
    commit(path, "a.py")
    follower = subprocess.Popen(
        [*COMMAND, "changes", "--follow", "--json", "--store", str(path)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert follower.stdout is not None
        first = json.loads(follower.stdout.readline())
        assert (first["lsn"], first["metadata"]) == (1, {"of": "a.py"})
        for lsn, name in enumerate(("b.py", "c.py"), 2):
            commit(path, name)
            following = json.loads(follower.stdout.readline())
            assert (following["lsn"], following["changes"][0]["path"]) == (lsn, name)
    finally:
        follower.send_signal(signal.SIGINT)
        _, said = follower.communicate(timeout=HANG_S)
    assert b"Traceback" not in said
    changes = document("changes", "--since", "1", "--store", path, cwd=tmp_path)
    assert [transaction["lsn"] for transaction in changes] == [2, 3]
