"""Serve a remote to other machines of this network: `diptych artifact serve`. Read only.

    GET /blobs/sha256/<2 hex>/<64 hex>            with ranges
    GET /manifests/sha256/<64 hex>[.minisig]
    GET /refs/<kind>/<name>
    GET /refs?prefix=branch/                      [[name, version, modified_ms], ...]

Nothing else has an answer: what is asked for must be the name of a blob, a manifest or a ref, and is never a
path of this machine. Whoever can reach the port can read the index.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from diptych.artifact.errors import ArtifactError, MissingObjectError
from diptych.artifact.names import parse_blob_path, parse_manifest_path, parse_ref_path
from diptych.artifact.remotes.base import MAX_BLOB_BYTES, MAX_REFS, Remote
from diptych.artifact.remotes.http import SIGNATURE
from diptych.artifact.remotes.peer import DEFAULT_PORT
from diptych.errors import DiptychError, InvalidArgumentError
from diptych.fs import importing

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

LOOPBACK = "127.0.0.1"
_LAN = "0.0.0.0"
_CONNECTIONS_MOST = 64
_LISTED_MOST = 20_000
_IMMUTABLE = "public, max-age=31536000, immutable"


def application(remote: Remote) -> Starlette:
    """What answers for `remote`, as an ASGI application."""
    with importing("starlette"):
        from starlette.applications import Starlette
        from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
        from starlette.routing import Route

    # A remote is used by one thread at a time, but for the bytes of blobs.
    lock = threading.Lock()

    def blob(request: Request) -> Response:
        digest = parse_blob_path(_path(request))
        if digest is None:
            return _absent(Response)
        start, length = _range(request.headers.get("range", ""))
        pieces = remote.read_blob(digest, start=start, length=length)
        try:
            with lock:
                first = next(pieces, b"")
        except MissingObjectError:
            return _absent(Response)
        headers = {"cache-control": _IMMUTABLE, "accept-ranges": "bytes"}
        if request.method == "HEAD":
            return Response(status_code=200, headers=headers)
        if not start and length is None:
            return StreamingResponse(
                _from(first, pieces), headers=headers, media_type="application/octet-stream"
            )
        # How long it is, is known when it was read: a part is small, or all of a blob.
        body = b"".join(_from(first, pieces))
        if not body:
            return Response(status_code=416, headers={"content-range": "bytes */*"})
        headers["content-range"] = f"bytes {start}-{start + len(body) - 1}/*"
        return Response(body, status_code=206, headers=headers, media_type="application/octet-stream")

    def manifest(request: Request) -> Response:
        path = _path(request)
        digest = parse_manifest_path(path.removesuffix(SIGNATURE))
        if digest is None:
            return _absent(Response)
        with lock:
            try:
                signature = path.endswith(SIGNATURE)
                data = remote.read_signature(digest) if signature else remote.read_manifest(digest)
            except MissingObjectError:
                data = None
        if data is None:
            return _absent(Response)
        headers = {} if path.endswith(SIGNATURE) else {"cache-control": _IMMUTABLE}
        return Response(data, headers=headers, media_type="application/octet-stream")

    def ref(request: Request) -> Response:
        name = parse_ref_path(_path(request))
        with lock:
            found = remote.read_ref(name) if name is not None else None
        if found is None:
            return _absent(Response)
        return Response(found.body, headers={"cache-control": "no-store"}, media_type="application/json")

    def refs(request: Request) -> Response:
        prefix = request.query_params.get("prefix", "")
        with lock:
            found = [list(one) for one in islice(remote.list_refs(prefix), min(_LISTED_MOST, MAX_REFS))]
        return JSONResponse(found, headers={"cache-control": "no-store"})

    def failed(_request: Request, _error: Exception) -> Response:
        # What went wrong here is nobody else's to know.
        return PlainTextResponse("the remote that is served does not answer", status_code=503)

    routes = [
        Route("/blobs/{rest:path}", blob),
        Route("/manifests/{rest:path}", manifest),
        Route("/refs/{rest:path}", ref),
        Route("/refs", refs),
    ]
    handlers: dict[Any, Any] = {DiptychError: failed, ArtifactError: failed, OSError: failed}
    return Starlette(routes=routes, exception_handlers=handlers)


def serve(
    remote: Remote,
    *,
    port: int = DEFAULT_PORT,
    lan: bool = False,
    ready: Callable[[int], object] = lambda _: None,
) -> None:
    """Serve until the process is interrupted. `ready` is called with the port once it listens.

    On the loopback interface, unless `lan`. Port 0 takes a free one. Raises InvalidArgumentError for a port
    that is taken.
    """
    with importing("uvicorn"):
        import uvicorn

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_LAN if lan else LOOPBACK, port))
        except OSError as error:
            raise InvalidArgumentError(
                f"cannot listen on port {port}: {error.strerror or error}",
                advice="choose another with --port",
            ) from error
        config = uvicorn.Config(
            application(remote),
            log_level="critical",
            access_log=False,
            server_header=False,
            lifespan="off",
            limit_concurrency=_CONNECTIONS_MOST,
            timeout_keep_alive=10,
        )
        ready(listener.getsockname()[1])
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        listener.close()


def _path(request: Request) -> str:
    """The path that was asked for, as the layout has it: decoded once, as it came."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return unquote(raw.decode("latin-1")).lstrip("/")


def _range(header: str) -> tuple[int, int | None]:
    """Start and length of the one range that a client of Diptych asks for; all of it for any other."""
    unit, _, spec = header.partition("=")
    first, dash, last = spec.partition("-")
    if unit.strip() != "bytes" or not dash or not _is_number(first) or (last and not _is_number(last)):
        return 0, None
    start = int(first)
    return start, min(int(last) - start + 1, MAX_BLOB_BYTES) if last and int(last) >= start else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


def _from(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _absent(response: type[Response]) -> Response:
    return response(status_code=404)
