"""One verb per file: a function `run`, whose docstring is the verb's help."""
