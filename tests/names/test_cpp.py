"""Names in C++: namespaces, classes, members that are defined outside of their class."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.names.asking import Asking, asking

TREE = {
    "include/box.h": """\
#pragma once
namespace box {
class Part {
 public:
  int size() const;
  int width;
};

class Base {
 public:
  virtual ~Base();
  void shared();
};

class Box : public Base {
 public:
  explicit Box(int side) : side_(side) {}
  Part* part();
  void add(int count);
  void add(const Part& part);
  static Box make();
  enum Kind { kFirst, kSecond };
  struct Inner;
  Inner* inner_;

 private:
  int side_;
};

enum class Mode { kOn, kOff };
int free_one(int a = 1);
}  // namespace box
""",
    "src/box.cc": """\
#include "box.h"

namespace box {
namespace {
int hidden() { return 1; }
}  // namespace

struct Box::Inner {
  int deep;
};

int Part::size() const { return width; }

void Base::shared() {}

Part* Box::part() {
  shared();
  this->add(side_);
  inner_->deep = hidden();
  return nullptr;
}

void Box::add(int count) {}
void Box::add(const Part& part) {}

int free_one(int a) { return a; }
}  // namespace box
""",
    "src/use.cc": """\
#include <memory>
#include <vector>
#include "box.h"

using box::Part;
namespace other = box;

int hidden() { return 2; }

void first(box::Box& given) {
  given.part()->width;
  given.shared();
  Part mine;
  given.add(mine);
  auto made = box::Box::make();
  made.part();
  box::Mode mode = box::Mode::kOff;
  int kind = box::Box::kSecond;
  other::free_one(kind);
}

void second(std::vector<Part> all, std::unique_ptr<box::Box> held) {
  for (auto& one : all) one.width = 1;
  all[0].size();
  held->part();
  auto* raw = static_cast<box::Box*>(nullptr);
  raw->part();
  auto then = [&](Part* lambda) { lambda->size(); };
}

using namespace box;

template <typename T>
int third(T given, Box box) {
  T copy = given;
  return free_one() + box.part()->width;
}
""",
}
BOX_H, BOX, USE = "include/box.h", "src/box.cc", "src/use.cc"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    with asking(tmp_path_factory.mktemp("tree"), TREE) as asked:
        yield asked


@pytest.mark.parametrize(
    ("path", "marked", "answer"),
    [
        (USE, "first(box::@Box&", f"{BOX_H}:15 exact"),
        (USE, "using box::@Part", f"{BOX_H}:3 exact"),
        (USE, "given.@part()->width", f"{BOX}:16 inferred"),
        (USE, "given.part()->@width", f"{BOX_H}:6 inferred"),
        (USE, "given.@shared", f"{BOX}:14 inferred"),
        (USE, "  @Part mine", f"{BOX_H}:3 exact"),
        (USE, "given.@add(mine)", f"{BOX}:24 inferred"),
        (USE, "box::Box::@make", f"{BOX_H}:21 inferred"),
        (USE, "made.@part", f"{BOX}:16 inferred"),
        (USE, "Mode::@kOff", f"{BOX_H}:30 inferred"),
        (USE, "Box::@kSecond", f"{BOX_H}:22 inferred"),
        (USE, "other::@free_one", f"{BOX}:26 exact"),
        (USE, "one.@width", f"{BOX_H}:6 inferred"),
        (USE, "all[0].@size", f"{BOX}:12 inferred"),
        (USE, "held->@part", f"{BOX}:16 inferred"),
        (USE, "raw->@part", f"{BOX}:16 inferred"),
        (USE, "lambda->@size", f"{BOX}:12 inferred"),
        (USE, "  @T copy", f"{USE}:33 exact"),
        (USE, "return @free_one", f"{BOX}:26 exact"),
        (USE, "box.part()->@width", f"{BOX_H}:6 inferred"),
        (BOX, "return @width", f"{BOX_H}:6 exact"),
        (BOX, "  @shared();", f"{BOX}:14 exact"),
        (BOX, "->@add(side_)", f"{BOX}:23 inferred"),
        (BOX, "add(@side_)", f"{BOX_H}:27 exact"),
        (BOX, "@inner_->deep", f"{BOX_H}:24 exact"),
        (BOX, "inner_->@deep", f"{BOX}:9 inferred"),
        (BOX, "= @hidden()", f"{BOX}:5 exact"),
        (BOX_H, ": @side_(side)", f"{BOX_H}:27 inferred"),
        (BOX_H, "side_(@side)", f"{BOX_H}:17 exact"),
        (BOX_H, "public @Base", f"{BOX_H}:9 exact"),
        (BOX_H, "  @Inner* inner_", f"{BOX}:8 exact"),
    ],
)
def test_a_name(tree: Asking, path: str, marked: str, answer: str) -> None:
    assert tree.first(path, marked) == answer


def test_references_of_a_member_and_of_its_definition(tree: Asking) -> None:
    expected = {
        f"{BOX_H}:18 definition",
        f"{BOX}:16 definition",
        f"{USE}:11 use",
        f"{USE}:16 use",
        f"{USE}:25 use",
        f"{USE}:27 use",
        f"{USE}:36 use",
    }
    assert set(tree.uses(BOX_H, "Part* @part();")) == expected
    assert set(tree.uses(BOX, "Box::@part")) == expected


def test_a_method_has_no_references_to_another_of_its_name(tree: Asking) -> None:
    assert set(tree.uses(BOX_H, "void @add(const")) == {
        f"{BOX_H}:20 definition",
        f"{BOX}:24 definition",
        f"{USE}:14 use",
    }


def test_a_macro_with_a_block_is_no_function(tmp_path: Path) -> None:
    text = "TEST(A, b) { int a = 1; use(a); }\nTEST(A, c) {}\n"
    with asking(tmp_path, {"a.cc": text}) as asked:
        assert asked.first("a.cc", "@TEST(A, c)") == ""
        assert asked.first("a.cc", "use(@a)") == "a.cc:1 exact"


def test_using_in_a_circle_ends(tmp_path: Path) -> None:
    text = "namespace a {}\nusing a::b;\nusing b::a;\nusing b::c;\nint f() { return a::b::c + c; }\n"
    with asking(tmp_path, {"a.cc": text}) as asked:
        assert asked.lines("a.cc", "b::@c + c") == []
        assert asked.first("a.cc", "+ @c;") == "a.cc:4 exact"


def test_two_namespaces_that_a_file_uses(tmp_path: Path) -> None:
    files = {
        "a.h": "namespace outer { namespace inner { int deep; } int known; }\n",
        "a.cpp": '#include "a.h"\nusing namespace std;\nusing namespace outer;\nusing namespace inner;\n'
        "int f() { return known + deep + missing; }\n",
    }
    with asking(tmp_path, files) as ask:
        assert ask.first("a.cpp", "return @known") == "a.h:1 exact"
        assert ask.first("a.cpp", "+ @deep") == "a.h:1 exact"
        assert ask.first("a.cpp", "+ @missing") == ""


def test_a_method_that_changes_its_object_and_one_that_does_not(tmp_path: Path) -> None:
    source = (
        "struct Node {\n"
        "  const Node* next() const;\n"
        "  Node* next() { return const_cast<Node*>(this)->next(); }\n"
        "  const Node* last() const { return this->next(); }\n"
        "};\n"
        "const Node* Node::next() const { return 0; }\n"
        "void f(Node* node) { node->next(); }\n"
    )
    with asking(tmp_path, {"a.cpp": source}) as ask:
        assert ask.first("a.cpp", "node->@next()") == "a.cpp:3 inferred"
        assert ask.lines("a.cpp", "this->@next()")[:2] == ["a.cpp:6 inferred", "a.cpp:2 inferred"]
        assert ask.uses("a.cpp", "  Node* @next()")[0] == "a.cpp:3 definition"


def test_a_class_s_own_name_in_it_is_the_class(tmp_path: Path) -> None:
    source = (
        "struct Base { explicit Base(int x); };\n"
        "struct Part : Base {\n  Part(int x) : Base(x) {}\n  Part half() { return Part(1); }\n};\n"
    )
    with asking(tmp_path, {"a.cpp": source}) as ask:
        assert ask.first("a.cpp", "return @Part(1)") == "a.cpp:2 exact"
        assert ask.first("a.cpp", ": @Base(x)") == "a.cpp:1 exact"


STANDARD = """\
#include <map>
#include <vector>
namespace lib {
struct Key { Key(int n); int index() const; };
template <typename T> class Handle { public: T* operator->(); };
struct Store { std::map<int, Key> table; std::vector<Key> keys; Handle<Key> handle; };
}
int use(lib::Store& store, int size) {
  lib::Key key(size);
  for (auto const& [number, value] : store.table) value.index();
  for (auto& item : store.table) item.second.index();
  auto [first, second] = *store.table.find(1);
  std::map<int, lib::Key>::const_iterator at = store.table.begin();
  std::vector<lib::Key>::iterator it;
  return at->second.index() + it->index() + store.handle->index() + second.index() + number;
}
int later(lib::Key key);
"""


def test_standard_containers_and_what_is_made_of_them(tmp_path: Path) -> None:
    answers = {
        "key(@size)": "a.cpp:8 exact",
        ") @value.index": "a.cpp:10 exact",
        ") value.@index": "a.cpp:4 inferred",
        "item.second.@index": "a.cpp:4 inferred",
        "at->second.@index": "a.cpp:4 inferred",
        "it->@index": "a.cpp:4 inferred",
        "handle->@index": "a.cpp:4 inferred",
        "+ second.@index": "a.cpp:4 inferred",
        "+ @number": "",
        "later(lib::@Key": "a.cpp:4 exact",
    }
    with asking(tmp_path, {"a.cpp": STANDARD}) as ask:
        assert {marked: ask.first("a.cpp", marked) for marked in answers} == answers


def test_a_namespace_is_where_the_compiler_comes_to_it_first(tmp_path: Path) -> None:
    files = {
        "base.h": "namespace lib { int base(); }\n",
        "wide.h": '#include "base.h"\nnamespace lib { int wide(); }\n',
        "other.h": "namespace lib { int other(); }\n",
        "a.cpp": '#include "wide.h"\n#include "other.h"\nnamespace lib { int own(); }\n'
        "int f() { return lib::base() + lib::own(); }\n",
    }
    with asking(tmp_path, files) as ask:
        opened = [f"{path} exact" for path in ("base.h:1", "wide.h:2", "other.h:1", "a.cpp:3")]
        assert ask.lines("a.cpp", "return @lib::") == opened
        assert "a.cpp:4 use" in ask.uses("wide.h", "namespace @lib")
        assert "a.cpp:4 use" in ask.uses("base.h", "namespace @lib")


def test_a_type_that_macros_hide_is_not_a_foreign_one(tmp_path: Path) -> None:
    source = (
        "struct Fixture { struct Check { bool is_set; }; Check own_; };\n"
        "TEST_F(Fixture, first) { Check check; check.is_set = true; Other other; other.is_set = true; }\n"
        "TEST_F(Fixture, second) { own_.is_set = true; none_.is_set = true; }\n"
    )
    with asking(tmp_path, {"a.cpp": source}) as ask:
        assert ask.first("a.cpp", "check.@is_set") == "a.cpp:1 named"
        assert ask.first("a.cpp", "own_.@is_set") == "a.cpp:1 named"
        assert ask.first("a.cpp", "other.@is_set") == ""
        assert ask.first("a.cpp", "none_.@is_set") == ""


def test_a_condition_with_parts_that_say_nothing_of_what_is_defined(tmp_path: Path) -> None:
    source = (
        "#if __cplusplus >= 201103L || (defined(_LIB_VER) && _LIB_VER >= 520)\n"
        "typedef int number;\n#else\ntypedef long number;\n#endif\n"
        "#if defined(_LIB_VER) && _LIB_VER >= 520\ntypedef int other;\n#else\ntypedef long other;\n#endif\n"
        "number f(other);\n"
    )
    with asking(tmp_path, {"a.cpp": source}) as ask:
        assert ask.first("a.cpp", "@number f") == "a.cpp:2 exact"
        assert ask.first("a.cpp", "f(@other") == "a.cpp:9 exact"


def test_pointers_to_each_other_end(tmp_path: Path) -> None:
    source = (
        "struct Two;\nstruct One { Two* operator->(); int known; };\n"
        "struct Two { One* operator->(); };\n"
        "int f(One one, Two two) { return one->missing + two->known; }\n"
    )
    with asking(tmp_path, {"a.cpp": source}) as ask:
        assert ask.first("a.cpp", "one->@missing") == ""
        assert ask.first("a.cpp", "two->@known") == "a.cpp:2 inferred"


def test_a_list_of_parameters_that_says_void_has_none(tmp_path: Path) -> None:
    text = "int pick(int a) { return a; }\nint pick(void) { return 1; }\nint x = pick();\nint y = pick(2);\n"
    with asking(tmp_path, {"a.cpp": text}) as asked:
        assert asked.lines("a.cpp", "x = @pick") == ["a.cpp:2 exact"]
        assert asked.lines("a.cpp", "y = @pick") == ["a.cpp:1 exact"]
