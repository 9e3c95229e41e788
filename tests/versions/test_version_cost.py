"""Publishing and going back copy nothing, whatever the size; the slow run prints what they cost."""

from __future__ import annotations

import os
import statistics
from pathlib import Path

import pytest

from diptych.versions import VersionManager

FILES = 16


def write_source(root: Path, size_bytes: int) -> Path:
    root.mkdir()
    for number in range(FILES):
        (root / f"{number}.bin").write_bytes(os.urandom(size_bytes // FILES))
    return root


def blocks(base: Path) -> dict[int, int]:
    """The bytes on disk below `base`, by inode: a hard link adds none."""
    found = {}
    for directory, _, names in os.walk(base):
        for name in names:
            status = os.lstat(os.path.join(directory, name))
            found[status.st_ino] = status.st_blocks * 512
    return found


def publish_and_roll_back(tmp_path: Path, size_bytes: int, rounds: int) -> dict[str, float]:
    """The median milliseconds of the verifications, and of all else in publish and rollback."""
    manager = VersionManager(tmp_path / "base")
    manager.stage("v0", {"tree": write_source(tmp_path / "source", size_bytes)})
    before = blocks(tmp_path / "base")
    manager.publish("v0")
    verify_ms, publish_ms, rollback_ms = [], [], []
    for number in range(1, rounds + 1):
        manager.stage(f"v{number}", base="v0", attrs={"n": number})
        published = manager.publish(f"v{number}")
        back = manager.rollback()
        verify_ms += [published.verify_ms, back.verify_ms]
        publish_ms.append(published.switch_ms)
        rollback_ms.append(back.switch_ms)
    after = blocks(tmp_path / "base")
    files = {inode for inode, held in before.items() if held >= size_bytes // FILES}
    assert len(files) == FILES
    assert {inode: after[inode] for inode in files} == {inode: before[inode] for inode in files}
    # A manifest for each version, and nothing else.
    assert sum(after.values()) - sum(before.values()) <= (rounds + 4) * 4096
    return {
        "verify": statistics.median(verify_ms),
        "publish": statistics.median(publish_ms),
        "rollback": statistics.median(rollback_ms),
    }


def test_publishing_and_going_back_copy_nothing(tmp_path: Path) -> None:
    publish_and_roll_back(tmp_path, size_bytes=8 << 20, rounds=2)


@pytest.mark.slow
def test_a_version_of_a_gigabyte(tmp_path: Path) -> None:
    costs = publish_and_roll_back(tmp_path, size_bytes=1 << 30, rounds=15)
    print(" ".join(f"{what} {cost_ms:.1f} ms" for what, cost_ms in costs.items()))
    assert all(cost_ms > 0 for cost_ms in costs.values())
