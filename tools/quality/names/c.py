"""The oracle for C."""

from tools.quality.names.clangd import ClangOracle

ORACLE = ClangOracle("c", (".c",), "-std=gnu11")
