"""HTTP for remotes: bounded, retried, and with credentials that no other host gets to see.

Nothing that a server says is trusted: bodies are read up to a bound, never decompressed, and redirects are
followed a few times only, without credentials once they lead elsewhere. Messages name the remote by its URL,
and a failure by its status; never a header, and no text of the server.
"""

from __future__ import annotations

import email.utils
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

from diptych.artifact.errors import (
    AccessDeniedError,
    HostileArtifactError,
    RemoteUnavailableError,
    ThrottledError,
)
from diptych.artifact.remotes.base import MAX_BLOB_BYTES, TIMEOUT_S
from diptych.fs import importing

if TYPE_CHECKING:
    import httpx

_TRIES = 5
_READ_S = 30.0
_REDIRECTS_MOST = 5
_PIECE_BYTES = 1 << 20
_PAUSE_S = 0.2
_PAUSE_MOST_S = 8.0
_SMALL_BYTES = 1 << 20
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

Headers = Mapping[str, str]


class Answer(NamedTuple):
    """What a server answered. Names of headers are in lower case."""

    status: int
    headers: Headers
    body: bytes
    url: str
    """Where it came from, after redirects; it may have a signature in its query: not for messages."""


class _Failure(Exception):  # noqa: N818 - never leaves this module
    """A failure that may pass. `wait_s` is what the server asks for."""

    def __init__(self, what: str, *, status: int = 0, wait_s: float = 0.0) -> None:
        super().__init__(what)
        self.what, self.status, self.wait_s = what, status, wait_s


class Transport:
    """Requests to one remote. `url` is how messages name it."""

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = TIMEOUT_S,
        authorize: Callable[[str], Headers] | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """`authorize` gives the headers with credentials for a URL; it is asked before every try."""
        with importing("httpx"):
            import httpx

        self._url = url
        self._timeout_s = timeout_s
        self._authorize = authorize or (lambda _: {})
        self._sleep = sleep
        # The environment's proxies are honoured; its .netrc is not: credentials come from `authorize` alone.
        self._client = httpx.Client(
            timeout=httpx.Timeout(_READ_S, connect=10.0, pool=None),
            follow_redirects=False,
            headers={"user-agent": "diptych", "accept-encoding": "identity"},
            auth=lambda request: request,
        )

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Headers | None = None,
        content: bytes | None = None,
        expected: frozenset[int] = frozenset({200}),
        most_bytes: int = _SMALL_BYTES,
        again: bool = True,
    ) -> Answer:
        """One request; the answer's status is in `expected`.

        With `again`, a failure that may pass is tried again: for requests that do no harm twice. Raises
        RemoteUnavailableError, ThrottledError, AccessDeniedError, HostileArtifactError.
        """

        def attempt() -> Answer:
            with self._opened(method, url, headers, content) as response:
                self._refuse_status(response, expected)
                body = b"".join(self._pieces(response, most_bytes))
                found = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status_code, found, body, str(response.url))

        return self._tried(attempt, again=again)

    def stream(
        self, url: str, *, start: int = 0, length: int | None = None, headers: Headers | None = None
    ) -> Iterator[bytes] | None:
        """The bytes at a URL from `start`, at most `length`; None where there is nothing.

        A connection that is cut is taken up again where it ended. A server that knows no ranges is read from
        its beginning. Raises as `request` does.
        """
        most_bytes = MAX_BLOB_BYTES if length is None else min(length, MAX_BLOB_BYTES)
        if most_bytes <= 0:
            return iter(())
        pieces = self._resumed(url, start, most_bytes, headers or {})
        # The first piece now, so that a caller learns here that there is nothing.
        try:
            first = next(pieces)
        except StopIteration:
            return iter(())
        if first is None:
            return None

        def rest() -> Iterator[bytes]:
            yield first
            yield from (piece for piece in pieces if piece)

        return rest()

    def _resumed(self, url: str, start: int, most_bytes: int, headers: Headers) -> Iterator[bytes | None]:
        """None first where there is nothing; then the pieces."""
        done = 0
        tries, began_s = 0, time.monotonic()
        while done < most_bytes:
            ranged = {**headers, "range": f"bytes={start + done}-{start + most_bytes - 1}"}
            try:
                with self._opened("GET", url, ranged, None) as response:
                    if response.status_code == 404:
                        yield None
                        return
                    if response.status_code == 416:
                        return
                    self._refuse_status(response, frozenset({200, 206}))
                    if response.status_code == 206 and not _begins_at(response, start + done):
                        raise HostileArtifactError(
                            f"{self._url} answered with another part than the one asked for"
                        )
                    skip = 0 if response.status_code == 206 else start + done
                    for piece in self._pieces(response, skip + most_bytes - done, cut=True):
                        kept = piece[skip:]
                        skip -= len(piece) - len(kept)
                        if kept:
                            done += len(kept)
                            # Progress: what was cut is no reason to give up.
                            tries = 0
                            yield kept
                    return
            except _Failure as failure:
                tries += 1
                self._pause(failure, tries, began_s)

    def _tried(self, attempt: Callable[[], Answer], *, again: bool) -> Answer:
        tries, began_s = 0, time.monotonic()
        while True:
            try:
                return attempt()
            except _Failure as failure:
                tries += 1
                if not again:
                    tries = _TRIES
                self._pause(failure, tries, began_s)

    def _pause(self, failure: _Failure, tries: int, began_s: float) -> None:
        """Wait before another try. Raises where there is none left."""
        passed_s = time.monotonic() - began_s
        if failure.wait_s > self._timeout_s - passed_s:
            raise ThrottledError(
                f"{self._url} asks to wait {failure.wait_s:.0f} s ({failure.status});"
                f" that is beyond the timeout of {self._timeout_s:.0f} s. Nothing was changed",
                advice=f"run it again later, or with --timeout {failure.wait_s + 30:.0f}",
            ) from failure
        if tries >= _TRIES or passed_s > self._timeout_s:
            kind = ThrottledError if failure.status == 429 else RemoteUnavailableError
            tried = "1 try" if tries == 1 else f"{tries} tries in {passed_s:.0f} s"
            raise kind(
                f"{self._url} does not answer ({failure.what}, {tried}). Nothing was changed"
            ) from failure
        pause_s = min(_PAUSE_MOST_S, _PAUSE_S * 2**tries) * random.uniform(0.5, 1.0)
        self._sleep(max(failure.wait_s, pause_s))

    @contextmanager
    def _opened(
        self, method: str, url: str, headers: Headers | None, content: bytes | None
    ) -> Iterator[httpx.Response]:
        """The answer, after redirects, its body not yet read. Raises _Failure for what may pass."""
        import httpx

        sent = dict(headers or {})
        at, trusted = url, True
        try:
            for _ in range(_REDIRECTS_MOST + 1):
                granted = self._authorize(at) if trusted else {}
                if not trusted:
                    sent = {
                        name: value for name, value in sent.items() if name.lower() not in _SECRET_HEADERS
                    }
                request = self._client.build_request(method, at, headers={**granted, **sent}, content=content)
                response = self._client.send(request, stream=True)
                try:
                    target = response.headers.get("location", "")
                    if response.status_code not in _REDIRECTS or not target:
                        yield response
                        return
                finally:
                    response.close()
                following = urljoin(at, target)
                self._refuse_downgrade(at, following)
                trusted = trusted and origin_of(following) == origin_of(url)
                if response.status_code == 303 and method != "HEAD":
                    method, content = "GET", None
                at = following
        except httpx.TransportError as error:
            raise _Failure(_reason(error)) from error
        except (httpx.InvalidURL, UnicodeError, ValueError) as error:
            raise HostileArtifactError(f"{self._url} redirects to what is no URL") from error
        raise HostileArtifactError(f"{self._url} redirects more than {_REDIRECTS_MOST} times")

    def _refuse_downgrade(self, before: str, after: str) -> None:
        first, then = urlsplit(before), urlsplit(after)
        if then.scheme not in ("http", "https") or not then.hostname:
            raise HostileArtifactError(f"{self._url} redirects to something other than HTTP")
        if first.scheme == "https" and then.scheme != "https":
            raise HostileArtifactError(f"{self._url} redirects from https to http")

    def _refuse_status(self, response: httpx.Response, expected: frozenset[int]) -> None:
        """Raise for a status that is not expected."""
        status = response.status_code
        if status in expected:
            return
        if status in _RETRIED:
            raise _Failure(
                str(status), status=status, wait_s=_wait_s(response.headers.get("retry-after", ""))
            )
        if status in (401, 403):
            raise AccessDeniedError(f"{self._url} refuses the request ({status}). Nothing was changed")
        raise RemoteUnavailableError(
            f"{self._url} answered with status {status}. Nothing was changed",
            advice="check the URL, and whether what it names speaks this protocol",
        )

    def _pieces(self, response: httpx.Response, most_bytes: int, *, cut: bool = False) -> Iterator[bytes]:
        """The body as it came, at most `most_bytes`; a longer one is cut, or refused. Raises _Failure."""
        import httpx

        if response.headers.get("content-encoding", "identity") != "identity":
            raise HostileArtifactError(f"{self._url} sends compressed what was asked for as it is")
        left = most_bytes
        try:
            for piece in response.iter_raw(_PIECE_BYTES):
                if len(piece) > left and not cut:
                    raise HostileArtifactError(f"{self._url} sends more than {most_bytes:,} bytes")
                if left <= 0:
                    return
                yield piece[:left]
                left -= len(piece)
        except httpx.TransportError as error:
            raise _Failure(_reason(error)) from error


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: there, plain HTTP is safe."""
    return host in _LOOPBACK


def origin_of(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: what credentials are for."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.scheme, (parts.hostname or "").lower(), port


def _begins_at(response: httpx.Response, start: int) -> bool:
    found: str = response.headers.get("content-range", "")
    return found.startswith(f"bytes {start}-")


def _wait_s(text: str) -> float:
    """What a Retry-After header asks for, in seconds; 0 where it makes no sense."""
    if text.isascii() and text.isdigit() and len(text) < 8:
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    return max(0.0, moment - time.time())


def _reason(error: Exception) -> str:
    """A connection's failure in a few words; not httpx's own, which may have the URL."""
    names = {
        "ConnectError": "no connection",
        "ConnectTimeout": "no connection in time",
        "ReadTimeout": "no answer in time",
        "WriteTimeout": "no answer in time",
        "RemoteProtocolError": "the connection was cut",
        "ReadError": "the connection was cut",
        "WriteError": "the connection was cut",
        "ProxyError": "the proxy refuses",
    }
    return names.get(type(error).__name__, "the connection failed")
