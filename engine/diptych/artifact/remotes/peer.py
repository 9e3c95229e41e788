"""A remote on another machine of this network: what `diptych artifact serve` answers.

It is read over plain HTTP: its blobs and manifests prove themselves by their digests, its refs by their
signature, or by nothing. So a peer is believed about a ref only where the policy for it says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from urllib.parse import quote, urlsplit

from diptych.artifact.errors import HostileArtifactError, InvalidArtifactNameError
from diptych.artifact.names import is_ref
from diptych.artifact.remotes.base import MAX_MANIFEST_BYTES, MAX_REFS, TIMEOUT_S, Capabilities, ListedRef
from diptych.artifact.remotes.http import HttpRemote

DEFAULT_PORT = 8737


class PeerRemote(HttpRemote):
    """What `diptych artifact serve` has at `peer://HOST:PORT`."""

    def __init__(
        self, url: str, *, timeout_s: float = TIMEOUT_S, sleep: Callable[[float], object] | None = None
    ) -> None:
        """Raises InvalidArtifactNameError."""
        parts = urlsplit(url)
        if not parts.hostname or parts.path.strip("/"):
            raise InvalidArtifactNameError(f"{url!r:.200} names no peer", advice="write peer://HOST:PORT")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        self._begin(url, f"http://{host}:{parts.port or DEFAULT_PORT}", timeout_s, None, sleep)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(compare_and_swap=False, ranges=True, lists=True, deletes=False, read_only=True)

    def list_refs(self, prefix: str = "") -> Iterator[ListedRef]:
        answer = self._transport.request(
            "GET", f"{self._base}/refs?prefix={quote(prefix, safe='')}", most_bytes=MAX_MANIFEST_BYTES
        )
        try:
            rows = json.loads(answer.body)
            listed = [
                ListedRef(str(name), str(version), int(modified_ms)) for name, version, modified_ms in rows
            ]
        except (ValueError, TypeError, RecursionError) as error:
            raise HostileArtifactError(f"{self.url} lists its refs in another form") from error
        # A stranger's: nothing but refs, and only those asked for.
        yield from (one for one in listed[:MAX_REFS] if is_ref(one.name) and one.name.startswith(prefix))
