"""A repair that loses records drops what vouches for them, and does so before it publishes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.damage import LAST, build, journal_file, overwrite

from diptych import fs, repair
from diptych.layout import FACTS, FRESHNESS, GENERATIONS
from diptych.store.checkpoint.unpublished import UnpublishedGeneration


def test_the_caches_are_gone_for_good_before_a_generation_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "store")
    build(path)
    for generation in (tmp_path / "store" / GENERATIONS).iterdir():
        for file in generation.rglob("*"):
            if file.is_file():
                file.write_bytes(b"")
    overwrite(journal_file(path, 11), 0, bytes(64))
    caches = [tmp_path / "store" / name for name in (FACTS, FRESHNESS)]
    for cache in caches:
        cache.write_bytes(b"a cache")
    steps: list[str] = []
    fsync_dir, publish = fs.fsync_dir, UnpublishedGeneration.publish

    def synced(directory: str) -> None:
        if directory == path and not any(cache.exists() for cache in caches):
            steps.append("dropped")
        fsync_dir(directory)

    def published(*arguments: object) -> str:
        steps.append("published")
        return publish(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(fs, "fsync_dir", synced)
    monkeypatch.setattr(UnpublishedGeneration, "publish", published)
    assert repair(path).lsn >= LAST - 1
    assert steps[:2] == ["dropped", "published"]
