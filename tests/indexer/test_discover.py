"""Which files are found, in git's work trees and without git, and what is passed over and counted."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from diptych.indexer.discover import Scan, scan
from diptych.indexer.settings import Settings

from .repository import git, make_repository, write


def found(root: Path, **options: object) -> Scan:
    return scan(str(root), Settings(**options))  # type: ignore[arg-type]


def paths(root: Path, **options: object) -> list[str]:
    return list(found(root, **options).files)


def test_tracked_and_untracked_files_are_found_and_ignored_ones_not(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "r", {"a.py": "", "lib/b.py": "", ".gitignore": "*.gen.py\nbuild/\n"})
    write(
        root,
        {
            "new.py": "",
            "x.gen.py": "",
            "build/c.py": "",
            ".git/info/exclude": "private.py\n",
            "private.py": "",
        },
    )
    (root / "lib/b.py").unlink()
    scanned = found(root)
    assert scanned.source == "git"
    assert list(scanned.files) == ["a.py", "new.py"]
    assert scanned.other_language == 1


def test_a_folder_of_a_work_tree_is_a_root_of_its_own(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "r", {"a.py": "", "lib/b.py": "", "lib/deep/c.go": "package c"})
    assert paths(root / "lib") == ["b.py", "deep/c.go"]


def test_an_ignored_folder_of_a_work_tree_is_walked(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "r", {"a.py": "", ".gitignore": "vendor/\n"})
    write(root, {"vendor/x.py": ""})
    scanned = found(root / "vendor")
    assert (scanned.source, list(scanned.files)) == ("walk", ["x.py"])


def test_the_caller_s_own_repository_does_not_leak_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_repository(tmp_path / "r", {"a.py": ""})
    other = make_repository(tmp_path / "other", {"o.py": ""})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git/index"))
    assert paths(root) == ["a.py"]


def test_a_repository_s_configuration_starts_no_program(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "r", {"a.py": ""})
    hook = tmp_path / "hook"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    hook.chmod(0o755)
    git(root, "config", "core.fsmonitor", str(hook))
    assert paths(root) == ["a.py"]
    assert not (tmp_path / "started").exists()


def test_submodules_count_as_part_and_nested_repositories_do_not(tmp_path: Path) -> None:
    inner = make_repository(tmp_path / "inner", {"i.py": "", ".gitignore": "no.py\n"})
    root = make_repository(tmp_path / "r", {"a.py": ""})
    git(root, "submodule", "add", "-q", str(inner), "third.party")
    write(root / "third.party", {"no.py": "", "untracked.py": ""})
    make_repository(root / "nested", {"n.py": ""})
    scanned = found(root)
    assert list(scanned.files) == ["a.py", "third.party/i.py", "third.party/untracked.py"]
    assert scanned.skipped["nested repository"] == 1


def test_a_linked_worktree_has_its_own_files(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "r", {"a.py": ""})
    git(root, "worktree", "add", "-q", "-b", "other", str(root / "tree"))
    write(root / "tree", {"b.py": ""})
    assert paths(root) == ["a.py"]
    assert paths(root / "tree") == ["a.py", "b.py"]


def test_a_path_in_conflict_is_found_once(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "r", {"a.py": "1\n"})
    git(root, "checkout", "-q", "-b", "other")
    write(root, {"a.py": "2\n"})
    git(root, "commit", "-qam", "two")
    git(root, "checkout", "-q", "main")
    write(root, {"a.py": "3\n"})
    git(root, "commit", "-qam", "three")
    with pytest.raises(Exception, match="merge"):
        git(root, "merge", "other")
    assert paths(root) == ["a.py"]


def test_every_file_name_that_git_can_hold_is_found(tmp_path: Path) -> None:
    raw = [
        b"\xff\xfe.py",
        b"new\nline.py",
        b" space .py",
        b'quote".py',
        b"-dash.py",
        "ü.py".encode(),
        b"a\\b.py",
    ]
    root = make_repository(tmp_path / "r", {})
    for name in raw:
        Path(os.fsdecode(os.fsencode(root) + b"/" + name)).write_bytes(b"x = 1\n")
    git(root, "add", "-A")
    expected = sorted(name.decode("utf-8", "surrogateescape") for name in raw)
    assert sorted(paths(root)) == expected
    walked = tmp_path / "plain"
    (root / ".git").rename(tmp_path / "moved")
    root.rename(walked)
    assert sorted(paths(walked)) == expected


def test_what_is_no_file_is_counted_and_never_opened(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "r", {"a.py": "", "x.py/inside.py": "", "large.py": "x" * 1001})
    os.mkfifo(root / "fifo.py")
    (root / "link.py").symlink_to("a.py")
    (root / "dangling.py").symlink_to("nowhere")
    with socket.socket(socket.AF_UNIX) as listening:
        monkey = Path.cwd()
        os.chdir(root)
        try:
            listening.bind("socket.py")
        finally:
            os.chdir(monkey)
        in_git = found(root, max_file_bytes=1000)
        (root / ".git").rename(tmp_path / "moved")
        without = found(root, max_file_bytes=1000)
    assert list(in_git.files) == list(without.files) == ["a.py", "x.py/inside.py"]
    assert without.skipped == {"not a regular file": 2, "symbolic link": 2, "too large": 1}
    # git lists neither sockets nor FIFOs.
    assert in_git.skipped == {"symbolic link": 2, "too large": 1}


def test_scripts_without_a_suffix_are_known_by_their_first_line(tmp_path: Path) -> None:
    root = make_repository(
        tmp_path / "r", {"run": "#!/usr/bin/env python3\n", "Makefile": "all:\n", "data": "#!/usr/bin/python"}
    )
    (root / "run").chmod(0o755)
    assert {path: language for path, (language, _) in found(root).files.items()} == {"run": "python"}


def test_without_git_the_innermost_gitignore_decides(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            ".gitignore": "*.log.py\n/top.py\nbuild/\n!keep.log.py\n",
            "a.py": "",
            "x.log.py": "",
            "keep.log.py": "",
            "top.py": "",
            "sub/top.py": "",
            "sub/.gitignore": "!x.log.py\nlocal.py\n",
            "sub/x.log.py": "",
            "sub/y.log.py": "",
            "sub/local.py": "",
            "sub/build/b.py": "",
            "local.py": "",
            ".git-like/c.py": "",
            ".hg/store.py": "",
            ".diptych/d.py": "",
        },
    )
    scanned = found(tmp_path)
    assert scanned.source == "walk"
    assert list(scanned.files) == [
        ".git-like/c.py",
        "a.py",
        "keep.log.py",
        "local.py",
        "sub/top.py",
        "sub/x.log.py",
    ]


def test_the_store_is_left_out_wherever_it_stands(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "r", {"a.py": ""})
    write(root, {".diptych/x.py": "", "deep/.diptych/y.py": "", "store/z.py": "", "store2/w.py": ""})
    assert list(scan(str(root), Settings(), store_path=str(root / "store")).files) == ["a.py", "store2/w.py"]


def test_patterns_of_the_settings_exclude(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "r", {"a.py": "", "site-packages/b.py": "", "c_test.py": ""})
    assert paths(root, exclude=("site-packages/", "*_test.py")) == ["a.py"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_folder_is_counted(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "", "closed/b.py": ""})
    (tmp_path / "closed").chmod(0)
    try:
        assert found(tmp_path).skipped["unreadable"] == 1
    finally:
        (tmp_path / "closed").chmod(0o755)


def test_a_root_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        found(tmp_path / "none")
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        found(tmp_path / "file")


def test_without_a_git_command_the_walk_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_repository(tmp_path / "r", {"a.py": "", ".gitignore": "b.py\n", "sub/c.py": ""})
    write(root, {"b.py": ""})
    monkeypatch.setenv("PATH", str(tmp_path))
    scanned = found(root)
    assert (scanned.source, list(scanned.files)) == ("walk", ["a.py", "sub/c.py"])


def test_a_folder_that_the_settings_exclude_is_not_walked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"a.py": "", "out/deep/b.py": "", "out.py": ""})
    entered: list[bytes] = []
    real = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: entered.append(path) or real(path))
    assert paths(tmp_path, exclude=("out/",)) == ["a.py", "out.py"]
    assert len(entered) == 1
