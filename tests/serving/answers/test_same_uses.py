"""From each use of a definition the same uses are found, and a rename edits them all: in all languages.

In the files, a `§` is in front of each use. It is no part of them.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.names.asking import Asking, asking

from diptych.serving.answers import references
from diptych.serving.answers.rename import rename

MARK = "§"
FUNCTION_AND_OTHERS = "import own\n\nprint(own.§x)\n"

PYTHON = {
    "global": {
        "own.py": "def f():\n    global §x\n    §x = 1\n\n\ndef g():\n    return §x\n\n\nprint(§x)\n",
        "use.py": "import own\nfrom own import §x\n\nprint(own.§x, §x)\n",
    },
    "global of two functions": {
        "own.py": "def f():\n    global §x\n    §x = 1\n\n\ndef g(x):\n    global y\n    return x\n\n\n"
        "def h():\n    global §x\n    §x = 2\n    del §x\n",
        "use.py": FUNCTION_AND_OTHERS,
    },
    "global that a function declares": {
        "own.py": "def f():\n    global §x\n    def §x(): pass\n\n\n§x()\n",
        "use.py": FUNCTION_AND_OTHERS,
    },
    "global of a walrus": {
        "own.py": "def f():\n    global §x\n    [(§x := y) for y in ()]\n\n\nprint(§x)\n",
        "use.py": FUNCTION_AND_OTHERS,
    },
    "global of a pattern": {
        "own.py": "def f(y):\n    global §x\n    match y:\n        case [§x]: pass\n\n\nprint(§x)\n",
        "use.py": FUNCTION_AND_OTHERS,
    },
    "global of a loop in a function's function": {
        "own.py": "def f():\n    def g():\n        global §x\n        for §x in (): pass\n\n\nprint(§x)\n",
        "use.py": FUNCTION_AND_OTHERS,
    },
    "global of a class": {
        "own.py": "class A:\n    global §x\n    §x = 1\n\n\nprint(§x)\n",
        "use.py": FUNCTION_AND_OTHERS,
    },
    "nonlocal": {
        "own.py": "def f():\n    §x = 0\n    def g():\n        nonlocal §x\n        §x += 1\n"
        "        return §x\n"
        "    return g, §x\n\n\nx = 3\n",
    },
    "nonlocal that comes first": {
        "own.py": "def f():\n    def g():\n        nonlocal §x\n        §x = 1\n    g()\n    print(§x)\n"
        "    §x = 2\n",
    },
    "field of a method": {
        "own.py": "class A:\n    def f(self):\n        self.§x, y = 1, 2\n\n    def g(self):\n"
        "        x = self.§x\n        return x\n\n\nA().§x\n",
        "use.py": "from own import A\n\n\ndef f(a: A):\n    a.§x = a.§x + 1\n",
    },
    "comprehension": {
        "own.py": "x = 1\n\n\ndef f(y):\n    return [§x for §x in y if §x], x\n",
    },
    "walrus in a comprehension": {
        "own.py": "def f(y):\n    [z for z in y if (§x := z)]\n    return §x\n\n\nx = 1\n",
    },
    "walrus of a module": {
        "own.py": "[z for z in () if (§x := z)]\nprint(§x)\n",
        "use.py": FUNCTION_AND_OTHERS,
    },
    "walrus in a default": {
        "own.py": "def f(y=(§x := 1)):\n    return §x\n\n\nprint(§x)\n",
        "use.py": FUNCTION_AND_OTHERS,
    },
    "walrus in bases": {
        "own.py": "class A(§x := int):\n    y = §x\n\n\nprint(§x)\n",
        "use.py": FUNCTION_AND_OTHERS,
    },
    "a default that sees no variable of its function": {
        "own.py": "§x = 1\n\n\ndef f(y=lambda: §x, z=[§x for _ in ()]):\n    x = 2\n    return x\n",
        "use.py": FUNCTION_AND_OTHERS,
    },
    "parameter of a lambda": {
        "own.py": "def f(y):\n    return sorted(y, key=lambda §x, z=1: §x.y + §x), x\n\n\nx = 1\n",
    },
    "parameter of a lambda in a default": {
        "own.py": "def f(y=lambda §x: §x):\n    return x\n\n\nx = 1\n",
    },
    "pattern in a function": {
        "own.py": "def f(y):\n    match y:\n        case [§x, *_]: return §x\n"
        "        case {'x': §x}: return §x\n"
        "        case C(x=§x): return §x\n    return §x\n\n\nx = 1\n",
    },
    "pattern of a module": {
        "own.py": "match 1:\n    case [§x]: print(§x)\n",
        "use.py": FUNCTION_AND_OTHERS,
    },
    "member that a pattern names": {
        "own.py": "class A:\n    §x = 1\n",
        "use.py": "import own\n\n\ndef f(y):\n    match y:\n        case own.A(§x=1): pass\n"
        "        case own.A.§x: pass\n        case own.A(§x=x): return x\n",
    },
    "member after comments": {
        "own.py": "class A:\n    def §x(self):\n        return self\n",
        "use.py": "from own import A\n\na = A()\n(a.\n  # a\n  # b. c\n\n  # d\n  §x())\n(a  # e\n"
        "  # f\n  .  # g\n"
        "  # '#'\n  §x()\n  # h\n  .§x())\n(a.#\n§x())\n",
    },
    "name of an import that another imports": {
        "own.py": "def §x(): pass\n",
        "passing.py": "from own import §x as y\n",
        "further.py": "from passing import y as z\n",
        "third.py": "from passing import y\nimport passing\n\ny()\npassing.y()\nx = 1\n",
        "fourth.py": "import further\nfrom own import §x\n\nfurther.z()\nfurther.x()\n§x()\n",
    },
    "argument of a class below": {
        "own.py": "class A:\n    def __init__(self, §x=1):\n        self.x = §x\n",
        "b.py": "from own import A\n\n\nclass B(A): pass\n\n\nB(§x=1)\n",
        "c.py": "from b import B as Bee\n\n\nclass C(Bee): pass\n",
        "d.py": "import c\n\nc.C(§x=3)\nc.C(x)\n",
    },
    "argument of a function that an import renames": {
        "own.py": "def f(§x): pass\n",
        "passing.py": "from own import f as g\n",
        "third.py": "from passing import g\n\ng(§x=1)\n",
    },
    "argument of partial": {
        "own.py": "from functools import partial\n\n\ndef f(y, §x): pass\n\n\npartial(f, 1, §x=2)\n",
        "use.py": "import functools\nimport own\n\nfunctools.partial(\n    # it\n    own.f, §x=own.x)\n",
    },
}

COMMENTS = "/* a */\n  // b.c\n\n  // d\n  "
OWN_JS = "export class A {\n  §x() { return this; }\n}\n"
OWN_GO = "package own\n\ntype A struct{ §X int }\n\nfunc (a *A) F() *A { return a }\n"
OWN_RUST = "pub struct A { pub §x: i32 }\nimpl A {\n    pub fn f(self) -> A { self }\n}\n"
OWN_JAVA = "package p;\n\nclass A {\n  int §x;\n  A f() { return this; }\n}\n"
OWN_H = "struct A {\n  int §x;\n  struct A *next;\n};\n"
GO_MOD = {"go.mod": "module example.com/m\n\ngo 1.19\n"}
CRATE = {"Cargo.toml": '[package]\nname = "m"\n', "src/lib.rs": "mod own;\nmod user;\n"}

OTHERS = {
    "var of a block, in JavaScript": {
        "own.js": "function f(y) {\n  if (y) { var §x = 1; }\n"
        "  for (var §x = 0; §x < 3; §x++) { let z = §x; }\n"
        "  return §x;\n}\nlet x = 3;\n",
    },
    "variable that another function assigns, in JavaScript": {
        "own.js": "let §x;\nfunction f() { §x = 1; }\nexport { §x };\n",
        "use.js": "import { §x } from './own.js';\n§x;\n",
    },
    "field of a constructor, in JavaScript": {
        "own.js": "export class A {\n  constructor(x) { this.§x = x; }\n  f() { return this.§x; }\n}\n",
        "use.js": "import { A } from './own.js';\nnew A().§x;\n",
    },
    "member after comments, in JavaScript": {
        "own.js": OWN_JS,
        "use.js": f"import {{ A }} from './own.js';\nnew A().{COMMENTS}§x(){COMMENTS}?.{COMMENTS}§x();\n",
    },
    "member after comments, in TypeScript": {
        "own.ts": OWN_JS,
        "use.ts": f"import {{ A }} from './own';\nnew A()!.{COMMENTS}§x(){COMMENTS}?.{COMMENTS}§x();\n",
    },
    **{
        f"parameter that is a {modifiers} field": {
            "own.ts": f"export class A {{\n  constructor(y: string, {modifiers} §x: number, z = §x) {{\n"
            "    this.§x = §x + 1;\n  }\n  f(a: A, x: number) { return this.§x + a.§x + x; }\n}\n"
            "export class B extends A {\n  g() { return super.§x + this.§x; }\n}\n",
            "use.ts": "import { A, B } from './own';\nfunction f(a: A, b?: B) {\n  return a.§x + b?.§x;\n}\n",
        }
        for modifiers in ("public", "private", "protected", "readonly", "private readonly", "public override")
    },
    "name of an import that another imports, in JavaScript": {
        "own.js": "export function §x() {}\n",
        "passing.js": "export { §x as y } from './own.js';\nimport { §x as z } from './own.js';\n"
        "export { z as w };\n",
        "third.js": "import { y, w } from './passing.js';\ny();\nw();\n",
    },
    "result with a name, in Go": {
        "own.go": "package own\n\nfunc f() (§x int) {\n\t§x = 1\n\tg := func(x int) int { return x }\n"
        "\treturn g(§x)\n}\n\nvar x = 1\n",
    },
    "variable of a package, in Go": {
        **GO_MOD,
        "own/own.go": "package own\n\nvar §X int\n\nfunc f() { §X = 1 }\n",
        "own/other.go": "package own\n\nfunc g(a int) int { return §X + a }\n",
        "use/use.go": 'package use\n\nimport "example.com/m/own"\n\nvar a = own.§X\n',
    },
    "variable of the standard library, in Go": {
        "src/go.mod": "module std\n\ngo 1.19\n",
        "src/go/own/own.go": "package own\n\nvar §X int\n",
        "src/go/use/use.go": 'package use\n\nimport "go/own"\n\nvar a = own.§X\n',
    },
    "variable of a module whose path has no dot, in Go": {
        "a/go.mod": "module m\n\ngo 1.19\n",
        "a/own/own.go": "package own\n\nvar §X int\n",
        "a/use/use.go": 'package use\n\nimport "m/own"\n\nvar a = own.§X\n',
    },
    "member after comments, in Go": {
        **GO_MOD,
        "own/own.go": OWN_GO,
        "use/use.go": f'package use\n\nimport "example.com/m/own"\n\nfunc f(a *own.A) int {{\n'
        f"\ta.{COMMENTS}F().{COMMENTS}§X = 1\n\treturn a.§X\n}}\n",
    },
    "field of a type that is imported, in Rust": {
        **CRATE,
        "src/own.rs": OWN_RUST,
        "src/user.rs": "use crate::own::A;\nfn f(a: A) -> i32 { let b = |x: i32| x; b(a.§x) }\n",
    },
    "member after comments, in Rust": {
        **CRATE,
        "src/own.rs": OWN_RUST,
        "src/user.rs": f"use crate::own::A;\nfn f(a: A) {{\n  a{COMMENTS}.{COMMENTS}f().{COMMENTS}§x;\n}}\n",
    },
    "field of a constructor, in Java": {
        "p/A.java": "package p;\n\nclass A {\n  int §x;\n  A(int x) { this.§x = x; }\n  int f() {\n"
        "    java.util.function.IntUnaryOperator g = y -> y + §x;\n    return §x;\n  }\n}\n",
        "p/Use.java": "package p;\n\nclass Use {\n  int f(A a) { return a.§x; }\n}\n",
    },
    "component of a record, in Java": {
        "p/A.java": "package p;\n\nrecord A(int §x, int y) {\n  A {\n"
        "    if (§x < 0) throw new Error();\n  }\n"
        "  int f(A a) { return §x + this.§x + a.§x(); }\n}\n",
        "p/Use.java": "package p;\n\nclass Use {\n  int f(A a) { return a.§x(); }\n}\n",
    },
    "parameter of a lambda, in Java": {
        "p/A.java": "package p;\n\nclass A {\n  int x;\n  int f(int y) {\n"
        "    java.util.function.IntUnaryOperator g = §x -> §x + y;\n    return x;\n  }\n}\n",
    },
    "member after comments, in Java": {
        "p/A.java": OWN_JAVA,
        "p/Use.java": f"package p;\n\nclass Use {{\n"
        f"  int f(A a) {{ return a{COMMENTS}.f().{COMMENTS}§x; }}\n}}\n",
    },
    "extern of a function, in C": {
        "own.c": "int §x = 1;\n",
        "use.c": "int f(void) {\n  extern int §x;\n  §x = 2;\n  return §x;\n}\nint g(int x) { return x; }\n",
        "more.c": "char *f(void) {\n  if (1) {\n    extern int §x, *y, z[];\n    §x++;\n  }\n"
        "  return 0;\n}\n",
    },
    "extern of a function in the same file, in C": {
        "own.c": "int f(void) { extern int §x; return §x; }\nint §x = 1;\nint g(void) { return §x; }\n",
    },
    "extern of a header, in C": {
        "own.h": "extern int §x;\n",
        "own.c": '#include "own.h"\nint §x = 1;\n',
        "use.c": '#include "own.h"\nint f(void) { static int y; return §x + y; }\n',
    },
    "constant of a header that includes another, in C": {
        "own.h": 'enum { §x };\n#include "use.h"\n',
        "use.h": "static int f(void) { return §x; }\n",
    },
    "member after comments, in C": {
        "own.h": OWN_H,
        "use.c": f'#include "own.h"\nint f(struct A *a, struct A b) {{\n  b.{COMMENTS}§x = 1;\n'
        f"  return a->{COMMENTS}next{COMMENTS}->{COMMENTS}§x;\n}}\n",
    },
    "member after comments, in C++": {
        "own.h": "class A {\n public:\n  static int §x;\n};\n",
        "use.cc": f'#include "own.h"\nint f(A *a) {{\n  return a->{COMMENTS}§x + A::{COMMENTS}§x;\n}}\n',
    },
}
CASES = {**PYTHON, **OTHERS}


@pytest.mark.parametrize("case", CASES)
def test_the_same_uses_are_found_from_each(tmp_path: Path, case: str) -> None:
    files = CASES[case]
    marked = {(path, *place) for path, text in files.items() for place in _marked(text)}
    with asking(tmp_path, {path: text.replace(MARK, "") for path, text in files.items()}) as ask:
        for place in sorted(marked):
            found = references(ask.source, *place)
            uses = {one[:3] for one in found.references if _is_named(ask, one.path, one.row, one.column)}
            assert (place, uses) == (place, marked)
            # In Go, other packages see a name with a capital.
            edits = rename(ask.source, *place, "Other").edits
            assert (place, {one[:3] for one in edits if not one.needs_confirmation}) == (place, marked)


def _marked(text: str) -> list[tuple[int, int]]:
    """The places after the marks, in the text without them."""
    found = []
    for row, line in enumerate(text.split("\n")):
        columns = (one.start() - number for number, one in enumerate(re.finditer(MARK, line)))
        found += [(row, column) for column in columns]
    return found


def _is_named(ask: Asking, path: str, row: int, column: int) -> bool:
    """Whether the name is written there, and not another that an import gives."""
    line = (ask.root / path).read_text().split("\n")[row]
    return re.match(r"[xX]\b", line[column:]) is not None
