"""What texts are cut into is tied to TOKENS_VERSION, by which a store that was cut otherwise is rebuilt.

`tests/data/tokens-N.json` has the tokens of version N. Where they change, increase the version, and write the
file of the new one beside the old: `python -m tests.search.test_tokens_version`.
"""

from __future__ import annotations

import json
from pathlib import Path

from diptych.schema.shape import TOKENS_VERSION
from diptych.search.names import indexed_terms
from diptych.search.words import lowered, parts_in, stems_of, words_of

_DATA = Path(__file__).parents[1] / "data"
TEXTS = (
    "parse",
    "getUserName",
    "HTTPServer",
    "parseHTTP2Request",
    "snake_case_name",
    "__init__",
    "SCREAMING_SNAKE",
    "mixed_CaseName",
    "x",
    "i18n",
    "utf8Decode",
    "v2",
    "kebab-case",
    "dotted.path.toThing",
    "C++",
    "operator<<",
    "$scope",
    "#private",
    "ns::Class::method",
    "List<String>",
    "größe",
    "GrößeÄndern",
    "İstanbul",
    "名前",
    "été",
    "running runs ran",
    "The parsers' parsing, of Ideas",
    "a" * 45,
    "A" * 300,
    "fooBar " * 3 + "fooBar",
    "",
)


def tokens() -> dict[str, dict[str, list[str]]]:
    """Of each text what it is as a field of code and of prose, as one of any, and as a name."""
    return {
        text: {
            "code": [*words_of(text), *(word for part in parts_in(text) for word in words_of(part))],
            "prose": [*stems_of(text)],
            "lowered": [lowered(text)],
            "name": indexed_terms(text),
        }
        for text in TEXTS
    }


def golden(version: int) -> object:
    return json.loads((_DATA / f"tokens-{version}.json").read_text("utf-8"))


def test_the_tokens_are_those_of_their_version() -> None:
    assert tokens() == golden(TOKENS_VERSION), "increase TOKENS_VERSION, and write its file"


def test_each_version_has_other_tokens() -> None:
    """Another version rebuilds every store."""
    versions = [golden(version) for version in range(1, TOKENS_VERSION + 1)]
    assert all(one not in versions[:number] for number, one in enumerate(versions))


if __name__ == "__main__":
    text = json.dumps(tokens(), ensure_ascii=False, indent=1)
    (_DATA / f"tokens-{TOKENS_VERSION}.json").write_text(text + "\n", "utf-8")
