"""A schema that changes while there are stores: what is affected is rebuilt, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgpack
import pytest
from tests.cli.command import diptych
from tests.support.damage import segments
from tests.support.files import gone, overwrite, tree
from tests.support.notes import NOTES, Note, NotesSchema
from tests.support.processes import ROOT, run

from diptych import (
    CheckpointPolicy,
    Field,
    IncompatibleStoreError,
    RecordStore,
    Schema,
    StoreReplacedError,
    repair,
    verify,
)
from diptych.store.checkpoint.unpublished import UnpublishedGeneration
from diptych.store.generation import read_manifest

MANUAL = CheckpointPolicy(automatic=False)


class WithField(NotesSchema):
    """A search field more."""

    fields: ClassVar[tuple[Field, ...]] = (Field("text"), Field("tag", "exact"), Field("title", "exact"))

    def documents(self, key: bytes, payload: bytes) -> Iterable[tuple[int, dict[str, str]]]:
        for item, document in super().documents(key, payload):
            yield item, {**document, "title": key.decode()}


class WithIndex(NotesSchema):
    """An index and a counter more."""

    indexes: ClassVar[tuple[str, ...]] = ("tags", "first_words")
    counters: ClassVar[tuple[str, ...]] = ("tags", "words", "letters")

    def terms(self, payload: bytes) -> Sequence[Iterable[tuple[bytes, int]]]:
        words = msgpack.unpackb(payload)[1].split()
        return [*super().terms(payload), [(word.encode(), 0) for word in words[:1]]]

    def matches(self, index: int, term: bytes, key: bytes, payload: bytes, items: Sequence[int]) -> list[Any]:
        if index == 0:
            return super().matches(index, term, key, payload, items)
        return [key.decode() for _ in items if msgpack.unpackb(payload)[1].split()[0].encode() == term]

    def counts(self, payload: bytes) -> tuple[int, ...]:
        return (*super().counts(payload), len(msgpack.unpackb(payload)[1]))


class Fewer(NotesSchema):
    """Neither the index nor one of the counters, and other tokens."""

    fields: ClassVar[tuple[Field, ...]] = (Field("text"), Field("tag"))
    indexes: ClassVar[tuple[str, ...]] = ()
    counters: ClassVar[tuple[str, ...]] = ("words",)

    def terms(self, payload: bytes) -> Sequence[Iterable[tuple[bytes, int]]]:
        return []

    def counts(self, payload: bytes) -> tuple[int, ...]:
        return super().counts(payload)[1:]


class Reprojected(NotesSchema):
    """The same fields, with something else in them."""

    projection_version: ClassVar[int] = 2

    def documents(self, key: bytes, payload: bytes) -> Iterable[tuple[int, dict[str, str]]]:
        for item, document in super().documents(key, payload):
            yield item, {**document, "text": document["text"][::-1]}


class Upgraded(NotesSchema):
    """Payloads of version 4 have a third field."""

    version: ClassVar[int] = 4
    older_versions: ClassVar[tuple[int, ...]] = (3,)

    def upgrade(self, version: int, payload: bytes) -> bytes:
        assert version == 3
        tags, text = msgpack.unpackb(payload)
        return bytes(msgpack.packb((tags, text, "upgraded")))

    def pack(self, record: Note) -> bytes:
        return bytes(msgpack.packb((record.tags, record.text, "new")))

    def unpack(self, key: bytes, payload: bytes) -> Note:
        tags, text, _ = msgpack.unpackb(payload, use_list=False)
        return Note(key.decode(), tags, text)

    def counts(self, payload: bytes) -> tuple[int, ...]:
        tags, text, _ = msgpack.unpackb(payload)
        return len(tags), len(text.split())


class UpgradedWithIndex(Upgraded, WithIndex):
    """All at once."""

    def counts(self, payload: bytes) -> tuple[int, ...]:
        return (*Upgraded.counts(self, payload), len(msgpack.unpackb(payload)[1]))


def notes(version: int = 0, count: int = 6) -> list[Note]:
    return [
        Note(f"n{number}", ("home", f"t{version}"), f"w{version} milk {number}") for number in range(count)
    ]


def fill(path: str, schema: Schema[Note] = NOTES) -> dict[str, Note]:
    """Two generations, of two segments with dead records, and more in the journal."""
    there: dict[str, Note] = {}
    with RecordStore.open_with(path, schema, policy=MANUAL) as store:
        for version, some in enumerate((notes(0, 6), notes(1, 3), notes(2, 2))):
            with store.transaction(metadata={"version": version}) as txn:
                for note in some:
                    txn.put(note)
                    there[note.title] = note
                if version == 1:
                    txn.remove("n5")
                    del there["n5"]
            if version < 2:
                store.checkpoint()
    return there


def check(store: RecordStore[Note], there: dict[str, Note]) -> None:
    """All that the first schema has, and its counts."""
    assert list(store.records()) == [there[title] for title in sorted(there)]
    for title, note in there.items():
        assert store.get(title) == note
    counts = store.stats().counts
    assert counts["words"] == sum(len(note.text.split()) for note in there.values())
    if "tags" in store.schema.indexes:
        for tag in ("home", "t0", "t1", "t2", "none"):
            assert store.lookup("tags", tag) == [t for t in sorted(there) if tag in there[t].tags]
    if store.schema.projection_version == 1:
        assert {note.title for note in store.search("milk", limit=50)} == set(there)


def check_more(store: RecordStore[Note], there: dict[str, Note]) -> None:
    """What the changed schemas add."""
    names = {field.name for field in store.schema.fields}
    if "title" in names:
        for title in there:
            assert [note.title for note in store.search(f"title:{title}")] == [title]
    if "first_words" in store.schema.indexes:
        for word in ("w0", "w1", "w2"):
            expected = [t for t in sorted(there) if there[t].text.startswith(word)]
            assert store.lookup("first_words", word) == expected
        assert store.stats().counts["letters"] == sum(len(note.text) for note in there.values())
    if store.schema.projection_version == 2:
        assert {note.title for note in store.search("klim", limit=50)} == set(there)
        assert store.search("milk") == []


def halves(path: str) -> tuple[set[int], set[int]]:
    """The inodes of the records, and of the search halves' contents, of the newest generation."""
    records = {os.stat(f"{one}/records.msgpack").st_ino for one in segments(path)}
    bundles = [msgpack.unpackb(Path(one, "search.bundle").read_bytes()) for one in segments(path)]
    return records, {hash(tuple(bundle.values())) for bundle in bundles}


CHANGES = [WithField(), WithIndex(), Fewer(), Reprojected(), Upgraded(), UpgradedWithIndex()]


@pytest.mark.parametrize("schema", CHANGES, ids=lambda schema: type(schema).__name__)
def test_the_next_writer_brings_a_store_up_to_date(store_path: str, schema: NotesSchema) -> None:
    there = fill(store_path)
    for _ in range(2):
        with RecordStore.open_with(store_path, schema, policy=MANUAL) as store:
            check(store, there)
            check_more(store, there)
            assert (store.lsn, store.recovery) == (3, [])
            assert store.stats().metadata == {"version": 2}
        assert verify(store_path, schema=schema).ok
    with RecordStore.open_with(store_path, schema, policy=MANUAL) as store:
        with store.transaction() as txn:
            there["n9"] = Note("n9", ("home", "t1"), "w1 milk")
            txn.put(there["n9"])
        for _ in range(3):
            check(store, there)
            check_more(store, there)
            store.checkpoint(compact=True)
    with RecordStore.open_with(store_path, schema, read_only=True) as store:
        check(store, there)
        check_more(store, there)
    assert verify(store_path, schema=schema).ok


@pytest.mark.parametrize("schema", CHANGES, ids=lambda schema: type(schema).__name__)
def test_an_old_program_does_not_read_it_and_may_write_it_if_payloads_are_the_same(
    store_path: str, schema: NotesSchema
) -> None:
    """So that a change can be taken back; payloads of a newer version it does not know."""
    there = fill(store_path)
    RecordStore.open_with(store_path, schema, policy=MANUAL).close()
    with pytest.raises(IncompatibleStoreError):
        RecordStore.open_with(store_path, NOTES, read_only=True)
    if schema.version != NOTES.version:
        with pytest.raises(IncompatibleStoreError):
            RecordStore.open_with(store_path, NOTES, policy=MANUAL)
        return
    with RecordStore.open_with(store_path, NOTES, policy=MANUAL) as store:
        check(store, there)
    assert verify(store_path, schema=NOTES).ok


@pytest.mark.parametrize("third", [None, Fewer()], ids=["the old", "a third"])
@pytest.mark.parametrize(
    "schema", [WithField(), WithIndex(), Reprojected()], ids=lambda one: type(one).__name__
)
def test_a_change_that_was_not_published_is_taken_back(
    store_path: str, monkeypatch: pytest.MonkeyPatch, schema: NotesSchema, third: NotesSchema | None
) -> None:
    """A kill after IDENTITY was written, and before the generation of the new shape."""
    there = fill(store_path)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(UnpublishedGeneration, "publish", killed)
        with pytest.raises(KeyboardInterrupt):
            RecordStore.open_with(store_path, schema, policy=MANUAL)
    with pytest.raises(IncompatibleStoreError):
        RecordStore.open_with(store_path, NOTES, read_only=True)
    for one in (third or NOTES, NOTES):
        with RecordStore.open_with(store_path, one, policy=MANUAL) as store:
            check(store, there)
            assert store.recovery == []
        with RecordStore.open_with(store_path, one, read_only=True) as store:
            check(store, there)
        assert verify(store_path, schema=one).ok


def test_messages_name_the_difference(store_path: str) -> None:
    fill(store_path)
    for schema, said in (
        (WithField(), "search field 'title' is new"),
        (WithIndex(), "index 'first_words' is new; counter 'letters' is new"),
        (Fewer(), "search field 'tag' has 'code' tokens instead of 'exact'; index 'tags' is gone"),
        (Reprojected(), "projection_version is 2 instead of 1"),
    ):
        with pytest.raises(IncompatibleStoreError, match=said) as caught:
            RecordStore.open_with(store_path, schema, read_only=True)
        assert "diptych migrate" in caught.value.advice
        for ask in (verify, repair):
            with pytest.raises(IncompatibleStoreError, match=said):
                ask(store_path, schema=schema)
    with RecordStore.open_with(store_path, Upgraded(), policy=MANUAL):
        pass
    with pytest.raises(IncompatibleStoreError, match="schema 'notes' version 4, and was opened with"):
        RecordStore.open_with(store_path, NOTES)


def test_an_older_program_is_told_what_the_store_has_that_it_has_not(store_path: str) -> None:
    RecordStore.open_with(store_path, UpgradedWithIndex()).close()
    with pytest.raises(IncompatibleStoreError, match=r"version 3; in the store, index '\w+' is new"):
        RecordStore.open_with(store_path, NOTES)


def test_what_is_not_affected_is_not_written_again(store_path: str) -> None:
    there = fill(store_path)
    names = segments(store_path)
    _, search = halves(store_path)
    dead = [listed.dead for listed in read_manifest(f"{store_path}/generations/{2:020d}").segments]
    with RecordStore.open_with(store_path, WithIndex(), policy=MANUAL) as store:
        check(store, there)
    # The search index is the same to the byte, and the segments are the same with the same dead records.
    assert halves(store_path)[1] == search
    assert [one.dead for one in read_manifest(f"{store_path}/generations/{2:020d}.1").segments] == dead
    with RecordStore.open_with(store_path, WithIndex(), policy=MANUAL):
        pass
    kept = segments(store_path)
    assert len(kept) == len(names)
    assert set(os.listdir(f"{store_path}/segments")) == {
        *(os.path.basename(one) for one in kept),
        f"{2:020d}.1",
    }


def test_boosts_and_default_fields_change_nothing(store_path: str) -> None:
    class Boosted(NotesSchema):
        default_fields: ClassVar[dict[str, float]] = {"text": 3.0}

    fill(store_path)
    before = segments(store_path)
    with RecordStore.open_with(store_path, Boosted(), policy=MANUAL) as store:
        assert len(store.search("milk")) == 5
    assert segments(store_path) == before


def test_a_reader_keeps_the_generation_that_it_has_open(store_path: str) -> None:
    there = fill(store_path)
    with RecordStore.open_with(store_path, NOTES, read_only=True) as reader, reader.view() as view:
        with RecordStore.open_with(store_path, WithIndex(), policy=MANUAL) as store:
            store.checkpoint(compact=True)
        assert list(view.records()) == [there[title] for title in sorted(there)]
        assert {note.title for note in view.search("milk", limit=50)} == set(there)
        with pytest.raises(StoreReplacedError, match=r"changed the schema .*_words' is new") as caught:
            reader.refresh()
        assert "program that writes it" in caught.value.advice


def test_payloads_are_upgraded_when_read_and_written_again_by_checkpoints(store_path: str) -> None:
    there = fill(store_path)
    schema = Upgraded()
    before = segments(store_path)
    with RecordStore.open_with(store_path, schema, read_only=True) as reader:
        check(reader, there)
    with RecordStore.open_with(store_path, schema, policy=MANUAL) as store:
        check(store, there)
        assert segments(store_path) == before
        feed = {c.key: (c.before, c.after) for t in store.changes(2, before=True) for c in t.changes}
        assert feed[b"n0"] == (notes(1)[0], notes(2)[0])
        with store.transaction() as txn:
            txn.put(Note("n9", (), "milk"))
        store.checkpoint()
        written = {
            store.schema.key(one.title): store.view().payload(one.title.encode()) for one in store.records()
        }
        assert {msgpack.unpackb(payload)[2] for payload in written.values()} == {"upgraded", "new"}
        assert verify(store_path, schema=schema).ok
    there["n9"] = Note("n9", (), "milk")
    with RecordStore.open_with(store_path, schema, policy=MANUAL) as store:
        check_records(store, there)
        store.checkpoint(compact=True)
        check_records(store, there)
        stored = {one.payload for one in store.view().stored()}
        assert {msgpack.unpackb(payload)[2] for payload in stored} == {"upgraded", "new"}
    assert verify(store_path, schema=schema).ok


def test_a_consumer_of_the_old_program_stops_at_a_transaction_that_it_cannot_read(store_path: str) -> None:
    """It is not taken past it by a later one that it could read."""
    fill(store_path)
    with RecordStore.open_with(store_path, NOTES, read_only=True) as reader, reader.consumer("mirror") as old:
        with RecordStore.open_with(store_path, Upgraded(), policy=MANUAL) as store:
            with store.transaction() as txn:
                txn.put(Note("n9", (), "milk"))
            with store.transaction() as txn:
                txn.remove("n9")
        for _ in range(2):
            with pytest.raises(IncompatibleStoreError):
                next(iter(old))
    with (
        RecordStore.open_with(store_path, Upgraded(), policy=MANUAL) as store,
        store.consumer("mirror") as new,
    ):
        assert [(txn.lsn, txn.changes[0].is_removal) for txn in new] == [(4, False), (5, True)]


@pytest.mark.parametrize("name", ["records.msgpack", "search.bundle"])
def test_older_payloads_are_read_past_damage(store_path: str, name: str) -> None:
    there = fill(store_path)
    gone(f"{segments(store_path)[0]}/{name}")
    for read_only in (True, False):
        with RecordStore.open_with(store_path, Upgraded(), read_only=read_only, policy=MANUAL) as store:
            check_records(store, there)
    repair(store_path, schema=Upgraded())
    assert verify(store_path, schema=Upgraded()).ok
    with RecordStore.open_with(store_path, Upgraded(), policy=MANUAL) as store:
        check(store, there)


@pytest.mark.parametrize("read_only", [True, False])
def test_a_payload_is_upgraded_once_wherever_the_records_are_damaged(
    store_path: str, read_only: bool
) -> None:
    there = fill(store_path)
    path = Path(segments(store_path)[0], "records.msgpack")
    intact = path.read_bytes()
    for offset in range(0, len(intact), 64):
        overwrite(str(path), offset, bytes(byte ^ 0x5A for byte in intact[offset : offset + 8]))
        with RecordStore.open_with(store_path, Upgraded(), read_only=read_only, policy=MANUAL) as store:
            for tag in ("home", "t0", "t1", "t2", "none"):
                assert store.lookup("tags", tag) == [
                    title for title in sorted(there) if tag in there[title].tags
                ]
            check_records(store, there)
        path.write_bytes(intact)


def check_records(store: RecordStore[Note], there: dict[str, Note]) -> None:
    expected = [there[title] for title in sorted(there)]
    assert list(store.records()) == expected
    assert list(store.records(reverse=True)) == expected[::-1]
    assert list(store.records(start="n1", stop="n4")) == expected[1:4]
    assert store.get_many(sorted(there)) == expected
    assert [key.decode() for key in store.keys()] == sorted(there)  # noqa: SIM118 - it is no dict


def test_a_journal_file_has_payloads_of_one_version(store_path: str) -> None:
    """A crash after the change finds payloads of both versions in the journal."""
    with RecordStore.open_with(store_path, NOTES, policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.put(Note("old", ("home",), "milk"))
    for number in range(2):
        with RecordStore.open_with(store_path, Upgraded(), policy=MANUAL) as store:
            with store.transaction() as txn:
                txn.put(Note(f"new{number}", ("home",), "milk"))
    with RecordStore.open_with(store_path, Upgraded(), policy=MANUAL) as store:
        assert {one.title for one in store.records()} == {"old", "new0", "new1"}
        thirds = {one.key: msgpack.unpackb(one.payload)[2] for one in store.view().stored()}
        assert thirds == {b"old": "upgraded", b"new0": "new", b"new1": "new"}
    gone(f"{store_path}/journal/CLOSED")
    gone(f"{store_path}/IDENTITY")
    repair(store_path, schema=Upgraded())
    with RecordStore.open_with(store_path, Upgraded(), policy=MANUAL) as store:
        assert {one.title for one in store.records()} == {"old", "new0", "new1"}


@pytest.mark.parametrize("schema", [WithField(), WithIndex()], ids=lambda schema: type(schema).__name__)
@pytest.mark.parametrize("name", ["records.msgpack", "search.bundle"])
def test_a_damaged_half_is_no_obstacle(store_path: str, name: str, schema: NotesSchema) -> None:
    there = fill(store_path)
    for segment in segments(store_path):
        path = f"{segment}/{name}"
        if name == "records.msgpack":
            overwrite(path, Path(path).read_bytes().index(b"milk"), b"MILK")
        else:
            gone(path)
    with RecordStore.open_with(store_path, schema, policy=MANUAL) as store:
        check(store, there)
        check_more(store, there)
    assert verify(store_path, schema=schema).ok


@pytest.mark.parametrize(
    "schema", [one for one in CHANGES if one.shape != NOTES.shape], ids=lambda schema: type(schema).__name__
)
def test_records_that_are_gone_are_taken_from_the_search_index(store_path: str, schema: NotesSchema) -> None:
    """The program that wrote them may be gone too: `migrate` must not ask for it."""
    there = fill(store_path)
    for segment in segments(store_path):
        gone(f"{segment}/records.msgpack")
    with RecordStore.open_with(store_path, schema, policy=MANUAL) as store:
        check(store, there)
        check_more(store, there)
        store.checkpoint(compact=True)
        check(store, there)
    assert verify(store_path, schema=schema).ok


def test_a_store_without_a_generation(store_path: str) -> None:
    with RecordStore.open_with(store_path, NOTES, policy=MANUAL) as store:
        with store.transaction() as txn:
            txn.put(notes()[0])
    for schema in (WithField(), WithIndex(), UpgradedWithIndex()):
        with RecordStore.open_with(store_path, schema, policy=MANUAL) as store:
            check(store, {"n0": notes()[0]})
            check_more(store, {"n0": notes()[0]})


def test_a_schema_of_another_name_or_of_an_unknown_version_changes_nothing(store_path: str) -> None:
    class Unknown(NotesSchema):
        version: ClassVar[int] = 7

    class Other(NotesSchema):
        name: ClassVar[str] = "other"

    fill(store_path)
    before = tree(store_path)
    for schema in (Unknown(), Other()):
        with pytest.raises(IncompatibleStoreError):
            RecordStore.open_with(store_path, schema, policy=MANUAL)
    after = tree(store_path)
    del before["LOCK"], after["LOCK"]
    assert after == before


_KILLED = """
import itertools, os, shutil, sys
from diptych import CheckpointPolicy, IncompatibleStoreError, RecordStore, verify
from tests.store.test_schema_change import MANUAL, WithField, WithIndex, UpgradedWithIndex
from tests.store.test_schema_change import check, check_more, fill
from tests.support.notes import NOTES
path, name = sys.argv[1:]
schema = globals()[name]()
there = fill(path)
shutil.copytree(path, path + "-before")
count = itertools.count()
for limit in itertools.count():
    pid = os.fork()
    if pid == 0:
        def counted(call):
            def run(*arguments, **options):
                if next(count) == limit:
                    os._exit(9)
                return call(*arguments, **options)
            return run
        for call in ("fsync", "replace", "mkdir", "unlink", "rmdir", "link", "write"):
            setattr(os, call, counted(getattr(os, call)))
        RecordStore.open_with(path, schema, policy=MANUAL).close()
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status in (0, 9), status
    pid = os.fork()
    if pid == 0:
        old = new = "refused"
        try:
            with RecordStore.open_with(path, NOTES, read_only=True) as store:
                check(store, there)
            old = "reads"
        except IncompatibleStoreError:
            pass
        try:
            with RecordStore.open_with(path, schema, read_only=True) as store:
                check(store, there)
                check_more(store, there)
            new = "reads"
        except IncompatibleStoreError:
            pass
        with RecordStore.open_with(path, schema, policy=MANUAL) as store:
            check(store, there)
            check_more(store, there)
            assert [f for f in store.recovery if f.severity.value != "note"] == [], store.recovery
        assert verify(path, schema=schema).ok
        print(status, old, new, flush=True)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0, limit
    shutil.rmtree(path)
    if status == 0:
        break
    shutil.copytree(path + "-before", path)
"""


@pytest.mark.parametrize("name", ["WithField", "WithIndex", "UpgradedWithIndex"])
def test_a_kill_at_any_call_leaves_the_old_or_the_new(store_path: str, name: str) -> None:
    states = [line.split() for line in run(_KILLED, store_path, name).splitlines()]
    assert states[-1] == ["0", "refused", "reads"]
    assert len(states) > 20
    # First the old program reads it, then for a moment none does, then the new one.
    order = [("reads", "refused"), ("refused", "refused"), ("refused", "reads")]
    ranks = [order.index((old, new)) for _, old, new in states]
    assert ranks == sorted(ranks)
    assert {0, 2} <= set(ranks)


def test_two_programs_do_not_rebuild_it_in_turn_for_ever(store_path: str) -> None:
    """One may take a change back, and make it again; then a person has to say which is right."""
    there = fill(store_path)
    schemas: list[NotesSchema] = [WithIndex(), NOTES]
    for one in (*schemas, *schemas):
        with RecordStore.open_with(store_path, one, policy=MANUAL) as store:
            check(store, there)
    before = tree(store_path)
    for _ in range(2):
        with pytest.raises(IncompatibleStoreError, match=r"in turn: .* 'first_words' is gone") as caught:
            RecordStore.open_with(store_path, WithIndex(), policy=MANUAL)
        assert "diptych migrate" in caught.value.advice
    assert {**tree(store_path), "LOCK": b""} == {**before, "LOCK": b""}
    # The one whose schema the store has continues, and so does each, once it was said.
    with RecordStore.open_with(store_path, NOTES, policy=MANUAL) as store:
        check(store, there)
    env = {"PYTHONPATH": f"{ROOT / 'engine'}:{ROOT}"}
    line = ["migrate", "--store", store_path, "--schema", "tests.store.test_schema_change:WithIndex"]
    diptych(*line, cwd=Path(store_path).parent, env=env)
    with RecordStore.open_with(store_path, WithIndex(), policy=MANUAL) as store:
        check_more(store, there)


def test_a_rebuilding_that_is_cut_short_again_and_again_counts_once(
    store_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = fill(store_path)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(UnpublishedGeneration, "publish", killed)
        for _ in range(4):
            with pytest.raises(KeyboardInterrupt):
                RecordStore.open_with(store_path, WithIndex(), policy=MANUAL)
    with RecordStore.open_with(store_path, WithIndex(), policy=MANUAL) as store:
        check_more(store, there)
    # Nor does a damaged hint stop anyone.
    overwrite(f"{store_path}/REBUILT", 10, b"damage")
    with RecordStore.open_with(store_path, NOTES, policy=MANUAL) as store:
        check(store, there)
