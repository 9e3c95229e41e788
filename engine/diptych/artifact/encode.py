"""Bytes to encoded bytes and back: zstd, zstd with earlier bytes as prefix, packs. Bounded both ways.

A prefix makes the encoding of a rewritten file little more than what is new in it: zstd finds what is the
same in the prefix as if it had just compressed it. The window then is as large as both together.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType

from diptych.artifact.errors import CorruptArtifactError
from diptych.artifact.manifest import PREFIX, RAW, ZSTD, Piece
from diptych.artifact.names import digest_of

FULL_LEVEL = 4
PATCH_LEVEL = 3
PACK_BYTES = 64 * 1024 * 1024
"""A pack is closed when it has this much."""
_WINDOW_LOG_MOST = 27
_PREFIX_LEAST_BYTES = 8
"""zstd takes no shorter one."""
_WINDOW_LOG_LEAST = 10
_HASH_LOG_MOST = 24
# A skippable frame (RFC 8878, 3.1.2): a decoder of the whole blob passes over it.
_SKIPPABLE = (0x184D2A50).to_bytes(4, "little")
_SALT_BYTES = 16


@cache
def zstd() -> ModuleType:
    """The module for zstd. Raises ModuleNotFoundError where the extra `share` is not installed."""
    if sys.version_info >= (3, 14):
        from compression import zstd as found
    else:
        from backports import zstd as found
    return found  # type: ignore[no-any-return,unused-ignore]


def compress(data: bytes | memoryview, level: int) -> bytes:
    """`data` as one zstd frame, which says how long it is."""
    return bytes(zstd().compress(data, level=level))


def compress_with_prefix(data: bytes | memoryview, prefix: bytes, level: int = PATCH_LEVEL) -> bytes:
    """`data` as a zstd frame that is decoded with the same `prefix`, of at least 8 bytes."""
    module = zstd()
    parameter = module.CompressionParameter
    bits = max((len(data) + len(prefix)).bit_length(), _WINDOW_LOG_LEAST)
    options = {
        parameter.compression_level: level,
        parameter.window_log: min(bits, _WINDOW_LOG_MOST),
        parameter.enable_long_distance_matching: 1,
    }
    dictionary = module.ZstdDict(prefix, is_raw=True)
    return bytes(module.compress(data, options=options, zstd_dict=dictionary.as_prefix))


def compress_within(data: bytes | memoryview, prefix: bytes) -> bytes:
    """`data`, which has short pieces of `prefix` everywhere, as a zstd frame that is decoded with that.

    Tantivy compresses the documents that it stores with LZ4, which leaves what occurs for the first time as
    it is: runs of a few bytes of the records. A fast search with a table for each of its bytes finds most of
    them; that takes up to 64 MiB.
    """
    module = zstd()
    parameter = module.CompressionParameter
    bits = max((len(data) + len(prefix)).bit_length(), _WINDOW_LOG_LEAST)
    options = {
        parameter.compression_level: 1,
        parameter.strategy: module.Strategy.fast,
        parameter.window_log: min(bits, _WINDOW_LOG_MOST),
        parameter.hash_log: min(bits - 1, _HASH_LOG_MOST),
        parameter.min_match: 4,
    }
    dictionary = module.ZstdDict(prefix, is_raw=True)
    return bytes(module.compress(data, options=options, zstd_dict=dictionary.as_prefix))


def decompress(data: bytes | memoryview, size_bytes: int, *, prefix: bytes = b"", where: str) -> bytes:
    """The bytes again, which must be `size_bytes`; never allocates much more. Raises CorruptArtifactError."""
    module = zstd()
    options = {module.DecompressionParameter.window_log_max: _WINDOW_LOG_MOST}
    if 0 < len(prefix) < _PREFIX_LEAST_BYTES:
        raise CorruptArtifactError(f"{where} is encoded with a prefix of {len(prefix)} bytes", where=where)
    dictionary = module.ZstdDict(prefix, is_raw=True).as_prefix if prefix else None
    decoder = module.ZstdDecompressor(zstd_dict=dictionary, options=options)
    parts: list[bytes] = []
    left = size_bytes + 1
    try:
        part = decoder.decompress(data, max_length=left)
        while part or not (decoder.eof or decoder.needs_input):
            parts.append(part)
            left -= len(part)
            if left <= 0 or decoder.eof:
                break
            part = decoder.decompress(b"", max_length=left)
    except module.ZstdError as error:
        raise CorruptArtifactError(f"{where} does not decode: {error}", where=where) from error
    if left != 1 or not decoder.eof or decoder.unused_data:
        raise CorruptArtifactError(f"{where} does not decode to {size_bytes:,} bytes", where=where)
    return b"".join(parts)


def decode_piece(piece: Piece, data: bytes, prefix: bytes, *, where: str) -> bytes:
    """What a piece is decoded to. Raises CorruptArtifactError, also for bytes that are not the piece's."""
    if len(data) != piece.length or digest_of(data) != piece.sha256:
        raise CorruptArtifactError(
            f"{where} is not what its name says: {len(data):,} of {piece.length:,} bytes", where=where
        )
    if piece.codec == RAW:
        return data
    return decompress(data, piece.size_bytes, prefix=prefix, where=where)


@dataclass(slots=True)
class Pack:
    """Encoded pieces, one after the other, that become one blob.

    It begins with random bytes, so that no blob of one push is that of another: what is written was never
    there before, and no collection can be about to remove it.
    """

    data: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self.data += _SKIPPABLE + _SALT_BYTES.to_bytes(4, "little") + secrets.token_bytes(_SALT_BYTES)

    def __len__(self) -> int:
        return len(self.data)

    def add(self, encoded: bytes) -> int:
        """Append a piece; returns its offset."""
        offset = len(self.data)
        self.data += encoded
        return offset


@dataclass(frozen=True, slots=True)
class Encoded:
    """A piece that is not yet in a blob."""

    codec: str
    data: bytes
    size_bytes: int
    bases: tuple[str, ...] = ()

    def placed(self, blob: str, offset: int) -> Piece:
        """The piece, in that blob."""
        return Piece(
            self.codec, blob, offset, len(self.data), digest_of(self.data), self.size_bytes, self.bases
        )


def encode_full(data: bytes | memoryview, level: int = FULL_LEVEL) -> Encoded:
    """A span by itself; unchanged where zstd saves nothing."""
    packed = compress(data, level)
    if len(packed) < len(data):
        return Encoded(ZSTD, packed, len(data))
    return Encoded(RAW, bytes(data), len(data))


def encode_patch(data: bytes | memoryview, prefix: bytes, bases: Sequence[str]) -> Encoded:
    """A span by what is new in it compared with `prefix`, which the files `bases` are together."""
    return Encoded(PREFIX, compress_with_prefix(data, prefix), len(data), tuple(bases))


def encode_within(data: bytes | memoryview, prefix: bytes, bases: Sequence[str]) -> Encoded:
    """A span that has much of `prefix` in it, in short pieces."""
    return Encoded(PREFIX, compress_within(data, prefix), len(data), tuple(bases))
