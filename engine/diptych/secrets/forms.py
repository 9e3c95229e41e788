"""The forms of secrets that are certain enough to stop what they are in.

Each is a pattern whose group `secret`, or else all of it, is the secret. A signature is cut at a length, and
so may its secrets be: a form takes the beginning of one before a `…` too.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import NamedTuple


class Form(NamedTuple):
    """A kind of secret. `vague`: its value may be anything, and must look like one that a person keeps."""

    kind: str
    pattern: re.Pattern[str]
    vague: bool = False


def _token(kind: str, prefix: str, body: str, least: int) -> Form:
    """A token with a prefix that nothing else has."""
    return Form(kind, re.compile(rf"(?<![A-Za-z0-9]){prefix}(?:{body}{{{least},512}}|{body}{{4,}}(?=…))"))


_WORDS = (
    r"passw(?:or)?d|passwd|passphrase|pwd|pass|secret|token|credential|"
    r"(?:api|auth|access|account|service|client|private|priv|signing|encryption|db|database)[_-]?key"
)
# The kind, group `secret` between quotes after an assignment to a name with one of the words.
_ASSIGNED = re.compile(
    rf"(?i)(?<![a-z])(?:[a-z0-9]{{1,32}}[_.-]){{0,6}}(?:{_WORDS})(?:[_-]?[a-z0-9]{{1,32}}){{0,3}}"
    r"""['"\]]{0,2}\s{0,4}(?::\s{0,4}[\w.&\[\] ]{1,40}?)?\s{0,4}(?::=|=>|={1,3}|:)\s{0,4}[@brfu]{0,2}"""
    r"""(?P<quote>['"`])(?P<secret>[^'"`\s]{8,512})(?:(?P=quote)|…)"""
)

LONG_FORMS = (
    Form(
        "private key",
        re.compile(
            r"-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
            r"(?:[A-Za-z0-9+/=\s\\,:'\"()-]{0,8000}?-----END (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY"
            r"(?: BLOCK)?-----"
            r"|[A-Za-z0-9+/=\s\\]{0,8000})"
        ),
    ),
)
"""Of several lines."""

FORMS = (
    Form(
        "AWS access key",
        re.compile(
            r"(?<![A-Za-z0-9])(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)(?:[A-Z0-9]{16}|[A-Z0-9]{4,15}(?=…))"
        ),
    ),
    Form(
        "AWS secret key",
        re.compile(
            r"(?i)aws[\w.\[\]'\"]{0,40}(?:secret|key|token)[\w.\[\]'\"]{0,40}[\s:=>(,]{1,8}(?:[a-z]{1,12}[\s=]{1,4})?"
            r"['\"](?P<secret>[A-Za-z0-9/+]{40}|[A-Za-z0-9/+]{12,40}(?=…))"
        ),
    ),
    _token("GitHub token", r"gh[pousr]_", r"[A-Za-z0-9]", 30),
    _token("GitHub token", r"github_pat_", r"[A-Za-z0-9_]", 22),
    _token("GitLab token", r"gl(?:pat|dt|ft|soat|rt|cbt|ptt|agent|imt|oas)-", r"[A-Za-z0-9_-]", 20),
    _token("Slack token", r"xox[abeoprs](?:\.xox[bp])?-", r"[A-Za-z0-9-]", 16),
    Form("Slack webhook", re.compile(r"hooks\.slack\.com/(?:services|workflows)/T\w{4,}/[\w/]{8,}")),
    _token("Stripe key", r"[rsw](?:k_live|k_test|hsec)_", r"[A-Za-z0-9]", 16),
    _token("Google API key", r"AIza", r"[A-Za-z0-9_-]", 35),
    _token("Google client secret", r"GOCSPX-", r"[A-Za-z0-9_-]", 20),
    _token("npm token", r"npm_", r"[A-Za-z0-9]", 36),
    _token("PyPI token", r"pypi-Ag", r"[A-Za-z0-9_-]", 40),
    _token("SendGrid key", r"SG\.", r"[A-Za-z0-9_.-]", 40),
    _token("OpenAI key", r"sk-(?:proj-|svcacct-|admin-)?", r"[A-Za-z0-9_-]", 40),
    _token("Anthropic key", r"sk-ant-", r"[A-Za-z0-9_-]", 24),
    _token("Hugging Face token", r"hf_", r"[A-Za-z]", 34),
    _token("DigitalOcean token", r"do[opr]_v1_", r"[a-f0-9]", 40),
    Form(
        "JSON web token",
        re.compile(
            r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{12,2000}(?:\.eyJ[A-Za-z0-9_-]{8,4000}(?:\.[A-Za-z0-9_-]{0,2000})?|…)"
        ),
    ),
    Form("Azure storage key", re.compile(r"(?i)AccountKey=(?P<secret>[A-Za-z0-9+/]{12,86}={0,2})")),
    Form("Telegram token", re.compile(r"(?<![A-Za-z0-9])[0-9]{8,10}:AA[A-Za-z0-9_-]{33}")),
    Form("Twilio key", re.compile(r"(?<![A-Za-z0-9])SK[0-9a-f]{32}(?![0-9A-Za-z])")),
    Form(
        "password in a URL",
        re.compile(
            r"[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s:/@'\"<>]{0,64}:(?P<secret>[^\s/@'\"<>]{3,128})@[\w.\[$-]"
        ),
        vague=True,
    ),
    Form("assigned secret", _ASSIGNED, vague=True),
)

# Without one of these no form can match, nor one of detect-secrets: most text has none.
_MARKS = (
    *("pass", "pwd", "secret", "token", "credential", "://", "-----begin"),
    # Tokens that may have no digit, or none in a run of other characters.
    *("hf_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "k_live_", "k_test_", "hsec_"),
    *("npm_", "pypi-ag", "aiza", "gocspx-"),
)
# A digit within sixteen such characters has eight of them before or after it.
_SUSPECT = re.compile(r"[0-9](?:[a-z0-9_/+=.-]{8}|(?<=[a-z0-9_/+=.-]{8}[0-9]))|(?<=[a-z])[_-]?key")


def is_suspect(text: str) -> bool:
    """Whether a secret may be in `text`: a quick look, before the forms."""
    lowered = text.lower()
    return any(mark in lowered for mark in _MARKS) or _SUSPECT.search(lowered) is not None


_PLACEHOLDER = re.compile(
    r"(?i)example|sample|placeholder|change.?me|your|dummy|redact|fake|foo|bar|test|hunter2$|"
    r"xxx|\*\*\*|<|>|\{|\}|\$\w|\$\(|%\(|%s|\.\.\.|…|\\|"
    r"^(?:my|the|some|new|old|a)?[_-]?(?:pass(?:word|wd)?|secret|token|key|pwd|user|name|admin|root|postgres)[0-9]{0,3}$"
)
_SAME = re.compile(r"(.)\1{7}")
# Words in one case, capitalised or not, joined as in a name.
_WORDY = re.compile(r"(?:[A-Z]?[a-z]+|[A-Z]+)(?:[_.:/ -](?:[A-Z]?[a-z]+|[A-Z]+))*[0-9]?\Z")
_CODE = re.compile(r"[\w.]+\(|^[a-z]+(?:[A-Z][a-z]+)+$|^\w+(?:\.\w+)+$|^[/.~]|^https?:|^[A-Z0-9_]+$")


def is_placeholder(value: str, *, vague: bool) -> bool:
    """Whether a value only shows where a secret goes.

    Of a `vague` form: whether it is a word, code or an example, rather than a value that a person keeps.
    """
    if not vague:
        return "EXAMPLE" in value or "…" in value[:-1] or _SAME.search(value) is not None
    if _PLACEHOLDER.search(value) or _SAME.search(value):
        return True
    return _WORDY.match(value) is not None or _CODE.search(value) is not None


def entropy_bits(value: str) -> float:
    """Bits of entropy of each character, by how often each occurs."""
    size = len(value)
    return -sum(count / size * math.log2(count / size) for count in Counter(value).values()) if size else 0.0
