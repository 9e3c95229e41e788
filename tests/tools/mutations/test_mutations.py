"""The mutations fit the source, a few of them are caught, and nothing is caught where nothing was broken."""

import ast
import json
import re
from pathlib import Path

import pytest
from tools.mutations.__main__ import carry_out, judge, main
from tools.mutations.edits import After, Before, Drop
from tools.mutations.errors import MutationError
from tools.mutations.hunts import crash, rough, unit
from tools.mutations.listed import MUTATIONS
from tools.mutations.mutation import Copy, Mutation

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
        left = dict(fsyncs(ast.parse(text)))
        for mutation in MUTATIONS:
            if edits := [edit for edit in mutation.edits if edit.file == name]:
                tree = ast.parse(text)
                before = dict(fsyncs(tree))
                for edit in edits:
                    edit.apply(tree)
                remaining = {id(node) for node in ast.walk(tree)}
                for place, node in before.items():
                    if id(node) not in remaining:
                        left.pop(place, None)
        missing += [f"{name}:{line}: {ast.unparse(node)}" for (line, _), node in left.items()]
    assert missing == []


def fsyncs(tree):
    """The statements that are nothing but an fsync, each by its place, outside functions called fsync."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("fsync"):
            continue
        if isinstance(node, ast.Expr) and re.match(r"(fs\.)?(fsync_\w+|fdatasync_fd)\(", ast.unparse(node)):
            yield (node.lineno, node.col_offset), node
        yield from fsyncs(node)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (Drop("sealed", "seal", "no_such_call"), "seal of sealed has no statement with no_such_call"),
        (Drop("sealed", "no_such_function", "pack"), "sealed has no function no_such_function"),
        (Drop("no_such_module", "seal", "pack"), "no_such_module.py"),
        (Drop("sealed", "seal", "not an expression"), "invalid syntax"),
        (Before("sealed", "_checksum", "packed", "break"), "outside loop"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mutation_that_no_longer_fits_is_an_error(copy, edit, said):
    with pytest.raises(MutationError, match=f"^this one: .*{re.escape(said)}"):
        copy.refuse_misfits([Mutation("this one", "check", (edit,), ())])


@pytest.mark.parametrize("mutation", SHARE, ids=lambda mutation: mutation.name)
def test_a_seeded_share_is_caught(copy, mutation):
    verdict = judge(copy, mutation, scale=PATIENT)
    assert (verdict.verdict, verdict.caught_by) == ("caught", mutation.hunts[0].label)
    assert verdict.trials > 0


def test_the_copy_is_restored(copy):
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
    harmless = After("change", "record_checksum", "xxh3_64_intdigest(payload, ...)", "never_reached()")
    hunt = unit("tests/segment/test_segment_filter.py")
    survivor = Mutation("nothing that runs", "check", (harmless,), (hunt,))
    monkeypatch.setattr(command, "MUTATIONS", (survivor,))
    output = tmp_path / "mutations.json"
    assert main(["--scale", str(PATIENT), "--output", str(output)]) == 1
    (verdict,) = json.loads(output.read_text())["verdicts"]
    assert (verdict["mutation"], verdict["verdict"]) == ("nothing that runs", "survived")
    assert verdict["trials"] > 0
    assert "survived" in capsys.readouterr().out
