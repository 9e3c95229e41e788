"""Completion scripts for shells, made by shtab (extra `completion`)."""

from __future__ import annotations

import argparse
from typing import NoReturn, Protocol

from diptych.cli.output import raw


class _Refuses(Protocol):
    def error(self, message: str) -> NoReturn: ...


def print_completion(shell: str, whole: argparse.ArgumentParser, refuses: _Refuses) -> None:
    """Print the script for a shell that completes what `whole` parses."""
    import shtab

    if shell not in shtab.SUPPORTED_SHELLS:
        refuses.error(
            f"there is no completion for {shell!r}; there is for {', '.join(shtab.SUPPORTED_SHELLS)}"
        )
    raw(shtab.complete(whole, shell) + "\n")
