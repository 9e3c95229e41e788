"""What a command line gets wrong is an error of usage, found before anything is opened or written."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import pytest
from tests.cli.command import diptych, document, error_output
from tests.cli.conftest import make_repository
from tests.support.files import tree

from diptych.cli.app import VERBS, loaded
from diptych.cli.arguments import Argument, BadValueError, Command, Option, parameters_of, parse
from diptych.indexer import facts
from diptych.store.code import Store

HUGE = str(10**30)
SECONDS = ["nan", "inf", "-1", "-inf", "1e300", HUGE, "x", ""]
COUNTS = ["-1", "nan", "1.5", HUGE, "x", ""]
PATTERNS = ["", "!", "#comment", " ", "\\", "/", "a\nb", b"\xff", b"!\xff"]

# (verb, option, values that are invalid); the verb has the arguments that it needs.
BAD: list[tuple[list[str], str, list[str | bytes]]] = [
    (["index"], "--exclude", [*PATTERNS]),
    (["watch"], "--exclude", [*PATTERNS]),
    (["index"], "--max-file-bytes", [*COUNTS, "0"]),
    (["index"], "--processes", [*COUNTS]),
    (["watch"], "--processes", [*COUNTS]),
    (["index"], "--timeout", [*SECONDS]),
    (["watch"], "--timeout", [*SECONDS]),
    (["checkpoint"], "--timeout", [*SECONDS]),
    (["repair"], "--timeout", [*SECONDS]),
    (["search", "x"], "--limit", [*COUNTS, "0"]),
    (["journal"], "--from", [*COUNTS]),
    (["versions", "prune"], "--keep", [*COUNTS, "0"]),
    (["versions", "prune"], "--older-than", [*SECONDS]),
    (["versions", "prune"], "--timeout", [*SECONDS]),
    (["versions", "stage", "v1", "--model", "m"], "--dimension", [*COUNTS]),
    (["versions", "list"], "--base", [""]),
    (["status"], "--root", [""]),
    *((verb, "--fresh", ["sometimes", ""]) for verb in (["search", "x"], ["files"])),
    *((verb, "--busy", ["wait", ""]) for verb in (["symbol", "x"], ["refs", "x"])),
    *((verb, "--wait", [*SECONDS]) for verb in (["search", "x"], ["symbol", "x"], ["refs", "x"], ["files"])),
    *(
        ([verb, *(["x"] if verb in ("search", "symbol", "refs") else [])], "--store", [""])
        for verb in VERBS
        if verb != "versions"
    ),
    *(([verb], "--output-root", [""]) for verb in ("index", "watch", "files", "status")),
]


@pytest.mark.parametrize(("verb", "option", "values"), BAD, ids=lambda value: str(value)[:30])
def test_a_value_that_is_none_is_an_error_of_usage_and_nothing_is_written(
    tmp_path: Path, verb: list[str], option: str, values: list[str | bytes]
) -> None:
    make_repository(tmp_path / "r")
    before = tree(tmp_path)
    for value in values:
        given = option.encode() + b"=" + os.fsencode(value)
        error_output(*verb, given, cwd=tmp_path / "r", code=2)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("verb", ["index", "watch"])
def test_an_empty_path_is_not_this_folder(tmp_path: Path, verb: str) -> None:
    error_output(verb, "", cwd=tmp_path, code=2)
    assert tree(tmp_path) == {}


def test_every_number_of_every_command_has_both_bounds() -> None:
    commands: dict[str, Command] = {}
    for verb in VERBS:
        found = loaded(verb)
        commands |= found if isinstance(found, Mapping) else {verb: found}
    numbers = [
        (name, parameter)
        for name, command in commands.items()
        for parameter in parameters_of(command)
        if parameter.kind in (int, float)
    ]
    assert len(numbers) > 15
    for name, parameter in numbers:
        assert parameter.declared.bounds is not None, (name, parameter.name)


def test_an_index_whose_recorded_patterns_cannot_be_used_is_stale_and_the_next_run_heals_it(
    repository: Path,
) -> None:
    """An earlier release stored them; every later command then failed."""
    with Store.open(repository / ".diptych") as store:
        known = facts.load(store.path, store_id=store.store_id, lsn=store.lsn)
        assert known is not None
        settings = {**known.settings, "exclude": ["!", "*.go"]}
        facts.save(store.path, replace(known, settings=settings))
    for verb in (["symbol", "parse"], ["search", "parse"], ["status"], ["status", "--check"], ["index"]):
        assert diptych(*verb, cwd=repository, code=None).returncode in (0, 6), verb
    assert document("status", "--check", cwd=repository)["freshness"]["verdict"] == "fresh"


def _lines(text: str) -> int:
    if not text.isdigit():
        raise BadValueError(f"{text!r} is no number of lines")
    return int(text) * 10


def _with_optional_arguments(
    lines: Annotated[int, Argument("LINES", parse=_lines)] = 3,
    number: Annotated[int | None, Argument("NUMBER")] = None,
    how: Annotated[Literal["up", "down"], Argument("HOW")] = "up",
    text: Annotated[str, Argument("TEXT", parse=str.upper)] = "",
    option: Annotated[str, Option("--option", parse=str.upper)] = "none",
) -> None:
    """Do nothing."""


def test_an_argument_that_is_left_out_has_its_default_whatever_parses_it() -> None:
    """argparse passes a marker of its own through what parses texts."""
    left_out = {"lines": 3, "number": None, "how": "up", "text": "", "option": "none"}
    assert parse(_with_optional_arguments, "diptych test", []) == left_out
    given = parse(
        _with_optional_arguments, "diptych test", ["7", "8", "down", "==suppress==", "--option", "a"]
    )
    assert given == {"lines": 7, "number": 8, "how": "down", "text": "==SUPPRESS==", "option": "A"}
