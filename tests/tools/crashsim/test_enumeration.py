"""Numbers that replay states, and bounds that belong to them."""

import pytest
from test_models import History
from tools.crashsim.effects import ROOT, Mark, Tree
from tools.crashsim.enumeration import POINT_STRIDE, RANDOM_FROM, Budget, choice_of, numbered
from tools.crashsim.errors import UsageError
from tools.crashsim.exploration import explore
from tools.crashsim.marks import bounds
from tools.crashsim.states import StateBuilder


def busy_history(files=6):
    history = History(Tree({"log": b""}))
    log = history.live.lookup("log")
    history.effects.append(Mark("issued 1"))
    for number in range(files):
        inode = history.create(ROOT, f"file{number}")
        history.write(inode, 0, b"%d" % number * 700)
        history.write(log, 700 * number, b"x" * 700)
    history.sync(log)
    history.effects.append(Mark("acked 1"))
    return history


@pytest.mark.parametrize("model", ["posix", "ordered"])
def test_a_number_replays_the_state_it_was_given_for(model):
    recording = busy_history().recording()
    budget = Budget(seed=7, ordered_max=60, random_count=10)
    exploration = explore(recording, model, budget)
    assert len(exploration.states) > 200
    again = StateBuilder(recording, model)
    sample = exploration.states[::8]
    for state, tree in exploration.trees(sample):
        for number in (state.first, state.last):
            point, choice = choice_of(again, number, budget)
            assert again.tree(point, choice) == tree
    assert any(state.first % POINT_STRIDE >= RANDOM_FROM for state in sample)


def test_the_same_seed_gives_the_same_states_and_another_seed_others():
    recording = busy_history().recording()

    def firsts(seed):
        budget = Budget(seed=seed, ordered_max=40, random_count=5)
        return [state.first for state in explore(recording, "posix", budget).states]

    assert firsts(1) == firsts(1)
    assert firsts(1) != firsts(2)


def test_few_combinations_are_all_tried():
    history = History()
    for name in "abc":
        history.create(ROOT, name)
    recording = history.recording()
    point = StateBuilder(recording, "posix").point(3)
    assert len(list(numbered(point.pending, 3, Budget()))) == 8
    assert len(explore(recording, "posix", Budget()).states) == 8


def test_a_state_is_held_to_the_most_acknowledged_and_the_least_begun_of_its_occurrences():
    history = History(Tree({"log": b""}))
    log = history.live.lookup("log")
    for number in (1, 2):
        history.effects.append(Mark(f"issued {number}"))
        history.write(log, number - 1, b"x")
        history.sync(log)
        history.effects.append(Mark(f"acked {number}"))
    exploration = explore(history.recording(), "posix", Budget())
    found = {tree.nodes["log"]: (state.acked, state.issued) for state, tree in exploration.trees()}
    found = {len(log): limits for log, limits in found.items() if b"\0" not in log}
    assert found == {0: (0, 0), 1: (1, 1), 2: (2, 2)}


def test_a_number_that_means_no_state_is_refused():
    builder = StateBuilder(busy_history().recording(), "posix")
    with pytest.raises(UsageError, match="There is no state"):
        choice_of(builder, 999 * POINT_STRIDE, Budget())
    with pytest.raises(UsageError, match="fewer combinations"):
        choice_of(builder, POINT_STRIDE + 400_000, Budget())


def test_marks_become_bounds():
    assert bounds([]) == (0, 0)
    assert bounds(["issued 1"]) == (0, 1)
    assert bounds(["issued 1", "acked 1", "issued 2"]) == (1, 2)
