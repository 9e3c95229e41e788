"""A damaged version can be neither published nor rolled back to, and every finding is reported."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from diptych.versions import State, VersionManager, open_version
from diptych.versions.errors import (
    CorruptVersionError,
    IncompleteVersionError,
    NoRollbackTargetError,
    UnknownVersionError,
    VersionExistsError,
)

from .support import check_base, check_settled, write_tree


def writable(path: Path) -> Path:
    os.chmod(path, 0o644)
    return path


def flip(directory: Path) -> None:
    path = writable(directory / "tree" / "top.bin")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def link_away(directory: Path) -> None:
    (directory / "tree" / "top.bin").unlink()
    (directory / "tree" / "top.bin").symlink_to("/etc/hosts")


DAMAGES: dict[str, tuple[Callable[[Path], object], set[tuple[str, str]]]] = {
    "a flipped bit": (flip, {("content", "tree/top.bin")}),
    "a file cut short": (
        lambda root: os.truncate(writable(root / "tree" / "top.bin"), 3),
        {("size", "tree/top.bin")},
    ),
    "a file gone": (lambda root: (root / "tree" / "top.bin").unlink(), {("missing", "tree/top.bin")}),
    "a file too many": (lambda root: (root / "tree" / "stray").write_text("x"), {("extra", "tree/stray")}),
    "a file at the top too many": (lambda root: (root / "stray").write_text("x"), {("extra", "stray")}),
    "a directory gone": (lambda root: (root / "tree" / "hollow").rmdir(), {("missing", "tree/hollow")}),
    "a directory too many": (lambda root: (root / "tree" / "new").mkdir(), {("extra", "tree/new")}),
    "a symlink in a file's place": (link_away, {("type", "tree/top.bin")}),
    "a file in a directory's place": (
        lambda root: ((root / "tree" / "hollow").rmdir(), (root / "tree" / "hollow").write_text("")),
        {("type", "tree/hollow")},
    ),
    "an asset gone": (
        lambda root: shutil.rmtree(root / "tree" / "deep"),
        {
            ("missing", "tree/deep"),
            ("missing", "tree/deep/er"),
            ("missing", "tree/deep/void"),
            ("missing", "tree/deep/er/bottom.bin"),
        },
    ),
    "two things at once": (
        lambda root: (flip(root), (root / "tree" / "deep" / "void").unlink()),
        {("content", "tree/top.bin"), ("missing", "tree/deep/void")},
    ),
}


@pytest.fixture
def manager(tmp_path: Path) -> VersionManager:
    manager = VersionManager(tmp_path / "base")
    for version in ("v1", "v2"):
        manager.stage(version, {"tree": write_tree(tmp_path / "source", version)})
        manager.publish(version)
    manager.stage("v3", {"tree": write_tree(tmp_path / "source", "v3")})
    return manager


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_staging_is_not_published(damage: str, manager: VersionManager, tmp_path: Path) -> None:
    break_it, expected = DAMAGES[damage]
    break_it(tmp_path / "base" / "versions" / "v3.staging")
    with pytest.raises(CorruptVersionError) as caught:
        manager.publish("v3")
    assert {(finding.kind, finding.where) for finding in caught.value.findings} == expected
    assert caught.value.advice and "v3" in caught.value.message
    report = manager.verify("v3")
    assert not report.ok and report.findings == caught.value.findings
    assert check_base(tmp_path / "base", {"v2"}) == "v2"
    # Staging it again heals it.
    manager.stage("v3", {"tree": tmp_path / "source"})
    assert manager.publish("v3").previous == "v2"


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_version_is_not_gone_back_to(damage: str, manager: VersionManager, tmp_path: Path) -> None:
    break_it, expected = DAMAGES[damage]
    break_it(tmp_path / "base" / "versions" / "v1")
    for call in (manager.rollback, lambda: manager.rollback("v1")):
        with pytest.raises(CorruptVersionError) as caught:
            call()
        assert {(finding.kind, finding.where) for finding in caught.value.findings} == expected
    assert manager.current() == "v2"
    assert manager.verify("v2").ok


@pytest.mark.parametrize("content", [None, b"", b"rubbish", b"\x94"])
def test_a_published_version_with_a_damaged_manifest(
    content: bytes | None, manager: VersionManager, tmp_path: Path
) -> None:
    manifest = tmp_path / "base" / "versions" / "v1" / "manifest.msgpack"
    manifest.unlink()
    if content is not None:
        manifest.write_bytes(content)
    assert manager.info("v1").state is State.DAMAGED
    assert manager.info("v1").problem
    assert [finding.kind for finding in manager.verify("v1").findings] == ["manifest"]
    for call in (
        lambda: manager.publish("v1"),
        lambda: manager.rollback("v1"),
        lambda: manager.open("v1"),
        lambda: manager.assets("v1"),
        lambda: manager.diff("v1", "v2"),
    ):
        with pytest.raises(CorruptVersionError):
            call()
    with pytest.raises(NoRollbackTargetError):
        manager.rollback()
    with pytest.raises(VersionExistsError):
        manager.stage("v1")
    manager.discard("v1")
    with pytest.raises(UnknownVersionError):
        manager.info("v1")


def test_a_manifest_under_another_versions_name_is_refused(manager: VersionManager, tmp_path: Path) -> None:
    versions = tmp_path / "base" / "versions"
    shutil.copytree(versions / "v1", versions / "v9")
    for call in (lambda: manager.rollback("v9"), lambda: manager.open("v9")):
        with pytest.raises(CorruptVersionError):
            call()
    with pytest.raises(CorruptVersionError, match="v1"):
        open_version(str(tmp_path / "base"), "v9")
    assert "v1" in manager.verify("v9").findings[0].message


def test_the_current_version_damaged_and_a_way_out(manager: VersionManager, tmp_path: Path) -> None:
    (tmp_path / "base" / "versions" / "v2" / "manifest.msgpack").write_bytes(b"rubbish")
    with pytest.raises(CorruptVersionError):
        manager.open_current()
    with pytest.raises(NoRollbackTargetError) as caught:
        manager.rollback()
    assert "v1" in caught.value.advice
    assert manager.rollback("v1").version == "v1"
    manager.discard("v2")
    manager.publish("v3")
    assert check_base(tmp_path / "base", {"v3"}) == "v3"


@pytest.mark.parametrize("content", [None, b"", b"v", b"../x\n", b"v2\nv2\n"])
def test_a_damaged_pointer_removes_nothing_and_is_mended_by_a_choice(
    content: bytes | None, manager: VersionManager, tmp_path: Path
) -> None:
    pointer = tmp_path / "base" / "CURRENT"
    pointer.unlink() if content is None else pointer.write_bytes(content)
    manager = VersionManager(tmp_path / "base")
    for call in (lambda: manager.prune(keep=1), lambda: manager.discard("v1")):
        with pytest.raises(CorruptVersionError, match="CURRENT"):
            call()
    assert len(manager.list()) == 3
    assert manager.rollback("v2").version == "v2"
    assert pointer.read_bytes() == b"v2\n"
    check_settled(tmp_path / "base")


def test_a_pointer_to_a_version_that_is_not_there_removes_nothing(
    manager: VersionManager, tmp_path: Path
) -> None:
    (tmp_path / "base" / "CURRENT").write_bytes(b"gone\n")
    with pytest.raises(CorruptVersionError, match="gone"):
        manager.prune(keep=1)
    assert len(manager.list()) == 3


def test_a_staging_that_never_finished_blocks_nothing(manager: VersionManager, tmp_path: Path) -> None:
    staging = tmp_path / "base" / "versions" / "v4.staging"
    write_tree(staging / "half", "done")
    with pytest.raises(IncompleteVersionError):
        manager.publish("v4")
    with pytest.raises(IncompleteVersionError):
        manager.assets("v4")
    manager.stage("v5", {"tree": tmp_path / "source"})
    manager.stage("v4", {"tree": tmp_path / "source"})
    assert manager.publish("v4").version == "v4"
    assert not (tmp_path / "base" / "versions" / "v4" / "half").exists()


def test_an_interrupted_publish_is_finished_by_the_next(manager: VersionManager, tmp_path: Path) -> None:
    manager.publish("v3")
    # As the crash between the two renames leaves it: the version has its name, CURRENT is the old one.
    (tmp_path / "base" / "CURRENT").write_bytes(b"v2\n")
    (tmp_path / "base" / "current").unlink()
    (tmp_path / "base" / "current").symlink_to("versions/v2")
    again = VersionManager(tmp_path / "base")
    assert again.info("v3").state is State.AHEAD
    assert again.publish("v3").previous == "v2"
    assert again.rollback().version == "v2"


def test_a_lagging_symlink_is_mended_when_a_manager_opens_the_base(
    manager: VersionManager, tmp_path: Path
) -> None:
    link = tmp_path / "base" / "current"
    link.unlink()
    link.symlink_to("versions/v1")
    VersionManager(tmp_path / "base", read_only=True)
    assert os.readlink(link) == "versions/v1"
    VersionManager(tmp_path / "base")
    assert os.readlink(link) == "versions/v2"


def test_damage_in_a_shared_file_does_not_reach_what_is_staged_anew(tmp_path: Path) -> None:
    manager = VersionManager(tmp_path / "base")
    source = write_tree(tmp_path / "source", "same")
    manager.stage("v1", {"tree": source})
    manager.publish("v1")
    flip(tmp_path / "base" / "versions" / "v1")
    manager.stage("v2", {"tree": source})
    assert manager.publish("v2").version == "v2"
    assert not manager.verify("v1").ok
