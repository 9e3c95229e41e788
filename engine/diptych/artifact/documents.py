"""Documents as canonical JSON, and the checks of what a stranger's document says.

Canonical means: sorted keys, no spaces, ASCII, integers and strings for numbers and text. What would be
encoded otherwise is refused, so that a document has one name: the SHA-256 of its bytes.
"""

from __future__ import annotations

import json
import re
from typing import Any

from diptych.artifact.errors import HostileArtifactError, IncompatibleArtifactError

FORMAT = 1
_MOST = 2**63 - 1
_TEXT_MOST = 4_096
_HASH = re.compile(r"[0-9a-f]{64}\Z")
_NESTING_MOST = 8


def canonical(value: Any) -> bytes:
    """The one encoding of a JSON value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def parse_canonical(data: bytes, most_bytes: int) -> Any:
    """The JSON value with that one encoding. Raises ValueError."""
    if len(data) > most_bytes:
        raise ValueError(f"it has {len(data):,} bytes, more than {most_bytes:,}")
    try:
        value = json.loads(
            data.decode("ascii"), parse_float=_no_float, parse_int=_int, parse_constant=_no_float
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    _refuse_nested(value, _NESTING_MOST)
    if canonical(value) != data:
        raise ValueError("it is not canonical JSON")
    return value


def parse_document(data: bytes, most_bytes: int, where: str, *, kind: str) -> dict[str, Any]:
    """The fields of a document of that kind. Raises HostileArtifactError, IncompatibleArtifactError."""
    try:
        body = parse_canonical(data, most_bytes)
        require(type(body) is dict and type(body.get("format")) is int, "no document of Diptych")
    except ValueError as error:
        raise hostile(where, error) from error
    if body["format"] > FORMAT:
        raise IncompatibleArtifactError(
            f"{where} is of format {body['format']}, and this Diptych reads up to format {FORMAT}"
        )
    critical = body.get("critical")
    if body["format"] < 1 or body.get("kind") != kind or type(critical) is not list:
        raise hostile(where, ValueError(f"it is no {kind}"))
    if critical:
        raise IncompatibleArtifactError(
            f"{where} needs what this Diptych does not know: {', '.join(map(str, critical))[:200]}"
        )
    assert isinstance(body, dict)
    return body


def read_texts(body: Any) -> dict[str, str]:
    """A table of texts. Raises ValueError, as the others do."""
    require(type(body) is dict and len(body) <= 1_024, "a table of texts")
    return {read_text(name): read_text(value) for name, value in body.items()}


def read_list(value: Any, most: int) -> list[Any]:
    """A list of at most so many."""
    require(type(value) is list and len(value) <= most, "the length of a list")
    assert isinstance(value, list)
    return value


def read_text(value: Any) -> str:
    """A text."""
    require(type(value) is str and len(value) <= _TEXT_MOST, "a text")
    assert isinstance(value, str)
    return value


def read_hash(value: Any) -> str:
    """64 hexadecimal digits."""
    require(type(value) is str and _HASH.match(value) is not None, "a hash")
    assert isinstance(value, str)
    return value


def read_number(value: Any, most: int = _MOST) -> int:
    """A number from 0."""
    require(type(value) is int and 0 <= value <= most, "a number")
    assert isinstance(value, int)
    return value


def slots_of(value: Any) -> dict[str, Any]:
    """The fields of a dataclass, by name."""
    return {name: getattr(value, name) for name in value.__slots__}


def require(holds: object, what: str) -> None:
    """Raise ValueError unless it holds."""
    if not holds:
        raise ValueError(f"{what} makes no sense")


def hostile(where: str, error: Exception) -> HostileArtifactError:
    """The error for a document that makes no sense."""
    what = f"field {error} is missing" if isinstance(error, KeyError) else str(error)
    return HostileArtifactError(f"{where} is no artifact of Diptych: {what:.300}", where=where)


def _no_float(text: str) -> Any:
    raise ValueError(f"a number that is no integer: {text:.50}")


def _int(text: str) -> int:
    # Python takes quadratic time for long ones.
    if len(text) > 20:
        raise ValueError("a number of more than 20 digits")
    return int(text)


def _refuse_nested(value: Any, levels: int) -> None:
    """Raise ValueError for more than `levels` of lists and objects in each other."""
    below = list(value.values()) if type(value) is dict else value if type(value) is list else ()
    if levels == 0 and below != ():
        raise ValueError("it is nested too deeply")
    for one in below:
        if type(one) in (dict, list):
            _refuse_nested(one, levels - 1)
