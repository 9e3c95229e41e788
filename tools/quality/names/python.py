"""Two independent oracles for Python: jedi in this process, and pyright's language server."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from tools.quality.names.language_server import LanguageServer
from tools.quality.names.oracle import Drawn, Spot, files_below, inside
from tools.quality.names.python_sites import sites_of

_QUIET = {"diagnosticMode": "openFilesOnly", "typeCheckingMode": "off", "useLibraryCodeForTypes": True}
_SETTINGS = {"python": {"analysis": _QUIET}, "python.analysis": _QUIET}


class PythonOracle:
    """A definition counts where both agree on it; references are pyright's."""

    groups = ("attribute", "import", "module name")

    def sites(self, corpus: str) -> list[Drawn]:
        """The sites of a corpus."""
        return [site for path in files_below(corpus, (".py",)) for site in sites_of(corpus, path)]

    def definitions(self, corpus: str, sites: Sequence[Drawn]) -> list[set[Spot]]:
        """Where each site's definitions are, as both say."""
        jedi, found = Jedi(corpus), []
        with _pyright(corpus) as pyright:
            for number, site in enumerate(sites, 1):
                agreed = jedi.places(site)
                found.append({one for one in pyright.definitions(site) if one[:2] in agreed})
                print(f"\r{number} of {len(sites)} sites", end="", file=sys.stderr)
        print(file=sys.stderr)
        return found

    def references(self, corpus: str, sites: Sequence[Drawn]) -> list[set[Spot]]:
        """Where pyright finds the name used."""
        with _pyright(corpus) as pyright:
            return [pyright.references(site) for site in sites]


def _pyright(corpus: str) -> LanguageServer:
    return LanguageServer(corpus, ["pyright-langserver", "--stdio"], "python", _SETTINGS)


class Jedi:
    """jedi's `goto`, through imports."""

    def __init__(self, corpus: str) -> None:
        import jedi

        self._corpus = os.path.realpath(corpus)
        self._project = jedi.Project(self._corpus, sys_path=[self._corpus], smart_sys_path=False)
        self._scripts: dict[str, Any] = {}

    def places(self, site: Drawn) -> set[tuple[str, int]]:
        """Where jedi finds the definition, inside the corpus."""
        import jedi

        if site.path not in self._scripts:
            self._scripts[site.path] = jedi.Script(
                path=os.path.join(self._corpus, site.path), project=self._project
            )
        script = self._scripts[site.path]
        try:
            found = script.goto(site.row + 1, _characters(self._corpus, site), follow_imports=True)
        except Exception:
            return set()
        places = set()
        for name in found:
            path = inside(self._corpus, str(name.module_path)) if name.module_path else None
            if path is not None:
                places.add((path, 0 if name.type == "module" else (name.line or 1) - 1))
        return places


ORACLE = PythonOracle()


def _characters(corpus: str, site: Drawn) -> int:
    with open(os.path.join(corpus, site.path), "rb") as file:
        line = file.read().split(b"\n", site.row + 1)[site.row]
    return len(line[: site.column].decode("utf-8", "replace"))
