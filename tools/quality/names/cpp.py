"""The oracle for C++."""

from tools.quality.names.clangd import ClangOracle

ORACLE = ClangOracle("cpp", (".cc", ".cpp", ".cxx"), "-std=c++17")
