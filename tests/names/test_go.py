"""Names in Go: scopes, packages and members."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.names.asking import Asking, asking

TREE = {
    "go.mod": "module example.org/tree\n",
    "shape/shape.go": """\
package shape

type Shape interface {
	Area() int
}

type Base struct {
	Name string
	Part *Part
}

func (b *Base) Rename(name string) *Base {
	b.Name = name
	return b
}

type Square struct {
	Base
	Side, Depth int
	Parts []Part
	Table map[string]*Part
	Done chan Part
}

func New(side int) (*Square, error) {
	return &Square{Side: side}, nil
}

const Limit = 3

var Default, _ = New(Limit)
""",
    "shape/part.go": """\
package shape

type Part struct{ Size int }

type Parts []Part

type Make func() Part

func (p Part) Turn() Part { return p }

func (s Square) Area() int { return s.Side }

func helper() *Square { return Default }

func most() int { return Limit }
""",
    "lib/v2/lib.go": "package lib\n\nfunc Work() {}\n",
    "use/use.go": """\
package use

import (
	"fmt"

	"example.org/tree/lib/v2"
	other "example.org/tree/shape"
	. "example.org/tree/lib/v2"
)

func first(given other.Shape) {
	square, err := other.New(1)
	square.Rename("a").Part.Turn()
	fmt.Println(err, given.Area(), square.Side)
	for index, part := range square.Parts {
		part.Size = index
	}
	square.Table["a"].Size++
	got := <-square.Done
	got.Turn()
	lib.Work()
	Work()
	if err := other.Limit; err > 0 {
		use(err + 1)
	}
	err = nil
	var parts other.Parts
	parts[0].Turn()
	var build other.Make
	build().Size = 1
	switch kind := given.(type) {
	case *other.Square:
		kind.Depth = 2
	}
	value := other.Square{Depth: 1, Parts: []other.Part{{Size: 4}}}
	func(inner other.Part) { inner.Turn() }(value.Parts[0])
	unknown.Turn()
}

func shadowed(x int) int {
	if x > 0 {
		x := x
		return x
	}
	return x + 0
}

func generic[T other.Shape](item T) T { return item }

type local struct{ other.Base }

func (l local) run() { l.Rename("b") }
""",
}

# A marked question in use/use.go, and the answer.
CASES = {
    "a package's function": ("other.@New(1)", "shape/shape.go:25 exact"),
    "a package": ("square, err := @other.New", "use/use.go:7 exact"),
    "a type of a package": ("given other.@Shape)", "shape/shape.go:3 exact"),
    "a version in a path": ("lib.@Work()", "lib/v2/lib.go:3 exact"),
    "an import with a dot": ("\t@Work()\n", "lib/v2/lib.go:3 exact"),
    "a member of a package from elsewhere": ("fmt.@Println", ""),
    "a method of an embedded struct": ("square.@Rename", "shape/shape.go:12 inferred"),
    "a method in another file": (".Part.@Turn()", "shape/part.go:9 inferred"),
    "a field of an embedded struct": ('("a").@Part', "shape/shape.go:9 inferred"),
    "an interface's method": ("given.@Area()", "shape/shape.go:4 inferred"),
    "one of several results": ("square.@Side)", "shape/shape.go:19 inferred"),
    "range": ("part.@Size = index", "shape/part.go:3 inferred"),
    "an item of a map": ('["a"].@Size', "shape/part.go:3 inferred"),
    "what a channel gives": ("got.@Turn", "shape/part.go:9 inferred"),
    "a variable of an if": ("use(@err + 1)", "use/use.go:23 exact"),
    "and the one around it": ("@err = nil", "use/use.go:12 exact"),
    "an item of a named slice": ("parts[0].@Turn", "shape/part.go:9 inferred"),
    "what a function type returns": ("build().@Size", "shape/part.go:3 inferred"),
    "a case of a type switch": ("kind.@Depth", "shape/shape.go:19 inferred"),
    "a key of a literal": ("Square{@Depth: 1", "shape/shape.go:19 inferred"),
    "a key of a literal without a type": ("{{@Size: 4", "shape/part.go:3 inferred"),
    "a parameter of a literal": ("{ inner.@Turn()", "shape/part.go:9 inferred"),
    "a receiver of which nothing is known": ("unknown.@Turn", "shape/part.go:9 named"),
    "the name on the right of :=": ("x := @x\n", "use/use.go:40 exact"),
    "a name that shadows": ("return @x\n\t}", "use/use.go:42 exact"),
    "after the block": ("return @x + 0", "use/use.go:40 exact"),
    "a type parameter": ("(item @T)", "use/use.go:48 exact"),
    "a method of an embedded type of a package": ("l.@Rename", "shape/shape.go:12 inferred"),
}


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """All questions are about one repository."""
    with asking(tmp_path_factory.mktemp("go"), TREE) as asked:
        yield asked


@pytest.mark.parametrize("case", CASES)
def test_a_name_leads_to_its_definition(case: str, ask: Asking) -> None:
    marked, expected = CASES[case]
    assert ask.first("use/use.go", marked) == expected


def test_files_of_a_package_share_their_names(ask: Asking) -> None:
    assert ask.first("shape/part.go", "return @Default") == "shape/shape.go:31 exact"
    assert ask.first("shape/part.go", "(s @Square)") == "shape/shape.go:17 exact"
    assert ask.first("shape/part.go", "return s.@Side") == "shape/shape.go:19 inferred"


def test_references_calls_and_outline(ask: Asking) -> None:
    assert ask.uses("shape/shape.go", "const @Limit") == [
        "shape/shape.go:29 definition",
        "shape/shape.go:31 use",
        "shape/part.go:15 use",
        "use/use.go:23 use",
    ]
    assert ask.callers("shape/shape.go", "func (b *Base) @Rename") == ["first", "local.run"]
    assert ask.outline("shape/part.go")[:3] == ["module shape", "struct Part", "field Part.Size"]


def test_packages_of_one_name_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    files = {
        "a/util/u.go": "package util\n\nfunc F() {}\n",
        "b/util/u.go": "package util\n\n\nfunc F() {}\n",
        "main.go": 'package main\n\nimport "example.org/m/b/util"\n\nfunc main() { util.F() }\n',
    }
    with asking(tmp_path, files) as ask:
        assert ask.lines("main.go", "util.@F") == ["b/util/u.go:4 exact"]
