"""Classes of values behave as those of `dataclasses` do, and its functions work with them."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from typing import ClassVar

import pytest

from diptych.values import Value, as_dict, field, field_names, replace


class Point(Value):
    """Two numbers, and what is said of them."""

    kind: ClassVar[str] = "point"
    x: int
    y: int = 0
    tags: list[str] = field(default_factory=list)
    note: str = field(default="", compare=False, repr=False)

    @property
    def sum(self) -> int:
        return self.x + self.y


class Counted(Value, frozen=False):
    count: int = 0


class Checked(Value):
    size: int

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError("size")


class Third(Point):
    z: int = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Reference:
    x: int
    y: int = 0
    tags: list[str] = dataclasses.field(default_factory=list)
    note: str = dataclasses.field(default="", compare=False, repr=False)


def test_fields_are_given_in_order_by_name_or_not_at_all() -> None:
    one = Point(1, y=2)
    assert (one.x, one.y, one.tags, one.note, one.sum, one.kind) == (1, 2, [], "", 3, "point")
    assert Point(1).tags is not Point(1).tags
    assert repr(one) == repr(Reference(1, 2)).replace("Reference", "Point")
    assert field_names(Point) == ("x", "y", "tags", "note")
    assert Third(1, z=2) == Third(1, 0, [], "", 2) != Point(1)


def test_the_signature_is_that_of_a_dataclass() -> None:
    ours, reference = inspect.signature(Point).parameters, inspect.signature(Reference).parameters
    assert list(ours) == list(reference)
    assert [one.default for one in ours.values()][1] == 0
    assert Point.__doc__ == "Two numbers, and what is said of them."


@pytest.mark.parametrize(
    ("values", "named"), [((), {}), ((1,), {"x": 1}), ((1,), {"w": 1}), ((1, 2, [], "", 5), {})]
)
def test_fields_that_do_not_fit_are_refused(values: tuple[object, ...], named: dict[str, object]) -> None:
    for kind in (Point, Reference):
        with pytest.raises(TypeError, match="argument"):
            kind(*values, **named)  # type: ignore[arg-type]


def test_values_are_equal_by_what_is_compared() -> None:
    assert Point(1, note="a") == Point(1, note="b") != Point(2)
    assert Point(1) != (1, 0, [], "")
    assert hash(Checked(1)) == hash(Checked(1))
    with pytest.raises(TypeError, match="unhashable"):
        hash(Counted())


def test_a_value_cannot_be_changed_unless_it_is_made_to_be() -> None:
    one, counted = Point(1), Counted()
    with pytest.raises(AttributeError):
        one.x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        del one.x
    with pytest.raises(AttributeError):
        counted.other = 1  # type: ignore[attr-defined]
    counted.count += 1
    assert counted == Counted(1)
    assert not hasattr(one, "__dict__")


def test_a_value_that_does_not_pass_its_check_is_not_made() -> None:
    with pytest.raises(ValueError, match="size"):
        Checked(-1)
    with pytest.raises(ValueError, match="size"):
        replace(Checked(1), size=-1)


def test_values_are_copied_and_sent() -> None:
    one = Point(1, tags=["a"], note="n")
    for other in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one)), replace(one)):
        assert as_dict(other) == as_dict(one)
    assert replace(one, y=5) == Point(1, 5, ["a"])


def test_the_functions_of_dataclasses_take_them() -> None:
    one = Point(1, note="n")
    assert dataclasses.is_dataclass(Point)
    assert [f.name for f in dataclasses.fields(Point)] == [*field_names(Point)]
    assert dataclasses.asdict(one) == dataclasses.asdict(Reference(1, note="n"))
    assert dataclasses.replace(one, x=5) == Point(5)


def test_they_match_patterns() -> None:
    match Point(1, 2):
        case Point(x, y):
            assert (x, y) == (1, 2)
        case _:
            pytest.fail("no match")
