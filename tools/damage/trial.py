"""One damage tried: the store opened by a reader and a writer, read through every surface, and repaired."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from diptych import DiptychError, FileRecord, Store, repair, verify

from .cases import Case, apply
from .model import Answers, expected, make_record, read_all, refusals, shown, wrong_answers
from .samples import MANUAL, Sample

# What must not happen, in the order in which the worst is named.
VIOLATIONS = (
    "signal", "hang", "panic", "exception", "wrong", "lost", "blessed", "unrepaired", "given-up-needlessly",
    "unnoticed",
)  # fmt: skip
FINE = ("error", "healed", "prefix", "same")


@dataclass
class Outcome:
    """What came of one case: a word of VIOLATIONS or FINE, and for a violation what happened."""

    case: Case
    word: str = "same"
    details: list[str] = field(default_factory=list)
    errors: set[str] = field(default_factory=set)
    """The types of the errors met."""
    repaired: str = ""
    """What repair said, where it was asked: "whole" or "gave up"."""

    def worsen(self, word: str, detail: str = "") -> None:
        """Take `word` if it is worse than what is known."""
        order = [*VIOLATIONS, *FINE]
        if order.index(word) < order.index(self.word):
            self.word = word
        if detail:
            self.details.append(f"{word}: {detail}")


class _Warnings(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002 - the handler's contract
        self.count += 1


class Trial:
    """Tries cases on copies of one sample in a directory of its own."""

    def __init__(self, sample: Sample, directory: str, foreign_root: str = "") -> None:
        self.sample, self.foreign_root = sample, foreign_root
        self.copy = os.path.join(directory, "copy")
        self.wanted: dict[int, Answers] = {}
        self.warnings = _Warnings()
        logger = logging.getLogger("diptych")
        logger.handlers, logger.propagate = [self.warnings], False

    def run(self, case: Case, *, writing: bool = True, verifying: bool = True) -> Outcome:
        """Try one case. What is not an error of Diptych's own ends up in the outcome as well."""
        outcome = Outcome(case)
        if case.kind == "cut" and case.file.startswith("segments/") and case.at % 4:
            # A wrong size is all that there is to notice: the dearer steps for one length in four.
            verifying = False
        steps: list[tuple[str, Callable[[Case, Outcome], None]]] = [("reader", self._reader)]
        if writing:
            steps.append(("writer", self._writer))
        if verifying:
            steps.append(("verify", self._verify))
        for name, step in steps:
            self._guard(name, step, case, outcome)
        if outcome.word == "error" and verifying:
            self._guard("repair", self._repair, case, outcome)
        shutil.rmtree(self.copy, ignore_errors=True)
        return outcome

    def _guard(self, name: str, step: Callable[[Case, Outcome], None], case: Case, outcome: Outcome) -> None:
        try:
            self._damaged_copy(case)
            self.warnings.count = 0
            step(case, outcome)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            word = "panic" if type(error).__name__ == "PanicException" else "exception"
            outcome.worsen(word, f"{name}: {_chain(error)}")

    def _damaged_copy(self, case: Case) -> None:
        shutil.rmtree(self.copy, ignore_errors=True)
        clone(self.sample.path, self.copy)
        if case.kind == "delete-directory":
            shutil.rmtree(os.path.join(self.copy, case.file))
        else:
            apply(case, self.copy, self.foreign_root)

    # -- the steps ----------------------------------------------------------------------------------

    def _reader(self, case: Case, outcome: Outcome) -> None:
        try:
            store = Store.open(self.copy, read_only=True)
        except DiptychError as error:
            _refused(outcome, error)
            return
        with store:
            self._judge("reader", store, case, outcome)

    def _writer(self, case: Case, outcome: Outcome) -> None:
        try:
            store = Store.open(self.copy, create=False, policy=MANUAL)
        except DiptychError as error:
            _refused(outcome, error)
            return
        with store:
            if not self._judge("writer", store, case, outcome):
                return
            # The dearest step: for one byte in four where the damage was not met at all.
            if outcome.word != "same" or case.kind not in ("flip", "cut") or case.at % 4 == 0:
                self._go_on(store, outcome)

    def _go_on(self, store: Store, outcome: Outcome) -> None:
        """Commit, publish, and read again: a generation built from damaged bytes would answer wrongly."""
        lsn = store.lsn
        added = make_record("added/later.py", lsn, _Fixed(), symbols=1)
        try:
            with store.transaction() as txn:
                txn.index_file(added)
            store.checkpoint()
            store.close()
        except DiptychError as error:
            _refused(outcome, error)
            return
        state = {**self.sample.states[lsn], added.path: added}
        with Store.open(self.copy, read_only=True) as again:
            found = read_all(again, _ordered(state))
        for surface, error in refusals(found).items():
            outcome.worsen("blessed", f"{surface} after a checkpoint: {error}")
        for sentence in wrong_answers(found, expected(state, lsn + 1)):
            outcome.worsen("blessed", f"after a checkpoint: {sentence}")

    def _verify(self, case: Case, outcome: Outcome) -> None:
        try:
            noticed = bool(verify(self.copy).findings)
        except DiptychError:
            noticed = True
        if noticed or self._looks_right(case):
            return
        if _changes(case, self.sample.path, self.foreign_root):
            outcome.worsen("unnoticed", "verify finds nothing wrong")

    def _looks_right(self, case: Case) -> bool:
        """Whether the damage leaves what a store may well look like: then there is nothing to notice."""
        in_journal = case.file.startswith("journal/")
        return (
            case.file == "LOCK"
            # A torn end, where nothing says that it was whole, or where it held no transaction; zeros behind.
            or (in_journal and (not self.sample.proven or case.kind in ("grow", "cut")))
            # What is trimmed looks so; what is read is the same, or the reader's step has said so.
            or (case.kind == "delete" and in_journal)
            or (case.kind == "delete" and case.file.startswith("generations/"))
            or (case.kind == "delete-directory" and case.file == "generations")
            # What repair alone reads, and only where the first copy is damaged.
            or (os.path.dirname(case.file) == "segments" and len(os.path.basename(case.file)) < 64)
        )

    def _repair(self, case: Case, outcome: Outcome) -> None:
        try:
            report = repair(self.copy)
        except DiptychError as error:
            outcome.worsen("unrepaired", f"repair: {_chain(error)}")
            return
        outcome.repaired = "gave up" if report.given_up else "whole"
        if report.given_up and not case.file.startswith("journal") and case.file != "segments":
            outcome.worsen("given-up-needlessly", "; ".join(report.given_up))
        try:
            store = Store.open(self.copy, create=False, policy=MANUAL)
        except DiptychError as error:
            outcome.worsen("unrepaired", f"opening after a repair: {_chain(error)}")
            return
        with store:
            files: dict[str, FileRecord] = {file.path: file for file in store.files()}
            if not report.given_up and files != self.sample.states[-1]:
                outcome.worsen("lost", "repair gave nothing up, and what is there differs")
            for file in files.values():
                if all(state.get(file.path) != file for state in self.sample.states):
                    outcome.worsen("wrong", f"after a repair: {shown(file)} was never written")
            found = read_all(store, _ordered(files))
            for surface, error in refusals(found).items():
                outcome.worsen("unrepaired", f"{surface} after a repair: {_chain(error)}")
            for sentence in wrong_answers(found, expected(files, store.lsn)):
                outcome.worsen("wrong", f"after a repair: {sentence}")
        if not verify(self.copy).ok:
            outcome.worsen("unrepaired", f"verify after a repair: {verify(self.copy).findings}")

    def _judge(self, mode: str, store: Store, case: Case, outcome: Outcome) -> bool:
        """Compare every answer with the model's at the store's LSN; whether to go on with this store."""
        lsn, newest = store.lsn, len(self.sample.states) - 1
        if lsn > newest:
            outcome.worsen("wrong", f"{mode}: LSN {lsn}, and {newest} is the newest")
            return False
        if lsn < newest:
            # Where nothing durable says how far the journal reached, damage to its end is a torn write.
            if self.sample.proven or not case.file.startswith("journal") or lsn < self.sample.base_lsn:
                outcome.worsen("lost", f"{mode}: opened at LSN {lsn} instead of {newest}")
                return False
            outcome.worsen("prefix")
        found = read_all(store, _ordered(self.sample.states[lsn]))
        for error in refusals(found).values():
            _refused(outcome, error)
        if lsn not in self.wanted:
            self.wanted[lsn] = expected(self.sample.states[lsn], lsn)
        wrong = wrong_answers(found, self.wanted[lsn])
        for sentence in wrong:
            outcome.worsen("wrong", f"{mode}: {sentence}")
        if any(finding.severity.value != "note" for finding in store.recovery) or self.warnings.count:
            outcome.worsen("healed")
        return not wrong


class _Fixed:
    """Stands in for a random generator where a record needs no variety."""

    def choice(self, some: Any) -> Any:
        return some[0]

    def randint(self, low: int, _high: int) -> int:
        return low


def clone(source: str, target: str) -> None:
    """A copy of a store; files that are never written in place are hard links."""
    for directory, names, files in os.walk(source):
        below = os.path.join(target, os.path.relpath(directory, source))
        os.makedirs(below, exist_ok=True)
        names.sort()
        linked = "generations" in directory or "segments" in directory
        for name in files:
            there, here = os.path.join(directory, name), os.path.join(below, name)
            if linked:
                os.link(there, here)
            else:
                shutil.copyfile(there, here)


def _changes(case: Case, store: str, foreign_root: str) -> bool:
    """Whether the damage leaves other bytes than before: a predecessor may be equal."""
    if case.kind not in ("predecessor", "exchange", "foreign", "zeros"):
        return True
    with open(os.path.join(store, case.file), "rb") as file:
        data = file.read()
    if case.kind == "zeros":
        return any(data)
    root = foreign_root if case.kind == "foreign" else store
    with open(os.path.join(root, case.other), "rb") as file:
        return file.read() != data


def _ordered(state: Any) -> list[str]:
    return sorted(state, key=lambda path: path.encode("utf-8", "surrogateescape"))


def _refused(outcome: Outcome, error: DiptychError) -> None:
    outcome.worsen("error")
    outcome.errors.add(type(error).__name__)
    cause: BaseException | None = error
    while cause is not None:
        if type(cause).__name__ == "PanicException":
            outcome.worsen("panic", f"behind {error!r}")
        cause = cause.__cause__


def _chain(error: BaseException) -> str:
    """An error and where it was raised, and what caused it."""
    parts = []
    cause: BaseException | None = error
    while cause is not None:
        trace, where = cause.__traceback__, ""
        while trace is not None:
            code = trace.tb_frame.f_code
            where = f"{os.path.basename(code.co_filename)}:{trace.tb_lineno}"
            trace = trace.tb_next
        parts.append(f"{type(cause).__name__}({cause}) at {where}")
        cause = cause.__cause__
    return " <- ".join(parts)
