"""How a value becomes a term of an exact-match index, so that the order of terms is the order of values.

str    UTF-8, as `os.fsencode` writes it: in the order of code points
bytes  as they are
int    eight bytes, big-endian, of the value plus 2**63: from -2**63 to 2**63 - 1
"""

from __future__ import annotations

from diptych.errors import InvalidArgumentError

Term = str | bytes | int

_OFFSET = 2**63


def encode_term(term: Term) -> bytes:
    """The bytes of a term, as `Schema.terms` gives them. Raises InvalidArgumentError."""
    if isinstance(term, str):
        try:
            return term.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise InvalidArgumentError(f"the term {term!r:.100} holds a lone surrogate") from None
    if isinstance(term, bytes):
        return term
    if isinstance(term, int) and not isinstance(term, bool):
        if -_OFFSET <= term < _OFFSET:
            return (term + _OFFSET).to_bytes(8, "big")
        raise InvalidArgumentError(
            f"the term {term} has more than 64 bits", advice="write it as a str"
        )
    raise InvalidArgumentError(f"a term is a str, bytes or an int, not {type(term).__name__}")


def decode_int(term: bytes) -> int:
    """The int of a term that `encode_term` made of one. Raises InvalidArgumentError."""
    if len(term) != 8:
        raise InvalidArgumentError(f"{term!r:.100} is not the term of an int")
    return int.from_bytes(term, "big") - _OFFSET
