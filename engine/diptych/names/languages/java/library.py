"""What Java's own library says of itself: containers and their members, and what is based on what."""

from __future__ import annotations

from diptych.names.annotations import ARRAY
from diptych.names.rules import Types

_NUMBERS = ("byte", "short", "int", "long", "float", "double")
_BOXES = {
    "int": "Integer",
    "char": "Character",
    **{name: name.capitalize() for name in _NUMBERS if name != "int"},
}
_ORDERED = ("Comparable", "Serializable")
_WIDENED = {
    **{name: (*_NUMBERS[at + 1 :], _BOXES[name], "Number", *_ORDERED) for at, name in enumerate(_NUMBERS)},
    "char": (*_NUMBERS[2:], "Character", *_ORDERED),
    "boolean": ("Boolean", *_ORDERED),
}

_SEQUENCES = (
    "List", "ArrayList", "LinkedList", "Collection", "Set", "HashSet", "LinkedHashSet", "TreeSet",
    "SortedSet", "NavigableSet", "Queue", "Deque", "ArrayDeque", "PriorityQueue", "Iterable", "Vector",
    "Stack", "CopyOnWriteArrayList", "AbstractList", "EnumSet",
)  # fmt: skip
_MAPPINGS = (
    "Map", "HashMap", "LinkedHashMap", "TreeMap", "SortedMap", "NavigableMap", "ConcurrentMap",
    "ConcurrentHashMap", "EnumMap", "WeakHashMap", "IdentityHashMap", "Hashtable",
)  # fmt: skip
_HOLDERS = (
    "Optional", "Supplier", "AtomicReference", "ThreadLocal", "WeakReference", "SoftReference", "Reference",
    "Future", "CompletableFuture", "Callable",
)  # fmt: skip
_ITERATORS = ("Iterator", "ListIterator", "Enumeration")

_OF_SEQUENCES = {
    **dict.fromkeys(
        ("get", "remove", "getFirst", "getLast", "first", "last", "peek", "poll", "pop", "element",
         "removeFirst", "removeLast", "pollFirst", "pollLast", "peekFirst", "peekLast",
         "firstElement", "lastElement", "set", "elementAt"),
        "=>[_0]",
    ),
    **dict.fromkeys(("iterator", "listIterator", "descendingIterator"), "=>[Iterator[_0]]"),
    **dict.fromkeys(("subList", "descendingSet", "headSet", "tailSet"), "=>[List[_0]]"),
    **dict.fromkeys(("stream", "parallelStream"), "=>[Stream[_0]]"),
    **dict.fromkeys(("size", "indexOf", "lastIndexOf"), "=>[int]"),
    **dict.fromkeys(("contains", "isEmpty", "add", "addAll", "offer"), "=>[boolean]"),
    "toArray": f"=>[{ARRAY}[_0]]",
}  # fmt: skip
_OF_MAPPINGS = {
    **dict.fromkeys(
        ("get", "remove", "put", "getOrDefault", "putIfAbsent", "computeIfAbsent", "merge"), "=>[_1]"
    ),
    **dict.fromkeys(("keySet", "navigableKeySet"), "=>[Set[_0]]"),
    **dict.fromkeys(("firstKey", "lastKey"), "=>[_0]"),
    **dict.fromkeys(("firstEntry", "lastEntry", "floorEntry", "ceilingEntry"), "=>[Entry[_0, _1]]"),
    "values": "=>[Collection[_1]]",
    "entrySet": "=>[Set[Entry[_0, _1]]]",
    "size": "=>[int]",
    "containsKey": "=>[boolean]",
    "isEmpty": "=>[boolean]",
}
_OF_STREAMS = {
    **dict.fromkeys(("filter", "distinct", "sorted", "limit", "skip", "peek"), "=>[Stream[_0]]"),
    **dict.fromkeys(("findFirst", "findAny", "min", "max"), "=>[Optional[_0]]"),
    "iterator": "=>[Iterator[_0]]",
}
_OF_STRINGS = {
    **dict.fromkeys(("length", "indexOf", "lastIndexOf", "compareTo", "codePointAt", "hashCode"), "=>[int]"),
    **dict.fromkeys(("equals", "startsWith", "endsWith", "isEmpty", "contains", "matches"), "=>[boolean]"),
    **dict.fromkeys(
        ("substring", "trim", "toString", "replace", "replaceAll", "toLowerCase", "toUpperCase", "concat",
         "intern", "strip", "repeat"),
        "=>[String]",
    ),
    "charAt": "=>[char]",
    "toCharArray": f"=>[{ARRAY}[char]]",
    "getBytes": f"=>[{ARRAY}[byte]]",
    "split": f"=>[{ARRAY}[String]]",
}  # fmt: skip


def _of_box(name: str, box: str) -> dict[str, str]:
    limits = ("MIN_VALUE", "MAX_VALUE", "NaN", "POSITIVE_INFINITY", "NEGATIVE_INFINITY")
    return {**dict.fromkeys(limits, name), "valueOf": f"=>[{box}]", f"{name}Value": f"=>[{name}]"}


_ELEMENTS = {
    f"{container}.{name}": member
    for containers, members in (
        (_SEQUENCES, _OF_SEQUENCES),
        (_MAPPINGS, _OF_MAPPINGS),
        (_HOLDERS, dict.fromkeys(("get", "orElse", "orElseThrow", "orElseGet", "call", "join"), "=>[_0]")),
        (_ITERATORS, dict.fromkeys(("next", "previous", "nextElement"), "=>[_0]")),
        (("Stream",), _OF_STREAMS),
        (("Entry",), {"getKey": "=>[_0]", "getValue": "=>[_1]", "setValue": "=>[_1]"}),
        (("String",), _OF_STRINGS),
        (("Class",), dict.fromkeys(("getName", "getSimpleName", "getTypeName"), "=>[String]")),
        (("System",), {"lineSeparator": "=>[String]", "getProperty": "=>[String]"}),
        *(((box,), _of_box(name, box)) for name, box in _BOXES.items()),
        (
            ("*",),
            {
                "toString": "=>[String]",
                "hashCode": "=>[int]",
                "equals": "=>[boolean]",
                "getClass": "=>[Class]",
            },
        ),
        ((ARRAY,), {"length": "int", "clone": f"=>[{ARRAY}[_0]]"}),
    )
    for container in containers
    for name, member in members.items()
}

_LISTS, _SETS = ("List", "Collection", "Iterable"), ("Set", "Collection", "Iterable")
_SORTED = ("SortedSet", *_SETS)
_SUPERS = {
    "String": ("CharSequence", "Comparable", "Serializable"),
    "StringBuilder": ("CharSequence", "Appendable", "Serializable"),
    "StringBuffer": ("CharSequence", "Appendable", "Serializable"),
    "StringReader": ("Reader", "Readable", "Closeable", "AutoCloseable"),
    "StringWriter": ("Writer", "Appendable", "Closeable", "Flushable", "AutoCloseable"),
    "Class": ("Type", "AnnotatedElement", "GenericDeclaration", "Serializable"),
    ARRAY: ("Cloneable", "Serializable"),
    **{box: (name, *_WIDENED[name]) for name, box in _BOXES.items()},
    "Boolean": ("boolean", *_ORDERED),
    "Collection": ("Iterable",),
    "List": _LISTS[1:],
    "ArrayList": _LISTS,
    "LinkedList": (*_LISTS, "Deque", "Queue"),
    "Set": _SETS[1:],
    "HashSet": _SETS,
    "LinkedHashSet": _SETS,
    "SortedSet": _SETS,
    "TreeSet": ("NavigableSet", *_SORTED),
    "HashMap": ("Map",),
    "LinkedHashMap": ("HashMap", "Map"),
    "TreeMap": ("NavigableMap", "SortedMap", "Map"),
}

TYPES = Types(
    wrappers=frozenset(),
    unions=frozenset({"|"}),
    nothing=frozenset({"null", "void"}),
    of_classes=frozenset({"type"}),
    containers=frozenset(
        {*_SEQUENCES, *_MAPPINGS, *_HOLDERS, *_ITERATORS, "Stream", "Entry", "Class", ARRAY}
    ),
    mappings=frozenset(_MAPPINGS),
    awaited=frozenset(),
    plain=frozenset({*_NUMBERS, "char", "boolean"}),
    own=frozenset(),
    constructors=(),
    elements=_ELEMENTS,
    may_be_defined=True,
    widened=_WIDENED,
    roots=frozenset({"Object"}),
    supers=_SUPERS,
    loose=frozenset({"=>"}),
)
