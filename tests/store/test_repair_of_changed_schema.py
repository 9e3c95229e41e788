"""A store that is damaged, and whose schema has changed since: following the advice of errors helps.

Every combination of lost halves, journal, identity and manifests, with every kind of change.
"""

from __future__ import annotations

import itertools
import os
import re
import shlex
import shutil
from pathlib import Path

import pytest
from tests.cli.command import diptych
from tests.store.test_schema_change import CHANGES, MANUAL, Reprojected, WithField, WithIndex, fill
from tests.support.damage import damage_sealed, damage_search, damage_snapshot, segments
from tests.support.files import gone, tree
from tests.support.notes import NOTES, Note, NotesSchema
from tests.support.processes import ROOT

from diptych import (
    CorruptionError,
    DiptychError,
    IncompatibleStoreError,
    RecordStore,
    SegmentBuilder,
    repair,
    verify,
)

HALF = ("intact", "flipped", "gone")
CASES = [*itertools.product(HALF, HALF, ("intact", "last-gone", "gone"), (True, False), (True, False))]
MODULE = "tests.store.test_schema_change"


def damage(path: str, case: tuple[str, str, str, bool, bool]) -> None:
    snapshot, search, journal, identity, manifests = case
    for segment in segments(path):
        damage_snapshot(segment, snapshot, "n1")
        damage_search(segment, search)
    if not manifests:
        for name in os.listdir(f"{path}/generations"):
            gone(f"{path}/generations/{name}")
            gone(f"{path}/segments/{name}")
    if not identity:
        damage_sealed(f"{path}/IDENTITY", "gone")
    if journal == "gone":
        gone(f"{path}/journal")
    elif journal == "last-gone":
        gone(f"{path}/journal/{max(name for name in os.listdir(f'{path}/journal') if name.endswith('.wal'))}")


def follow_advice(path: str, schema: NotesSchema, there: dict[str, Note]) -> None:
    """Open it; where that is refused, repair it as the error says, once. Then it opens, with true records."""
    for _ in range(2):
        try:
            with RecordStore.open_with(path, schema, policy=MANUAL, create=False) as store:
                for note in store.records():
                    versions = [there[note.title]]
                    versions += [
                        Note(note.title, ("home", f"t{n}"), f"w{n} milk {note.title[1]}") for n in (0, 1)
                    ]
                    assert note in versions
                store.search("milk")
            assert verify(path, schema=schema, deep=False).ok or verify(path, schema=schema).lsn == 3
        except CorruptionError as error:
            assert "diptych repair" in error.advice
            repair(path, schema=schema)
        else:
            return
    raise AssertionError("the advice leads in a circle")


@pytest.mark.parametrize("schema", [NOTES, *CHANGES], ids=lambda schema: type(schema).__name__)
def test_following_the_advice_ends_in_a_store_that_opens(memory_path: Path, schema: NotesSchema) -> None:
    original, path = str(memory_path / "original"), str(memory_path / "store")
    there = fill(original) | {"n5": Note("n5", ("home", "t0"), "w0 milk 5")}
    # Each case with two of the kinds of change.
    first = [type(one) for one in (NOTES, *CHANGES)].index(type(schema)) % 3
    for case in CASES[first::3]:
        shutil.copytree(original, path)
        damage(path, case)
        follow_advice(path, schema, there)
        shutil.rmtree(path)


@pytest.mark.parametrize("schema", CHANGES, ids=lambda schema: type(schema).__name__)
def test_what_was_adopted_before_the_change_is_salvaged_by_what_wrote_it(
    memory_path: Path, schema: NotesSchema
) -> None:
    """From its search half too, with the journal's end lost."""
    original, path = str(memory_path / "original"), str(memory_path / "store")
    fill(original)
    built = str(memory_path / "built")
    with SegmentBuilder(NOTES, built) as builder:
        for number in range(3):
            builder.add(Note(f"a{number}", ("home",), "milk"))
        builder.seal()
    before = set(os.listdir(f"{original}/segments"))
    with RecordStore.open_with(original, NOTES, policy=MANUAL) as store, store.transaction() as txn:
        txn.adopt(built)
    (adopted,) = set(os.listdir(f"{original}/segments")) - before
    for half, lost in itertools.product(("", "records.msgpack", "search.bundle"), (True, False)):
        shutil.copytree(original, path)
        if half:
            gone(f"{path}/segments/{adopted}/{half}")
        if lost:
            for segment in segments(path):
                damage_snapshot(segment, "gone", "")
                damage_search(segment, "gone")
            for name in os.listdir(f"{path}/generations"):
                gone(f"{path}/generations/{name}")
            assert repair(path, schema=schema).lsn == 4
        with RecordStore.open_with(path, schema, policy=MANUAL, create=False) as store:
            assert [store.get(f"a{number}") is not None for number in range(3)] == [True] * 3
            store.checkpoint(compact=True)
        assert verify(path, schema=schema).ok
        shutil.rmtree(path)


def test_nothing_is_touched_where_the_next_writer_does_it(store_path: str) -> None:
    """With one half of each segment, that goes on as ever, and the advice is to do so."""
    there = fill(store_path)
    for segment in segments(store_path):
        damage_snapshot(segment, "gone", "")
    damage_sealed(f"{store_path}/IDENTITY", "gone")
    before = tree(store_path)
    for dry_run in (True, False):
        with pytest.raises(IncompatibleStoreError, match="changed") as caught:
            repair(store_path, schema=WithIndex(), dry_run=dry_run)
        assert "diptych migrate" in caught.value.advice
    assert tree(store_path) == before
    with RecordStore.open_with(store_path, WithIndex(), policy=MANUAL) as store:
        assert list(store.records()) == [there[title] for title in sorted(there)]


def test_a_dry_run_says_what_it_would_do_and_changes_nothing(store_path: str) -> None:
    fill(store_path)
    gone(f"{store_path}/journal")
    before = tree(store_path)
    report = repair(store_path, schema=WithField(), dry_run=True)
    assert "bring it up to date with its schema 'notes': search field 'title' is new" in report.actions
    assert tree(store_path) == before


def test_another_schema_is_refused_whatever_is_lost(store_path: str) -> None:
    class Other(NotesSchema):
        name = "others"

    fill(store_path)
    gone(f"{store_path}/journal")
    for identity in (True, False):
        if not identity:
            gone(f"{store_path}/IDENTITY")
        with pytest.raises(DiptychError) as caught:
            repair(store_path, schema=Other())
        assert "index again into a new store" in caught.value.advice


@pytest.mark.parametrize("schema", [WithField, Reprojected], ids=lambda schema: schema.__name__)
@pytest.mark.parametrize("begin", ["migrate", "repair", "verify", "status"])
def test_the_command_says_what_to_do_next_until_it_works(
    memory_path: Path, schema: type[NotesSchema], begin: str
) -> None:
    path = str(memory_path / "store")
    fill(path)
    for case in (("flipped", "flipped", "gone", True, True), ("flipped", "flipped", "intact", True, True)):
        shutil.rmtree(path)
        fill(path)
        damage(path, case)
        env = {"PYTHONPATH": f"{ROOT / 'engine'}:{ROOT}", "DIPTYCH_SCHEMA": f"{MODULE}:{schema.__name__}"}
        line, tried = [begin, "--store", path], []
        while True:
            done = diptych(*line, cwd=memory_path, env=env, code=None)
            tried.append(line)
            if done.returncode in (0, 1) and line[0] != "verify":
                break
            advice = re.search(r"`diptych ([^`]*)`", done.stderr.decode() + done.stdout.decode())
            assert advice is not None, done.stderr
            line = shlex.split(advice[1])
            line += [] if "--store" in line else ["--store", path]
            assert line not in tried, "the advice leads in a circle"
        diptych("migrate", "--store", path, cwd=memory_path, env=env)
        diptych("verify", "--deep", "--store", path, cwd=memory_path, env=env)
