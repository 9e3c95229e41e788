"""Signatures and policies: what is believed, and what each kind of deceit is called."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from diptych.artifact.errors import (
    CorruptArtifactError,
    HostileArtifactError,
    InvalidArtifactNameError,
    UnknownArtifactError,
    UntrustedError,
)
from diptych.artifact.names import digest_of
from diptych.artifact.remotes.opening import open_remote
from diptych.artifact.sign import (
    SigningKey,
    new_key,
    parse_public_key,
    split_ref,
    verify_manifest,
    verify_ref,
)
from diptych.artifact.trust import (
    DIGEST,
    SIGNATURE,
    TLS,
    Policy,
    Trust,
    Verifier,
    add_key,
    default_path,
    parse_pin,
)
from diptych.errors import InvalidArgumentError

MANIFEST = b'{"format":1}'
DIGEST_OF_IT = digest_of(MANIFEST)
BODY = b'{"format":1,"kind":"ref"}'
DAY_MS = 24 * 60 * 60 * 1000
NOW_MS = 1_800_000_000_000
URL = "s3://bucket/indexes"


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return new_key(str(tmp_path / "keys" / "diptych.key"))


def verifier(policy: Policy, pin: str = "") -> Verifier:
    return Verifier(URL, policy, pin, now_ms=lambda: NOW_MS)


def test_a_key_is_readable_by_its_user_alone_and_shows_nothing(tmp_path: Path) -> None:
    path = tmp_path / "k"
    made = new_key(str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert SigningKey.load(str(path)).public == made.public
    assert (tmp_path / "k.pub").read_text().splitlines()[1] == made.public
    assert path.read_text().splitlines()[1] not in repr(made)
    with pytest.raises(InvalidArgumentError, match="exists already"):
        new_key(str(path))
    with pytest.raises(UnknownArtifactError):
        SigningKey.load(str(tmp_path / "none"))


def test_a_key_with_a_password(tmp_path: Path) -> None:
    path = str(tmp_path / "k")
    made = new_key(path, password="of the tests")
    assert verified(made.sign_manifest(MANIFEST), made)
    assert SigningKey.load(path, "of the tests").public == made.public
    with pytest.raises(InvalidArgumentError, match="has a password"):
        SigningKey.load(path)
    with pytest.raises(InvalidArgumentError):
        SigningKey.load(path, "another")


def verified(signature: bytes, key: SigningKey) -> bool:
    verify_manifest(MANIFEST, signature, [key.public], where="m")
    return True


def test_a_manifest_is_believed_with_a_signature_of_a_known_key(key: SigningKey, tmp_path: Path) -> None:
    other = new_key(str(tmp_path / "other"))
    signature = key.sign_manifest(MANIFEST)
    verify_manifest(MANIFEST, signature, [other.public, key.public], where="m")
    with pytest.raises(UntrustedError, match=r"signed by key [0-9A-F]{16}, which trust\.toml does not name"):
        verify_manifest(MANIFEST, signature, [other.public], where="m")
    with pytest.raises(UntrustedError, match="does not name"):
        verify_manifest(MANIFEST + b" ", signature, [key.public], where="m")
    with pytest.raises(UntrustedError, match="is not signed"):
        verify_manifest(MANIFEST, None, [key.public], where="m")
    for flipped in range(0, len(signature) - 1, 7):
        damaged = bytearray(signature)
        damaged[flipped] ^= 1
        if bytes(damaged).splitlines()[1:] != signature.splitlines()[1:]:
            with pytest.raises((UntrustedError, HostileArtifactError)):
                verify_manifest(MANIFEST, bytes(damaged), [key.public], where="m")


@pytest.mark.parametrize("nonsense", [b"", b"\n\n\n\n", b"untrusted comment: x\nRW\n", b"\xff" * 100])
def test_a_signature_that_is_none_is_refused(key: SigningKey, nonsense: bytes) -> None:
    with pytest.raises(HostileArtifactError):
        verify_manifest(MANIFEST, nonsense, [key.public], where="m")


def test_the_signature_of_a_ref_is_that_of_no_other(key: SigningKey) -> None:
    signed = key.sign_ref("branch/main", BODY)
    body, signature = split_ref(signed)
    assert body == BODY
    verify_ref("branch/main", body, signature, [key.public], where="r")
    with pytest.raises(UntrustedError, match="made for something else"):
        verify_ref("channel/stable", body, signature, [key.public], where="r")
    with pytest.raises(UntrustedError, match="made for something else"):
        verify_manifest(body, signature, [key.public], where="m")
    assert split_ref(BODY) == (BODY, None)


@pytest.mark.skipif(shutil.which("minisign") is None, reason="minisign is not installed")
def test_minisign_makes_and_verifies_the_same_signatures(tmp_path: Path) -> None:
    def minisign(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["minisign", *arguments], cwd=tmp_path, check=False, capture_output=True, input=b"\n\n"
        )

    (tmp_path / "manifest").write_bytes(MANIFEST)
    ours = new_key(str(tmp_path / "ours"))
    (tmp_path / "manifest.minisig").write_bytes(ours.sign_manifest(MANIFEST))
    assert minisign("-Vm", "manifest", "-P", ours.public).returncode == 0
    (tmp_path / "manifest").write_bytes(MANIFEST + b"x")
    assert minisign("-Vm", "manifest", "-P", ours.public).returncode != 0
    # And the other way round, with a key that it made.
    (tmp_path / "manifest").write_bytes(MANIFEST)
    assert minisign("-GW", "-p", "theirs.pub", "-s", "theirs").returncode == 0
    theirs = SigningKey.load(str(tmp_path / "theirs"))
    assert (tmp_path / "theirs.pub").read_text().splitlines()[1] == theirs.public
    assert minisign("-Sm", "manifest", "-s", "theirs", "-t", "diptych manifest").returncode == 0
    verify_manifest(MANIFEST, (tmp_path / "manifest.minisig").read_bytes(), [theirs.public], where="m")


# Policies.


def test_the_longest_url_that_is_above_counts(key: SigningKey) -> None:
    trust = Trust(
        (
            Policy("s3://bucket", DIGEST),
            Policy("s3://bucket/indexes/", SIGNATURE, (key.public,)),
            Policy("peer://10.0.0.1", TLS),
        )
    )
    assert trust.policy_of("s3://bucket/indexes/team").require == SIGNATURE
    assert trust.policy_of("s3://bucket/other").require == DIGEST
    assert trust.policy_of("s3://bucket2").require == TLS
    assert trust.policy_of("peer://10.0.0.1").require == TLS
    # Anyone may be at the other end of a peer: it has to be said that they are believed.
    assert trust.policy_of("peer://10.0.0.2:1").require == DIGEST


def test_a_remote_has_its_policy_however_it_is_written(key: SigningKey, tmp_path: Path) -> None:
    folder = os.fspath(tmp_path / "an index")
    quoted = folder.replace(" ", "%20")
    for number, url in enumerate(
        (folder, f"file://{quoted}", f"FILE://localhost{quoted}/", f"file://{quoted}/../an%20index")
    ):
        path = os.fspath(tmp_path / f"{number}.toml")
        add_key(path, url, key.public)
        with open_remote(folder) as remote:
            assert Trust.from_file(path).policy_of(remote.url).require == SIGNATURE, url
        with pytest.raises(InvalidArgumentError):
            add_key(path, folder, key.public)
    trust = Trust((Policy("https://Example.org/x/", SIGNATURE, (key.public,)),))
    assert trust.policy_of("HTTPS://example.org/x").require == SIGNATURE
    for wrong in ("indexes", "ftp://x/y", "file://host/x"):
        with pytest.raises(InvalidArtifactNameError):
            add_key(os.fspath(tmp_path / "wrong.toml"), wrong, key.public)


def test_a_file_of_policies(key: SigningKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "diptych" / "trust.toml"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("DIPTYCH_TRUST", raising=False)
    assert default_path() == str(path)
    assert Trust.from_file() == Trust()
    added = add_key(str(path), URL, key.public)
    add_key(str(path), "oci://host/team", key.public)
    assert Trust.from_file().policies == (added, Policy("oci://host/team", SIGNATURE, (key.public,)))
    with pytest.raises(InvalidArgumentError, match="already"):
        add_key(str(path), URL, key.public)
    with pytest.raises(InvalidArgumentError, match="no public key"):
        add_key(str(path), "s3://x", "nonsense")
    monkeypatch.setenv("DIPTYCH_TRUST", str(tmp_path / "none.toml"))
    assert Trust.from_file() == Trust()


@pytest.mark.parametrize(
    "text",
    [
        "[[remote]]\n",
        '[[remote]]\nurl = "s3://x"\nrequire = "hope"\n',
        '[[remote]]\nurl = "s3://x"\nrequire = "signature"\n',
        '[[remote]]\nurl = "s3://x"\nrequire = "tls"\nkeys = ["nonsense"]\n',
        '[[remote]]\nurl = "s3://x"\nrequire = "tls"\nmax_age_days = -1\n',
        '[[remote]]\nurl = "s3://x"\nrequire = "tls"\nkyes = []\n',
        '[remotes]\nurl = "s3://x"\n',
        "nonsense",
    ],
)
def test_a_file_that_makes_no_sense_is_not_taken_for_no_policy(tmp_path: Path, text: str) -> None:
    path = tmp_path / "trust.toml"
    path.write_text(text)
    with pytest.raises(InvalidArgumentError, match="makes no sense"):
        Trust.from_file(str(path))


def test_a_ref_must_be_signed_where_that_is_required(key: SigningKey) -> None:
    strict = verifier(Policy(URL, SIGNATURE, (key.public,)))
    signed = key.sign_ref("branch/main", BODY)
    assert strict.opened_ref("branch/main", signed) == BODY
    with pytest.raises(UntrustedError):
        strict.opened_ref("branch/main", BODY)
    with pytest.raises(UntrustedError):
        strict.opened_ref("branch/other", signed)
    # Elsewhere a signature that nobody asked for is left aside.
    assert verifier(Policy()).opened_ref("branch/main", signed) == BODY


def test_a_ref_that_was_put_back_or_held_back_is_refused() -> None:
    def stale(policy: Policy, **more: int) -> None:
        fields = {"moved_ms": NOW_MS - DAY_MS, "expires_ms": 0, "serial": 42, "known_serial": 42}
        verifier(policy).refuse_stale("branch/main", **{**fields, **more})

    stale(Policy())
    with pytest.raises(UntrustedError, match="serial 40, which is older than 42"):
        stale(Policy(), serial=40)
    stale(Policy(), expires_ms=NOW_MS)
    with pytest.raises(UntrustedError, match="expired on 2027-01-15"):
        stale(Policy(), expires_ms=NOW_MS - 1)
    aged = Policy(URL, TLS, (), 30)
    stale(aged, moved_ms=NOW_MS - 30 * DAY_MS)
    with pytest.raises(UntrustedError, match="more than 30 days ago"):
        stale(aged, moved_ms=NOW_MS - 31 * DAY_MS)
    with pytest.raises(UntrustedError, match="yet to come"):
        stale(aged, moved_ms=NOW_MS + 9 * DAY_MS)


def test_a_pin_says_more_than_a_key(key: SigningKey) -> None:
    def never() -> bytes | None:
        raise AssertionError("the signature was asked for")

    strict = Policy(URL, SIGNATURE, (key.public,))
    verifier(strict, DIGEST_OF_IT).check_manifest(DIGEST_OF_IT, MANIFEST, never)
    verifier(Policy(URL, DIGEST), DIGEST_OF_IT).check_manifest(DIGEST_OF_IT, MANIFEST, never)
    verifier(Policy()).check_manifest(DIGEST_OF_IT, MANIFEST, never)
    verifier(strict).check_manifest(DIGEST_OF_IT, MANIFEST, lambda: key.sign_manifest(MANIFEST))
    with pytest.raises(UntrustedError, match="not signed"):
        verifier(strict).check_manifest(DIGEST_OF_IT, MANIFEST, lambda: None)
    with pytest.raises(UntrustedError, match="not the pinned"):
        verifier(Policy(), "0" * 64).check_manifest(DIGEST_OF_IT, MANIFEST, never)
    with pytest.raises(UntrustedError, match="pinned digests alone"):
        verifier(Policy(URL, DIGEST)).check_manifest(DIGEST_OF_IT, MANIFEST, never)
    with pytest.raises(CorruptArtifactError):
        verifier(Policy()).check_manifest(DIGEST_OF_IT, MANIFEST + b" ", never)


def test_pins_are_parsed() -> None:
    assert parse_pin("branch/main") == ("branch/main", "")
    assert parse_pin(f"branch/main@sha256:{DIGEST_OF_IT}") == ("branch/main", DIGEST_OF_IT)
    assert parse_pin(f"@sha256:{DIGEST_OF_IT}") == ("", DIGEST_OF_IT)
    with pytest.raises(InvalidArgumentError):
        parse_pin("branch/main@sha256:abc")


@pytest.mark.parametrize("text", ["", "RW", "x" * 56, "RWQ" + "é" * 53])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgumentError):
        parse_public_key(text)
