"""The transports: standard input and output, or streamable HTTP on this machine alone."""

from __future__ import annotations

import socket
from typing import Any

import anyio
from mcp.server.stdio import stdio_server

from diptych.errors import InvalidArgumentError
from diptych.fs import storage_error
from diptych.serving.mcp.server import AgentServer

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def serve_stdio(server: AgentServer) -> None:
    """Serve one agent until it closes standard input."""
    anyio.run(_stdio, server)


async def _stdio(made: AgentServer) -> None:
    async with stdio_server() as (incoming, outgoing), anyio.create_task_group() as group:
        group.start_soon(made.tell_status)
        await made.server.run(incoming, outgoing, made.server.create_initialization_options())
        group.cancel_scope.cancel()


def listen(host: str, port: int) -> socket.socket:
    """A socket for `serve_http`; port 0 is any that is free.

    Raises InvalidArgumentError for a host that is not this machine, StorageError where the port is taken.
    """
    if host not in LOOPBACK:
        raise InvalidArgumentError(
            f"{host} is not an address of this machine alone",
            advice="give 127.0.0.1:PORT: the index would be open to the network",
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
    except OSError as error:
        found.close()
        raise storage_error(error, "listen on", f"{host}:{port}") from error
    return found


def serve_http(server: AgentServer, bound: socket.socket, host: str) -> None:
    """Serve any number of agents on this machine, at `/mcp`, until a signal.

    Requests with another Host, or from a page of another origin, are refused.
    """
    anyio.run(_http, server, bound, host)


async def _http(made: AgentServer, bound: socket.socket, host: str) -> None:
    import uvicorn

    application: Any = made.server.streamable_http_app(host=host, json_response=False)
    config = uvicorn.Config(application, log_level="warning", lifespan="on", access_log=False)
    server = uvicorn.Server(config)
    async with anyio.create_task_group() as group:
        group.start_soon(made.tell_status)
        await server.serve(sockets=[bound])
        group.cancel_scope.cancel()
