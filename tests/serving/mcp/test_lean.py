"""The SDK without what a server on standard input never uses."""

from __future__ import annotations

import subprocess
import sys

_SCRIPT = """
import sys
from diptych.serving.mcp.lean import lean_imports
with lean_imports():
    import diptych.serving.mcp.run
from pydantic import BaseModel
import mcp_types
assert "defer_build" not in BaseModel.model_config
# A model that was not compiled says what is wrong as one that was.
found = mcp_types.CallToolRequestParams.model_validate({"name": "search", "arguments": {"query": "x"}})
assert found.arguments == {"query": "x"}
try:
    mcp_types.CallToolRequestParams.model_validate({"name": 5})
except ValueError as error:
    assert "name" in str(error)
else:
    raise AssertionError("a number is no name")
print(*sorted({"mcp.client", "mcp.server.mcpserver", "httpx2"} & set(sys.modules)))
"""


def test_what_is_not_needed_is_not_imported() -> None:
    run = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "\n", "")


def test_where_the_sdk_is_there_already_its_names_stay() -> None:
    script = (
        "import mcp\nfrom diptych.serving.mcp.lean import lean_imports\n"
        "with lean_imports():\n    import diptych.serving.mcp.run\n"
        "assert mcp.ClientSession and mcp.server.Server\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
