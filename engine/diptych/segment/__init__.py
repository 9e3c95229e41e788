"""Immutable, sealed segments of both stores: built anywhere, named by content, each half from the other."""
