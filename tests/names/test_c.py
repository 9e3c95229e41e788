"""Names in C: scopes, tags, fields, macros, includes, declarations and their definitions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.names.asking import Asking, asking, case_files, case_path

from diptych.serving.answers import definition

# A source, a marked question, and the line of the definition; 0 for none.
CASES = {
    "a parameter": ("int f(int a) { return a; }\n", "return @a", 1),
    "a parameter of an old style function": ("int f(a)\nint a;\n{ return a; }\n", "return @a", 2),
    "a local variable": ("void f(void) {\n  int a = 1;\n  use(a);\n}\n", "use(@a)", 2),
    "a local hides a global": ("int a;\nvoid f(void) {\n  int a = 1;\n  use(a);\n}\n", "use(@a)", 3),
    "a local is not seen before it is declared": (
        "int a;\nvoid f(void) {\n  use(a);\n  int a = 1;\n}\n",
        "use(@a)",
        1,
    ),
    "a local is not seen after its block": (
        "int a;\nvoid f(void) {\n  { int a = 1; }\n  use(a);\n}\n",
        "use(@a)",
        1,
    ),
    "for": ("void f(void) {\n  for (int i = 0; i < 3;) use(i);\n}\n", "use(@i)", 2),
    "a function": ("static int g(void) { return 1; }\nint f(void) { return g(); }\n", "return @g()", 1),
    "a definition before its prototype": (
        "int g(void);\nint f(void) { return g(); }\nint g(void) { return 1; }\n",
        "return @g()",
        3,
    ),
    "a macro": ("#define LIMIT 3\nint a = LIMIT;\n", "= @LIMIT", 1),
    "a macro with arguments": (
        "#define MAX(a, b) ((a) > (b) ? (a) : (b))\nint c = MAX(1, 2);\n",
        "= @MAX",
        1,
    ),
    "a macro in a condition": ("#define DEBUG 1\n#if DEBUG\nint a;\n#endif\n", "#if @DEBUG", 1),
    "an enumerator": ("enum color { RED, GREEN };\nint a = GREEN;\n", "= @GREEN", 1),
    "a typedef": ("typedef unsigned long word;\nword a;\n", "@word a", 1),
    "a tag": ("struct node { int a; };\nstruct node *b;\n", "struct @node *b", 1),
    "a tag and a variable of one name": (
        "struct node { int a; };\nint node;\nstruct node *b;\n",
        "struct @node *b",
        1,
    ),
    "the variable with the tag's name": (
        "struct node { int a; };\nint node;\nint b(void) { return node; }\n",
        "return @node",
        2,
    ),
    "a field": ("struct node { int a; };\nint f(struct node *n) { return n->a; }\n", "n->@a", 1),
    "a field by a typedef": (
        "typedef struct node Node;\nstruct node {\n  int a;\n};\nint f(Node *n) { return n->a; }\n",
        "n->@a",
        3,
    ),
    "a field of a struct without a tag": (
        "typedef struct {\n  int a;\n} Node;\nint f(Node n) { return n.a; }\n",
        "n.@a",
        2,
    ),
    "a field of a field": (
        "struct b { int x; };\nstruct a { struct b *b; };\nint f(struct a *a) { return a->b->x; }\n",
        "b->@x",
        1,
    ),
    "a field of an item": (
        "struct b { int x; };\nstruct a { struct b all[3]; };\nint f(struct a *a) { return a->all[1].x; }\n",
        "].@x",
        1,
    ),
    "a field of a union without a name": (
        "struct a {\n  union {\n    int x;\n  };\n};\nint f(struct a *a) { return a->x; }\n",
        "a->@x",
        3,
    ),
    "a field of a struct in a field": (
        "struct a {\n  struct {\n    int x;\n  } in;\n};\nint f(struct a *a) { return a->in.x; }\n",
        "in.@x",
        3,
    ),
    "by a cast": ("struct a { int x; };\nint f(void *p) { return ((struct a *) p)->x; }\n", "->@x", 1),
    "by what a function returns": (
        "struct a { int x; };\nstruct a *g(void);\nint f(void) { return g()->x; }\n",
        "g()->@x",
        1,
    ),
    "by what a pointer to a function returns": (
        "struct a { int x; };\nstruct b { struct a *(*get)(void); };\n"
        "int f(struct b *b) { return b->get()->x; }\n",
        "get()->@x",
        1,
    ),
    "by a macro that casts": (
        "struct a { int x; };\n#define A(p) ((struct a *)(p))\nint f(void *p) { return A(p)->x; }\n",
        "A(p)->@x",
        1,
    ),
    "by a macro for a name": (
        "struct a { int x; };\nstruct a *held;\n#define now held\nint f(void) { return now->x; }\n",
        "now->@x",
        1,
    ),
    "a field in a list of values": (
        "struct a { int x; };\nstruct a b = { .x = 1 };\n",
        ".@x =",
        1,
    ),
    "two structs with one field": (
        "struct a { int x; };\nstruct b { int x; };\nint f(struct b *b) { return b->x; }\n",
        "b->@x",
        2,
    ),
    "of two branches the one without options": (
        "#ifdef OPTION\n#define A 1\n#else\n#define A 2\n#endif\nint a = A;\n",
        "= @A",
        4,
    ),
    "a branch that the file chooses": (
        "#define OPTION\n#ifdef OPTION\n#define A 1\n#else\n#define A 2\n#endif\nint a = A;\n",
        "= @A",
        3,
    ),
    "a branch that is only there with an option": (
        "#ifdef OPTION\nint a;\n#endif\nint f(void) { return a; }\n",
        "return @a",
        2,
    ),
    "a label is no name": ("int out;\nvoid f(void) {\nout:\n  goto out;\n}\n", "goto @out", 0),
    "a function of no file": ("int f(void) { return malloc(1); }\n", "return @malloc", 0),
}

TREE = {
    "include/shape.h": """\
#ifndef SHAPE_H
#define SHAPE_H
typedef struct shape Shape;
#define SHAPE_LIMIT 3
Shape *shape_new(int side);
extern int shape_count;
static inline int shape_twice(int a) { return a * 2; }
#endif
""",
    "src/shape.c": """\
#include "shape.h"
struct shape {
  int side;
};
int shape_count = 0;
static int helper(void) { return 1; }
Shape *shape_new(int side) {
  shape_count += helper();
  return 0;
}
""",
    "src/all.h": '#include "shape.h"\n',
    "src/use.c": """\
#include "all.h"
static int helper(void) { return 2; }
int main(void) {
  Shape *s = shape_new(SHAPE_LIMIT);
  return helper() + shape_count + shape_twice(s->side);
}
""",
    "other/use.c": "int other(void) { return helper() + SHAPE_LIMIT; }\n",
}
SHAPE_H, SHAPE_C, USE = "include/shape.h", "src/shape.c", "src/use.c"


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    files = {f"{number}/{path}": text for number, (path, text) in enumerate(case_files(CASES, ".c").items())}
    with asking(tmp_path_factory.mktemp("cases"), files) as asked:
        yield asked


@pytest.mark.parametrize("case", CASES)
def test_a_name_in_one_file(cases: Asking, case: str) -> None:
    path = f"{list(CASES).index(case)}/{case_path(case, '.c')}"
    _, marked, line = CASES[case]
    row, column = cases.at(path, marked)
    found = [
        one for one in definition(cases.source, path, row, column).definitions if one.evidence != "named"
    ]
    assert ([one.row + 1 for one in found] or [0])[0] == line
    assert not found or found[0].path == path


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    with asking(tmp_path_factory.mktemp("tree"), TREE) as asked:
        yield asked


@pytest.mark.parametrize(
    ("path", "marked", "answers"),
    [
        (USE, "@shape_new(S", [f"{SHAPE_C}:7 exact", f"{SHAPE_H}:5 exact"]),
        (USE, "(@SHAPE_LIMIT", [f"{SHAPE_H}:4 exact"]),
        (USE, "  @Shape *s", [f"{SHAPE_H}:3 exact"]),
        (USE, "return @helper", [f"{USE}:2 exact"]),
        (USE, "+ @shape_count", [f"{SHAPE_C}:5 exact", f"{SHAPE_H}:6 exact"]),
        (USE, "+ @shape_twice", [f"{SHAPE_H}:7 exact"]),
        # The struct is in a file that is not included.
        (USE, "s->@side", [f"{SHAPE_C}:3 inferred"]),
        (SHAPE_H, "struct @shape S", [f"{SHAPE_C}:2 exact"]),
        (SHAPE_C, "+= @helper", [f"{SHAPE_C}:6 exact"]),
        # Not static functions of other files, nor macros of files that are not included.
        ("other/use.c", "return @helper", []),
        ("other/use.c", "+ @SHAPE_LIMIT", []),
    ],
)
def test_a_name_of_another_file(tree: Asking, path: str, marked: str, answers: list[str]) -> None:
    assert tree.lines(path, marked) == answers


def test_a_declaration_and_its_definition_have_the_same_references(tree: Asking) -> None:
    expected = [f"{SHAPE_H}:5 definition", f"{SHAPE_C}:7 definition", f"{USE}:4 use"]
    assert sorted(tree.uses(SHAPE_H, "*@shape_new(int")) == sorted(expected)
    assert sorted(tree.uses(SHAPE_C, "*@shape_new(int")) == sorted(expected)


def test_a_static_function_has_the_references_of_its_file(tree: Asking) -> None:
    assert tree.uses(USE, "int @helper") == [f"{USE}:2 definition", f"{USE}:5 use"]


def test_calls_and_outline(tree: Asking) -> None:
    assert tree.callers(SHAPE_C, "*@shape_new(int") == ["main"]
    assert tree.callees(USE, "int @main") == ["shape_new", "helper", "shape_twice"]
    assert tree.outline(SHAPE_C) == [
        "struct shape",
        "field shape.side",
        "variable shape_count",
        "function helper",
        "function shape_new",
    ]


def test_what_a_macro_declares_and_another_defines_is_one(tmp_path: Path) -> None:
    files = {
        "a.h": "struct foo { int n; };\nDECLARE_PER_CPU(struct foo, x);\n",
        "a.c": '#include "a.h"\nDEFINE_PER_CPU(struct foo, x);\nstatic void work(void) {}\n'
        "static DECLARE_WORK(w, work);\n",
        "b.c": '#include "a.h"\nint f(void) { return x.n; }\n',
    }
    with asking(tmp_path, files) as ask:
        assert ask.lines("b.c", "return @x") == ["a.c:2 exact", "a.h:2 exact"]
        assert ask.lines("b.c", "x.@n") == ["a.h:1 inferred"]
        assert ask.uses("a.c", "void @work") == ["a.c:3 definition", "a.c:4 use"]
