"""How good the first hits are: everyday searches with wanted answers, and descriptions of definitions."""
