"""Streams and sockets: a server for each connection."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO

from pygls.io_ import StdoutWriter

from diptych.serving.lsp.features import FEATURES
from diptych.serving.lsp.server import Server
from diptych.serving.lsp.wire import messages

_MAX_WAITING = 1_000
"""So many messages are read ahead of the one that is being handled."""


# The first converter of lsprotocol completes its types, and no other thread must use them before.
_making = threading.Lock()


def serve(reader: BinaryIO, writer: BinaryIO, *, output_root: str | None = None, keep: bool = False) -> int:
    """Serve one editor until it says `exit`, is gone, or the stream ends. The exit code.

    With `keep`, a keeper is started for each repository that has none.
    """
    _quieten()
    return asyncio.run(_serve(reader, writer, made(output_root=output_root, keep=keep)))


async def _serve(reader: BinaryIO, writer: BinaryIO, server: Server) -> int:
    loop = asyncio.get_running_loop()
    server.ended = loop.create_future()
    server.protocol.set_writer(StdoutWriter(writer))
    # What is there now stays: to look for garbage in it would hold up an answer now and then.
    gc.freeze()
    waiting = threading.BoundedSemaphore(_MAX_WAITING)

    def handle(message: object) -> None:
        waiting.release()
        server.protocol.receive(message)  # type: ignore[arg-type]

    def read() -> None:
        try:
            for message in messages(reader):
                waiting.acquire()
                loop.call_soon_threadsafe(handle, message)
            loop.call_soon_threadsafe(server.end, 1)
        except (OSError, ValueError, RuntimeError):
            # The stream broke, or the loop has ended meanwhile.
            _say_end(loop, lambda: server.end(1))

    threading.Thread(target=read, name="messages", daemon=True).start()
    try:
        return await server.ended
    finally:
        await server.close()


def _say_end(loop: asyncio.AbstractEventLoop, end: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(end)


def made(*, output_root: str | None = None, keep: bool = False) -> Server:
    """A server with all its features."""
    with _making:
        server = Server(output_root=output_root, keep=keep)
    for register in FEATURES:
        register(server)
    return server


def serve_tcp(
    port: int, *, said: Callable[[int], None], output_root: str | None = None, keep: bool = False
) -> None:
    """Serve each editor that connects to a port of this machine, until interrupted. 0 takes a free port.

    `said` is told the port. Raises OSError.
    """
    with socket.create_server(("127.0.0.1", port)) as listening:
        said(listening.getsockname()[1])
        while True:
            connection, _ = listening.accept()
            options = (connection, output_root, keep)
            threading.Thread(target=_serve_connection, args=options, daemon=True).start()


def _serve_connection(connection: socket.socket, output_root: str | None, keep: bool) -> None:
    with connection, connection.makefile("rb") as reader, connection.makefile("wb") as writer:
        serve(reader, writer, output_root=output_root, keep=keep)
        # A thread still waits for a message, and holds the reader: it ends with this.
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


def _quieten() -> None:
    """Of pygls's log leave nothing: what fails is told to the client, or logged here."""
    logging.getLogger("pygls").setLevel(logging.CRITICAL)
