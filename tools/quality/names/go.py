"""An oracle for Go: gopls."""

from __future__ import annotations

from collections.abc import Sequence

from tools.quality.names.language_server import LanguageServer
from tools.quality.names.oracle import Drawn, Spot
from tools.quality.names.syntax_sites import elsewhere, sites_below

_GROUPS = {"field_identifier": "member", "type_identifier": "type", "package_identifier": "package"}


class GoOracle:
    """A site is a name that gopls knows a definition of in the corpus, at another place."""

    groups = ("member", "type", "name")

    def sites(self, corpus: str) -> list[Drawn]:
        """The names of a corpus."""
        return sites_below(corpus, "go", (".go",), _GROUPS)

    def definitions(self, corpus: str, sites: Sequence[Drawn]) -> list[set[Spot]]:
        """Where each site's definition is."""
        with _gopls(corpus) as gopls:
            return [elsewhere(site, gopls.definitions(site)) for site in sites]

    def references(self, corpus: str, sites: Sequence[Drawn]) -> list[set[Spot]]:
        """Where gopls finds the name used."""
        with _gopls(corpus) as gopls:
            return [gopls.references(site) for site in sites]


def _gopls(corpus: str) -> LanguageServer:
    return LanguageServer(corpus, ["gopls"], "go")


ORACLE = GoOracle()
