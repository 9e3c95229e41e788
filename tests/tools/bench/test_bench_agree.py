"""A row is refused where the contestants answered differently."""

import pytest
from tools.bench.context import Context, Row
from tools.bench.sizes import SIZES

from diptych.model import Range, Symbol
from tools.bench import agree, cli

SYMBOL = Symbol("parse_file", "function", Range(0, 0, 1, 0), "Reader", "def parse_file(path)", "Reads it.")


def test_equal_answers_agree_and_are_named():
    asked = agree.require_agreement({"a": {"count": 3, "files": "x"}, "b": {"count": 3}})
    assert asked == ["count"]


def test_a_different_answer_names_the_question_and_both_sides():
    with pytest.raises(agree.AnswersDifferError, match=r"'count' differ \(a, c: 3; b: 4\)"):
        agree.require_agreement({"a": {"count": 3}, "b": {"count": 4}, "c": {"count": 3}})


def test_a_question_that_a_peer_lacks_is_not_held_against_it():
    assert agree.require_agreement({"a": {"count": 3}, "b": {}}) == []


def test_structured_answers_are_compared_by_value():
    with pytest.raises(agree.AnswersDifferError):
        agree.require_agreement({"a": {"file": [1, (2, 3)]}, "b": {"file": [1, (2, 4)]}})


def test_a_search_that_misses_a_match_is_refused():
    with pytest.raises(agree.AnswersDifferError, match="found 0 symbols"):
        agree.require_search_is_right("a", ("parse",), [], matches=1, limit=20)


def test_a_search_hit_without_the_term_is_refused():
    with pytest.raises(agree.AnswersDifferError, match="does not hold 'absent'"):
        agree.require_search_is_right("a", ("absent",), [("a.py", SYMBOL)], matches=1, limit=20)


def test_a_symbol_returned_twice_is_refused():
    with pytest.raises(agree.AnswersDifferError, match="twice"):
        agree.require_search_is_right("a", ("parse",), [("a.py", SYMBOL)] * 2, matches=2, limit=20)


def test_a_right_search_passes():
    agree.require_search_is_right("a", ("reads", "path"), [("a.py", SYMBOL)], matches=1, limit=20)


class Liar:
    """A contestant that answers what it was told to."""

    def __init__(self, answer):
        self._answer = answer

    def round(self, number):
        return [0.001]

    def answers(self):
        return {"how many": self._answer}


def test_a_refused_row_shows_no_figures(tmp_path, monkeypatch):
    def run(ctx, result):
        here = f"{__name__}:Liar"
        starts = {"honest": lambda: (here, 3), "liar": lambda: (here, 4)}
        point = ctx.one_generated(3, 2)
        for name, rounds in ctx.duel(result, starts, 2).items():
            result.add(name, "p50", "s", point, [one[0] for one in rounds])

    monkeypatch.setattr(cli.rows, "row", lambda id_: Row("lies", "Lies", "", run))
    ctx = Context(SIZES["small"], str(tmp_path), frozenset(), say=lambda text: None)
    result = cli.run_row(ctx, "lies")
    assert "'how many' differ" in result.refused
    assert result.series == []
    assert result.verdicts == []
