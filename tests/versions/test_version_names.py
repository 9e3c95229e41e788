"""Which names a version and an asset may have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych.versions import VersionManager
from diptych.versions.errors import InvalidVersionNameError
from diptych.versions.names import (
    check_asset_name,
    check_version_name,
    is_temporary_name,
    is_version_name,
    parse_staging_name,
    removed_name,
    staging_name,
)

BAD = [
    "", ".", "..", "a/b", "a\\b", "/a", "../a", "a..b", "v1.staging", "V1.STAGING", ".staging", ".hidden",
    ".removed.v1", "-rf", "v 1", "v1\n", "v\0", "v1.", "é", "x" * 129, "con", "COM1", "nul.txt", "a:b", "a*",
]  # fmt: skip
GOOD = ["1", "2026-01-31T10.30", "main@4664f29", "a", "x" * 128, "1.0~rc1", "staging", "v.staging.2"]


@pytest.mark.parametrize("name", BAD)
def test_a_bad_name_is_refused_by_every_method_and_leaves_nothing(name: str, tmp_path) -> None:
    base = tmp_path / "base"
    manager = VersionManager(base)
    for call in (
        lambda: manager.stage(name, {}),
        lambda: manager.publish(name),
        lambda: manager.rollback(name),
        lambda: manager.open(name),
        lambda: manager.info(name),
        lambda: manager.assets(name),
        lambda: manager.verify(name),
        lambda: manager.diff(name, "v1"),
        lambda: manager.diff("v1", name) if base.exists() else manager.verify(name),
        lambda: manager.write_attrs(name, {}),
        lambda: manager.write_embedding(name, None),
        lambda: manager.discard(name),
    ):
        with pytest.raises(InvalidVersionNameError) as caught:
            call()
        assert caught.value.advice
    assert not base.exists()


@pytest.mark.parametrize("name", GOOD)
def test_a_good_name_makes_a_version(name: str, tmp_path) -> None:
    manager = VersionManager(tmp_path)
    manager.stage(name)
    manager.publish(name)
    assert manager.current() == name


@pytest.mark.parametrize("name", [1, None, b"v1", ["v1"]])
def test_a_name_that_is_not_a_string_is_an_error(name: object) -> None:
    with pytest.raises(InvalidVersionNameError, match="must be a string"):
        check_version_name(name)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["manifest.msgpack", "MANIFEST.msgpack", "a/b", "..", ".x", ""])
def test_an_asset_cannot_leave_its_version_nor_take_the_manifests_place(name: str, tmp_path) -> None:
    with pytest.raises(InvalidVersionNameError):
        check_asset_name(name)
    (tmp_path / "f").write_text("x")
    manager = VersionManager(tmp_path / "base")
    with pytest.raises(InvalidVersionNameError):
        manager.stage("v1", {name: tmp_path / "f"})
    assert manager.list() == []


@given(st.text(max_size=140))
def test_no_name_of_a_version_is_read_as_anything_else(name: str) -> None:
    if is_version_name(name):
        assert parse_staging_name(staging_name(name)) == name
        assert parse_staging_name(name) is None
        assert not is_version_name(staging_name(name))
        assert not is_version_name(removed_name(name))
        assert not is_temporary_name(name)
        assert "/" not in name and "\\" not in name and ".." not in name
