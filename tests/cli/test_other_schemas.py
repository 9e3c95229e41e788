"""The command on stores of other schemas than that of code: named, installed, or not at hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.command import diptych, document, error_output, text
from tests.support.damage import segments
from tests.support.files import gone, overwrite
from tests.support.notes import NOTES, Note
from tests.support.processes import ROOT

from diptych import CheckpointPolicy, RecordStore
from diptych.sealed import seal, unseal
from diptych.store.manifest import IDENTITY_MAGIC

MANUAL = CheckpointPolicy(automatic=False)
NAMED = "tests.support.notes:NOTES"
PATHS = {"PYTHONPATH": f"{ROOT / 'engine'}:{ROOT}"}


@pytest.fixture
def notes(store_path: str) -> str:
    """A store with a generation, and more in the journal."""
    with RecordStore.open_with(store_path, NOTES, policy=MANUAL) as store:
        with store.transaction(metadata={"source": "mail"}) as txn:
            txn.put(Note("letter", ("home",), "dear aunt"))
        store.checkpoint()
        with store.transaction() as txn:
            txn.put(Note("list", ("home", "shop"), "milk"))
    return store_path


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """An environment with a package that has the schema."""
    info = tmp_path / "notes_schema-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: notes-schema\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[diptych.schemas]\nnotes = {NAMED}\n")
    return {"PYTHONPATH": f"{PATHS['PYTHONPATH']}:{tmp_path}"}


def test_a_schema_is_named_or_installed_or_in_the_environment(
    notes: str, tmp_path: Path, installed: dict[str, str]
) -> None:
    for arguments, env in (
        (["--schema", NAMED], PATHS),
        (["--schema", "tests.support.notes:NotesSchema"], PATHS),
        ([], {**PATHS, "DIPTYCH_SCHEMA": NAMED}),
        ([], installed),
    ):
        done = diptych("export", "--store", notes, *arguments, cwd=tmp_path, env=env)
        records = [json.loads(line) for line in done.stdout.splitlines()]
        assert records == [
            {"key": "letter", "record": {"title": "letter", "tags": ["home"], "text": "dear aunt"}},
            {"key": "list", "record": {"title": "list", "tags": ["home", "shop"], "text": "milk"}},
        ]
        done = diptych("status", "--store", notes, *arguments, cwd=tmp_path, env=env)
        assert b"holds:           2 records, 3 tags, 3 words" in done.stdout
        assert b"no parser" not in done.stdout
        assert b"(schema notes)" in done.stdout
        done = diptych("verify", "--deep", "--store", notes, *arguments, cwd=tmp_path, env=env)
        assert b"nothing is damaged up to LSN 2 (every byte was read)" in done.stdout


def test_without_its_schema_a_store_can_be_inspected(notes: str, tmp_path: Path) -> None:
    done = text("verify", "--deep", "--store", notes, cwd=tmp_path)
    assert "without the schema notes, the stores were not compared" in done
    assert "holds:           2 records\n" in text("status", "--store", notes, cwd=tmp_path)
    status = document("status", "--store", notes, cwd=tmp_path)
    assert (status["schema"], status["lsn"], status["metadata"]) == ("notes", 2, {"source": "mail"})
    assert "FileIndexed  letter" in text("journal", "--store", notes, cwd=tmp_path)
    changes = document("changes", "--store", notes, cwd=tmp_path)
    assert [change["changes"][0]["path"] for change in changes] == ["letter", "list"]
    assert "nothing is damaged" in text("repair", "--store", notes, cwd=tmp_path)
    exported = [
        json.loads(line) for line in text("export", "li", "--store", notes, cwd=tmp_path).splitlines()
    ]
    assert exported == [{"key": "list", "record": NOTES.pack(Note("list", ("home", "shop"), "milk")).hex()}]
    assert "backed up LSN 2" in text("backup", str(tmp_path / "copy"), "--store", notes, cwd=tmp_path)
    with RecordStore.open_with(tmp_path / "copy", NOTES, read_only=True) as copy:
        assert len(copy) == 2


def test_without_its_schema_damage_is_found(notes: str, tmp_path: Path) -> None:
    path = f"{segments(notes)[0]}/search.bundle"
    overwrite(path, 500, b"\xa5\x5a")
    assert "is not what SEAL says" in text("verify", "--deep", "--store", notes, cwd=tmp_path, code=1)
    said = error_output("repair", "--store", notes, cwd=tmp_path, code=6)
    assert "needs the schema 'notes' of the store" in said
    assert "--schema" in said
    assert (
        b"was repaired from the snapshot"
        in diptych("repair", "--schema", NAMED, "--store", notes, cwd=tmp_path, env=PATHS).stdout
    )
    assert "nothing is damaged" in text("verify", "--deep", "--store", notes, cwd=tmp_path)


def test_what_needs_the_schema_says_how_to_name_it(notes: str, tmp_path: Path) -> None:
    said = error_output("checkpoint", "--store", notes, cwd=tmp_path, code=6)
    assert "--schema package.module:OBJECT" in said
    done = diptych("checkpoint", "--schema", NAMED, "--store", notes, cwd=tmp_path, env=PATHS)
    assert b"published the generation of LSN 2" in done.stdout
    # With nothing left to index, no schema is needed.
    assert "nothing changed" in text("checkpoint", "--store", notes, cwd=tmp_path)


def test_a_store_that_does_not_say_its_shape_needs_the_schema(notes: str, tmp_path: Path) -> None:
    with RecordStore.open_with(notes, NOTES, read_only=True) as store:
        identity = store._handle.identity
    fields = ("store_id", "schema", "schema_version", "fingerprint", "created_ms")
    body = {name: getattr(identity, name) for name in fields}
    Path(notes, "IDENTITY").write_bytes(seal(IDENTITY_MAGIC, body, version=2))
    assert "which is not installed" in error_output("status", "--store", notes, cwd=tmp_path, code=6)
    done = diptych("status", "--store", notes, "--schema", NAMED, cwd=tmp_path, env=PATHS)
    assert b"2 records" in done.stdout


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("notes", "is no schema"),
        (":NOTES", "is no schema"),
        ("no_such_module:NOTES", "cannot be imported: ModuleNotFoundError"),
        ("tests.support.notes:NOTHING", "cannot be imported: AttributeError"),
        ("json:dumps", "is no schema"),
        ("diptych:Schema", "is no schema"),
        ("tests.cli.odd_schemas:Nameless", "is no schema"),
        ("tests.cli.odd_schemas:WithArguments", "is no schema"),
        ("tests.cli.ends_the_process:NOTES", "cannot be imported: SystemExit"),
    ],
)
def test_a_schema_that_is_none_is_refused(notes: str, tmp_path: Path, given: str, said: str) -> None:
    done = diptych("status", "--store", notes, "--schema", given, cwd=tmp_path, env=PATHS, code=2)
    assert said in done.stderr.decode()


@pytest.mark.parametrize("version", [10**9, 2**63])
def test_a_version_beyond_all_sense_is_refused(notes: str, tmp_path: Path, version: int) -> None:
    body = unseal(IDENTITY_MAGIC, Path(notes, "IDENTITY").read_bytes(), where="", version=2)
    Path(notes, "IDENTITY").write_bytes(seal(IDENTITY_MAGIC, body | {"schema_version": version}, version=2))
    for verb in ("status", "verify", "export"):
        done = diptych(verb, "--store", notes, cwd=tmp_path, code=6)
        assert "not installed" in done.stderr.decode()


def test_a_kind_of_field_of_a_later_version_is_refused(notes: str, tmp_path: Path) -> None:
    body = unseal(IDENTITY_MAGIC, Path(notes, "IDENTITY").read_bytes(), where="", version=2)
    body["shape"]["fields"][0][1] = "vector"
    Path(notes, "IDENTITY").write_bytes(seal(IDENTITY_MAGIC, body, version=2))
    for verb in ("status", "verify", "repair"):
        done = diptych(verb, "--store", notes, cwd=tmp_path, code=6)
        assert "the version of Diptych that wrote it" in done.stderr.decode()


def test_an_installed_schema_that_cannot_be_imported_is_told_and_done_without(
    notes: str, tmp_path: Path, installed: dict[str, str]
) -> None:
    (tmp_path / "notes_schema-1.0.dist-info/entry_points.txt").write_text(
        "[diptych.schemas]\nnotes = no_such_module:NOTES\n"
    )
    done = diptych("status", "--store", notes, cwd=tmp_path, env=installed)
    assert b"the schema notes cannot be imported: No module named" in done.stderr
    assert b"2 records" in done.stdout


def test_commands_about_code_refuse_another_schema(notes: str, tmp_path: Path) -> None:
    for command in (["symbol", "x"], ["refs", "x"]):
        said = error_output(*command, "--fresh", "never", "--store", notes, cwd=tmp_path, code=6)
        assert "holds records of schema 'notes'" in said


def test_a_damaged_identity_is_reported_as_damage(notes: str, tmp_path: Path) -> None:
    gone(f"{notes}/IDENTITY")
    done = diptych("verify", "--schema", NAMED, "--store", notes, cwd=tmp_path, env=PATHS, code=1)
    assert b"IDENTITY is missing" in done.stdout
