"""TypeScript: members that are one with those of classes and interfaces above; types with other names."""

from __future__ import annotations

from pathlib import Path

from tests.names.asking import asking

FAMILY = {
    "up.ts": "export interface Emitter { emit(): void; size?: number; }\n",
    "base.ts": "import { Emitter } from './up';\n"
    "export abstract class Base implements Emitter {\n  emit() {}\n  static emit() {}\n}\n",
    "one.ts": "import { Base } from './base';\n"
    "export class One extends Base {\n  emit() { super.emit(); }\n}\n",
    "two.ts": "import { Base } from './base';\nexport class Two extends Base {\n  emit() {}\n}\n",
    "far.ts": "import { Emitter } from './up';\nexport interface Less extends Omit<Emitter, 'emit'> {\n"
    "  emit: string;\n}\nexport class Apart { emit() {} }\n",
    "use.ts": "import { One } from './one';\nimport { Two } from './two';\n"
    "import { Apart, Less } from './far';\n"
    "new One().emit();\nnew Two().emit();\nnew Apart().emit();\nlet less: Less;\nless.emit;\n",
}
ALL = [
    "base.ts:3 definition",
    "one.ts:3 definition",
    "one.ts:3 use",
    "two.ts:3 definition",
    "up.ts:1 definition",
    "use.ts:4 use",
    "use.ts:5 use",
]


def test_references_are_those_of_all_that_overrides_one_member(tmp_path: Path) -> None:
    with asking(tmp_path, FAMILY) as ask:
        for path, marked in (
            ("up.ts", "@emit"),
            ("base.ts", "\n  @emit()"),
            ("one.ts", "@emit() {"),
            ("two.ts", "@emit"),
            ("use.ts", "new Two().@emit"),
        ):
            assert sorted(ask.uses(path, marked)) == ALL, path
        assert ask.uses("base.ts", "static @emit") == ["base.ts:4 definition"]
        assert sorted(ask.uses("far.ts", "Apart { @emit")) == ["far.ts:5 definition", "use.ts:6 use"]
        assert sorted(ask.uses("far.ts", "  @emit: string")) == ["far.ts:3 definition", "use.ts:8 use"]
        # A definition is the one that the type of the receiver has.
        assert ask.lines("use.ts", "new Two().@emit") == ["two.ts:3 inferred"]


ALIASES = """\
class Part { turn() {} }
type Given<T> = T | string;
type Both<A, B> = Given<B> | A;
type Copied<T> = { readonly [K in keyof T]: T[K] };
type Flat<T> = { [K in keyof T]: T[K] } & {};
type Other<T> = { [K in keyof T]: string };
interface Box<T> { one: Given<T>; }
function f(a: Given<Part>, b: Both<number, Part>, c: Copied<Part>, d: Flat<Part>) {
  a.turn(); b.turn(); c.turn(); d.turn();
}
function g(e: Box<Part>, o: Other<Part>) {
  e.one.turn(); o.turn();
}
"""


def test_a_type_that_is_another_name_has_its_arguments(tmp_path: Path) -> None:
    with asking(tmp_path, {"a.ts": ALIASES}) as ask:
        for name in ("a", "b", "c", "d", "e.one"):
            assert ask.first("a.ts", f" {name}.@turn") == "a.ts:1 inferred", name
        assert "inferred" not in ask.first("a.ts", " o.@turn")
