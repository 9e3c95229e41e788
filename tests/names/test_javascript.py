"""JavaScript: types in comments, what a file gives to others, members that functions assign."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.names.asking import asking

MODEL = """\
/** @typedef {import('./part')} Part */
/** @typedef {import('./part').Options} Options */
/** @import { Shape as Form, Other } from './shapes' */
/**
 * @typedef {Object} Box
 * @property {Part} part a part
 * @property {number} [size=1]
 * @property {{ inner: Part, depth: number }} nested
 */
/** @typedef {{ first: Part, rest?: Array<Part> }} Row */
/**
 * @callback Visit
 * @param {Part} part
 * @returns {Row}
 */
class Model {
  /** @type {Map<string, Part>} */
  #parts = new Map();
  constructor(options) {
    /** @type {Box} */
    this.box = options;
    if (options) {
      this.late = this.later = new Model();
    }
    [1].forEach(() => { this.deep = new Model(); });
    for (const one of [options]) { this.unsaid = one; }
    function other() { this.foreign = 1; }
  }
  /** @returns {Part} */
  get part() { return this.box; }
  set part(given) {}
  /** @param {string} name */
  named(name) { return this.#parts.get(name).turn; }
}
/**
 * @param {Box} box
 * @param {Part[]} parts
 * @param {...Row} rows
 * @returns {Promise<Row | null>}
 */
async function work(box, parts, ...rows) {
  box.part.turn; box.size; box.nested.inner.turn; box.nested.depth;
  parts[0].turn; rows[0].first; rows[1].rest[0].turn;
  for (const one of parts) one.turn;
}
/** @type {Visit} */
const visit = (part) => part.turn;
const read = async () => { (await work()).first; };
/**
 * @param {object} options
 * @param {string} options.title
 * @param {Part} [options.part]
 */
const listed = function (options) { options.title; options.part.turn; };
const cast = /** @type {Part} */ (unknown());
cast.turn;
const model = new Model();
model.late.deep; model.later.deep; model.deep.box; model.unsaid.turn;
model.part = 1; model.part.turn;
/** @param {Options} options @param {Form} form @param {import('./shapes').Other} other */
function types(options, form, other) { options.level; form.area; other.kind; }
/** @type {Box} */
const typed = { size: 2 };
typed.size;
"""
PART = """\
/**
 * @typedef {Object} Options
 * @property {number} level
 */
module.exports = class Part { turn() {} };
"""
SHAPES = "export class Shape { area() {} }\nexport class Other { kind() {} }\n"


def _row(text: str) -> int:
    return MODEL[: MODEL.index(text)].count("\n") + 1


ANSWERS = {
    "{\n  box.@part": _row("@property {Part}"),
    "box.part.@turn": "part.js:5",
    "box.@size": _row("@property {number}"),
    "box.nested.inner.@turn": "part.js:5",
    "box.nested.@depth": _row("@property {{"),
    "parts[0].@turn": "part.js:5",
    "rows[0].@first": _row("@typedef {{ first"),
    "rest[0].@turn": "part.js:5",
    " one.@turn": "part.js:5",
    "=> part.@turn": "part.js:5",
    "(await work()).@first": _row("@typedef {{ first"),
    "options.@title;": _row("options.title"),
    "options.part.@turn": "part.js:5",
    "\ncast.@turn": "part.js:5",
    "(name).@turn": "part.js:5",
    "model.@late.": _row("this.late"),
    "model.late.@deep": _row("this.deep"),
    "model.@later.": _row("this.late"),
    "model.deep.@box": _row("this.box = options"),
    "options.@level": "part.js:3",
    "form.@area": "shapes.js:1",
    "other.@kind": "shapes.js:2",
    "typed.@size": _row("@property {number}"),
    "\nmodel.@part = 1": _row("set part"),
    "; model.@part.turn": _row("get part"),
    "model.part.@turn": "part.js:5",
}


def test_comments_say_types(tmp_path: Path) -> None:
    files = {"model.js": MODEL, "part.js": PART, "shapes.js": SHAPES}
    expected = {
        asked: f"{where if isinstance(where, str) else f'model.js:{where}'} inferred"
        for asked, where in ANSWERS.items()
    }
    with asking(tmp_path, files) as ask:
        assert {asked: ask.first("model.js", asked) for asked in expected} == expected
        # What a loop binds is not what the class sees by that name.
        assert "inferred" not in ask.first("model.js", "model.unsaid.@turn")


def test_what_a_comment_declares_has_references(tmp_path: Path) -> None:
    files = {"model.js": MODEL, "part.js": PART, "shapes.js": SHAPES}
    with asking(tmp_path, files) as ask:
        found = ask.uses("model.js", "number} [@size")
        assert found == [f"model.js:{_row('@property {number}')} definition"] + [
            f"model.js:{row} {role}"
            for row, role in ((_row("box.size"), "use"), (_row("{ size: 2 }"), "definition"))
        ] + [f"model.js:{_row('typed.size')} use"]


TYPES = {
    "a nullable one": "?Part",
    "one that may be left out": "Part=",
    "a union": "null | undefined | Part",
    "a union with a bar before": "| Part | string",
    "an intersection": "Part & { more: string }",
    "parentheses": "(Part|undefined)",
    "over lines": "\n *   Part |\n *   null\n * ",
    "a module's item": "import('./lib').Part",
    "typeof": "InstanceType<typeof Part>",
}


@pytest.mark.parametrize("case", TYPES)
def test_a_type_in_a_comment(tmp_path: Path, case: str) -> None:
    text = f"import {{ Part }} from './lib.js';\n/**\n * @param {{{TYPES[case]}}} one\n */\n"
    text += "function f(one) { one.turn(); }\n"
    files = {"lib.js": "export class Part { turn() {} }\n", "a.js": text}
    with asking(tmp_path, files) as ask:
        assert ask.first("a.js", "one.@turn") == "lib.js:1 inferred"


BROKEN = ["{", "{Part", "{{a: }", "{Part<}", "{function(}", "{[}", "{import(}", "{a.b..c}"]
BROKEN.append("{" + "typeof " * 500 + "a}")


@pytest.mark.parametrize("said", BROKEN)
def test_a_comment_that_is_no_type_says_nothing(tmp_path: Path, said: str) -> None:
    text = f"/** @param {said} one @returns {said} */\nfunction f(one) {{ return one.turn; }}\nf().turn;\n"
    with asking(tmp_path, {"a.js": text}) as ask:
        assert ask.lines("a.js", "return one.@turn") == []


def test_comments_say_nothing_in_typescript(tmp_path: Path) -> None:
    text = "class Part { turn() {} }\n/** @typedef {{ a: Part }} Row */\nlet row: Row;\nrow.a;\n"
    with asking(tmp_path, {"a.ts": text}) as ask:
        assert ask.first("a.ts", ": @Row") == ""


WORDS = {
    "module": ("class Tool {}\n@module.exports = Tool;\n", "a.js:2 exact"),
    "what is given": ("class Tool {}\nmodule.@exports = Tool;\n", "a.js:1 exact"),
    "a list": ("\nfunction a() {}\nmodule.@exports = { a };\n", "a.js:1 exact"),
    "an object": ("\nmodule.@exports = { a: 1 };\n", "a.js:2 exact"),
    "exports": ("\n@exports.a = 1;\n", "a.js:2 exact"),
    "exports in a value": ("\nexports.a = 1;\nwork(@exports);\n", "a.js:1 exact"),
    "module in a value": ("\nexports.a = 1;\nwork(@module.exports);\n", "a.js:2 exact"),
    "a part of what is given": ("\nmodule.@exports.a = 1;\n", "a.js:1 exact"),
    "what another package has": ("const a = require('x');\nexports.@a = a;\n", "a.js:2 exact"),
    "a parameter": ("exports.b = 1;\nfunction f(module) {\n  return @module.exports;\n}\n", "a.js:2 exact"),
}


@pytest.mark.parametrize("case", WORDS)
def test_the_words_of_a_module(tmp_path: Path, case: str) -> None:
    text, expected = WORDS[case]
    with asking(tmp_path, {"a.js": text.replace("@", "")}) as ask:
        assert ask.first("a.js", text) == expected


def test_an_object_that_lists_names_is_the_file(tmp_path: Path) -> None:
    files = {
        "list.js": "\nfunction a() {}\nmodule.exports = { a };\n",
        "a.js": "const list = require('./list');\nconsole.log(list);\nlist.a();\n",
    }
    with asking(tmp_path, files) as ask:
        assert ask.lines("a.js", "(@list)") == ["list.js:1 exact", "list.js:3 exact"]
        assert ask.first("a.js", "list.@a") == "list.js:2 inferred"


GIVEN = """\
const app = {};
app.init = function () { this.cache = 1; };
app.read = function () { return this.cache; };
class Log {}
Object.defineProperty(Log.prototype, 'lines', { get() { return new Log(); } });
Log.prototype.flush = function () { this.flushed = true; return this.flushed; };
function Data() { this.own = 1; }
Data.prototype = { get() { return this.own; }, set() { return this.get(); } };
Object.defineProperty(exports, 'Late', { enumerable: true, get: function () { return Log; } });
exports.log = new Log();
exports.data = new Data();
const { deep: { inner }, ...others } = require('elsewhere');
inner; others;
exports.made = new (class { run() {} })();
"""


def test_members_that_functions_give(tmp_path: Path) -> None:
    uses = (
        "const { Late, log, data, made } = require('./a');\nlog.lines.lines; log.flush(); data.get();\n"
        "new Late().lines; made.run();\n"
    )
    answers = {
        ("a.js", "return this.@cache"): "a.js:2 inferred",
        ("a.js", "return this.@flushed"): "a.js:6 inferred",
        ("a.js", "return this.@own"): "a.js:7 inferred",
        ("a.js", "return this.@get()"): "a.js:8 inferred",
        ("a.js", "\n@inner;"): "a.js:12 exact",
        ("a.js", " @others;"): "a.js:12 exact",
        ("b.js", "log.@lines."): "a.js:5 inferred",
        ("b.js", "lines.@lines"): "a.js:5 inferred",
        ("b.js", ".@flush"): "a.js:6 inferred",
        ("b.js", "data.@get"): "a.js:8 inferred",
        ("b.js", "{ @Late"): "a.js:9 exact",
        ("b.js", "Late().@lines"): "a.js:5 inferred",
        ("b.js", "made.@run"): "a.js:14 inferred",
    }
    with asking(tmp_path, {"a.js": GIVEN, "b.js": uses}) as ask:
        assert {asked: ask.first(*asked) for asked in answers} == answers


def test_the_default_of_a_commonjs_module_is_all_that_it_gives(tmp_path: Path) -> None:
    files = {
        "utils.cjs": "exports.slug = function () {};\n",
        "a.mjs": "import utils from './utils.cjs';\nutils.slug();\n",
    }
    with asking(tmp_path, files) as ask:
        assert ask.first("a.mjs", "import @utils") == "utils.cjs:1 exact"
        assert ask.first("a.mjs", "utils.@slug") == "utils.cjs:1 exact"
