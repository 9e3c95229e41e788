"""The snapshot leaf: bytes (`format`), `reader` and `writer`."""
