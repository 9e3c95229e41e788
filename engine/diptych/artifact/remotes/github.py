"""A remote in a GitHub repository: blobs are assets of releases, refs are git refs.

    blob, manifest, signature, document   an asset of a release `diptych-<year>-<month>`
    ref                                   a git ref `refs/diptych/<kind>/<name>`, on a commit whose message
                                          is its body, and whose parent is the commit before. It is moved
                                          without force, and GitHub refuses what is no descendant: that is
                                          a compare and swap

The token is GH_TOKEN or GITHUB_TOKEN, else what `gh auth token` says.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from diptych.artifact.errors import (
    HostileArtifactError,
    InvalidArtifactNameError,
    MissingObjectError,
    RefMovedError,
)
from diptych.artifact.names import check_digest, is_digest, parse_ref_path, ref_path
from diptych.artifact.remotes.base import (
    MAX_MANIFEST_BYTES,
    MAX_REF_BODY_BYTES,
    MAX_REFS,
    TIMEOUT_S,
    BlobSize,
    Capabilities,
    ListedObject,
    ListedRef,
    Ref,
    Remote,
)
from diptych.artifact.remotes.transport import Answer, Headers, Transport, is_loopback, origin_of

_API = "https://api.github.com"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
_SHA = re.compile(r"[0-9a-f]{40}\Z")
_RELEASE = re.compile(r"diptych-[0-9]{4}-[0-9]{2}\Z")
_PER_PAGE = 100
_PAGES_MOST = 200
_ANSWER_MOST_BYTES = 16 * 1024 * 1024
_OK = frozenset({200})
_FOUND = frozenset({200, 404})
_MADE = frozenset({201, 422})
_DELETED = frozenset({204, 404, 422})
_TOKEN_TIMEOUT_S = 10.0


class GithubRemote(Remote):
    """The remote in the releases and refs of a repository."""

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = TIMEOUT_S,
        api: str | None = None,
        token: str | None = None,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        """`api` and `token` None: those of the environment. Raises InvalidArtifactNameError."""
        parts = urlsplit(url)
        owner, repository = parts.netloc, parts.path.strip("/")
        if not (_NAME.match(owner) and _NAME.match(repository)) or repository in (".", ".."):
            raise InvalidArtifactNameError(
                f"{url!r:.200} names no repository", advice="write github://OWNER/REPOSITORY"
            )
        self.url = url.rstrip("/")
        base = (api or os.environ.get("GITHUB_API_URL") or _API).rstrip("/")
        scheme, host, _ = origin_of(base)
        if scheme != "https" and not is_loopback(host):
            raise InvalidArtifactNameError(f"the API at {base:.100} is not encrypted", advice="use https://")
        self._token = token if token is not None else _token()
        self._origins = {origin_of(base)}
        self._base = f"{base}/repos/{owner}/{repository}"
        more = {} if sleep is None else {"sleep": sleep}
        self._transport = Transport(self.url, timeout_s=timeout_s, authorize=self._credentials, **more)
        self._known_assets: dict[str, dict[str, Any]] | None = None
        self._release: dict[str, Any] | None = None
        self._clock_ms = 0

    def close(self) -> None:
        self._transport.close()

    @property
    def capabilities(self) -> Capabilities:
        writable = bool(self._token)
        return Capabilities(
            compare_and_swap=writable, ranges=True, lists=True, deletes=writable, read_only=not writable
        )

    def _credentials(self, url: str) -> Headers:
        headers = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}
        if self._token and origin_of(url) in self._origins:
            headers["authorization"] = f"Bearer {self._token}"
        return headers

    # Blobs, manifests, documents: assets.

    def present_blobs(self, digests: Collection[str]) -> set[str]:
        return set(digests).intersection(
            name.removeprefix("blob-") for name in self._assets() if name.startswith("blob-")
        )

    def read_blob(self, digest: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        asset = self._asset(f"blob-{check_digest(digest)}")
        pieces = None
        if asset is not None:
            pieces = self._transport.stream(
                self._asset_url(asset),
                start=start,
                length=length,
                headers={"accept": "application/octet-stream"},
            )
        if pieces is None:
            raise self._missing(digest)
        yield from pieces

    def write_blob(self, digest: str, data: bytes) -> None:
        self._upload(f"blob-{check_digest(digest)}", data)

    def read_manifest(self, digest: str) -> bytes:
        data = self._download(f"manifest-{check_digest(digest)}", MAX_MANIFEST_BYTES)
        if data is None:
            raise self._missing(digest)
        return data

    def write_manifest(self, digest: str, data: bytes, blobs: Sequence[BlobSize]) -> None:  # noqa: ARG002
        self._upload(f"manifest-{check_digest(digest)}", data)

    def read_signature(self, digest: str) -> bytes | None:
        return self._download(f"signature-{check_digest(digest)}", MAX_REF_BODY_BYTES)

    def write_signature(self, digest: str, data: bytes) -> None:
        self._replace(f"signature-{check_digest(digest)}", data)

    def read_document(self, name: str) -> bytes | None:
        return self._download(_document(name), MAX_MANIFEST_BYTES)

    def write_document(self, name: str, data: bytes) -> None:
        self._replace(_document(name), data)

    def list_documents(self, prefix: str) -> list[str]:
        named = (
            name.removeprefix("document-").replace("--", "/")
            for name in self._assets()
            if name.startswith("document-")
        )
        return sorted(name for name in named if name.startswith(prefix))

    def delete_document(self, name: str) -> None:
        self._delete_asset(_document(name))

    def list_blobs(self) -> Iterator[ListedObject]:
        return self._objects("blob-")

    def list_manifests(self) -> Iterator[ListedObject]:
        return self._objects("manifest-")

    def delete_blob(self, digest: str) -> None:
        self._delete_asset(f"blob-{check_digest(digest)}")

    def delete_manifest(self, digest: str) -> None:
        self._delete_asset(f"manifest-{check_digest(digest)}")
        self._delete_asset(f"signature-{check_digest(digest)}")

    def store_time_ms(self) -> int:
        answer = self._transport.request("GET", self._base, most_bytes=_ANSWER_MOST_BYTES)
        return int(_http_date_ms(answer.headers.get("date", "")))

    # Refs: git refs.

    def read_ref(self, name: str) -> Ref | None:
        answer = self._api("GET", f"/git/ref/{quote(_git_ref(name))}", expected=_FOUND)
        if answer.status == 404:
            return None
        sha = self._sha(self._json(answer), "object", "sha")
        message = self._json(self._api("GET", f"/git/commits/{sha}"))["message"]
        if not isinstance(message, str) or len(message) > 2 * MAX_REF_BODY_BYTES:
            raise HostileArtifactError(f"{self.url} has a ref {name} without a body")
        return Ref(message.encode("utf-8", "surrogateescape"), sha)

    def write_ref(self, name: str, body: bytes, *, expected: str | None) -> str:
        text = body.decode("utf-8")
        tree = self._api(
            "POST",
            "/git/trees",
            {"tree": [{"path": "ref", "mode": "100644", "type": "blob", "content": text}]},
            expected=frozenset({201}),
        )
        commit = self._api(
            "POST",
            "/git/commits",
            {
                "message": text,
                "tree": self._sha(self._json(tree), "sha"),
                "parents": [] if expected is None else [expected],
            },
            expected=_MADE,
        )
        if commit.status == 422:
            raise RefMovedError(
                f"{name} was written on a state that {self.url} does not have; nothing was written"
            )
        sha = self._sha(self._json(commit), "sha")
        path = _git_ref(name)
        # Not again by itself: the first may have been done, and its answer lost.
        if expected is None:
            made = self._api(
                "POST", "/git/refs", {"ref": f"refs/{path}", "sha": sha}, expected=_MADE, again=False
            )
        else:
            made = self._api(
                "PATCH",
                f"/git/refs/{quote(path)}",
                {"sha": sha, "force": False},
                expected=frozenset({200, 422}),
                again=False,
            )
        if made.status == 422:
            raise RefMovedError(f"{name} moved while it was written; nothing was written")
        return sha

    def list_refs(self, prefix: str = "") -> Iterator[ListedRef]:
        kind, slash, _ = prefix.partition("/")
        found = []
        for row in self._pages(f"/git/matching-refs/diptych/{f'{kind}/' if slash else ''}"):
            path = str(row.get("ref", "")).removeprefix("refs/diptych/")
            name = parse_ref_path(f"refs/{path}")
            if name is not None and name.startswith(prefix):
                found.append(ListedRef(name, self._sha(row, "object", "sha"), 0))
                if len(found) >= MAX_REFS:
                    break
        yield from sorted(found)

    def delete_ref(self, name: str, *, expected: str) -> None:
        # No condition on a deletion: between the two, a push may come.
        found = self.read_ref(name)
        if found is None:
            return
        if found.version != expected:
            raise RefMovedError(f"{name} moved before it was deleted; nothing was deleted")
        self._api("DELETE", f"/git/refs/{quote(_git_ref(name))}", expected=_DELETED)

    # Assets.

    def _assets(self) -> dict[str, dict[str, Any]]:
        """Every asset by name; read once, and kept in step with what this object does."""
        if self._known_assets is None:
            known: dict[str, dict[str, Any]] = {}
            for release in self._pages("/releases"):
                if _RELEASE.match(str(release.get("tag_name", ""))) is None:
                    continue
                for asset in self._pages(f"/releases/{int(release['id'])}/assets"):
                    # One that was not uploaded to its end is none.
                    if asset.get("state") == "uploaded":
                        known[str(asset.get("name", ""))] = asset
            self._known_assets = known
        return self._known_assets

    def _asset(self, name: str) -> dict[str, Any] | None:
        asset = self._assets().get(name)
        if asset is None:
            # Another may have pushed it since.
            self._known_assets = None
            asset = self._assets().get(name)
        return asset

    def _asset_url(self, asset: dict[str, Any]) -> str:
        return f"{self._base}/releases/assets/{int(asset['id'])}"

    def _download(self, name: str, most_bytes: int) -> bytes | None:
        asset = self._asset(name)
        if asset is None:
            return None
        answer = self._transport.request(
            "GET",
            self._asset_url(asset),
            headers={"accept": "application/octet-stream"},
            expected=_FOUND,
            most_bytes=most_bytes,
        )
        return None if answer.status == 404 else answer.body

    def _upload(self, name: str, data: bytes) -> None:
        """Upload what is not there yet; of two that upload the same, both are right."""
        if name in self._assets():
            return
        template = str(self._current_release().get("upload_url", "")).partition("{")[0]
        if origin_of(template)[0] != "https" and not is_loopback(origin_of(template)[1]):
            raise HostileArtifactError(f"{self.url} wants an upload without encryption")
        self._origins.add(origin_of(template))
        answer = self._transport.request(
            "POST",
            f"{template}?name={quote(name, safe='')}",
            headers={"content-type": "application/octet-stream"},
            content=data,
            expected=_MADE,
            most_bytes=_ANSWER_MOST_BYTES,
        )
        if answer.status == 201:
            self._assets()[name] = self._json(answer)
        else:
            # It exists: from another push, or from a try whose answer was lost. Its bytes are looked at by
            # whoever reads it.
            self._known_assets = None

    def _replace(self, name: str, data: bytes) -> None:
        self._delete_asset(name)
        self._upload(name, data)

    def _delete_asset(self, name: str) -> None:
        asset = self._asset(name)
        if asset is not None:
            self._api("DELETE", f"/releases/assets/{int(asset['id'])}", expected=_DELETED)
            self._assets().pop(name, None)

    def _current_release(self) -> dict[str, Any]:
        """The release of this month, which is made if it is absent."""
        if self._release is None:
            tag = time.strftime("diptych-%Y-%m", time.gmtime())
            found = self._api("GET", f"/releases/tags/{tag}", expected=_FOUND)
            if found.status == 404:
                found = self._api(
                    "POST",
                    "/releases",
                    {"tag_name": tag, "name": tag, "body": "Indexes of Diptych.", "prerelease": True},
                    expected=_MADE,
                )
                if found.status == 422:
                    found = self._api("GET", f"/releases/tags/{tag}")
            self._release = self._json(found)
        return self._release

    def _objects(self, prefix: str) -> Iterator[ListedObject]:
        for name, asset in sorted(self._assets().items()):
            digest = name.removeprefix(prefix)
            if name.startswith(prefix) and is_digest(digest):
                yield ListedObject(
                    digest, int(asset.get("size", 0)), _iso_ms(str(asset.get("updated_at", "")))
                )

    # Requests.

    def _api(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        expected: frozenset[int] = _OK,
        again: bool = True,
    ) -> Answer:
        return self._transport.request(
            method,
            f"{self._base}{path}",
            headers={} if body is None else {"content-type": "application/json"},
            content=None if body is None else json.dumps(body).encode(),
            expected=expected,
            most_bytes=_ANSWER_MOST_BYTES,
            again=again,
        )

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        """The rows of a listing, page by page."""
        for page in range(1, _PAGES_MOST + 1):
            answer = self._api("GET", f"{path}?per_page={_PER_PAGE}&page={page}", expected=_FOUND)
            if answer.status == 404:
                return
            rows = self._json(answer, kind=list)
            yield from (row for row in rows if isinstance(row, dict))
            if len(rows) < _PER_PAGE:
                return

    def _json(self, answer: Answer, kind: type = dict) -> Any:
        try:
            value = json.loads(answer.body)
        except (ValueError, RecursionError) as error:
            raise HostileArtifactError(f"{self.url} answers in another form") from error
        if not isinstance(value, kind):
            raise HostileArtifactError(f"{self.url} answers in another form")
        return value

    def _sha(self, value: Any, *path: str) -> str:
        """The commit or tree at a path in an answer."""
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if not isinstance(value, str) or _SHA.match(value) is None:
            raise HostileArtifactError(f"{self.url} answers in another form")
        return value

    def _missing(self, digest: str) -> MissingObjectError:
        return MissingObjectError(f"{self.url} has no sha256:{digest}", where=digest)


def _git_ref(name: str) -> str:
    """A ref's path below `refs/`: its percent signs are characters that git permits."""
    return f"diptych/{ref_path(name).removeprefix('refs/')}"


def _document(name: str) -> str:
    return f"document-{name.replace('/', '--')}"


def _token() -> str:
    """The token of the environment, or of `gh`; "" for none."""
    for variable in ("GH_TOKEN", "GITHUB_TOKEN"):
        if os.environ.get(variable):
            return os.environ[variable].strip()
    try:
        done = subprocess.run(
            ["gh", "auth", "token"], capture_output=True, check=True, timeout=_TOKEN_TIMEOUT_S, text=True
        )
    except (OSError, subprocess.SubprocessError, UnicodeError):
        return ""
    return done.stdout.strip()


def _iso_ms(text: str) -> int:
    try:
        return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)
    except ValueError:
        return 0


def _http_date_ms(text: str) -> float:
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(text).timestamp() * 1000
    except (ValueError, TypeError) as error:
        raise HostileArtifactError("the server does not say what time it is") from error
