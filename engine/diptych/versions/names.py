"""Format, parse and check every file name in a base directory of versions.

    <base>/
      LOCK                          held by the one manager that may change the base
      CURRENT                       the name of the current version, one line; readers trust it
      current -> versions/<name>    the same, for people and shell scripts; follows CURRENT
      versions/<name>/              a published version: manifest.msgpack, and one entry per asset
      versions/<name>.staging/      a version being built
      versions/.removed.<name>/     being removed; after a crash, the next change finishes that
"""

from __future__ import annotations

import os
import re

from diptych.layout import (
    LOCK,
    MAX_NAME_CHARS,
    PLAIN_NAME_RULE,
    is_device_name,
    is_plain_name,
)
from diptych.versions.errors import InvalidVersionNameError

__all__ = ["CURRENT", "CURRENT_LINK", "LOCK", "MANIFEST", "MAX_NAME_CHARS", "VERSIONS"]

VERSIONS = "versions"
MANIFEST = "manifest.msgpack"
CURRENT = "CURRENT"
CURRENT_LINK = "current"
STAGING_SUFFIX = ".staging"
_REMOVED_PREFIX = ".removed."
_TEMPORARY = re.compile(r"\.(?:CURRENT|current|manifest\.msgpack)\..*\.tmp\Z")


def check_version_name(name: str) -> str:
    """`name`, if it is valid for a version. Raises InvalidVersionNameError."""
    _check(name, "version")
    if name.lower().endswith(STAGING_SUFFIX):
        raise InvalidVersionNameError(
            f"a version cannot be named {name!r}: {STAGING_SUFFIX} marks a version that is being built",
            advice=f"choose a name that does not end in {STAGING_SUFFIX}",
        )
    return name


def check_asset_name(name: str) -> str:
    """`name`, if it is valid for an asset. Raises InvalidVersionNameError."""
    _check(name, "asset")
    if name.lower() == MANIFEST:
        raise InvalidVersionNameError(
            f"an asset cannot be named {name!r}: that is the version's manifest", advice="choose another name"
        )
    return name


def is_version_name(name: str) -> bool:
    """Whether `name` is valid for a version."""
    try:
        check_version_name(name)
    except InvalidVersionNameError:
        return False
    return True


def staging_name(version: str) -> str:
    """The directory in which `version` is built."""
    return version + STAGING_SUFFIX


def parse_staging_name(name: str) -> str | None:
    """The version that a staging directory is for; None for any other name."""
    version = name.removesuffix(STAGING_SUFFIX)
    return version if version != name and is_version_name(version) else None


def removed_name(directory: str) -> str:
    """The name to which a directory is renamed before it is deleted."""
    return _REMOVED_PREFIX + directory


def is_removed_name(name: str) -> bool:
    """Whether the directory is being removed."""
    return name.startswith(_REMOVED_PREFIX)


def is_temporary_name(name: str) -> bool:
    """Whether the file is a temporary one that a killed manager left."""
    return _TEMPORARY.match(name) is not None


def link_target(version: str) -> str:
    """What the `current` symlink holds, relative to the base so that the base can be moved."""
    return os.path.join(VERSIONS, version)


def _check(name: object, what: str) -> None:
    if not isinstance(name, str):
        raise InvalidVersionNameError(
            f"a {what}'s name must be a string, not {type(name).__name__}", advice=f"use {PLAIN_NAME_RULE}"
        )
    if is_device_name(name):
        raise InvalidVersionNameError(
            f"a {what} cannot be named {name!r}: Windows gives that name to a device",
            advice="choose another name",
        )
    if not is_plain_name(name):
        raise InvalidVersionNameError(f"a {what} cannot be named {name!r}", advice=f"use {PLAIN_NAME_RULE}")
