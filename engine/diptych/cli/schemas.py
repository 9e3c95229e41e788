"""Find the schema of a store: the one that is named, or the one that the store says it was written with."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

from diptych.cli.arguments import Option
from diptych.cli.options import not_empty

if TYPE_CHECKING:
    from diptych.schema.base import Schema
    from diptych.store.manifest import Identity

GROUP = "diptych.schemas"
# No schema changes its payloads as often: such a number is damage.
_VERSIONS_MOST = 10_000
_NEEDED = ("name", "version", "fields", "default_fields", "indexes", "counters")

SchemaName = Annotated[
    str | None,
    Option(
        "--schema",
        env="DIPTYCH_SCHEMA",
        parse=not_empty,
        metavar="MODULE:OBJECT",
        help="The schema of the store. Default: the installed one of the name that the store has.",
    ),
]


def schema_of(store: str, given: str | None) -> Schema[Any]:
    """The schema to open the store at a path with.

    The one given, as `package.module:OBJECT`; else by the name in the store: one of our own, or an installed
    one, from the entry points of the group `diptych.schemas`; else a stand-in, by which the store can be
    inspected, and its records are payloads. Raises InvalidArgumentError, IncompatibleStoreError.
    """
    from diptych.schema.code import CODE
    from diptych.schema.precise import PRECISE

    if given is not None:
        return _imported(given)
    identity = _identity(store)
    if identity is None or identity.schema == CODE.name:
        # What is wrong with the store is said when it is opened.
        return CODE
    if identity.schema == PRECISE.name:
        return PRECISE
    return _installed(identity.schema) or _stand_in(identity, store)


def _imported(given: str) -> Schema[Any]:
    from importlib import import_module

    from diptych.errors import InvalidArgumentError

    module, _, name = given.partition(":")
    if not module or not name:
        raise InvalidArgumentError(f"{given!r} is no schema", advice="write it as package.module:OBJECT")
    try:
        found = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (Exception, SystemExit) as error:
        # Whatever a module does when it is imported.
        raise InvalidArgumentError(
            f"the schema {given} cannot be imported: {type(error).__name__}: {error}",
            advice="name a module that Python finds: install its package, or set PYTHONPATH",
        ) from error
    return _schema(found, given)


def _installed(name: str) -> Schema[Any] | None:
    """The schema of that name among those of installed packages."""
    from importlib.metadata import entry_points

    from diptych.cli.output import note

    for entry_point in entry_points(group=GROUP, name=name):
        try:
            return _schema(entry_point.load(), entry_point.value)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a package does when it is imported
            note(f"diptych: the schema {name} cannot be imported: {error}")
    return None


def _schema(found: object, given: str) -> Schema[Any]:
    from diptych.errors import InvalidArgumentError
    from diptych.schema.base import Schema

    if isinstance(found, type) and issubclass(found, Schema):
        try:
            found = found()
        except TypeError as error:
            raise InvalidArgumentError(
                f"{given} is no schema: {error}", advice="name an object, or a class that needs no arguments"
            ) from error
    if not isinstance(found, Schema) or not all(hasattr(found, name) for name in _NEEDED):
        raise InvalidArgumentError(
            f"{given} is no schema",
            advice="name an object of a class derived from diptych.Schema, with a name, a version and fields",
        )
    return found


def _stand_in(identity: Identity, store: str) -> Schema[Any]:
    from diptych.errors import IncompatibleStoreError

    if identity.shape is None or identity.schema_version > _VERSIONS_MOST:
        raise IncompatibleStoreError(
            f"{store} holds records of schema {identity.schema!r}, which is not installed",
            advice="name it with --schema package.module:OBJECT, or install the package that has it",
        )
    # A segment may be of any version before.
    return identity.stored_schema(tuple(range(1, identity.schema_version)))


def _identity(store: str) -> Identity | None:
    """What the store says of itself; None where it does not, or there is none."""
    from diptych.errors import DiptychError
    from diptych.layout import IDENTITY
    from diptych.store.manifest import decode_identity
    from diptych.store.recovery.reading import read_small

    where = os.path.join(store, IDENTITY)
    try:
        data = read_small(where)
        return decode_identity(data, where=where) if data is not None else None
    except DiptychError:
        return None


def plain(value: Any) -> Any:
    """A record or a hit as a JSON value: tuples with names as objects, bytes as hexadecimal digits."""
    from dataclasses import fields, is_dataclass

    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: plain(one) for name, one in zip(value._fields, value, strict=True)}
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
