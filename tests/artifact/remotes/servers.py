"""Faults in front of a server, for the tests of remotes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from tools.sharing.servers.inside import running

__all__ = ["Fault", "Faulty", "running"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class _Cut(Exception):
    """Ends a connection in the midst of an answer."""


@dataclass
class Fault:
    """What happens to one request: an answer of its own, or the application's, cut."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut_after: int = -1
    """The application's answer ends after this many bytes of its body."""
    lost: bool = False
    """The application does what it was asked, and its answer never arrives."""
    declares: int = -1
    """The answer declares this length instead of its own."""
    method: str = ""
    """Only a request with this method."""


class Faulty:
    """An application whose next answers go wrong, one after the other."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self.pending: list[Fault] = []
        self.seen: list[tuple[str, str, dict[str, str]]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self.seen.append((scope["method"], scope["path"], headers))
        fault = None
        if self.pending and self.pending[0].method in ("", scope["method"]):
            fault = self.pending.pop(0)
        if fault is None:
            await self._application(scope, receive, send)
        elif fault.status:
            await _answered(fault, send)
        elif fault.lost:
            await self._application(scope, receive, _nowhere)
            await _answered(Fault(status=201, declares=100), send)
        else:
            await self._application(scope, receive, _cutting(fault, send))


async def _nowhere(_: Message) -> None:
    pass


async def _answered(fault: Fault, send: Send) -> None:
    headers = dict(fault.headers)
    headers["content-length"] = str(len(fault.body) if fault.declares < 0 else fault.declares)
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": fault.status, "headers": encoded})
    complete = fault.declares < 0 or fault.declares == len(fault.body)
    await send({"type": "http.response.body", "body": fault.body, "more_body": not complete})
    if not complete:
        raise _Cut


def _cutting(fault: Fault, send: Send) -> Send:
    left = fault.cut_after

    async def forward(message: Message) -> None:
        nonlocal left
        if message["type"] != "http.response.body":
            await send(message)
            return
        body = message.get("body", b"")
        await send({"type": "http.response.body", "body": body[:left], "more_body": True})
        left -= len(body)
        if left < 0:
            raise _Cut

    return forward
