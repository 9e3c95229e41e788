"""Made-up secrets of the kinds that turn up in repositories, and sources to plant them in."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable
from typing import NamedTuple

_ALNUM = string.ascii_letters + string.digits
_URL_SAFE = _ALNUM + "_-"
_BASE64 = _ALNUM + "+/"


class Planted(NamedTuple):
    """A secret: its kind, what must not leave, and the line of Python that has it."""

    kind: str
    secret: str
    line: str


def planted(seed: int, of_each: int) -> list[Planted]:
    """`of_each` secrets of every kind, in the places where names, signatures and documentation come from."""
    chance = random.Random(seed)
    made = []
    for kind, make in KINDS.items():
        for number in range(of_each):
            secret = make(chance)
            lines = _lines(kind, secret, f"{kind.replace(' ', '_').lower()}_{number}")
            made.append(Planted(kind, secret, lines[number % len(lines)]))
    return made


def _of(chance: random.Random, alphabet: str, length: int) -> str:
    return "".join(chance.choice(alphabet) for _ in range(length))


def _jwt(chance: random.Random) -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": _of(chance, string.digits, 10), "iat": 1516239022})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, _of(chance, _URL_SAFE, 43)])


def _private_key(chance: random.Random) -> str:
    body = "\\n".join(_of(chance, _BASE64, 64) for _ in range(3))
    kind = chance.choice(["RSA ", "EC ", "OPENSSH ", ""])
    return f"-----BEGIN {kind}PRIVATE KEY-----\\n{body}\\n-----END {kind}PRIVATE KEY-----"


def _password(chance: random.Random) -> str:
    # What a generator of passwords gives: of every class of characters.
    alphabet = _ALNUM + "!#%&*+-.:;=?@^_~"
    while True:
        made = _of(chance, alphabet, chance.randint(12, 20))
        if any(char.isdigit() for char in made) and any(not char.isalnum() for char in made):
            return made


KINDS: dict[str, Callable[[random.Random], str]] = {
    "private key": _private_key,
    "AWS access key": lambda c: "AKIA" + _of(c, string.ascii_uppercase + string.digits, 16),
    "AWS secret key": lambda c: _of(c, _BASE64, 40),
    "GitHub token": lambda c: c.choice(["ghp_", "gho_", "ghs_"]) + _of(c, _ALNUM, 36),
    "GitLab token": lambda c: "glpat-" + _of(c, _URL_SAFE, 20),
    "Slack token": lambda c: (
        f"xoxb-{_of(c, string.digits, 12)}-{_of(c, string.digits, 12)}-{_of(c, _ALNUM, 24)}"
    ),
    "Stripe key": lambda c: c.choice(["sk_live_", "rk_live_"]) + _of(c, _ALNUM, 24),
    "Google API key": lambda c: "AIza" + _of(c, _URL_SAFE, 35),
    "npm token": lambda c: "npm_" + _of(c, _ALNUM, 36),
    "PyPI token": lambda c: "pypi-AgEIcHlwaS5vcmc" + _of(c, _URL_SAFE, 80),
    "SendGrid key": lambda c: f"SG.{_of(c, _URL_SAFE, 22)}.{_of(c, _URL_SAFE, 43)}",
    "JSON web token": _jwt,
    "Azure storage key": lambda c: _of(c, _BASE64, 86) + "==",
    "password in a URL": lambda c: _of(c, _ALNUM, 14),
    "password": _password,
}


def _lines(kind: str, secret: str, name: str) -> list[str]:
    """Lines of Python that define something with the secret in its signature or documentation."""
    if kind == "password in a URL":
        url = f"postgresql://app:{secret}@db.internal:5432/orders"
        return [
            f'URL_{name} = "{url}"',
            f'def open_{name}(url="{url}"): pass',
            f'def doc_{name}():\n    """Connects to {url} by default."""',
        ]
    if kind == "Azure storage key":
        text = f"DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={secret};EndpointSuffix=x.net"
        return [f'BLOB_{name} = "{text}"', f'def blob_{name}(connection="{text}"): pass']
    if kind == "AWS secret key":
        return [
            f'AWS_SECRET_ACCESS_KEY_{name} = "{secret}"',
            f'def boto_{name}(aws_secret_access_key="{secret}"): pass',
            f'class Aws_{name}:\n    """aws_secret_access_key = \'{secret}\'."""',
        ]
    if kind == "password":
        return [
            f'DB_PASSWORD_{name} = "{secret}"',
            f"def connect_{name}(user='app', password='{secret}'): pass",
            f'class Client_{name}:\n    """Client(api_key="{secret}") connects."""',
            f'api_secret_{name}: str = "{secret}"',
        ]
    return [
        f'TOKEN_{name} = "{secret}"',
        f'def call_{name}(key="{secret}"): pass',
        f'def doc_{name}():\n    """Use {secret} for the staging system."""',
        f'CONFIG_{name} = {{"credential": "{secret}", "retries": 3}}',
    ]
