"""Reading a journal file: its frames in order, and what the bytes after the last one are. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from diptych.journal.file import JournalFile
from diptych.journal.format import FRAME_SIZE, HEADER_SIZE, Frame, decode_frame, frame_extent

_BLOCK_BYTES = 256 * 1024


class TailKind(Enum):
    """How a journal file ends."""

    CLEAN = "clean"
    TORN = "torn"
    """Bytes that are no frame, and nothing behind them that says they were synced."""
    DAMAGED = "damaged"
    """Bytes that are no frame, and were synced, as a whole frame behind them says; or a broken chain."""


class Tail(NamedTuple):
    """Where the frames of a file end, and how; `resumes` is the offset of an intact frame after it, or 0."""

    kind: TailKind
    offset: int
    size: int
    resumes: int = 0
    resumes_lsn: int = 0


class FrameReader:
    """Iterates over the frames of a journal file from `offset`, verifying checksum and chain.

    After the iteration, `offset` and `chain` say where a later reader goes on. A frame that is not (yet)
    whole ends the iteration; `tail` then judges the bytes that are left.
    """

    def __init__(self, file: JournalFile, *, offset: int = HEADER_SIZE, chain: int | None = None) -> None:
        self.file = file
        self.offset = offset
        self.chain = file.header.chain if chain is None else chain

    def __iter__(self) -> Iterator[Frame]:
        file, salt = self.file, self.file.header.salt
        block, base = b"", self.offset
        while True:
            at = self.offset - base
            extent = frame_extent(block, at)
            if extent is None or at + extent > len(block):
                # The frame reaches beyond the block, or the block beyond its last header: read on from here.
                block, base, at = file.read(self.offset, _BLOCK_BYTES), self.offset, 0
                extent = frame_extent(block, 0)
                if extent is not None and len(block) < extent <= file.size() - self.offset:
                    block = file.read(self.offset, extent)
            frame = decode_frame(block, at, salt=salt, offset=self.offset)
            if frame is None or frame.chain != self.chain:
                return
            self.offset, self.chain = frame.end, frame.checksum
            yield frame

    def tail(self) -> Tail:
        """Judge what stands behind the last good frame."""
        size = self.file.size()
        if self.offset >= size:
            return Tail(TailKind.CLEAN, self.offset, size)
        first: Frame | None = None
        for frame in self._behind(size):
            if (frame.offset, frame.chain) == (self.offset, self.chain):
                # The writer was half way through this frame when it was read, and is done by now.
                return Tail(TailKind.TORN, self.offset, size)
            first = first or frame
            # Frames that share an fsync may reach the disk in any order, and the later alone.
            if frame.synced > self.offset or frame.offset == self.offset:
                return Tail(TailKind.DAMAGED, self.offset, size, first.offset, first.lsn)
        if first is None:
            return Tail(TailKind.TORN, self.offset, size)
        return Tail(TailKind.TORN, self.offset, size, first.offset, first.lsn)

    def _behind(self, size: int) -> Iterator[Frame]:
        """The whole frames behind the bad bytes. Frames stand at multiples of 8."""
        position = self.offset
        while (frame := self._resync(position, size)) is not None:
            yield frame
            position = frame.end

    def _resync(self, position: int, size: int) -> Frame | None:
        """The first whole frame at or behind `position`."""
        while position + FRAME_SIZE <= size:
            block = self.file.read(position, _BLOCK_BYTES)
            whole = max(8, (len(block) - FRAME_SIZE) // 8 * 8 + 8)
            # A file of holes may be as long as it likes: zeros are passed over at the speed of memory.
            for at in range(0, whole if block.strip(b"\0") else 0, 8):
                extent = frame_extent(block, at)
                if extent is None or position + at + extent > size:
                    continue
                data = block[at:] if at + extent <= len(block) else self.file.read(position + at, extent)
                frame = decode_frame(data, 0, salt=self.file.header.salt, offset=position + at)
                if frame is not None:
                    return frame
            position += whole
        return None
