"""Every target on its corpus, and on what Hypothesis makes of it, each within bounds of memory and time."""

import os
import random

import pytest
from fuzz.__main__ import corpus_of, main
from fuzz.measure import TooLongError, TooMuchMemoryError, run_bounded
from fuzz.mutate import mutated
from fuzz.seeds import CORPUS, seeds
from fuzz.targets import TARGETS, Target
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.waiting import HANG_S, SHORT_S

from fuzz import measure

CHEAP = sorted(set(TARGETS) - {"store", "query"})
_bounded = settings(
    max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_every_target_takes_its_corpus(name):
    inputs = corpus_of(name)
    assert inputs
    for data in inputs:
        run_bounded(TARGETS[name], data)


@pytest.mark.parametrize("name", CHEAP)
def test_arbitrary_bytes_are_decoded_or_refused(name):
    @_bounded
    @given(st.binary(max_size=4_096))
    def run(data):
        run_bounded(TARGETS[name], data)

    run()


@pytest.mark.parametrize("name", CHEAP)
def test_mutations_of_valid_bytes_are_decoded_or_refused(name):
    corpus = corpus_of(name)

    @_bounded
    @given(st.integers(0, 2**64))
    def run(seed):
        run_bounded(TARGETS[name], mutated(corpus, random.Random(seed)))

    run()


@settings(max_examples=40, deadline=None, database=None)
@given(st.text(max_size=60) | st.text(alphabet='ab:"()[]{}*~^ANDORT+-\\/ ', max_size=40))
def test_any_query_is_answered_or_refused(text):
    run_bounded(TARGETS["query"], text.encode("utf-8", "surrogatepass"))


@settings(max_examples=15, deadline=None, database=None)
@given(st.binary(min_size=8, max_size=32))
def test_any_edits_to_a_store_are_read_or_refused(data):
    run_bounded(TARGETS["store"], data)


def test_the_corpus_is_what_the_seeds_say():
    assert sorted(os.listdir(CORPUS)) == sorted(TARGETS) == sorted(seeds())
    for name, inputs in seeds().items():
        assert len(corpus_of(name)) >= len(inputs)


def test_too_much_memory_is_a_finding():
    with pytest.raises(TooMuchMemoryError):
        run_bounded(Target("greedy", lambda data: bytes(50_000_000)), b"")


def test_no_end_is_a_finding(monkeypatch):
    monkeypatch.setattr(measure, "LIMIT_S", SHORT_S)

    def endless(data):
        while True:
            pass

    with pytest.raises(TooLongError):
        run_bounded(Target("endless", endless), b"")


def test_an_exception_that_is_let_through_is_a_finding(monkeypatch, tmp_path):
    import fuzz.__main__ as command

    def broken(data):
        if len(data) > 3:
            raise KeyError("no error of ours")

    monkeypatch.setattr(command, "FOUND", str(tmp_path))
    monkeypatch.setitem(TARGETS, "frames", Target("frames", broken))
    outcome = command.plain("frames", HANG_S, 1)
    assert "KeyError" in outcome["findings"][0]
    assert len(os.listdir(tmp_path)) == 1


def test_the_command_counts_executions(tmp_path):
    output = tmp_path / "fuzz.json"
    assert main(["frames", "--engine", "plain", "--executions", "500", "--output", str(output)]) == 0
    assert '"executions": 500' in output.read_text()
