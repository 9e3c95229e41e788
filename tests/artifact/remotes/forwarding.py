"""An application that passes requests on to another server, for faults in front of a real one."""

from __future__ import annotations

from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import Response
from tests.support.waiting import HANG_S

_DROPPED = frozenset({"host", "content-length", "transfer-encoding", "connection"})


def forwarding(target: str) -> Any:
    """An application that answers as the server at `target` does."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        headers = [(name, value) for name, value in request.headers.items() if name not in _DROPPED]
        async with httpx.AsyncClient(timeout=HANG_S) as client:
            answer = await client.request(
                request.method,
                f"{target}{scope['raw_path'].decode()}?{scope['query_string'].decode()}".rstrip("?"),
                headers=headers,
                content=await request.body(),
            )
        own = f"http://{request.headers['host']}"
        kept = {
            name: value.replace(target, own) for name, value in answer.headers.items() if name not in _DROPPED
        }
        if request.method == "HEAD" and "content-length" in answer.headers:
            kept["content-length"] = answer.headers["content-length"]
        await Response(answer.content, answer.status_code, kept)(scope, receive, send)

    return application
