"""Sites that the text decides: each is what the tree of the whole file makes of it, and means the same."""

from __future__ import annotations

import argparse
import ast
import re
import shutil
import tempfile
import textwrap
import typing
import unittest.case
from pathlib import Path
from types import ModuleType

import pytest
from tests.names.asking import Asking, asking

from diptych.names.definitions import Found, definitions
from diptych.names.infer import Inference
from diptych.names.languages import language
from diptych.names.sites import Site
from diptych.names.source import Names
from diptych.serving.answers.plain import PlainFile
from diptych.serving.answers.reference import inside_of
from diptych.serving.answers.written import places_of, sites_in
from diptych.serving.files import ParsedFile

_MODULES = (argparse, ast, shutil, tempfile, textwrap, typing, unittest.case)
_TWISTED = '''\
import os, re as regex
import os.path
from collections import (
    abc)

class A(os.PathLike):
    sep = os.sep
    def f(self, os=os.name, *, re=regex.compile(
            "os")):
        return self.f(os), os.path, regex.compile(os)
    def g(self):
        """os.path"""
        def inner(
            a=os.sep,
        ): return os.sep, self.g
        class B: x = os.name; y = self.f
        with open(os.devnull) as regex, B() as self.other: pass
        lines = [os for os in ()], "os".join(f"{os.path} {os.sep!r}")
        x = {"a": os,
    "b": os.sep}
        return super().f(os.sep), self.f.g, self.other.g, """
def os(): regex.compile
""", os . path, self.sep \\
            . join, regex.match
    @classmethod
    def h(cls, *a): return cls.f, lambda os: os.sep, [cls for cls in a], cls.g
    @staticmethod
    def s(self): return self.f
def k(x):
    match x:
        case A(f=os, g=(regex,
                        abc)):
            return os.sep, regex.compile, abc.Set
    for regex.x in x: pass
    del os.path
    return regex.x, (os.sep), [(os.path, regex), *(abc := x)], abc.Set
async def m(a: "os.PathLike", b: "abc.Set" = "abc.Set") -> "regex.Pattern":
    global os
    os = a; os.sep; abc.Set
    print(abc, regex, (a, abc)); abc.Set(abc=abc)
    import regex
    from os import sep, path as abc
    return regex.x, sep, abc.x
'''
_RARE = '''\
import os, re

class A[os, T: (re.K)](B):
    x = os.sep
    def f(self, a: os.K): return os.sep, re.K
type B = "os.K"
def f[T = "os.K"](a: T): return os.sep
class C[T = "re.K"]: pass
c: list[
    """re.K"""]
def g(a:
"""os.K"""): return os.sep
def h(): return print(os
    := a), os.sep
def i(): return print(a, os # :=
    := a), os.sep
def j(): return print(a, os \\
    := a), os.sep
def k(): return print(os
    , os.sep)
def l():
    """os.sep"""
    return f(1, c="os.sep")
'''


@pytest.mark.parametrize("module", _MODULES, ids=lambda module: module.__name__)
def test_what_the_text_decides_is_what_the_tree_says(tmp_path: Path, module: ModuleType) -> None:
    source = Path(str(module.__file__)).read_bytes()
    words = sorted(set(re.findall(rb"[A-Za-z_]\w+", source)))[:: 1 + len(source) // 12_000]
    around = {f"{one.__name__}.py": Path(str(one.__file__)).read_text() for one in (re, textwrap, tempfile)}
    with asking(tmp_path, {**around, "a.py": source.decode()}) as ask:
        assert _compared(ask, source, words) > 20


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_twisted_code_is_decided_rightly_or_not_at_all(tmp_path: Path, ending: str) -> None:
    text = _TWISTED.replace("\n", ending)
    files = {"os.py": "sep = ''\nname = ''\nclass PathLike: pass\n", "os/path.py": "", "regex.py": "x = 1\n"}
    (tmp_path / "a.py").parent.mkdir(exist_ok=True)
    with asking(tmp_path, {**files, "a.py": text}) as ask:
        words = sorted(set(re.findall(rb"[A-Za-z_]\w*", text.encode())))
        assert _compared(ask, text.encode(), words) > 10


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_rare_syntax_is_decided_rightly_or_not_at_all(tmp_path: Path, ending: str) -> None:
    text = _RARE.replace("\n", ending)
    files = {"os.py": "sep = ''\nclass K: pass\n", "re.py": "class K: pass\n", "a.py": text}
    with asking(tmp_path, files) as ask:
        words = sorted(set(re.findall(rb"[A-Za-z_]\w*", text.encode())))
        assert _compared(ask, text.encode(), words) > 10


def test_what_is_no_utf8_is_left_to_the_tree(tmp_path: Path) -> None:
    source = b"# coding: latin-1\nimport os\n\xe9 = 1\n\xe9.x, os\n"
    (tmp_path / "a.py").write_bytes(source)
    with asking(tmp_path, {}) as ask:
        seen = ask.source.names_of("a.py")
        assert seen is not None
        offset = source.rindex(b"\xe9")
        inference = Inference(ask.source, language("python").rules)
        assert PlainFile(seen, source).decided([offset], inference) == ([], [offset])


def test_names_in_a_long_line_are_left_to_the_tree(tmp_path: Path) -> None:
    """For each, all before it in its line would be looked at."""
    text = "import os\ndef f():\n    g(" + "os, " * 200 + ")\n    return os\n"
    with asking(tmp_path, {"a.py": text}) as ask:
        assert _compared(ask, text.encode(), [b"os"]) == 1


def _compared(ask: Asking, source: bytes, words: list[bytes]) -> int:
    """How many sites the text decides, each of which is compared."""
    seen = ask.source.names_of("a.py")
    assert seen is not None
    assert not seen.facts.complete
    whole = ParsedFile("a.py", "python", source, "")
    rules = language("python").rules
    count = 0
    for word in words:
        name = word.decode()
        offsets = places_of(whole, name)
        decided, left = PlainFile(seen, source).decided(offsets, Inference(ask.source, rules))
        said = {site.place: _said(seen, site, found) for site, found in decided}
        inference = Inference(ask.source, rules)
        expected = {
            (site.place[0], site.place[1]): _said(
                whole.names,
                site,
                definitions(ask.source, whole.names, site, by_name=False, inference=inference),
            )
            for site in sites_in(whole, name)
        }
        places_left = {whole.place(offset) for offset in left}
        assert said == {place: one for place, one in expected.items() if place not in places_left}, name
        count += len(said)
    return count


def _said(names: Names, site: Site, found: list[Found]) -> tuple[object, ...]:
    evidence = found[0].evidence if found else ""
    return site.kind, inside_of(names, site.place), evidence, {(one.path, one.origin) for one in found}
