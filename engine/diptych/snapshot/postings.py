"""Gathering the postings of many records within bounded memory, and giving them back in order of hash."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import IO

_PARTS = 256
_PART_SHIFT = 56
_SPILL_BYTES = 32 * 1024 * 1024


class Postings:
    """`(hash, posting)` pairs, cut into parts by the hash's first byte; spilled to a file when many.

    Parts are what bounds the memory: one at a time is grouped and sorted.
    """

    def __init__(self, directory: str) -> None:
        """Spill into `directory`, when it comes to that."""
        self.count = 0
        self._directory = directory
        self._parts = [array("Q") for _ in range(_PARTS)]
        self._held = 0
        self._file: IO[bytes] | None = None
        self._extents: list[list[tuple[int, int]]] = [[] for _ in range(_PARTS)]

    def add(self, hashes: Sequence[int], items: Iterable[int], high: int) -> None:
        """Take the hashes of one record, each with its item, above which `high` is put."""
        parts = self._parts
        for hash_, item in zip(hashes, items, strict=True):
            part = parts[hash_ >> _PART_SHIFT]
            part.append(hash_)
            part.append(high | item)
        self.count += len(hashes)
        self._held += len(hashes)
        if self._held * 16 > _SPILL_BYTES:
            self._spill()

    def distinct(self) -> int:
        """About how many distinct hashes there are, from a share of the parts: hashes spread evenly."""
        looked_at = _PARTS if self.count < 16 * _PARTS else _PARTS // 16
        return sum(len(set(self._part(number)[::2])) for number in range(looked_at)) * (_PARTS // looked_at)

    def grouped(self) -> Iterator[tuple[int, list[int]]]:
        """Each hash once, ascending, with its postings in the order in which they came."""
        for number in range(_PARTS):
            groups: dict[int, list[int]] = {}
            pairs = iter(self._part(number))
            for hash_, posting in zip(pairs, pairs, strict=True):
                if hash_ in groups:
                    groups[hash_].append(posting)
                else:
                    groups[hash_] = [posting]
            for hash_ in sorted(groups):
                yield hash_, groups[hash_]

    def close(self) -> None:
        """Let the temporary file go."""
        if self._file is not None:
            self._file.close()

    def _part(self, number: int) -> array[int]:
        if self._file is None:
            return self._parts[number]
        stored = array("Q")
        for offset, length in self._extents[number]:
            self._file.seek(offset)
            stored.frombytes(self._file.read(length))
        stored.extend(self._parts[number])
        return stored

    def _spill(self) -> None:
        if self._file is None:
            import tempfile

            # Unlinked from the start: a crash leaves nothing behind.
            self._file = tempfile.TemporaryFile(dir=self._directory)  # noqa: SIM115 - closed by close()
        self._file.seek(0, 2)
        for extents, part in zip(self._extents, self._parts, strict=True):
            if part:
                data = part.tobytes()
                extents.append((self._file.tell(), len(data)))
                self._file.write(data)
                del part[:]
        self._held = 0
