"""Names in Java: scopes, packages, members and the choice among methods."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.names.asking import Asking, asking, case_files, case_path

from diptych.serving.answers import definition

# A source, a marked question, and the line of the definition; 0 for none.
CASES = {
    "a parameter": (
        "class A {\n  int f(int a) { return a; }\n}\n",
        "return @a",
        2,
    ),
    "a local variable": (
        "class A {\n  void f() {\n    int a = 1;\n    use(a);\n  }\n}\n",
        "use(@a)",
        3,
    ),
    "a local hides a field": (
        "class A {\n  int a;\n  int f() {\n    int a = 1;\n    return a;\n  }\n}\n",
        "return @a",
        4,
    ),
    "this names the field": (
        "class A {\n  int a;\n  A(int a) {\n    this.a = a;\n  }\n}\n",
        "this.@a",
        2,
    ),
    "a local is not seen before it is declared": (
        "class A {\n  int a;\n  void f() {\n    use(a);\n    int a = 1;\n  }\n}\n",
        "use(@a)",
        2,
    ),
    "a local is not seen after its block": (
        "class A {\n  int a;\n  void f() {\n    { int a = 1; }\n    use(a);\n  }\n}\n",
        "use(@a)",
        2,
    ),
    "for": (
        "class A {\n  void f() {\n    for (int i = 0; i < 3;) use(i);\n  }\n}\n",
        "use(@i)",
        3,
    ),
    "for each": (
        "class A {\n  void f(int[] s) {\n    for (int i : s) use(i);\n  }\n}\n",
        "use(@i)",
        3,
    ),
    "catch": (
        "class A {\n  void f() {\n    try { g(); } catch (X | Y e) { use(e); }\n  }\n}\n",
        "use(@e)",
        3,
    ),
    "a resource": (
        "class A {\n  void f() {\n    try (R r = g()) {\n      use(r);\n    }\n  }\n}\n",
        "use(@r)",
        3,
    ),
    "a lambda's parameter": (
        "class A {\n  Object f = (a, b) -> b;\n}\n",
        "-> @b",
        2,
    ),
    "a lambda's only parameter": (
        "class A {\n  Object f = a -> a;\n}\n",
        "-> @a",
        2,
    ),
    "a pattern": (
        "class A {\n  boolean f(Object o) {\n    return o instanceof B b && b.is();\n  }\n}\n",
        "&& @b.is",
        3,
    ),
    "a pattern is seen after the statement that it ends": (
        "class A {\n  void f(Object o) {\n    if (!(o instanceof B b)) return;\n    use(b);\n  }\n}\n",
        "use(@b)",
        3,
    ),
    "the latest of two patterns": (
        "class A {\n  void f(Object o) {\n    if (o instanceof B b) g(b);\n"
        "    if (o instanceof C b)\n      use(b);\n  }\n}\n",
        "use(@b)",
        4,
    ),
    "a field declared later": (
        "class A {\n  int f() { return a; }\n  int a;\n}\n",
        "return @a",
        3,
    ),
    "a field of the class around": (
        "class A {\n  int a;\n  class B {\n    int f() { return a; }\n  }\n}\n",
        "return @a",
        2,
    ),
    "the other object's": (
        "class A {\n  int a;\n  class B {\n    int a;\n    int f() { return A.this.a; }\n  }\n}\n",
        "A.this.@a",
        2,
    ),
    "a method with a field's name": (
        "class A {\n  int size;\n  int size() { return 1; }\n  int f() { return size(); }\n}\n",
        "return @size()",
        3,
    ),
    "the field with a method's name": (
        "class A {\n  int size() { return 1; }\n  int size;\n  int f() { return size; }\n}\n",
        "return @size;",
        3,
    ),
    "a type with a variable's name": (
        "class A {\n  static class b {}\n  void f() {\n    int b = 1;\n    b c = null;\n  }\n}\n",
        "@b c",
        2,
    ),
    "a method of a base": (
        "class B {\n  void go() {}\n}\nclass A extends B {\n  void f() { go(); }\n}\n",
        "{ @go()",
        2,
    ),
    "super": (
        "class B {\n  void f() {}\n}\nclass A extends B {\n  void f() { super.f(); }\n}\n",
        "super.@f()",
        2,
    ),
    "a default method of an interface": (
        "interface I {\n  default void go() {}\n}\nclass A implements I {\n  void f() { this.go(); }\n}\n",
        "this.@go()",
        2,
    ),
    "by declared type": (
        "class B {\n  int x;\n}\nclass A {\n  int f(B b) { return b.x; }\n}\n",
        "b.@x",
        2,
    ),
    "by the type of a field": (
        "class B {\n  void go() {}\n}\nclass A {\n  B b;\n  void f() { this.b.go(); }\n}\n",
        "b.@go()",
        2,
    ),
    "by var": (
        "class B {\n  void go() {}\n}\nclass A {\n  void f() {\n    var b = new B();\n    b.go();\n  }\n}\n",
        "b.@go()",
        2,
    ),
    "by what a method returns": (
        "class B {\n  B next() { return this; }\n}\nclass A {\n  void f(B b) { b.next().next(); }\n}\n",
        "next().@next()",
        2,
    ),
    "by a cast": (
        "class B {\n  void go() {}\n}\nclass A {\n  void f(Object o) { ((B) o).go(); }\n}\n",
        ".@go()",
        2,
    ),
    "an item of an array": (
        "class B {\n  int x;\n}\nclass A {\n  int f(B[] b) { return b[0].x; }\n}\n",
        "].@x",
        2,
    ),
    "an item of a list": (
        "class B {\n  int x;\n}\nclass A {\n  int f(List<B> b) { return b.get(0).x; }\n}\n",
        ".@x",
        2,
    ),
    "a value of a map's entry": (
        "class B {\n  int x;\n}\nclass A {\n  void f(Map<String, B> m) {\n"
        "    for (Map.Entry<String, B> e : m.entrySet()) use(e.getValue().x);\n  }\n}\n",
        ".@x",
        2,
    ),
    "a list that the source defines": (
        "class List<T> {\n  void go() {}\n}\nclass A {\n  void f(List<A> b) { b.go(); }\n}\n",
        "b.@go()",
        2,
    ),
    "a type argument of a class": (
        "class Box<T> {\n  T held;\n}\nclass B {\n  int x;\n}\nclass A {\n"
        "  int f(Box<B> b) { return b.held.x; }\n}\n",
        "held.@x",
        5,
    ),
    "the bound of a type parameter": (
        "class B {\n  int x;\n}\nclass A<T extends B> {\n  int f(T t) { return t.x; }\n}\n",
        "t.@x",
        2,
    ),
    "a type parameter": (
        "class A<T> {\n  T f() { return null; }\n}\n",
        "@T f()",
        1,
    ),
    "a type parameter of a method": (
        "class A {\n  <T> T f() { return null; }\n}\n",
        "<T> @T f()",
        2,
    ),
    "a constant of an enum": (
        "enum E {\n  ONE, TWO\n}\nclass A {\n  E e = E.TWO;\n}\n",
        "E.@TWO",
        2,
    ),
    "a constant in a switch": (
        "enum E {\n  ONE, TWO\n}\nclass A {\n  void f(E e) {\n    switch (e) { case TWO: break; }\n  }\n}\n",
        "case @TWO",
        2,
    ),
    "a component of a record": (
        "record R(int a) {\n  int f() { return a; }\n}\n",
        "return @a",
        1,
    ),
    "the method of a component": (
        "record R(int a) {}\nclass A {\n  int f(R r) { return r.a(); }\n}\n",
        "r.@a()",
        1,
    ),
    "the method written for a component": (
        "record R(int a) {\n  public int a() { return 1; }\n}\nclass A {\n"
        "  int f(R r) { return r.a(); }\n}\n",
        "r.@a()",
        2,
    ),
    "an annotation": (
        "@interface N {\n  int at();\n}\n@N(at = 1)\nclass A {}\n",
        "@@N(",
        1,
    ),
    "a member of an annotation": (
        "@interface N {\n  int at();\n}\n@N(at = 1)\nclass A {}\n",
        "(@at =",
        2,
    ),
    "a class without a name": (
        "class B {\n  void go() {}\n}\nclass A {\n  Object f = new B() { void h() { go(); } };\n}\n",
        "{ @go()",
        2,
    ),
    "a method's reference": (
        "class A {\n  static void go() {}\n  Runnable f = A::go;\n}\n",
        "A::@go",
        2,
    ),
    "a nested class": (
        "class B {\n  static class C {}\n}\nclass A {\n  B.C c;\n}\n",
        "B.@C",
        2,
    ),
    "a nested class of a base": (
        "class B {\n  static class C {}\n}\nclass A extends B {\n  C c;\n}\n",
        "  @C c;",
        2,
    ),
    "what is created": (
        "class B {\n  B() {}\n}\nclass A {\n  B b = new B();\n}\n",
        "new @B",
        1,
    ),
    "a label is no name": (
        "class A {\n  int out;\n  void f() {\n    out: while (true) break out;\n  }\n}\n",
        "break @out",
        0,
    ),
    "a member of a foreign type": (
        "class B {\n  int length() { return 1; }\n}\nclass A {\n"
        "  int f(Thread t) { return t.length(); }\n}\n",
        "t.@length()",
        0,
    ),
    "a base that is not in the source": (
        "class A extends Thread {\n  void f() { this.start(); }\n}\n",
        "this.@start()",
        0,
    ),
    "by the number of arguments": (
        "class A {\n  void g(int a) {}\n  void g() {}\n  void f() { g(); }\n}\n",
        "{ @g();",
        3,
    ),
    "by the type of an argument": (
        'class A {\n  void g(int a) {}\n  void g(String a) {}\n  void f() { g(""); }\n}\n',
        "{ @g(",
        3,
    ),
    "by a class and its base": (
        "class B {}\nclass C extends B {}\nclass A {\n  void g(B b) {}\n  void g(C c) {}\n"
        "  void f(B b) { g(b); }\n}\n",
        "{ @g(b)",
        4,
    ),
    "a simple type is widened before it is boxed": (
        "class A {\n  void g(Object a) {}\n  void g(long a) {}\n  void f(int a) { g(a); }\n}\n",
        "{ @g(a)",
        3,
    ),
    "any number of arguments comes last": (
        'class A {\n  void g(String... a) {}\n  void g(String a) {}\n  void f() { g(""); }\n}\n',
        "{ @g(",
        3,
    ),
    "any number of arguments": (
        'class A {\n  void g(String a) {}\n  void g(String... a) {}\n  void f() { g("", ""); }\n}\n',
        "{ @g(",
        3,
    ),
    "an array is all of the arguments": (
        "class A {\n  void g(int a) {}\n  void g(String... a) {}\n  void f(String[] s) { g(s); }\n}\n",
        "{ @g(",
        3,
    ),
    "a method of a base with other parameters": (
        "class B {\n  void g(String a) {}\n}\nclass A extends B {\n  void g(int a) {}\n"
        '  void f() { g(""); }\n}\n',
        "{ @g(",
        2,
    ),
    "a class is no instance": (
        "class T {}\nclass A {\n  void g(T t) {}\n  void g(Class<?> c) {}\n  void f() { g(T.class); }\n}\n",
        "{ @g(",
        4,
    ),
}

TREE = {
    "src/main/java/org/shape/Shape.java": """\
package org.shape;

import java.util.List;

public class Shape {
  public static final int LIMIT = 3;
  int side;

  public static Shape of(int side) { return new Shape(); }

  public Part part() { return new Part(); }

  private void tell(List<String> a) {}

  void tell(Object a) {}

  public static class Corner {
    public static void cut() {}
  }
}
""",
    "src/main/java/org/shape/Part.java": """\
package org.shape;

public class Part extends Shape {
  public int size;

  int twice() { return side * LIMIT; }
}
""",
    "src/test/java/org/shape/PartTest.java": """\
package org.shape;

class PartTest {
  void all(Part given) {
    given.twice();
    given.tell(new java.util.ArrayList<String>());
  }
}
""",
    "src/main/java/org/use/Use.java": """\
package org.use;

import static org.shape.Shape.LIMIT;
import static org.shape.Shape.Corner.*;

import org.shape.Part;
import org.shape.Shape.Corner;
import org.shape.*;

class Use {
  Corner corner;

  int all() {
    cut();
    org.shape.Part part = org.shape.Shape.of(1).part();
    return Shape.of(LIMIT).part().size;
  }
}
""",
    "other/org/shape/Shape.java": "package org.shape;\n\npublic class Shape {}\n",
}
SHAPE, PART = "src/main/java/org/shape/Shape.java", "src/main/java/org/shape/Part.java"
USE, TEST = "src/main/java/org/use/Use.java", "src/test/java/org/shape/PartTest.java"


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    files = {
        f"{number}/{path}": text for number, (path, text) in enumerate(case_files(CASES, ".java").items())
    }
    with asking(tmp_path_factory.mktemp("cases"), files) as asked:
        yield asked


@pytest.mark.parametrize("case", CASES)
def test_a_name_in_one_file(cases: Asking, case: str) -> None:
    path = f"{list(CASES).index(case)}/{case_path(case, '.java')}"
    _, marked, line = CASES[case]
    before, _, after = marked.rpartition("@") if "@@" in marked else marked.partition("@")
    text = (cases.root / path).read_bytes()
    start = text.index((before + after).encode()) + len(before)
    row, column = text.count(b"\n", 0, start), start - (text.rfind(b"\n", 0, start) + 1)
    found = [
        one for one in definition(cases.source, path, row, column).definitions if one.evidence != "named"
    ]
    assert ([one.row + 1 for one in found] or [0])[0] == line
    assert all(one.path == path for one in found)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    with asking(tmp_path_factory.mktemp("tree"), TREE) as asked:
        yield asked


@pytest.mark.parametrize(
    ("path", "marked", "answer"),
    [
        (USE, "shape.@Part;", f"{PART}:3 exact"),
        (USE, "Shape.@Corner;", f"{SHAPE}:17 exact"),
        (USE, "shape.@Shape.Corner;", f"{SHAPE}:5 exact"),
        (USE, "Shape.@LIMIT;", f"{SHAPE}:6 exact"),
        (USE, "  @Corner corner", f"{SHAPE}:17 exact"),
        (USE, "    @cut();", f"{SHAPE}:18 exact"),
        (USE, "of(@LIMIT)", f"{SHAPE}:6 exact"),
        (USE, "return @Shape.", f"{SHAPE}:5 exact"),
        (USE, "return Shape.@of(", f"{SHAPE}:9 inferred"),
        (USE, "of(LIMIT).@part()", f"{SHAPE}:11 inferred"),
        (USE, ".@size", f"{PART}:4 inferred"),
        (USE, "org.shape.@Part part", f"{PART}:3 exact"),
        (USE, "= org.shape.@Shape", f"{SHAPE}:5 exact"),
        (USE, "of(1).@part", f"{SHAPE}:11 inferred"),
        (PART, "extends @Shape", f"{SHAPE}:5 exact"),
        (PART, "return @side", f"{SHAPE}:7 exact"),
        (TEST, "all(@Part", f"{PART}:3 exact"),
        (TEST, "given.@twice", f"{PART}:6 inferred"),
        # A private method is not called from another file, however well it fits.
        (TEST, "given.@tell", f"{SHAPE}:15 inferred"),
    ],
)
def test_a_name_of_another_file(tree: Asking, path: str, marked: str, answer: str) -> None:
    assert tree.first(path, marked) == answer


def test_references_are_found_in_all_files_of_the_package(tree: Asking) -> None:
    assert tree.uses(PART, "int @twice") == [f"{PART}:6 definition", f"{TEST}:5 use"]
    assert tree.uses(SHAPE, "int @LIMIT") == [
        f"{SHAPE}:6 definition",
        f"{PART}:6 use",
        f"{USE}:3 import",
        f"{USE}:16 use",
    ]


def test_a_method_has_no_references_to_another_of_its_name(tree: Asking) -> None:
    assert tree.uses(SHAPE, "void @tell(Object") == [f"{SHAPE}:15 definition", f"{TEST}:6 use"]
    assert tree.uses(SHAPE, "void @tell(List") == [f"{SHAPE}:13 definition"]


def test_calls_and_outline(tree: Asking) -> None:
    assert tree.callers(SHAPE, "Part @part") == ["Use.all"]
    assert tree.callees(USE, "int @all") == ["Shape.Corner.cut", "Shape.of", "Shape.part"]
    assert tree.outline(PART) == ["module org.shape", "class Part", "field Part.size", "method Part.twice"]


def test_a_component_of_a_record_is_in_the_outline_once(tmp_path: Path) -> None:
    with asking(tmp_path, {"R.java": "record R(int a) {}\n"}) as asked:
        assert asked.outline("R.java") == ["class R", "field R.a"]
