"""The append-only write-ahead log: bytes (`format`), an open file (`segment`), `reader` and `writer`."""
