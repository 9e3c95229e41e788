"""`diptych mcp`."""

from __future__ import annotations

from typing import Annotated

from diptych.cli.arguments import BadValueError, Option
from diptych.cli.freshness import OutputRoot
from diptych.cli.options import Repository, StorePath


def address(text: str) -> str:
    """`HOST:PORT`, or a port. Raises BadValueError."""
    host, colon, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit() or int(port) > 65_535 or (colon and not host):
        raise BadValueError(f"{text!r} is not HOST:PORT, for example 127.0.0.1:8765")
    return text


def run(
    path: Repository = None,
    store: StorePath = None,
    output_root: OutputRoot = None,
    http: Annotated[
        str | None,
        Option(
            "--http",
            metavar="HOST:PORT",
            parse=address,
            help="Serve any number of agents over HTTP on this machine, at /mcp, instead of one over stdin.",
        ),
    ] = None,
    keeper: Annotated[
        bool,
        Option("--keeper/--no-keeper", help="Start a process that keeps the index up to date, if none runs."),
    ] = True,
) -> None:
    """Serve agents over the Model Context Protocol.

    Nine read-only tools: search, symbol, outline, definition, references, calls, impact, changed, status. An
    agent starts this itself, and ends it by closing standard input. Any number may run at once: one keeper
    indexes for all of them. Needs the extra mcp.

    \b
    Examples:
      diptych mcp
      diptych mcp ~/src/django
      diptych mcp --http 127.0.0.1:8765
    """
    import os
    from contextlib import nullcontext

    from diptych.cli.output import note
    from diptych.cli.place import find_root, output_root_for, store_of
    from diptych.errors import InvalidArgumentError
    from diptych.workspace.keeper import Place, ensure_keeper

    root = find_root(path)
    if not os.path.isdir(root):
        raise InvalidArgumentError(f"{root} is not a folder", advice="give the folder of a repository")
    below = output_root_for(store, output_root)
    where = os.path.abspath(store if store and below is None else store_of(root, below))
    # Nothing is written into a folder that nobody has asked to index.
    wanted = keeper and (os.path.lexists(where) or os.path.lexists(os.path.join(root, ".git")))
    # Imported before anything is started: without the package, that is all there is to say.
    from diptych.serving.mcp.lean import lean_imports  # isort: skip

    with lean_imports() if http is None else nullcontext():
        from diptych.serving.mcp.run import listen, serve_http, serve_stdio
        from diptych.serving.mcp.server import AgentServer

    place = Place(os.path.realpath(root), where)
    server = AgentServer(place, ensure_keeper(place, start=wanted))
    try:
        if http is None:
            serve_stdio(server)
        else:
            host, _, port = http.rpartition(":")
            host = host.strip("[]") or "127.0.0.1"
            bound = listen(host, int(port))
            shown = f"[{host}]" if ":" in host else host
            note(f"diptych: serving at http://{shown}:{bound.getsockname()[1]}/mcp")
            serve_http(server, bound, host)
    finally:
        server.close()
