"""What differs between languages when names are followed from file to file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, Protocol

from diptych.names.facts import Binding
from diptych.names.source import Names, Source

# What a name may mean where it is used. A language may bind one name to several of these at once.
# `CALLED` is a function, in a language where a variable may have the same name.
# `TAG` is what follows `struct`. `HELD` is a field, where a method may have the same name. `OWN` is a member
# of a class itself, where its instances may have one of the same name.
VALUE, TYPE, SPACE, CALLED, TAG, HELD, OWN = 1, 2, 4, 8, 16, 32, 64
ANY = VALUE | TYPE | SPACE | CALLED | TAG | HELD | OWN

# When a name without a receiver may be a member of the class around it.
OWN_BODY, NEVER, WITH_BASES = range(3)


class ModulePath(Protocol):
    """From what an import says, or a package and a name, to the path of a file or, with a `/`, a folder."""

    def __call__(self, source: Source, from_path: str, name: str, /) -> str | None:
        """None if there is no such file."""


class Rules(NamedTuple):
    """One language's rules.

    With `by_flow`, a name may be bound again and again: the last binding before a use is the likeliest.
    `shares` says whether the file at a path sees another's names without an import. `members_seen` is one of
    the constants above. `builtins` are the names that exist without an import; None if any unknown name may
    be one. `is_exported` says whether a star import brings a name, and `spellings` what imports of a file may
    say. With `before_use`, a name in a function is seen after it is bound, not before. With `methods_apart`,
    a class has methods outside of its body, in any file that `shares` its names. `meaning` says what a
    binding may be used as; None if a name has one meaning. With `overloads`, functions have one name and
    differ in their parameters; the arguments decide, and what is called is `CALLED`. With `shadows`, a name
    may be bound again in one scope, and the last before a use counts. With `inner_items`, an import may name
    what is in a class. `includes` are what the name of a star import begins with that is a file's text, as if
    it were here: then names are declared in one file and defined in another, and namespaces are in many. With
    `hides`, a member of a class hides all of its name in the bases. `methods_near` says which files may have
    methods of a class in another, if not those that `shares` says. With `paths`, an import is a path that is
    followed part by part: through `crate`, `self`, `super`, modules and types. With `leads_to_files`, what an
    import says is where one file is, as `module_path` has it, or a package that the file is in.
    """

    module_path: ModulePath
    submodule_path: ModulePath
    by_flow: bool
    shares: Callable[[str, str], bool] | None
    members_seen: int
    builtins: frozenset[str] | None
    is_exported: Callable[[str], bool]
    spellings: Callable[[Source, str], Iterable[str]]
    types: Types
    before_use: bool = False
    methods_apart: bool = False
    platforms: tuple[str, ...] = ()
    """Modules of one platform, by the beginnings of their names: others come first."""
    meaning: Callable[[Names, Binding], int] | None = None
    overloads: bool = False
    shadows: bool = False
    inner_items: bool = False
    includes: tuple[str, ...] = ()
    hides: bool = False
    methods_near: Callable[[str, str], bool] | None = None
    paths: bool = False
    leads_to_files: bool = False
    own_members: bool = False
    """A class has members that its instances have not, under names that both may use."""
    package_file: str = ""
    """The file that is a package itself, which sees the package's modules by their names."""
    families: bool = False
    """A member is the same as that of a class or an interface above, where one asks for its references."""
    own_exports: str = ""
    """The name by which a file means all that it gives to others."""

    def means(self, names: Names, binding: Binding | None, meaning: int) -> bool:
        """Whether a binding, or a module, can be what is used as `meaning`."""
        return binding is None or bool(self.meaning_of(names, binding) & meaning)

    def meaning_of(self, names: Names, binding: Binding) -> int:
        """All that a binding may be used as."""
        return self.meaning(names, binding) if self.meaning is not None else ANY


class Types(NamedTuple):
    """The types that a language has without a definition in source, as far as they say what is in them.

    `wrappers` are instances of their first argument, `unions` of any; `nothing` are left out of a union.
    `elements` are what members of a container are: `{"Map.get": "=>[_1]"}` returns its second argument. With
    `pointers`, an item of an instance is an instance. With `may_be_defined`, a class in source may have the
    name of any of them.

    Where arguments choose a function: `widened` says what else each simple type can be given as, the nearest
    first, and `supers` the same of others, complete; `roots` are what all types are based on; `loose` fit
    anywhere. The members of all types are in `elements` under `*`.
    """

    wrappers: frozenset[str]
    unions: frozenset[str]
    nothing: frozenset[str]
    of_classes: frozenset[str]
    containers: frozenset[str]
    mappings: frozenset[str]
    awaited: frozenset[str]
    plain: frozenset[str]
    own: frozenset[str]
    constructors: tuple[str, ...]
    call: tuple[str, ...] = ()
    item: tuple[str, ...] = ()
    arrow: tuple[str, ...] = ()
    """The methods that give what has the members that an instance has not by itself."""
    iterate: tuple[str, ...] = ()
    advance: tuple[str, ...] = ()
    enter: tuple[str, ...] = ()
    elements: Mapping[str, str] = {}
    pointers: bool = False
    may_be_defined: bool = False
    widened: Mapping[str, tuple[str, ...]] = {}
    roots: frozenset[str] = frozenset()
    supers: Mapping[str, tuple[str, ...]] = {}
    loose: frozenset[str] = frozenset()
    steps: Mapping[str, str] = {}
    """Types that are what a step from their argument gives: what a function returns, what a promise has."""
    keyed: frozenset[str] = frozenset()
    """Mappings whose items are members too."""
    any_member: str = ""
    """The name under which a type has what it says of all members of whatever name."""
    class_of: str = ""
    """The member of an instance that is its class."""
