"""Breaks the engine on purpose, at one point at a time, to see that the campaigns notice."""
