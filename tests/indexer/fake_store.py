"""The part of a store that the indexer uses, in memory, for tests of the indexer alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from diptych.errors import RecordTooLargeError, UnknownFileError
from diptych.model import FileRecord
from diptych.schema.code import CODE


class FakeStore:
    def __init__(self, path: str, *, max_payload_bytes: int = 1 << 30) -> None:
        os.makedirs(path, exist_ok=True)
        self.path = path
        self.store_id = "ab" * 16
        self.lsn = 0
        self.checkpoints = 0
        self.payloads: dict[bytes, bytes] = {}
        self._max_payload_bytes = max_payload_bytes

    @contextmanager
    def transaction(self) -> Iterator[_Transaction]:
        txn = _Transaction(dict(self.payloads), self._max_payload_bytes)
        yield txn
        self.payloads = txn.payloads
        self.lsn += 1

    def file(self, path: str) -> FileRecord | None:
        key = CODE.key(path)
        return CODE.unpack(key, self.payloads[key]) if key in self.payloads else None

    def files(self) -> Iterator[FileRecord]:
        for key in sorted(self.payloads):
            yield CODE.unpack(key, self.payloads[key])

    def content_hashes(self) -> dict[str, str]:
        return {record.path: record.content_hash for record in self.files()}

    def paths(self) -> list[str]:
        return [record.path for record in self.files()]

    def __contains__(self, path: str) -> bool:
        return CODE.key(path) in self.payloads

    def __len__(self) -> int:
        return len(self.payloads)

    def checkpoint(self) -> None:
        self.checkpoints += 1

    def refuse_replaced(self) -> None:
        """Never: it is in memory."""


class _Transaction:
    def __init__(self, payloads: dict[bytes, bytes], max_payload_bytes: int) -> None:
        self.payloads = payloads
        self._max_payload_bytes = max_payload_bytes

    def put_packed(self, key: bytes, payload: bytes) -> None:
        if len(payload) > self._max_payload_bytes:
            raise RecordTooLargeError("too large")
        self.payloads[key] = payload

    def remove_file(self, path: str) -> None:
        if CODE.key(path) not in self.payloads:
            raise UnknownFileError(path)
        del self.payloads[CODE.key(path)]
