"""The append-only write-ahead log: bytes (`format`), an open file (`journal file`), `reader` and `writer`."""
