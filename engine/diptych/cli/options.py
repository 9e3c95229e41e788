"""The options that several commands share, and the checks on option values.

An invalid command line is a usage error, before any store is opened.
"""

from __future__ import annotations

from typing import Annotated

from diptych.cli.arguments import Argument, BadValueError, Option
from diptych.layout import DEFAULT_STORE

# Larger numbers are typing errors. Seconds: a year.
SECONDS_MAX = 366 * 86_400.0
PROCESSES_MAX = 4_096
HITS_MAX = 10_000_000
# tree-sitter counts bytes in 32 bits.
FILE_BYTES_MAX = 2**32 - 1
LSN_MAX = 2**64 - 1


def not_empty(text: str) -> str:
    """A path that is not "", which an unset shell variable leaves. Raises BadValueError."""
    if not text:
        raise BadValueError("the path is empty: give one, or omit the option")
    return text


def pattern(text: str) -> str:
    """A valid `.gitignore` pattern. Raises BadValueError."""
    from diptych.errors import InvalidArgumentError
    from diptych.indexer.settings import check_patterns

    try:
        check_patterns([text])
    except InvalidArgumentError as error:
        raise BadValueError(error.message) from None
    return text


StorePath = Annotated[
    str | None,
    Option(
        "--store",
        env="DIPTYCH_STORE",
        parse=not_empty,
        metavar="PATH",
        help=f"The store. Default: {DEFAULT_STORE} here or in the nearest folder above.",
    ),
]
Json = Annotated[bool, Option("--json", help="Print JSON, for programs.")]
Timeout = Annotated[
    float,
    Option(
        "--timeout",
        bounds=(0, SECONDS_MAX),
        metavar="S",
        help="Seconds to wait for another writer.",
    ),
]
Processes = Annotated[
    int | None,
    Option(
        "--processes",
        "-p",
        bounds=(0, PROCESSES_MAX),
        metavar="N",
        help="Number of parser processes. Default: cores.",
    ),
]
Repository = Annotated[
    str | None,
    Argument(
        "PATH",
        help="The repository. Default: the nearest folder with a store or a .git, here or above.",
        parse=not_empty,
    ),
]
