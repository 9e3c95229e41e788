"""`diptych scip`, as a user runs it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.cli.command import diptych, document, error_output, text
from tests.serving.scip.test_importing import FILES, INDEX

from diptych.cli.commands import scip


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for path, source in FILES.items():
        (tmp_path / path).write_text(source)
    diptych("index", "--quiet", cwd=tmp_path)
    (tmp_path / "index.scip").write_bytes(INDEX)
    return tmp_path


def test_an_import_and_what_is_answered_from_it(repository: Path) -> None:
    said = text("scip", "import", "index.scip", cwd=repository)
    assert said == "imported 2 documents with 14 occurrences of scip-test 1\n"
    found = document("definition", "main.py:6:7", cwd=repository)["definitions"]
    assert [(one["path"], one["line"], one["evidence"]) for one in found] == [("parser.py", 2, "precise")]
    assert "[precise]" in text("references", "parser.py:2:9", cwd=repository)
    assert "nothing is damaged" in text("verify", "--deep", "--store", ".diptych/precise", cwd=repository)


def test_refused_documents_are_named_with_an_exit_code(repository: Path) -> None:
    (repository / "main.py").write_text("# moved\n" + FILES["main.py"])
    done = diptych("scip", "import", "index.scip", cwd=repository, code=1)
    assert b"imported 1 document with 7 occurrences" in done.stdout
    assert b"refused main.py: 6 of its 7 names are not where it says." in done.stderr
    assert b"Next: run the indexer again" in done.stderr
    found = document("scip", "import", "index.scip", cwd=repository, code=1)
    assert [one["path"] for one in found["refused"]] == ["main.py"]
    assert (found["documents"], found["dropped"]) == (1, 0)


def test_what_cannot_be_imported_is_told_in_a_sentence(repository: Path) -> None:
    assert "no SCIP index" in error_output("scip", "import", "main.py", cwd=repository, code=5)
    assert "gone.scip" in error_output("scip", "import", "gone.scip", cwd=repository, code=7)
    assert "not in the repository" in error_output(
        "scip", "import", "index.scip", "--root", "..", cwd=repository, code=2
    )


def test_an_export_that_is_imported_is_exported_byte_for_byte(repository: Path) -> None:
    said = text("scip", "export", cwd=repository)
    assert said.startswith("wrote index.scip: 2 documents, ")
    written = (repository / "index.scip").read_bytes()
    assert diptych("scip", "export", "-o", "-", "--fresh", "never", cwd=repository).stdout == written
    assert document("scip", "import", "index.scip", cwd=repository)["refused"] == []
    assert document("scip", "export", "-o", "again.scip", cwd=repository)["precise"] == 2
    assert (repository / "again.scip").read_bytes() == written
    assert not list(repository.glob("*.tmp"))


def test_an_export_is_durable_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output, synced = tmp_path / "index.scip", []
    output.write_bytes(b"earlier")
    fsync = os.fsync

    def record(fd: int) -> None:
        fsync(fd)
        synced.append((os.fstat(fd).st_size, output.read_bytes()))

    monkeypatch.setattr(os, "fsync", record)
    with scip._written(str(output)) as file:
        file.write(b"12345")
    assert synced[0] == (5, b"earlier")
    assert output.read_bytes() == b"12345"


def test_an_export_writes_through_no_link_that_a_repository_brought(tmp_path: Path) -> None:
    """A clone may have any link beside the file that is written, under any name that can be foreseen."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"mine")
    clone = tmp_path / "clone"
    clone.mkdir()
    for name in ("index.scip", "index.scip.tmp", f".index.scip.{os.getpid()}.tmp"):
        (clone / name).symlink_to(elsewhere)
    with scip._written(str(clone / "index.scip")) as file:
        file.write(b"12345")
    assert elsewhere.read_bytes() == b"mine"
    assert not (clone / "index.scip").is_symlink()
    assert (clone / "index.scip").read_bytes() == b"12345"
