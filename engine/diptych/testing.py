"""For authors of schemas: tests that any schema must pass, on its own and in a store.

    check_schema(SCHEMA, records)                 the contract, method by method
    check_history(SCHEMA, path, history)          commits, checkpoints, reopenings, crashes, against a dict
    histories(st.sampled_from(records))           a Hypothesis strategy for histories

Failures are AssertionErrors that say what is wrong.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from diptych.change import term_hash
from diptych.schema.base import Schema
from diptych.store.checkpoint.policy import CheckpointPolicy
from diptych.store.store import RecordStore
from diptych.store.verify import verify

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Record = TypeVar("Record")
Verb = Literal["put", "remove", "commit", "rollback", "checkpoint", "reopen", "crash"]
Step = tuple[Verb, Any]
"""`put` has a record, `remove` the record whose key is removed; the others have None."""

_POLICY = CheckpointPolicy(automatic=False)


def check_schema(schema: Schema[Record], records: Iterable[Record]) -> None:
    """Hold a schema against its contract, on these records. Raises AssertionError."""
    for record in records:
        _check_record(schema, record)


def check_history(schema: Schema[Record], path: str, history: Sequence[Step]) -> None:
    """Carry out a history on a new store at `path`, and compare every read with a dict.

    A `crash` continues with a copy of the store's files as they are, while the writer is still open: what a
    kill at that moment leaves. Everything committed must be there, and nothing else. Raises AssertionError.
    """
    committed: dict[bytes, Record] = {}
    lsn = number = 0
    store = RecordStore.open_with(path, schema, policy=_POLICY)
    try:
        pending: list[Step] = []
        for verb, value in history:
            if verb in ("put", "remove"):
                pending.append((verb, value))
            elif verb in ("commit", "rollback"):
                committed, lsn = _commit(store, committed, pending, lsn, rolls_back=verb == "rollback")
                pending = []
            elif verb == "checkpoint":
                store.checkpoint()
            elif verb == "reopen":
                store.close()
                store = RecordStore.open_with(path, schema, policy=_POLICY)
            else:
                number += 1
                left, path = path, f"{path}.{number}"
                shutil.copytree(left, path)
                store.close()
                store = RecordStore.open_with(path, schema, policy=_POLICY)
            _check_reads(store, committed, lsn)
    finally:
        store.close()
    report = verify(path, deep=True, schema=schema)
    assert report.ok, f"verify finds {report.findings}"


def histories(records: SearchStrategy[Any], *, max_steps: int = 20) -> SearchStrategy[list[Step]]:
    """A Hypothesis strategy for histories of these records; needs the package hypothesis."""
    from hypothesis import strategies as st

    changes = st.tuples(st.sampled_from(["put", "put", "remove"]), records)
    ends = st.sampled_from(["commit", "commit", "rollback", "checkpoint", "reopen", "crash"])
    steps: SearchStrategy[Any] = changes | st.tuples(ends, st.none())
    return st.lists(steps, max_size=max_steps)


class _RollBackError(Exception):
    pass


def _commit(
    store: RecordStore[Record],
    committed: dict[bytes, Record],
    pending: list[Step],
    lsn: int,
    *,
    rolls_back: bool,
) -> tuple[dict[bytes, Record], int]:
    schema, after = store.schema, dict(committed)
    try:
        with store.transaction() as txn:
            for verb, record in pending:
                key = schema.key_of(record)
                if verb == "put":
                    txn.put(record)
                    after[key] = record
                elif key in after:
                    txn.remove(_name_of(schema, key))
                    del after[key]
            if rolls_back:
                raise _RollBackError  # noqa: TRY301
    except _RollBackError:
        return committed, lsn
    return after, txn.lsn or lsn


def _name_of(schema: Schema[Record], key: bytes) -> str:
    """The name by which a caller gives a key: the key as text, in most schemas."""
    for name in (key.decode("utf-8", "surrogateescape"), str(int.from_bytes(key, "big"))):
        try:
            if schema.key(name) == key:
                return name
        except Exception:  # noqa: BLE001 - another spelling may do
            continue
    raise AssertionError(f"{schema.name}: no name is known whose key is {key!r}")


def _check_record(schema: Schema[Record], record: Record) -> None:
    key, payload = schema.key_of(record), bytes(schema.pack(record))
    schema.check_key(key)
    assert schema.unpack(key, payload) == record, f"{record!r} does not come back from its payload"
    counts = tuple(schema.counts(payload))
    assert len(counts) == len(schema.counters), f"{record!r}: not a count for each of {schema.counters}"
    terms = [list(pairs) for pairs in schema.terms(payload)]
    assert len(terms) == len(schema.indexes), f"{record!r}: not terms for each of {schema.indexes}"
    documents = list(schema.documents(key, payload))
    fields = {field.name for field in schema.fields} | {"_weight"}
    for item, document in documents:
        assert 0 <= item < 2**32, f"{record!r}: the item {item} of a document"
        assert set(document) <= fields, f"{record!r}: fields that there are not: {set(document) - fields}"
        found = schema.item(key, memoryview(payload), item)
        assert schema.hit(found, 1.0) is not None, f"{record!r}: no hit for the item {item}"
    for index, pairs in enumerate(terms):
        for term in {term for term, _ in pairs}:
            items = [item for other, item in pairs if other == term]
            assert all(0 <= item < 2**32 for item in items), f"{record!r}: items of {term!r}"
            assert schema.matches(index, term, key, payload, items), f"{record!r} is not found by {term!r}"
            stranger = term + b"\0never"
            assert term_hash(stranger) != term_hash(term)
            wrong = schema.matches(index, stranger, key, payload, items)
            assert not wrong, f"{record!r} is found by {stranger!r}, which it does not have: {wrong!r}"
    for projection in (schema.project(key, payload), schema.project_record(key, payload, record)):
        projected = [list(pairs) for pairs in projection.terms]
        assert tuple(projection.counts) == counts, f"{record!r}: counts and project differ"
        assert projected == terms, f"{record!r}: terms and project differ"
        assert list(projection.documents) == documents, f"{record!r}: documents and project differ"


def _check_reads(store: RecordStore[Record], committed: dict[bytes, Record], lsn: int) -> None:
    schema = store.schema
    expected = [committed[key] for key in sorted(committed)]
    assert store.lsn == lsn, f"the store is at LSN {store.lsn}, and not at {lsn}"
    assert list(store.records()) == expected, "records() differs from what was committed"
    assert len(store) == len(committed), "len() differs from what was committed"
    counts = [0] * len(schema.counters)
    for index, name in enumerate(schema.indexes):
        wanted: dict[bytes, list[Any]] = {}
        for key in sorted(committed):
            payload = bytes(schema.pack(committed[key]))
            pairs = list(schema.terms(payload)[index])
            for term in dict.fromkeys(term for term, _ in pairs):
                items = [item for other, item in pairs if other == term]
                wanted.setdefault(term, []).extend(schema.matches(index, term, key, payload, items))
        for term, hits in wanted.items():
            found = store.lookup(name, term)
            assert found == hits, f"lookup({name!r}, {term!r}) is {found!r} instead of {hits!r}"
    for record in expected:
        for number, count in enumerate(schema.counts(bytes(schema.pack(record)))):
            counts[number] += count
    assert list(store.stats().counts.values()) == counts, "the counts of stats() are wrong"
