"""Breaks the engine on purpose, one line at a time, to see that the campaigns notice."""
