"""Fixtures of the engine's tests."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "diptych", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("diptych")

# A run started in the background ignores Ctrl-C, and so would all that the tests start and send it to.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_MEMORY = Path("/dev/shm")


@pytest.fixture
def memory_path(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory in memory where there is such a thing: for tests that fsync a great deal, and test none."""
    # Made on first use, which must not be in the directory that goes after this test.
    tmp_path_factory.getbasetemp()
    parent = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    path = Path(tempfile.mkdtemp(prefix="diptych-test-", dir=parent))
    # The private directories that the search leaf is opened through, too.
    (path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(path / "tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def store_path(memory_path: Path) -> str:
    """Where a store may be made."""
    return str(memory_path / "store")
