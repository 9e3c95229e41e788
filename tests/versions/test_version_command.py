"""`diptych versions` on the command line: what it prints, its JSON, and how it ends."""

from __future__ import annotations

import inspect
import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from diptych.cli.app import run
from diptych.cli.arguments import UsageError
from diptych.cli.versions import VERBS
from diptych.errors import DiptychError
from diptych.versions import VersionManager, errors
from diptych.versions.errors import (
    CorruptVersionError,
    InvalidAssetError,
    UnknownVersionError,
    VersionExistsError,
    VersionInUseError,
)

from .support import typed_assets


class Outcome(NamedTuple):
    """How a command ended: its exit code, or the error, and what it printed."""

    code: int | None
    output: str
    error: Exception | None = None


def outcome_of(*arguments: str) -> Outcome:
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with redirect_stdout(printed):
        try:
            code: int | None = run(["versions", *arguments])
            error = None
        except SystemExit as ended:
            code, error = 0 if ended.code is None else int(ended.code), None
        except (DiptychError, UsageError) as raised:
            code, error = None, raised
    printed.flush()
    return Outcome(code, printed.buffer.getvalue().decode(), error)  # type: ignore[attr-defined]


class Command:
    """Runs the command against one base."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.base = root / "base"

    def __call__(self, *arguments: str) -> Outcome:
        return outcome_of(*arguments, "--base", str(self.base))

    def well(self, *arguments: str, code: int = 0) -> str:
        outcome = self(*arguments)
        assert outcome.code == code, outcome
        return outcome.output

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.well(*arguments, "--json", code=code))

    def fails(self, error: type[DiptychError], *arguments: str) -> None:
        assert type(self(*arguments).error) is error


@pytest.fixture
def command(tmp_path: Path) -> Command:
    typed_assets(tmp_path / "src", "one")
    command = Command(tmp_path)
    src = tmp_path / "src"
    command.well(
        "stage", "v1",
        "--file", f"notes={src / 'notes'}",
        "--duckdb", f"cat.duckdb={src / 'cat.duckdb'}",
        "--scip", f"index.scip={src / 'index.scip'}",
        "--faiss", f"vectors={src / 'index.faiss'},{src / 'ids.bin'}",
        "--lucene", f"lucene={src / 'bm25'},{src / 'splade'}",
        "--attr", "commit=abc", "--model", "small", "--dimension", "384",
    )  # fmt: skip
    return command


def test_a_life_from_the_command_line(command: Command, tmp_path: Path) -> None:
    assert command.well("current", code=1) == ""
    assert "v1 is current" in command.well("publish", "v1")
    assert command.well("current") == "v1\n"
    (tmp_path / "src" / "notes" / "top.bin").write_text("new")
    command.well("stage", "v2", "--from", "v1", "--file", f"notes={tmp_path / 'src' / 'notes'}")
    assert "~ notes/top.bin" in command.well("diff", "v1", "v2", code=1)
    assert "are the same" in command.well("diff", "v1", "v1")
    assert command.json("publish", "v2")["previous"] == "v1"
    assert [line.split()[:3] for line in command.well("list").splitlines()] == [
        ["*", "v2", "current"],
        ["v1", "earlier", command.well("list").splitlines()[1].split()[2]],
    ]
    assert "v1 is current (before: v2)" in command.well("rollback")
    assert "v2 is current" in command.well("publish", "v2")
    assert "would remove v1" in command.well("prune", "--keep", "1", "--dry-run")
    assert command.json("prune", "--keep", "1")["removed"] == ["v1"]
    assert "nothing to remove" in command.well("prune")
    command.well("stage", "v3", "--from", "v2")
    assert "v3 is removed" in command.well("discard", "v3")
    assert "intact" in command.well("verify")


def test_json_tells_all(command: Command) -> None:
    command.well("publish", "v1")
    (info,) = command.json("list")
    assert info["version"] == "v1" and info["state"] == "current"
    assert info["attrs"] == {"commit": "abc"}
    assert info["embedding"] == {"model": "small", "dimension": 384, "metric": "cosine"}
    assert command.json("current") == {"current": "v1"}
    report = command.json("verify", "v1")
    assert report["ok"] is True and report["findings"] == [] and report["files"] == info["files"]
    assert command.json("diff", "v1", "v1")["same"] is True


def test_damage_is_a_finding_of_verify_and_a_refusal_of_publish(command: Command) -> None:
    path = command.base / "versions" / "v1.staging" / "index.scip"
    path.chmod(0o644)
    path.write_bytes(b"\x0a\x04ond")
    assert "content: index.scip" in command.well("verify", "v1", code=1)
    assert command.json("verify", "v1", code=1)["findings"][0]["kind"] == "content"
    command.fails(CorruptVersionError, "publish", "v1")


def test_what_is_refused(command: Command, tmp_path: Path) -> None:
    command.well("publish", "v1")
    command.fails(UnknownVersionError, "publish", "v9")
    command.fails(VersionExistsError, "stage", "v1")
    command.fails(InvalidAssetError, "stage", "v2", "--faiss", "vectors=only-one")
    command.fails(InvalidAssetError, "stage", "v2", "--file", f"a={tmp_path / 'none'}")
    assert isinstance(command("stage", "v2", "--attr", "novalue").error, UsageError)
    assert isinstance(command("prune", "--keep", "0").error, UsageError)
    command.well("stage", "v2", "--from", "v1")
    command.well("publish", "v2")
    with VersionManager(command.base).open("v1"):
        command.fails(VersionInUseError, "discard", "v1")
        assert "a reader holds it" in command.well("prune", "--keep", "1")


def test_an_empty_base(tmp_path: Path) -> None:
    command = Command(tmp_path)
    assert command.well("list", code=1) == ""
    assert command.json("list", code=1) == []
    command.fails(UnknownVersionError, "verify")
    command.fails(UnknownVersionError, "prune")
    assert not command.base.exists()


def test_the_tree_in_the_docstring_names_every_error() -> None:
    classes = [
        value
        for _, value in inspect.getmembers(errors, inspect.isclass)
        if issubclass(value, errors.VersionError)
    ]
    assert len(classes) > 10
    for kind in classes:
        assert kind.__name__ in (errors.__doc__ or "")


def test_help_names_every_verb() -> None:
    output = outcome_of("--help").output
    assert len(VERBS) == 9
    for verb in VERBS:
        assert verb in output
