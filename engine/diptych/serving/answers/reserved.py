"""Names that a rename must not give, since they are words of the language, or take away, since something that
is not in any file goes by them: the language itself, or a class outside of the repository.
"""

from __future__ import annotations

import builtins
import keyword
import re
from functools import cache
from importlib import import_module
from types import CodeType

_IDENTIFIER = re.compile(r"[^\W\d]\w*")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_C = _words(
    "auto break case char const continue default do double else enum extern float for goto if"
    " inline int long register restrict return short signed sizeof static struct switch typedef"
    " union unsigned void volatile while"
)
_SCRIPT = _words(
    "await break case catch class const continue debugger default delete do else enum export"
    " extends false finally for function if import in instanceof let new null return super switch"
    " static this throw true try typeof var void while with yield"
)
_KEYWORDS = {
    "python": frozenset(keyword.kwlist),
    "javascript": _SCRIPT,
    "typescript": _SCRIPT,
    "tsx": _SCRIPT,
    "go": _words(
        "break case chan const continue default defer else fallthrough for func go goto if import"
        " interface map package range return select struct switch type var"
    ),
    "java": _words(
        "abstract assert boolean break byte case catch char class const continue default do double"
        " else enum extends false final finally float for goto if implements import instanceof int"
        " interface long native new null package private protected public return short static"
        " strictfp super switch synchronized this throw throws transient true try void volatile"
        " while"
    ),
    "c": _C,
    "cpp": _C
    | _words(
        "alignas alignof and and_eq asm bitand bitor bool catch char8_t char16_t char32_t class"
        " compl concept consteval constexpr constinit const_cast co_await co_return co_yield"
        " decltype delete dynamic_cast explicit export false friend mutable namespace new noexcept"
        " not not_eq nullptr operator or or_eq private protected public reinterpret_cast requires"
        " static_assert static_cast template this thread_local throw true try typeid typename using"
        " virtual wchar_t xor xor_eq"
    ),
    "rust": _words(
        "Self abstract as async await become box break const continue crate do dyn else enum extern"
        " false final fn for if impl in let loop macro match mod move mut override priv pub ref"
        " return self static struct super trait true try type typeof unsafe unsized use virtual"
        " where while yield"
    ),
}
_SCRIPT_MEMBERS = _words("constructor toJSON toLocaleString toString valueOf")
# What the language or its library calls, in any class.
_MEMBERS = {
    "javascript": _SCRIPT_MEMBERS,
    "typescript": _SCRIPT_MEMBERS,
    "tsx": _SCRIPT_MEMBERS,
    "go": _words("Error Format GoString String Unwrap"),
    "java": _words(
        "clone equals finalize hashCode main readObject readResolve serialVersionUID toString"
        " writeObject writeReplace"
    ),
}
_FUNCTIONS = {"go": _words("init main"), "c": _words("main"), "cpp": _words("main"), "rust": _words("main")}

# Modules of Python's library whose classes others extend.
_LIBRARY = _words(
    "abc argparse ast cmd code codecs collections collections.abc configparser contextlib csv"
    " datetime decimal enum fractions html.parser http.server io json logging logging.handlers"
    " numbers optparse pickle queue random socketserver string threading typing unittest"
    " unittest.mock uuid weakref"
)
_BASES_OF_TUPLES = frozenset({"typing.NamedTuple", "typing_extensions.NamedTuple"})
# They are written as bases, and their members are for type checkers.
_BASES_WITHOUT_MEMBERS = frozenset(
    f"{module}.{name}"
    for module in ("typing", "typing_extensions")
    for name in ("Generic", "Protocol", "TypedDict")
)


def is_name(language: str, text: str) -> bool:
    """Whether a text can be a name in a language."""
    if language == "python":
        return text.isidentifier() and text not in _KEYWORDS[language]
    return bool(_IDENTIFIER.fullmatch(text.replace("$", "_"))) and text not in _KEYWORDS[language]


def is_special(language: str, name: str, *, is_member: bool) -> bool:
    """Whether a language, or its library, uses what has this name."""
    if language == "python":
        return name.startswith("__") and name.endswith("__")
    return name in (_MEMBERS if is_member else _FUNCTIONS).get(language, ())


def is_private(language: str, name: str) -> bool:
    """Whether no other class sees a member of that name, whatever it extends."""
    return language == "python" and name.startswith("__") and not name.endswith("__")


def may_have(language: str, base: str, name: str) -> bool:
    """Whether a class outside of all files may have, or use, a member of that name.

    `base` is its name, with its module's if it is imported. Of Python's own classes that is known.
    """
    if language != "python":
        return True
    if base in _BASES_WITHOUT_MEMBERS:
        return False
    if base in _BASES_OF_TUPLES:
        return hasattr(tuple, name) or name in ("_asdict", "_field_defaults", "_fields", "_make", "_replace")
    found = _class_named(base)
    return found is None or hasattr(found, name) or _is_used(found, name)


@cache
def _class_named(name: str) -> type | None:
    """A class of Python's library; None for any other name."""
    module, _, last = name.rpartition(".")
    if module and module not in _LIBRARY:
        return None
    found = getattr(import_module(module) if module else builtins, last, None)
    return found if isinstance(found, type) else None


def _is_used(owner: type, name: str) -> bool:
    """Whether methods of a class name a member, as `self.name`, or by the text it begins with (`visit_`)."""
    for code in _codes(owner):
        texts = (one for one in code.co_consts if isinstance(one, str) and one[:1] != "_")
        if name in code.co_names or any(one.endswith("_") and name.startswith(one) for one in texts):
            return True
    return False


@cache
def _codes(owner: type) -> list[CodeType]:
    members = [member for one in owner.__mro__ for member in vars(one).values()]
    functions = [getattr(one, "fget", None) or getattr(one, "__func__", one) for one in members]
    codes = (getattr(one, "__code__", None) for one in functions)
    return [one for one in codes if isinstance(one, CodeType)]
