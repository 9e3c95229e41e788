"""Tools that give evidence about the engine; none of them ships with it."""
