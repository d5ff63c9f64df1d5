"""The rule itself on many problems: seconds, memory, and whether it is linear in problems.

    python benchmarks/agreement.py [problems]

A problem has 16 solutions and 16 suites of 5 cases; its solutions show about six behaviours and its suites
about forty distinct calls, with integers, lists, texts and floats as values. Records are made one problem at
a time and only the rule is timed: building its input costs more than deciding.
"""

from __future__ import annotations

import random
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tasks.core import values
from tasks.core.records import Behaviour, Call, Case, Outcome, Suite
from tasks.execution.verdicts import plan_calls
from tasks.filtering.decide import decide
from tasks.filtering.votes import problem_votes_of
from tasks.settings.agreement import AgreementSettings

SOLUTIONS, SUITES, CASES, CALLS, BEHAVIOURS = 16, 16, 5, 40, 6
ERRORS = [Outcome("exception", exception=name) for name in ("TypeError", "IndexError")]
Votes = tuple[str, list[Behaviour], list[Suite]]


def random_value(rng: random.Random) -> object:
    number = rng.randrange(200)
    return rng.choice((number, [number, number + 1], f"text {number}", number / 4, number > 100))


def problems(count: int, distinct: bool) -> Iterator[Votes]:
    """`distinct`: the worst there is, all solutions and all calls differ."""
    calls_here, kinds = (SUITES * CASES, SOLUTIONS) if distinct else (CALLS, BEHAVIOURS)
    for number in range(count):
        rng = random.Random(number)
        calls = [Call("f", values.encode([[index, number], {}])) for index in range(calls_here)]
        right = [random_value(rng) for _ in calls]
        programs = [
            [
                rng.choice(ERRORS) if rng.random() < 0.1
                else Outcome("value", values.encode(value if rng.random() < 0.6 else random_value(rng)))
                for value in right
            ]
            for _ in range(kinds)
        ]  # fmt: skip
        suites = []
        for index in range(SUITES):
            places = (
                range(index * CASES, index * CASES + CASES) if distinct else rng.sample(range(CALLS), CASES)
            )
            cases = tuple(
                Case(
                    "", calls[place], values.encode(right[place] if rng.random() < 0.5 else random_value(rng))
                )
                for place in places
            )
            suites.append(Suite(f"s{index}", str(number), cases))
        order = [calls.index(call) for call in plan_calls(suites).calls]
        drawn = range(SOLUTIONS) if distinct else [rng.randrange(kinds) for _ in range(SOLUTIONS)]
        yield str(number), [
            Behaviour(f"b{index}", str(number), tuple(programs[kind][place] for place in order), ())
            for index, kind in enumerate(drawn)
        ], suites  # fmt: skip


def seconds_for(count: int, distinct: bool) -> tuple[float, int]:
    settings, spent, kept = AgreementSettings(), 0.0, 0
    for problem_id, behaviours, suites in problems(count, distinct):
        started = time.process_time()
        kept += decide(problem_votes_of(problem_id, behaviours, suites), settings).kept
        spent += time.process_time() - started
    return spent, kept


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    seconds_for(100, distinct=False)
    for distinct in (False, True):
        small, _ = seconds_for(count // 10, distinct)
        large, kept = seconds_for(count, distinct)
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{'all distinct' if distinct else 'typical'}: {count} problems of {SOLUTIONS} x {SUITES} x "
            f"{CASES} in {large:.2f} s of CPU ({kept} kept); {count // 10} in {small:.3f} s: ratio "
            f"{large / small:.2f}; peak RSS {peak_mb:.0f} MiB",
            flush=True,
        )


if __name__ == "__main__":
    main()
