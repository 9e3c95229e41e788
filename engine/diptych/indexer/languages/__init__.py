"""The languages that the indexer knows, and how to recognise the language of a file.

To add one: add an entry here, the grammar's wheel to the dependencies, and what its tags query lacks to
`queries/<query>.scm`. Nothing here imports a grammar; `diptych.indexer.grammar` does so for the first file.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec

from diptych.lazy import pattern
from diptych.values import Value


class Language(Value):
    """How to recognise and parse one language.

    `module` is the grammar's wheel and `factory` its function that returns the grammar. `tags` names the
    wheels whose `queries/tags.scm` apply, and `queries` our query files, which override them. `doc` says
    where documentation is: "docstring" (the first statement of the body) or "comment" (just above). With
    `upper_case_constants`, an upper-case variable is a constant. `walks` names the module here that
    finds what a query cannot. With `declares_encoding`, a comment at a file's beginning
    may tell its encoding. A language that is `preprocessed` has macros, which `c_macros` blanks before
    parsing. `directive` matches comments that are no documentation. `no_names` are words that the grammar
    takes for the names of types, and `reserved` those that are no name at all. In a language that
    `quotes_names`, a name may be in backticks, which are no part of it. Where it has
    `one_word_names`, one with white space is none: it may come from a string.
    """

    name: str
    module: str
    suffixes: tuple[str, ...]
    queries: tuple[str, ...]
    tags: tuple[str, ...]
    factory: str = "language"
    doc: str = "comment"
    upper_case_constants: bool = False
    interpreters: tuple[str, ...] = ()
    walks: str = ""
    declares_encoding: bool = False
    preprocessed: bool = False
    directive: bytes = b""
    no_names: tuple[str, ...] = ()
    reserved: frozenset[str] = frozenset()
    quotes_names: bool = False
    one_word_names: bool = False


# Below a syntax error, the grammars of C and C++ take `if (a) {` for a function.
_RESERVED = frozenset({
    "if", "else", "for", "while", "do", "switch", "case", "default", "return", "break", "continue", "goto",
    "sizeof", "struct", "union", "enum", "typedef", "extern", "static", "const", "volatile", "unsigned",
    "signed", "int", "char", "long", "short", "float", "double", "void",
})  # fmt: skip

_LANGUAGES = (
    Language(
        name="python",
        module="tree_sitter_python",
        suffixes=(".py", ".pyi", ".pyw"),
        queries=("python",),
        tags=("tree_sitter_python",),
        doc="docstring",
        upper_case_constants=True,
        interpreters=("python", "pypy"),
        walks="python",
        declares_encoding=True,
    ),
    Language(
        name="javascript",
        module="tree_sitter_javascript",
        suffixes=(".js", ".mjs", ".cjs", ".jsx"),
        queries=("javascript", "jsx", "ecmascript"),
        tags=("tree_sitter_javascript",),
        walks="ecmascript",
        upper_case_constants=True,
        interpreters=("node", "nodejs", "bun"),
    ),
    Language(
        name="typescript",
        module="tree_sitter_typescript",
        suffixes=(".ts", ".mts", ".cts"),
        queries=("typescript", "ecmascript"),
        tags=("tree_sitter_typescript", "tree_sitter_javascript"),
        factory="language_typescript",
        walks="ecmascript",
        upper_case_constants=True,
        interpreters=("deno", "ts-node", "tsx"),
    ),
    Language(
        name="tsx",
        module="tree_sitter_typescript",
        suffixes=(".tsx",),
        queries=("typescript", "jsx", "ecmascript"),
        tags=("tree_sitter_typescript", "tree_sitter_javascript"),
        factory="language_tsx",
        walks="ecmascript",
        upper_case_constants=True,
    ),
    Language(
        name="rust",
        module="tree_sitter_rust",
        suffixes=(".rs",),
        queries=("rust",),
        tags=("tree_sitter_rust",),
    ),
    Language(
        name="go",
        module="tree_sitter_go",
        suffixes=(".go",),
        queries=("go",),
        tags=("tree_sitter_go",),
        directive=rb"//(?:[a-z0-9]+:[a-z0-9]|line |export |extern )",
    ),
    Language(
        name="java",
        module="tree_sitter_java",
        no_names=("var",),
        suffixes=(".java",),
        queries=("java",),
        tags=(),
    ),
    Language(
        name="c",
        module="tree_sitter_c",
        suffixes=(".c", ".h"),
        queries=("c",),
        tags=(),
        preprocessed=True,
        reserved=_RESERVED,
    ),
    Language(
        name="cpp",
        module="tree_sitter_cpp",
        suffixes=(".cc", ".cpp", ".cxx", ".c++", ".hh", ".hpp", ".hxx", ".h++", ".ipp", ".tpp", ".inl"),
        queries=("cpp", "c"),
        tags=(),
        preprocessed=True,
        reserved=_RESERVED
        | {"catch", "try", "throw", "class", "namespace", "template", "typename", "using", "new"},
    ),
    Language(
        name="csharp",
        one_word_names=True,
        module="tree_sitter_c_sharp",
        suffixes=(".cs",),
        queries=("c_sharp",),
        tags=(),
        reserved=frozenset({"("}),
    ),
    Language(
        name="kotlin",
        module="tree_sitter_kotlin",
        suffixes=(".kt", ".kts"),
        queries=("kotlin",),
        tags=(),
        quotes_names=True,
    ),
    Language(
        name="scala",
        module="tree_sitter_scala",
        suffixes=(".scala", ".sc"),
        queries=("scala",),
        tags=(),
        quotes_names=True,
    ),
    Language(
        name="swift",
        module="tree_sitter_swift",
        suffixes=(".swift",),
        queries=("swift",),
        tags=(),
        quotes_names=True,
    ),
    Language(
        name="ruby",
        one_word_names=True,
        module="tree_sitter_ruby",
        suffixes=(".rb", ".rake", ".gemspec"),
        queries=("ruby",),
        tags=(),
        interpreters=("ruby", "jruby"),
    ),
    Language(
        name="php",
        one_word_names=True,
        module="tree_sitter_php",
        suffixes=(".php", ".phtml"),
        no_names=("self", "static", "parent"),
        queries=("php",),
        tags=(),
        factory="language_php",
        interpreters=("php",),
    ),
    Language(
        name="lua",
        one_word_names=True,
        module="tree_sitter_lua",
        suffixes=(".lua",),
        queries=("lua",),
        tags=(),
        interpreters=("lua", "luajit"),
    ),
    Language(
        name="bash",
        one_word_names=True,
        module="tree_sitter_bash",
        suffixes=(".sh", ".bash"),
        queries=("bash",),
        tags=(),
        upper_case_constants=True,
        interpreters=("sh", "bash", "dash", "ksh"),
    ),
)

LANGUAGES = {language.name: language for language in _LANGUAGES}
_BY_SUFFIX = {suffix: language.name for language in _LANGUAGES for suffix in language.suffixes}
_BY_INTERPRETER = {name: language.name for language in _LANGUAGES for name in language.interpreters}
_SHEBANG = pattern(rb"#![ \t]*(?:\S*/)?([^/\s]+)(?:[ \t]+(.*))?")


@cache
def _cpp_only() -> tuple[re.Pattern[bytes], ...]:
    """What only C++ has, compiled for the first `.h` file: it takes milliseconds."""
    return (
        # One such line makes it C++. The search may start at every line, so each attempt is bounded and does
        # not backtrack.
        re.compile(
            rb"^[ \t]*+(?:class\s+\w[^;(){}:]{0,1000}+[{:]|namespace\b[^;={]{0,1000}+\{|template\s*<"
            rb"|using\s+[\w:]{1,1000}\s*+[=;:]|using\s+namespace\b"
            rb"|(?:public|private|protected|signals|Q_SIGNALS)\s*:|extern\s+\"C\+\+\""
            rb"|enum\s+(?:class|struct)\s+\w|virtual\s+[\w~]|friend\s+(?:class|struct)\b|typename\s|explicit\s+\w"
            rb"|(?:struct|union)\s++\w++(?:\s+\w++)?\s*+:\s*+(?:public|private|protected|virtual|[A-Za-z_])"
            rb"|(?:static\s+|inline\s+){0,3}constexpr\s|static_assert\s*\([^;]{0,200}+std::"
            rb"|\#[ \t]*include[ \t]*<(?:string|vector|map|set|memory|utility|functional|iostream|ostream"
            rb"|istream|sstream|algorithm|array|atomic|mutex|thread|chrono|optional|variant|tuple|unordered_map|unordered_set|list|deque"
            rb"|type_traits|limits|exception|stdexcept|new|cstd\w+|cassert|cstring|string_view)>)",
            re.MULTILINE,
        ),
        # The name of an operator, as in `bool operator==(`.
        re.compile(rb"operator[ \t]?(?:[-+*/<>=!]=?|\[\]|\(\))[ \t]?\([\w: \t]*[ \t&*]"),
    )


def language_of(path: str) -> str:
    """The language by the name of `path`, or "". Suffixes ignore case (`.PY`), except that `.C` is C++."""
    dot = path.rfind(".")
    # Without a stem (`.py`, `lib/.py`) it is a name, not a suffix.
    if dot <= 0 or path[dot - 1] == "/":
        return ""
    suffix = path[dot:]
    language = _BY_SUFFIX.get(suffix)
    if language is None:
        language = "cpp" if suffix in (".C", ".H") else _BY_SUFFIX.get(suffix.lower(), "")
    return language


@cache
def has_parser(name: str) -> bool:
    """Whether the wheel with the grammar of the language `name` is installed."""
    return find_spec(LANGUAGES[name].module) is not None


def language_of_shebang(head: bytes) -> str:
    """The language by a script's first line (`#!…`), or ""."""
    if not head.startswith(b"#!"):
        return ""
    match = _SHEBANG.match(head.split(b"\n", 1)[0])
    if not match:
        return ""
    words = [match[1], *(match[2] or b"").split()]
    if words[0] == b"env":
        # `env -S FOO=1 python3 -u`: the program is the first word that is neither option nor setting.
        words = [word for word in words[1:] if not word.startswith(b"-") and b"=" not in word]
    if not words:
        return ""
    program = words[0].rpartition(b"/")[2].decode("ascii", "replace").rstrip("0123456789.")
    return _BY_INTERPRETER.get(program, "")


def language_of_content(name: str, source: bytes) -> str:
    """The language by content: a `.h` file with a line that only C++ can have is C++, not C."""
    if name == "c" and any(only.search(source) for only in _cpp_only()):
        return "cpp"
    return name
