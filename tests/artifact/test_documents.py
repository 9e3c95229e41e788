"""The page on sharing and the workflow files: their commands exist, and do what they are there for."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.cli.command import ENGINE, diptych, environment
from tests.cli.test_artifact import git, write

from diptych.cli.app import VERBS, loaded
from diptych.cli.arguments import parse

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / "docs/ci").glob("*.yml"))
PAGE = (ROOT / "docs/sharing.md").read_text()


def commands(workflow: Path) -> list[list[str]]:
    """The calls of `diptych` in a workflow, in order."""
    found = []
    for line in re.findall(r"^\s*(?:- )?run: (.*)$", workflow.read_text(), re.MULTILINE):
        for call in line.split("||"):
            words = shlex.split(call)
            if words[0] == "diptych":
                found.append(words[1:])
    return found


def test_there_are_four_workflows() -> None:
    assert [path.stem for path in WORKFLOWS] == ["main", "nightly", "pr", "promote"]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_the_commands_of_a_workflow_are_understood(workflow: Path) -> None:
    calls = commands(workflow)
    assert calls
    for words in calls:
        verb = loaded(words[0])
        if isinstance(verb, Mapping):
            parse(verb[words[1]], "diptych", words[2:])
        else:
            parse(verb, "diptych", words[1:])
    assert {words[0] for words in calls} <= VERBS.keys()


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_few_rights_and_pins_what_it_uses(workflow: Path) -> None:
    text = workflow.read_text()
    assert re.search(r"^permissions:\n  contents: read\n(?!  )", text, re.MULTILINE)
    assert re.search(r"^concurrency:", text, re.MULTILINE)
    used = re.findall(r"uses: (\S+)", text)
    assert used
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", one) for one in used)
    # What an event brings is passed by the environment: in a command it would be run.
    assert not any("${{" in line for line in re.findall(r"run: (.*)", text))


@pytest.mark.skipif(shutil.which("actionlint") is None, reason="there is no actionlint")
def test_the_workflows_pass_actionlint() -> None:
    done = subprocess.run(["actionlint", *WORKFLOWS], capture_output=True, text=True, check=False)
    assert done.stdout + done.stderr == ""


@pytest.mark.slow
def test_the_steps_of_the_workflows_run_one_after_the_other(memory_path: Path) -> None:
    project = memory_path / "project"
    project.mkdir()
    git(project, "init", "-q")
    write(project, "a.py", "def first():\n    pass\n")
    git(project, "add", ".")
    git(project, "commit", "-qm", "first")
    given = {"DIPTYCH_REMOTE": f"file://{memory_path}/indexes", "PR": "7", "CHANNEL": "stable"}
    given["REF"] = "branch/main"
    for name in ("main", "pr", "promote", "nightly"):
        # As a runner does: each in a checkout of its own.
        checkout = memory_path / name
        git(memory_path, "clone", "-q", str(project), name)
        text = (ROOT / f"docs/ci/{name}.yml").read_text()
        for line in re.findall(r"^\s*(?:- )?run: (diptych .*)$", text, re.MULTILINE):
            shell = line.replace("diptych ", "python -m diptych ")
            done = subprocess.run(
                ["bash", "-ec", shell],
                cwd=checkout,
                env={**environment(**given), "PATH": f"{_python_folder()}:/usr/bin:/bin"},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, (line, done.stderr)
    listed = diptych("artifact", "list", given["DIPTYCH_REMOTE"], cwd=project).stdout.decode()
    assert [line.split()[0] for line in listed.splitlines()][:2] == ["branch/main", "channel/stable"]


def _python_folder() -> str:
    import sys

    assert ENGINE.is_dir()
    return str(Path(sys.executable).parent)


def test_the_example_of_the_page_runs(memory_path: Path) -> None:
    """The first block of the page, with folders of this test in the place of its own."""
    project = memory_path / "project"
    project.mkdir()
    git(project, "init", "-q")
    write(project, "a.py", "def parse():\n    pass\n")
    git(project, "add", ".")
    git(project, "commit", "-qm", "first")
    diptych("index", "-q", cwd=project)
    git(memory_path, "clone", "-q", "project", "other-clone")
    block = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[0]
    folder = memory_path
    output = b""
    for line in block.splitlines():
        words = shlex.split(line.removeprefix("$ ").replace("/srv/indexes", f"{memory_path}/indexes"))
        if words[0] == "cd":
            folder = (folder / words[1]).resolve()
        else:
            output = diptych(*words[1:], cwd=folder).stdout
    assert b"def parse()" in output
