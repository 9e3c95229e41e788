"""JavaScript and TypeScript: what is a definition, and what a reference."""

from __future__ import annotations

import pytest

from .extracted import record, relations, symbols

BOTH = pytest.mark.parametrize("language", ["javascript", "typescript", "tsx"])


@BOTH
@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("const { a, b: c, ...d } = x;", ["a", "c", "d"]),
        ("let [a, , b = 1, ...[c]] = x;", ["a", "b", "c"]),
        ("var { a: { b = 1, c: [d] }, e = f } = x;", ["b", "d", "e"]),
        ("export const { a, b } = x;", ["a", "b"]),
        ("let a = 1, b, { c } = d;", ["a", "b", "c"]),
        ("let a;\nvar b;\n", ["a", "b"]),
    ],
)
def test_each_name_in_a_pattern_is_a_variable(language: str, source: str, expected: list[str]) -> None:
    assert symbols(language, source) == [f"variable |{name}" for name in expected]
    assert symbols(language, f"function f() {{ {source.removeprefix('export ')} }}") == ["function |f"]


@BOTH
@pytest.mark.parametrize(
    "source",
    [
        "if (x) { var a = 1; }",
        "if (x) {} else { var a = 1; }",
        "if (x) var a = 1;",
        "for (var a = 0; ;) {}",
        "for (var a of x) {}",
        "for (const b of x) { var a; }",
        "while (x) { { var a; } }",
        "try { let b; } catch (e) { var a; } finally { const c = 1; }",
        "switch (x) { case 1: var a; break; default: let b; }",
        "label: { var a; class K { m() { var b; } } }",
        "(function () { var b; })(); var a;",
        "x(() => { const b = 1; }); var a;",
    ],
)
def test_a_var_leaves_its_block_and_let_and_const_do_not(language: str, source: str) -> None:
    assert [found for found in symbols(language, source) if "variable" in found] == ["variable |a"]


@BOTH
def test_each_declarator_is_a_declaration_of_its_own(language: str) -> None:
    source = "const a = 1, b = () => { hit(); }, c = function* () { run(); };"
    assert symbols(language, source) == ["variable |a", "function |b", "function |c"]
    assert relations(language, source) == ["calls b -> hit", "calls c -> run"]
    assert [symbol.signature for symbol in record(language, source).symbols] == [
        "a = 1",
        "b = ()",
        "c = function* ()",
    ]


@BOTH
@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("exports.Widget = class {};", ["class |Widget"]),
        ("exports.LIMIT = module.exports.max = 12;", ["constant |LIMIT", "variable |max"]),
        ("exports.run = function () {};", ["function |run"]),
        ("module.exports.run = async () => {};", ["function |run"]),
        ("exports.a = a; exports.b = b.c; exports.c = void 0;", []),
        ("module.exports = function () {};", ["function |exports"]),
        ("window.a = function () {};", ["function |a"]),
        ("function f() { exports.a = 1; }", ["function |f"]),
    ],
)
def test_what_a_commonjs_module_exports_is_the_module_s(
    language: str, source: str, expected: list[str]
) -> None:
    assert symbols(language, source) == expected


@BOTH
@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Foo.prototype.bar = function () {};", ["method Foo|bar"]),
        ("Foo.prototype.bar = () => {};", ["method Foo|bar"]),
        ("Foo.prototype.size = 1;", ["field Foo|size"]),
        ("Foo.prototype = { a() {}, b: function () {}, 'c d': () => {} };",
         ["method Foo|a", "method Foo|b", "method Foo|c d"]),
        ("Foo.make = function () {};", ["function Foo|make"]),
        ("Foo.Part = class { m() {} };", ["class Foo|Part", "method Foo.Part|m"]),
        ("function Foo() { this.run = function () {}; }", ["function |Foo", "function Foo|run"]),
    ],
)  # fmt: skip
def test_what_is_assigned_to_a_member_belongs_to_its_object(
    language: str, source: str, expected: list[str]
) -> None:
    assert symbols(language, source) == expected


@BOTH
@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("export default function () { hit(); }", ["function |default"]),
        ("export default () => {};", ["function |default"]),
        ("export default class { m() {} }", ["class |default", "method default|m"]),
        ("export default { m() {} };", ["variable |default", "method default|m"]),
        ("export default make(1);", ["variable |default"]),
        ("export default function f() {}", ["function |f"]),
        ("export default class K {}", ["class |K"]),
        ("const a = 1; export default a;", ["variable |a"]),
    ],
)
def test_a_default_export_without_a_name_is_named_default(
    language: str, source: str, expected: list[str]
) -> None:
    assert symbols(language, source) == expected


@BOTH
@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ("'str method'() {}", "method K|str method"),
        ('"a-b"() {}', "method K|a-b"),
        ("'field-x' = 1;", "field K|field-x"),
        ("12() {}", "method K|12"),
        ("#go() {}", "method K|#go"),
        ("[Symbol.iterator]() {}", "method K|[Symbol.iterator]"),
        ("[name] = 1;", "field K|[name]"),
        ("run = () => {};", "field K|run"),
        ("static async *run() {}", "method K|run"),
    ],
)
def test_every_kind_of_member_name(language: str, member: str, expected: str) -> None:
    assert symbols(language, f"class K {{ {member} }}") == ["class |K", expected]


@BOTH
def test_a_name_without_text_is_no_symbol(language: str) -> None:
    assert symbols(language, "class K { ''() {} }\nconst a = { '': () => {} };") == [
        "class |K",
        "variable |a",
    ]


@BOTH
def test_a_private_method_is_called_by_its_name(language: str) -> None:
    source = "class K { #go() {} run() { this.#go(); new this.#K(); } #K = 1; }"
    assert relations(language, source) == ["calls K.run -> #go", "calls K.run -> #K"]


@BOTH
@pytest.mark.parametrize("value", ["class { m() {} }", "class extends Base { m() {} }"])
def test_a_class_expression_has_the_name_of_its_variable(language: str, value: str) -> None:
    for source in (f"var Old = {value};", f"let a, Old = {value};", f"export const Old = {value};"):
        assert symbols(language, source)[-2:] == ["class |Old", "method Old|m"]


@BOTH
@pytest.mark.parametrize(
    ("base", "target"),
    [("mixin(B, C)", "mixin"), ("lib.mixin(B)", "mixin"), ("a.b.Base", "Base"), ("Base", "Base")],
)
def test_the_base_of_a_class(language: str, base: str, target: str) -> None:
    assert f"extends A -> {target}" in relations(language, f"class A extends {base} {{}}")


def test_a_parameter_with_a_modifier_is_a_field_of_the_class() -> None:
    source = (
        "class Q { constructor(private readonly svc: Svc, plain: number, readonly t = 3, public u?: X, "
        "override v: Y) {} }\nclass R { m(plain: number) {} }"
    )
    assert symbols("typescript", source) == [
        "class |Q",
        "method Q|constructor",
        "field Q|svc",
        "field Q|t",
        "field Q|u",
        "field Q|v",
        "class |R",
        "method R|m",
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("namespace X.Y { export function f() {} class K { m() {} } }",
         ["namespace |X.Y", "function X.Y|f", "class X.Y|K", "method X.Y.K|m"]),
        ("namespace X . Y {}", ["namespace |X.Y"]),
        ("module X.Y { var a; }", ["namespace |X.Y", "variable X.Y|a"]),
        ("namespace Z { export var v = 1; export const go = () => { hit(); }; if (x) { var w; let u; } }",
         ["namespace |Z", "variable Z|v", "function Z|go", "variable Z|w"]),
        ("namespace Z { export const { a, b: [c] } = d; const LIMIT = 1, e = 2; }",
         ["namespace |Z", "variable Z|a", "variable Z|c", "constant Z|LIMIT", "variable Z|e"]),
        ("namespace A { namespace B { let c; } }", ["namespace |A", "namespace A|B", "variable A.B|c"]),
        ("declare module 'm' { const version: string; export let level: number }",
         ["module |m", "variable m|version", "variable m|level"]),
        ("declare module '*.css';", ["module |*.css"]),
        ("declare global { var g: number; interface Window { x: string } }",
         ["variable |g", "interface |Window", "field Window|x"]),
        ("declare namespace N { let a; function f(): void; }",
         ["namespace |N", "variable N|a", "function N|f"]),
        ("declare let a: string; export declare const B: number;", ["variable |a", "constant |B"]),
    ],
)  # fmt: skip
def test_namespaces_and_ambient_modules(source: str, expected: list[str]) -> None:
    assert symbols("typescript", source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("interface I { 'a-b': X; m?(): void; 'c d'(): void; new (): I; [k: string]: X }",
         ["field I|a-b", "method I|m", "method I|c d", "method I|new"]),
        ("enum I { A, 'b-c' = 1, D = 2 }", ["constant I|A", "constant I|b-c", "constant I|D"]),
        ("abstract class I { abstract a: X; abstract m(): void; declare b: X; accessor c = 1; }",
         ["field I|a", "method I|m", "field I|b", "field I|c"]),
    ],
)  # fmt: skip
def test_members_of_types(source: str, expected: list[str]) -> None:
    assert symbols("typescript", source)[1:] == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("interface I extends ns.P<Y> {}", "extends I -> P"),
        ("interface I extends P<Y>, a.b.Q {}", "extends I -> Q"),
        ("class I extends ns.P<Y> {}", "extends I -> P"),
        ("class I implements ns.P<Y> {}", "implements I -> P"),
        ("abstract class I extends A implements B<C> {}", "implements I -> B"),
    ],
)
def test_the_bases_of_types(source: str, expected: str) -> None:
    assert expected in relations("typescript", source)
    assert len([found for found in relations("typescript", source) if found == expected]) == 1


@BOTH
def test_a_signature_has_no_comments_and_no_body(language: str) -> None:
    source = (
        "function f(a, // one\n  b /* two */) /* three */ { return 1; }\nconst g = async (a /* a */) => a;"
    )
    assert [symbol.signature for symbol in record(language, source).symbols] == [
        "function f(a, b )",
        "const g = async (a )",
    ]


def test_a_function_has_one_name() -> None:
    source = """res.type = function contentType() { f(); };
var a = function b() {}, C = class D { m() {} };
var o = { h: function hh() {} };
module.exports = function main() {};
run(function named() {});
"""
    assert symbols("javascript", source) == [
        "function res|type",
        "function |a",
        "class |C",
        "method C|m",
        "variable |o",
        "function o|h",
        "function |exports",
        "function exports|main",
        "function |named",
    ]
    assert "calls res.type -> f" in relations("javascript", source)


def test_members_of_a_type_without_a_name_are_no_symbols_of_the_file() -> None:
    source = """check<out, { inner: string; call(): void }>(true);
(x as { when?: unknown }).when = 1;
type A = { b: number };
interface I { m(): void }
"""
    assert symbols("typescript", source) == ["type |A", "field A|b", "interface |I", "method I|m"]
