"""The public surface: what `from diptych import …` gives, and nothing by accident."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module
from pathlib import Path

import pytest

import diptych
from diptych import errors

# From the design: these names and shapes are fixed; more may be added.
PROMISED = {
    "Store": {"open", "transaction", "file", "files", "symbols", "references", "search", "view", "checkpoint"}
    | {"stats", "lsn", "close", "refresh", "path", "store_id", "state", "__contains__", "__len__"},
    "Transaction": {"put", "remove", "put_packed"},
    "CodeTransaction": {"index_file", "remove_file", "put", "remove", "put_packed"},
    "Report": {"ok"},
    "StoreLockedError": set(),
}
SIGNATURES = {
    "FileRecord": ["path", "content_hash", "language", "symbols", "relations"],
    "Symbol": ["name", "kind", "range", "container", "signature", "documentation"],
    "Relation": ["kind", "source", "target", "range"],
    "Range": ["start_line", "start_column", "end_line", "end_column"],
    "SymbolHit": ["path", "symbol"],
    "RelationHit": ["path", "relation"],
    "SearchHit": ["path", "symbol", "score"],
    "content_hash": ["data"],
    "verify": ["path", "deep"],
    "repair": ["path"],
    "Finding": ["kind", "where", "severity", "message", "advice"],
}
OPEN_OPTIONS = {"create", "read_only", "durability", "schema", "lock_timeout_s", "policy"}


def shown_to_type_checkers() -> dict[str, str]:
    """Each public name, with the module that type checkers take it from."""
    tree = ast.parse(Path(inspect.getfile(diptych)).read_text())
    return {
        alias.asname or alias.name: str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("diptych.")
        for alias in node.names
    }


def test_all_is_sorted_exists_and_is_what_type_checkers_see() -> None:
    assert diptych.__all__ == sorted(diptych.__all__)
    assert set(shown_to_type_checkers()) == set(diptych.__all__)


def test_each_name_is_the_one_that_type_checkers_see() -> None:
    for name, module in shown_to_type_checkers().items():
        assert getattr(diptych, name) is getattr(import_module(module), name)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_of_that_name"):
        _ = diptych.nothing_of_that_name


def test_every_error_is_exported() -> None:
    classes = {name for name, kind in vars(errors).items() if isinstance(kind, type)}
    assert classes <= set(diptych.__all__)


def test_promised_members_exist() -> None:
    for name, members in PROMISED.items():
        found = getattr(diptych, name)
        annotated = {key for base in found.__mro__ for key in getattr(base, "__annotations__", {})}
        source = inspect.getsource(found.__mro__[1]) if name == "Store" else ""
        missing = {
            member
            for member in members
            if not hasattr(found, member) and member not in annotated and f"self.{member}" not in source
        }
        assert missing == set(), name


def test_promised_signatures() -> None:
    for name, parameters in SIGNATURES.items():
        found = list(inspect.signature(getattr(diptych, name)).parameters)
        assert found[: len(parameters)] == parameters, name
    assert set(inspect.signature(diptych.Store.open).parameters) >= OPEN_OPTIONS | {"path"}


def test_everything_public_has_a_docstring() -> None:
    public = [name for name in diptych.__all__ if name != "__version__"]
    assert [name for name in public if not inspect.getdoc(getattr(diptych, name))] == []


def test_the_package_carries_type_information() -> None:
    assert (Path(inspect.getfile(diptych)).parent / "py.typed").is_file()
