"""Whom to believe: a policy for each remote, from `trust.toml`.

    [[remote]]
    url = "s3://bucket/indexes"        # a prefix of the URL; the longest that matches counts
    require = "signature"              # "signature", "digest" or "tls"
    keys = ["RWQ..."]                  # public keys of minisign
    max_age_days = 30                  # of a ref, counted from when it was moved; 0 for any

With "signature", manifests and refs must be signed by one of the keys; an expired ref is refused. With
"digest", only what is pinned as `REF@sha256:<manifest>` is installed. "tls", the policy of a remote that no
table names, believes whoever the connection leads to: on the other end of peer:// that may be anyone, so
there it must be chosen.
"""

from __future__ import annotations

import os
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from diptych import fs
from diptych.artifact.errors import CorruptArtifactError, UntrustedError
from diptych.artifact.names import digest_of, is_digest, scheme_of
from diptych.artifact.remotes.file import is_folder, path_of, url_of
from diptych.artifact.sign import parse_public_key, split_ref, verify_manifest, verify_ref
from diptych.errors import InvalidArgumentError

SIGNATURE, DIGEST, TLS = "signature", "digest", "tls"
REQUIREMENTS = (SIGNATURE, DIGEST, TLS)
FILE_VARIABLE = "DIPTYCH_TRUST"
_FILE_MOST_BYTES = 1 << 20
_DAY_MS = 24 * 60 * 60 * 1000
# Clocks differ: what was moved so little in the future was moved now.
_SKEW_MS = 2 * _DAY_MS


def default_path() -> str:
    """Where `trust.toml` is: DIPTYCH_TRUST, or the user's folder for settings."""
    named = os.environ.get(FILE_VARIABLE)
    if named:
        return named
    folder = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return os.path.join(folder, "diptych", "trust.toml")


@dataclass(frozen=True, slots=True)
class Policy:
    """What is required of one remote."""

    url: str = ""
    require: str = TLS
    keys: tuple[str, ...] = ()
    max_age_days: int = 0


@dataclass(frozen=True, slots=True)
class Trust:
    """The policies of all remotes."""

    policies: tuple[Policy, ...] = ()

    @classmethod
    def from_file(cls, path: str | None = None) -> Trust:
        """The policies in `trust.toml`; none where there is no such file. Raises InvalidArgumentError."""
        where = path or default_path()
        try:
            text = fs.read_bounded(where, _FILE_MOST_BYTES).decode()
            return cls(tuple(_policy(row) for row in _rows(tomllib.loads(text))))
        except (FileNotFoundError, NotADirectoryError):
            return cls()
        except OSError as error:
            raise fs.storage_error(error, "read", where) from error
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            # A policy that cannot be read must not become no policy.
            raise InvalidArgumentError(
                f"{where} makes no sense: {error}", advice="correct it: nothing was installed"
            ) from error

    def policy_of(self, url: str) -> Policy:
        """The policy with the longest prefix of `url`. Raises InvalidArtifactNameError."""
        named = _as_remotes_have_it(url)
        matching = [policy for policy in self.policies if _is_below(named, _as_remotes_have_it(policy.url))]
        if matching:
            return max(matching, key=lambda policy: len(policy.url))
        return Policy(require=DIGEST) if url.startswith("peer:") else Policy()


@dataclass(frozen=True, slots=True)
class Verifier:
    """Applies a policy to what a remote answers. `pin` is the digest that the user named, "" for none."""

    url: str
    policy: Policy
    pin: str = ""
    now_ms: Callable[[], int] = lambda: int(time.time() * 1000)

    def opened_ref(self, name: str, data: bytes) -> bytes:
        """The body of a ref, without its signature, if that is as the policy requires.

        Raises UntrustedError, HostileArtifactError.
        """
        body, signature = split_ref(data)
        where = f"{self.url} {name}"
        if self.policy.require == SIGNATURE:
            verify_ref(name, body, signature, list(self.policy.keys), where=where)
        return body

    def refuse_stale(
        self, name: str, *, moved_ms: int, expires_ms: int, serial: int, known_serial: int
    ) -> None:
        """Raise UntrustedError for a ref that was held back, or is older than one seen."""
        where = f"{self.url} {name}"
        if serial < known_serial:
            raise UntrustedError(
                f"{where} has serial {serial}, which is older than {known_serial}, seen before",
                advice="someone put an old state of it back: ask who keeps the remote; nothing was installed",
            )
        now = self.now_ms()
        if expires_ms and now > expires_ms:
            raise UntrustedError(
                f"{where} expired on {_day(expires_ms)}",
                advice="its maker must push again; if they did, someone holds it back; nothing was installed",
            )
        most = self.policy.max_age_days
        if most and now - moved_ms > most * _DAY_MS:
            raise UntrustedError(
                f"{where} was last moved on {_day(moved_ms)}, more than {most} days ago",
                advice="its maker must push again, or trust.toml allow a greater age; nothing was installed",
            )
        if most and moved_ms > now + _SKEW_MS:
            raise UntrustedError(
                f"{where} says that it was moved on {_day(moved_ms)}, which is yet to come",
                advice="set the clock of this machine, or of its maker; nothing was installed",
            )

    def check_manifest(self, digest: str, data: bytes, signature: Callable[[], bytes | None]) -> None:
        """Raise unless the bytes are those of the digest, and that is as pinned, or signed, as is required.

        `signature` is called where one is required. Raises CorruptArtifactError, UntrustedError.
        """
        where = f"{self.url} sha256:{digest}"
        if digest_of(data) != digest:
            raise CorruptArtifactError(f"{where} is not what its name says", where=where)
        if self.pin:
            if digest != self.pin:
                raise UntrustedError(
                    f"{self.url} names sha256:{digest}, not the pinned sha256:{self.pin}",
                    advice="find out which of the two is meant; nothing was installed",
                )
            # A pin says more than a key: it names these bytes.
            return
        if self.policy.require == DIGEST:
            raise UntrustedError(
                f"{self.url} is trusted for pinned digests alone",
                advice="name what to pull as REF@sha256:<digest>, or say in trust.toml whom to believe there",
            )
        if self.policy.require == SIGNATURE:
            verify_manifest(data, signature(), list(self.policy.keys), where=where)


def parse_pin(text: str) -> tuple[str, str]:
    """`REF@sha256:<64 hex>` as the ref, which may be empty, and the digest, "" where none is pinned.

    Raises InvalidArgumentError.
    """
    ref, at, digest = text.rpartition("@sha256:")
    if not at:
        return text, ""
    if not is_digest(digest):
        raise InvalidArgumentError(
            f"{text!r:.200} pins no digest", advice="write REF@sha256: and 64 hexadecimal digits"
        )
    return ref, digest


def add_key(path: str, url: str, key: str) -> Policy:
    """Believe a key for the remotes below `url`, which may be a folder's path; returns the policy added.

    Raises InvalidArgumentError, InvalidArtifactNameError, StorageError.
    """
    parse_public_key(key)
    known = Trust.from_file(path)
    if is_folder(url):
        url = url_of(url)
    elif url.isprintable():
        scheme_of(url)
    named = _as_remotes_have_it(url)
    if any(_as_remotes_have_it(policy.url) == named for policy in known.policies):
        raise InvalidArgumentError(
            f"{path} has a table for {url} already", advice="add the key to its list of keys by hand"
        )
    if not url.isprintable() or '"' in url or "\\" in url or not url:
        raise InvalidArgumentError(f"{url!r:.200} is no URL")
    try:
        before = fs.read_bounded(path, _FILE_MOST_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        before = b""
    except OSError as error:
        raise fs.storage_error(error, "read", path) from error
    table = f'[[remote]]\nurl = "{url}"\nrequire = "{SIGNATURE}"\nkeys = ["{key.strip()}"]\n'
    joined = before + (b"\n" if before and not before.endswith(b"\n\n") else b"") + table.encode()
    fs.make_dir(os.path.dirname(os.path.abspath(path)))
    fs.atomic_write(path, joined)
    return Policy(url, SIGNATURE, (key.strip(),))


def _rows(body: dict[str, Any]) -> list[dict[str, Any]]:
    unknown = body.keys() - {"remote"}
    rows = body.get("remote", [])
    if unknown or not isinstance(rows, list):
        raise ValueError(f"it has tables other than [[remote]]: {', '.join(sorted(unknown)) or 'remote'}")
    return rows


def _policy(row: dict[str, Any]) -> Policy:
    unknown = row.keys() - {"url", "require", "keys", "max_age_days"}
    url, require = row["url"], row.get("require", SIGNATURE)
    keys, days = row.get("keys", []), row.get("max_age_days", 0)
    if unknown:
        raise ValueError(f"{sorted(unknown)[0]!r} is no field of a [[remote]]")
    if not isinstance(url, str) or not url:
        raise ValueError("a [[remote]] without a url")
    if require not in REQUIREMENTS:
        raise ValueError(f"require = {require!r} is none of {', '.join(REQUIREMENTS)}")
    if type(days) is not int or days < 0:
        raise ValueError("max_age_days is no number of days")
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise ValueError("keys is no list of texts")
    for key in keys:
        parse_public_key(key)
    if require == SIGNATURE and not keys:
        raise ValueError(f"{url} requires a signature, and names no key")
    return Policy(url, require, tuple(keys), days)


def _as_remotes_have_it(url: str) -> str:
    """One form for the URLs of one place: a policy that is written otherwise must not be missed."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    scheme = scheme.lower()
    if scheme == "file":
        return url_of(path_of(f"file://{rest}"))
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.lower()}{slash}{path.rstrip('/')}"


def _is_below(url: str, prefix: str) -> bool:
    """Whether `prefix` is the URL, or a folder above it: s3://a is not above s3://ab."""
    prefix = prefix.rstrip("/")
    return url == prefix or url.startswith(f"{prefix}/")


def _day(moment_ms: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(min(moment_ms, 253_402_300_799_999) / 1000))
