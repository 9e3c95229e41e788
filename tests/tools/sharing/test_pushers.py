"""The count of lost pushes counts: none on a remote that swaps, some on one that lies about it."""

from __future__ import annotations

from pathlib import Path

from tools.sharing.interleavings import contents_in
from tools.sharing.pushers import count

from diptych.artifact.remotes.memory import MemoryRemote, MemoryStore


class Lying(MemoryRemote):
    """Takes the condition, and ignores it, as some stores do."""

    def _refuse_moved(self, name: str, expected: str | None) -> None:
        pass


def test_acknowledged_pushes_are_counted_and_so_are_lost_ones(tmp_path: Path) -> None:
    contents = contents_in(str(tmp_path), 2)
    shared = MemoryStore()
    done = count(lambda: MemoryRemote(shared), contents, pushers=4, pushes=5)
    assert (len(done.acknowledged), done.lost, done.extra, done.missing_blobs) == (20, 0, 0, 0)
    lying = MemoryStore()
    assert count(lambda: Lying(lying), contents, pushers=4, pushes=5).lost > 0
    del shared.blobs[next(iter(shared.blobs))]
    assert count(lambda: MemoryRemote(shared), contents, pushers=1, pushes=1).missing_blobs == 1
