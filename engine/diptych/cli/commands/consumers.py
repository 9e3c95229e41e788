"""`diptych consumers`."""

from __future__ import annotations

import os
from typing import Annotated

from diptych.cli.arguments import Option
from diptych.cli.options import Json, StorePath, not_empty


def run(
    remove: Annotated[
        str | None,
        Option("--remove", parse=not_empty, metavar="NAME", help="Remove this consumer."),
    ] = None,
    store: StorePath = None,
    as_json: Json = False,
) -> int:
    """List the named consumers, or remove one.

    A consumer is a program that follows the store under a name. The writer keeps the journal after the LSN
    that the consumer has acknowledged, however long that takes. Remove one that does not come back: what was
    kept for it goes with the next checkpoint. Exit code 1 if there is no consumer, or none of that name.

    \b
    Examples:
      diptych consumers
      diptych consumers --remove mirror
    """
    from diptych.cli.exit_codes import ExitCode
    from diptych.cli.output import array, line
    from diptych.cli.place import find_store
    from diptych.store.feed.consumer import remove_consumer
    from diptych.store.opening import check_place
    from diptych.store.positions import consumers_of

    path = os.path.abspath(find_store(store))
    check_place(path, create=False)
    if remove is not None:
        if not remove_consumer(path, remove):
            line(f"there is no consumer {remove}")
            return ExitCode.FINDINGS
        line(f"removed the consumer {remove}")
        return ExitCode.DONE
    found = consumers_of(path)
    if as_json:
        array({"name": one.name, "lsn": one.lsn, "acknowledged_ms": one.acknowledged_ms} for one in found)
    else:
        for one in found:
            line(f"{one.name}: LSN {one.lsn:,}" if one.lsn >= 0 else f"{one.name}: its position is damaged")
    return ExitCode.DONE if found else ExitCode.FINDINGS
