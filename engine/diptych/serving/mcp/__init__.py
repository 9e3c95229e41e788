"""The Model Context Protocol server: nine read-only questions for agents. Needs the extra `mcp`.

`index` is what the tools ask: the store, the files, the keeper. `tools` and `resolving` answer, `render`
makes an answer small enough, `inputs` says what a tool takes, `server` and `run` speak the protocol.
"""
