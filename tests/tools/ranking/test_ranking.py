"""The questions are what they should be, and the measures count right."""

from __future__ import annotations

from pathlib import Path

from tools.ranking.measure import Answer, Question, ask, described, everyday, first_share, reciprocal_rank

from diptych import FileRecord, Range, Store, Symbol

WHERE = Range(0, 0, 1, 0)


def test_there_are_a_hundred_questions_each_once_with_an_answer() -> None:
    questions = everyday()
    assert len(questions) >= 100 and len({question.query for question in questions}) == len(questions)
    for question in questions:
        assert all(".py:" in wanted for wanted in question.wanted), question


def test_places_are_counted_from_one(tmp_path: Path) -> None:
    symbols = [
        Symbol("parse", "function", WHERE, documentation="Parse what the caller gives. And more."),
        Symbol("parser", "function", WHERE, documentation="Too short."),
        Symbol("_parse", "function", WHERE, documentation="Private, and so not asked for."),
    ]
    with Store.open(tmp_path / "s") as store:
        with store.transaction() as txn:
            txn.index_file(FileRecord("a.py", "h", "python", symbols))
            txn.index_file(FileRecord("tests/a.py", "h", "python", symbols))
        questions = described(store.files())
        assert questions == [Question("Parse what the caller gives", ("a.py:parse",))]
        answers = list(ask(store, [*questions, Question("parse", ("tests/a.py:parse",))], plain=True))
        # After both of a.py.
        assert [answer.place for answer in answers] == [1, 3]
        assert answers[1].first == "a.py:parse"
    answers.append(Answer(questions[0], 0, "nothing"))
    assert first_share(answers) == 1 / 3
    assert reciprocal_rank(answers) == (1 + 1 / 3) / 3
