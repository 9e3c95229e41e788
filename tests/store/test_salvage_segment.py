"""Salvage of a segment with removed records: none comes back, and no live one goes without a word."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from tests.support.damage import MANUAL, forget_generation, newest, own_segment
from tests.support.files import cut, gone, overwrite
from tests.support.records import record

from diptych import Store, repair
from diptych.layout import BUNDLE, RECORDS, SEARCH_SUFFIXES
from diptych.segment.format import decode_bundle
from diptych.snapshot.format import encode_record
from diptych.snapshot.reader import SnapshotReader
from diptych.store.generation import read_manifest
from diptych.store.salvage_segment import SalvagedSegment, salvage_segment

NAMES = [f"f{number:03d}.py" for number in range(40)]
LIVE = {name.encode() for name in NAMES[1::2]}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("template") / "store")
    with Store.open(path, policy=MANUAL) as store:
        with store.transaction() as txn:
            for name in NAMES:
                txn.index_file(record(name, symbols=1))
        store.checkpoint()
        with store.transaction() as txn:
            for name in NAMES[::2]:
                txn.remove_file(name)
        store.checkpoint()
    return path


@pytest.fixture
def path(template: str, memory_path: Path) -> str:
    copy = str(memory_path / "store")
    shutil.copytree(template, copy)
    return copy


def salvaged(path: str) -> SalvagedSegment:
    (listed,) = read_manifest(newest(path)).segments
    return salvage_segment(own_segment(path, 2), listed)


def check_honest(found: SalvagedSegment) -> None:
    """No removed record is back, and what is missing is counted and named."""
    assert found.records.keys() <= LIVE
    lost, sentences = found.missing(set())
    assert lost == len(LIVE) - len(found.records)
    assert bool(sentences) >= bool(lost)
    for key in LIVE & found.claimed.keys():
        assert any(key.decode() in sentence for sentence in sentences)


def spans(bundle: bytes) -> dict[str, tuple[int, int]]:
    """Where each file of Tantivy's is in a bundle, by suffix."""
    stem = bundle[bundle.index(b".fast") - 32 : bundle.index(b".fast")].decode()
    found = {}
    for name, content in decode_bundle(bundle, stem, where="bundle").items():
        begin = bundle.index(content)
        found[name.split(".")[1]] = (begin, begin + len(content))
    return found


@pytest.mark.parametrize("suffix", SEARCH_SUFFIXES)
def test_a_damaged_search_half_alone(path: str, suffix: str) -> None:
    gone(os.path.join(own_segment(path, 2), RECORDS))
    bundle = os.path.join(own_segment(path, 2), BUNDLE)
    content = Path(bundle).read_bytes()
    begin, end = spans(content)[suffix]
    complete = 0
    for at in range(begin, end, 1 + (end - begin) // 60):
        for bit in (1, 64):
            overwrite(bundle, at, bytes([content[at] ^ bit]))
            found = salvaged(path)
            check_honest(found)
            complete += found.records.keys() == LIVE
            overwrite(bundle, at, content[at : at + 1])
    # The posting lists are not asked; what the documents are worth without their checksum is not known.
    assert (complete > 0) == (suffix != "store")
    assert salvaged(path).records.keys() == LIVE


def test_damage_is_not_given_to_tantivy(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would ask for memory without end; Rust then ends the process."""
    gone(os.path.join(own_segment(path, 2), RECORDS))
    monkeypatch.setitem(sys.modules, "tantivy", None)
    assert salvaged(path).records.keys() == LIVE


def test_what_is_given_up_says_how_many_documents_cannot_be_read(path: str) -> None:
    gone(os.path.join(own_segment(path, 2), RECORDS))
    bundle = os.path.join(own_segment(path, 2), BUNDLE)
    begin, _ = spans(Path(bundle).read_bytes())["store"]
    overwrite(bundle, begin, bytes(4))
    found = salvaged(path)
    check_honest(found)
    _, sentences = found.missing(set())
    assert any("80 of the 80 documents" in sentence for sentence in sentences)


def test_repair_reports_records_that_may_have_been_removed(path: str) -> None:
    gone(os.path.join(own_segment(path, 2), RECORDS))
    bundle = os.path.join(own_segment(path, 2), BUNDLE)
    begin, _ = spans(Path(bundle).read_bytes())["store"]
    # In the hash of the first file's content, which no other record has a part of.
    overwrite(bundle, begin + 100, b"\xa5" * 4)
    gone(os.path.join(path, "journal"))
    forget_generation(path, 1)
    report = repair(path)
    with Store.open(path, policy=MANUAL) as store:
        kept = {found.path.encode() for found in store.files()}
    assert kept <= LIVE
    assert f"{20 - len(kept)} of the 20 records of LSN 2" in report.given_up
    assert any("unless it was removed before" in sentence for sentence in report.given_up)


def test_an_id_counts_where_two_places_agree_on_it(path: str) -> None:
    gone(os.path.join(own_segment(path, 2), BUNDLE))
    records = os.path.join(own_segment(path, 2), RECORDS)
    reader = SnapshotReader(records)
    dead, live = (reader.find(name.encode()) for name in NAMES[:2])
    assert dead is not None and live is not None
    stored = reader.record(dead)
    exchanged = encode_record(live, stored.checksum, stored.key, stored.payload)
    overwrite(records, reader.offset_of(dead), exchanged)
    found = salvaged(path)
    assert found.records.keys() == LIVE
    check_honest(found)
    # Without the table of where records are, an id that is there twice makes all of them doubtful.
    cut(records, 50)
    assert salvaged(path).records == {}
    check_honest(salvaged(path))


def test_ids_that_are_each_there_once_are_proven_without_a_table(path: str) -> None:
    gone(os.path.join(own_segment(path, 2), BUNDLE))
    cut(os.path.join(own_segment(path, 2), RECORDS), 50)
    assert salvaged(path).records.keys() == LIVE


def test_what_the_journal_replaces_is_not_reported(path: str) -> None:
    gone(os.path.join(own_segment(path, 2), BUNDLE))
    cut(os.path.join(own_segment(path, 2), RECORDS), 2_000)
    found = salvaged(path)
    check_honest(found)
    everything = {name.encode() for name in NAMES}
    lost, sentences = found.missing(everything)
    unnamed = len(NAMES) - len(found.claimed) - len(found.damaged)
    assert lost <= unnamed
    assert not any("unless" in sentence for sentence in sentences)
