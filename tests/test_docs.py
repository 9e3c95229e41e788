"""What the documents say is so: examples run, links lead somewhere, what they name exists."""

from __future__ import annotations

import builtins
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import diptych
from diptych import layout
from diptych.cli.app import VERBS, loaded, whole
from diptych.cli.arguments import Command, parameters_of
from diptych.versions import names

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
README = (ROOT / "README.md").read_text()
CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = CONFIGURATION["project"]
ENGINE = ROOT / "engine/diptych"
# Pages about the command itself; the others have options of the tools, too.
COMMAND_PAGES = [
    ROOT / "README.md",
    *(
        ROOT / f"docs/{name}.md"
        for name in ("command-line", "coordinator", "format", "freshness", "indexing")
    ),
    *(ROOT / f"docs/{name}.md" for name in ("recovery", "versions")),
]

_LINK = re.compile(r"\[[^]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*/|[\w./-]+\.(?:py|md|toml|msgpack|txt|wal)")
# Folders that a command makes where it is run.
_MADE = {"crashsim-report/", "out/campaign/", "out/bench/"}
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


def options(command: Command) -> set[str]:
    """The options that a command takes."""
    names = {name for parameter in parameters_of(command) for name in parameter.option_names}
    return {part for name in names for part in name.split("/")} | {"-h", "--help"}


def top_options() -> set[str]:
    """The options that may come before a verb."""
    return set(whole()._option_string_actions)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    links = [link for link in _LINK.findall(_FENCE.sub("", page.read_text())) if "://" not in link]
    missing = [link for link in links if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_and_options_that_a_page_names_exist(page: Path) -> None:
    for call in calls(page):
        words = call.split()
        if words[0].startswith("-"):
            assert words[0] in top_options(), call
            continue
        if words[0] in ("COMMAND", *_MAGICS):
            continue
        assert words[0] in VERBS, call
        found = loaded(words[0])
        if isinstance(found, Mapping):
            known = {"--help"}
            if len(words) > 1 and words[1].isalpha() and words[1].islower():
                assert words[1] in found, call
                known = options(found[words[1]])
        else:
            known = options(found)
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
    named = {re.match(r"[A-Za-z0-9.-]+", line)[0] for line in PROJECT["dependencies"]}  # type: ignore[index]
    assert set(re.findall(r"^\| `([a-z0-9-]+)` \|", page, re.MULTILINE)) == named
    extras = {
        re.match(r"[A-Za-z0-9.-]+", line)[0]  # type: ignore[index]
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
    names = {re.match(r"[A-Za-z0-9.-]+", line)[0] for line in wanted}  # type: ignore[index]
    assert names - pinned == set()


def test_ci_runs_the_readmes_test_command() -> None:
    script = ROOT / ".ci/run"
    assert script.stat().st_mode & 0o111
    assert script.read_text().rstrip().endswith("exec make test")


def spans(page: Path) -> list[str]:
    """The code spans of a page."""
    return _SPAN.findall(_FENCE.sub("", page.read_text()))


def names_of_a_store() -> set[str]:
    """What `layout.py` calls files and folders of a store."""
    constants = {
        value
        for name, value in vars(layout).items()
        # A sentence is no name; and what a store of format 1 had is not on the page.
        if name.isupper() and isinstance(value, str) and not name.startswith("_") and " " not in value
        if not name.endswith("_1")
    }
    return constants - {layout.DEFAULT_STORE}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_and_folders_that_a_page_names_exist(page: Path) -> None:
    tops = [ROOT / top for top in ("engine", "tests", "tools", "fuzz", "docs")]
    known = {path.name for top in tops for path in top.rglob("*")}
    known |= {path.name for path in ROOT.iterdir()} | names_of_a_store() | {names.MANIFEST}
    places = ["", "engine", "engine/diptych", "tests", "tests/store", "tests/tools", "tools", "docs"]
    missing = [
        span
        for span in spans(page)
        if _PATH.fullmatch(span)
        and span not in _MADE
        and span.rstrip("/").rpartition("/")[2] not in known
        and not any((ROOT / place / span).exists() for place in places)
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_errors_that_a_page_names_exist(page: Path) -> None:
    classes = set(vars(builtins))
    for module in pkgutil.walk_packages(diptych.__path__, "diptych."):
        if module.name != "diptych.__main__":
            found = inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
            classes |= {name for name, _ in found}
    named = {name for span in spans(page) for name in re.findall(r"\b[A-Z]\w+Error\b", span)}
    assert named - classes == set()


def test_the_page_of_the_format_names_every_file_of_a_store() -> None:
    page = (ROOT / "docs/format.md").read_text()
    tree = page.split("## The directory")[1].split("```")[1]
    named = set(re.findall(r"[\w.]+", tree))
    # What Tantivy calls its own files the page leaves to Tantivy, but for the one without a footer.
    assert names_of_a_store() - named - {layout.SEARCH_MANAGED, layout.SEARCH_META} == set()
    assert layout.SEARCH_META in page
    module = layout.__doc__ or ""
    assert all(name in module for name in names_of_a_store() - {layout.SEARCH_MANAGED, layout.SEARCH_META})


def test_the_layers_on_the_page_are_those_of_the_package_and_of_the_import_contract() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    table = page.split("## Layers")[1].split("\n## ")[0]
    rows = [re.findall(r"`([^`]+)`", row) for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)]
    named = [name.removesuffix("/").removesuffix(".py") for row in rows for name in row]
    there = {
        path.stem
        for path in ENGINE.iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").exists()) and not path.name.startswith("__")
    }
    assert sorted(named) == sorted(there)
    layers = CONFIGURATION["tool"]["importlinter"]["contracts"][0]["layers"]
    rank = {
        name.strip(): number for number, layer in enumerate(reversed(layers)) for name in layer.split("|")
    }
    assert sorted(rank) == sorted(there)
    # From top to bottom of the page no row is below one before it.
    lowest = 0
    for row in rows:
        ranks = [rank[name.removesuffix("/").removesuffix(".py")] for name in row]
        assert min(ranks) >= lowest, row
        lowest = max(ranks)


def test_the_import_contracts_leave_nothing_out_and_the_list_of_circles_only_shrinks() -> None:
    layers, circles = CONFIGURATION["tool"]["importlinter"]["contracts"]
    assert layers["exhaustive"] is True
    assert layers.get("ignore_imports", []) == []
    assert circles["type"] == "acyclic_siblings"
    assert circles["ancestors"] == ["diptych"]
    # Take a line out of both when its circle is broken; add none.
    assert circles.get("ignore_imports", []) == []
    assert "unmatched_ignore_imports_alerting" not in circles


def test_the_environment_on_the_page_is_the_one_that_is_read() -> None:
    source = "\n".join(path.read_text() for path in ENGINE.rglob("*.py"))
    read = set(re.findall(r"\bDIPTYCH_[A-Z_]+\b", source)) | {"NO_COLOR"}
    page = (ROOT / "docs/command-line.md").read_text()
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE)) == read


@pytest.mark.parametrize("page", COMMAND_PAGES, ids=name_of)
def test_options_that_a_page_about_the_command_names_exist(page: Path) -> None:
    known = top_options()
    for verb in VERBS:
        found = loaded(verb)
        for command in found.values() if isinstance(found, Mapping) else [found]:
            known |= options(command)
    own = [span for span in spans(page) if span.startswith(("--", "diptych "))]
    named = {option for span in own for option in re.findall(r"(?<!\S)--[a-z][a-z-]*", span)}
    assert named - known == set()


def test_the_json_of_a_command_has_the_keys_that_the_page_names(tmp_path: Path) -> None:
    """The objects of the commands that need no damage to be shown."""
    import json

    page = (ROOT / "docs/command-line.md").read_text()
    (tmp_path / "a.py").write_text("class A(B):\n    def parse(self): return split()\n")
    calls = {
        "index": ["index", "."],
        "search": ["search", "parse"],
        "symbol": ["symbol", "parse"],
        "refs": ["refs", "split"],
        "files": ["files"],
        "status": ["status"],
        "verify": ["verify"],
        "checkpoint": ["checkpoint"],
    }
    for name, arguments in calls.items():
        done = subprocess.run(
            [sys.executable, "-m", "diptych", *arguments, "--json"],
            cwd=tmp_path,
            capture_output=True,
            check=True,
        )
        value = json.loads(done.stdout)
        first = value[0] if isinstance(value, list) else value
        rows = re.findall(r"^\| ((?:`[a-z]+`(?:, )?)+) \| (an (?:array|object).*?) \|$", page, re.MULTILINE)
        (described,) = [text for names, text in rows if f"`{name}`" in names]
        listed = re.search(r"\{(.*?)\}", described) if isinstance(value, list) else None
        # Of an object, the keys before what is said of their values, or of other options.
        keys = re.findall(r"[a-z_]+", listed[1]) if listed else re.findall(r"`([a-z_]+)`", described)
        inner = set() if listed else {"kind", "where", "severity", "message", "advice", "stale"}
        assert set(keys) - set(first) - inner == set(), name
