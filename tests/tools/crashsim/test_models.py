"""The model by itself: no files, no processes. Small histories are drawn, and all their states are built."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st
from tools.crashsim.effects import ROOT, Change, Entry, Resize, Step, Sync, Tree, Write
from tools.crashsim.live import LiveTree
from tools.crashsim.models import MODELS, NEVER, atoms
from tools.crashsim.recording import Recording
from tools.crashsim.states import StateBuilder
from tools.crashsim.variants import WHOLE, variants

NAMES = ("a", "b", "c")


class History:
    """Builds a recording call by call, as the translator would."""

    def __init__(self, initial=None):
        self.initial = initial or Tree({})
        self.live = LiveTree(self.initial)
        self.initial_inodes = len(self.live.inodes)
        self.effects = []

    def create(self, directory, name, value=b""):
        inode = self.live.add(value)
        self.live.entries[directory][name] = inode
        self.effects.append(Change((Entry(directory, name, inode),), (inode,), creates=True))
        return inode

    def write(self, inode, offset, data):
        self.effects.append(Write(inode, offset, data, self.live.size(inode)))
        self.live.write(inode, offset, data)

    def resize(self, inode, size):
        self.effects.append(Resize(inode, size))
        self.live.resize(inode, size)

    def unlink(self, directory, name):
        inode = self.live.entries[directory].pop(name)
        self.effects.append(Change((Entry(directory, name, None),), (inode,)))

    def rename(self, directory, old, new):
        inode = self.live.entries[directory].pop(old)
        self.live.entries[directory][new] = inode
        self.effects.append(Change((Entry(directory, new, inode), Entry(directory, old, None)), (inode,)))

    def sync(self, inode, *, data_only=False):
        self.effects.append(Sync(inode, len(self.effects), data_only=data_only))

    def recording(self):
        steps = tuple(Step(effect, number) for number, effect in enumerate(self.effects))
        final = self.live.tree()
        inodes = tuple(self.live.inodes)
        return Recording("", "", self.initial, final, inodes, self.initial_inodes, steps)


@st.composite
def histories(draw, length_max=6):
    history = History(Tree({"d": None, "d/a": b"old contents"}))
    directories = [ROOT, history.live.lookup("d")]
    for _ in range(draw(st.integers(0, length_max))):
        directory = draw(st.sampled_from(directories))
        names = sorted(history.live.entries[directory])
        files = [
            name
            for name in names
            if history.live.inodes[history.live.entries[directory][name]].kind == "file"
        ]
        kind = draw(
            st.sampled_from(["create", "write", "resize", "unlink", "rename", "sync", "sync directory"])
        )
        if kind == "create":
            free = [name for name in NAMES if name not in names]
            if free:
                history.create(directory, draw(st.sampled_from(free)))
        elif kind == "sync directory":
            history.sync(directory)
        elif files:
            name = draw(st.sampled_from(files))
            inode = history.live.entries[directory][name]
            if kind == "write":
                offset = draw(st.integers(0, 5))
                history.write(inode, offset, draw(st.binary(min_size=1, max_size=3)))
            elif kind == "resize":
                size = draw(
                    st.integers(0, 8).filter(lambda size, inode=inode: size != history.live.size(inode))
                )
                history.resize(inode, size)
            elif kind == "unlink":
                history.unlink(directory, name)
            elif kind == "rename":
                free = [one for one in NAMES if one not in names]
                if free:
                    history.rename(directory, name, draw(st.sampled_from(free)))
            else:
                history.sync(inode, data_only=draw(st.booleans()))
    return history


def all_states(recording, model, number):
    """The contents of every state that a crash after `number` steps may leave."""
    builder = StateBuilder(recording, model)
    point = builder.point(number)
    options = [[*variants(atom.effect), WHOLE] for atom in point.pending]
    return {builder.digest(point, builder.legal(point, choice)) for choice in itertools.product(*options)}


def digest_of(recording, model):
    builder = StateBuilder(recording, model)
    point = builder.point(len(recording.steps))
    return builder.digest(point, (WHOLE,) * len(point.pending)), builder.tree(
        point, (WHOLE,) * len(point.pending)
    )


@settings(deadline=None, max_examples=150)
@given(histories())
def test_with_nothing_lost_the_state_is_the_live_tree(history):
    recording = history.recording()
    for model in MODELS:
        assert digest_of(recording, model)[1] == history.live.tree()


@settings(deadline=None, max_examples=150)
@given(histories())
def test_after_a_sync_of_everything_one_state_is_left(history):
    history.sync(None)
    recording = history.recording()
    for model in MODELS:
        assert len(all_states(recording, model, len(recording.steps))) == 1
        assert StateBuilder(recording, model).point(len(recording.steps)).pending == ()


@settings(deadline=None, max_examples=100)
@given(histories(length_max=5))
def test_whatever_ordered_metadata_may_leave_posix_may_leave_too(history):
    recording = history.recording()
    for number in range(len(recording.steps) + 1):
        assert all_states(recording, "ordered", number) <= all_states(recording, "posix", number)


@settings(deadline=None, max_examples=150)
@given(histories())
def test_what_posix_makes_durable_ordered_metadata_makes_durable_too(history):
    recording = history.recording()
    durable = {}
    for model in MODELS:
        for atom in atoms(model, recording.steps, recording.inodes):
            known = durable.setdefault(atom.step, {}).get(model, 0)
            durable[atom.step][model] = max(known, atom.durable_at)
    assert all(found["ordered"] <= found["posix"] for found in durable.values())


def names_left(history, model):
    recording = history.recording()
    builder = StateBuilder(recording, model)
    point = builder.point(len(recording.steps))
    options = [[*variants(atom.effect), WHOLE] for atom in point.pending]
    choices = {builder.legal(point, choice) for choice in itertools.product(*options)}
    return {tuple(sorted(builder.tree(point, choice).nodes.items())) for choice in choices}


def test_a_synced_file_may_lose_its_name_under_posix_and_not_where_metadata_is_ordered():
    history = History()
    history.sync(history.create(ROOT, "a", b""), data_only=True)
    assert names_left(history, "posix") == {(), (("a", b""),)}
    assert names_left(history, "ordered") == {(("a", b""),)}


def test_a_rename_before_its_data_leaves_an_empty_file_in_both_models():
    history = History(Tree({"a": b"old"}))
    fresh = history.create(ROOT, "b")
    history.sync(ROOT)
    history.write(fresh, 0, b"new")
    history.live.entries[ROOT].pop("b")
    history.live.entries[ROOT]["a"] = fresh
    history.effects.append(Change((Entry(ROOT, "a", fresh), Entry(ROOT, "b", None)), (fresh,)))
    history.sync(ROOT)
    for model in MODELS:
        left = names_left(history, model)
        assert (("a", b""),) in left
        assert (("a", b"new"),) in left
        assert not any(value == b"old" for state in left for _, value in state)


def test_the_halves_of_a_rename_part_under_posix_only():
    history = History(Tree({"a": b"kept"}))
    history.rename(ROOT, "a", "b")
    both, neither = (("a", b"kept"), ("b", b"kept")), ()
    assert {both, neither} < names_left(history, "posix")
    assert names_left(history, "ordered") == {(("a", b"kept"),), (("b", b"kept"),)}


def test_where_metadata_is_ordered_a_later_change_never_survives_an_earlier_one():
    history = History()
    history.create(ROOT, "a")
    history.create(ROOT, "b")
    assert (("b", b""),) in names_left(history, "posix")
    assert names_left(history, "ordered") == {(), (("a", b""),), (("a", b""), ("b", b""))}


def test_a_sync_of_one_file_commits_the_metadata_up_to_that_file_and_no_later():
    history = History()
    history.create(ROOT, "a")
    second = history.create(ROOT, "b")
    history.create(ROOT, "c")
    history.sync(second)
    assert names_left(history, "ordered") == {
        (("a", b""), ("b", b"")),
        (("a", b""), ("b", b""), ("c", b"")),
    }


def test_a_write_may_be_torn_zero_late_or_only_a_longer_file():
    history = History()
    inode = history.create(ROOT, "a")
    history.sync(ROOT)
    history.write(inode, 0, b"abc")
    left = {dict(state)["a"] for state in names_left(history, "posix")}
    zeros = b"\0\0\0"
    assert left == {b"", b"a", b"ab", b"abc", zeros, b"a\0\0", b"ab\0", b"\0bc", b"\0\0c"}


def test_a_write_is_torn_at_sectors_and_pages_of_the_file():
    history = History()
    inode = history.create(ROOT, "a")
    history.sync(ROOT)
    history.sync(inode)
    history.write(inode, 100, b"x" * 9000)
    lengths = {len(dict(state)["a"]) for state in names_left(history, "ordered")}
    assert {0, 101, 512, 612, 4096, 4196, 3100, 6100, 9100} == lengths


def test_old_bytes_survive_where_an_overwrite_does_not():
    history = History(Tree({"a": b"oldoldold"}))
    history.write(history.live.lookup("a"), 3, b"new")
    for model in MODELS:
        left = {dict(state)["a"] for state in names_left(history, model)}
        assert {b"oldoldold", b"oldnewold", b"oldnldold"} <= left
        assert all(len(value) == 9 for value in left)


def test_an_unsynced_truncation_holds_back_what_is_written_after_it_where_metadata_is_ordered():
    history = History(Tree({"a": b"old"}))
    inode = history.live.lookup("a")
    history.resize(inode, 0)
    history.write(inode, 0, b"n")
    assert {dict(state)["a"] for state in names_left(history, "ordered")} == {b"old", b"", b"n", b"\0"}
    assert b"nld" in {dict(state)["a"] for state in names_left(history, "posix")}


def test_a_synchronous_write_is_durable_and_what_came_before_it_is_not():
    history = History(Tree({"a": b"......"}))
    inode = history.live.lookup("a")
    history.write(inode, 0, b"1")
    history.write(inode, 3, b"2")
    history.effects.append(Sync(inode, 1, data_only=True, extent=True))
    assert {dict(state)["a"] for state in names_left(history, "posix")} == {b"...2..", b"1..2..", b"\0..2.."}


def test_a_sync_covers_nothing_that_was_done_while_it_ran():
    history = History(Tree({"a": b"."}))
    inode = history.live.lookup("a")
    history.write(inode, 0, b"1")
    history.effects.append(Sync(inode, 0))
    found = atoms("posix", history.recording().steps, history.live.inodes)
    assert [atom.durable_at for atom in found] == [NEVER]


def test_a_directory_that_was_moved_has_one_place():
    history = History(Tree({"d": None, "d/a": b"x"}))
    directory = history.live.lookup("d")
    history.live.entries[ROOT].pop("d")
    history.live.entries[ROOT]["e"] = directory
    history.effects.append(Change((Entry(ROOT, "e", directory), Entry(ROOT, "d", None)), (directory,)))
    states = {tuple(name for name, _ in state) for state in names_left(history, "posix")}
    assert states == {("d", "d/a"), ("e", "e/a"), ()}


def test_an_exchange_happens_or_does_not():
    history = History(Tree({"d": None, "d/a": b"x", "e": None, "e/b": b"y"}))
    one, other = (history.live.lookup(name) for name in ("d", "e"))
    history.live.entries[ROOT] |= {"d": other, "e": one}
    history.effects.append(Change((Entry(ROOT, "e", one), Entry(ROOT, "d", other)), (one, other)))
    states = {tuple(name for name, _ in state) for state in names_left(history, "posix")}
    assert states == {("d", "d/a", "e", "e/b"), ("d", "d/b", "e", "e/a")}


def test_a_directory_that_was_moved_for_good_is_where_it_was_moved_to():
    """Though its first name was never synced, nor its removal: both may be kept, and the new one is newer."""
    history = History(Tree({"from": None, "to": None}))
    source, target = (history.live.lookup(name) for name in ("from", "to"))
    inode = history.create(source, "it", None)
    history.live.entries[target]["it"] = history.live.entries[source].pop("it")
    history.effects.append(Change((Entry(target, "it", inode), Entry(source, "it", None)), (inode,)))
    history.sync(target)
    recording = history.recording()
    for model in MODELS:
        builder = StateBuilder(recording, model)
        point = builder.point(len(recording.steps))
        options = [[*variants(atom.effect), WHOLE] for atom in point.pending]
        for choice in itertools.product(*options):
            assert "to/it" in builder.tree(point, builder.legal(point, choice)).nodes
