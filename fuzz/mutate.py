"""A plain mutating fuzzer, for where atheris is not installed: no coverage, the corpus alone as its guide."""

from __future__ import annotations

import random
from collections.abc import Sequence

_MOST_BYTES = 64 * 1024
_INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63, 2**64 - 1)


def mutated(corpus: Sequence[bytes], rng: random.Random) -> bytes:
    """An input made of one or two of the corpus."""
    data = bytearray(rng.choice(corpus))
    for _ in range(1 << rng.randrange(5)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(7):
            case 0 if data:
                data[at % len(data)] ^= 1 << rng.randrange(8)
            case 1:
                data[at:at] = rng.randbytes(rng.randrange(1, 9))
            case 2:
                del data[at : at + rng.randrange(1, 17)]
            case 3:
                number, size = rng.choice(_INTERESTING), rng.choice((1, 2, 4, 8))
                packed = (number % (1 << 8 * size)).to_bytes(size, rng.choice(("little", "big")))
                data[at : at + size] = packed
            case 4:
                other = rng.choice(corpus)
                begin = rng.randrange(len(other) + 1)
                data[at:] = other[begin:]
            case 5:
                data[at:at] = data[rng.randrange(len(data) + 1) :][: rng.randrange(64)]
            case _:
                del data[at:]
    return bytes(data[:_MOST_BYTES])
