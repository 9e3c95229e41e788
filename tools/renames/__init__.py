"""Renames of random names of a package, each held against what it must not break."""
