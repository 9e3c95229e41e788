"""The verdict is a pure function of the evidence: each reason alone, in pairs, and any evidence at all."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych.workspace.freshness.checks import Code, Outcome
from diptych.workspace.freshness.evidence import (
    Account,
    Differences,
    Evidence,
    GitNow,
    Problem,
    Recorded,
    StoreFound,
)
from diptych.workspace.freshness.policy import Action, Policy, decide
from diptych.workspace.freshness.verdict import CHECKS, Kind, Role, decided, judge

VERSIONS = {"diptych.indexer": "1", "tree_sitter_c": "0.24"}
SETTINGS = {"max_file_bytes": 100, "exclude": ("vendor/",)}
FRESH = Evidence(
    "/repository",
    "/repository/.diptych",
    StoreFound(store_id="ab", lsn=7, records=3),
    Account.COMPLETE,
    Recorded(7, VERSIONS, {"max_file_bytes": 100, "exclude": ["vendor/"]}, "c0", "main", 3),
    indexer=VERSIONS,
    settings=SETTINGS,
    git=GitNow("c0", "main", same_index=True),
    differences=Differences("git", files=3),
)


def _differ(evidence: Evidence, **more: Any) -> Evidence:
    assert evidence.differences is not None
    return replace(evidence, differences=replace(evidence.differences, **more))


# Each makes the fresh evidence one of that reason.
CHANGES = {
    Code.INDEXER_CHANGED: lambda e: replace(e, indexer={**VERSIONS, "tree_sitter_c": "0.25"}),
    Code.SETTINGS_CHANGED: lambda e: replace(e, settings={**SETTINGS, "max_file_bytes": 5}),
    Code.FILES_CHANGED: lambda e: _differ(e, changed=("a.c",)),
    Code.FILES_NEW: lambda e: _differ(e, new=("n.c", "o.c")),
    Code.FILES_GONE: lambda e: _differ(e, gone=("g.c",)),
    Code.FILES_UNREAD: lambda e: _differ(e, unread=9),
}
# Reasons given besides another: by themselves they decide nothing.
TOLD = {
    Code.BRANCH_CHANGED: lambda e: replace(e, git=replace(e.git, branch="topic")),
    Code.COMMIT_CHANGED: lambda e: replace(e, git=replace(e.git, commit="c1")),
    Code.STORE_MOVED_ON: lambda e: replace(e, account=Account.LAGGING),
    Code.BEING_WRITTEN: lambda e: replace(e, writer_pid=99),
}


def codes(evidence: Evidence) -> list[Code]:
    return [reason.code for reason in judge(evidence).reasons]


def test_fresh_evidence_is_fresh_without_a_reason() -> None:
    verdict = judge(FRESH)
    assert verdict.kind is Kind.FRESH
    assert verdict.reasons == ()
    assert verdict.sentence() == "the index is fresh"
    assert {test.outcome for test in verdict.tests} == {Outcome.PASSED, Outcome.SKIPPED}


@pytest.mark.parametrize("code", CHANGES)
def test_each_reason_alone_makes_it_stale(code: Code) -> None:
    evidence = CHANGES[code](FRESH)
    assert codes(evidence) == [code]
    assert judge(evidence).kind is Kind.STALE
    assert decided(evidence)


@pytest.mark.parametrize(("first", "second"), list(combinations(CHANGES, 2)))
def test_two_reasons_are_both_given(first: Code, second: Code) -> None:
    evidence = CHANGES[second](CHANGES[first](FRESH))
    assert set(codes(evidence)) == {first, second}
    assert judge(evidence).kind is Kind.STALE


@pytest.mark.parametrize("told", TOLD)
def test_what_is_only_told_leaves_it_fresh(told: Code) -> None:
    verdict = judge(TOLD[told](FRESH))
    assert verdict.kind is Kind.FRESH
    assert verdict.reasons == ()


@pytest.mark.parametrize("told", TOLD)
@pytest.mark.parametrize("code", CHANGES)
def test_what_is_only_told_goes_with_a_reason(code: Code, told: Code) -> None:
    evidence = TOLD[told](CHANGES[code](FRESH))
    assert set(codes(evidence)) == {code, told}


@pytest.mark.parametrize(
    ("evidence", "kind", "code"),
    [
        (replace(FRESH, store=StoreFound(Problem.MISSING, "no store")), Kind.MISSING, Code.MISSING),
        (
            replace(FRESH, store=StoreFound(Problem.INCOMPATIBLE, "newer")),
            Kind.INCOMPATIBLE,
            Code.INCOMPATIBLE,
        ),
        (replace(FRESH, store=StoreFound(Problem.CORRUPT, "damaged")), Kind.CORRUPT, Code.CORRUPT),
        (replace(FRESH, account=Account.NONE), Kind.STALE, Code.UNACCOUNTED),
        (replace(FRESH, account=Account.WORTHLESS), Kind.STALE, Code.INCOMPLETE),
        (replace(FRESH, account=Account.NONE, store=StoreFound()), Kind.MISSING, Code.MISSING),
        (replace(FRESH, root=""), Kind.STALE, Code.UNKNOWN_REPOSITORY),
        (replace(FRESH, root_problem="it is gone"), Kind.STALE, Code.UNKNOWN_REPOSITORY),
    ],
)
def test_what_ends_the_tests_early(evidence: Evidence, kind: Kind, code: Code) -> None:
    verdict = judge(CHANGES[Code.FILES_GONE](evidence))
    assert verdict.kind is kind
    assert [reason.code for reason in verdict.reasons] == [code]
    failed = [test.outcome for test in verdict.tests].index(Outcome.FAILED)
    assert {test.outcome for test in verdict.tests[failed + 1 :]} == {Outcome.SKIPPED}


def test_a_writer_makes_a_stale_index_locked_and_an_incomplete_one_building() -> None:
    stale = replace(CHANGES[Code.FILES_GONE](FRESH), writer_pid=99)
    assert judge(stale).kind is Kind.LOCKED
    assert judge(replace(stale, account=Account.LAGGING)).kind is Kind.BUILDING
    missing = replace(stale, store=StoreFound(Problem.MISSING, "no store"))
    assert judge(missing).kind is Kind.BUILDING
    assert "process 99" in judge(stale).sentence()


_paths = st.lists(st.sampled_from(["a.c", "b.c", "c.c", "d.c"]), max_size=4, unique=True).map(tuple)
_versions = st.dictionaries(st.sampled_from(sorted(VERSIONS)), st.sampled_from(["1", "2"]))
_settings = st.fixed_dictionaries(
    {"max_file_bytes": st.sampled_from([1, 2]), "exclude": st.sampled_from([(), ("a",)])}
)
_evidence = st.builds(
    Evidence,
    root=st.sampled_from(["", "/r"]),
    store_path=st.just("/r/.diptych"),
    store=st.builds(
        StoreFound,
        problem=st.sampled_from([None, None, None, *Problem]),
        message=st.just("so"),
        lsn=st.integers(0, 3),
        records=st.integers(0, 2),
    ),
    account=st.sampled_from([Account.COMPLETE, Account.COMPLETE, *Account]),
    recorded=st.builds(
        Recorded,
        lsn=st.integers(0, 3),
        indexer=_versions,
        settings=_settings,
        commit=st.sampled_from(["", "c"]),
        branch=st.sampled_from(["", "b"]),
        files=st.integers(0, 2),
    ),
    root_problem=st.sampled_from(["", "", "gone"]),
    indexer=st.none() | _versions,
    settings=st.none() | _settings,
    git=st.none()
    | st.builds(
        GitNow,
        commit=st.sampled_from(["", "c"]),
        branch=st.sampled_from(["", "b"]),
        same_index=st.booleans(),
        dirty=st.integers(0, 2),
        untracked=st.integers(0, 2),
    ),
    differences=st.none()
    | st.builds(
        Differences,
        by=st.sampled_from(["git", "stat"]),
        files=st.integers(0, 2),
        unread=st.integers(0, 1),
        new=_paths,
        changed=_paths,
        gone=_paths,
    ),
    writer_pid=st.none() | st.sampled_from([0, 7]),
)


@given(_evidence)
def test_same_evidence_same_verdict_with_reasons_exactly_when_not_fresh(evidence: Evidence) -> None:
    verdict = judge(evidence)
    assert judge(replace(evidence)) == verdict
    assert verdict.fresh == (not verdict.reasons)
    assert decided(evidence) == (not verdict.fresh)
    assert [test.name for test in verdict.tests] == [test.name for test in judge(FRESH).tests]
    for reason in verdict.reasons:
        assert reason.text
        assert not reason.text.endswith(".")


@given(_evidence)
def test_each_check_keeps_to_its_role_and_none_that_needs_more_is_made(evidence: Evidence) -> None:
    tests = judge(evidence).tests
    failed = [place for place, test in enumerate(tests) if test.outcome is Outcome.FAILED]
    assert len(failed) <= 1
    for place, (check, test) in enumerate(zip(CHECKS, tests, strict=True)):
        assert test.outcome is not Outcome.FAILED or check.role in (Role.STOPS, Role.DECIDES)
        made = getattr(evidence, check.needs) is not None
        if check.role is not Role.ALWAYS:
            made = made and not any(place > other for other in failed)
        assert (test.outcome is not Outcome.SKIPPED) == made


def test_every_check_needs_a_field_of_the_evidence_and_is_documented_in_its_place() -> None:
    assert {check.needs for check in CHECKS} <= {field.name for field in fields(Evidence)}
    page = (Path(__file__).parents[3] / "docs/freshness.md").read_text("utf-8")
    table = page.split("| check | what is compared | decides |\n|---|---|---|\n")[1].split("\n\n")[0]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()]
    written = [(name, decides) for names, _, decides in rows for name in names.split(", ")]
    assert written == [
        (check.name, "yes" if check.role in (Role.STOPS, Role.DECIDES) else "no") for check in CHECKS
    ]


@given(_evidence)
def test_more_differences_never_make_it_fresher(evidence: Evidence) -> None:
    found = evidence.differences or Differences("stat")
    worse = replace(evidence, differences=replace(found, changed=("more.c", *found.changed)))
    assert not judge(worse).fresh


@given(_evidence, st.booleans())
def test_policies_answer_silently_only_when_fresh_and_never_update_what_cannot_be_read(
    evidence: Evidence, may_build: bool
) -> None:
    verdict = judge(evidence)
    actions = {policy: decide(verdict, policy, may_build=may_build) for policy in Policy}
    assert actions[Policy.NEVER] is Action.ANSWER
    for policy in (Policy.AUTO, Policy.CHECK, Policy.REQUIRE):
        assert (actions[policy] is Action.ANSWER) == verdict.fresh
    assert actions[Policy.CHECK] is not Action.UPDATE
    assert actions[Policy.REQUIRE] in (Action.ANSWER, Action.REFUSE)
    if verdict.kind in (Kind.INCOMPATIBLE, Kind.CORRUPT):
        assert actions[Policy.AUTO] is Action.REFUSE
