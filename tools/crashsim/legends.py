"""What the names of workloads mean, for whoever reads a report without the source."""

from __future__ import annotations

LETTERS = {
    "n": "a transaction that stores a new file",
    "x": "one that replaces a file",
    "d": "one that removes a file",
    "t": "one that does all three",
    "b": "one that stores more than a frame of the journal holds",
    "w": "one that stores twenty new files",
    "y": "one that replaces two files, in turn",
    "l": "one that adopts a segment, and removes a file",
    "r": "a transaction that is rolled back",
    "k": "a checkpoint",
    "q": "close and reopen",
    "p": "close, repair, reopen",
    "s": "close, damage the newest snapshot, reopen",
    "f": "close, damage the newest search index, reopen",
    "v": "close, verify, reopen",
    "c": "a checkpoint that rewrites everything as one segment",
    "u": "a backup",
    "o": "a fork",
    "a": "a consumer reads everything and acknowledges it",
    "m": "close, open with a schema of another shape and back",
}

SETTINGS = {
    "full:": "durability “full”: each commit publishes a generation",
    "buffered:": "durability “buffered”: commits are synced in groups",
    "auto:": "checkpoints run beside the commits, every two changes",
    "format-1:": "the first letters were done by a version that wrote format 1; opening migrates the store",
}
NAMED = {
    "large": "n b x",
    "fold": "n k, twelve times: segments are folded",
    "reopen": "files replaced by writers that live for one commit each, whose segments are folded",
    "compact": "commits, checkpoints, and compactions with and without a change",
    "fold-removals": "commits, removals and checkpoints in turn, with the same end",
    "mix-1 … mix-8": "40 letters drawn from a seed",
}

# For each subject: how a name is read, and the parts that names are made of.
LEGENDS = {
    "diptych": (
        "A name is a word, one operation for each letter, in order: “nksp” commits a new file, publishes,"
        " damages the snapshot and repairs. What stands before a colon is how the store is opened.",
        {**LETTERS, **SETTINGS, **NAMED},
    ),
    "sharing": (
        "A name is a word, one operation for each letter, in order, on a remote in a folder, a store that is"
        " pulled into, and its forks.",
        {
            "P": "push the next content as branch/main",
            "Q": "push another content as pr/1",
            "D": "remove pr/1",
            "G": "collect without a grace, twice",
            "I": "install what branch/main names",
            "K": "commit to the installed store, then install, and keep that store aside",
            "F": "fork the installed store",
            "exchange:": "stores change places by one call",
            "renames:": "by two renames, as where the system has no such call",
        },
    ),
    "sqlite": (
        "SQLite in WAL mode.",
        {
            "three-commits": "three commits",
            "checkpoint": "two commits, a checkpoint, two commits",
            "rollback": "a commit, a rollback, a commit",
            "overwrite": "rows written over, with a checkpoint between",
            "shared-memory": "a commit without the exclusive lock",
            "normal": "as checkpoint, with synchronous=NORMAL",
        },
    ),
    "tantivy": (
        "tantivy-py by itself.",
        {
            "three-commits": "three commits",
            "reopen": "commits, with a close and an open after each",
            "delete": "commits of documents and of a removal",
            "merge": "ten commits, garbage collection, a commit",
        },
    ),
}
