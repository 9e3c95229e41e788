"""What a person is shown: the page, the table, and the same from JSON again."""

import io
import json
from collections import Counter

import pytest
from rich.console import Console
from tools.crashsim.__main__ import main
from tools.crashsim.legends import LEGENDS, LETTERS
from tools.crashsim.page import render
from tools.crashsim.results import Campaign, Failure, Run, from_json
from tools.crashsim.subjects import MODULES, load
from tools.crashsim.subjects.diptych_plan import ALPHABET, COMMITS, OTHERS
from tools.crashsim.terminal import outcome, summary, table


@pytest.fixture
def campaign():
    failure = Failure(
        state=41000127,
        kind="lost-commit",
        message="Transaction 1 was acknowledged; <nothing> was read.",
        faults=("entry lost", "zeros"),
        fates=["lost: 'a' in directory #0 is file #1  [step 3]"],
        calls=["40: fsync(3<a>)", "---- power cut ----"],
        files=["a  12 bytes"],
        acked=1,
        issued=2,
        replay="python -m tools.crashsim replay --state 41000127",
        count=3,
    )
    bad = Run("diptych", "nxd", "posix", steps=50, combinations=900, distinct=300, checked=300, failed=3)
    bad.elapsed_s = 2.5
    bad.kinds, bad.faults = Counter({"lost-commit": 3}), Counter({"entry lost": 100, "zeros": 7})
    bad.faults_failed, bad.failures = Counter({"entry lost": 3, "zeros": 3}), [failure]
    good = Run("diptych", "nk", "ordered", checked=200, distinct=200, faults=Counter({"entry lost": 200}))
    refused = Run("sqlite", "shared", "-", refused="a shared map", expected="it maps its index")
    return Campaign("python -m tools.crashsim run", 7, [good, bad, refused], elapsed_s=10.0)


def test_a_campaign_survives_json(campaign):
    assert from_json(json.loads(json.dumps(campaign.to_json()))) == campaign


def test_only_what_was_not_expected_is_a_violation(campaign):
    assert campaign.violations == 3
    assert "500 states checked" in summary(campaign)


def test_the_page_shows_what_failed_and_how_to_see_it_again(campaign):
    page = render(campaign)
    assert "3 violations" in page
    assert "3 of 100" in page
    assert "python -m tools.crashsim replay --state 41000127" in page
    assert "&lt;nothing&gt;" in page
    assert "---- power cut ----" in page
    assert "Expected: it maps its index." in page
    assert page.index("<td>nxd") < page.index("<td>nk<"), "what failed comes first"
    assert "http" not in page, "the page needs nothing else"


def test_the_page_says_what_each_letter_of_a_workload_does(campaign):
    page = render(campaign)
    for letter in "nxdtbrkqpsf":
        assert f"<code>{letter}</code>" in page
    assert "checkpoint" in page


def test_every_workload_is_explained():
    assert set(LEGENDS) == set(MODULES)
    for subject in MODULES:
        _, names = LEGENDS[subject]
        for workload in load(subject).WORKLOADS:
            setting, colon, word = workload.rpartition(":")
            assert not colon or setting + colon in names, workload
            known = word in names or word.startswith("mix") or all(letter in names for letter in word)
            assert known, workload
    assert set(LETTERS) == set(ALPHABET + COMMITS + OTHERS)


def test_the_table_has_a_line_for_each_run(campaign):
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(table(campaign))
    lines = console.export_text().splitlines()
    assert any("nxd" in line and "lost-commit 3" in line for line in lines)
    assert any("nk" in line and "holds" in line for line in lines)
    assert any("refused: a shared map" in line for line in lines)


def test_a_run_of_which_nothing_was_checked_does_not_hold():
    assert "time was up" in outcome([Run("diptych", "nk", "posix", distinct=40)])
    assert "holds" in outcome([Run("diptych", "nk", "posix", distinct=40, checked=40)])


def test_the_page_is_made_again_from_json(campaign, tmp_path):
    (tmp_path / "report.json").write_text(json.dumps(campaign.to_json()))
    assert main(["report", str(tmp_path / "report.json"), str(tmp_path / "again.html")]) == 0
    assert (tmp_path / "again.html").read_text() == render(campaign)


def test_a_program_that_is_no_subject_is_recorded_and_its_states_are_left_to_look_at(tmp_path, capsys):
    kept, state = str(tmp_path / "kept"), tmp_path / "state"
    assert main(["record", "-o", kept, "--", "sh", "-c", "echo hello > {}/a; echo more >> {}/a"]) == 0
    assert "3 steps" in capsys.readouterr().out
    arguments = [
        "replay",
        "--recording",
        kept,
        "--model",
        "posix",
        "--state",
        "3000000",
        "--keep",
        str(state),
    ]
    assert main(arguments) == 0
    assert list(state.iterdir()) == []
    assert "power cut" in capsys.readouterr().out


def test_what_is_not_there_is_said_and_ends_with_status_two(tmp_path, capsys):
    assert main(["replay", "--recording", str(tmp_path / "no"), "--model", "posix", "--state", "1"]) == 2
    assert main(["run", "--subject", "sqlite", "--workload", "no-such", "--output", str(tmp_path)]) == 2
    assert "no workload 'no-such'" in capsys.readouterr().out


def test_a_campaign_ends_when_its_time_is_up(tmp_path):
    status = main(
        ["run", "--subject", "sqlite", "--jobs", "1", "--time-max-s", "0.01", "--output", str(tmp_path)]
    )
    found = json.loads((tmp_path / "report.json").read_text())
    assert status == 0
    assert not found["finished"]
    assert len(found["runs"]) <= 1
