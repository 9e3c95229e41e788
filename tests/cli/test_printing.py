"""The pure parts: exit codes, sizes, the progress sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from diptych import errors
from diptych.cli.exit_codes import ExitCode, exit_code
from diptych.cli.output import plural, printable, size
from diptych.cli.progress import pace, sentence
from diptych.cli.shell import describe
from diptych.indexer import Progress

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/command-line.md"

def test_other_failures_have_one_too() -> None:
    assert exit_code(KeyboardInterrupt()) == 130
    assert exit_code(BrokenPipeError()) == 141
    assert exit_code(PermissionError()) == exit_code(ZeroDivisionError()) == 7
    in_doubt = errors.CommitInDoubtError("x")
    in_doubt.__cause__ = KeyboardInterrupt()
    assert exit_code(in_doubt) == 130


def test_the_document_names_every_exit_code() -> None:
    documented = [int(code) for code in re.findall(r"^\| (\d+) \|", DOCUMENT.read_text(), re.MULTILINE)]
    assert documented == sorted(ExitCode)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü", "plain ü"),
        ("a\nb\x1b[2J", "a\\x0ab\\x1b[2J"),
        ("\udcff", "\\xff"),
        ("\x9b\x7f", "\\x9b\\x7f"),
        ("a\u202eb\u2066c\u2028d", "a\\u202eb\\u2066c\\u2028d"),
        ("\U000e0041", "\\U000e0041"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_sizes_and_plurals() -> None:
    assert [size(n) for n in (0, 1023, 1024, 1536 * 1024, 5 << 30)] == [
        "0 B",
        "1023 B",
        "1.0 KiB",
        "1.5 MiB",
        "5.0 GiB",
    ]
    assert (plural(1, "file"), plural(0, "file"), plural(2000, "file")) == (
        "1 file",
        "0 files",
        "2,000 files",
    )


def test_the_time_left_is_reckoned_by_bytes() -> None:
    assert sentence(Progress(1000, 2000, 25, 100, 2.0)) == "1,000 of 2,000 files, 500 files/s, 6 s left"
    assert pace(Progress(0, 2000, 0, 100, 0.0)) == ""
    assert pace(Progress(5, 10, 0, 0, 1.0)) == "5 files/s, 0 s left"


def test_an_error_of_the_system_names_the_file() -> None:
    failure = describe(FileNotFoundError(2, "No such file or directory", "/x/y"))
    assert failure.message == "No such file or directory: /x/y"
    assert failure.advice
    failure = describe(ModuleNotFoundError("No module named 'watchfiles'", name="watchfiles"))
    assert "watchfiles" in failure.message
    assert "diptych[watch]" in failure.advice
