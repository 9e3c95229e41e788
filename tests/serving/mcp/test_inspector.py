"""The server under another client: the Inspector's command line (npm: @modelcontextprotocol/inspector)."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest
from tests.cli.command import COMMAND, ENGINE, environment
from tests.serving.mcp.conftest import Asking
from tests.support.waiting import HANG_S

from diptych.serving.mcp.catalogue import TOOLS

_INSPECTOR = shutil.which("mcp-inspector")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(_INSPECTOR is None, reason="there is no mcp-inspector (npm)"),
]


def inspected(ask: Asking, *arguments: str) -> Any:
    """What the Inspector prints of a request."""
    assert _INSPECTOR is not None
    # It gives a server no environment but this. A loaded machine may need longer than its 15 seconds.
    options = ["--cli", "--connect-timeout", str(int(HANG_S * 1000)), "-e", f"PYTHONPATH={ENGINE}"]
    done = subprocess.run(
        [_INSPECTOR, *options, *COMMAND, "mcp", str(ask.root), "--no-keeper", *arguments],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=HANG_S,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_the_inspector_lists_and_calls_the_tools(ask: Asking) -> None:
    listed = inspected(ask, "--method", "tools/list")
    assert [tool["name"] for tool in listed["tools"]] == list(TOOLS)
    call = ("--method", "tools/call", "--tool-name", "search", "--tool-arg", "query=total")
    found = inspected(ask, *call)
    assert found["structuredContent"]["total"] == 2
    assert "shapes.py#total line 22" in found["content"][0]["text"]
    assert len(inspected(ask, "--method", "prompts/list")["prompts"]) == 3
