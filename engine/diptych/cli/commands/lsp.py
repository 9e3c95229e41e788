"""`diptych lsp`."""

from __future__ import annotations

from typing import Annotated

from diptych.cli.arguments import Option
from diptych.cli.freshness import OutputRoot

_PORT_MAX = 65_535


def run(
    tcp: Annotated[
        str | None,
        Option(
            "--tcp",
            metavar="127.0.0.1:PORT",
            help="Listen on a port of this machine, for several editors. 0 takes a free one.",
        ),
    ] = None,
    keeper: Annotated[
        bool,
        Option(
            "--keeper/--no-keeper",
            help="Start a keeper for a repository without one, to index it and keep the index up to date.",
        ),
    ] = True,
    output_root: OutputRoot = None,
) -> int:
    """Serve an editor through the Language Server Protocol.

    The editor starts it, and speaks with it on standard input and output. It answers from the index of the
    folders that the editor has open, and from its open documents. It indexes nothing itself: a keeper does,
    another process, which is started for a folder with a `.git` or a store. Needs the extra `lsp`.

    \b
    Examples:
      diptych lsp
      diptych lsp --tcp 127.0.0.1:4389
    """
    import os
    import sys

    from diptych.cli.output import note
    from diptych.cli.place import output_root_for

    below = output_root_for(None, output_root)
    from diptych.serving.lsp.run import serve, serve_tcp

    if tcp is None:
        # Another stream than standard input, and never closed: a thread waits for a message in it at the end.
        return serve(
            os.fdopen(os.dup(sys.stdin.fileno()), "rb"), sys.stdout.buffer, output_root=below, keep=keeper
        )
    port = _port(tcp)
    serve_tcp(
        port, said=lambda taken: note(f"listening on 127.0.0.1:{taken}"), output_root=below, keep=keeper
    )
    return 0


def _port(given: str) -> int:
    from diptych.errors import InvalidArgumentError

    host, _, port = given.rpartition(":")
    if host not in ("127.0.0.1", "localhost") or not port.isdecimal() or int(port) > _PORT_MAX:
        raise InvalidArgumentError(
            f"{given!r:.100} is no port of this machine", advice="give 127.0.0.1:PORT, as 127.0.0.1:4389"
        )
    return int(port)
