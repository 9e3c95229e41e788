"""The server as a process, asked by the SDK's own client over its transports, and by odd messages."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import ClientSession, MCPError, ResourceUpdatedNotification, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from tests.cli.command import COMMAND, environment, error_output
from tests.serving.mcp.conftest import Asking
from tests.support.waiting import HANG_S, pause, wait_until

from diptych.serving.mcp.catalogue import TOOLS
from diptych.serving.mcp.prompts import PROMPTS
from diptych.workspace.coordinator import Ready
from diptych.workspace.holder import holder
from diptych.workspace.keeper import KeeperState, keeper_state
from diptych.workspace.keeper.state import write_state


def over_stdio(
    root: Path, asked: Callable[[ClientSession], Awaitable[Any]], *options: str, heard: Any = None
) -> Any:
    """Run `asked` with a session of a server of its own."""
    command, *arguments = COMMAND
    parameters = StdioServerParameters(
        command=command, args=[*arguments, "mcp", str(root), *options], env=environment()
    )

    async def run() -> Any:
        async with stdio_client(parameters) as (incoming, outgoing):
            async with ClientSession(incoming, outgoing, message_handler=heard) as session:
                await session.initialize()
                return await asked(session)

    return asyncio.run(asyncio.wait_for(run(), HANG_S))


def text_of(result: Any) -> str:
    (content,) = result.content
    found: str = content.text
    return found


def test_a_session_from_an_unindexed_repository_to_an_edit_that_is_known(root: Path) -> None:
    """The first minute of an agent: a server, a keeper, an index, an edit."""

    async def asked(session: ClientSession) -> None:
        listed = await session.list_tools()
        assert [tool.name for tool in listed.tools] == list(TOOLS)
        early = await session.call_tool("search", {"query": "total"})
        assert early.structured_content is not None
        assert early.structured_content["freshness"]["lsn"] in (0, 1)
        status = await session.call_tool("status", {"wait_s": 60})
        assert "index ready · LSN 1 · 4 files" in text_of(status)
        found = await session.call_tool("search", {"query": "total"})
        assert found.structured_content is not None
        assert found.structured_content["total"] == 2
        (root / "pkg/new.py").write_text("def brand_new(): pass\n")
        while True:
            found = await session.call_tool("search", {"query": "brand_new"})
            assert found.structured_content is not None
            if found.structured_content["total"]:
                break
        changed = await session.call_tool("changed", {})
        assert "+ brand_new line 1 function" in text_of(changed)
        wrong = await session.call_tool("serch", {})
        assert wrong.is_error

    over_stdio(root, asked)
    store = str(root / ".diptych")
    said = keeper_state(store)
    assert said is not None
    assert said.is_keeper
    # Without its client it ends by itself; this test does not wait a minute for that.
    os.kill(said.pid, 15)
    wait_until(lambda: not holder(store))


def test_resources_and_prompts(ask: Asking) -> None:
    async def asked(session: ClientSession) -> None:
        (status,) = (await session.list_resources()).resources
        told = await session.read_resource(status.uri)
        assert "4 files" in told.contents[0].text  # type: ignore[union-attr]
        templates = (await session.list_resource_templates()).resource_templates
        assert {one.name for one in templates} == {"outline", "symbol"}
        told = await session.read_resource("diptych://outline/shapes.py")
        assert "class Square" in told.contents[0].text  # type: ignore[union-attr]
        told = await session.read_resource("diptych://symbol/shapes.py%23total")
        assert "return sum(" in told.contents[0].text  # type: ignore[union-attr]
        for uri in ("diptych://nope", "diptych://outline/nope.py", "file:///etc/passwd"):
            with pytest.raises(MCPError):
                await session.read_resource(uri)
        prompts = (await session.list_prompts()).prompts
        assert [one.name for one in prompts] == list(PROMPTS)
        for prompt in prompts:
            names = [one.name for one in prompt.arguments or ()]
            made = await session.get_prompt(prompt.name, dict.fromkeys(names, "{odd} value"))
            assert "{odd} value" in made.messages[0].content.text  # type: ignore[union-attr]
            with pytest.raises(MCPError, match="needs"):
                await session.get_prompt(prompt.name, {})

    over_stdio(ask.root, asked, "--no-keeper")


# Of the protocol's older versions, which most agents speak.
@pytest.mark.filterwarnings("ignore:resources/(un)?subscribe is removed")
def test_who_subscribed_to_the_status_is_told_when_it_changes(ask: Asking) -> None:
    told = asyncio.Event()

    async def heard(message: Any) -> None:
        if isinstance(message, ResourceUpdatedNotification) and str(message.params.uri) == "diptych://status":
            told.set()

    async def asked(session: ClientSession) -> None:
        with pytest.raises(MCPError):
            await session.subscribe_resource("diptych://outline/shapes.py")
        await session.subscribe_resource("diptych://status")
        told.clear()
        # A keeper of another process comes up.
        while not told.is_set():
            said = KeeperState(os.getpid(), Ready(9, 4, 0.0), 1, heartbeat_s=time.monotonic())
            write_state(str(ask.root / ".diptych"), said)
            await asyncio.to_thread(pause)
        await session.unsubscribe_resource("diptych://status")

    over_stdio(ask.root, asked, "--no-keeper", heard=heard)


@contextmanager
def served(root: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [*COMMAND, "mcp", str(root), "--no-keeper", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=HANG_S)


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 7,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    },
}


def test_odd_messages_before_initialize_do_not_end_it(ask: Asking) -> None:
    odd = [
        b"",
        b"not json",
        b"[]",
        b"null",
        b'{"jsonrpc":"2.0"}',
        b'{"jsonrpc":"2.0","id":1,"method":"probe/anything","params":{}}',
        b'{"jsonrpc":"2.0","id":2,"method":"tools/list"}',
        b'{"jsonrpc":"2.0","method":"notifications/odd"}',
        b"\xff\xfe\x00",
        b'{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":5}}',
        b"{" * 10_000,
    ]
    with served(ask.root) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"".join(message + b"\n" for message in odd))
        process.stdin.write(json.dumps(INITIALIZE).encode() + b"\n")
        process.stdin.flush()
        answers = []
        for line in process.stdout:
            answers.append(json.loads(line))
            if answers[-1].get("id") == 7:
                break
        assert answers[-1]["result"]["serverInfo"]["name"] == "diptych"
        assert all("error" in one or "result" in one for one in answers)
        process.stdin.close()
        process.stdin = None
        process.wait(HANG_S)
        assert process.returncode == 0, "it ends with its client"


def test_it_ends_with_its_client_while_a_question_waits(ask: Asking) -> None:
    waiting = {"name": "status", "arguments": {"wait_s": 60}}
    messages = [
        INITIALIZE,
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 8, "method": "tools/call", "params": waiting},
        # Answered while the other one waits.
        {"jsonrpc": "2.0", "id": 9, "method": "tools/list"},
    ]
    with served(ask.root) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"".join(json.dumps(one).encode() + b"\n" for one in messages))
        process.stdin.flush()
        assert any(json.loads(line).get("id") == 9 for line in process.stdout)
        closed_s = time.monotonic()
        process.stdin.close()
        process.stdin = None
        process.wait(HANG_S)
        assert process.returncode == 0
        assert time.monotonic() - closed_s < waiting["arguments"]["wait_s"] / 2  # type: ignore[index]


def test_several_agents_over_http_on_this_machine_alone(ask: Asking) -> None:
    with served(ask.root, "--http", "127.0.0.1:0") as process:
        assert process.stderr is not None
        said = process.stderr.readline().decode()
        assert said.startswith("diptych: serving at http://127.0.0.1:"), said
        url = said.split()[-1]

        async def one() -> int:
            async with streamable_http_client(url) as streams:
                async with ClientSession(streams[0], streams[1]) as session:
                    await session.initialize()
                    found = await session.call_tool("search", {"query": "total"})
                    assert found.structured_content is not None
                    total: int = found.structured_content["total"]
                    return total

        async def several() -> list[int]:
            return list(await asyncio.gather(one(), one(), one()))

        assert asyncio.run(asyncio.wait_for(several(), HANG_S)) == [2, 2, 2]
        port = int(url.rpartition(":")[2].partition("/")[0])
        assert _status(port, {"Origin": "http://evil.example"}) == 403
        assert _status(port, {"Host": "evil.example"}) == 421
        assert _status(port, {"Origin": f"http://127.0.0.1:{port}"}) == 200


def _status(port: int, headers: dict[str, str]) -> int:
    body = json.dumps(INITIALIZE).encode()
    sent = {
        "Host": f"127.0.0.1:{port}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    with socket.create_connection(("127.0.0.1", port), timeout=HANG_S) as connection:
        connection.sendall(f"POST /mcp HTTP/1.1\r\n{lines}\r\n".encode() + body)
        return int(connection.makefile("rb").readline().split()[1])


def test_what_cannot_be_served_is_one_sentence(root: Path, tmp_path: Path) -> None:
    assert "is not an address of this machine alone" in error_output(
        "mcp", "--http", "0.0.0.0:1", cwd=root, code=2
    )
    assert "is not HOST:PORT" in error_output("mcp", "--http", "nowhere", cwd=root, code=2)
    assert "is not a folder" in error_output("mcp", str(tmp_path / "gone"), cwd=root, code=2)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = error_output("mcp", "--no-keeper", "--http", f"127.0.0.1:{port}", cwd=root, code=7)
    assert f"127.0.0.1:{port}" in said
    assert "another program listens there: choose another port" in said


_HIDDEN = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name == "mcp":
            raise ModuleNotFoundError("No module named 'mcp'", name="mcp")

sys.meta_path.insert(0, Hidden())
"""


def test_without_the_package_the_command_to_install_it_is_named(root: Path, tmp_path: Path) -> None:
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden/sitecustomize.py").write_text(_HIDDEN)
    path = os.pathsep.join([str(tmp_path / "hidden"), environment()["PYTHONPATH"]])
    done = subprocess.run(
        [sys.executable, "-m", "diptych", "mcp", str(root)],
        env=environment(PYTHONPATH=path),
        capture_output=True,
        check=False,
        timeout=HANG_S,
    )
    said = done.stderr.decode()
    assert "Traceback" not in said
    assert "pip install 'diptych[mcp]'" in said
    assert not (root / ".diptych").exists(), "nothing is started for a server that cannot run"


PAGE = (Path(__file__).resolve().parents[3] / "docs/agents.md").read_text()


def _snippets() -> list[tuple[str, list[str]]]:
    """The command and arguments of each snippet on the page."""
    found = []
    for kind, block in re.findall(r"^```(json|toml)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        value = json.loads(block) if kind == "json" else tomllib.loads(block)
        (servers,) = value.values()
        (server,) = servers.values()
        found.append((server["command"], server["args"]))
    for line in re.findall(r"^claude mcp add \S+ -- (.*)$", PAGE, re.MULTILINE):
        command, *arguments = line.split()
        found.append((command, arguments))
    return found


def test_each_snippet_of_the_page_starts_a_server(ask: Asking) -> None:
    snippets = _snippets()
    assert len(snippets) == 6
    told = {"${workspaceFolder}": str(ask.root)}
    commands = {(command, *(told.get(one, one) for one in arguments)) for command, arguments in snippets}
    for command, *arguments in sorted(commands):
        assert command == "diptych", "the command that the package installs"
        done = subprocess.run(
            [*COMMAND, *arguments, "--no-keeper"],
            cwd=ask.root,
            env=environment(),
            input=json.dumps(INITIALIZE).encode() + b"\n",
            capture_output=True,
            check=False,
            timeout=HANG_S,
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout.splitlines()[0])["result"]["serverInfo"]["name"] == "diptych"


def test_the_page_has_each_tool_with_what_it_takes() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE, re.MULTILINE))
    assert list(rows) == list(TOOLS)
    for name, tool in TOOLS.items():
        takes = set(tool.takes.model_fields) - {"max_tokens"}
        assert set(re.findall(r"`(\w+)`", rows[name])) <= takes
        assert takes - set(re.findall(r"`(\w+)`", rows[name])) <= {"limit"}
