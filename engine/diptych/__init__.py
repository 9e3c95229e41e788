"""Diptych: an embedded, crash-safe store for code indexes."""
