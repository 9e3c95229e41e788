"""Credentials for a registry: those of `docker login`, or the token that they are exchanged for."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from typing import Any
from urllib.parse import urlencode, urlsplit

from diptych import fs
from diptych.artifact.errors import AccessDeniedError, HostileArtifactError
from diptych.artifact.remotes.transport import Headers, Transport, is_loopback, origin_of

_CONFIG_MOST_BYTES = 1 << 20
_HELPER_TIMEOUT_S = 20.0
_HELPER = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_CHALLENGE = re.compile(r'([a-z]+)="([^"]{0,1000})"')
_ANSWERS = frozenset({200, 401, 404})


class RegistryAuth:
    """What a registry is sent in `Authorization`: nothing, a name and password, or a token."""

    def __init__(self, url: str, host: str, repository: str, timeout_s: float) -> None:
        """`url` is how messages name the registry; `host` may have a port."""
        self._url, self._host, self._repository = url, host, repository
        self._transport = Transport(url, timeout_s=timeout_s)
        self._header = ""
        self._origin: tuple[str, str, int] | None = None
        self._asked = False

    def close(self) -> None:
        """Close its connections."""
        self._transport.close()

    def headers(self, url: str) -> Headers:
        """The headers for a request to `url`; none for another host than the registry's."""
        if not self._header or origin_of(url) != self._origin:
            return {}
        return {"authorization": self._header}

    def ask(self, base: str) -> None:
        """Ask the registry, once, what it wants. Raises AccessDeniedError, RemoteUnavailableError."""
        if self._asked:
            return
        self._origin = origin_of(base)
        answer = self._transport.request("GET", base, expected=_ANSWERS)
        if answer.status == 401:
            challenge = answer.headers.get("www-authenticate", "")
            scheme, _, rest = challenge.partition(" ")
            if scheme.lower() == "bearer":
                self._header = f"Bearer {self._token(dict(_CHALLENGE.findall(rest)))}"
            elif scheme.lower() == "basic":
                known = credentials_of(self._host)
                if known is None:
                    raise AccessDeniedError(
                        f"{self._url} wants a name and password", advice=f"run `docker login {self._host}`"
                    )
                self._header = _basic(*known)
        self._asked = True

    def _token(self, challenge: dict[str, str]) -> str:
        realm = challenge.get("realm", "")
        parts = urlsplit(realm)
        if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            raise HostileArtifactError(f"{self._url} wants the password sent without encryption")
        known = credentials_of(self._host)
        asked = {"service": challenge.get("service", ""), "scope": f"repository:{self._repository}:pull,push"}
        answer = self._transport.request(
            "GET",
            f"{realm}{'&' if '?' in realm else '?'}{urlencode(asked)}",
            headers={} if known is None else {"authorization": _basic(*known)},
        )
        try:
            body = json.loads(answer.body)
            token = body.get("token") or body["access_token"]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise HostileArtifactError(f"{self._url} gives no token") from error
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise HostileArtifactError(f"{self._url} gives a token that is none")
        return token


def credentials_of(host: str) -> tuple[str, str] | None:
    """A name and password for a registry, as `docker login` left them; None where it did not."""
    folder = os.environ.get("DOCKER_CONFIG") or os.path.join(os.path.expanduser("~"), ".docker")
    try:
        config = json.loads(fs.read_bounded(os.path.join(folder, "config.json"), _CONFIG_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(config, dict):
        return None
    helpers = config.get("credHelpers")
    helper = helpers.get(host) if isinstance(helpers, dict) else None
    helper = helper or config.get("credsStore")
    if isinstance(helper, str) and _HELPER.match(helper):
        return _from_helper(helper, host)
    auths = config.get("auths")
    entry = auths.get(host) or auths.get(f"https://{host}") if isinstance(auths, dict) else None
    return _from_entry(entry)


def _from_entry(entry: Any) -> tuple[str, str] | None:
    try:
        name, colon, password = base64.b64decode(entry["auth"]).decode().partition(":")
    except (ValueError, KeyError, TypeError):
        return None
    return (name, password) if colon else None


def _from_helper(helper: str, host: str) -> tuple[str, str] | None:
    """From a program `docker-credential-…`, which docker would ask too."""
    try:
        done = subprocess.run(
            [f"docker-credential-{helper}", "get"],
            input=host.encode(),
            capture_output=True,
            check=True,
            timeout=_HELPER_TIMEOUT_S,
        )
        found = json.loads(done.stdout)
        return str(found["Username"]), str(found["Secret"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return None


def _basic(name: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode('ascii')}"
