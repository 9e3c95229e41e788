"""An oracle for C and C++: clangd, on a copy of the corpus with the commands that it needs."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tools.quality.names.language_server import LanguageServer
from tools.quality.names.oracle import Drawn, Spot, files_below
from tools.quality.names.syntax_sites import sites_below

_GROUPS = {"field_identifier": "member", "type_identifier": "type"}
# Not `.inl`: clangd reads a part of a header by itself, and misreads it.
_HEADERS = (".h", ".hh", ".hpp", ".hxx")
_MAX_INCLUDE_FOLDERS = 60
_MAX_INDEXING_S = 300
# How often nothing new is seen until the index is held to be complete.
_STILL = 60


class ClangOracle:
    """A site is a name that clangd knows a definition or a declaration of in the corpus, at another place."""

    groups = ("member", "type", "name")

    def __init__(self, language: str, sources: tuple[str, ...], standard: str) -> None:
        self._language = language
        self._sources = sources
        self._standard = standard

    def sites(self, corpus: str) -> list[Drawn]:
        """The names of a corpus."""
        return sites_below(corpus, self._language, (*self._sources, *_HEADERS), _GROUPS)

    def definitions(self, corpus: str, sites: Sequence[Drawn]) -> list[set[Spot]]:
        """Where each site's definitions and declarations are: both are the same thing."""
        with self._asked(corpus) as clangd:
            found = []
            for number, site in enumerate(sites, 1):
                found.append(_declared(clangd, site))
                print(f"\r{number} of {len(sites)} sites", end="", file=sys.stderr)
            print(file=sys.stderr)
            return found

    def references(self, corpus: str, sites: Sequence[Drawn]) -> list[set[Spot]]:
        """Where clangd finds the name used."""
        with self._asked(corpus) as clangd:
            return [_written(corpus, site, clangd.references(site)) for site in sites]

    @contextmanager
    def _asked(self, corpus: str) -> Iterator[LanguageServer]:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder, "corpus")
            shutil.copytree(corpus, copy, ignore=shutil.ignore_patterns(".git", ".cache"))
            sources = files_below(str(copy), self._sources)
            self._write_commands(copy, sources)
            options = ["-j=1", "--background-index-priority=normal", "--log=error", "--limit-references=0"]
            with LanguageServer(str(copy), ["clangd", *options], self._language) as clangd:
                for path in sources[:1]:
                    clangd.definitions(Drawn(path, 0, 0, "", ""))
                _wait_for_index(copy, len(sources))
                yield clangd

    def _write_commands(self, root: Path, sources: list[str]) -> None:
        folders: dict[str, None] = {}
        for path in files_below(str(root), _HEADERS):
            for parent in list(Path(path).parents)[:3]:
                folders[str(root / parent)] = None
        includes = [f"-I{folder}" for folder in list(folders)[:_MAX_INCLUDE_FOLDERS]]
        commands = [
            {
                "directory": str(root),
                "file": path,
                "arguments": ["clang", self._standard, *includes, "-c", path],
            }
            for path in sources
        ]
        (root / "compile_commands.json").write_text(json.dumps(commands))


def _declared(clangd: LanguageServer, site: Drawn) -> set[Spot]:
    """The definitions and declarations of a site; nothing for one that is among them."""
    truth = clangd.definitions(site)
    if not truth:
        return truth
    truth |= clangd.declarations(site)
    # At a definition clangd leads to the declaration, and back.
    back = {spot for other in truth for spot in clangd.definitions(Drawn(*other, "", ""))}
    return set() if (site.path, site.row, site.column) in truth | back else truth


def _written(corpus: str, site: Drawn, spots: set[Spot]) -> set[Spot]:
    """The places where the name is written: clangd has those of macros that lead to it too."""
    found = set()
    for path, row, column in spots:
        lines = Path(corpus, path).read_bytes().split(b"\n")
        if row < len(lines) and lines[row][column:].startswith(site.name.encode()):
            found.add((path, row, column))
    return found


def _wait_for_index(root: Path, sources: int) -> None:
    """clangd writes one file for each source and header that it has indexed."""
    began_s, seen, still = time.monotonic(), -1, 0
    while time.monotonic() - began_s < _MAX_INDEXING_S and still < _STILL:
        time.sleep(0.5)
        count = len(list((root / ".cache/clangd/index").glob("*.idx")))
        still = still + 1 if count == seen and count else 0
        seen = count
    print(f"{seen} files indexed for {sources} sources", file=sys.stderr)
