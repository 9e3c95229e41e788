"""`python -m tools.bench.report RESULTS.json …`: one page, and a document's tables, from one run or more."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from tools.bench.report import markdown, page
from tools.bench.report.merge import merged


def main(arguments: Sequence[str] | None = None) -> int:
    """Write what is asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.report", description=__doc__)
    parser.add_argument("results", nargs="+", metavar="RESULTS.json")
    parser.add_argument("--page", default="", help="write the page here")
    parser.add_argument("--document", default="", help="put the tables between this document's marks")
    asked = parser.parse_args(arguments)
    runs = []
    try:
        for path in asked.results:
            with open(path, encoding="utf-8") as file:
                runs.append(json.load(file))
        plain = merged(runs)
        if asked.page:
            with open(asked.page, "w", encoding="utf-8") as file:
                file.write(page.render(plain))
        if asked.document:
            markdown.write(plain, asked.document)
    except (OSError, ValueError, KeyError) as error:
        print(f"no report can be made: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
