"""Names through the imports and exports of TypeScript and JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.names.asking import Asking, asking, case_files, case_path

TREE = {
    "lib/core.ts": "export class Engine { start() {} }\nexport function make() { return new Engine(); }\n"
    "const own = 1;\n",
    "lib/index.ts": "export { make as build, Engine } from './core';\nexport * as core from './core';\n"
    "export { default as Part } from './part';\nexport * from './star';\n",
    "lib/part.ts": "import { Engine } from './core';\nexport default class Part extends Engine {}\n",
    "lib/star.ts": "import { make } from './core';\nexport const shown = make();\n"
    "export { shown as alias };\n",
    "lib/value.ts": "const value = 3;\nexport default value;\n",
    "lib/anonymous.ts": "export default function () { return 1; }\n",
    "lib/all.ts": "export * from './star';\nexport * from './core';\n",
    "lib/cycle_a.ts": "export * from './cycle_b';\n",
    "lib/cycle_b.ts": "export * from './cycle_a';\n",
    "lib/whole.js": "const inner = 1;\nfunction work() {}\nmodule.exports = { work, inner, other() {} };\n",
    "lib/parts.js": "exports.first = function () {};\nfunction second() {}\nexports.renamed = second;\n",
    "lib/assigned.ts": "class Old {}\nexport = Old;\n",
    "globals.d.ts": "declare const VERSION: string;\n",
    "src/deep/thing.ts": "export const thing = 1;\n",
}

CASES = {
    "an item": ("import { make } from './lib/core';\nmake();\n", "@make()", "lib/core.ts:2 exact"),
    "an alias": ("import { make as m } from './lib/core';\nm();\n", "@m()", "lib/core.ts:2 exact"),
    "in the import": ("import { make } from './lib/core';\n", "{ @make", "lib/core.ts:2 exact"),
    "a namespace": (
        "import * as core from './lib/core';\ncore.make();\n",
        "core.@make",
        "lib/core.ts:2 exact",
    ),
    "the namespace's name": (
        "import * as core from './lib/core';\ncore.make();\n",
        "\n@core",
        "lib/core.ts:1 exact",
    ),
    "an index": ("import { build } from './lib';\nbuild();\n", "@build()", "lib/core.ts:2 exact"),
    "a re-export": ("import { Engine } from './lib';\nEngine;\n", "\n@Engine", "lib/core.ts:1 exact"),
    "a namespace that is passed on": (
        "import { core } from './lib';\ncore.make();\n",
        "core.@make",
        "lib/core.ts:2 exact",
    ),
    "a default that is passed on": (
        "import { Part } from './lib';\nPart;\n",
        "\n@Part",
        "lib/part.ts:2 exact",
    ),
    "a default": ("import P from './lib/part';\nP;\n", "\n@P", "lib/part.ts:2 exact"),
    "a default that is a name": ("import v from './lib/value';\nv;\n", "\n@v", "lib/value.ts:1 exact"),
    "a default without a name": (
        "import f from './lib/anonymous';\nf();\n",
        "@f()",
        "lib/anonymous.ts:1 exact",
    ),
    "a star": ("import { shown } from './lib/all';\nshown;\n", "\n@shown", "lib/star.ts:2 exact"),
    "a renamed export": ("import { alias } from './lib/star';\nalias;\n", "\n@alias", "lib/star.ts:2 exact"),
    "a star does not bring what the file imports": (
        "import { make } from './lib/all';\nmake;\n",
        "\n@make",
        "lib/core.ts:2 exact",
    ),
    "a star does not bring what is not exported": (
        "import { own } from './lib/all';\nown;\n",
        "\n@own",
        "HERE:1 exact",
    ),
    "a cycle ends": ("import { x } from './lib/cycle_a';\nx;\n", "\n@x", "HERE:1 exact"),
    "with a suffix": ("import { make } from './lib/core.js';\nmake();\n", "@make()", "lib/core.ts:2 exact"),
    "require": (
        "const whole = require('./lib/whole');\nwhole.work();\n",
        "whole.@work",
        "lib/whole.js:2 inferred",
    ),
    "require with a pattern": (
        "const { other } = require('./lib/whole');\nother();\n",
        "@other()",
        "lib/whole.js:3 exact",
    ),
    "what exports is given": (
        "const p = require('./lib/parts');\np.first();\n",
        "p.@first",
        "lib/parts.js:1 exact",
    ),
    "a name that exports is given": (
        "const p = require('./lib/parts');\np.renamed();\n",
        "p.@renamed",
        "lib/parts.js:2 exact",
    ),
    "import = require": (
        "import Old = require('./lib/assigned');\nnew Old.X();\n",
        "new @Old",
        "lib/assigned.ts:1 exact",
    ),
    "a global declaration": ("use(VERSION);\n", "(@VERSION", "globals.d.ts:1 exact"),
    "a path from the source folder": (
        "import { thing } from 'deep/thing';\nthing;\n",
        "\n@thing",
        "src/deep/thing.ts:1 exact",
    ),
    "a package from elsewhere": ("import { x } from 'react';\nx;\n", "\n@x", "HERE:1 exact"),
    "a member of one": ("import * as react from 'react';\nreact.memo();\n", "react.@memo", ""),
}


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """All cases in one repository."""
    with asking(tmp_path_factory.mktemp("cases"), {**TREE, **case_files(CASES, ".ts")}) as asked:
        yield asked


@pytest.mark.parametrize("case", CASES)
def test_an_import_leads_to_the_definition(case: str, ask: Asking) -> None:
    _, marked, expected = CASES[case]
    path = case_path(case, ".ts")
    assert ask.first(path, marked) == expected.replace("HERE", path)


def test_an_import_of_a_type_and_a_value_means_what_its_use_needs(tmp_path: Path) -> None:
    files = {
        "user.ts": "export const User = object({});\nexport type User = infer<typeof User>;\n",
        "a.ts": "import { User } from './user';\nUser.parse(x);\nlet y: User;\n",
        "b.ts": "import * as u from './user';\nu.User.parse(x);\nlet y: u.User;\n",
    }
    with asking(tmp_path, files) as ask:
        assert ask.lines("a.ts", "@User.parse") == ["user.ts:1 exact"]
        assert ask.lines("a.ts", "y: @User") == ["user.ts:2 exact"]
        assert ask.lines("a.ts", "{ @User") == ["user.ts:1 exact", "user.ts:2 exact"]
        assert ask.lines("user.ts", "const @User") == ["user.ts:1 exact"]
        assert ask.uses("user.ts", "const @User") == [
            "user.ts:1 definition",
            "user.ts:2 use",
            "a.ts:1 import",
            "a.ts:2 use",
            "b.ts:2 use",
        ]
        assert ask.uses("user.ts", "type @User") == [
            "user.ts:2 definition",
            "a.ts:1 import",
            "a.ts:3 use",
            "b.ts:3 use",
        ]


def test_references_follow_imports_and_aliases(tmp_path: Path) -> None:
    files = {
        "core.ts": "export function make() {}\n",
        "index.ts": "export { make as build } from './core';\n",
        "a.ts": "import { build } from '.';\nbuild();\n",
        "b.ts": "import { make as m } from './core';\nm();\n",
        "other.ts": "function make() {}\nmake();\n",
    }
    with asking(tmp_path, files) as ask:
        assert ask.uses("core.ts", "@make") == [
            "core.ts:1 definition",
            "a.ts:1 import",
            "a.ts:2 use",
            "b.ts:1 import",
            "b.ts:1 import",
            "b.ts:2 use",
            "index.ts:1 import",
            "index.ts:1 import",
        ]


def test_a_member_is_used_in_files_that_import_its_class_through_others(tmp_path: Path) -> None:
    files = {
        "model.ts": "export class Model { state = 1; }\n",
        "make.ts": "import { Model } from './model';\n"
        "export function make(): Model { return new Model(); }\n",
        "use.ts": "import { make } from './make';\nmake().state;\n",
    }
    with asking(tmp_path, files) as ask:
        assert ask.uses("model.ts", "@state") == ["model.ts:1 definition", "use.ts:2 use"]


GIVEN = {
    "a class": ("class Tool { run() {} }\nmodule.exports = Tool;\n", "given.js:1 exact"),
    "a function": ("const x = 1;\nmodule.exports = function () {};\n", "given.js:2 exact"),
    "an object": ("\n\nmodule.exports = { a: 1 };\n", "given.js:3 exact"),
    "both names": ("class Tool {}\nexports = module.exports = Tool;\n", "given.js:1 exact"),
    "with a variable": ("\nvar tool = exports = module.exports = {};\n", "given.js:2 exact"),
    "parts": ("exports.a = 1;\n", "given.js:1 exact"),
}


@pytest.mark.parametrize("case", GIVEN)
def test_a_required_name_is_what_its_module_gives(tmp_path: Path, case: str) -> None:
    text, expected = GIVEN[case]
    files = {"given.js": text, "a.js": "const Tool = require('./given');\nconsole.log(Tool);\n"}
    with asking(tmp_path, files) as ask:
        assert ask.first("a.js", "(@Tool)") == expected


def test_members_of_what_a_file_gives_are_known_in_it(tmp_path: Path) -> None:
    text = (
        "exports.one = exports.two = void 0;\nexports.one = exports.two = function () {};\n"
        "exports.one();\nmodule.exports.two();\n"
    )
    files = {"a.js": text, "b.js": "const one = require('./a').one;\none();\n"}
    with asking(tmp_path, files) as ask:
        assert ask.first("a.js", "\nexports.@one()") == "a.js:2 exact"
        assert ask.first("a.js", "module.exports.@two") == "a.js:2 exact"
        assert ask.first("b.js", "('./a').@one") == "a.js:2 exact"
