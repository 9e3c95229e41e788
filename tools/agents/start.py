"""What a server costs from its start until an agent knows the tools."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

_REQUESTS = (
    {
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "tools.agents", "version": "1"},
        },
    },
    {"method": "notifications/initialized"},
    {"id": 2, "method": "tools/list"},
)


def sdk_cpu_s() -> float:
    """The processor time of importing the SDK alone, in seconds: what a server cannot be quicker than."""
    process = subprocess.Popen([sys.executable, "-c", "import mcp.server.lowlevel, mcp.server.stdio"])
    return _cpu_s(process)


def start_cpu_s(root: Path) -> float:
    """Start a server, ask it for its tools, and end it: its processor time in seconds."""
    process = subprocess.Popen(
        [sys.executable, "-m", "diptych", "mcp", "--no-keeper", str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    for request in _REQUESTS:
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **request}).encode() + b"\n")
    process.stdin.flush()
    for line in process.stdout:
        if json.loads(line).get("id") == 2:
            break
    process.stdin.close()
    process.stdout.read()
    process.stdout.close()
    return _cpu_s(process)


def _cpu_s(process: subprocess.Popen[bytes]) -> float:
    _, code, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(code)
    return usage.ru_utime + usage.ru_stime
