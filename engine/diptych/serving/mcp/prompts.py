"""Prompts: how to go about three common tasks with these tools."""

from __future__ import annotations

from typing import NamedTuple


class Prompt(NamedTuple):
    """A prompt; `text` has a place for each of its arguments."""

    about: str
    takes: dict[str, str]
    text: str


PROMPTS = {
    "explore": Prompt(
        "Find out how something works in this repository",
        {"topic": "What to find out about"},
        "Find out how this works in this repository: {topic}\n\n"
        "1. `search` for it; `outline` the files that matter.\n"
        "2. `symbol` with body=true for the two or three central symbols.\n"
        "3. `calls` in both directions to see the path through them.\n"
        "Cite path:line for each claim. Say which answers were partial or only [named].",
    ),
    "review_change": Prompt(
        "Review what changed since a commit",
        {"since": "A commit, branch or tag"},
        "Review what changed since {since}.\n\n"
        "1. `changed` with since={since}: which symbols were added, altered, removed.\n"
        "2. `impact` with git_range={since}: callers and tests that the change touches.\n"
        "3. For each removed or altered symbol, `references`: is every use still right?\n"
        "Report problems first, each with path:line; then the tests to run.",
    ),
    "plan_rename": Prompt(
        "Plan the rename of a symbol",
        {"symbol": "Its id or name", "new_name": "What it is to be called"},
        "Plan the rename of {symbol} to {new_name}; change nothing yet.\n\n"
        "1. `symbol` to get its id; if several have the name, ask which is meant.\n"
        "2. `references` with that id, all pages. Those marked [named] need a look at each.\n"
        "3. `search` for {new_name}: is the name taken where it would be visible?\n"
        "List the files with the lines to change, the doubtful ones apart.",
    ),
}
