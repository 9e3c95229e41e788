"""A server in this process, on a free port of the loopback interface."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from tools.guard import HANG_S


@contextmanager
def running(application: Any) -> Iterator[str]:
    """The URL of a server that answers with `application`."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    config = uvicorn.Config(application, log_level="critical", access_log=False, lifespan="off")
    server = uvicorn.Server(config)

    def run() -> None:
        asyncio.run(server.serve(sockets=[listener]))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(HANG_S)
        listener.close()
        assert not thread.is_alive(), "the server hangs"
