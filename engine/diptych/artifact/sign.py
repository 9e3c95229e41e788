"""Signatures of manifests and refs, in the form of minisign.

The signature of a manifest is kept beside it. A ref is signed each time it is moved: its body is followed by
a newline and the signature. The trusted comment, which is signed too, names what was signed, so that the
signature of one ref is none of another. An old state of a ref is known by its serial, and one that someone
holds back by its expiry: both are in what is signed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from diptych import fs
from diptych.artifact.errors import HostileArtifactError, UnknownArtifactError, UntrustedError
from diptych.errors import InvalidArgumentError
from diptych.fs import importing

if TYPE_CHECKING:
    from minisign import PublicKey, SecretKey, Signature

_KEY_MOST_BYTES = 4_096
_SEPARATOR = b"\n"
_MANIFEST = "diptych manifest"
_REF = "diptych ref "


@dataclass(frozen=True)
class SigningKey:
    """A secret key. Its representation shows nothing of it."""

    _key: SecretKey

    @classmethod
    def load(cls, path: str, password: str | None = None) -> SigningKey:
        """The key in a file of minisign. Raises InvalidArgumentError, StorageError."""
        with importing("minisign"):
            import minisign

        with fs.translated("read", path):
            try:
                data = fs.read_bounded(path, _KEY_MOST_BYTES)
            except FileNotFoundError:
                raise UnknownArtifactError(
                    f"there is no key at {path}", advice="`diptych artifact key new` makes one"
                ) from None
        damaged = InvalidArgumentError(f"{path} is no secret key of minisign, or its password is another")
        try:
            key = minisign.SecretKey.from_bytes(data)
        except (minisign.Error, ValueError) as error:
            raise damaged from error
        if key.is_encrypted():
            if password is None:
                raise InvalidArgumentError(
                    f"the key {path} has a password", advice="give it in DIPTYCH_KEY_PASSWORD"
                )
            try:
                key.decrypt(password)
            except (minisign.Error, ValueError) as error:
                raise damaged from error
        return cls(key)

    @property
    def public(self) -> str:
        """The public key, as `trust.toml` has it."""
        with importing("minisign"):
            from minisign import PublicKey

        return str(PublicKey.from_secret_key(self._key).to_base64(), "ascii")

    def sign_manifest(self, data: bytes) -> bytes:
        """The signature of a manifest's bytes."""
        return self._signed(data, _MANIFEST)

    def sign_ref(self, name: str, body: bytes) -> bytes:
        """A ref's body with its signature."""
        # Without a newline at its end, which a commit's message may lose.
        return body + _SEPARATOR + self._signed(body, _REF + name).rstrip(_SEPARATOR)

    def _signed(self, data: bytes, comment: str) -> bytes:
        signature = self._key.sign(data, prehash=True, trusted_comment=comment, untrusted_comment="diptych")
        return bytes(signature) + b"\n"

    def __repr__(self) -> str:
        return f"SigningKey({self.public})"


def new_key(path: str, password: str | None = None) -> SigningKey:
    """Make a key, its secret in a file that only this user can read, and `<path>.pub` beside it.

    Raises InvalidArgumentError where something is at `path`, StorageError.
    """
    with importing("minisign"):
        import minisign

    pair = minisign.KeyPair.generate()
    made = SigningKey(pair.secret_key)
    public = bytes(pair.public_key) + b"\n"
    if password is not None:
        pair.secret_key.encrypt(password)
    with fs.translated("write", path):
        os.makedirs(os.path.dirname(os.path.abspath(path)), mode=0o700, exist_ok=True)
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise InvalidArgumentError(
                f"{path} exists already", advice="name another file: a lost key cannot be made again"
            ) from None
        with os.fdopen(fd, "wb") as file:
            file.write(bytes(pair.secret_key) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    fs.atomic_write(f"{path}.pub", public)
    if password is not None:
        pair.secret_key.decrypt(password)
    return made


def parse_public_key(text: str) -> PublicKey:
    """A public key: the line that begins with RW. Raises InvalidArgumentError."""
    with importing("minisign"):
        import minisign

    try:
        return minisign.PublicKey.from_base64(text.strip())
    except (minisign.Error, ValueError) as error:
        raise InvalidArgumentError(
            f"{text[:80]!r} is no public key of minisign", advice="it is the second line of the .pub file"
        ) from error


def split_ref(data: bytes) -> tuple[bytes, bytes | None]:
    """A ref's body, and the signature that follows it, if one does."""
    body, separator, signature = data.partition(_SEPARATOR)
    return body, signature if separator else None


def verify_manifest(data: bytes, signature: bytes | None, keys: list[str], *, where: str) -> None:
    """Raise UntrustedError unless one of `keys` signed the manifest."""
    _verify(data, signature, keys, _MANIFEST, where)


def verify_ref(name: str, body: bytes, signature: bytes | None, keys: list[str], *, where: str) -> None:
    """Raise UntrustedError unless one of `keys` signed this body for the ref `name`."""
    _verify(body, signature, keys, _REF + name, where)


def _verify(data: bytes, signature: bytes | None, keys: list[str], comment: str, where: str) -> None:
    with importing("minisign"):
        import minisign

    if signature is None:
        raise UntrustedError(f"{where} is not signed, and trust.toml requires a signature")
    found = _parsed(signature, where)
    for text in keys:
        key = parse_public_key(text)
        try:
            key.verify(data, found)
        except minisign.VerifyError:
            continue
        if found.trusted_comment != comment:
            raise UntrustedError(
                f"{where} has a signature that was made for something else ({found.trusted_comment[:80]!r})",
                advice="someone put it there: ask who keeps the remote; nothing was installed",
            )
        return
    raise UntrustedError(f"{where} is signed by key {_key_id(found)}, which trust.toml does not name")


def _parsed(signature: bytes, where: str) -> Signature:
    with importing("minisign"):
        import minisign

    try:
        return minisign.Signature.from_bytes(signature.rstrip(b"\n"))
    except (minisign.Error, ValueError) as error:
        raise HostileArtifactError(f"{where} has a signature that is none", where=where) from error


def _key_id(signature: Signature) -> str:
    return bytes(signature._key_id)[::-1].hex().upper()
