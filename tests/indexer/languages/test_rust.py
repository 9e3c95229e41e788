"""Definitions, calls and documentation of Rust, kind by kind."""

from __future__ import annotations

import pytest

from .extracted import documentation, relations, symbols


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("impl<T> Show for [T] { fn show(&self) {} }", ["method [T]|show"]),
        ("impl Show for (A, B) { fn show(&self) {} }", ["method (A,B)|show"]),
        ("impl Show for [u8; 4] { fn show(&self) {} }", ["method [u8;4]|show"]),
        ("impl<T> a::b::Gen<T> { fn go(&self) {} }", ["method Gen|go"]),
        ("impl Show for &Point { fn show(&self) {} }", ["method Point|show"]),
        ("impl Show for &Gen<u8> { fn show(&self) {} }", ["method Gen|show"]),
        ("impl dyn Shape { fn show(&self) {} }", ["method Shape|show"]),
        ("impl Show for *const u8 { fn show(&self) {} }", ["method *constu8|show"]),
        ("impl Show for () { fn show(&self) {} }", ["method ()|show"]),
    ],
)
def test_the_methods_of_any_type_are_methods(source: str, expected: list[str]) -> None:
    assert symbols("rust", source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('fn f() { println!("{}", helper(1)); }', ["calls f -> println", "calls f -> helper"]),
        ("fn f() { vec![a::b(1), c.d(2)]; }", ["calls f -> vec", "calls f -> b", "calls f -> d"]),
        ("fn f() { assert!(matches!(x, Y)); }", ["calls f -> assert", "calls f -> matches"]),
        ("macro_rules! m { ($x:expr) => { inner($x) }; }", ["calls m -> inner"]),
        ("trait Sub: base::Super<u8> + Other {}", ["extends Sub -> Super", "extends Sub -> Other"]),
        ("fn f() { a::Point { x: 1 }; }", ["calls f -> Point"]),
    ],
)
def test_relations(source: str, expected: list[str]) -> None:
    assert relations("rust", source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("cfg_if::cfg_if! { if #[cfg(unix)] { pub fn one() {} } else { pub fn two() {} } }",
         ["function |one", "function |two"]),
        ("cfg_if! {\n if #[cfg(a)] {\n mod m { fn f() { \"}\"; } }\n } else if #[cfg(b)] {\nstruct S;\n}\n}",
         ["module |m", "function m|f", "struct |S"]),
        ("cfg_net! {\n  pub mod net;\n  pub use a::B;\n}\nfn last() {}", ["module |net", "function |last"]),
        ("lazy_static! {\n  static ref TABLE: u8 = make();\n}", ["variable |TABLE"]),
        ("thread_local! {\n  static KEY: u8 = 1;\n}", ["variable |KEY"]),
        ("fn f() {\n  quote! { fn g() {} };\n}", ["function |f"]),
        # In a language of the macro's own: read as items, they are an error that hides what is below.
        ("wrap! {\nimpl (A B) for\n#[derive(C)]\nstruct S<X> where { X: T }\nitem: E<X>,\n}\n"
         "struct P { q: u8 }", ["struct |P", "field P|q"]),
        ("fn f() { select! { x => y } }", ["function |f"]),
    ],
)  # fmt: skip
def test_the_items_in_a_macro_are_symbols(source: str, expected: list[str]) -> None:
    assert symbols("rust", source) == expected


def test_inner_documentation_is_of_what_it_is_in() -> None:
    source = "//! Of the file.\nstruct First;\n/// Outer.\nmod m {\n    //! Inner.\n    pub struct S;\n}\n"
    assert documentation("rust", source) == {"First": "", "m": "Outer.", "S": ""}
    source = "mod m {\n  //! Of the module,\n  //! in two lines.\n  pub struct S;\n}\nfn f() { //! Of f.\n}\n"
    assert documentation("rust", source) == {"m": "Of the module,\nin two lines.", "S": "", "f": "Of f."}
