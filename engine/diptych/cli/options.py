"""The options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from diptych.layout import DEFAULT_STORE

StorePath = Annotated[
    str | None,
    typer.Option(
        "--store",
        envvar="DIPTYCH_STORE",
        metavar="PATH",
        help=f"The store. Default: {DEFAULT_STORE} here or in the nearest folder above.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Timeout = Annotated[
    float, typer.Option("--timeout", min=0, metavar="S", help="Seconds to wait for another writer.")
]
