"""The second step of recovery: from what was found to what to do. Pure: no input, no output.

The rules, in order:

1. A store of a newer format or another schema is refused as it is.
2. The base is the newest generation of which a leaf is whole, if the journal goes on from it without a gap.
   If its snapshot leaf is not whole, the snapshot is rebuilt from the search leaf. If neither is, or the
   journal behind it is not whole but an older one's is, the next older generation is tried. With no
   generation at all, the journal must begin with LSN 1.
3. The journal is replayed from the base to its end. Bytes at the end that are no frame are a torn write, and
   are cut off, only if no whole frame behind says that they were synced, no later segment claims them, and
   no generation and no mark of an orderly close says that the journal went further. Otherwise the store is
   corrupt, and says so.
4. What recovery would have to give up to open the store, it does not open: that is for repair, to which the
   same plan says what would be lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from diptych.journal.reader import TailKind
from diptych.store.recovery.found import FoundGeneration, FoundSegment, FoundTransaction, Scan
from diptych.store.report import Finding, Severity

REPAIR = "run `diptych repair`; with --dry-run it says first what it would do"
NEXT_CHECKPOINT = "nothing: everything can be read; the next checkpoint or `diptych repair` mends it"

SET_ASIDE = "nothing: opening the store for writing or `diptych repair` sets it aside"


@dataclass(slots=True)
class Plan:
    """What to do. `fatal` is why the store cannot be opened without giving something up; "" when it can."""

    base: FoundGeneration | None = None
    snapshot_from_search: bool = False
    replay: list[FoundTransaction] = field(default_factory=list)
    cut: FoundSegment | None = None
    """The segment whose end is cut off, and kept aside."""
    append_to: FoundSegment | None = None
    """The segment to go on in; None to begin a new one."""
    last_lsn: int = 0
    chain: int = 0
    rewrite_identity: bool = False
    fatal: str = ""
    findings: list[Finding] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """What cannot be brought back, a sentence each."""
    rescan_from: int | None = None
    """When set, there is no plan yet: the journal must be read from this older LSN first."""
    fresh: bool = False
    """Nothing was ever committed here, and the store is not complete: make it anew."""

    def note(self, kind: str, where: str, severity: Severity, message: str, advice: str = "") -> None:
        """Add a finding."""
        self.findings.append(Finding(kind, where, severity, message, advice))


def make_plan(scan: Scan) -> Plan:
    """What to do about what was found."""
    plan = Plan()
    if _never_finished(scan):
        plan.fresh = True
        return plan
    _plan_identity(scan, plan)
    _note_generations(scan, plan)
    candidates = [g for g in scan.generations if g.usable]
    attempts = []
    for base in [*candidates, None]:
        if (base.lsn if base else 0) < scan.journal_from:
            plan.rescan_from = base.lsn if base else 0
            return plan
        attempt = _Replay(scan, base)
        attempts.append(attempt)
        if not attempt.gap:
            break
    else:
        # None goes on without a gap. The one that reaches furthest loses least; of equals the newest base.
        attempts.sort(key=lambda a: a.last_lsn, reverse=True)
        plan.fatal = attempts[0].gap or "no generation is whole, and what is left of the journal is not all"
        attempts = attempts[:1]
    _adopt(scan, plan, attempts[-1])
    _plan_tail(scan, plan)
    return plan


def cut_off(scan: Scan, plan: Plan) -> list[FoundGeneration]:
    """The generations behind which the journal is not whole: no help where the plan's base is lost one day.

    The scan has read the whole journal.
    """
    if plan.fatal:
        return []
    return [g for g in scan.generations if g.usable and g is not plan.base and _Replay(scan, g).gap]


def _never_finished(scan: Scan) -> bool:
    """Whether the store's making was interrupted: the identity comes last, and nothing came before it."""
    return (
        scan.identity is None
        and scan.identity_problem.endswith("is gone")
        and not scan.generations
        and scan.closed is None
        and not scan.strays
        and all(s.first_lsn == 1 and not s.problem and s.read and s.last_lsn == 0 for s in scan.segments)
        and all(not s.unfinished and s.tail and s.tail.kind is TailKind.CLEAN for s in scan.segments)
    )


def _plan_identity(scan: Scan, plan: Plan) -> None:
    if scan.identity is not None:
        return
    known = [g.manifest.identity for g in scan.generations if g.manifest]
    plan.note(
        "identity-damaged",
        scan.path,
        Severity.WARNING if known else Severity.ERROR,
        scan.identity_problem,
        NEXT_CHECKPOINT if known else REPAIR,
    )
    if known and all(identity == known[0] for identity in known):
        plan.rewrite_identity = True
    else:
        plan.fatal = f"{scan.identity_problem}, and nothing else says what the store is"


def _note_generations(scan: Scan, plan: Plan) -> None:
    for path, message in scan.strays.items():
        plan.note("stray", path, Severity.WARNING, message, SET_ASIDE)
    for g in scan.generations:
        if g.problem:
            plan.note("manifest-damaged", g.path, Severity.WARNING, g.problem, NEXT_CHECKPOINT)
        if g.snapshot_problem:
            plan.note("snapshot-damaged", g.path, Severity.WARNING, g.snapshot_problem, NEXT_CHECKPOINT)
        if g.search_problem:
            plan.note("search-damaged", g.path, Severity.WARNING, g.search_problem, NEXT_CHECKPOINT)
    closed_problem = scan.closed_problem
    if scan.closed is not None and scan.store_id not in (None, scan.closed.store_id):
        closed_problem = "the mark of an orderly close belongs to another store"
    if closed_problem:
        plan.note("closed-mark-damaged", scan.path, Severity.WARNING, closed_problem, NEXT_CHECKPOINT)


class _Replay:
    """What the journal has to add to a base: the transactions, up to the first gap."""

    def __init__(self, scan: Scan, base: FoundGeneration | None) -> None:
        self.base = base
        self.last_lsn = base.lsn if base else 0
        self.chain = base.manifest.chain if base and base.manifest else 0
        self.transactions: list[FoundTransaction] = []
        self.used: FoundSegment | None = None
        self.gap = ""
        behind = [s for s in scan.segments if s.first_lsn > self.last_lsn or s.last_lsn >= self.last_lsn]
        for segment in behind:
            self._follow(segment)
            if self.gap:
                return
        # A checkpoint begins a segment before it publishes, and a store is made with one.
        promised = max((g.lsn for g in scan.generations if not g.foreign), default=0)
        if not any(s.first_lsn == promised + 1 for s in scan.segments) or self.used is None:
            self.gap = f"the journal behind LSN {promised} is gone"

    def _follow(self, segment: FoundSegment) -> None:
        if segment.header is None or segment.misnamed:
            self.gap = segment.problem
            return
        if segment.first_lsn > self.last_lsn + 1:
            self.gap = f"the journal lacks LSN {self.last_lsn + 1} to {segment.first_lsn - 1}"
            return
        if segment.first_lsn == self.last_lsn + 1 and segment.header.chain != self.chain:
            self.gap = f"{segment.path} does not follow on the frame before it"
            return
        self.used = segment
        for transaction in segment.transactions:
            if transaction.lsn > self.last_lsn:
                self.transactions.append(transaction)
                self.last_lsn = transaction.lsn
        self.last_lsn = max(self.last_lsn, segment.last_lsn)
        self.chain = segment.chain
        if segment.problem:
            self.gap = segment.problem


def _adopt(scan: Scan, plan: Plan, replay: _Replay) -> None:
    plan.base = replay.base
    plan.replay = replay.transactions
    plan.last_lsn, plan.chain = replay.last_lsn, replay.chain
    plan.append_to = replay.used
    if replay.base is not None and replay.base.snapshot_problem:
        plan.snapshot_from_search = True
        plan.note(
            "fallback",
            replay.base.path,
            Severity.WARNING,
            f"the snapshot leaf of LSN {replay.base.lsn} is read from the search leaf",
            NEXT_CHECKPOINT,
        )
    if scan.generations and replay.base is not scan.generations[0]:
        to = f"the generation of LSN {replay.base.lsn}" if replay.base else "the journal alone"
        plan.note(
            "fallback",
            scan.generations[0].path,
            Severity.WARNING,
            f"the newest generation cannot be used: going on from {to} and the journal",
            NEXT_CHECKPOINT,
        )
    if plan.fatal:
        plan.note("journal-damaged", replay.gap or scan.path, Severity.ERROR, plan.fatal, REPAIR)


def _plan_tail(scan: Scan, plan: Plan) -> None:
    """Rule 3: whether the journal's end is a torn write or a loss."""
    proven = _proven_lsn(scan)
    if plan.last_lsn < proven:
        plan.lost.append(f"the transactions of LSN {plan.last_lsn + 1} to {proven}")
        if not plan.fatal:
            plan.fatal = f"the journal ends at LSN {plan.last_lsn}, and once reached LSN {proven}"
            plan.note("journal-damaged", scan.path, Severity.ERROR, plan.fatal, REPAIR)
    elif plan.fatal:
        plan.lost.append(f"the transactions behind LSN {plan.last_lsn}, if there were any")
    last = scan.segments[-1] if scan.segments else None
    for segment in scan.segments:
        if segment is last and not plan.fatal and segment.end < segment.size:
            plan.cut = segment
            plan.note(
                "journal-torn",
                segment.path,
                Severity.NOTE,
                f"{segment.size - segment.end:,} bytes of a transaction that was not committed are set aside",
            )
        elif segment.problem and not plan.fatal:
            # Nothing of it is needed any more.
            plan.note("journal-damaged", segment.path, Severity.WARNING, segment.problem, NEXT_CHECKPOINT)
    if plan.fatal:
        plan.append_to = None


def _proven_lsn(scan: Scan) -> int:
    """The LSN that something durable says the journal reached."""
    proofs = [g.lsn for g in scan.generations if g.manifest]
    proofs += [s.proven_lsn for s in scan.segments]
    if scan.closed is not None and (scan.identity is None or scan.closed.store_id == scan.identity.store_id):
        proofs.append(scan.closed.lsn)
    proofs += [s.tail.resumes_lsn for s in scan.segments if s.tail and s.tail.kind is TailKind.DAMAGED]
    return max(proofs, default=0)
