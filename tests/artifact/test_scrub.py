"""What must not leave the machine is found in live and in deleted records, and named without being shown."""

from __future__ import annotations

import re
from pathlib import Path

import msgpack
import pytest
from tests.support.notes import NOTES, Note
from tools.leaks.__main__ import look, stopped
from tools.leaks.planted import KINDS, planted

from diptych import FileRecord, Store, secrets
from diptych.artifact import scrub as scrubbing
from diptych.artifact.errors import SecretsFoundError
from diptych.artifact.scrub import ALLOWED, NOSHARE, Rules, Scrubbed, fingerprint, scrub, unlisted
from diptych.model import Range, Relation, Symbol
from diptych.names.facts import ASSIGNED, MODULE, Binding, FileFacts, Scope, pack_facts
from diptych.schema.code import CODE
from diptych.schema.code_tables import encode_tables
from diptych.store.generation import read_manifest
from diptych.store.store import RecordStore

SECRET = "ghp_" + "aB3dE6gH9j" * 4
HASH = "0" * 64
PLACE = Range(0, 0, 0, 1)


def record(path: str, **fields: str) -> FileRecord:
    symbol = Symbol(**{"name": "call", "kind": "function", "range": PLACE, **fields})  # type: ignore[arg-type]
    return FileRecord(path, HASH, "python", [symbol])


def scrubbed(path: Path, rules: Rules | None = None) -> Scrubbed:
    newest = max((path / "generations").iterdir(), key=lambda one: one.name)
    return scrub(str(path), read_manifest(str(newest)), CODE, rules or Rules())


def stored(path: Path, *records: FileRecord) -> Path:
    with Store.open(path) as store:
        with store.transaction() as txn:
            for one in records:
                txn.index_file(one)
        store.checkpoint()
    return path


@pytest.mark.parametrize("field", ["signature", "documentation", "name", "container", "kind"])
def test_a_secret_is_found_wherever_it_is_and_not_shown(tmp_path: Path, field: str) -> None:
    where = stored(tmp_path / "s", record("a.py", **{field: f"key = {SECRET}"}), record("b.py"))
    done = scrubbed(where)
    assert {(one.path, one.kind, one.deleted) for one in done.findings} == {("a.py", "GitHub token", False)}
    with pytest.raises(SecretsFoundError) as raised:
        done.refuse()
    assert SECRET[4:] not in f"{raised.value} {raised.value.advice} {done.findings}"
    assert raised.value.exit_code == 1


@pytest.mark.parametrize("field", ["content_hash", "language"])
def test_what_is_said_of_a_file_is_looked_through(tmp_path: Path, field: str) -> None:
    done = scrubbed(stored(tmp_path / "s", record("a.py")._replace(**{field: SECRET})))
    assert [one.where for one in done.findings] == [field.replace("_", " ")]


@pytest.mark.parametrize("field", [0, 1, 2])
def test_relations_and_paths_are_looked_through(tmp_path: Path, field: int) -> None:
    texts = ["calls", "", "target"]
    texts[field] = SECRET
    with_secret = FileRecord("a.py", HASH, "python", [], [Relation(*texts, PLACE)])
    done = scrubbed(stored(tmp_path / "s", with_secret, record(f"keys/{SECRET}.py")))
    assert {one.where for one in done.findings} == {"relation", "path"}
    assert SECRET not in repr(done.findings)


def test_names_are_looked_through(tmp_path: Path) -> None:
    binding = Binding("a", 0, (1, 0), ASSIGNED, f"<{SECRET}>")
    facts = FileFacts((Scope(MODULE, -1, (0, 0), (9, 0)),), (binding,))
    where = stored(tmp_path / "s", record("a.py")._replace(names=pack_facts(facts)))
    assert [(one.where, one.kind) for one in scrubbed(where).findings] == [("names", "GitHub token")]


def test_a_record_that_does_not_decode_is_looked_through_as_it_is_packed() -> None:
    scan = scrubbing._Scan(CODE, Rules())
    packed = CODE.pack(record("a.py", documentation=SECRET))[:-1]
    row = scrubbing._Row("a.py", packed)
    assert [one.kind for one in scan.findings([row], deleted=False)] == ["GitHub token"]


@pytest.mark.parametrize("container", [b"c", ["c"], 1])
def test_a_forged_record_is_looked_through_as_it_is_packed(container: object) -> None:
    symbols = msgpack.packb([[container, "name", 0, None, SECRET, 0, 0, 0, 0]])
    tables = ([[]], [[]] * 4, [[]] * 3, [[]] * 4)
    packed = encode_tables(msgpack.packb([HASH, "python"]), symbols, tables, [b"", b""], b"")
    row = scrubbing._Row("a.py", packed)
    scan = scrubbing._Scan(CODE, Rules())
    assert [one.kind for one in scan.findings([row], deleted=False)] == ["GitHub token"]


def test_deleted_text_is_found_until_it_is_compacted(tmp_path: Path) -> None:
    where = stored(
        tmp_path / "s", *(record(f"{number}.py") for number in range(8)), record("a.py", signature=SECRET)
    )
    stored(where, record("a.py"))
    done = scrubbed(where)
    assert [(one.path, one.deleted) for one in done.findings] == [("a.py", True)]
    assert done.dead_records == 1
    with pytest.raises(SecretsFoundError, match="deleted, but still in the files") as raised:
        done.refuse()
    assert "--compact" in raised.value.advice
    with Store.open(where) as store:
        store.checkpoint(compact=True)
    done = scrubbed(where)
    assert (done.findings, done.dead_records, done.records) == ([], 0, 9)
    done.refuse()


def test_what_is_allowed_by_its_fingerprint_passes(tmp_path: Path) -> None:
    where = stored(tmp_path / "s", record("a.py", signature=f"TOKEN = '{SECRET}'"))
    (finding,) = scrubbed(where).findings
    assert finding.fingerprint == fingerprint(SECRET)
    (where / scrubbing.ALLOWED).write_text(f"# a token of the tests\n{finding.fingerprint}\nnonsense\n")
    rules = Rules.of(str(where), None)
    assert rules.allowed == {finding.fingerprint}
    assert scrubbed(where, rules).findings == []
    assert rules.digest != Rules().digest


def test_what_an_older_scan_looked_through_is_looked_through_again(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Rules().digest
    monkeypatch.setattr("diptych.secrets.VERSION", secrets.VERSION + 1)
    assert Rules().digest != before


def test_paths_that_name_people_or_are_not_shared_are_refused(tmp_path: Path) -> None:
    (tmp_path / NOSHARE).write_text("private/\n")
    where = stored(
        tmp_path / "s",
        record("private/a.py"),
        record("dump/home/alice/b.py"),
        record("c.py", documentation="see /home/alice/notes"),
        record("home/bob/d.py"),
    )
    read = Rules.of(str(where), str(tmp_path))
    rules = Rules(noshare=read.noshare, home="/home/alice", user="alice")
    assert {(one.path, one.kind) for one in scrubbed(where, rules).findings} == {
        ("private/a.py", f"named in {NOSHARE}"),
        ("dump/home/alice/b.py", "a home directory"),
        ("c.py", "home directory"),
    }


def test_paths_that_were_indexed_once_are_found_while_their_text_is_there(tmp_path: Path) -> None:
    where = stored(tmp_path / "s", record("private/a.py"), record("b.py"))
    with Store.open(where) as store:
        with store.transaction() as txn:
            txn.remove_file("private/a.py")
        store.checkpoint()
    rules = Rules(noshare=("private/",))
    (finding,) = scrubbed(where, rules).findings
    assert (finding.path, finding.where, finding.deleted) == ("private/a.py", "path", True)
    with Store.open(where) as store:
        store.checkpoint(compact=True)
    assert scrubbed(where, rules).findings == []


def test_what_a_refusal_shows_is_enough_to_allow_it(tmp_path: Path) -> None:
    where = stored(tmp_path / "s", record("a.py", documentation=f"uses {SECRET}"))
    with pytest.raises(SecretsFoundError) as caught:
        scrubbed(where).refuse()
    (shown,) = re.findall(r"fingerprint ([0-9a-f]{32})", str(caught.value))
    (where / ALLOWED).write_text(shown)
    scrubbed(where, Rules.of(str(where), None)).refuse()


def test_records_of_another_schema_are_looked_through(tmp_path: Path) -> None:
    where = tmp_path / "s"
    with RecordStore.open_with(where, NOTES) as store:
        with store.transaction() as txn:
            txn.put(Note("n", (), f"a note with {SECRET}"))
        store.checkpoint()
        with store.view() as view:
            assert view.generation is not None
            manifest = view.generation.manifest
    (finding,) = scrub(str(where), manifest, NOTES, Rules()).findings
    assert (finding.path, finding.kind, finding.where) == ("n", "GitHub token", "value")


def test_only_files_that_the_manifest_names_may_leave(tmp_path: Path) -> None:
    where = stored(tmp_path / "s", record("a.py"))
    (where / "facts.msgpack").write_bytes(b"x")
    names = [str(one.relative_to(where)) for one in where.rglob("*") if one.is_file()]
    newest = max((where / "generations").iterdir(), key=lambda one: one.name)
    refused = set(unlisted(names, read_manifest(str(newest))))
    assert {"facts.msgpack", "IDENTITY", "LOCK"} <= refused
    kept = sorted(set(names) - refused)
    assert kept
    assert all(name.startswith(("generations/", "segments/")) for name in kept)
    assert "SEAL" in {Path(name).name for name in kept}


def test_planted_secrets_are_stopped_live_and_deleted() -> None:
    secrets = planted(seed=5, of_each=2)
    live, deleted, compacted = look(secrets)
    everything = set(range(2 * len(KINDS)))
    assert stopped(live) == everything
    assert stopped(deleted) == everything
    assert compacted == []


def test_a_secret_is_found_in_every_record_that_has_it_and_after_clean_ones(tmp_path: Path) -> None:
    token = "ghp_" + "Zx9Kq2Lm7Tn4Rv8Wc3Yb6Hd1Jf5Gs0Pa2Qe4"
    where = stored(
        tmp_path / "s",
        *(record(f"{name}.py", documentation="connects") for name in "ab"),
        record("c.py", documentation=f"connects with {token}"),
        record("d.py", documentation=f"connects with {token}"),
        record("e.py", documentation="connects"),
    )
    assert sorted(one.path for one in scrubbed(where, Rules()).findings) == ["c.py", "d.py"]
