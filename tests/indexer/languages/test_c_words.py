"""Words of C and C++ that are macros of a declaration, and what is no definition at all."""

from __future__ import annotations

import pytest

from diptych.indexer.languages.c_wrappers import without_wrappers

from .extracted import relations, symbols


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("static Table *GLOBAL_DATA list = 0;", ["variable |list"]),
        ("extern const uch LIB_INTERNAL lengths[];", ["variable |lengths"]),
        ("static int __read_mostly limit = 1;\nstatic u32 seed __ro_after_init;",
         ["variable |limit", "variable |seed"]),
        ("local const crc_t FAR table[] = { 1 };", ["variable |table"]),
        ("local const unsigned char table[] = { 1 };", ["variable |table"]),
        ("static yyconst int16_type table[4] = { 0 };", ["variable |table"]),
        ("static const DWORD count = 1;", ["variable |count"]),
    ],
)  # fmt: skip
def test_a_macro_between_a_type_and_a_variable_is_no_name(source: str, expected: list[str]) -> None:
    assert symbols("c", source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("typedef BOOL (WINAPI *open_fn)(HANDLE, DWORD);", ["type |open_fn"]),
        ("typedef DWORD(WINAPI * open_fn)(int x);", ["type |open_fn"]),
        ("static void WINAPI (*wake)(HANDLE) = NULL;", ["variable |wake"]),
        ("struct V {\n  RESULT ( CALLTYPE __RPC_FAR *Query )(\n    V __RPC_FAR * This,\n"
         "    void __RPC_FAR *__RPC_FAR *out);\n};",
         ["struct |V", "field V|Query"]),
        ("void LIB_INTERNAL fail OF((state *, int));", ["function |fail"]),
        ("LIB_EXTERN int LIB_CALL run OF((state *s,\n  int n))\n{\n  return n;\n}\nint last;",
         ["function |run", "variable |last"]),
        ("LIB_STATIC U16 read16(const void *p);\nLIB_STATIC U16 read16(const void *p) { return 1; }",
         ["function |read16", "function |read16"]),
        ("int LIB_API LIB_CALL first(int a);\nLIB_API LIB_CALL second(int a);",
         ["function |first", "function |second"]),
    ],
)  # fmt: skip
def test_a_macro_before_a_function_or_its_pointer_is_no_name(source: str, expected: list[str]) -> None:
    assert symbols("c", source) == expected


def test_a_product_in_an_argument_is_no_pointer_to_a_function() -> None:
    assert relations("c", "int f(void) { return get(SIZE * n)(1) + put(COUNT * n); }") == [
        "calls f -> get", "calls f -> put",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("template<> LIB_INLINE Packet min<Packet>(const Packet& a) { return a; }", ["function |min"]),
        ("template<> LIB_INLINE std::complex<float> first<P>(const P& a) { return a; }", ["function |first"]),
        ("template <typename M>\nLIB_INLINE sink<M>::sink(int size) : size_(size) { }", ["method sink|sink"]),
        ("template <typename M>\nLIB_INLINE name_t sink<M>::name(int n) { return n; }", ["method sink|name"]),
        ("LIB_INLINE logger::logger(logger &&other) LIB_NOEXCEPT : name_(other.name_), size_(0) { }",
         ["method logger|logger"]),
        ("struct view { LIB_INLINE operator string_view<Char>() const { return s; } };",
         ["struct |view", "method view|operator string_view<Char>"]),
        ("struct box { LIB_API typename traits<T>::value get() const; };",
         ["struct |box", "method box|get"]),
    ],
)  # fmt: skip
def test_a_macro_before_a_specialization_is_no_name(source: str, expected: list[str]) -> None:
    assert symbols("cpp", source) == expected


def test_a_name_is_not_glued_from_two_words() -> None:
    assert symbols("cpp", "template<> force_inline std::complex<float> first<P>(const P& a) { }") == [
        "function |first"
    ]
    assert symbols("cpp", "inline null<> localtime_r NO_MACRO(...) { return null<>(); }") == [
        "function |localtime_r"
    ]


def test_calls_of_macros_between_members_are_no_members() -> None:
    source = """class Sparse {
  public:
    PUBLIC_INTERFACE(Sparse)
    INHERIT_ASSIGNMENT(Sparse, +=)
    typedef int Index;
    EMPTY_CONSTRUCTOR(Sparse)
    inline int size() const { return 0; }
    DEFAULT_COPY(Sparse)
    int last;
};"""
    assert symbols("cpp", source) == [
        "class |Sparse", "type Sparse|Index", "method Sparse|size", "field Sparse|last",
    ]  # fmt: skip


def test_a_macro_with_a_block_is_no_function_inside_of_one() -> None:
    source = "int f(void) { dispatch (KIND(i)) { on(MOVE) { a(); } on(LOAD) { b(); } } return 1; }\nint g(T);"
    assert symbols("c", source) == ["function |f", "function |g"]
    assert relations("c", source)[:2] == ["references f -> dispatch", "references f -> i"]
    assert "calls f -> a" in relations("c", source)


def test_what_is_in_a_block_of_a_test_is_no_symbol_of_the_file() -> None:
    source = 'TEST_CASE("name") { int local; IF_MAYBE(v, move(m)) { use(v); } }\nint after;'
    assert symbols("cpp", source) == ["variable |after"]
    assert "calls  -> use" in relations("cpp", source)


def test_a_keyword_is_no_name() -> None:
    assert symbols("c", "int f(void) { RESTORE\n\n if (a) { b(); } return 1; }") == ["function |f"]
    assert symbols("cpp", "#if X\ncatch (E& e) { f(); }\n#endif\nint a;") == ["variable |a"]


@pytest.mark.parametrize(
    "source",
    [
        b"a FOO " * 40_000,
        b"static a " * 25_000,
        b"a (FOO *" * 25_000,
        b"a" * 200_000,
        b"FOO" * 70_000,
        b"a\n(" * 70_000,
        b"a" + b" " * 200_000 + b"(",
        b"*FOO " * 40_000,
        b"(FOO * a [" * 20_000,
    ],
)
def test_words_in_a_row_are_blanked_without_delay(source: bytes) -> None:
    blanked = bytearray(source)
    without_wrappers(blanked, source)
    assert len(blanked) == len(source)
