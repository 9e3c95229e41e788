"""Renames of what JavaScript exports by `module.exports`, and of properties that patterns name.

Each case is the program before and after; where Node is there, both are run and print the same.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.names.asking import Asking, asking

from diptych.serving.answers.rename import rename
from diptych.serving.errors import RenameRefusedError

_USES = (
    "const o = require('./m');\nconst { work } = require('./m');\nconst w = require('./m').work;\n"
    "const { work: v } = require('./m');\nconsole.log(o.work(), work(), w(), v(), require('./m').work());\n"
)
_RENAMED_USES = (
    "const o = require('./m');\nconst { toil } = require('./m');\nconst w = require('./m').toil;\n"
    "const { toil: v } = require('./m');\nconsole.log(o.toil(), toil(), w(), v(), require('./m').toil());\n"
)
_FUNCTION = "function work() { return 1; }\n"

# The module, and it again with `work` renamed to `toil`.
MODULES = {
    "a shorthand": (_FUNCTION + "module.exports = { work };\n", "module.exports = { toil };\n"),
    "a value": (_FUNCTION + "module.exports = { work: work };\n", "module.exports = { toil: toil };\n"),
    "exports and module.exports": (
        _FUNCTION + "exports = module.exports = { work, other: 2 };\n",
        "exports = module.exports = { toil, other: 2 };\n",
    ),
    "exports by themselves": (
        _FUNCTION + "exports = { work };\nmodule.exports = exports;\n",
        "exports = { toil };\nmodule.exports = exports;\n",
    ),
    "a property": (_FUNCTION + "exports.work = work;\n", "exports.toil = toil;\n"),
    "a property of what is exported as a whole": (
        _FUNCTION + "exports = module.exports = function () {};\nmodule.exports.work = work;\n",
        "exports = module.exports = function () {};\nmodule.exports.toil = toil;\n",
    ),
    "two names of one function": (
        _FUNCTION + "exports.work = exports.other = work;\n",
        "exports.toil = exports.other = toil;\n",
    ),
    "a use in the module": (
        _FUNCTION + "exports.work = work;\nexports.other = () => exports.work();\n",
        "exports.toil = toil;\nexports.other = () => exports.toil();\n",
    ),
}
MODULES = {
    name: (before, _FUNCTION.replace("work", "toil") + after) for name, (before, after) in MODULES.items()
} | {
    "a method": (
        "module.exports = { work() { return 1; } };\n",
        "module.exports = { toil() { return 1; } };\n",
    ),
    "a function without another name": (
        "exports.work = function () { return 1; };\n",
        "exports.toil = function () { return 1; };\n",
    ),
    "an object with a name": (
        "const app = exports = module.exports = {};\nexports.work = () => 1;\n",
        "const app = exports = module.exports = {};\nexports.toil = () => 1;\n",
    ),
    "a member of an object with a name": (
        "const app = module.exports = {};\napp.work = () => 1;\napp.other = () => app.work();\n",
        "const app = module.exports = {};\napp.toil = () => 1;\napp.other = () => app.toil();\n",
    ),
    "a member of a function": (
        "function Whole() {}\nWhole.work = () => 1;\nmodule.exports = Whole;\n",
        "function Whole() {}\nWhole.toil = () => 1;\nmodule.exports = Whole;\n",
    ),
    "a member of a class": (
        "class Whole { static work() { return 1; } }\nmodule.exports = Whole;\n",
        "class Whole { static toil() { return 1; } }\nmodule.exports = Whole;\n",
    ),
    "a member that a class is given": (
        "class Whole {}\nWhole.work = () => 1;\nexports = module.exports = Whole;\n",
        "class Whole {}\nWhole.toil = () => 1;\nexports = module.exports = Whole;\n",
    ),
    "two names that are announced": (
        "exports.work = exports.other = void 0;\nexports.work = exports.other = () => 1;\n",
        "exports.toil = exports.other = void 0;\nexports.toil = exports.other = () => 1;\n",
    ),
}

# A program, what is renamed to `len`, and the program after that.
PROPERTIES = {
    "a field of a class": (
        "class B { constructor() { this.size = 4; } }\nconst b = new B();\n"
        "const { size } = b;\nconst { size: s, other = 1 } = b;\nconsole.log(size, s, other, b.size);\n",
        "this.@size",
        "class B { constructor() { this.len = 4; } }\nconst b = new B();\n"
        "const { len: size } = b;\nconst { len: s, other = 1 } = b;\nconsole.log(size, s, other, b.len);\n",
    ),
    "a property of an object": (
        "const b = { size: 4 };\nconst { size = 3 } = b;\nconsole.log(size, b.size);\n",
        "{ @size:",
        "const b = { len: 4 };\nconst { len: size = 3 } = b;\nconsole.log(size, b.len);\n",
    ),
    "a property that has a variable's name": (
        "const size = 4;\nconst b = { size };\nconsole.log(b.size, size);\n",
        "b.@size",
        "const size = 4;\nconst b = { len: size };\nconsole.log(b.len, size);\n",
    ),
    "a variable in a pattern": (
        "const b = { size: 4 };\nconst { size } = b;\nconsole.log(size, b.size);\n",
        "log(@size",
        "const b = { size: 4 };\nconst { size: len } = b;\nconsole.log(len, b.size);\n",
    ),
}


def _renamed(asked: Asking, path: str, marked: str, new: str) -> dict[str, str]:
    """The files after a rename, without what it asks about."""
    found = rename(asked.source, path, *asked.at(path, marked), new)
    texts: dict[str, str] = {}
    for edit in sorted(found.edits, reverse=True):
        if edit.needs_confirmation:
            continue
        lines = texts.get(edit.path, (asked.root / edit.path).read_text()).split("\n")
        line = lines[edit.row]
        lines[edit.row] = line[: edit.column] + edit.text + line[edit.column + len(found.name) :]
        texts[edit.path] = "\n".join(lines)
    return texts


def _printed(folder: Path, files: dict[str, str], main: str) -> str:
    """What a program prints; "" without Node."""
    node = shutil.which("node")
    if node is None:
        return ""
    for path, text in files.items():
        (folder / path).write_text(text)
    return subprocess.run([node, main], cwd=folder, capture_output=True, text=True, check=True).stdout


def _printed_twice(root: Path, before: dict[str, str], after: dict[str, str], main: str) -> tuple[str, str]:
    folders = [root / "before", root / "after"]
    for folder in folders:
        folder.mkdir()
    return _printed(folders[0], before, main), _printed(folders[1], after, main)


@pytest.mark.parametrize("start", ["m.js", "a.js"])
@pytest.mark.parametrize("case", MODULES)
def test_what_a_module_exports_is_renamed_where_it_is_required(
    case: str, start: str, tmp_path: Path
) -> None:
    before = {"m.js": MODULES[case][0], "a.js": _USES}
    with asking(tmp_path, before) as asked:
        mark = before[start].replace("work", "@work", 1) if start == "m.js" else "o.@work"
        after = _renamed(asked, start, mark, "toil")
    assert after == {"m.js": MODULES[case][1], "a.js": _RENAMED_USES}
    one, other = _printed_twice(tmp_path, before, after, "a.js")
    assert one == other


@pytest.mark.parametrize("case", PROPERTIES)
def test_a_property_is_renamed_in_patterns(case: str, tmp_path: Path) -> None:
    text, marked, expected = PROPERTIES[case]
    with asking(tmp_path, {"a.js": text}) as asked:
        after = _renamed(asked, "a.js", marked, "len")
    assert after == {"a.js": expected}
    one, other = _printed_twice(tmp_path, {"a.js": text}, after, "a.js")
    assert one == other


def test_a_default_export_of_an_object_names_what_it_has(tmp_path: Path) -> None:
    files = {
        "m.ts": _FUNCTION + "export default { work };\n",
        "a.ts": "import m from './m';\nm.work();\n",
    }
    with asking(tmp_path, files) as asked:
        assert asked.uses("m.ts", "function @work") == ["m.ts:1 definition", "m.ts:2 use", "a.ts:2 use"]
        assert asked.callers("m.ts", "function @work") == ["(file)", "(file)"]


def test_a_parameter_that_is_a_pattern_names_properties_of_its_type(tmp_path: Path) -> None:
    text = (
        "interface P { size: number }\nfunction f({ size }: P) { return size; }\n"
        "const size = 2;\nconst p: P = { size };\nexport function g({ size }) {}\n"
    )
    with asking(tmp_path, {"a.ts": text}) as asked:
        found = rename(asked.source, "a.ts", *asked.at("a.ts", "{ @size: number"), "len")
    assert [(edit.row, edit.text, edit.needs_confirmation) for edit in found.edits] == [
        (0, "len", False),
        (1, "len: size", False),
        (3, "len: size", False),
        (4, "len: size", True),
    ]


def test_a_name_that_an_exported_object_has_is_taken(tmp_path: Path) -> None:
    files = {"m.js": _FUNCTION + "module.exports = { toil: 3, work };\n", "a.js": _USES}
    with asking(tmp_path, files) as asked, pytest.raises(RenameRefusedError, match="a toil already"):
        rename(asked.source, "m.js", 0, 9, "toil")


def test_what_another_package_gives_is_not_renamed(tmp_path: Path) -> None:
    text = "const { readFile: r } = require('fs');\nconst fs = require('fs');\nr(fs);\n"
    with asking(tmp_path, {"a.js": text}) as asked:
        assert asked.uses("a.js", ": @r }") == ["a.js:1 import", "a.js:3 use"]
        with pytest.raises(RenameRefusedError, match="outside of the repository"):
            rename(asked.source, "a.js", *asked.at("a.js", "const @fs"), "files")


def test_a_constructor_keeps_its_name(tmp_path: Path) -> None:
    with (
        asking(tmp_path, {"a.js": "class A { constructor() {} }\n"}) as asked,
        pytest.raises(RenameRefusedError, match="means something to the language"),
    ):
        rename(asked.source, "a.js", 0, 10, "other")
