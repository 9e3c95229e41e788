"""Ruby, PHP, Lua and Bash: definitions that calls and assignments make, and relations."""

from __future__ import annotations

import pytest

from diptych.model import Range

from .extracted import record, relations, symbols


@pytest.mark.parametrize(
    ("language", "source", "expected"),
    [
        (
            "ruby",
            "class A\n"
            "  alias :x :y\n"
            "  alias_method \"p\", :q\n"
            "  define_method(:foo) { bar }\n"
            "  def_delegators :@d, :a, :b\n"
            "  def_delegator :@d, :size, :count\n"
            "  delegate :n, to: :z\n"
            "  cattr_accessor :k\n"
            "  attr_writer \"with space\"\n"
            "  B ||= 1\n"
            "  C::D = 2\n"
            "  private def e; end\n"
            "end\n"
            "def F.g; end\n"
            "if a\n"
            "  def h; end\n"
            "end\n",
            [
                "class |A",
                "method A|x",
                "method A|p",
                "method A|foo",
                "method A|a",
                "method A|b",
                "method A|count",
                "method A|n",
                "field A|k",
                "constant A|B",
                "constant A.C|D",
                "method A|e",
                "method F|g",
                "function |h",
            ],
        ),
        (
            "ruby",
            "Point = Struct.new(:x, :y) do\n"
            "  def m; end\n"
            "end\n"
            "Error = Class.new(StandardError)\n"
            "M = Module.new\n"
            "D = Data.define(:d)\n"
            "class Q < Struct.new(:q); end\n"
            "module ::Top; end\n",
            [
                "class |Point",
                "field Point|x",
                "field Point|y",
                "method Point|m",
                "class |Error",
                "module |M",
                "class |D",
                "field D|d",
                "class |Q",
                "field Q|q",
                "module |Top",
            ],
        ),
        (
            "php",
            "<?php\n"
            "namespace A\\B;\n"
            "$a = 1;\n"
            "[$b, $c] = f();\n"
            "if ($x) { $d = 1; }\n"
            "$e = function () { $local = 1; };\n"
            "function g() { $local = 1; }\n"
            "class K { function m() { return new class { public $p; function n() {} }; } }\n"
            "\\define(\"L\", 1);\n"
            "namespace C;\n"
            "class D {}\n",
            [
                "namespace |A\\B",
                "variable A.B|a",
                "variable A.B|b",
                "variable A.B|c",
                "variable A.B|d",
                "variable A.B|e",
                "function A.B|g",
                "class A.B|K",
                "method A.B.K|m",
                "field A.B.K.m|p",
                "method A.B.K.m|n",
                "namespace |C",
                "class C|D",
            ],
        ),
        (
            "lua",
            "local M = { fn = function() local a = 1 end,\n"
            "  [\"k\"] = function() end, sub = { deep = function() end } }\n"
            "M[\"str\"] = function() end\n"
            "M[\"with space\"] = function() end\n"
            "if x then cond = 1; M.y = 2 end\n"
            "function M:g() self.z = 1; local b = function() end end\n"
            "local t = f(function() c = 1 end)\n"
            "return { exported = function() end }\n",
            [
                "variable |M",
                "function M|fn",
                "function M|k",
                "field M|sub",
                "function M.sub|deep",
                "function M|str",
                "variable |cond",
                "field M|y",
                "method M|g",
                "function M.g|b",
                "variable |t",
                "function |exported",
            ],
        ),
        (
            "bash",
            "alias ll='ls -l' la=ls\n"
            "A=1\n"
            "if x; then b=2; else C=3; fi\n"
            "for i in 1; do d=1; done\n"
            "readonly E=1 F\n"
            "export -f g\n"
            "H=1 make\n"
            "g() { local i=1; j=2; }\n",
            [
                "function |ll",
                "function |la",
                "constant |A",
                "variable |b",
                "constant |C",
                "variable |d",
                "constant |E",
                "constant |F",
                "function |g",
            ],
        ),
        (
            "bash",
            "first() { a=${b#*{\\\"c\\\":\\\"\"$d\"\\\",\\\"}; }\n"
            "second() { if [ $x -eq 2 -o \\\n"
            "  \\( $y -eq 1 \\) ]; then z; fi; }\n"
            "third() { :; }\n",
            ["function |first", "function |second", "function |third"],
        ),
    ],
)
def test_definitions(language: str, source: str, expected: list[str]) -> None:
    assert symbols(language, source) == expected


@pytest.mark.parametrize(
    ("language", "source", "expected"),
    [
        (
            "ruby",
            "E = Class.new(Base)\n"
            "autoload :A, \"a\"\n"
            "begin; rescue X::NotFound; y.is_a?(Z); end\n"
            "require \"a#{b}\"\n",
            [
                "references E -> Class",
                "calls E -> new",
                "extends E -> Base",
                "calls  -> autoload",
                "imports  -> a",
                "references  -> X",
                "references  -> NotFound",
                "calls  -> is_a?",
                "references  -> Z",
                "calls  -> require",
            ],
        ),
        (
            "php",
            "<?php\n"
            "use X\\{Y, Z};\n"
            "class K { function m(): static { new class extends B implements I {};\n"
            "  C::D; E::$f; $x instanceof G; H::i(); } }\n"
            "require_once __DIR__ . '/a.php';\n",
            [
                "imports  -> X",
                "imports  -> Y",
                "imports  -> Z",
                "extends K.m -> B",
                "implements K.m -> I",
                "references K.m -> C",
                "references K.m -> E",
                "references K.m -> G",
                "references K.m -> H",
                "calls K.m -> i",
                "imports  -> /a.php",
            ],
        ),
        (
            "lua",
            "local ok, m = pcall(require, \"mod\")\n"
            "dofile(\"other.lua\")\n",
            ["calls ok -> pcall", "imports ok -> mod", "calls  -> dofile", "imports  -> other.lua"],
        ),
        (
            "bash",
            "source \"$DIR/a.sh\"\n"
            ". \"${DIR}\"/b.sh\n"
            "trap cleanup EXIT\n"
            "command -v c\n"
            "sudo make install\n"
            "\n",
            [
                "calls  -> source",
                "imports  -> /a.sh",
                "calls  -> .",
                "imports  -> /b.sh",
                "calls  -> trap",
                "calls  -> command",
                "calls  -> sudo",
            ],
        ),
    ],
)
def test_relations(language: str, source: str, expected: list[str]) -> None:
    assert relations(language, source) == expected


def test_the_range_of_an_alias_is_that_of_its_name() -> None:
    symbol = record("bash", "alias ll='ls -l'\n").symbols[0]
    assert (symbol.name, symbol.name_range) == ("ll", Range(0, 6, 0, 8))


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("ruby", b"class A\n  attr_reader 'a\xffb'\n  define_method('c\xff') { }\nend\ndef last; end\n"),
        ("ruby", b"X = '\xe9'.new(:a)\nclass A < '\xe9'.new(:a)\nend\ndef last; end\n"),
        ("ruby", b"X = 'a\xed\xa0\x80'.new(:a) { }\ndef last; end\n"),
        ("php", b"<?php\ndefine('A\xff', 1);\nnamespace B\xff;\nfunction last() {}\n"),
        ("lua", b"M['a\xff'] = function() end\nM['b\xff'] = 1\nfunction last() end\n"),
        ("bash", b"alias a\xff='b'\nexport -\xff c\ntrap \xff EXIT\nlast() { :; }\n"),
        ("csharp", b"namespace A.\xffB { }\nnamespace C\xff;\nclass last { }\n"),
        ("swift", b"func \xff() {}\nfunc =\xff= () {}\nfunc last() {}\n"),
    ],
)
def test_bytes_that_are_not_utf8_end_no_process(language: str, source: bytes) -> None:
    """A predicate of a query on the text of such a node would: the parser is given other bytes."""
    assert symbols(language, source)[-1].endswith("|last")
