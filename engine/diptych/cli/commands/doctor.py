"""`diptych doctor`."""

from __future__ import annotations

from diptych.cli.freshness import OutputRoot
from diptych.cli.options import Json, Repository, StorePath


def run(
    path: Repository = None,
    store: StorePath = None,
    output_root: OutputRoot = None,
    as_json: Json = False,
) -> int:
    """Say what is missing here, and what to do about it.

    The extras, git, the limits on watching, permissions, room on the disk, the index and its keeper. Changes
    nothing. Exit code 1 if something does not work.

    \b
    Examples:
      diptych doctor
      diptych doctor --json | jq '.[] | select(.result != "ok")'
    """
    import os

    from diptych.cli.exit_codes import ExitCode
    from diptych.cli.output import Styled, document, line
    from diptych.cli.place import find_root, output_root_for, store_of
    from diptych.errors import InvalidArgumentError
    from diptych.workspace.doctor import Result, examine

    root = find_root(path)
    if not os.path.isdir(root):
        raise InvalidArgumentError(f"{root} is not a folder", advice="give the folder of a repository")
    below = output_root_for(store, output_root)
    checks = examine(root, os.path.abspath(store if store and below is None else store_of(root, below)))
    if as_json:
        document([{**one._asdict(), "result": one.result.value} for one in checks])
    else:
        styles = {Result.OK: "blue", Result.NOTE: "yellow", Result.PROBLEM: "bold red"}
        for one in checks:
            line(Styled(f"{one.result.value:<8}", styles[one.result]), f" {one.name + ':':<17} {one.seen}")
            if one.advice:
                line(f"{'':<27} {one.advice}")
    return ExitCode.FINDINGS if any(one.result is Result.PROBLEM for one in checks) else ExitCode.DONE
