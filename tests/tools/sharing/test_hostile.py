"""Remotes that lie: what comes of a pull is counted, and what must not be is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.sharing.hostile import Stranger, check

from diptych.artifact import install


def test_each_lie_is_refused_or_does_no_harm(tmp_path: Path) -> None:
    stranger = Stranger(str(tmp_path))
    outcomes = {check(stranger, str(tmp_path), seed) for seed in range(40)}
    assert {"damaged: CorruptArtifactError", "strange_manifest: HostileArtifactError"} <= outcomes


def test_a_file_of_another_generation_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one check less a store is installed that lives by its search index alone."""
    monkeypatch.setattr(install, "_refuse_unlike", lambda *_: None)
    stranger = Stranger(str(tmp_path))
    with pytest.raises(AssertionError, match="damaged"):
        for seed in range(400, 1000):
            check(stranger, str(tmp_path), seed)
