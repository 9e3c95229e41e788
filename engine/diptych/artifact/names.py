"""Format and parse the names of artifacts: digests, refs, URLs, and where a remote keeps each.

    <root>/diptych-remote.json              the remote's format and what was probed of it
    <root>/blobs/sha256/<2 hex>/<64 hex>    immutable: encoded bytes, by their SHA-256
    <root>/manifests/sha256/<64 hex>        immutable: canonical JSON; a signature is beside it
    <root>/refs/<kind>/<name>               movable: which manifest a name means now
    <root>/gc/<time>.json                   candidates of a collection

A ref is `<kind>/<name>`: `branch/main`, `commit/<40 hex>`, `channel/stable`, `pr/17`, `user/<name>`. Its name
is percent-encoded where it is part of a path, so each ref is one file, on every file system.
"""

from __future__ import annotations

import re
from hashlib import sha256
from urllib.parse import unquote, urlsplit

from diptych.artifact.errors import InvalidArtifactNameError

REMOTE = "diptych-remote.json"
BLOBS = "blobs"
MANIFESTS = "manifests"
REFS = "refs"
GC = "gc"

REF_KINDS = ("branch", "commit", "channel", "pr", "user")
MAX_REF_BYTES = 200
"""Of a ref's name in its encoded form, without its kind."""

SCHEMES = ("file", "s3", "gs", "az", "oci", "github", "https", "http", "peer", "memory")

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_NUMBER = re.compile(r"[1-9][0-9]{0,17}\Z")
# What stays as it is in a path. Not the full stop at the beginning, which hides a file; no upper case, since
# two refs that differ by it would be one file on some file systems.
_KEPT = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_.+@")
_ENCODED = re.compile(r"(?:[a-z0-9\-_.+@]|%[0-9A-F]{2})+\Z")
_CONTROL = re.compile(r"[\x00-\x20\x7f]")


def digest_of(data: bytes | memoryview) -> str:
    """The name of a blob or manifest: SHA-256 of its bytes, 64 hexadecimal digits."""
    return sha256(data).hexdigest()


def is_digest(value: object) -> bool:
    """Whether `value` is the name of a blob or manifest."""
    return isinstance(value, str) and _DIGEST.match(value) is not None


def check_digest(value: str) -> str:
    """`value`, if it is the name of a blob or manifest. Raises InvalidArtifactNameError."""
    if not is_digest(value):
        raise InvalidArtifactNameError(
            f"{value!r:.100} is no digest", advice="a digest is 64 hexadecimal digits, with sha256: before"
        )
    return value


def is_ref(value: object) -> bool:
    """Whether `value` is a valid ref."""
    if not isinstance(value, str) or not value.isprintable():
        return False
    kind, _, name = value.partition("/")
    if kind not in REF_KINDS or not name or len(_encoded(name)) > MAX_REF_BYTES:
        return False
    if kind == "commit":
        return _COMMIT.match(name) is not None
    return kind != "pr" or _NUMBER.match(name) is not None


def check_ref(value: str) -> str:
    """`value`, if it is a valid ref. Raises InvalidArtifactNameError."""
    if not is_ref(value):
        raise InvalidArtifactNameError(
            f"{value!r:.300} is no ref",
            advice="a ref is branch/NAME, commit/<40 hex digits>, channel/NAME, pr/NUMBER or user/NAME",
        )
    return value


def ref_path(ref: str) -> str:
    """Where a remote keeps a ref, below its root: `refs/branch/feature%2Fx`."""
    kind, _, name = check_ref(ref).partition("/")
    return f"{REFS}/{kind}/{_encoded(name)}"


def parse_ref_path(path: str) -> str | None:
    """The ref that is kept at a path below the root; None for anything else there."""
    top, _, rest = path.partition("/")
    kind, _, encoded = rest.partition("/")
    if top != REFS or _ENCODED.match(encoded) is None:
        return None
    try:
        ref = f"{kind}/{unquote(encoded, errors='strict')}"
    except UnicodeDecodeError:
        return None
    # What has another encoding is another's file: one ref has one path.
    return ref if is_ref(ref) and ref_path(ref) == path else None


def blob_path(digest: str) -> str:
    """Where a remote keeps a blob, below its root."""
    return f"{BLOBS}/sha256/{check_digest(digest)[:2]}/{digest}"


def parse_blob_path(path: str) -> str | None:
    """The digest of the blob at a path below the root; None for anything else there."""
    digest = path.rpartition("/")[2]
    return digest if is_digest(digest) and blob_path(digest) == path else None


def manifest_path(digest: str) -> str:
    """Where a remote keeps a manifest, below its root."""
    return f"{MANIFESTS}/sha256/{check_digest(digest)}"


def parse_manifest_path(path: str) -> str | None:
    """The digest of the manifest at a path below the root; None for anything else there."""
    digest = path.rpartition("/")[2]
    return digest if is_digest(digest) and manifest_path(digest) == path else None


def scheme_of(url: str) -> str:
    """The scheme of a remote's URL. Raises InvalidArtifactNameError, also for credentials in it."""
    try:
        parts = urlsplit(url)
        # Reading the port checks it.
        _ = parts.port
    except ValueError as error:
        raise InvalidArtifactNameError(f"{url!r:.200} is no URL: {error}", advice=_FORMS) from None
    if parts.scheme not in SCHEMES or _CONTROL.search(url):
        raise InvalidArtifactNameError(f"{url!r:.200} is no URL of a remote", advice=_FORMS)
    if parts.password is not None or (parts.username and parts.scheme in ("http", "https", "s3", "oci")):
        # Not shown: it is in logs and in the history of the shell already, and need not be in more.
        raise InvalidArtifactNameError(
            f"the {parts.scheme}:// URL has credentials in it",
            advice="leave them out: they are taken from the environment, as that store's own tools do",
        )
    return parts.scheme


_FORMS = (
    "a remote is file:///PATH, s3://BUCKET/PATH, gs://BUCKET/PATH, az://CONTAINER/PATH, oci://HOST/REPOSITORY,"
    " github://OWNER/REPOSITORY, https://HOST/PATH or peer://HOST:PORT"
)


def _encoded(name: str) -> str:
    return "".join(
        chr(byte) if byte in _KEPT and not (byte == 0x2E and at == 0) else f"%{byte:02X}"
        for at, byte in enumerate(name.encode("utf-8", "surrogatepass"))
    )
