"""What the documents say is so: examples run, links lead somewhere, what they name exists."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from diptych.cli.app import VERBS, command

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
README = (ROOT / "README.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

_LINK = re.compile(r"\[[^]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Texts that files begin with.
_MAGICS = ("version", "facts")
_CALL = re.compile(r"^(?:\$ )?(?:python -m )?diptych(?: +(?P<rest>.*))?$")


def name_of(page: Path) -> str:
    """A page's name in a test's id."""
    return str(page.relative_to(ROOT))


def calls(page: Path) -> Iterator[str]:
    """The calls of `diptych` in a page: in code spans, and in blocks of shell."""
    text = page.read_text()
    lines = [line for kind, block in _FENCE.findall(text) if kind != "python" for line in block.splitlines()]
    lines += re.findall(r"`(diptych[^`\n]*)`", _FENCE.sub("", text))
    for line in lines:
        found = _CALL.match(line.strip())
        if found and found["rest"]:
            yield found["rest"].partition(" #")[0].strip()


def options(verb: Any) -> set[str]:
    """The options that a command takes."""
    taken = {option for parameter in verb.params for option in parameter.opts + parameter.secondary_opts}
    return taken | {"--help"}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    links = [link for link in _LINK.findall(_FENCE.sub("", page.read_text())) if "://" not in link]
    missing = [link for link in links if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_and_options_that_a_page_names_exist(page: Path) -> None:
    root = command()
    for call in calls(page):
        words = call.split()
        if words[0].startswith("-"):
            assert words[0] in options(root), call
            continue
        if words[0] in ("COMMAND", *_MAGICS):
            continue
        assert words[0] in VERBS, call
        verb = root.get_command(None, words[0])
        known = options(verb)
        if words[0] == "versions" and len(words) > 1 and words[1].isalpha() and words[1].islower():
            assert words[1] in verb.commands, call
            known = options(verb.commands[words[1]])
        named = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert named <= known, call


def test_the_readme_leads_to_every_page() -> None:
    pages = {name_of(page) for page in ROOT.glob("docs/*.md")} | {name_of(page) for page in ROOT.glob("*.md")}
    assert pages - set(_LINK.findall(README)) == {"README.md"}


def test_the_page_of_the_command_line_has_every_verb() -> None:
    page = (ROOT / "docs/command-line.md").read_text()
    assert re.findall(r"^\| `diptych (\w+)", page, re.MULTILINE) == list(VERBS)


def test_the_readme_example_runs_and_prints_what_it_says(tmp_path: Path) -> None:
    (example,) = [block for kind, block in _FENCE.findall(README) if kind == "python"]
    expected = re.findall(r"^ +print\(.*\)\s+# (.*)$", example, re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == expected
    assert len(expected) == 4


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert re.findall(r"^make ([a-z]+)", README, re.MULTILINE) == ["index", "test"]
    for page in PAGES:
        for target in re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), (page, target)


def test_files_that_the_readme_tells_to_read_exist() -> None:
    reading = README.split("## Reading the source in order")[1].split("\n## ")[0]
    for item in re.findall(r"^\d+\. (.*?):", reading, re.MULTILINE):
        folder = ROOT
        for path in re.findall(r"`([^`]+)`", item):
            # The later names of a line are short for ones beside or near the first.
            places = [ROOT / path, folder / path, folder.parent / path]
            found = [place for place in places if place.exists()]
            assert found, path
            folder = found[0] if found[0].is_dir() else found[0].parent
    assert "engine/diptych/errors.py" in reading


def test_every_dependency_has_its_line_and_no_line_is_left_over() -> None:
    page = (ROOT / "docs/decisions/0002-dependencies.md").read_text()
    named = {re.match(r"[A-Za-z0-9-]+", line)[0] for line in PROJECT["dependencies"]}  # type: ignore[index]
    assert set(re.findall(r"^\| `([a-z0-9-]+)` \|", page, re.MULTILINE)) == named
    extras = {
        re.match(r"[A-Za-z0-9-]+", line)[0]  # type: ignore[index]
        for lines in PROJECT["optional-dependencies"].values()
        for line in lines
        if not line.startswith("diptych[")
    }
    assert [name for name in sorted(extras) if f"`{name}`" not in page] == []


def test_constraints_pin_every_dependency_exactly_and_from_no_address() -> None:
    lines = [
        line for line in (ROOT / "constraints.txt").read_text().splitlines() if line[:1] not in ("", "#")
    ]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][0-9A-Za-z.]*", line) for line in lines)
    pinned = {line.partition("==")[0].lower().replace("_", "-") for line in lines}
    wanted = PROJECT["dependencies"] + [
        line
        for lines in PROJECT["optional-dependencies"].values()
        for line in lines
        if not line.startswith("diptych[")
    ]
    names = {re.match(r"[A-Za-z0-9-]+", line)[0] for line in wanted}  # type: ignore[index]
    assert names - pinned == set()


def test_ci_runs_the_readmes_test_command() -> None:
    script = ROOT / ".ci/run"
    assert script.stat().st_mode & 0o111
    assert script.read_text().rstrip().endswith("exec make test")
