"""verify, repair, checkpoint, journal and status of stores that were damaged on purpose."""

from __future__ import annotations

from pathlib import Path

from tests.cli.command import diptych, document, error_output, text


def flip(path: Path, offset: int) -> None:
    """Change one byte."""
    data = bytearray(path.read_bytes())
    data[offset] ^= 0xFF
    path.write_bytes(data)


def commit_another(root: Path) -> None:
    """A second transaction."""
    (root / "src/second.py").write_text("def second(): pass\n")
    diptych("index", cwd=root)


def test_checkpoint_publishes_once(repository: Path) -> None:
    assert text("checkpoint", cwd=repository) == "published the generation of LSN 1\n"
    assert text("checkpoint", cwd=repository) == "nothing changed since the generation of LSN 1\n"
    assert document("checkpoint", cwd=repository)["published"] is False
    assert document("status", cwd=repository)["changes"] == 0


def test_journal_shows_every_frame_and_what_is_in_it(repository: Path) -> None:
    commit_another(repository)
    diptych("checkpoint", cwd=repository)
    (repository / "src/second.py").unlink()
    diptych("index", cwd=repository)
    items = document("journal", cwd=repository)
    assert [(item["lsn"], item["kind"]) for item in items if item["type"] == "frame"] == [
        (1, "commit"),
        (2, "commit"),
        (2, "control"),
        (3, "commit"),
    ]
    ops = [(item["op"], item.get("path")) for item in items if item["type"] == "entry"]
    assert ops == [
        ("FileIndexed", "main.go"),
        ("FileIndexed", "src/parser.py"),
        ("FileIndexed", "src/second.py"),
        ("SnapshotCreated", None),
        ("FileRemoved", "src/second.py"),
    ]
    only_last = document("journal", "--from", "3", "--no-entries", cwd=repository)
    assert [item["lsn"] for item in only_last if item["type"] == "frame"] == [3]
    assert "FileRemoved  src/second.py" in text("journal", cwd=repository)


def test_a_torn_end_is_shown_reported_by_status_and_no_damage(repository: Path) -> None:
    (segment,) = repository.glob(".diptych/journal/*.wal")
    segment.write_bytes(segment.read_bytes() + b"\x07" * 21)
    assert (
        text("journal", cwd=repository)
        .splitlines()[-1]
        .endswith("21 bytes that are not a frame: a torn write")
    )
    assert "journal-torn" in text("verify", cwd=repository)
    (found,) = document("status", cwd=repository)["recovery"]
    assert (found["kind"], found["severity"]) == ("journal-torn", "note")
    assert "note journal-torn: 21 bytes" in text("status", cwd=repository)


def test_a_damaged_snapshot_is_found_reported_bypassed_and_repaired(repository: Path) -> None:
    diptych("checkpoint", cwd=repository)
    before = text("export", cwd=repository)
    (snapshot,) = repository.glob(".diptych/segments/*/records.msgpack")
    snapshot.write_bytes(b"")
    report = document("verify", cwd=repository, code=1)
    assert report["ok"] is False
    assert {finding["kind"] for finding in report["findings"]} >= {"snapshot-damaged"}
    assert all(finding["advice"] for finding in report["findings"])
    done = diptych("export", cwd=repository)
    assert done.stdout.decode() == before
    assert b"search index" in done.stderr, "falling back was silent"
    assert "warning fallback" in text("status", cwd=repository)
    assert "would be repaired from the search" in text("repair", "--dry-run", cwd=repository, code=1)
    assert document("repair", cwd=repository)["mended_from"] == "search"
    assert document("verify", "--deep", cwd=repository)["ok"] is True
    assert text("export", cwd=repository) == before


def test_a_flipped_byte_is_seen_by_deep_verify_alone(repository: Path) -> None:
    diptych("checkpoint", cwd=repository)
    (snapshot,) = repository.glob(".diptych/segments/*/records.msgpack")
    flip(snapshot, snapshot.stat().st_size // 2)
    diptych("verify", cwd=repository)
    assert "warning snapshot-damaged" in text("verify", "--deep", cwd=repository, code=1)


def test_a_journal_damaged_in_the_middle_is_an_error_and_repair_lists_the_loss(repository: Path) -> None:
    commit_another(repository)
    (segment,) = repository.glob(".diptych/journal/*.wal")
    flip(segment, 200)
    for verb in (["status"], ["symbol", "parse"], ["index"]):
        assert "diptych repair" in error_output(*verb, cwd=repository, code=5)
    assert "damage:" in text("journal", cwd=repository, code=1)
    assert "error journal-damaged" in text("verify", cwd=repository, code=1)
    assert "would lose:" in text("repair", "--dry-run", cwd=repository, code=1)
    shown = text("repair", cwd=repository, code=1)
    assert "lost:" in shown
    assert "was repaired from the journal" in shown
    # The indexer's caches are of the same LSN, and do not vouch for what is lost.
    assert diptych("status", "--check", cwd=repository, code=6)
    assert text("symbol", "second", cwd=repository).startswith("src/second.py:1:5:")
    assert (repository / ".diptych/quarantine").is_dir()
    assert document("index", cwd=repository)["indexed"] == 2
    diptych("verify", "--deep", cwd=repository)


def test_repair_of_an_intact_store_does_nothing(repository: Path) -> None:
    assert text("repair", cwd=repository) == "did:\n  1. nothing is damaged: nothing to repair\n"
