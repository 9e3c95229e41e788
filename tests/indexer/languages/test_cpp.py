"""Definitions and calls of C++, kind by kind."""

from __future__ import annotations

import pytest

from diptych.indexer.languages import language_of_content

from .extracted import relations, symbols


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("void Queue::add(int x) { }", ["method Queue|add"]),
        ("Queue::Queue(int n) : n_(n) { }", ["method Queue|Queue"]),
        ("Queue::~Queue() { }", ["method Queue|~Queue"]),
        ("int Queue::size = 0;", ["field Queue|size"]),
        ("template <class T> T *a::b::Queue<T>::top() { return 0; }", ["method a.b.Queue|top"]),
        ("inline int Queue::\n  next(int a) { return a; }", ["method Queue|next"]),
        ("Queue::operator bool() const { return true; }", ["method Queue|operator bool"]),
        ("struct Outer::Inner { int z; void go(); };",
         ["struct Outer|Inner", "field Outer.Inner|z", "method Outer.Inner|go"]),
        ("int ::global() { return 1; }", ["method |global"]),
    ],
)  # fmt: skip
def test_a_member_defined_outside_of_its_class_is_one_symbol_in_it(source: str, expected: list[str]) -> None:
    assert symbols("cpp", source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("struct S { int &ref; void (*call)(int); int (&array)[3]; };",
         ["struct |S", "field S|ref", "field S|call", "field S|array"]),
        ("struct S { operator int() const; operator const char *(); explicit operator bool(); };",
         ["struct |S", "method S|operator int", "method S|operator const char *", "method S|operator bool"]),
        ("struct S { int operator()(int); int &operator [] (int); void *operator new(unsigned long); };",
         ["struct |S", "method S|operator()", "method S|operator[]", "method S|operator new"]),
        ("bool operator == (const A &a, const A &b) { return true; }\nA &operator<<(A &a, int b);",
         ["function |operator==", "function |operator<<"]),
        ("struct S { template <class T> static constexpr bool wide = sizeof(T) > 4; };",
         ["struct |S", "field S|wide"]),
        ("template <class T> struct hash; template <> struct hash<Key> { int run(); };",
         ["struct |hash", "method hash|run"]),
        ("template <> void swap<int>(int &a, int &b) { }", ["function |swap"]),
        ("class A; struct B; enum class C : int; void start(class A *a, struct B b);", ["function |start"]),
        ("class F { friend class G; friend void h(F); friend F *i(F &); void own(); };",
         ["class |F", "method F|own"]),
        ("namespace a::b::c { class D {}; }", ["namespace a.b|c", "class a.b.c|D"]),
        ("namespace { int hidden; }\nnamespace fs = std::filesystem;", ["variable |hidden", "namespace |fs"]),
        ("auto [one, two] = pair();", ["variable |one", "variable |two"]),
    ],
)  # fmt: skip
def test_definitions(source: str, expected: list[str]) -> None:
    assert symbols("cpp", source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("class UI_EXPORT Panel : public Base {\npublic:\n  void show();\n  int width;\n};",
         ["class |Panel", "method Panel|show", "field Panel|width"]),
        ("class UI_EXPORT Panel UI_FINAL : public Base { void show(); };",
         ["class |Panel", "method Panel|show"]),
        ("enum class UI_EXPORT Side { Left };", ["enum |Side", "constant Side|Left"]),
        ("struct K { virtual void m() OVERRIDE; int n() const NOEXCEPT { return 1; } };",
         ["struct |K", "method K|m", "method K|n"]),
        ("class P : public Q {\n  Q_OBJECT\nsignals:\n  void changed();\npublic slots:\n  void set();\n};",
         ["class |P", "method P|changed", "method P|set"]),
        ("class P {\n  Q_OBJECT\n  Q_PROPERTY(int w READ w)\npublic:\n  P();\nQ_SIGNALS:\n  void done();\n};",
         ["class |P", "method P|P", "method P|done"]),
        ("class L { void lock() ACQUIRE(mu) { } ~L() RELEASE() { } int n GUARDED_BY(mu); };",
         ["class |L", "method L|lock", "method L|~L", "field L|n"]),
        ("struct E {\n  ~E() API_NOEXCEPT override;\n  void f() const override API_COLD;\n};",
         ["struct |E", "method E|~E", "method E|f"]),
        ("class API V {\npublic:\n  LIB_DEPRECATED(\"Use `key = name();` instead.\")\n"
         "  char const* key() const;\n};",
         ["class |V", "method V|key"]),
        ("class S {\n  LIB_CONSTEXPR S operator|(S a, S b) { return a; }\n};",
         ["class |S", "method S|operator|"]),
        ("inline Source::operator bool() const {\n}", ["method Source|operator bool"]),
        ("API std::atomic<int> node::count{0};", ["field node|count"]),
        ("class API One: public Base {\n  One(int);\n  void a() API_COLD;\n};",
         ["class |One", "method One|One", "method One|a"]),
        ("class One {\n  void a();\n  API_END_WARNING\n};\nenum E {\n  E_ONE,\n  E_TWO\n};",
         ["class |One", "method One|a", "enum |E", "constant E|E_ONE", "constant E|E_TWO"]),
        ("struct One {\n  void a() {}\n  API operator double const &() const { return v; }\n};",
         ["struct |One", "method One|a", "method One|operator double const &"]),
        ("struct API n::One: Base { int a; };", ["struct n|One", "field n.One|a"]),
        ("class API One API_FINAL: public n::Base { int a; };", ["class |One", "field One|a"]),
        ("LIB_EXPORT_BEGIN\n\n// More.\ntemplate <bool B> using E = typename F<B>::type;", ["type |E"]),
        ("#if HAS_INCLUDE(<string_view>) && \\\n  A\n#elif HAS_INCLUDE(\"a/b\")\n# define B\n#endif",
         ["macro |B"]),
        ("template <class W>\n#if A\n__attribute__((aligned(32)))\n#endif\nvoid f(W *w) {\n}",
         ["function |f"]),
        ("struct I {\n  I(int n)\n      : a(n),\n#if A\n        b(n),\n#endif\n        c(n) {\n"
         "  }\n  int d;\n};",
         ["struct |I", "method I|I", "field I|d"]),
        ("LIB_BEGIN_NAMESPACE\nclass A {\n};\nLIB_END_NAMESPACE\nint b;", ["class |A", "variable |b"]),
    ],
)  # fmt: skip
def test_a_macro_of_a_declaration_is_no_part_of_it(source: str, expected: list[str]) -> None:
    assert symbols("cpp", source) == expected


def test_a_local_object_is_no_function() -> None:
    source = "void f() { std::lock_guard<std::mutex> lock(mu); Widget w(a, b); run(); }"
    assert symbols("cpp", source) == ["function |f"]


def test_a_raw_string_with_the_longest_delimiter_ends() -> None:
    delimiter = "ABCDEFGHIJKLMNOP"
    source = f'auto page = R"{delimiter}(<b>"x)"</b>){delimiter}";\nvoid after() {{}}\n'
    assert symbols("cpp", source) == ["variable |page", "function |after"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("void f() { a::b::c::d(1); a::g<int>(2); x.get<int>(); p->template make<int>(); }",
         ["calls f -> d", "calls f -> g", "calls f -> get", "calls f -> make"]),
        ("void f() { new a::b::T(1); new V<int>(); }", ["calls f -> T", "calls f -> V"]),
        ("class D : public a::b::Base, a::Mixin<int>, virtual Plain {};",
         ["extends D -> Base", "extends D -> Mixin", "extends D -> Plain"]),
        ("struct C { operator bool() const { return ok(); } };", ["calls C.operator bool -> ok"]),
        ("void start(class Engine *e);", ["references start -> Engine"]),
    ],
)  # fmt: skip
def test_relations(source: str, expected: list[str]) -> None:
    assert relations("cpp", source) == expected


@pytest.mark.parametrize(
    "source",
    [
        b"struct A : B { int x; };\n",
        b"enum class Level { Low };\n",
        b"struct A {\n  virtual ~A();\n};\n",
        b"#include <vector>\nint f(void);\n",
        b"bool operator==(const A& a, const A& b);\n",
        b"struct A {\n  explicit A(int);\n};\n",
        b"class API A;\nclass API B { };\n",
        b"signals:\n",
    ],
)
def test_a_header_is_cpp_by_any_line_of_cpp(source: bytes) -> None:
    assert language_of_content("c", source) == "cpp"


@pytest.mark.parametrize(
    "source",
    [
        b"struct a { unsigned b : 1; };\n",
        b"#include <string.h>\n",
        b"enum class_id { A };\n",
        b"int operator_count;\n",
    ],
)
def test_a_header_of_c_stays_c(source: bytes) -> None:
    assert language_of_content("c", source) == "c"


def test_a_macro_that_takes_a_type_hides_nothing_below() -> None:
    source = "void f() {\n  CHECK_FIELD(unsigned short, 1U);\n  CHECK_FIELD(int, 2);\n}\nvoid after();\n"
    assert symbols("cpp", source) == ["function |f", "function |after"]
    assert relations("cpp", source) == ["calls f -> CHECK_FIELD", "calls f -> CHECK_FIELD"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("template <bool N>\nJE_NOINLINE\nstatic void *\nf(std::size_t size) noexcept(N) {\n}",
         ["function |f"]),
        ("struct a { void m(int a) noexcept(1); };", ["struct |a", "method a|m"]),
        ("class a {\n  explicit PB_CONSTEXPR a(::b::c);\n};", ["class |a", "method a|a"]),
        ("namespace n {\nenum type UNDERLYING(unsigned char){none, left};\n}",
         ["namespace |n", "enum n|type", "constant n.type|none", "constant n.type|left"]),
        ("template <class T>\n#ifndef NDEBUG\nPB_NOINLINE\n#endif\nT *f(int a) {\n}", ["function |f"]),
        ("template <class T>\n#ifndef MSC\n[[noreturn]]\n#endif\nvoid f(int a) {\n}", ["function |f"]),
    ],
)  # fmt: skip
def test_attributes_and_macros_between_a_template_and_its_function(source: str, expected: list[str]) -> None:
    assert symbols("cpp", f"{source}\nint next;\n") == [*expected, "variable |next"]
