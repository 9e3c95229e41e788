"""What is extracted is tied to INDEXER_VERSION, by which files that were read otherwise are parsed again.

`tests/data/extraction-N.json` has digests of what version N makes of the samples. Where they change, raise
the version, and write the file of the new one: `python -m tests.indexer.test_indexer_version`.
"""

from __future__ import annotations

import json
from pathlib import Path

from blake3 import blake3
from tests.indexer.test_languages import _SOURCES

from diptych.indexer.languages import language_of
from diptych.indexer.parse import record_of
from diptych.indexer.settings import INDEXER_VERSION
from diptych.schema.code import CODE

_DATA = Path(__file__).parents[1] / "data"
_FIRST = 6
"""Of the versions that have a file."""


def digests() -> dict[str, str]:
    """Of each sample that of its record."""
    return {
        source.name: blake3(
            CODE.pack(record_of(source.name, language_of(source.name), source.read_bytes()))
        ).hexdigest(16)
        for source in _SOURCES
    }


def golden(version: int) -> object:
    return json.loads((_DATA / f"extraction-{version}.json").read_text("utf-8"))


def test_the_records_are_those_of_their_version() -> None:
    assert digests() == golden(INDEXER_VERSION), "increase INDEXER_VERSION, and write its file"


def test_each_version_has_other_records() -> None:
    versions = [golden(version) for version in range(_FIRST, INDEXER_VERSION + 1)]
    assert all(one not in versions[:number] for number, one in enumerate(versions))


if __name__ == "__main__":
    (_DATA / f"extraction-{INDEXER_VERSION}.json").write_text(json.dumps(digests(), indent=1) + "\n", "utf-8")
