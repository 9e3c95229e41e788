"""Calls, classes, types and implementations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.serving.lsp.editor import Editor, at, places


def names(items: list[dict[str, Any]]) -> list[str]:
    """The names of items."""
    return [one["name"] for one in items]


def test_calls_in_and_out(reading: Editor, made: Path) -> None:
    (item,) = reading.ask("textDocument/prepareCallHierarchy", at(made, "shapes.py", "def @total"))
    assert item["name"] == "total"
    (caller,) = reading.ask("callHierarchy/incomingCalls", {"item": item})
    assert caller["from"]["name"] == "main"
    assert [one["start"] for one in caller["fromRanges"]] == [{"line": 7, "character": 10}]
    (callee,) = reading.ask("callHierarchy/outgoingCalls", {"item": item})
    assert callee["to"]["name"] == "Shape.area"


def test_a_caller_that_calls_twice_is_one_with_two_places(reading: Editor, made: Path) -> None:
    (item,) = reading.ask("textDocument/prepareCallHierarchy", at(made, "shapes.py", "class @Square"))
    found = reading.ask("callHierarchy/incomingCalls", {"item": item})
    (module,) = [one for one in found if one["from"]["name"] == "main.py"]
    assert len(module["fromRanges"]) == 2


def test_classes_up_and_down(reading: Editor, made: Path) -> None:
    (item,) = reading.ask("textDocument/prepareTypeHierarchy", at(made, "main.py", "big = @Square"))
    up = reading.ask("typeHierarchy/supertypes", {"item": item})
    assert names(up) == ["Shape"]
    assert names(reading.ask("typeHierarchy/subtypes", {"item": up[0]})) == ["Square"]
    assert reading.ask("typeHierarchy/supertypes", {"item": up[0]}) == []
    assert reading.ask("textDocument/prepareTypeHierarchy", at(made, "main.py", "print(@total(")) == []


def test_the_type_of_a_variable_and_of_what_a_function_returns(reading: Editor, made: Path) -> None:
    found = reading.ask("textDocument/typeDefinition", at(made, "main.py", "@big.area"))
    assert places(made, found) == ["shapes.py:17:7"]


def test_implementations_of_a_class_and_of_a_method(reading: Editor, made: Path) -> None:
    found = reading.ask("textDocument/implementation", at(made, "shapes.py", "class @Shape:"))
    assert places(made, found) == ["shapes.py:17:7"]
    found = reading.ask("textDocument/implementation", at(made, "shapes.py", "shape.@area"))
    assert places(made, found) == ["shapes.py:24:9"]
