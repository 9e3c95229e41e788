"""The options that several commands share, and the checks on option values.

An invalid command line is a usage error, before any store is opened.
"""

from __future__ import annotations

from typing import Annotated

import typer

from diptych.layout import DEFAULT_STORE

# Larger numbers are typing errors. Seconds: a year.
SECONDS_MAX = 366 * 86_400.0
PROCESSES_MAX = 4_096
HITS_MAX = 10_000_000
# tree-sitter counts bytes in 32 bits.
FILE_BYTES_MAX = 2**32 - 1
LSN_MAX = 2**64 - 1


def not_empty(value: str | None) -> str | None:
    """Reject "", which an unset shell variable leaves. Raises BadParameter."""
    if value == "":
        raise typer.BadParameter("the path is empty: give one, or omit the option")
    return value


def finite(value: float | None) -> float | None:
    """Reject NaN, which passes the bounds of Click. Raises BadParameter."""
    if value is not None and value != value:
        raise typer.BadParameter("nan is not a number of seconds or days")
    return value


def patterns(values: list[str] | None) -> list[str] | None:
    """Require valid `.gitignore` patterns. Raises BadParameter."""
    from diptych.errors import InvalidArgumentError
    from diptych.indexer.settings import Settings

    try:
        Settings(exclude=tuple(values or ()))
    except InvalidArgumentError as error:
        raise typer.BadParameter(error.message) from None
    return values


StorePath = Annotated[
    str | None,
    typer.Option(
        "--store",
        envvar="DIPTYCH_STORE",
        callback=not_empty,
        metavar="PATH",
        help=f"The store. Default: {DEFAULT_STORE} here or in the nearest folder above.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Timeout = Annotated[
    float,
    typer.Option(
        "--timeout",
        min=0,
        max=SECONDS_MAX,
        callback=finite,
        metavar="S",
        help="Seconds to wait for another writer.",
    ),
]
Processes = Annotated[
    int | None,
    typer.Option(
        "--processes",
        "-p",
        min=0,
        max=PROCESSES_MAX,
        metavar="N",
        help="Number of parser processes. Default: cores.",
    ),
]
Repository = Annotated[
    str | None,
    typer.Argument(
        metavar="PATH",
        help="The repository. Default: the nearest folder with a store or a .git, here or above.",
        callback=not_empty,
        show_default=False,
    ),
]
