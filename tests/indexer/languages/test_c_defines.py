"""Macros of C that define what they are given the name of, bits without a name, conditionals."""

from __future__ import annotations

import pytest

from diptych.indexer.languages.c_conditionals import without_split_conditionals
from diptych.indexer.languages.c_macros import without_macros

from .extracted import relations, symbols


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("static DEFINE_PER_CPU(int, x);", ["variable |x"]),
        ("DEFINE_PER_CPU_ALIGNED(struct foo *, x) = NULL;", ["variable |x"]),
        ("static DEFINE_PER_CPU(unsigned long [4], x);", ["variable |x"]),
        ("static DEFINE_PER_CPU(u64, x)[2];", ["variable |x"]),
        ("static DEFINE_PER_CPU(struct foo, x) = {\n\t.a = 1,\n};\nint y;", ["variable |x", "variable |y"]),
        ("DECLARE_PER_CPU(unsigned long, x);", ["variable |x"]),
        ("DEFINE_MUTEX(x);", ["variable |x"]),
        ("static DEFINE_MUTEX(x);", ["variable |x"]),
        ("LIST_HEAD(x);\nstatic LIST_HEAD(y);", ["variable |x", "variable |y"]),
        ("static __cacheline_aligned_in_smp DEFINE_SPINLOCK(x);", ["variable |x"]),
        ("static DECLARE_WORK(x, work);", ["variable |x"]),
        ("DECLARE_WORK(x,work);", ["variable |x"]),
        ("static DEFINE_RATELIMIT_STATE(x, 5 * HZ, 10);", ["variable |x"]),
        ("static ATOMIC_NOTIFIER_HEAD(x);", ["variable |x"]),
        ("static DECLARE_BITMAP(x, 32);", ["variable |x"]),
        (
            "struct t {\n\tint a;\n\tDECLARE_BITMAP(x, MAX + 1);\n\tDECLARE_HASHTABLE(y, 4);\n\tint b;\n};",
            ["struct |t", "field t|a", "field t|x", "field t|y", "field t|b"],
        ),
        # These define no variable of that name.
        ("#define DEFINE_MUTEX(x) \\\n\tstruct mutex x", ["macro |DEFINE_MUTEX"]),
        ("int f(void)\n{\n\tLIST_HEAD(x);\n\tDECLARE_BITMAP(y, 8);\n}", ["function |f"]),
    ],
)
def test_a_macro_that_defines_a_variable_is_its_definition(source: str, expected: list[str]) -> None:
    assert symbols("c", source) == expected


def test_a_macro_that_defines_something_else_is_no_definition_of_its_argument() -> None:
    assert "variable |x" not in symbols("c", "DEFINE_SHOW_ATTRIBUTE(x);")


def test_what_a_macro_defines_refers_to_its_type() -> None:
    assert relations("c", "static DEFINE_PER_CPU(struct foo, x);") == ["references x -> foo"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("struct a { unsigned :1, :2, x:3, :4; int y; };", ["x", "y"]),
        ("struct a {\n\t__u8\t:1,\t\t/* no */\n\t\t:1,\n\t\tx:1,\n\t\ty:5;\n};", ["x", "y"]),
        ("struct a {\n\tu32 x:7,\n\t\t:1;\t/* no */\n\tu32 y:1, : 3, z:2;\n};", ["x", "y", "z"]),
    ],
)
def test_bits_without_a_name_hide_no_others(source: str, expected: list[str]) -> None:
    assert symbols("c", source) == ["struct |a", *(f"field a|{name}" for name in expected)]


@pytest.mark.parametrize(
    "statement",
    [
        "#ifdef A\n    if (a)\n#endif\n    {\n\tb();\n    }",
        "#ifdef A\n    if (a) { b(); }\n    else\n#endif\n#ifdef B\n    if (b) { a(); }\n    else\n#endif\n"
        "    { c(); }",
        "#if A\n    while (f(a, (b)))\n#else\n    for (;;)\n#endif\n    {\n\tb();\n    }",
        "    Py_BEGIN_A\n#ifdef A\n    if (a) { b(); }\n    else\n#endif\n    { c(); }\n    Py_END_A",
        "    _Py_BEGIN_B\n#ifdef A\n    if (a) { b(); }\n    else\n#endif\n    { c(); }\n    _Py_END_B",
        "#ifdef A\n    b();\n#else\n    /* c */\n    A_BEGIN_T\n#ifdef B\n    if (a)\n#endif\n    { b(); }\n"
        "#endif",
    ],
)  # fmt: skip
def test_a_conditional_that_ends_within_a_statement_hides_nothing(statement: str) -> None:
    # Without an error elsewhere in the function, the grammar might get along.
    source = f"int f(int a)\n{{\n    int local;\n{statement}\n    return a;\n}}\n\nint g(void) {{ }}\n"
    assert symbols("c", source) == ["function |f", "function |g"]


def test_the_end_of_a_macro_s_body_is_none_of_a_statement() -> None:
    body = "\\\n    do { \\\n    } while (0)"
    source = f"#ifdef A\n#define f(a) {body}\n#else\n#define f(a) g(a)\n#endif\nint ) a;\n"
    assert symbols("c", source)[:2] == ["macro |f", "macro |f"]


@pytest.mark.parametrize(
    "part",
    [
        b"DEFINE_PER_CPU(int, ", b"LIST_HEAD(a,", b"LIST_HEAD(   ", b"DEFINE_TIMER(a, (", b", :1", b"u8 :1, ",
        b", /* a */ ", b",/**/", b"static LIST_HEAD(a);", b"#ifdef A\nif (a)\n#endif\n",
        b"#ifdef A\nif ((((((a\n",
        b"#if A\nelse\n", b"))))))", b"__RPC_FAR ", b"(AAA ", b"/*/*/* \n BEGIN\nx", b" ________",
    ],
)  # fmt: skip
def test_repetition_is_blanked_without_delay(part: bytes) -> None:
    source = part * (100_000 // len(part))
    blanked = without_macros(source)
    assert len(blanked) == len(without_split_conditionals(blanked, cpp=False)) == len(source)
