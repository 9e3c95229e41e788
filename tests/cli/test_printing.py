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

EXPECTED = {
    "CallerError": 2,
    "InvalidRecordError": 2,
    "InvalidPathError": 2,
    "RecordTooLargeError": 2,
    "UnknownFileError": 3,
    "QueryError": 2,
    "TransactionError": 2,
    "StateTransitionError": 2,
    "StoreClosedError": 2,
    "ForkedProcessError": 2,
    "ReadOnlyError": 2,
    "OpenError": 7,
    "StoreNotFoundError": 3,
    "NotAStoreError": 6,
    "TrackedStoreError": 6,
    "StoreLockedError": 4,
    "IncompatibleStoreError": 6,
    "CorruptionError": 5,
    "CorruptJournalError": 5,
    "CorruptSnapshotError": 5,
    "CorruptSearchError": 5,
    "CorruptStoreError": 5,
    "StorageError": 7,
    "StorageFullError": 7,
    "PoisonedError": 7,
    "CommitInDoubtError": 7,
    "DiptychError": 7,
}


def test_every_error_has_its_exit_code() -> None:
    classes = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)}
    assert {name: int(exit_code(kind("x"))) for name, kind in classes.items()} == EXPECTED


def test_other_failures_have_one_too() -> None:
    assert exit_code(KeyboardInterrupt()) == 130
    assert exit_code(BrokenPipeError()) == 141
    assert exit_code(PermissionError()) == exit_code(ZeroDivisionError()) == 7
    in_doubt = errors.CommitInDoubtError("x")
    in_doubt.__cause__ = KeyboardInterrupt()
    assert exit_code(in_doubt) == 130


def test_errors_of_versions_have_the_codes_that_their_command_says() -> None:
    from diptych.cli.versions import EXIT_CODES

    for kind, code in EXIT_CODES.items():
        assert exit_code(kind("x")) == code


def test_the_document_names_every_exit_code() -> None:
    documented = [int(code) for code in re.findall(r"^\| (\d+) \|", DOCUMENT.read_text(), re.MULTILINE)]
    assert documented == sorted(ExitCode)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain ü", "plain ü"), ("a\nb\x1b[2J", "a\\x0ab\\x1b[2J"), ("\udcff", "\\xff"), ("\x9b", "\\x9b")],
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
    message, advice = describe(FileNotFoundError(2, "No such file or directory", "/x/y"))
    assert message == "No such file or directory: /x/y"
    assert advice
    message, advice = describe(ModuleNotFoundError("No module named 'watchfiles'", name="watchfiles"))
    assert "watchfiles" in message
    assert "diptych[watch]" in advice
