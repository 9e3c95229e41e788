"""The mutations fit the source, a few of them are caught, and nothing is caught where nothing was broken."""

import json
import re
from pathlib import Path

import pytest
from tools.mutations.__main__ import carry_out, judge, main
from tools.mutations.hunts import crash, rough, unit
from tools.mutations.listed import MUTATIONS
from tools.mutations.mutation import Copy, Edit, Mutation, MutationError, mutated

from tools.mutations import __main__ as command

# Each hunt has an end in counts; its time, which a busy machine may use up, is made long enough for any.
PATIENT = 20.0
SHARE = [mutation for mutation in MUTATIONS if mutation.share]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return Copy(str(tmp_path_factory.mktemp("copy")))


def test_every_mutation_fits_the_source_as_it_is(copy):
    copy.refuse_misfits(MUTATIONS)
    names = [mutation.name for mutation in MUTATIONS]
    assert len(names) == len(set(names)) > 90
    assert all(mutation.hunts for mutation in MUTATIONS)


def test_every_fsync_of_the_engine_is_taken_away_by_one(copy):
    """But for those inside the functions that are called fsync themselves: of these every call counts."""
    engine = Path(copy.root, "engine", "diptych")
    missing = []
    for path in sorted(engine.rglob("*.py")):
        name, text = path.relative_to(engine).as_posix(), path.read_text()
        taken = [edit.old for mutation in MUTATIONS for edit in mutation.edits if edit.file == name]
        for call in re.finditer(r"^ +(?:fs\.)?(?:fsync_\w+|fdatasync_fd)\(.*\)$", text, re.MULTILINE):
            inside = re.findall(r"^ *def (\w+)", text[: call.start()], re.MULTILINE)[-1]
            covered = any(text.index(old) <= call.start() + 1 < text.index(old) + len(old) for old in taken)
            if not covered and not inside.startswith("fsync"):
                missing.append(f"{name}: {call[0].strip()} in {inside}")
    assert missing == []


@pytest.mark.parametrize("old", ["not there", "twice"])
def test_a_mutation_that_no_longer_fits_is_an_error(copy, old):
    with pytest.raises(MutationError, match=old):
        mutated("twice and twice", Edit("a.py", old, ""))
    with pytest.raises(MutationError, match="this one"):
        copy.refuse_misfits([Mutation("this one", "check", (Edit("sealed.py", "no such text", ""),), ())])


@pytest.mark.parametrize("mutation", SHARE, ids=lambda mutation: mutation.name)
def test_a_seeded_share_is_caught(copy, mutation):
    verdict = judge(copy, mutation, scale=PATIENT)
    assert (verdict.verdict, verdict.caught_by) == ("caught", mutation.hunts[0].label)
    assert verdict.trials > 0


def test_the_copy_is_mended_again(copy):
    mutation = SHARE[0]
    before = copy.planned(mutation)
    with copy.broken(mutation), pytest.raises(MutationError):
        copy.planned(mutation)
    assert copy.planned(mutation) == before


@pytest.mark.parametrize(
    "hunt",
    [crash("nk", states=20), rough("torn:n|n", states=20), rough("failing:nen", states=20)],
    ids=lambda hunt: hunt.label,
)
def test_nothing_is_caught_where_nothing_was_broken(copy, hunt):
    assert carry_out(copy, hunt, scale=PATIENT) == (False, 20, "")


def test_a_hunt_that_cannot_be_carried_out_catches_nothing(copy):
    with pytest.raises(MutationError, match="no_such_test"):
        carry_out(copy, unit("tests/no_such_test.py"))


def test_a_survivor_is_shown_and_ends_the_command_with_1(tmp_path, monkeypatch, capsys):
    harmless = Edit("checks.py", "# XXH3-64 of a term or a key: where it is found.\n", "")
    survivor = Mutation("a comment", "check", (harmless,), (unit("tests/tools/test_decode.py"),))
    monkeypatch.setattr(command, "MUTATIONS", (survivor,))
    output = tmp_path / "mutations.json"
    assert main(["--scale", str(PATIENT), "--output", str(output)]) == 1
    (verdict,) = json.loads(output.read_text())["verdicts"]
    assert (verdict["mutation"], verdict["verdict"]) == ("a comment", "survived")
    assert verdict["trials"] > 0
    assert "survived" in capsys.readouterr().out
