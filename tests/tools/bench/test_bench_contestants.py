"""Contestants in processes of their own, and the data they are given."""

import os

import pytest
from tools.bench.context import Context
from tools.bench.data import codec, generate, questions
from tools.bench.results import RowResult
from tools.bench.sizes import SIZES
from tools.bench.worker import ContestantError, NotInstalledError, Worker

from diptych.model import FileRecord, Range, Relation, Symbol
from tools.bench import peers

HERE = __name__


class Echo:
    def __init__(self, *arguments):
        self.arguments = arguments

    def round(self, number):
        return [number, os.getpid()]

    def answers(self):
        return {}


class Missing(Echo):
    def __init__(self):
        import no_such_package_anywhere  # noqa: F401


class Failing(Echo):
    def round(self, number):
        raise RuntimeError("out of order")


class Dying(Echo):
    def round(self, number):
        os._exit(7)


@pytest.fixture
def ctx(tmp_path):
    context = Context(SIZES["smoke"], str(tmp_path), frozenset(), say=lambda text: None)
    yield context
    context.close()


def test_a_contestant_lives_in_a_process_of_its_own():
    with Worker(f"{HERE}:Echo", "given") as worker:
        number, pid = worker.call("round", 3)
    assert number == 3
    assert pid not in (0, os.getpid())


def test_a_missing_package_is_told_from_a_failure():
    with pytest.raises(NotInstalledError, match="no_such_package_anywhere"):
        Worker(f"{HERE}:Missing")
    with Worker(f"{HERE}:Failing") as worker, pytest.raises(ContestantError, match="out of order"):
        worker.call("round", 0)


def test_a_killed_contestant_is_a_failure():
    with Worker(f"{HERE}:Dying") as worker, pytest.raises(ContestantError, match="ended with code 7"):
        worker.call("round", 0)


def test_a_duel_goes_on_without_those_that_are_missing_or_fail(ctx):
    result = RowResult("row", "Row", "")
    starts = {name.lower(): (f"{HERE}:{name}",) for name in ("Echo", "Missing", "Failing", "Dying")}
    outcome = ctx.duel(result, starts, 2)
    assert set(outcome) == {"echo"}
    assert [number for number, _ in outcome["echo"]] == [0, 1]
    assert "not installed" in result.absent["missing"]
    assert set(result.failures) == {"failing", "dying"}


def test_restarted_rounds_have_new_processes(ctx):
    outcome = ctx.duel(RowResult("row", "Row", ""), {"echo": (f"{HERE}:Echo",)}, 3, restart=True)
    assert len({pid for _, pid in outcome["echo"]}) == 3


def test_generated_records_are_the_same_for_the_same_seed():
    assert generate.record(1, 7, 20) == generate.record(1, 7, 20)
    other = generate.record(2, 7, 20)
    assert other.path == generate.record(1, 7, 20).path
    assert other.content_hash != generate.record(1, 7, 20).content_hash


def test_generated_paths_do_not_repeat():
    assert len({generate.path_of(index) for index in range(20_000)}) == 20_000


def test_records_survive_packing():
    place = Range(0, 1, 2, 3)
    record = FileRecord(
        "caf\udce9.py", "00", "python", [Symbol("f", "function", place)], [Relation("calls", "f", "g", place)]
    )
    assert codec.unpack(codec.pack(record)) == record
    assert type(codec.unpack(codec.pack(record)).symbols[0].range) is Range


def test_every_query_has_a_match_and_its_count_is_right(ctx):
    data = ctx.one_generated(20, 5)
    asked = questions.ask(data, 10, 9)
    assert sorted({len(query) for query in asked.queries}) == [1, 2, 3]
    for query in asked.queries:
        scanned = sum(
            set(query) <= questions.words_of(symbol) for record in data.stream() for symbol in record.symbols
        )
        assert asked.matches[query] == scanned > 0


@pytest.mark.parametrize("name", ["sqlite full + fts5", "sqlite + record as blob"])
def test_sqlite_replaces_a_file_in_tables_and_text(name, tmp_path):
    peer = peers.peer_class(name)(str(tmp_path / "store"))
    old = generate.record(1, 0, 5, path="a.py", mark="zzqold")
    new = generate.record(2, 0, 3, path="a.py", mark="zzqnew")
    peer.commit([old])
    assert peer.file("a.py") == old
    assert peer.search(("zzqold",), 20) == [("a.py", old.symbols[0])]
    peer.commit([new])
    assert peer.file("a.py") == new
    assert peer.count() == 1
    assert peer.search(("zzqold",), 20) == []
    assert peer.search(("zzqnew",), 20) == [("a.py", new.symbols[0])]
    assert peer.symbols(new.symbols[1].name) == [("a.py", new.symbols[1])]
    peer.close()


def test_every_peer_says_what_it_is():
    for name in peers.NAMES:
        found = peers.peer_class(name)
        assert found.name == name
        assert found.about
