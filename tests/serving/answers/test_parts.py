"""References by the parts of files: they are those by the files as a whole."""

from __future__ import annotations

import argparse
import re
import textwrap
from pathlib import Path
from types import ModuleType

import pytest
from tests.names.asking import asking

from diptych.serving.answers.written import places_of, sites_by_part, sites_in
from diptych.serving.files import ParsedFile


@pytest.mark.parametrize("module", [argparse, textwrap], ids=lambda module: module.__name__)
def test_the_sites_of_a_name_by_part_are_those_of_the_whole_file(tmp_path: Path, module: ModuleType) -> None:
    source = Path(str(module.__file__)).read_bytes()
    words = sorted(set(re.findall(r"[a-z_]{4,}", source.decode())))[::12]
    whole = ParsedFile("a.py", "python", source, "")
    by_part = 0
    with asking(tmp_path, {"a.py": source.decode()}) as ask:
        for word in words:
            # Once its names are there, no part of a file is parsed.
            parsed = ParsedFile("a.py", "python", source, "")
            found = [
                (site.place, site.kind, names.qualified(site.scope))
                for names, site in sites_by_part(ask.source, parsed, places_of(parsed, word))
            ]
            by_part += bool(found) and not parsed.is_parsed
            assert found == [
                (site.place, site.kind, whole.names.qualified(site.scope)) for site in sites_in(whole, word)
            ]
    assert by_part > 2
