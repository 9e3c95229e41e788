"""The options that several commands share, and what every option is held to before anything is opened.

What a command line gets wrong is an error of usage: it never reaches the store.
"""

from __future__ import annotations

from typing import Annotated

import typer

from diptych.layout import DEFAULT_STORE

# Bounds beyond which a number is a slip of the hand. Seconds: a year.
SECONDS_MAX = 366 * 86_400.0
PROCESSES_MAX = 4_096
HITS_MAX = 10_000_000
# tree-sitter counts bytes in 32 bits.
FILE_BYTES_MAX = 2**32 - 1
LSN_MAX = 2**64 - 1


def not_empty(value: str | None) -> str | None:
    """A path that was given is not "", which an unset variable of the shell leaves. Raises BadParameter."""
    if value == "":
        raise typer.BadParameter("the path is empty: give one, or leave the option out")
    return value


def finite(value: float | None) -> float | None:
    """A number is one: a NaN passes the bounds that Click looks at. Raises BadParameter."""
    if value is not None and value != value:
        raise typer.BadParameter("nan is no number of seconds or days")
    return value


def patterns(values: list[str] | None) -> list[str] | None:
    """Each is a pattern of `.gitignore` that can be used and stored. Raises BadParameter."""
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
        help="Processes that parse. Default: cores.",
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
