"""Members through what is before the dot, in TypeScript and JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.names.asking import Asking, asking, case_path

MODEL = """\
export class Base<T = string> {
  size = 0;
  constructor(readonly part: Part, private items: Part[] = []) {}
  run() { return this.size; }
  self(): this { return this; }
  get inner(): Part { return this.part; }
  static make() { return new Base(new Part()); }
  value!: T;
}
export class Part {
  turn() { return new Base(this); }
  list: Part[] = [];
  table: Map<string, Base> = new Map();
  async later(): Promise<Part> { return this; }
  unread() { const found = new Base(this); return found; }
}
export class Child extends Base<Part> {
  run() { return super.self(); }
}
export interface Shape extends Named { area(): number; }
export interface Named { title: string; }
export type Options = Named & { depth: number };
export type Make = (part: Part) => Base;
export const tools = { part: new Part(), nested: { build() {} } };
export enum Kind { small, large }
export namespace Space { export const star = 1; }
export function part(): Part { return tools.part; }
export function each(part: (one: Part) => void) {}
"""


def _line(text: str) -> int:
    return MODEL[: MODEL.index(text)].count("\n") + 1


NAMES = "Base, Part, Child, Shape, Options, Make, tools, Kind, Space, part, each"


def _closing(text: str) -> str:
    """The brackets that are open at the end of a text, closed."""
    opened: list[str] = []
    for character in text:
        if character in "({[":
            opened.append({"(": ")", "{": "}", "[": "]"}[character])
        elif character in ")}]":
            opened.pop()
    return "".join(reversed(opened))


# What is before the dot, the member, and the text of the definition's line.
CASES = {
    "new": ("new Child(p)", "run", "run() { return super"),
    "an inherited member": ("new Child(p)", "size", "size = 0"),
    "a parameter property": ("new Child(p)", "part", "constructor("),
    "this as a return type": ("new Child(p).self()", "run", "run() { return super"),
    "a getter": ("new Base(p).inner", "turn", "turn()"),
    "a static method": ("Base", "make", "static make"),
    "what a static method returns": ("Base.make()", "run", "run() { return this"),
    "what a function returns": ("part()", "turn", "turn()"),
    "what a method without an annotation returns": ("part().turn()", "run", "run() { return this"),
    "what a local returns": ("part().unread()", "run", "run() { return this"),
    "an annotation": ("const x: Part = y;\nx", "turn", "turn()"),
    "a parameter": ("function f(x: Part | undefined) {\n  x?", "turn", "turn()"),
    "an assertion": ("(y as Part)", "turn", "turn()"),
    "non-null": ("const x: Part | null = y;\nx!", "turn", "turn()"),
    "await": ("const x = await part().later();\nx", "turn", "turn()"),
    "an item": ("part().list[0]", "turn", "turn()"),
    "iteration": ("for (const x of part().list) x", "turn", "turn()"),
    "a callback of an array": ("part().list.map(x => x", "turn", "turn()"),
    "a callback": ("each(one => one", "turn", "turn()"),
    "a table": ("part().table.get('a')", "run", "run() { return this"),
    "a pattern": ("const { inner } = new Base(p);\ninner", "turn", "turn()"),
    "the key of a pattern": ("const { inner: x } = new Base(p);\nx", "turn", "turn()"),
    "a type argument": ("new Child(p).value", "turn", "turn()"),
    "an interface": ("const x: Shape = y;\nx", "area", "export interface Shape"),
    "an interface's base": ("const x: Shape = y;\nx", "title", "export interface Named"),
    "an intersection": ("const x: Options = y;\nx", "depth", "export type Options"),
    "an intersection's base": ("const x: Options = y;\nx", "title", "export interface Named"),
    "a function type": ("const f: Make = y;\nf(p)", "run", "run() { return this"),
    "the parameter of a function type": ("const f: Make = x => x", "turn", "turn()"),
    "an object": ("tools.part", "turn", "turn()"),
    "an object in an object": ("tools.nested", "build", "export const tools"),
    "an enum": ("Kind", "large", "export enum"),
    "a namespace": ("Space", "star", "export namespace"),
    "a condition": ("(y ? part() : null)", "turn", "turn()"),
    "typeof": ("function f(x: typeof tools) { x", "nested", "export const tools"),
    "an alias of a class": ("const Alias = Base;\nnew Alias(p)", "run", "run() { return this"),
}


def _source(case: str) -> str:
    before, name, _ = CASES[case]
    return f"import {{ {NAMES} }} from './model';\n{before}.{name}\n{_closing(before)};\n"


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """The model, and a file for each case."""
    files = {case_path(case, ".ts"): _source(case) for case in CASES}
    with asking(tmp_path_factory.mktemp("cases"), {"model.ts": MODEL, **files}) as asked:
        yield asked


@pytest.mark.parametrize("case", CASES)
def test_a_member_is_found_through_the_receiver_s_type(case: str, ask: Asking) -> None:
    before, name, text = CASES[case]
    marked = before.split("\n")[-1] + f".@{name}\n"
    assert ask.first(case_path(case, ".ts"), marked) == f"model.ts:{_line(text)} inferred"


def test_this_and_super(tmp_path: Path) -> None:
    with asking(tmp_path, {"model.ts": MODEL}) as ask:
        assert ask.first("model.ts", "return this.@size") == f"model.ts:{_line('size = 0')} inferred"
        assert ask.first("model.ts", "super.@self") == f"model.ts:{_line('self(): this')} inferred"


def test_this_is_of_the_function_around_but_not_of_an_arrow_function(tmp_path: Path) -> None:
    source = (
        "class A {\n  x = 1;\n  f() {\n"
        "    return { x: 2, g() { return this.x; }, h: () => this.x + 0 };\n  }\n}\n"
    )
    with asking(tmp_path, {"a.ts": source}) as ask:
        assert ask.first("a.ts", "return this.@x") == "a.ts:4 inferred"
        assert ask.first("a.ts", "=> this.@x") == "a.ts:2 inferred"


def test_a_function_in_a_method_has_a_this_of_its_own(tmp_path: Path) -> None:
    source = (
        "class A {\n  x = 1;\n  m() {\n    g(function () { return this.x; });\n"
        "    g(() => this.x + 1);\n  }\n}\n"
    )
    with asking(tmp_path, {"a.ts": source}) as ask:
        assert ask.first("a.ts", "return this.@x").endswith("named")
        assert ask.first("a.ts", "=> this.@x") == "a.ts:2 inferred"


def test_javascript_has_the_fields_that_its_constructor_assigns(tmp_path: Path) -> None:
    source = (
        "class Part { turn() {} }\n"
        "class A {\n  constructor(size) { this.size = size; this.part = new Part(); }\n"
        "  f() { return this.size + this.part.turn(); }\n}\n"
    )
    with asking(tmp_path, {"a.js": source}) as ask:
        assert ask.first("a.js", "return this.@size") == "a.js:3 inferred"
        assert ask.first("a.js", "part.@turn()") == "a.js:1 inferred"


def test_what_an_object_spreads_it_has(tmp_path: Path) -> None:
    source = "const a = { x: 1 };\nfunction f() {\n  const b = { ...a, y: 2 };\n  return b.x;\n}\n"
    with asking(tmp_path, {"a.ts": source}) as ask:
        assert ask.first("a.ts", "b.@x") == "a.ts:1 inferred"


def test_a_value_of_a_platform_s_type_gives_no_candidates(tmp_path: Path) -> None:
    source = "class A { trim() {} push() {} }\n'a'.trim();\n[].push();\nconsole.trim();\n"
    with asking(tmp_path, {"a.ts": source}) as ask:
        assert ask.first("a.ts", "'a'.@trim") == ""
        assert ask.first("a.ts", "[].@push") == ""
        assert ask.first("a.ts", "console.@trim") == ""


def test_a_receiver_of_which_nothing_is_known_gives_candidates(tmp_path: Path) -> None:
    source = "function f(x) { x.turn(); }\n"
    with asking(tmp_path, {"model.ts": MODEL, "a.ts": source}) as ask:
        assert ask.lines("a.ts", "x.@turn") == [f"model.ts:{_line('turn()')} named"]


def test_types_that_refer_to_each_other_end(tmp_path: Path) -> None:
    source = (
        "type A = B;\ntype B = A;\nfunction f(a: A) { a.x; }\n"
        "class C extends D {}\nclass D extends C {}\nnew C().y;\n"
    )
    with asking(tmp_path, {"a.ts": source}) as ask:
        assert ask.first("a.ts", "a.@x") == ""
        assert ask.first("a.ts", ".@y") == ""


def test_calls_and_outline(tmp_path: Path) -> None:
    source = (
        "export class A {\n  run() { return help(); }\n}\n"
        "function help() {}\nexport const go = () => new A().run();\n"
    )
    with asking(tmp_path, {"a.ts": source}) as ask:
        assert ask.callers("a.ts", "function @help") == ["A.run"]
        assert ask.callees("a.ts", "const @go") == ["A", "A.run"]
        assert ask.outline("a.ts") == ["class A", "method A.run", "function help", "function go"]


STATICS = """\
export class A {
  static make() { return this.size; }
  make() { return this.size; }
  static size = 1;
  size = 2;
  static get kept() { return new A(); }
  copied(a = A.kept) { const b = a; return b; }
}
export class B extends A { static copied() {} }
A.make(); new A().make(); A.size; new A().size; new B().copied(); B.copied(); B.kept.size;
new A().copied().make();
"""


@pytest.mark.parametrize("suffix", [".ts", ".js"])
def test_a_class_and_its_instances_have_members_of_their_own(tmp_path: Path, suffix: str) -> None:
    path = f"a{suffix}"
    answers = {
        "; A.@size;": 4,
        "; new A().@size": 5,
        ") { return this.@size; }\n  make": 4,
        ") { return this.@size; }\n  static": 5,
        "\nA.@make()": 2,
        "; new A().@make()": 3,
        "new B().@copied": 7,
        " B.@copied": 9,
        "kept.@size": 5,
        "copied().@make": 3,
    }
    with asking(tmp_path, {path: STATICS}) as ask:
        assert {marked: ask.first(path, marked).split()[0] for marked in answers} == {
            marked: f"{path}:{line}" for marked, line in answers.items()
        }
        assert ask.uses(path, "static @make()") == [f"{path}:2 definition", f"{path}:10 use"]
        assert ask.uses(path, "  @size = 2") == [
            f"{path}:3 use",
            f"{path}:5 definition",
            f"{path}:10 use",
            f"{path}:10 use",
        ]


KEYS = """\
interface Shape { area(): number; title: string; }
declare function draw(shape: Shape, done: (shape: Shape) => void): void;
const a: Shape = { area() { return 1; }, title: 'a', more: 1 };
draw({ area: () => 1, title: 'b' }, flag ? (one) => one.area() : (two) => two.title);
const free = { title: 'c' };
const list = [new Map(), new Set()], shapes = [new Round()];
class Round implements Shape { area() { return 1; } title = ''; }
shapes.pop().area(); shapes[0].title; free.title;
"""


def test_a_key_is_the_member_of_the_type_that_its_object_is_given_for(tmp_path: Path) -> None:
    answers = {
        "{ @area() { return 1; }, title": 1,
        "@title: 'a'": 1,
        "@more": 3,
        "@area: ()": 1,
        "@title: 'b'": 1,
        "one.@area": 1,
        "two.@title": 1,
        "@title: 'c'": 5,
        "pop().@area": 7,
        "shapes[0].@title": 7,
        "free.@title": 5,
    }
    with asking(tmp_path, {"a.ts": KEYS}) as ask:
        assert {marked: ask.first("a.ts", marked).split()[0] for marked in answers} == {
            marked: f"a.ts:{line}" for marked, line in answers.items()
        }


UNNAMED = """\
interface Entry { at: { row: number }; [key: string]: any }
type Round = { kind: 'round'; radius: number } | { kind: 'square'; side: number };
class Cat { age = 1; }
function given(box: { inner: { size: number } }, all: { item: Cat }[]): { answer: Cat } {
  box.inner.size;
  all[0].item.age;
  all.map((one) => one.item);
  return { answer: all[0].item };
}
given(x, y).answer;
function plain() { return { made: { deep: 1 } }; }
plain().made.deep;
const rows = [{ cell: 1 }];
rows.map((row) => row.cell);
function looked(at: Entry['at'], entries: Record<string, Cat>, cats: { [name: string]: Cat }) {
  at.row; entries.tom.age; cats['tim'].age; cats.tam.age;
}
function shaped(shape: Round) { shape.radius; shape.side; }
function typed(a: ReturnType<typeof plain>, b: InstanceType<typeof Cat>) { a.made; b.age; }
function owned(this: Cat) { return this.age; }
function kept(options = { left: 1 }) { options.left; }
for (const [name, cat] of new Map<string, Cat>()) cat.age;
"""


def test_types_and_objects_without_a_name_have_members(tmp_path: Path) -> None:
    answers = {
        "box.@inner": 4,
        "box.inner.@size": 4,
        "all[0].@item.age": 4,
        "  all[0].item.@age": 3,
        "=> one.@item": 4,
        "(x, y).@answer": 4,
        "plain().@made.deep": 11,
        "plain().made.@deep": 11,
        "row.@cell": 13,
        "at.@row;": 1,
        "entries.tom.@age": 3,
        "['tim'].@age": 3,
        "cats.tam.@age": 3,
        "shape.@radius": 2,
        "shape.@side": 2,
        "a.@made;": 11,
        "b.@age": 3,
        "this.@age": 3,
        ") cat.@age": 3,
    }
    with asking(tmp_path, {"a.ts": UNNAMED}) as ask:
        assert {marked: ask.first("a.ts", marked) for marked in answers} == {
            marked: f"a.ts:{line} inferred" for marked, line in answers.items()
        }
        # What a default has is not all that may be given.
        assert ask.first("a.ts", "options.@left") == "a.ts:21 named"


def test_a_type_without_a_name_is_known_in_other_files(tmp_path: Path) -> None:
    files = {
        "a.ts": "export class Box { list: { item: number }[] = []; }\n"
        "export function make(): { part: Box } { return { part: new Box() }; }\n",
        "b.ts": "import { Box, make } from './a';\nnew Box().list[0].item;\nmake().part.list;\n",
    }
    with asking(tmp_path, files) as ask:
        assert ask.first("b.ts", "[0].@item") == "a.ts:1 inferred"
        assert ask.first("b.ts", "make().@part") == "a.ts:2 inferred"
        assert ask.first("b.ts", "part.@list") == "a.ts:1 inferred"


ASSIGNED = """\
function View(name, options) {
  this.name = name;
  if (options) { this.size = options.size; }
}
View.prototype.draw = function () { return this.name + this.turned(); };
View.prototype.turned = function () {};
View.make = function () { return new View('a'); };
const helper = () => {};
helper.level = 3;
helper.level;
class Shop { open() {} }
Shop.first = new Shop();
const tools = { one() {} };
tools.two = function () { return this.one(); };
tools.two();
function other(tools) { tools.third = 1; return tools.third; }
module.exports = View;
module.exports.Shop = Shop;
"""


def test_what_is_assigned_to_functions_and_objects_are_their_members(tmp_path: Path) -> None:
    uses = (
        "const View = require('./a');\nnew View().name; View.make().size; View.Shop.first.open();\n"
        "require('./a').make().draw;\n"
    )
    answers = {
        ("a.js", " this.@name +"): "a.js:2 inferred",
        ("a.js", " this.@turned"): "a.js:6 inferred",
        ("a.js", "\nhelper.@level;"): "a.js:9 inferred",
        ("a.js", "this.@one"): "a.js:13 inferred",
        ("a.js", "tools.@two()"): "a.js:14 inferred",
        ("b.js", "new @View"): "a.js:1 exact",
        ("b.js", "().@name"): "a.js:2 inferred",
        ("b.js", " View.@make"): "a.js:7 inferred",
        ("b.js", "().@size"): "a.js:3 inferred",
        ("b.js", "View.@Shop"): "a.js:11 inferred",
        ("b.js", "Shop.@first"): "a.js:12 inferred",
        ("b.js", ".@open"): "a.js:11 inferred",
        ("b.js", "('./a').@make"): "a.js:7 inferred",
        ("b.js", "().@draw"): "a.js:5 inferred",
    }
    with asking(tmp_path, {"a.js": ASSIGNED, "b.js": uses}) as ask:
        assert {asked: ask.first(*asked) for asked in answers} == answers
        # A parameter of that name is not the object.
        assert "inferred" not in ask.first("a.js", "tools.@third;")
