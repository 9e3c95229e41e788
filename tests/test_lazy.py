"""What is made when it is first used is made once, and is what it would have been."""

from __future__ import annotations

import errno
import importlib
import logging
import os
import pkgutil
import re
import sys
import threading
import types

import pytest
from tests.support.waiting import HANG_S

import diptych
from diptych import lazy


def test_a_pattern_matches_as_a_compiled_one() -> None:
    made, compiled = (
        lazy.pattern(r"([a-z]+)=(\d)", re.IGNORECASE),
        re.compile(r"([a-z]+)=(\d)", re.IGNORECASE),
    )
    for text in ("A=1", "a=1;b=2", "none"):
        assert made.findall(text) == compiled.findall(text)
        assert made.sub(r"\2", text) == compiled.sub(r"\2", text)
        assert bool(made.fullmatch(text)) == bool(compiled.fullmatch(text))
    assert (made.pattern, made.groups) == (compiled.pattern, compiled.groups)
    assert lazy.pattern(rb"a+").findall(b"caab") == [b"aa"]


def test_a_pattern_is_compiled_when_it_is_first_used(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    compile_ = re.compile
    monkeypatch.setattr(re, "compile", lambda text, flags: compiled.append(text) or compile_(text, flags))
    made = lazy.pattern("a+")
    assert compiled == []
    assert made.match("a")
    assert made.match("aa")
    assert compiled == ["a+"]
    with pytest.raises(re.error):
        lazy.pattern("(").match("a")


def test_the_names_of_a_package_are_imported_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    package, home = types.ModuleType("package"), types.ModuleType("package.home")
    home.__dict__["value"] = 5
    monkeypatch.setitem(sys.modules, "package", package)
    get = lazy.attributes("package", {"package.home": ("value",)})
    with pytest.raises(ModuleNotFoundError):
        get("value")
    monkeypatch.setitem(sys.modules, "package.home", home)
    assert get("value") == 5
    assert vars(package)["value"] == 5
    with pytest.raises(AttributeError, match="module 'package' has no attribute 'other'"):
        get("other")


def test_a_logger_logs_where_that_of_its_name_does(caplog: pytest.LogCaptureFixture) -> None:
    log = lazy.logger("diptych.test")
    with caplog.at_level(logging.INFO, logger="diptych.test"):
        log.info("found %d", 3)
    assert [(one.name, one.getMessage(), one.filename) for one in caplog.records] == [
        ("diptych.test", "found 3", "test_lazy.py")
    ]


def test_logging_is_prepared_once_before_the_first_message(caplog: pytest.LogCaptureFixture) -> None:
    prepared: list[int] = []
    lazy.before_logging(lambda: prepared.append(len(caplog.records)))
    for _ in range(2):
        lazy.logger("diptych.test").warning("it")
    assert prepared == [0]


def test_without_file_descriptors_what_falls_back_is_still_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class NoDescriptors:
        @staticmethod
        def find_spec(*_asked: object) -> None:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    log = lazy.logger("diptych.test")
    with monkeypatch.context() as patched:
        patched.delitem(sys.modules, "logging")
        patched.setattr(sys, "meta_path", [NoDescriptors])
        log.warning("healed %d of %s", 3, "\x1b[2Ja")
        log.debug("read")
    assert capsys.readouterr().err == "healed 3 of \\x1b[2Ja\n"


def test_who_logs_meanwhile_waits_until_it_is_prepared(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The first message of another thread must not be printed by nobody, or as `logging` prints it."""
    second = threading.Event()
    held: list[threading.Thread] = []

    class Noted:
        """Says when another thread than the first comes to it."""

        def __init__(self) -> None:
            self.lock = threading.RLock()

        def __enter__(self) -> None:
            if held:
                second.set()
            self.lock.acquire()

        def __exit__(self, *_: object) -> None:
            self.lock.release()

    def prepare() -> None:
        held.append(threading.Thread(target=lambda: lazy.logger("diptych").warning("the second")))
        held[0].start()
        assert second.wait(HANG_S)
        # As what prepares may do itself.
        lazy.logger("diptych").warning("prepared")

    monkeypatch.setattr(lazy, "RLock", Noted)
    lazy.before_logging(prepare)
    lazy.logger("diptych").warning("the first")
    held[0].join(HANG_S)
    said = [record.getMessage() for record in caplog.records]
    assert said[0] == "prepared"
    assert sorted(said[1:]) == ["the first", "the second"]


def test_what_could_not_be_prepared_is_prepared_by_the_next() -> None:
    prepared: list[int] = []

    def prepare() -> None:
        prepared.append(1)
        if len(prepared) == 1:
            raise OSError(errno.EMFILE, "too many open files")

    lazy.before_logging(prepare)
    for _ in range(3):
        lazy.logger("diptych").info("something")
    assert len(prepared) == 2


def _packages_with_names_made_when_asked_for() -> list[types.ModuleType]:
    found = pkgutil.walk_packages(diptych.__path__, "diptych.")
    packages = (importlib.import_module(one.name) for one in found if one.ispkg)
    return [one for one in packages if "__getattr__" in vars(one)]


def test_no_name_that_a_package_makes_later_is_that_of_a_module_in_it() -> None:
    # The import of the module would set the name first, to the module.
    packages = _packages_with_names_made_when_asked_for()
    assert packages
    for package in packages:
        modules = {one.name for one in pkgutil.iter_modules(package.__path__)}
        assert not modules.intersection(package.__all__), package.__name__
