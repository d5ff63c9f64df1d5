"""A verdict is that of a fresh process per suite, whatever runs together: programs that depend on order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.core.errors import SandboxFault
from tasks.core.records import Behaviour, Case, CpuLimit, Outcome, Problem, Suite
from tasks.core.values import encode
from tasks.execution.determinism import (
    SandboxPair,
)
from tasks.execution.problem_data import ProblemData, join_by_problem
from tasks.execution.step import execute_shard, mostly_sound
from tasks.execution.verdicts import holds, judge, plan_calls, suite_verdicts
from tasks.filtering.decide import decide_all
from tasks.sandbox.pool import DockerSandbox
from tasks.settings.agreement import AgreementSettings
from tasks.testcode.suites import make_call
from tests.support.factories import solution, suite, value

PROBLEM = Problem("p/f", "f", "f", "def f(x):", "statement")


def case(*args: object, expected: object) -> Case:
    return Case("", make_call("f", args), expected=encode(expected))


def suite_of(name: str, *cases: Case | str) -> Suite:
    """A suite of plain cases and of checks by their source."""
    made = [Case(one, check=one) if isinstance(one, str) else one for one in cases]
    return Suite(name, PROBLEM.problem_id, tuple(made))


def behaviour(seeds: SandboxPair, code: str, suites: list[Suite]) -> Behaviour:
    rows = execute_shard(seeds, [ProblemData(PROBLEM, [solution("s", code, PROBLEM)], suites)])
    return next(row for row in rows if row.solution_id == "s")


def verdicts(row: Behaviour, suites: list[Suite]) -> list[str]:
    """A letter a case, a word a suite."""
    plan = plan_calls(suites)
    return ["".join(word[0] for word in suite_verdicts(row, one, plan)) for one in suites]


PAIR = [
    suite_of("one", case(1, expected=2), case(2, expected=3)),
    suite_of("two", case(2, expected=3), "assert f(5) == 6", case(1, expected=2)),
]

HONEST = {
    "plain": "def f(x):\n    return x + 1\n",
    "cache": "import functools\n@functools.lru_cache(maxsize=None)\ndef f(x):\n    return x + 1\n",
    "memo": "seen = {}\ndef f(x):\n    if x not in seen:\n        seen[x] = x + 1\n    return seen[x]\n",
    "seeded": "import random\ndef f(x):\n    random.seed(x)\n    return x + 1 + 0 * random.randint(0, 9)\n",
    "sorted set": "def f(x):\n    return x + len(sorted({'a' * x, 'b', 'c'})) // 3\n",
}


@pytest.mark.parametrize("code", HONEST.values(), ids=HONEST)
def test_state_that_changes_no_outcome_is_nobodys_business(seeds: SandboxPair, code: str) -> None:
    row = behaviour(seeds, code, PAIR)
    assert not row.order_dependent
    assert not row.flaky
    assert verdicts(row, PAIR) == ["pp", "ppp"]


ORDERED = {
    "module counter": (
        "count = 0\ndef f(x):\n    global count\n    count += 1\n    return x + count\n",
        ["pf", "fff"],
        [suite_of("one", case(1, expected=2), case(2, expected=3)),
         suite_of("two", case(2, expected=4), "assert f(5) == 6", case(1, expected=2))],
    ),
    "counter, one call twice": (
        "count = 0\ndef f(x):\n    global count\n    count += 1\n    return count\n",
        ["pp", "p"],
        [suite_of("one", case(7, expected=1), case(7, expected=2)), suite_of("two", case(7, expected=1))],
    ),
    "checks see what checks before them did": (
        "count = 0\ndef f(x):\n    global count\n    count += 1\n    return count\n",
        ["ppf"],
        [suite_of("one", "assert f(1) < 2", "assert 1 < f(1) < 3", "assert f(1) <= 1")],
    ),
    "mutable default": (
        "def f(x, seen=[]):\n    seen.append(x)\n    return seen\n",
        ["pf", "pp", "f"],
        [suite_of("one", case(1, expected=[1]), case(2, expected=[2])),
         suite_of("two", case(2, expected=[2]), case(1, expected=[2, 1])),
         suite_of("three", case(1, expected=[1, 1]))],
    ),
    "poisoned cache": (
        "cache = {}\ndef f(xs):\n    key = len(xs)\n    cache.setdefault(key, sum(xs))\n"
        "    return cache[key]\n",
        ["pf", "pf"],
        [suite_of("one", case([1, 2], expected=3), case([3, 4], expected=7)),
         suite_of("two", case([3, 4], expected=7), case([1, 2], expected=3))],
    ),
    "cached result handed out": (
        "cache = {}\ndef f(x):\n    found = cache.setdefault(x, [])\n    found.append(x)\n    return found\n",
        ["pp", "p"],
        [suite_of("one", case(1, expected=[1]), "assert f(1) == [1, 1]"),
         suite_of("two", case(1, expected=[1]))],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("code", "expected", "suites"), ORDERED.values(), ids=ORDERED)
def test_what_depends_on_order_is_judged_by_suite(
    seeds: SandboxPair, code: str, expected: list[str], suites: list[Suite]
) -> None:
    row = behaviour(seeds, code, suites)
    assert row.order_dependent
    assert not row.flaky
    assert verdicts(row, suites) == expected


FLAKY = {
    "order of a set of strings": "def f(x):\n    return list({'pear', 'apple', 'fig', 'plum', str(x)})\n",
    "hash of a string": "def f(x):\n    return hash('text') + x\n",
    "random": "import random\ndef f(x):\n    return random.randint(0, 10 ** 6)\n",
    "time": "import time\ndef f(x):\n    return time.time()\n",
    "identity": "def f(x):\n    return id(object()) // 16\n",
    "random, caught by nobody": "import os\ndef f(x):\n    return os.urandom(4)\n",
}


@pytest.mark.parametrize("code", FLAKY.values(), ids=FLAKY)
def test_what_varies_between_equal_runs_is_flaky_and_passes_nothing(seeds: SandboxPair, code: str) -> None:
    row = behaviour(seeds, code, PAIR)
    assert row.flaky
    assert row.order_dependent
    assert verdicts(row, PAIR) == ["ff", "fff"]


ANOTHERS = {
    "hard calls": (
        "def f(n):\n    total = 0\n    for i in range(n):\n        total += i\n    return total\n",
        suite_of("theirs", *(case(10**12 + i, expected=1) for i in range(3))),
        suite_of("own", case(3, expected=3), case(4, expected=6)),
    ),
    "checks that crash": (
        "def f(x):\n    return sorted(x)\n",
        suite_of("theirs", *(f"import os\nassert f([{i}]) == os.abort()" for i in range(4))),
        suite_of("own", "assert len(f([2, 1])) == 2", "assert f([2, 1])[0] == 1"),
    ),
    "inputs without one right answer": (
        "def f(words):\n    return max(set(words), key=len)\n",
        suite_of("theirs", *(case(["p", "q", "r", f"{i}"], expected="p") for i in range(9))),
        suite_of("own", case(["a", "bcd", "ef"], expected="bcd")),
    ),
    "calls that it repeats": (
        "memo = {}\ndef f(x):\n    if x not in memo:\n        memo[x] = str(x)\n    return memo[x]\n",
        suite_of("theirs", *(case(x, expected=text) for x in (1.0, 2.0) for text in (f"{x}", f"{int(x)}"))),
        suite_of("own", case(1, expected="1"), case(2, expected="2")),
    ),
    "limits that add up": (
        # Of half a second a process.
        "import time\ndef f(n):\n    end = time.process_time() + 0.2\n"
        "    while time.process_time() < end:\n        pass\n    return n\n",
        suite_of("theirs", *(case(i, expected=i) for i in range(2))),
        suite_of("own", case(7, expected=7)),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("code", "theirs", "own"), ANOTHERS.values(), ids=ANOTHERS)
def test_no_suite_spoils_anothers_verdict(seeds: SandboxPair, code: str, theirs: Suite, own: Suite) -> None:
    for suites in ([theirs, own], [own, theirs]):
        (told,) = [
            word
            for one, word in zip(suites, verdicts(behaviour(seeds, code, suites), suites), strict=True)
            if one is own
        ]
        assert set(told) == {"p"}


def test_a_program_that_dies_in_checks_alone_is_looked_at_twice_all_the_same(seeds: SandboxPair) -> None:
    code = """
import os
def f(x):
    if type(x) is int:
        try:
            os.fstat(4)
        except OSError:
            return x + 1
        os.abort()
    return next(iter({"p", "q", "r"}))
"""
    suites = [suite_of("one", *(case(x, expected=x + 1) for x in range(3)), "assert f('pqr') + '' == 'p'")]
    assert verdicts(behaviour(seeds, code, suites), suites)[0][-1] == "f"


def test_changed_arguments_are_fresh_for_every_call(seeds: SandboxPair) -> None:
    code = (
        "def f(xs, ys):\n    xs[0].append(9)\n    ys.append(0)\n    same = xs[0] is xs[1]\n"
        "    return [xs, ys, same]\n"
    )
    inner = [1]
    once = [[[1, 9], [1]], [0], False]
    suites = [
        suite_of("one", case([inner, inner], [], expected=once), case([inner, inner], [], expected=once)),
        suite_of(
            "two",
            case([[1], [1]], [], expected=once),
            "inner = [1]\nassert f([inner, inner], []) == [[[1, 9], [1, 9]], [0], True] and inner == [1, 9]",
        ),
    ]
    row = behaviour(seeds, code, suites)
    assert not row.order_dependent
    assert verdicts(row, suites) == ["pp", "pp"]


def test_calls_that_never_end_cost_the_others_nothing(seeds: SandboxPair) -> None:
    code = "def f(x):\n    while x < 0:\n        pass\n    return x\n"
    suites = [
        suite_of("silly", case(0, expected=0), *(case(-x, expected=0) for x in range(1, 6))),
        suite_of("gold", case(4, expected=4)),
    ]
    row = behaviour(seeds, code, suites)
    assert not row.order_dependent
    assert verdicts(row, suites) == ["pfffff", "p"]


def test_programs_are_limited_by_problem_but_gold_and_its_likes(seeds: SandboxPair) -> None:
    slow = "import time\ndef f(x):\n    while time.process_time() < 0.25:\n        pass\n    return x\n"
    solutions = [
        solution("like gold", f"# Slow.\n{slow}", PROBLEM),
        replace(solution("gold", slow, PROBLEM), origin="gold"),
        solution("slow", slow.replace("x", "y"), PROBLEM),
        solution("endless", "def f(x):\n    while True:\n        pass\n", PROBLEM),
    ]
    name = PROBLEM.problem_id
    data = ProblemData(PROBLEM, solutions, [suite_of("one", case(1, expected=1))])
    rows = execute_shard(seeds, [data], {name: CpuLimit(name, cpu_s=0.1)})
    assert [row.calls[0].kind for row in rows] == ["value", "value", "timeout", "timeout"]
    # Of CPU time, and far from the settings' two seconds, however busy the machine is.
    assert all(90 < row.calls[0].cpu_ms < 1500 for row in rows[2:])


def test_time_of_each_call_is_not_used_up_by_the_calls_before_it(seeds: SandboxPair) -> None:
    """Six calls of 0.15 s and one that never ends: within 0.4 s a call, six of them have their value."""
    code = """
import time
def f(x):
    end = time.process_time() + 0.15
    while x == 3 or time.process_time() < end:
        pass
    return x
"""
    name = PROBLEM.problem_id
    suites = [suite_of("all", *(case(x, expected=x) for x in range(7)))]
    data = ProblemData(PROBLEM, [solution("slow", code, PROBLEM)], suites)

    def kinds(each: bool) -> list[str]:
        limits = {name: CpuLimit(name, cpu_s=0.4, each=each)}
        (row,) = execute_shard(seeds, [data], limits)
        return [outcome.kind for outcome in row.calls]

    assert kinds(each=True) == [*["value"] * 3, "timeout", *["value"] * 3]
    assert kinds(each=False).count("timeout") > 1


def test_a_limit_reached_together_is_none_reached_by_a_suite(seeds: SandboxPair) -> None:
    code = "def f(x):\n    return chr(97 + x) * 15_000\n"
    suites = [
        suite_of(str(x), *(case(2 * x + i, expected=chr(97 + 2 * x + i) * 15_000) for i in (0, 1)))
        for x in range(3)
    ]
    row = behaviour(seeds, code, suites)
    assert row.order_dependent
    assert not row.by_suite
    assert verdicts(row, suites) == ["pp", "pp", "pp"]


def test_a_check_cannot_change_what_the_next_one_stands_on(seeds: SandboxPair) -> None:
    suites = [
        suite_of("hostile", "math.floor = lambda x: 3\nassert f([1]) == 1", "assert math.floor(f([])) == 0"),
        suite_of("honest", "assert math.floor(f([1, 2])) == 2"),
    ]
    row = behaviour(seeds, "def f(xs):\n    return len(xs)\n", suites)
    assert not row.order_dependent
    assert verdicts(row, suites) == ["pp", "p"]


def test_a_check_that_ends_its_process_ends_no_other(seeds: SandboxPair) -> None:
    ends = ["import os\nf(1)\nos._exit(0)", "import os\nf(1)\nos._exit(9)", "import os\nf(1)\nos.abort()"]
    suites = [suite_of("one", case(1, expected=2), *ends, "assert f(1) == 2", case(3, expected=4))]
    row = behaviour(seeds, "def f(x):\n    return x + 1\n", suites)
    assert not row.order_dependent
    assert verdicts(row, suites) == ["pfffpp"]


# Passes nothing by itself; then writes the records of all that comes after it in its process.
HOSTILE = """
import os, sys
answer = f(2)
assert type(answer).__name__ != "Opaque"
if os.getppid() != 1:
    frame = sys._getframe()
    while "task" not in frame.f_locals:
        frame = frame.f_back
    steps, at, report = (frame.f_locals[name] for name in ("task", "index", "report"))
    for i in range(at, len(steps["steps"])):
        forged = "null" if isinstance(steps["steps"][i], str) else "99"
        os.write(report.fd, f'[{i},"value","{forged}","",0.0,0.0]\\n'.encode())
    os.kill(os.getppid(), 9)
assert f(2) == answer
"""
COUNTING = "n = 0\ndef f(x):\n    global n\n    n += 1\n    return x + 2 if n < 9 else x\n"


@pytest.mark.parametrize("code", ["def f(x):\n    return x + 2\n", "def f(x):\n    return x\n", COUNTING])
def test_a_hostile_check_forges_no_outcome_but_its_own(seeds: SandboxPair, code: str) -> None:
    honest = suite_of("honest", case(2, expected=4), case(5, expected=7), "assert f(6) == 8")
    hostile = suite_of("hostile", HOSTILE, case(2, expected=99), case(3, expected=99))
    alone = verdicts(behaviour(seeds, code, [honest]), [honest])
    row = behaviour(seeds, code, [hostile, honest])
    of_hostile, of_honest = verdicts(row, [hostile, honest])
    assert [of_honest] == alone
    assert of_hostile[1:] == "ff"
    # Nor does it take values out of the comparison of solutions.
    assert {outcome.kind for outcome in row.calls} == {"value"}


VARYING = [
    "assert [f(2)] * (hash('a') % 7) == [4] * (hash('b') % 7)",
    "import os\nassert f(os.urandom(1)[0] % 2) == 2",
]


@pytest.mark.parametrize("check", VARYING)
def test_a_check_that_varies_costs_honest_suites_nothing(seeds: SandboxPair, check: str) -> None:
    honest, other = suite_of("honest", case(2, expected=4), case(5, expected=7)), suite_of("other", check)
    row = behaviour(seeds, "def f(x):\n    return x + 2\n", [other, honest])
    assert not row.flaky
    assert verdicts(row, [other, honest])[1] == "pp"


def test_order_dependent_solutions_vote_with_their_likes(seeds: SandboxPair) -> None:
    counter = "n = 0\ndef f(x):\n    global n\n    n += 1\n    return x + n\n"
    right, wrong = "def f(x):\n    return x + 1\n", "def f(x):\n    return x\n"
    flaky = "import os\ndef f(x):\n    return x + 1 + (os.urandom(8) > b'\\x7f')\n"
    codes = [right] * 3 + [counter] * 2 + [flaky] * 4 + [wrong]
    solutions = [solution(f"{i}", code, PROBLEM) for i, code in enumerate(codes)]
    suites = [
        suite("a", *(f"assert f({x}) == {x + 1}" for x in range(12)), problem=PROBLEM),
        suite("b", *(f"assert f({x}) == {x + 1}" for x in range(11, -1, -1)), problem=PROBLEM),
    ]
    rows = execute_shard(seeds, [ProblemData(PROBLEM, solutions, suites)])
    assert [row.solution_id for row in rows if row.flaky] == ["5", "6", "7", "8"]
    assert [row.solution_id for row in rows if row.by_suite and not row.flaky] == ["3", "4"]
    settings = AgreementSettings(min_votes=3, min_vote_share=0)
    for rule in ("consensus", "paper"):
        (decision,) = decide_all(
            join_by_problem([PROBLEM], solutions, suites, rows), settings.model_copy(update={"rule": rule})
        )
        assert decision.kept
        assert decision.chosen == ("0", "1", "2")
        assert set(decision.rejected) == {"3", "4", "9"}
    plan = plan_calls(suites)
    assert judge(plan.outcome(rows[3], suites[0].cases[0]), suites[0].cases[0]) == "fail"
    assert not holds(rows[3], suites[0], plan)


def test_hash_seeds_differ_between_the_pools(seeds: SandboxPair) -> None:
    assert isinstance(seeds.first, DockerSandbox)
    assert isinstance(seeds.second, DockerSandbox)
    assert seeds.first.hash_seed != seeds.second.hash_seed


def test_a_shard_that_broke_is_not_kept() -> None:
    fine = Behaviour("s", "p", (value(1),) * 4, ())
    broken = Behaviour("t", "p", (Outcome("fault"),), ())
    assert mostly_sound([fine, broken]) == [fine, broken]
    assert mostly_sound([]) == []
    with pytest.raises(SandboxFault, match="broke on 2 of 6 calls"):
        mostly_sound([fine, broken, broken])
