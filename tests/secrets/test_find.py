"""Secrets are found whatever surrounds them; what only looks like one is not."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tools.leaks.planted import Planted, planted

from diptych import secrets
from diptych.secrets import find, masked, redacted, suspects, unmasked
from diptych.secrets.find import _DETECTORS, _detectors
from diptych.secrets.forms import FORMS, LONG_FORMS

PLANTED = planted(seed=7, of_each=6)
CLEAN = [
    'password = "password"',
    'PASSWORD_RESET_TOKEN = "password_reset_token_generator"',
    'def connect(password="<your password here>")',
    'url = "https://user:password@example.com/"',
    "postgresql://user:${PASSWORD}@host/db",
    'token = "tokenize.generate_tokens"',
    'SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"',
    'AWS_KEY = "AKIAIOSFODNN7EXAMPLE"',
    'TOKEN = "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"',
    'ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"',
    "def sk_learn_pipeline_with_a_name_that_is_very_long_indeed(): pass",
    "the token that the server gives is described in RFC 7519",
    'api_key = "…"',
]


@pytest.mark.parametrize("one", PLANTED, ids=lambda one: f"{one.kind}-{one.line[:20]}")
def test_a_planted_secret_is_found(one: Planted) -> None:
    found = find(one.line)
    assert found
    start = one.line.index(one.secret)
    covered = "".join(one.line[secret.start : secret.end] for secret in found)
    assert one.secret in covered or one.line[start : start + len(one.secret)] in covered


@pytest.mark.parametrize("before", range(3_300, 4_200, 37))
def test_a_secret_is_found_wherever_it_is_in_a_long_line(before: int) -> None:
    secret = "ghp_" + "aB3dE6gH9j" * 4
    (found,) = find(f"{'x ' * (before // 2)}'{secret}'{' y' * 3_000}")
    assert found.end - found.start == len(secret)


@pytest.mark.parametrize("text", CLEAN)
def test_what_is_no_secret_is_not_found(text: str) -> None:
    assert find(text) == []


@pytest.mark.parametrize("one", PLANTED, ids=lambda one: f"{one.kind}-{one.line[:20]}")
def test_redacting_leaves_nothing_of_it(one: Planted) -> None:
    clean = redacted(one.line)
    assert "…" in clean
    assert find(clean) == []
    assert one.secret[-10:] not in clean


@settings(max_examples=40)
@given(
    st.lists(
        st.one_of(
            st.sampled_from([one.line for one in PLANTED]),
            st.sampled_from([one.secret for one in PLANTED]),
            st.text(max_size=20),
            st.sampled_from(["password=", "'", '"', "://", "@", ":", "…", "-----BEGIN PRIVATE KEY-----"]),
        ),
        max_size=8,
    )
)
def test_redacting_ends_and_leaves_none(parts: list[str]) -> None:
    assert find(redacted("".join(parts))) == []


@settings(max_examples=40)
@given(
    st.lists(
        st.one_of(st.binary(max_size=20), st.sampled_from([one.line.encode() for one in PLANTED])), max_size=6
    )
)
def test_masking_keeps_every_offset(parts: list[bytes]) -> None:
    source = b"\n".join(parts)
    hidden = masked(source)
    assert len(hidden) == len(source)
    assert [at for at, byte in enumerate(hidden) if byte == 10] == [
        at for at, byte in enumerate(source) if byte == 10
    ]


def test_the_filling_of_a_mask_becomes_one_mark() -> None:
    source = b'KEY = "ghp_' + b"aB3dE6gH9j" * 4 + b'"'
    assert unmasked(masked(source).decode()) == 'KEY = "…"'


def patterns() -> list[re.Pattern[str]]:
    """Of every form, and of every detector of detect-secrets that is used."""
    random, detectors = _detectors()
    plugins = [analyze.__self__ for _, analyze in detectors]  # type: ignore[attr-defined]
    found = [form.pattern for form in FORMS]
    found += [pattern for plugin in plugins for pattern in plugin.denylist]
    return [*found, random.__self__.regex]  # type: ignore[attr-defined]


def every_line(text: str) -> Iterator[tuple[int, str]]:
    at = 0
    for line in text.splitlines(keepends=True):
        yield at, line
        at += len(line)


@pytest.mark.parametrize("pattern", patterns(), ids=lambda one: one.pattern[:40])
@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_any_pattern_matches_is_in_a_suspect_line(
    pattern: re.Pattern[str], data: st.DataObject
) -> None:
    """Otherwise it would never be found: a detector with a new pattern needs a mark."""
    # Tokens are ASCII, though `\d` of a text is a digit of any script.
    pattern = re.compile(pattern.pattern, pattern.flags & ~re.UNICODE | re.ASCII)
    text = f"def f(): pass\n{data.draw(st.from_regex(pattern))}\nx = 1\n"
    with mock.patch("diptych.secrets.find.suspect_lines", every_line):
        everywhere = find(text)
    assert find(text) == everywhere


@pytest.mark.parametrize(
    "prefix", ["hf_", "ghp_", "github_pat_", "glpat-", "sk_live_", "rk_test_", "whsec_", "npm_", "AIza"]
)
def test_a_token_without_a_digit_is_found(prefix: str) -> None:
    secret = (prefix + "aBcDeFgHiJkLmNoPqRsTuVwXyZabcdefghijkl")[: 39 if prefix == "AIza" else None]
    ((_, start, end),) = find(f"Use {secret} here")
    assert (start, end) == (4, 4 + len(secret))


def test_lines_are_found_wherever_they_are_in_a_long_text() -> None:
    """Most lines are never made: what is found is the same as line by line."""
    token = "ghp_" + "Zx9Kq2Lm7Tn4Rv8Wc3Yb6Hd1Jf5Gs0Pa2Qe4"
    for filling in ("def f(): pass\n", "x\r", "\u0130 = 1\n", "\u2028", "", "a" * 5_000 + "\n"):
        for before, after in ((0, 3), (3, 0), (2, 2)):
            text = f"{filling * before}a = '{token}' \n{filling * after}b = '{token}'"
            assert [text[one.start : one.end] for one in find(text)] == [token, token], (filling, before)


@pytest.mark.parametrize("piece", ["://", "://:", "key", "pw:: ", "'aaaa", "gl", ".aaaaaa.aaaaaaaa", "-us1"])
def test_a_long_line_of_what_begins_a_secret_is_searched(piece: str) -> None:
    """In time about as its length: with a search to the end of the line for each, it would not end."""
    assert find(piece * (60_000 // len(piece))) == []


def test_the_version_rises_with_what_is_looked_for() -> None:
    # What an older scan looked through counts until the version rises: raise it, then the digest here.
    forms = [(one.kind, one.pattern.pattern, one.vague) for one in (*LONG_FORMS, *FORMS)]
    shapes = [one.pattern for one in (*suspects._EXACT_SHAPES, *suspects._SHAPES)]
    looked_for = repr((forms, sorted(_DETECTORS.items()), suspects._EXACT, suspects._FOLDED, shapes))
    digest = hashlib.sha256(looked_for.encode()).hexdigest()[:16]
    assert (secrets.VERSION, digest) == (1, "4888f2c94a4f8148")
