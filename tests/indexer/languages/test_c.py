"""Definitions and calls of C, kind by kind."""

from __future__ import annotations

import pytest

from diptych.indexer.languages.c_blanks import without_oddities
from diptych.indexer.languages.c_conditionals import without_split_conditionals
from diptych.indexer.parse import record_of

from .extracted import record, relations, symbols


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("struct io { int (*read)(int), (*write)(int); char buffers[2][8]; };",
         ["struct |io", "field io|read", "field io|write", "field io|buffers"]),
        ("int *(*table[4])(int), plain;", ["variable |table", "variable |plain"]),
        ("void (*on_exit)(void) = 0;", ["variable |on_exit"]),
        ("int (*choose(int kind))(char *);", ["function |choose"]),
        ("int (parenthesised)(int a) { return a; }", ["function |parenthesised"]),
        ("char ****deep(void) { return 0; }", ["function |deep"]),
        ("extern int counts[], *first;", ["variable |counts", "variable |first"]),
        ("typedef int visit_fn(void *), *number, (*pair[2])(void);",
         ["type |visit_fn", "type |number", "type |pair"]),
        ("struct bits { unsigned low : 4; unsigned : 4; int high : 8; };",
         ["struct |bits", "field bits|low", "field bits|high"]),
    ],
)  # fmt: skip
def test_a_declarator_declares_the_name_inside_of_it(source: str, expected: list[str]) -> None:
    assert symbols("c", source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("enum mode { FAST, SLOW };\nvoid run(enum mode m, struct job *j) { }",
         ["enum |mode", "constant mode|FAST", "constant mode|SLOW", "function |run"]),
        ("struct later;\nenum other;\nunion third;", []),
        ("typedef struct tree { struct tree *left; } Tree, *TreePointer;",
         ["struct |tree", "field tree|left", "type |Tree", "type |TreePointer"]),
        ("typedef struct { int width; } Size;", ["type |Size", "field Size|width"]),
        ("static struct point { int x; } origin;", ["struct |point", "field point|x", "variable |origin"]),
        ("union value { int i; float f; } get(void);",
         ["struct |value", "field value|i", "field value|f", "function |get"]),
    ],
)  # fmt: skip
def test_a_tag_is_a_symbol_where_it_has_a_body(source: str, expected: list[str]) -> None:
    assert symbols("c", source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("LIB_API int LIB_CALL first(int a);", ["function |first"]),
        ("LIB_API const char *second(void);", ["function |second"]),
        ("LIB_API Widget *third(void);", ["function |third"]),
        ("extern LIB_API Widget fourth;", ["variable |fourth"]),
        ("DWORD WINAPI thread(LPVOID argument) { return 0; }", ["function |thread"]),
        ("static __init int setup(void) { return 0; }", ["function |setup"]),
        ("LIB_API LIB_PURE int both(void);", ["function |both"]),
        ("struct __packed header { int size; };", ["struct |header", "field header|size"]),
        ("struct LIB_ALIGN(8) aligned { int size; };", ["struct |aligned", "field aligned|size"]),
        ("struct tail { int size; } __packed;", ["struct |tail", "field tail|size"]),
        ("int log_it(const char *f, ...) LIB_PRINTF(1, 2);", ["function |log_it"]),
        ("int checked(void) __THROW __wur;", ["function |checked"]),
        ("BEGIN_DECLARATIONS\n\nint inside(void);\n\nEND_DECLARATIONS\n", ["function |inside"]),
        ("LIB_API void (*hook)(int);", ["variable |hook"]),
    ],
)  # fmt: skip
def test_a_macro_of_a_declaration_is_no_part_of_it(source: str, expected: list[str]) -> None:
    assert symbols("c", source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "DWORD count(void);",
        "FILE *count;",
        "DWORD\ncount(void)\n{\n}",
        "enum { FIRST,\n COUNT\n};\nint count;",
        "#define ONE int\nint count;",
        "#define ONE \\\n  TWO int\nint count;",
        "UINT const count = 3;",
    ],
)
def test_a_type_in_upper_case_stays_one(source: str) -> None:
    assert "count" in [name.rpartition("|")[2] for name in symbols("c", source)]
    assert (
        record_of("a.c", "c", source.encode())
        .symbols[-1]
        .signature.startswith(("DWORD", "FILE", "int", "UINT"))
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("sum(a, b) int a, b; { return a + b; }", ["function |sum"]),
        ("int sum(a, b) int a; char *b; { return a; }", ["function |sum"]),
        ("main(argc) { return argc; }", ["function |main"]),
    ],
)
def test_functions_of_the_old_style_define_no_parameters(source: str, expected: list[str]) -> None:
    assert symbols("c", source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "#ifdef A\nint f(int a) {\n#else\nint f(void) {\n#endif\n  return 0;\n}\nint after(void);",
        "void f(void) {\n  if (x\n#ifdef A\n      && y\n#endif\n  ) g();\n}\nint after;",
        "int limit =\n#ifdef BIG\n  2;\n#else\n  1;\n#endif\nint after;",
        "int all[] = {\n#ifdef A\n  1,\n#endif\n  2,\n};\nint after;",
        '#ifdef __cplusplus\nextern "C" {\n#endif\nint after(void);\n#ifdef __cplusplus\n}\n#endif',
        "#if 0\n{ {\n#else\nint after;\n#endif",
        "void f(void) {\n#ifdef A\n  if (a) {\n#endif\n    g();\n#ifdef A\n  }\n#endif\n}\nint after;",
        "#define M(x, /* unused */ y) \\\n  {{{ x\nint after;",
    ],
)
def test_a_conditional_that_splits_what_it_is_in_hides_nothing_below(source: str) -> None:
    assert symbols("c", source)[-1] in ("variable |after", "function |after")
    assert "|after" not in " ".join(symbols("c", source)[:-1])


def test_a_conditional_between_declarations_keeps_both_branches() -> None:
    source = "#ifdef A\nint one(void) { return (1); }\n#else\nint two(void) { return 2; }\n#endif\n"
    assert symbols("c", source) == ["function |one", "function |two"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("int (f)(void) { return g(h(1)); }", ["calls f -> g", "calls f -> h"]),
        ("char ***f(void) { return (g)(1); }", ["calls f -> g"]),
        ("int a = f(), b = g();", ["calls a -> f", "calls b -> g"]),
        ("typedef int compare(const void *);", []),
        ("#define TWICE(x) add(x, \\\n  x)\n", ["calls TWICE -> add"]),
        ("#define SIZE sizeof(int)\n#define IF(x) if (x)\n", []),
    ],
)
def test_calls(source: str, expected: list[str]) -> None:
    assert relations("c", source) == expected


def test_the_range_of_a_function_covers_it() -> None:
    record = record_of("a.c", "c", b"char ***triple(int n)\n{\n    return lookup(n);\n}\n")
    assert record.symbols[0].range == (0, 0, 3, 1)


def test_local_declarations_are_no_symbols() -> None:
    source = "void f(void) {\n  int local(int), *more;\n#ifdef A\n  int other(int), x;\n#endif\n}\n"
    assert symbols("c", source) == ["function |f"]


@pytest.mark.parametrize(
    "loop",
    [
        "\tfor_each_possible_cpu(i)\n\t\tsum += load(i)->switches;\n",
        "\tlist_for_each_entry(one, &all->list, node)\n\t\tsum += load(one)->switches;\n",
        "    TAILQ_FOREACH(one, &head, entries)\n        if (one->used)\n            load(one);\n",
        "    foreach (Item i, items) load(i);\n",
        "\tfor_each_zone(z)\n\t\tfor_each_order(z, o)\n\t\t\t*sum += load(z)[o];\n",
        "\tfor_each_set_bit(i, &mask, size_of(mask[0])) {\n\t\tload(i);\n\t}\n",
        "\tif (n)\n\t\txa_for_each(&set, i, one)\n\t\t\tload(one);\n",
        "\tfor_each_zone(z)\n\t\tfor_each_order(z, o)\n\t\t\tload(o);\n",
        "\tfor_each_zone(z)\n\t\tfor_each_order(z, o)\n\t\t\tfor_each_page(z, o, p)\n\t\t\t\tload(p);\n",
        "\tfor_each_zone(z){\n\t\tload(z);\n\t}\n",
    ],
)
def test_a_macro_that_is_a_loop_has_a_statement_behind_it(loop: str) -> None:
    source = f"int sum_up(void)\n{{\n\tint i;\n\n{loop}\treturn 0;\n}}\n\nint next(void)\n{{\n}}\n"
    record = record_of("a.c", "c", source.encode())
    assert [(one.name, one.container) for one in record.symbols] == [("sum_up", ""), ("next", "")]
    assert "load" in {one.target for one in record.relations if one.kind == "calls"}


def test_loops_are_looked_for_in_one_pass_however_many_they_are() -> None:
    """Each was compared with the complete file: 20,000 took minutes."""
    loops = 20_000
    source = b"int f(void)\n{\n" + b"\tfor_each_cpu(i)\n\t\tload(i);\n" * loops + b"}\n"
    blanked = bytearray(source)
    without_oddities(blanked, source)
    assert blanked.count(b"for_each_cpu(i)\n;\tload(i);\n") == loops


@pytest.mark.parametrize(
    "source",
    [
        "class A {\n  void\n  for_each(int a) const;\n  void\n  for_each(int a) noexcept;\n};\n",
        "struct A {\n  template<class F> F\n    for_each(F f) const\n    { return f; }\n};\n",
        "class A {\n  template<class F>\n  F\n  for_each(F f)\n  { return f; }\n};\n",
    ],
)
def test_a_function_named_as_a_loop_stays_one(source: str) -> None:
    assert "method A|for_each" in symbols("cpp", source)


def test_a_class_named_as_a_loop_has_its_constructor() -> None:
    source = "struct for_each_t {\n  int a;\n  for_each_t(int b) { a = b; }\n};\n"
    assert symbols("cpp", source) == [
        "struct |for_each_t",
        "field for_each_t|a",
        "method for_each_t|for_each_t",
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("static void printflike(2, 3) reply(struct ctx *, const char *, ...);", ["function |reply"]),
        ("void printflike(2, 3)\nadd(char **buf, const char *format, ...)\n{\n}", ["function |add"]),
        ("void set(const char *name, const char *format, ...) printflike(2, 3);", ["function |set"]),
        ("static struct cmd *\nalloc_size(1) make(int a)\n{\n}", ["function |make"]),
        ("static void __printf(2, 3) warn(struct x *a, ...);", ["function |warn"]),
        ("EXPORT(item *) parse(const char *v)\n{\n  return 0;\n}", ["function |parse"]),
        ("EXPORT(char *) text(const item * const one) \n{\n  if (!x) { return 0; }\n}", ["function |text"]),
        ("PyAPI_FUNC(PyObject *) PyList_New(Py_ssize_t size);", ["function |PyList_New"]),
        ("int\ninternal_function\npeek (re_token_t *token, int b)\n{\n}", ["function |peek"]),
        ("static void clean (struct ctx *c) internal_function;", ["function |clean"]),
        ("static DEFINE_PATH(path_a, \"a\")\nstatic DEFINE_PATH(path_b, \"b\")\n\n"
         "static void run(void)\n{\n}",
         ["function |run"]),
        ("OPTION(int32_t, size, 1,\n       \"Size (in bytes)\");", []),
        ("struct a { int x; } __packed __aligned(8);", ["struct |a", "field a|x"]),
        ("struct a { int x; } __packed v;", ["struct |a", "field a|x", "variable |v"]),
        ("inline unsigned UNALIGNED_LOAD(const void *p) {\n}\nint ALIGN_UP(int n);",
         ["function |UNALIGNED_LOAD", "function |ALIGN_UP"]),
    ],
)  # fmt: skip
def test_macros_that_are_told_by_their_arguments(source: str, expected: list[str]) -> None:
    assert symbols("c", f"{source}\nint next;\n") == [*expected, "variable |next"]


def test_calls_with_numbers_are_no_macros() -> None:
    source = (
        "void run(void)\n{\n  if (a)\n    first(1);\n  if (a) second(2, 3);\n  else if (b &&\n"
        "    c) third(1);\n  while (x) fourth(4);\n  for (;;) fifth(5) ;\n"
        "  int b = sixth(6); seventh(7);\n}\n"
    )
    called = [one.removeprefix("calls run -> ") for one in relations("c", source) if one.startswith("calls")]
    assert called == ["first", "second", "third", "fourth", "fifth", "sixth", "seventh"]


def test_parameters_of_the_old_style_are_no_macros() -> None:
    source = "int f(a) int a; {\n}\nint g(a, b) char *a; t b; {\n}\n"
    assert symbols("c", source) == ["function |f", "function |g"]


def test_macros_that_begin_and_end_a_block() -> None:
    source = (
        'void test(void)\n{\n    EXPECT_ABORT_BEGIN\n    CHECK("", "bar");\n    VERIFY_FAILS_END\n}\n'
        "enum list {\n  FIRST,\n  LIST_END\n};\nenum one {\n  THE_BEGIN\n};\n"
    )
    assert symbols("c", source) == [
        "function |test", "enum |list", "constant list|FIRST", "constant list|LIST_END", "enum |one",
        "constant one|THE_BEGIN",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("// No tables here.\n#if A\n#define X 1\n#else\n#define Y 0\n#endif\nint t[] = {\n#if A\n"
         "1\n#else\n2\n#endif\n+ };",
         ["macro |X", "macro |Y", "variable |t"]),
        ("void f(void)\n{\n  if (a)\n    b();\n#ifdef W\n  else if (c)\n    d();\n#endif\n  else\n"
         "    e();\n}",
         ["function |f"]),
        ("static\n#ifdef W\ninline\n#endif\nint f(void)\n{\n}", ["function |f"]),
        ("void f(void)\n{\n#if A\n# ifdef B\n  if (a)\n    b();\n# endif\n#endif\n  if (c)\n    d();\n"
         "#if A\n# ifdef B\n  else if (e)\n# else\n  else if (h)\n# endif\n  {\n    g();\n  }\n#endif\n}",
         ["function |f"]),
        ("void f(void)\n{\n  int a;\n#ifdef X\n  a =\n#else\n  (void)\n#endif\n    g(1);\n}",
         ["function |f"]),
        ("#if A\n#include <a.h>\n#else\n#define b 1\n#endif\nint t[] = {\n#if C\n 1\n#endif\n };",
         ["macro |b", "variable |t"]),
        ("#define say(a) do { /* nothing */ } while (0)", ["macro |say"]),
    ],
)  # fmt: skip
def test_conditionals_and_comments_in_places_that_no_grammar_has(source: str, expected: list[str]) -> None:
    assert symbols("c", f"{source}\nint next;\n") == [*expected, "variable |next"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("int f(void)\n{\n}\n__le32 g(int a)\n{\n}", ["function |f", "function |g"]),
        ("struct a { int b; }\n__packed;", ["struct |a", "field a|b"]),
        ("static\nint\nf(int a) {\n}", ["function |f"]),
        ("static\nmytype\nf(int a) {\n}", ["function |f"]),
        ("EXPORT\nmytype\nf(int a)\n{\n}", ["function |f"]),
        ("unsigned\nlong\nf(int a)\n{\n}", ["function |f"]),
        ("JE_EXPORT JE_ALLOCATOR JE_RESTRICT\nvoid JE_NOTHROW *\nJE_ATTR(malloc) JE_SIZE(1)\n"
         "je_malloc(size_t size) {\n}",
         ["function |je_malloc"]),
        ("void *\nf(size_t size) MAY(throw) {\n}", ["function |f"]),
        ("typedef rb_tree(node_t) tree_t;", ["type |tree_t"]),
        ("enum a {\n  B,\n#ifndef HIDE\n  /** doc */\n  SOME_ATTRIBUTE_COUNT\n#endif\n};",
         ["enum |a", "constant a|B", "constant a|SOME_ATTRIBUTE_COUNT"]),
        ("enum a {\n  B,\n  STATE_SUSPENDED\n\n  /* c */\n};",
         ["enum |a", "constant a|B", "constant a|STATE_SUSPENDED"]),
        ("enum a {\n  B,\n#ifdef X\n  C\n#endif\n};\nint t[] = { 1,\n#ifdef Y\n  2\n#endif\n};",
         ["enum |a", "constant a|B", "constant a|C", "variable |t"]),
        ("EXTERN BOOL first;\nEXTERN LONG *second;", ["variable |first", "variable |second"]),
        ("void *\nf(size_t n) may(throw);", ["function |f"]),
        ("MAKE(P)\n/* c */\nstruct a { int b; };", ["struct |a", "field a|b"]),
        ("MAKE(P)\nMAKE(Q)\n// c\n\nenum a { B };", ["enum |a", "constant a|B"]),
        ("DECLARE(A)\n/* c */\nMAKE(P, P)\n#define m(a) n(a)\nint f(void);", ["macro |m", "function |f"]),
        ("FT_BEGIN\n\n  /*\n   * doc\n   */\n  FT_EXPORT( void )\n  f( Map  *map );\n\n"
         "  FT_EXPORT( Error )\n  g( Face  face, int b );\nFT_END",
         ["function |f", "function |g"]),
        ("int f(void)\n{\n}\nTEST_END\n\ntypedef rb_tree(node_t) tree_t;", ["function |f", "type |tree_t"]),
        ("static ql_head(node_t) all;", ["variable |all"]),
        ("int f(char *p)\n    __attribute__((noreturn))\n    __attribute__((nonnull(1)));", ["function |f"]),
        ("int ALIGN(8) q;\nstatic char ALIGN(16) buffer[4] = {0};", ["variable |q", "variable |buffer"]),
        ("int\n#ifdef W\nweak_function\n#endif\nf (a, b)\n    int a; char *b;\n{\n}", ["function |f"]),
        ("static\n#ifndef DEBUG\nconst\n#endif\nstruct a all[] = {\n  { 1 },\n#ifdef B\n  { 2 },\n#endif\n};",
         ["variable |all"]),
    ],
)  # fmt: skip
def test_what_only_looks_like_a_macro_stays(source: str, expected: list[str]) -> None:
    assert symbols("c", f"{source}\nint next;\n") == [*expected, "variable |next"]


@pytest.mark.parametrize(
    ("source", "called"),
    [
        ("void f(void)\n{\n\tif (a) {\n\t\tb();\n\t}\n\t__free_page(p);\n\tif (c) { d(); }\n}",
         ["b", "__free_page", "d"]),
        ("void f(void)\n{\n    run_with_period(1000) g();\n    ROUND(1)\n    ROUND(2)\n}",
         ["run_with_period", "g", "ROUND", "ROUND"]),
        ("SET_START(a)\nID(func, x)\n#ifdef B\nID(func, y)\n#endif\n", ["ID", "ID"]),
        ("void f(void)\n{\n    CHECK(ptr);\n    ASSERT(a * b)\n    g(c);\n}", ["CHECK", "g"]),
        ("static int __init f(char *s)\n{\n}\n__setup(\"debug\", f);", ["__setup"]),
    ],
)  # fmt: skip
def test_calls_that_look_like_macros_stay(source: str, called: list[str]) -> None:
    found = [one.rpartition(" -> ")[2] for one in relations("c", source) if one.startswith("calls")]
    assert [one for one in found if one in called] == called


def test_a_signature_has_its_macro_and_no_directives() -> None:
    source = (
        "EXPORT( Error )\nload( Face  face );\n"
        "EXPORT(char *) text(const item *one)\n{\n}\n"
        "static\n#ifndef DEBUG\nconst\n#endif\nint all[] = { 1, // one\n#ifdef B\n  2\n#endif\n};\n"
    )
    assert [one.signature for one in record("c", source).symbols] == [
        "EXPORT( Error ) load( Face face )",
        "EXPORT(char *) text(const item *one)",
        "static const int all[] = { 1, 2 }",
    ]


@pytest.mark.parametrize(
    "source",
    [
        # Each END was followed to the end of the word: 50 KB took 17 s, and nobody sees the end of 2 MB.
        b"int a;\n  " + b"END_" * 500_000 + b";\nint b;\n",
        # From each parenthesis all the macros behind it were read: 24 KB took 4 s.
        b"int a(int b) " + b"FOO(a) " * 100_000 + b"int c;\n",
    ],
)
def test_words_in_a_row_take_no_longer_than_others(source: bytes) -> None:
    blanked = bytearray(source)
    without_oddities(blanked, source)
    assert blanked == source


def test_attributes_call_nothing() -> None:
    source = (
        "void f(int a) __attribute__((nonnull(1), format(printf, 1, 2)));\n"
        "#define API(t) __attribute__((visibility(\"x\"))) t made(t)\n"
        "static __attribute__((alloc_size(1))) int g(int a)\n{\n  return h(a);\n}\n"
    )
    assert [one for one in relations("c", source) if one.startswith("calls")] == [
        "calls API -> made",
        "calls g -> h",
    ]


@pytest.mark.parametrize("source", [b"a/*b" * 25_000, b"#if A\n}\n#endif\n" + b"a/*b" * 25_000])
def test_comments_that_do_not_end_are_read_once(source: bytes) -> None:
    """From each the rest of the source was read: 100 KB took 40 s."""
    joined = without_split_conditionals(source, cpp=False)
    assert len(joined) == len(source)
    assert joined.endswith(b"a/*b" * 25_000)
