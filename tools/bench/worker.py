"""A contestant in a process of its own: neither its threads, its memory nor its imports touch another's.

The parent calls methods of an object that lives in the child, over a pipe, and waits for each answer.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import traceback
from typing import Any

from tools.bench.agree import AnswersDifferError
from tools.guard import HANG_S


class NotInstalledError(Exception):
    """The peer's package is not here: the row says so and goes on."""


class ContestantError(Exception):
    """The contestant failed; the message is its traceback."""


def _serve(pipe: Any, factory: str, arguments: tuple[Any, ...]) -> None:
    module, _, name = factory.partition(":")
    held: dict[str, Any] = {}

    def handle(method: str, args: tuple[Any, ...]) -> tuple[str, Any]:
        # BaseException: a panic of native code arrives as one, and is that contestant's failure.
        try:
            if method == "__init__":
                held["object"] = getattr(importlib.import_module(module), name)(*args)
                return "done", None
            return "done", getattr(held["object"], method)(*args)
        except ImportError as error:
            return "missing", str(error)
        except AnswersDifferError as error:
            return "differs", str(error)
        except BaseException as error:
            return "failed", f"{type(error).__name__}: {error}\n{traceback.format_exc()}"

    pipe.send(handle("__init__", arguments))
    while True:
        try:
            method, args = pipe.recv()
        except EOFError:
            break
        if method == "__exit__":
            break
        pipe.send(handle(method, args))
    pipe.close()
    # Without the interpreter's clean-up: what a contestant left open must not cost the run its time.
    os._exit(0)


class Worker:
    """The object `factory` ("module:name") makes of `arguments`, in a child process.

    The child is forked from a small server that has imported next to nothing; `fresh` starts a new
    interpreter instead, for figures of memory. Raises NotInstalledError, ContestantError, or the child's
    AnswersDifferError.
    """

    def __init__(self, factory: str, *arguments: Any, fresh: bool = False) -> None:
        context = multiprocessing.get_context("spawn" if fresh else "forkserver")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, factory, arguments), daemon=False)
        self._process.start()
        theirs.close()
        try:
            self._receive()
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        """The child's process id."""
        return int(self._process.pid or 0)

    def call(self, method: str, *args: Any) -> Any:
        """The result of that method there. Raises what the class says."""
        self._pipe.send((method, args))
        return self._receive()

    def _receive(self) -> Any:
        try:
            kind, value = self._pipe.recv()
        except (EOFError, ConnectionResetError) as error:
            self._process.join()
            raise ContestantError(f"the process ended with code {self._process.exitcode}") from error
        if kind == "missing":
            raise NotInstalledError(value)
        if kind == "differs":
            raise AnswersDifferError(value)
        if kind == "failed":
            raise ContestantError(value)
        return value

    def close(self) -> None:
        """End the child."""
        with contextlib.suppress(OSError):
            self._pipe.send(("__exit__", ()))
        self._process.join(timeout=HANG_S)
        if self._process.is_alive():
            self.kill()
        self._pipe.close()

    def kill(self) -> None:
        """End the child as a crash would."""
        self._process.kill()
        self._process.join()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
