"""A store is pushed, and pulled elsewhere: what is sent, what is fetched, and what is there after that."""

from __future__ import annotations

import os
import random
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.records import numbered, record
from tests.support.waiting import join

from diptych import FileRecord, NotAStoreError, Store, StoreLockedError
from diptych.artifact import pull as pull_module
from diptych.artifact import remembered as remembered_module
from diptych.artifact.errors import (
    CorruptArtifactError,
    IncompatibleArtifactError,
    LocalChangesError,
    NoAncestorError,
    RefMovedError,
    SecretsFoundError,
    UnknownArtifactError,
    UnsupportedRemoteError,
    UntrustedError,
)
from diptych.artifact.manifest import Source, decode_manifest
from diptych.artifact.plan import kind_of
from diptych.artifact.promote import promote
from diptych.artifact.pull import pull
from diptych.artifact.push import push
from diptych.artifact.ref_body import decode_ref, encode_ref
from diptych.artifact.refs import manifest_at, new_body, read_state, write_body
from diptych.artifact.remembered import encode, load, save
from diptych.artifact.remotes.file import FileRemote
from diptych.artifact.remotes.memory import MemoryRemote, MemoryStore
from diptych.artifact.sign import SigningKey, new_key
from diptych.artifact.trust import Policy, Trust
from diptych.layout import BUNDLE, RECORDS

from .support import Counting, check_installs, check_same, content_of, fill, records_of, some_records

FIRST, SECOND, THIRD = "a" * 40, "b" * 40, "c" * 40
MAIN = "branch/main"


@pytest.fixture
def store(memory_path: Path) -> str:
    path = os.path.join(memory_path, "made", ".diptych")
    fill(path, some_records())
    return path


@pytest.fixture
def dest(memory_path: Path) -> str:
    return os.path.join(memory_path, "clone", ".diptych")


@pytest.fixture
def remote() -> Counting:
    return Counting(MemoryRemote())


def test_a_store_that_was_pulled_is_the_one_that_was_pushed(store: str, dest: str, tmp_path: Path) -> None:
    with FileRemote(os.fspath(tmp_path / "remote")) as remote:
        receipt = push(store, remote, ref=MAIN, source=Source(commit=FIRST))
        assert (receipt.outcome, receipt.serial, receipt.content_id) == ("pushed", 1, content_of(store))
        pulled = pull(remote, dest, ref=MAIN)
    assert (pulled.outcome, pulled.manifest, pulled.commit) == ("installed", receipt.manifest, FIRST)
    assert pulled.fetched_bytes == pulled.full_bytes == receipt.full_bytes
    check_same(dest, store)
    # Nothing is left beside it, and git does not see it.
    assert os.listdir(os.path.dirname(dest)) == [".diptych"]
    assert Path(dest, ".gitignore").read_bytes() == b"*\n"
    # It is a store of its own: it can be written to, and the other one does not change.
    fill(dest, numbered(1, version=9))
    assert records_of(dest) != records_of(store)
    with Store.open(dest, read_only=True) as one, Store.open(store, read_only=True) as two:
        assert one.store_id != two.store_id


def test_a_delta_sends_and_fetches_what_is_new_in_four_requests(
    store: str, dest: str, remote: Counting, tmp_path: Path
) -> None:
    first = push(store, remote, ref=MAIN, source=Source(commit=FIRST))
    pull(remote, dest, ref=MAIN)
    fill(store, numbered(2, version=1))
    remote.requests.clear()
    second = push(store, remote, ref=MAIN, source=Source(commit=SECOND))
    assert remote.requests == ["write_blob", "write_manifest", "write_ref", "write_ref"]
    assert second.outcome == "pushed"
    assert second.serial == 2
    assert second.sent_bytes < first.sent_bytes / 2
    assert second.reused_bytes > 0
    remote.requests.clear()
    pulled = pull(remote, dest, ref=MAIN)
    assert pulled.fetched_bytes < first.full_bytes / 2
    assert remote.requests.count("read_blob") == 1
    check_same(dest, store)
    check_installs(remote, tmp_path, store, ref=MAIN)


def test_with_nothing_changed_one_request_is_made(store: str, dest: str, remote: Counting) -> None:
    push(store, remote, ref=MAIN, source=Source(commit=FIRST))
    remote.requests.clear()
    assert push(store, remote, ref=MAIN, source=Source(commit=FIRST)).outcome == "unchanged"
    assert remote.requests == ["read_ref"]
    pull(remote, dest, ref=MAIN)
    remote.requests.clear()
    assert pull(remote, dest, ref=MAIN).outcome == "unchanged"
    assert remote.requests == ["read_ref"]


def test_an_independent_build_of_the_same_sends_nothing(
    memory_path: Path, store: str, remote: Counting
) -> None:
    push(store, remote, ref=MAIN, source=Source(commit=FIRST))
    other = os.path.join(memory_path, "other", ".diptych")
    for one in reversed(some_records()):
        fill(other, [one])
    blobs = list(remote.list_blobs())
    assert push(other, remote, ref=MAIN, source=Source(commit=FIRST)).outcome == "unchanged"
    assert list(remote.list_blobs()) == blobs


def test_a_merge_of_segments_is_sent_as_patches(store: str, remote: Counting, tmp_path: Path) -> None:
    push(store, remote, ref=MAIN)
    for number in range(6):
        fill(store, numbered(6, version=number + 1, first=6 * number))
        push(store, remote, ref=MAIN)
    with Store.open(store) as opened:
        opened.checkpoint(compact=True)
    # The content is the same, so the ref need not move; under another ref it is sent.
    assert push(store, remote, ref=MAIN).outcome == "unchanged"
    fill(store, numbered(1, version=50))
    push(store, remote, ref=MAIN)
    check_installs(remote, tmp_path, store, ref=MAIN)


def test_what_a_search_index_stores_is_sent_as_what_is_not_in_the_records(
    store: str, remote: Counting, tmp_path: Path
) -> None:
    fill(store, numbered(400))
    push(store, remote, ref=MAIN)
    manifest = manifest_at(remote, read_state(remote, MAIN).manifest)[0]
    records = {os.path.dirname(one.path): one for one in manifest.files if one.path.endswith(RECORDS)}
    stored = max(
        (one for one in manifest.files if kind_of(one.path) in ("store", BUNDLE)),
        key=lambda one: one.size_bytes,
    )
    assert {piece.bases for piece in stored.pieces} == {(records[os.path.dirname(stored.path)].blake3,)}
    assert manifest.bases == ()
    check_installs(remote, tmp_path, store, ref=MAIN)


def test_a_compaction_after_many_pushes_is_a_patch_of_the_first_records(
    store: str, remote: Counting, tmp_path: Path
) -> None:
    def texts(count: int, first: int) -> list[FileRecord]:
        # Each is another, so that a record is worth what it says.
        rng = random.Random(first)
        numbers = range(first, first + count)
        return [record(f"b/{number}.py", documentation=rng.randbytes(90).hex()) for number in numbers]

    fill(store, texts(2_000, 0))
    push(store, remote, ref=MAIN)
    for number in range(8):
        fill(store, texts(100, 100 * number))
        push(store, remote, ref=MAIN)
    fill(store, texts(1, 9_000))
    with Store.open(store) as opened:
        opened.checkpoint(compact=True)
    done = push(store, remote, ref=MAIN)
    check_installs(remote, tmp_path, store, ref=MAIN)
    alone = push(store, Counting(MemoryRemote()), ref=MAIN, force=True)
    assert done.sent_bytes < 0.8 * alone.sent_bytes
    # One who has nothing reads no chain of patches of what is gone.
    assert done.full_bytes < 1.3 * alone.full_bytes
    manifest = manifest_at(remote, read_state(remote, MAIN).manifest)[0]
    assert manifest.bases and not any(piece.bases for one in manifest.bases for piece in one.pieces)


def test_removed_records_do_not_come_back(store: str, dest: str, remote: Counting) -> None:
    push(store, remote, ref=MAIN)
    pull(remote, dest, ref=MAIN)
    fill(store, [], removed=["pkg/003.py", "pkg/004.py"])
    push(store, remote, ref=MAIN)
    pull(remote, dest, ref=MAIN)
    check_same(dest, store)
    assert len(records_of(dest)) == len(some_records()) - 2


def test_what_a_killed_pull_left_is_removed_by_the_next_that_has_nothing_to_do(
    store: str, dest: str, remote: Counting
) -> None:
    push(store, remote, ref=MAIN)
    pull(remote, dest, ref=MAIN)
    # Killed when the store had its place: its pieces are there still, and a temporary file.
    os.makedirs(f"{dest}.incoming/pieces")
    for name in ("pieces/a", "..gitignore.1.tmp"):
        Path(f"{dest}.incoming", name).write_bytes(b"x")
    assert pull(remote, dest, ref=MAIN, dry_run=True).outcome == "unchanged"
    assert os.path.exists(f"{dest}.incoming")
    assert pull(remote, dest, ref=MAIN).outcome == "unchanged"
    assert not os.path.exists(f"{dest}.incoming")


def test_files_of_others_in_the_folder_of_a_pull_stay(store: str, dest: str, remote: Counting) -> None:
    push(store, remote, ref=MAIN)
    os.makedirs(f"{dest}.incoming")
    Path(f"{dest}.incoming/letter.txt").write_text("mine")
    for outcome in ("installed", "unchanged"):
        assert pull(remote, dest, ref=MAIN).outcome == outcome
        assert os.listdir(f"{dest}.incoming") == ["letter.txt"]


def test_local_commits_are_never_dropped(store: str, dest: str, remote: Counting) -> None:
    push(store, remote, ref=MAIN)
    pull(remote, dest, ref=MAIN)
    fill(dest, numbered(1, version=7))
    mine = records_of(dest)
    fill(store, numbered(2, version=1))
    push(store, remote, ref=MAIN)
    with pytest.raises(LocalChangesError):
        pull(remote, dest, ref=MAIN)
    assert records_of(dest) == mine
    # Committed, and in no generation yet.
    with Store.open(dest) as opened, opened.transaction() as txn:
        txn.index_file(numbered(1, version=8)[0])
    mine = records_of(dest)
    with pytest.raises(LocalChangesError):
        pull(remote, dest, ref=MAIN)
    pulled = pull(remote, dest, ref=MAIN, local_changes="replace")
    check_same(dest, store)
    assert records_of(pulled.kept) == mine


def test_a_commit_while_a_pull_runs_is_not_dropped(
    store: str, dest: str, remote: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(store, remote, ref=MAIN)
    pull(remote, dest, ref=MAIN)
    fill(store, numbered(2, version=1))
    push(store, remote, ref=MAIN)
    assemble = pull_module.assemble

    def commit_then_assemble(*given: Any, **named: Any) -> int:
        fill(dest, numbered(1, version=9))
        return assemble(*given, **named)

    monkeypatch.setattr(pull_module, "assemble", commit_then_assemble)
    with pytest.raises(LocalChangesError):
        pull(remote, dest, ref=MAIN)
    assert numbered(1, version=9)[0] in records_of(dest)


def test_an_empty_folder_is_filled_and_any_other_refused(store: str, dest: str, remote: Counting) -> None:
    push(store, remote, ref=MAIN)
    os.makedirs(dest)
    pull(remote, dest, ref=MAIN)
    check_same(dest, store)
    other = Path(f"{dest}-2")
    other.mkdir()
    (other / "thesis.tex").write_text("words")
    with pytest.raises(NotAStoreError):
        pull(remote, other, ref=MAIN)
    assert (other / "thesis.tex").read_text() == "words"


def test_changes_on_top_of_what_the_ref_names_are_left_alone(store: str, dest: str, remote: Counting) -> None:
    push(store, remote, ref=MAIN)
    pull(remote, dest, ref=MAIN)
    fill(dest, numbered(1, version=7))
    mine = records_of(dest)
    assert pull(remote, dest, ref=MAIN).outcome == "unchanged"
    assert pull(remote, dest, ref=MAIN, local_changes="rebase").outcome == "unchanged"
    assert records_of(dest) == mine


def test_a_store_that_was_built_here_counts_as_local_changes(store: str, dest: str, remote: Counting) -> None:
    push(store, remote, ref=MAIN)
    fill(dest, numbered(3, version=5))
    with pytest.raises(LocalChangesError):
        pull(remote, dest, ref=MAIN)
    # The same content is no change, however it was made.
    other = f"{dest}-2"
    fill(other, some_records())
    assert pull(remote, other, ref=MAIN).outcome == "unchanged"


def test_the_nearest_commit_is_taken(store: str, memory_path: Path, remote: Counting) -> None:
    push(store, remote, ref=MAIN, source=Source(commit=FIRST))
    fill(store, numbered(2, version=1))
    push(store, remote, ref=MAIN, source=Source(commit=THIRD))
    commits = ["f" * 40, "e" * 40, FIRST, "d" * 40]
    pulled = pull(remote, memory_path / "near", commits=commits)
    assert (pulled.commit, pulled.distance, pulled.ref) == (FIRST, 2, f"commit/{FIRST}")
    with pytest.raises(NoAncestorError):
        pull(remote, memory_path / "none", commits=["f" * 40])
    # Where the branch is named, it is what is taken then.
    assert pull(remote, memory_path / "branch", commits=["f" * 40], ref=MAIN).commit == THIRD
    with pytest.raises(UnknownArtifactError):
        pull(remote, memory_path / "absent", ref="branch/absent")


def test_where_refs_cannot_be_listed_the_one_of_the_branch_is_taken(
    store: str, dest: str, remote: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(prefix: str = "") -> Any:
        raise UnsupportedRemoteError("it cannot list its refs")

    push(store, remote, ref=MAIN, source=Source(commit=FIRST))
    monkeypatch.setattr(remote, "list_refs", cannot)
    with pytest.raises(UnsupportedRemoteError):
        pull(remote, dest, commits=[FIRST])
    assert pull(remote, dest, commits=[FIRST], ref=MAIN).ref == MAIN


def test_a_digest_pins_an_artifact(store: str, dest: str, remote: Counting) -> None:
    first = push(store, remote, ref=MAIN)
    fill(store, numbered(2, version=1))
    push(store, remote, ref=MAIN)
    pulled = pull(remote, dest, digest=first.manifest)
    assert (pulled.manifest, pulled.content_id) == (first.manifest, first.content_id)
    # It is no local change, though no ref names it.
    assert pull(remote, dest, ref=MAIN).outcome == "installed"
    check_same(dest, store)


class Line:
    """A history of commits, oldest first."""

    def __init__(self, *commits: str) -> None:
        self.commits = commits

    def is_ancestor(self, older: str, newer: str) -> bool:
        known = older in self.commits and newer in self.commits
        return known and self.commits.index(older) <= self.commits.index(newer)


def test_the_later_commit_stays(store: str, memory_path: Path, remote: Counting) -> None:
    history = Line(FIRST, SECOND, THIRD)
    other = os.path.join(memory_path, "other", ".diptych")
    fill(other, numbered(10, version=3))
    push(store, remote, ref=MAIN, source=Source(commit=SECOND), history=history)
    assert push(other, remote, ref=MAIN, source=Source(commit=FIRST), history=history).outcome == "newer"
    assert push(other, remote, ref=MAIN, source=Source(commit=THIRD), history=history).outcome == "pushed"
    fill(store, numbered(2, version=1))
    with pytest.raises(RefMovedError):
        push(store, remote, ref=MAIN, source=Source(commit="9" * 40), history=history)
    done = push(store, remote, ref=MAIN, source=Source(commit="9" * 40), history=history, force=True)
    assert (done.outcome, done.serial) == ("pushed", 3)


def test_a_push_that_builds_on_what_was_overtaken_builds_on_the_new(
    store: str, memory_path: Path, remote: Counting
) -> None:
    push(store, remote, ref=MAIN)
    other = os.path.join(memory_path, "other", ".diptych")
    pull(remote, other, ref=MAIN)
    fill(other, numbered(2, version=2))
    push(other, remote, ref=MAIN)
    fill(store, numbered(2, version=1))
    done = push(store, remote, ref=MAIN)
    assert (done.outcome, done.serial) == ("pushed", 3)
    check_installs(remote, memory_path, store, ref=MAIN)


def test_a_dry_run_changes_nothing(store: str, dest: str, remote: Counting) -> None:
    planned = push(store, remote, ref=MAIN, dry_run=True)
    assert planned.outcome == "planned"
    assert planned.sent_bytes > 0
    assert not any(name.startswith("write") for name in remote.requests)
    assert load(store).refs == ()
    push(store, remote, ref=MAIN)
    assert pull(remote, dest, ref=MAIN, dry_run=True).outcome == "planned"
    assert not os.path.exists(os.path.dirname(dest))


def test_a_writer_makes_a_pull_fail_and_keeps_its_store(store: str, dest: str, remote: Counting) -> None:
    push(store, remote, ref=MAIN)
    pull(remote, dest, ref=MAIN)
    fill(store, numbered(2, version=1))
    push(store, remote, ref=MAIN)
    with Store.open(dest):
        with pytest.raises(StoreLockedError) as caught:
            pull(remote, dest, ref=MAIN)
    assert caught.value.pid == os.getpid()
    assert len(records_of(dest)) == len(some_records())
    # What was fetched is used by the next.
    remote.requests.clear()
    pull(remote, dest, ref=MAIN)
    assert "read_blob" not in remote.requests
    check_same(dest, store)


def test_readers_of_the_store_that_was_there_go_on_reading(store: str, dest: str, remote: Counting) -> None:
    push(store, remote, ref=MAIN)
    pull(remote, dest, ref=MAIN)
    with Store.open(dest, read_only=True) as reading, reading.view() as view:
        fill(store, numbered(2, version=1))
        push(store, remote, ref=MAIN)
        pull(remote, dest, ref=MAIN)
        assert [record.path for record in view.records()] == [one.path for one in some_records()]


def test_an_older_serial_is_refused(store: str, dest: str, remote: Counting) -> None:
    push(store, remote, ref=MAIN)
    fill(store, numbered(2, version=1))
    push(store, remote, ref=MAIN)
    pull(remote, dest, ref=MAIN)
    found = remote.read_ref(MAIN)
    assert found is not None
    body = decode_ref(found.body, where=MAIN)
    remote.write_ref(MAIN, encode_ref(replace(body, serial=1)), expected=found.version)
    with pytest.raises(UntrustedError):
        pull(remote, dest, ref=MAIN)


def test_another_schema_or_repository_is_refused(store: str, dest: str, remote: Counting) -> None:
    push(store, remote, ref=MAIN, source=Source(repo_id="1" * 64))
    with pytest.raises(IncompatibleArtifactError):
        pull(remote, dest, ref=MAIN, repo_id="2" * 64)
    assert not os.path.exists(dest)
    pulled = pull(remote, dest, ref=MAIN, repo_id="1" * 64, indexer={"python": "1"})
    assert pulled.stale


def test_an_empty_store_has_nothing_to_share(dest: str, remote: Counting) -> None:
    fill(dest, [])
    with pytest.raises(CorruptArtifactError):
        push(dest, remote, ref=MAIN)


def test_an_older_serial_is_refused_after_many_commits(store: str, dest: str, remote: Counting) -> None:
    push(store, remote, ref=MAIN)
    old = remote.read_ref(MAIN)
    fill(store, numbered(1, version=1))
    push(store, remote, ref=MAIN)
    pull(remote, dest, ref=MAIN)
    for number in range(10):
        commit = f"{number:040x}"
        push(store, remote, ref=f"commit/{commit}", source=Source(commit=commit))
        pull(remote, dest, commits=[commit])
    now = remote.read_ref(MAIN)
    assert old is not None
    assert now is not None
    remote.write_ref(MAIN, old.body, expected=now.version)
    with pytest.raises(UntrustedError):
        pull(remote, dest, ref=MAIN)


def test_the_memory_of_remotes_is_a_cache(store: str, remote: Counting, tmp_path: Path) -> None:
    push(store, remote, ref=MAIN)
    Path(store, "REMOTES").write_bytes(b"\0")
    fill(store, numbered(2, version=1))
    done = push(store, remote, ref=MAIN)
    assert done.serial == 2
    assert done.reused_bytes > 0
    check_installs(remote, tmp_path, store, ref=MAIN)


def damage(store: str) -> None:
    """Change a byte in the middle of each file of the segments."""
    for path in Path(store, "segments").glob("*/*.*"):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0xFF
        path.unlink()
        path.write_bytes(data)


def test_a_damaged_store_is_recovered_from_what_has_the_same_content(
    store: str, dest: str, remote: Counting
) -> None:
    push(store, remote, ref=MAIN)
    pull(remote, dest, ref=MAIN)
    damage(dest)
    done = pull(remote, dest, ref=MAIN, local_changes="recover")
    assert (done.outcome, done.fetched_bytes, done.reused_bytes) == ("installed", done.full_bytes, 0)
    assert os.path.isdir(done.kept)
    check_same(dest, store)


def test_a_pull_fetches_again_what_is_damaged_here(store: str, dest: str, remote: Counting) -> None:
    push(store, remote, ref=MAIN)
    pull(remote, dest, ref=MAIN)
    damage(dest)
    fill(store, numbered(3, version=1))
    push(store, remote, ref=MAIN)
    assert pull(remote, dest, ref=MAIN).outcome == "installed"
    check_same(dest, store)


def test_progress_counts_every_byte(store: str, dest: str, remote: Counting) -> None:
    seen = []
    push(store, remote, ref=MAIN, progress=seen.append)
    pull(remote, dest, ref=MAIN, progress=seen.append)
    last = {one.phase: one for one in seen}
    assert set(last) == {"encoding", "sending", "fetching", "decoding"}
    assert all(one.done_bytes == one.total_bytes > 0 for one in last.values())
    assert all(one.bytes_per_s >= 0 and one.left_s == 0 for one in last.values())


def dead_records(store: str) -> int:
    with Store.open(store, read_only=True) as opened:
        return opened.stats().dead_records


def test_the_first_push_of_all_sends_no_deleted_text(store: str, remote: Counting, tmp_path: Path) -> None:
    names = [one.path for one in records_of(store)]
    fill(store, numbered(1, version=5), removed=names[3:4])
    dead = dead_records(store)
    assert dead > 0
    push(store, remote, ref=MAIN, dry_run=True)
    assert dead_records(store) == dead
    with Store.open(store), FileRemote(os.fspath(tmp_path / "while a writer is open")) as other:
        push(store, other, ref=MAIN)
    assert dead_records(store) == dead
    first = push(store, remote, ref=MAIN)
    assert dead_records(store) == 0
    fill(store, [], removed=names[4:5])
    second = push(store, remote, ref="pr/1")
    assert dead_records(store) == 1
    assert (first.outcome, second.outcome) == ("pushed", "pushed")


def test_a_secret_stops_a_push(store: str, remote: Counting) -> None:
    token = "ghp_" + "Zx9Kq2Lm7Tn4Rv8Wc3Yb6Hd1Jf5Gs0Pa2Qe4"
    push(store, remote, ref=MAIN)
    secret = record("settings.py", documentation=f"connects with {token}")
    fill(store, [secret, *numbered(30, version=8, first=70)])
    remote.requests.clear()
    with pytest.raises(SecretsFoundError) as caught:
        push(store, remote, ref=MAIN)
    assert "settings.py" in str(caught.value)
    assert token not in str(caught.value)
    assert not any(name.startswith("write") for name in remote.requests)
    # Removed, its text is in the files still.
    fill(store, [], removed=["settings.py"])
    with pytest.raises(SecretsFoundError):
        push(store, remote, ref=MAIN)
    fill(store, numbered(1, version=3))
    assert push(store, remote, ref=MAIN, compact=True).outcome == "pushed"


def test_what_is_signed_is_installed_where_its_key_is_trusted(
    store: str, dest: str, remote: Counting, tmp_path: Path
) -> None:
    key, other = new_key(os.fspath(tmp_path / "key")), new_key(os.fspath(tmp_path / "other"))
    push(store, remote, ref=MAIN, source=Source(commit=FIRST), key=key)

    def trusting(*keys: SigningKey) -> Trust:
        return Trust((Policy(remote.url, "signature", tuple(one.public for one in keys)),))

    with pytest.raises(UntrustedError):
        pull(remote, dest, ref=MAIN, trust=trusting(other))
    assert not os.path.exists(dest)
    assert pull(remote, dest, ref=MAIN, trust=trusting(other, key)).outcome == "installed"
    assert pull(remote, f"{dest}-2", commits=[FIRST], trust=trusting(key)).distance == 0
    # Who asks for no signature reads what is signed, too.
    assert pull(remote, f"{dest}-3", ref=MAIN).outcome == "installed"
    # A push without a signature, of the same content or another.
    fill(store, numbered(1, version=3))
    push(store, remote, ref=MAIN)
    with pytest.raises(UntrustedError):
        pull(remote, dest, ref=MAIN, trust=trusting(key))
    promote(remote, f"commit/{FIRST}", "channel/stable", key=key)
    pull(remote, f"{dest}-4", ref="channel/stable", trust=trusting(key))
    # Only a pin is believed: then the digest says what is meant.
    pinned = Trust((Policy(remote.url, "digest"),))
    with pytest.raises(UntrustedError):
        pull(remote, f"{dest}-5", ref=MAIN, trust=pinned)
    wanted = pull(remote, f"{dest}-5", ref=MAIN, dry_run=True).manifest
    assert pull(remote, f"{dest}-5", digest=wanted, trust=pinned).outcome == "installed"


def test_what_was_pushed_without_a_signature_is_signed_by_the_next_push(
    store: str, dest: str, remote: Counting, tmp_path: Path
) -> None:
    key = new_key(os.fspath(tmp_path / "key"))
    trust = Trust((Policy(remote.url, "signature", (key.public,)),))
    push(store, remote, ref=MAIN)
    assert push(store, remote, ref=MAIN, key=key).outcome == "pushed"
    assert pull(remote, dest, ref=MAIN, trust=trust).outcome == "installed"
    assert push(store, remote, ref=MAIN, key=key).outcome == "unchanged"


def test_the_ref_of_a_commit_is_signed_by_the_next_push_with_a_key(
    store: str, dest: str, remote: Counting, tmp_path: Path
) -> None:
    key, other = new_key(os.fspath(tmp_path / "key")), new_key(os.fspath(tmp_path / "other"))
    trust = Trust((Policy(remote.url, "signature", (key.public,)),))
    source = Source(commit=FIRST)
    push(store, remote, ref=MAIN, source=source)
    push(store, remote, ref=MAIN, source=source, key=key)
    assert pull(remote, dest, ref=f"commit/{FIRST}", trust=trust).outcome == "installed"
    # One that another push made without a key since this store remembers that it names the commit.
    found = remote.read_ref(f"commit/{FIRST}")
    assert found is not None
    unsigned = new_body(read_state(remote, MAIN).manifest, 7)
    write_body(remote, f"commit/{FIRST}", unsigned, found.version)
    assert push(store, remote, ref=MAIN, source=source, key=key).outcome == "unchanged"
    assert pull(remote, f"{dest}-2", ref=f"commit/{FIRST}", trust=trust).serial == 8
    # What another key signed stays so.
    push(store, remote, ref="branch/other", source=source, key=other)
    assert pull(remote, f"{dest}-3", ref=f"commit/{FIRST}", trust=trust).serial == 8


def test_a_key_vouches_for_nothing_that_is_not_signed(
    store: str, dest: str, remote: Counting, tmp_path: Path
) -> None:
    key, other = new_key(os.fspath(tmp_path / "key")), new_key(os.fspath(tmp_path / "other"))
    unsigned = push(store, remote, ref=MAIN).manifest
    with pytest.raises(UntrustedError, match="is not signed"):
        promote(remote, MAIN, "channel/stable", key=key)
    assert remote.read_ref("channel/stable") is None
    assert promote(remote, f"{MAIN}@sha256:{unsigned}", "channel/stable", key=key).manifest == unsigned
    push(store, remote, ref=MAIN, key=other)
    with pytest.raises(UntrustedError, match="does not name"):
        promote(remote, MAIN, "channel/stable", key=key)
    trust = Trust((Policy(remote.url, "signature", (key.public, other.public)),))
    promote(remote, MAIN, "channel/stable", key=key, trust=trust)
    assert pull(remote, dest, ref="channel/stable", trust=trust).outcome == "installed"
    # Without a key to sign with, what is required of this remote is required of what is promoted.
    push(store, remote, ref="branch/unsigned")
    assert promote(remote, "branch/unsigned", "channel/any").serial == 1
    with pytest.raises(UntrustedError, match="is not signed"):
        promote(remote, "branch/unsigned", "channel/other", trust=trust)


def test_an_older_state_of_a_ref_is_not_promoted(store: str, remote: Counting) -> None:
    push(store, remote, ref=MAIN)
    before = remote.read_ref(MAIN)
    assert before is not None
    fill(store, numbered(1, version=3))
    push(store, remote, ref=MAIN)
    now = remote.read_ref(MAIN)
    assert now is not None
    remote.write_ref(MAIN, before.body, expected=now.version)
    with pytest.raises(UntrustedError, match="older than 2"):
        promote(remote, MAIN, "channel/stable", remembered=load(store))


def test_manifests_that_are_too_large_together_are_forgotten_and_serials_are_not(
    store: str, remote: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        push(store, remote, ref=f"branch/{number}", force=True)
    before = load(store)
    monkeypatch.setattr(remembered_module, "_SIZE_MOST", len(encode(before)) - 1)
    save(store, before.seen(replace(before.refs[0], serial=9)))
    known = load(store)
    assert [bool(one.text) for one in known.refs] == [True, True, False]
    assert [one.serial for one in known.refs] == [9, 1, 1]
    assert known.remote == remote.url
    assert push(store, remote, ref="branch/0").outcome == "unchanged"


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_of_eight_pushers_at_once_no_acknowledged_push_is_lost(memory_path: Path, kind: str) -> None:
    """Each acknowledged manifest is the one that the ref names, or an ancestor of it."""
    shared = MemoryStore()
    place = os.path.join(memory_path, "remote")
    stores = [os.path.join(memory_path, f"store-{number}") for number in range(8)]
    acknowledged: list[str] = []

    def push_twice(number: int) -> None:
        with MemoryRemote(shared) if kind == "memory" else FileRemote(place) as own:
            for version in range(2):
                fill(stores[number], numbered(3, version=10 * number + version))
                done = push(stores[number], own, ref=MAIN, force=True)
                assert done.outcome == "pushed"
                acknowledged.append(done.manifest)

    threads = [threading.Thread(target=push_twice, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    join(*threads)
    assert len(acknowledged) == 16
    with MemoryRemote(shared) if kind == "memory" else FileRemote(place) as own:
        found = own.read_ref(MAIN)
        assert found is not None
        body = decode_ref(found.body, where=MAIN)
        assert body.serial == 16
        line = [body.manifest]
        while parent := decode_manifest(own.read_manifest(line[-1]), where="x").parent:
            line.append(parent)
        assert sorted(line) == sorted(acknowledged)
        (last,) = [store for store in stores if load(store).refs[0].manifest == body.manifest]
        check_installs(own, memory_path, last, ref=MAIN)
