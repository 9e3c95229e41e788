"""Two copies of one store that went different ways, and a file of one put into the other.

Both have the same store id and the same LSNs, so that only the chain tells their journals apart.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator

from diptych import DiptychError, FileRecord, Store, content_hash
from tools.crashsim.recorder import scratch_directory
from tools.damage.samples import MANUAL


def mixtures() -> Iterator[str]:
    """For each journal file exchanged: what was wrong, "" where it was refused or answered well."""
    with tempfile.TemporaryDirectory(dir=scratch_directory()) as root:
        ours, theirs = os.path.join(root, "ours"), os.path.join(root, "theirs")
        _go_on(ours, "common", 1)
        shutil.copytree(ours, theirs)
        _go_on(ours, "ours", 3)
        _go_on(theirs, "theirs", 3)
        for name in sorted(os.listdir(os.path.join(ours, "journal"))):
            mixed = os.path.join(root, "mixed")
            shutil.copytree(ours, mixed)
            shutil.copyfile(os.path.join(theirs, "journal", name), os.path.join(mixed, "journal", name))
            yield _said(mixed, name)
            shutil.rmtree(mixed)


def _go_on(path: str, word: str, rounds: int) -> None:
    with Store.open(path, policy=MANUAL) as store:
        for number in range(rounds):
            with store.transaction() as transaction:
                transaction.index_file(FileRecord(f"{word}/{number}.py", content_hash(word.encode())))
            if number < rounds - 1 or rounds == 1:
                store.checkpoint()


def _said(path: str, name: str) -> str:
    try:
        with Store.open(path, read_only=True) as store:
            paths = {record.path for record in store.files()}
    except DiptychError:
        return ""
    words = {found.split("/")[0] for found in paths}
    return f"{name} of the other copy: {sorted(paths)}" if {"ours", "theirs"} <= words else ""
