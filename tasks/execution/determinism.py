"""The passes that make a verdict mean what a fresh process per suite would give.

That would cost n solutions x m suites, so sharing comes first and is then checked:

1. Each distinct program runs once over the union of its problem's distinct calls (one process) and checks (a
   process each).
2. It runs again in a container with another hash seed: the calls in reverse order; those that one suite
   repeats twice in a process of their own; each check twice, after some of the calls. Nearly every program
   does the same as before: its first outcomes are its truth.
3. One that did anything else, or ended so many processes that something was not tried, runs once a suite and
   hash seed, each time in a fresh process, the suite's cases in the suite's order. If both seeds agree, these
   outcomes are its truth; a call or check on which they do not has no result, and a program with such a call
   is flaky: the verdicts of other suites stand, but nothing of it becomes a label.

The second pass is included for every program that any label or score could rely on; left out are those
that came to nothing but limits and crashes.

With `Voters`, programs that do not end have little time unless their votes could win
(`tasks.execution.early_stop`). One that ran out of it is told by what both passes came to: where these
contradict each other it is flaky, and it never runs once a suite.

A check is code of the verifier's, and whatever its process reports is in its hand. So no process that ran a
check is believed about anything but that check, or the checks of its own suite.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice

from tasks.core.progress import current
from tasks.core.records import Call, Execution, Outcome, Program, Suite, SuiteRun
from tasks.execution.early_stop import FirstPass, Voters, as_stopped, first_pass, same_as_far_as_known
from tasks.execution.verdicts import UNSTABLE, is_decided, outcome_key, plan_calls
from tasks.sandbox.backends import backend_of
from tasks.sandbox.base import Sandbox
from tasks.settings.sandbox import SandboxSettings

# So many calls show a check whether the program remembers any; more would cost calls x checks.
PRELUDE = 8
DID_SOMETHING = ("value", "exception")
VARIES, DIFFERS, MOVED = (
    Outcome("no_result", detail=text, unstable=cause) for cause, text in UNSTABLE.items()
)


@dataclass(frozen=True)
class SandboxPair:
    """Two pools of containers whose programs hash text differently, so that sets show it."""

    first: Sandbox
    second: Sandbox


@contextmanager
def two_seeds(settings: SandboxSettings, image: str, run_id: str) -> Iterator[SandboxPair]:
    """The two pools. They work in turn, so together they load the machine as one does."""
    with (
        backend_of(settings).open(settings, image, run_id, 0) as first,
        backend_of(settings).open(settings, image, run_id, 1) as second,
    ):
        yield SandboxPair(first, second)


@dataclass(frozen=True)
class ProgramOutcomes:
    """What is known of one program; the fields are those of `Behaviour`."""

    calls: tuple[Outcome, ...]
    checks: tuple[Outcome, ...]
    flaky: bool = False
    by_suite: tuple[SuiteRun, ...] = ()
    order_dependent: bool = False


def second_programs(program: Program, suites: Sequence[Suite], first: Execution) -> list[Program]:
    """The other way around: the calls, the last first; those that one suite repeats, twice; then for each
    check a process that makes some of the calls, of those that came to something, and runs it twice."""
    repeats: dict[Call, None] = {}
    for suite in suites:
        counts = Counter(case.call for case in suite.cases if case.call is not None)
        repeats.update(dict.fromkeys(call for call, count in counts.items() if count > 1))
    prelude = [
        call
        for call, outcome in zip(program.calls[::-1], first.calls[::-1], strict=True)
        if outcome.kind in DID_SOMETHING
    ][:PRELUDE]
    bare = replace(program, calls=(), checks=())
    return [
        replace(bare, calls=program.calls[::-1]),
        replace(bare, calls=(*repeats, *repeats)),
        *(replace(bare, steps=(*prelude, check, check)) for check in program.checks),
    ]


def suite_programs(program: Program, suite: Suite) -> list[Program]:
    """The program in a process that runs this suite alone, step i being case i; and in one that makes the
    suite's calls alone, if it has checks."""
    bare = replace(program, calls=(), checks=())
    whole = replace(bare, steps=tuple(case.call or case.check for case in suite.cases))
    calls = tuple(case.call for case in suite.cases if case.call is not None)
    return [whole] if len(calls) == len(suite.cases) else [whole, replace(bare, calls=calls)]


def suite_run(suite: Suite, executions: Sequence[Execution]) -> tuple[Outcome, ...]:
    """The outcomes of a suite's cases, from the executions of its `suite_programs`."""
    whole = executions[0].steps
    if len(executions) == 1:
        return whole
    alone = iter(executions[1].calls)
    outcomes = []
    for case, outcome in zip(suite.cases, whole, strict=True):
        if case.call is not None and outcome_key(own := next(alone)) != outcome_key(outcome):
            outcome = own if own.kind == "fault" else MOVED
        outcomes.append(outcome)
    return tuple(outcomes)


def did_something(execution: Execution) -> bool:
    """Whether a program did anything that a label or a score could rely on."""
    return any(outcome.kind in DID_SOMETHING for outcome in (*execution.calls, *execution.checks))


def passes_agree(
    first: Execution, programs: Sequence[Program], again: Sequence[Execution], stopped: bool = False
) -> bool:
    """Whether the first pass and the `second_programs` came to the same, times aside.

    They did not where one of them did not try a call or check, or neither gave it all its time; where the
    program was `stopped` that says nothing.
    """
    backwards, repeated, *checked = again
    known = dict(zip(programs[0].calls, first.calls[::-1], strict=True))
    pairs = [
        *zip(first.calls[::-1], backwards.calls, strict=True),
        *((known[call], outcome) for call, outcome in zip(programs[1].calls, repeated.calls, strict=True)),
        *((one, other) for one, both in zip(first.checks, checked, strict=True) for other in both.steps[-2:]),
    ]
    alike = same_as_far_as_known if stopped else _alike
    return all(alike(one, two) for one, two in pairs)


def _alike(one: Outcome, two: Outcome) -> bool:
    efforts = {one.tried, two.tried}
    return "not" not in efforts and efforts != {"reduced"} and outcome_key(one) == outcome_key(two)


def varies(one: Outcome, other: Outcome) -> Outcome:
    """What a call has come to that came to these by turns: nothing, but what both fulfil holds."""
    if {one.kind, other.kind} != {"value"}:
        return VARIES
    return replace(VARIES, variants=(one.value, other.value))


def merge_per_suite_runs(
    run: ProgramOutcomes,
    suites: Sequence[Suite],
    one: Sequence[tuple[Outcome, ...]],
    two: Sequence[tuple[Outcome, ...]],
) -> ProgramOutcomes:
    """The truth about a program whose passes disagree: `one` and `two` are its `suite_run`s, by seed.

    A call or check that has one outcome in all suites simply has that outcome. What a suite's checks do to
    its calls is seen in that suite alone.
    """
    run = replace(run, order_dependent=True)
    flaky = False
    fault = next((o for outcomes in (*one, *two) for o in outcomes if o.kind == "fault"), None)
    if fault is not None:
        return ProgramOutcomes((fault,) * len(run.calls), (fault,) * len(run.checks))
    runs = []
    for suite, outcomes, others in zip(suites, one, two, strict=True):
        told = []
        for case, outcome, other in zip(suite.cases, outcomes, others, strict=True):
            if MOVED.unstable in (outcome.unstable, other.unstable):
                told.append(MOVED)
            elif outcome_key(outcome) == outcome_key(other):
                told.append(outcome)
            else:
                both = varies(outcome, other) if case.call is not None else VARIES
                flaky = flaky or (case.call is not None and not is_decided(both, case))
                told.append(both)
        runs.append((suite, tuple(told)))
    seen: dict[Call | str, Outcome] = {}
    differs = False
    for suite, outcomes in runs:
        for case, outcome in zip(suite.cases, outcomes, strict=True):
            place = case.call or case.check
            if outcome.unstable == MOVED.unstable:
                # Its checks' doing: no other suite's business.
                differs = True
            elif outcome_key(seen.setdefault(place, outcome)) != outcome_key(outcome):
                seen[place], differs = DIFFERS, True
    plan = plan_calls(suites)
    return replace(
        run,
        flaky=flaky,
        calls=tuple(seen.get(call, known) for call, known in zip(plan.calls, run.calls, strict=True)),
        checks=tuple(seen[check] for check in plan.checks),
        by_suite=tuple(SuiteRun(suite.suite_id, outcomes) for suite, outcomes in runs) if differs else (),
    )


def run_programs(
    seeds: SandboxPair,
    programs: Sequence[Program],
    suites_of: Mapping[str, Sequence[Suite]],
    voters: Voters | None = None,
) -> dict[str, ProgramOutcomes]:
    """The truth about programs, by their ids (distinct).

    A program's calls and checks are the union (`plan_calls`) of its problem's suites, which `suites_of`
    holds by the program's id. With `voters` those that do not end are stopped early where they cannot win.
    """
    found = _first_pass(seeds.first, programs, voters)
    first = found.executions
    runs = {name: ProgramOutcomes(execution.calls, execution.checks) for name, execution in first.items()}
    again = [
        # Those that ended have all of their time again: the other order may take more.
        found.programs[p.program_id] if p.program_id in found.stopped else p
        for p in programs
        if p.code is not None and did_something(first[p.program_id])
    ]
    parts = [second_programs(p, suites_of[p.program_id], first[p.program_id]) for p in again]
    checked = _half_way(_run_parts(seeds.second, parts), len(parts))
    unsettled = []
    for program, part, again_executions in zip(again, parts, checked, strict=True):
        name = program.program_id
        stopped = name in found.stopped
        if passes_agree(first[name], part, again_executions, stopped):
            continue
        if stopped:
            runs[name] = replace(runs[name], flaky=True)
        else:
            unsettled.append(program)
    alone = [
        (suite, suite_programs(program, suite))
        for program in unsettled
        for suite in suites_of[program.program_id]
    ]
    one, two = (
        [
            suite_run(suite, executions)
            for (suite, _), executions in zip(
                alone, _run_parts(sandbox, [programs for _, programs in alone]), strict=True
            )
        ]
        for sandbox in (seeds.first, seeds.second)
    )
    start = 0
    for program in unsettled:
        suites = suites_of[program.program_id]
        own = slice(start, start := start + len(suites))
        runs[program.program_id] = merge_per_suite_runs(runs[program.program_id], suites, one[own], two[own])
    return runs


def _first_pass(sandbox: Sandbox, programs: Sequence[Program], voters: Voters | None) -> FirstPass:
    """The first pass over all programs; its progress goes to half."""
    total, done = 2 * len(programs), 0

    def run(some: Iterable[Program]) -> Iterator[Execution]:
        nonlocal done
        for execution in sandbox.run(some):
            yield execution
            # What runs a second time is not counted.
            done += 1
            current().part(min(0.5, done / total))

    if voters is not None:
        found = first_pass(run, programs, voters)
        for name in found.stopped:
            found.executions[name] = as_stopped(found.executions[name], found.programs[name])
        return found
    found = FirstPass()
    found.run(run, programs)
    found.stopped.clear()
    return found


def _half_way(executions: Iterable[list[Execution]], count: int) -> Iterator[list[Execution]]:
    """The same; the progress of what is under way goes on from half. What few programs do a third time is
    not counted."""
    for number, results in enumerate(executions, 1):
        yield results
        current().part(0.5 + number / (2 * count))


def _run_parts(sandbox: Sandbox, parts: Sequence[Sequence[Program]]) -> Iterator[list[Execution]]:
    """The executions of each group of programs, in order."""
    executions = sandbox.run(program for group in parts for program in group)
    for group in parts:
        yield [*islice(executions, len(group))]
    # The sandbox is free for another run once it has said that this one is over.
    next(executions, None)
