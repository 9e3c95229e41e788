"""Fuzzers of everything that decodes bytes from disk: Diptych's own errors only, little memory, an end."""
