"""Records to put into a store, small and each different."""

from __future__ import annotations

from diptych import FileRecord, Range, Relation, Symbol, content_hash


def record(path: str, version: int = 0, *, symbols: int = 2, documentation: str = "") -> FileRecord:
    """What is known of `path` in its `version`: every field depends on both."""
    stem = path.rsplit("/", 1)[-1].split(".")[0] or "x"
    return FileRecord(
        path,
        content_hash(f"{path} {version}".encode("utf-8", "surrogateescape")),
        "python",
        [
            Symbol(
                f"{stem}_{version}_{number}",
                "function",
                Range(number, 0, number + 1, 4),
                "module",
                f"def {stem}_{version}_{number}()",
                documentation,
            )
            for number in range(symbols)
        ],
        [Relation("calls", "module", f"target_{version}", Range(1, 4, 1, 10))],
    )


def numbered(count: int, version: int = 0, *, first: int = 0) -> list[FileRecord]:
    """Records of `pkg/000.py` and so on."""
    return [record(f"pkg/{number:03d}.py", version) for number in range(first, first + count)]
