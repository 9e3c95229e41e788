"""Find secrets in text: by the forms of this package, and by the detectors of detect-secrets."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

from diptych.fs import importing
from diptych.secrets.forms import (
    FORMS,
    LONG_FORMS,
    Form,
    entropy_bits,
    is_placeholder,
    is_suspect,
)
from diptych.secrets.suspects import suspect_lines

# No name, signature or comment in a record is longer, and some detectors take long for long lines.
_DETECTED_CHARS = 4096
_OVERLAP_CHARS = 640
# Detectors of detect-secrets with forms that are not in FORMS, or of which it knows more.
_DETECTORS = {
    "aws": "AWSKeyDetector",
    "azure_storage_key": "AzureStorageKeyDetector",
    "cloudant": "CloudantDetector",
    "discord": "DiscordBotTokenDetector",
    "github_token": "GitHubTokenDetector",
    "gitlab_token": "GitLabTokenDetector",
    "ibm_cloud_iam": "IbmCloudIamDetector",
    "ibm_cos_hmac": "IbmCosHmacDetector",
    "mailchimp": "MailchimpDetector",
    "npm": "NpmDetector",
    "openai": "OpenAIDetector",
    "private_key": "PrivateKeyDetector",
    "pypi_token": "PypiTokenDetector",
    "sendgrid": "SendGridDetector",
    "slack": "SlackDetector",
    "softlayer": "SoftlayerDetector",
    "square_oauth": "SquareOAuthDetector",
    "stripe": "StripeDetector",
    "telegram_token": "TelegramBotTokenDetector",
}
# Some detectors give the prefix of a token alone: FORMS has these tokens.
_LEAST_CHARS = 10
_RANDOM_KIND = "random string"
_RANDOM_LEAST_CHARS = 32
_RANDOM_LEAST_BITS = 4.5
_CLASSES = (string.ascii_lowercase, string.ascii_uppercase, string.digits)

Detector = tuple[str, Callable[[str], Iterable[str]]]


class Secret(NamedTuple):
    """A secret: its kind, and where in the text it is."""

    kind: str
    start: int
    end: int


def find(text: str) -> list[Secret]:
    """The secrets in `text`, in order, none within another. Most text takes a microsecond.

    Raises ModuleNotFoundError where detect-secrets is not installed.
    """
    if not is_suspect(text):
        return []
    found = list(_by_form(text, LONG_FORMS))
    for at, part in suspect_lines(text):
        for start, line in _lines(part):
            if is_suspect(line):
                near = [*_by_form(line, FORMS), *_by_detector(line)]
                found += [Secret(kind, at + start + first, at + start + last) for kind, first, last in near]
    found.sort(key=lambda one: (one.start, -one.end))
    apart: list[Secret] = []
    for one in found:
        if not apart or one.start >= apart[-1].end:
            apart.append(one)
        elif one.end > apart[-1].end:
            apart[-1] = apart[-1]._replace(end=one.end)
    return apart


def require() -> None:
    """Load what `find` needs. Raises ModuleNotFoundError where detect-secrets is not installed."""
    _detectors()


def _by_form(text: str, forms: Iterable[Form]) -> Iterable[Secret]:
    for kind, pattern, vague in forms:
        group = "secret" if "secret" in pattern.groupindex else 0
        for match in pattern.finditer(text):
            if not is_placeholder(match[group], vague=vague):
                yield Secret(kind, *match.span(group))


def _by_detector(line: str) -> Iterable[Secret]:
    random, detectors = _detectors()
    for kind, analyze in detectors:
        for value in analyze(line):
            if len(value) >= _LEAST_CHARS and not is_placeholder(value, vague=False):
                yield from _places(kind, value, line)
    for value in random(line):
        if _is_random(value):
            yield from _places(_RANDOM_KIND, value, line)


def _lines(text: str) -> Iterable[tuple[int, str]]:
    """The lines, and long ones in parts that overlap, with where each begins."""
    start = 0
    for line in text.splitlines(keepends=True):
        for offset in range(0, len(line), _DETECTED_CHARS - _OVERLAP_CHARS):
            yield start + offset, line[offset : offset + _DETECTED_CHARS]
        start += len(line)


def _places(kind: str, value: str, line: str) -> Iterable[Secret]:
    at = line.find(value)
    while at >= 0:
        yield Secret(kind, at, at + len(value))
        at = line.find(value, at + len(value))


def _is_random(value: str) -> bool:
    """Whether a quoted string can hardly be anything else: no name, no path, no digest in hexadecimal."""
    return (
        len(value) >= _RANDOM_LEAST_CHARS
        and all(any(char in of for char in value) for of in _CLASSES)
        and entropy_bits(value) > _RANDOM_LEAST_BITS
        and not is_placeholder(value, vague=True)
        and value.rstrip("=") not in _ALPHABETS
        and not any(run in value for run in _RUNS)
    )


_RUNS = (string.ascii_lowercase[:8], string.ascii_uppercase[:8], string.digits[:8])
_ALPHABETS = (string.ascii_letters + string.digits, string.digits + string.ascii_letters)


@lru_cache(maxsize=1)
def _detectors() -> tuple[Callable[[str], Iterable[str]], list[Detector]]:
    """What finds quoted strings of random characters, and the detectors, each with its kind."""
    from importlib import import_module

    with importing("detect-secrets"):
        from detect_secrets.plugins.high_entropy_strings import Base64HighEntropyString

        detectors: list[Detector] = []
        for module, name in _DETECTORS.items():
            plugin = getattr(import_module(f"detect_secrets.plugins.{module}"), name)()
            detectors.append((plugin.secret_type, plugin.analyze_string))
    return Base64HighEntropyString().analyze_string, detectors
