"""The second step of recovery: from what was found to what to do. Pure: no input, no output.

The rules, in order:

1. A store of a newer format or another schema is refused as it is.
2. The base is the newest generation whose segments each have intact records or an intact search index, if
   the journal continues from it without a gap. Records that are not intact are rebuilt from the search index
   of their segment. If neither is, or the journal after it has a gap and after an older one has none, the
   next older generation is tried. With no generation at all, the journal must begin with LSN 1.
3. The journal is replayed from the base to its end. A segment that a transaction adopted is used as those of
   the base are; where neither half of it is intact, that is a gap. Bytes at the end that are no frame are a
   torn write, and are cut off, only if no intact frame after them says that they were synced, no later
   journal file claims them, and no generation and no clean-shutdown marker says that the journal went
   further. Otherwise the store is corrupt, and opening says so.
4. What recovery would have to discard to open the store, it does not open: that is for repair, to which the
   same plan says what would be lost.
"""

from __future__ import annotations

from collections.abc import Iterator

from diptych.journal.reader import TailKind
from diptych.store.recovery.found import (
    FoundGeneration,
    FoundJournalFile,
    FoundSegment,
    FoundTransaction,
    Scan,
)
from diptych.store.report import Finding, Severity
from diptych.values import Value

REPAIR = "run `diptych repair`; with --dry-run it says first what it would do"
NEXT_CHECKPOINT = "nothing: everything can be read; the next checkpoint or `diptych repair` heals it"
SET_ASIDE = "nothing: opening the store for writing or `diptych repair` sets it aside"


class NeedMore(Value):
    """There is no plan yet: the journal must be read from this older LSN first."""

    journal_from: int


class Plan(Value):
    """What to do. `fatal` is why the store cannot be opened without discarding something; "" when it can."""

    base: FoundGeneration | None = None
    replay: tuple[FoundTransaction, ...] = ()
    cut: FoundJournalFile | None = None
    """The journal file whose end is cut off, and kept aside."""
    append_to: FoundJournalFile | None = None
    """The journal file to continue in; None to begin a new one."""
    last_lsn: int = 0
    chain: int = 0
    rewrite_identity: bool = False
    fatal: str = ""
    findings: tuple[Finding, ...] = ()
    reported: frozenset[str] = frozenset()
    """The paths of the journal files whose problem is among the findings."""
    lost: tuple[str, ...] = ()
    """What cannot be brought back, a sentence each."""
    fresh: bool = False
    """Nothing was ever committed here, and the store is not complete: make it again."""


def make_plan(scan: Scan) -> Plan | NeedMore:
    """What to do about what was found."""
    if _never_finished(scan):
        return Plan(fresh=True)
    attempts = []
    for base in [*(g for g in scan.generations if g.usable), None]:
        if (base.lsn if base else 0) < scan.journal_from:
            return NeedMore(base.lsn if base else 0)
        attempts.append(_Replay(scan, base))
        if not attempts[-1].gap:
            replay, fatal = attempts[-1], ""
            break
    else:
        # None continues without a gap. The one that reaches furthest loses least; of equals the newest base.
        replay = max(attempts, key=lambda attempt: attempt.last_lsn)
        fatal = replay.gap
    return _plan_replay(scan, replay, fatal)


def cut_off(scan: Scan, plan: Plan) -> list[FoundGeneration]:
    """The generations after which the journal has a gap: useless as a fallback if the base is lost later.

    The scan has read all of the journal.
    """
    if plan.fatal:
        return []
    return [g for g in scan.generations if g.usable and g is not plan.base and _Replay(scan, g).gap]


def _never_finished(scan: Scan) -> bool:
    """Whether the store's making was interrupted: the identity comes last, and nothing came before it."""
    return (
        scan.identity_missing
        and not scan.generations
        and not scan.segment_names
        and scan.closed is None
        and not scan.strays
        and all(f.first_lsn == 1 and not f.problem and f.read and f.last_lsn == 0 for f in scan.journal)
        and all(not f.unfinished and f.tail and f.tail.kind is TailKind.CLEAN for f in scan.journal)
    )


class _Replay:
    """What the journal has to add to a base: the transactions, up to the first gap."""

    def __init__(self, scan: Scan, base: FoundGeneration | None) -> None:
        self.base = base
        self.last_lsn = base.lsn if base else 0
        self.chain = base.manifest.chain if base and base.manifest else 0
        self.transactions: list[FoundTransaction] = []
        self.used: FoundJournalFile | None = None
        self.gap = ""
        self.gap_at: FoundJournalFile | None = None
        """The file whose problem the gap is."""
        self.lost_segment: FoundSegment | None = None
        """The adopted segment without which it does not continue."""
        self._scan = scan
        after = [f for f in scan.journal if f.first_lsn > self.last_lsn or f.last_lsn >= self.last_lsn]
        for file in after:
            self._follow(file)
            if self.gap:
                return
        # A checkpoint begins a journal file before it publishes, and a store is made with one.
        promised = max((g.lsn for g in scan.generations if not g.foreign), default=0)
        if not any(f.first_lsn == promised + 1 for f in scan.journal) or self.used is None:
            self.gap = f"the journal after LSN {promised} is missing"

    def _follow(self, file: FoundJournalFile) -> None:
        if file.header is None or file.misnamed:
            self.gap, self.gap_at = file.problem, file
            return
        if file.first_lsn > self.last_lsn + 1:
            self.gap = f"the journal lacks LSN {self.last_lsn + 1} to {file.first_lsn - 1}"
            return
        if file.first_lsn == self.last_lsn + 1 and file.header.chain != self.chain:
            self.gap = f"{file.path} does not follow the frame before it"
            return
        self.used = file
        for transaction in file.transactions:
            if transaction.lsn > self.last_lsn:
                self._refuse_lost(transaction)
                if self.gap:
                    return
                self.transactions.append(transaction)
                self.last_lsn = transaction.lsn
        self.last_lsn = max(self.last_lsn, file.last_lsn)
        self.chain = file.chain
        if file.problem:
            self.gap, self.gap_at = file.problem, file


    def _refuse_lost(self, transaction: FoundTransaction) -> None:
        """It does not continue with a transaction that adopted a segment of which no half is intact."""
        for segment in self._scan.adopted_by(transaction):
            if not segment.usable:
                self.lost_segment = segment
                self.gap = (
                    f"the segment {segment.listed.digest}, which LSN {transaction.lsn} adopted, is damaged: "
                    f"{segment.records_problem}; it has {_range_of(segment)}"
                )
                return


def _range_of(segment: FoundSegment) -> str:
    """How many records a segment has, and from which key to which."""
    seal = segment.listed.seal
    first, last = (key.decode("utf-8", "backslashreplace") for key in (seal.first_key, seal.last_key))
    return f"{seal.records:,} records from {first!r:.200} to {last!r:.200}"


def _plan_replay(scan: Scan, replay: _Replay, gap: str) -> Plan:
    """The plan for a base and what the journal adds to it; `gap` is why it would not be all."""
    known = [g.manifest.identity for g in scan.generations if g.manifest]
    # An older generation may be of an older version of the schema: the newest says which it is.
    one_store = len({identity.store_id for identity in known}) == 1
    rewrite_identity = scan.identity is None and one_store
    fatal = gap
    if scan.identity is None and not rewrite_identity:
        fatal = fatal or f"{scan.identity_problem}, and nothing else says what the store is"
    findings = [*_identity_findings(scan, known_elsewhere=bool(known)), *_generation_findings(scan)]
    findings += _fallback_findings(scan, replay)
    reported = set()
    for segment in (one for transaction in replay.transactions for one in scan.adopted_by(transaction)):
        findings += _segment_findings(segment)
    if fatal and replay.lost_segment is not None:
        findings.append(Finding("adopted-lost", replay.lost_segment.path, Severity.ERROR, fatal, REPAIR))
    elif fatal:
        findings.append(_journal_finding(replay.gap or scan.path, fatal, Severity.ERROR))
        reported |= {replay.gap_at.path} if replay.gap_at is not None else set()
    lost = []
    proven = _proven_lsn(scan)
    # Rule 3: whether the journal's end is a torn write or a loss.
    if replay.last_lsn < proven:
        lost.append(f"the transactions of LSN {replay.last_lsn + 1} to {proven}")
        if not fatal:
            fatal = f"the journal ends at LSN {replay.last_lsn}, and once reached LSN {proven}"
            findings.append(_journal_finding(scan.path, fatal, Severity.ERROR))
    elif fatal:
        lost.append(f"the transactions after LSN {replay.last_lsn}, if there were any")
    if replay.lost_segment is not None:
        lost.append(_range_of(replay.lost_segment))
    cut = None
    last = scan.journal[-1] if scan.journal else None
    for file in () if fatal else scan.journal:
        if file is last and file.end < file.size:
            cut = file
            message = f"{file.size - file.end:,} bytes of a transaction that was not committed are set aside"
            findings.append(Finding("journal-torn", file.path, Severity.NOTE, message))
        elif file.problem:
            # Nothing of it is needed any more.
            findings.append(_journal_finding(file.path, file.problem, Severity.WARNING))
            reported.add(file.path)
    return Plan(
        base=replay.base,
        replay=tuple(replay.transactions),
        cut=cut,
        append_to=None if fatal else replay.used,
        last_lsn=replay.last_lsn,
        chain=replay.chain,
        rewrite_identity=rewrite_identity,
        fatal=fatal,
        findings=tuple(findings),
        reported=frozenset(reported),
        lost=tuple(lost),
    )


def _identity_findings(scan: Scan, *, known_elsewhere: bool) -> Iterator[Finding]:
    if scan.identity is None:
        severity = Severity.WARNING if known_elsewhere else Severity.ERROR
        advice = NEXT_CHECKPOINT if known_elsewhere else REPAIR
        yield Finding("identity-damaged", scan.path, severity, scan.identity_problem, advice)


def _generation_findings(scan: Scan) -> Iterator[Finding]:
    for stray in scan.strays:
        yield Finding("stray", stray.path, Severity.WARNING, stray.reason, SET_ASIDE)
    told: set[str] = set()
    for g in scan.generations:
        if g.problem:
            yield Finding("manifest-damaged", g.path, Severity.WARNING, g.problem, NEXT_CHECKPOINT)
        for segment in g.segments:
            # Generations share segments.
            if segment.path not in told:
                told.add(segment.path)
                yield from _segment_findings(segment)
    closed_problem = scan.closed_problem
    if scan.closed is not None and scan.store_id not in (None, scan.closed.store_id):
        closed_problem = "the clean-shutdown marker belongs to another store"
    if closed_problem:
        yield Finding("closed-mark-damaged", scan.path, Severity.WARNING, closed_problem, NEXT_CHECKPOINT)


def _segment_findings(segment: FoundSegment) -> Iterator[Finding]:
    if segment.seal_problem:
        advice = "nothing: opening the store for writing or `diptych repair` writes it again"
        yield Finding("seal-damaged", segment.path, Severity.WARNING, segment.seal_problem, advice)
    for kind, problem in (
        ("snapshot-damaged", segment.records_problem),
        ("search-damaged", segment.search_problem),
    ):
        if problem:
            yield Finding(kind, segment.path, Severity.WARNING, problem, NEXT_CHECKPOINT)


def _fallback_findings(scan: Scan, replay: _Replay) -> Iterator[Finding]:
    base = replay.base
    for segment in base.segments if base is not None else ():
        if segment.records_problem:
            message = f"the records of {segment.path} are read from the search index"
            yield Finding("fallback", segment.path, Severity.WARNING, message, NEXT_CHECKPOINT)
    if scan.generations and base is not scan.generations[0]:
        source = f"the generation of LSN {base.lsn} and the journal" if base else "the journal alone"
        message = f"the newest generation cannot be used: reading {source}"
        yield Finding("fallback", scan.generations[0].path, Severity.WARNING, message, NEXT_CHECKPOINT)


def _journal_finding(where: str, message: str, severity: Severity) -> Finding:
    advice = REPAIR if severity is Severity.ERROR else NEXT_CHECKPOINT
    return Finding("journal-damaged", where, severity, message, advice)


def _proven_lsn(scan: Scan) -> int:
    """The LSN that something durable says the journal reached."""
    proofs = [g.lsn for g in scan.generations if g.manifest]
    proofs += [f.proven_lsn for f in scan.journal]
    if scan.closed is not None and (scan.identity is None or scan.closed.store_id == scan.identity.store_id):
        proofs.append(scan.closed.lsn)
    proofs += [f.tail.resumes_lsn for f in scan.journal if f.tail and f.tail.kind is TailKind.DAMAGED]
    return max(proofs, default=0)
