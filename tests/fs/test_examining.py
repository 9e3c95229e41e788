"""Whether something is at a path: an error is not taken for nothing."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from diptych import StorageError, fs


def test_nothing_is_told_from_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    for name, exists in (("file", True), ("link", True), ("loop", True), ("none", False), ("file/x", False)):
        assert fs.exists(str(tmp_path / name)) is exists
        assert not fs.is_dir(str(tmp_path / name))
    assert fs.is_dir(str(tmp_path))

    def fail(_path: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "stat", fail)
    monkeypatch.setattr(os, "lstat", fail)
    # Making a directory went up for ever, in search of one that is there.
    for ask in (fs.exists, fs.is_dir, fs.make_dir):
        with pytest.raises(StorageError) as caught:
            ask(str(tmp_path / "new"))
        assert caught.value.errno == errno.EIO


def test_a_medium_error_that_goes_away_is_no_damage() -> None:
    answers = [OSError(errno.EIO, "once"), None]
    read: list[object] = []

    def attempt() -> str:
        read.append(1)
        error = answers.pop(0)
        if error is not None:
            fs.raise_transient(error)
        return "intact"

    assert fs.read_again_after_medium_errors(attempt) == ("intact", [])
    assert len(read) == 2


def test_a_medium_error_that_stays_is_reported() -> None:
    def attempt() -> str:
        fs.raise_transient(OSError(errno.EIO, "always"))
        return "damaged"

    assert fs.read_again_after_medium_errors(attempt) == ("damaged", ["[Errno 5] always"])


def test_medium_errors_that_keep_changing_raise() -> None:
    count: list[int] = []

    def attempt() -> None:
        count.append(1)
        fs.raise_transient(OSError(errno.EIO, f"at {len(count)}"))

    with pytest.raises(StorageError, match="differently"):
        fs.read_again_after_medium_errors(attempt)
    with fs.medium_errors_raised(), pytest.raises(OSError, match="at"):
        attempt()
