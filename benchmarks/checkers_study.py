"""What a checker does to agreement: 100 problems with many right answers, with their checker and without.

    python benchmarks/checkers_study.py

Ten kinds of problems, ten of each with inputs of their own. Eight solutions a problem: four that are right
and each prefer another of the right answers, three that share one fault, one with another fault. Two suites:
the answers of a right solution, and two of these beside a wrong expected value. The table is printed
as docs/results/checkers.md has it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flows.commands.agree import Material, decide_chunk
from tasks.core.records import Solution
from tasks.execution.asked import suite_of
from tasks.execution.asked_problems import problem_of
from tasks.execution.determinism import two_seeds
from tasks.sandbox.image import ensure_image
from tasks.settings.agreement import AgreementSettings
from tasks.settings.judging import JudgingSettings
from tasks.settings.sandbox import SandboxSettings

EACH, CALLS = 10, 6
Inputs = Callable[[random.Random], list[Any]]


@dataclass(frozen=True)
class Kind:
    """`names` of the arguments, the `candidates` for an answer `c`, which are `right` and which pass what a
    faulty program asks of them (`weak`): expressions. `also`: a condition of the checker beside `right`."""

    name: str
    names: str
    candidates: str
    right: str
    weak: str
    inputs: Inputs
    also: str = "True"


def _edges(rng: random.Random, n: int) -> list[list[int]]:
    pairs = [[a, b] for a in range(n) for b in range(a + 1, n)]
    return sorted(rng.sample(pairs, n - 1))


def _renamed(rng: random.Random, n: int, edges: list[list[int]]) -> list[list[int]]:
    names = rng.sample(range(n), n)
    return [[names[a], names[b]] for a, b in edges]


def _pair(rng: random.Random) -> list[Any]:
    xs = [rng.randint(1, 6) for _ in range(8)]
    i, j = rng.sample(range(8), 2)
    return [xs, xs[i] + xs[j]]


KINDS = (
    Kind(
        "indices of two numbers with a sum", "xs, total",
        "[(i, j) for i in range(len(xs)) for j in range(len(xs))]",
        "len(c) == 2 and 0 <= c[0] < c[1] < len(xs) and xs[c[0]] + xs[c[1]] == total",
        "xs[c[0]] + xs[c[1]] == total",
        _pair,
    ),
    Kind(
        "positive parts of a number", "n, k", "itertools.product(range(1, n + 1), repeat=k)",
        "len(c) == k and min(c) > 0 and sum(c) == n", "sum(c) in (n - 2, n - 1)",
        lambda rng: [rng.randint(5, 9), rng.choice([2, 3])],
    ),
    Kind(
        "topological order", "n, edges", "itertools.permutations(range(n))",
        "sorted(c) == list(range(n)) and all(c.index(a) < c.index(b) for a, b in edges)",
        "all(c.index(a) < c.index(b) for a, b in edges[:-1])",
        lambda rng: [5, _renamed(rng, 5, _edges(rng, 5))],
    ),
    Kind(
        "subset with a sum that is divisible", "xs, m",
        "(s for r in range(1, len(xs) + 1) for s in itertools.combinations(xs, r))",
        "len(c) > 0 and sum(c) % m == 0 and all(c.count(x) <= xs.count(x) for x in c)", "sum(c) % m < 2",
        lambda rng: [[rng.randint(1, 20) for _ in range(7)], rng.choice([3, 4, 5])],
    ),
    Kind(
        "arrangement without equal neighbours", "xs", "sorted(set(itertools.permutations(xs)))",
        "sorted(c) == sorted(xs) and all(a != b for a, b in zip(c, c[1:]))",
        "all(a != b for a, b in zip(c[1:], c[2:]))",
        lambda rng: [sorted([1, 1, 2, 2, rng.randint(1, 4), rng.randint(3, 5)])],
    ),
    Kind(
        "shortest path", "n, edges",
        "[(0, *p, n - 1) for r in range(n - 2, -1, -1) for p in itertools.permutations(range(1, n - 1), r)]",
        "c[0] == 0 and c[-1] == n - 1 and all([a, b] in edges or [b, a] in edges for a, b in zip(c, c[1:]))",
        "all([a, b] in edges or [b, a] in edges for a, b in zip(c, c[1:]))",
        lambda rng: [6, sorted({*map(tuple, _edges(rng, 6)), (0, 1), (1, 5), (0, 2), (2, 5)})],
        also="len(c) == len(reference)",
    ),
    Kind(
        "element that is there often enough", "xs, k", "sorted(set(xs))",
        "xs.count(c) >= k", "xs.count(c) >= k - 1",
        lambda rng: [[rng.randint(1, 4) for _ in range(12)], 3],
    ),
    Kind(
        "peak", "xs", "range(len(xs))",
        "0 <= c < len(xs) and all(xs[c] >= xs[i] for i in (c - 1, c + 1) if 0 <= i < len(xs))",
        "c == 0 or xs[c] >= xs[c - 1]",
        lambda rng: [[rng.randint(1, 9) for _ in range(10)]],
    ),
    Kind(
        "two colours", "n, edges", "itertools.product((0, 1), repeat=n)",
        "len(c) == n and all(c[a] != c[b] for a, b in edges)", "all(c[a] != c[b] for a, b in edges[1:])",
        lambda rng: [6, [[rng.randint(0, i - 1) if i != 3 else 0, i] for i in range(1, 6) if i != 4]],
    ),
    Kind(
        "multiple in a range", "low, high, d", "range(low, high + 1)",
        "low <= c <= high and c % d == 0", "c % d < 2",
        lambda rng: [(low := rng.randint(1, 30)), low + rng.randint(20, 40), rng.randint(3, 7)],
    ),
)  # fmt: skip
# Which of the right answers, or of those that pass a weaker condition, a solution gives.
PICKS = {"first": "0", "last": "-1", "middle": "len(found) // 2", "third": "len(found) // 3"}


def program(kind: Kind, condition: str, pick: str) -> str:
    """A solution: all candidates that pass a condition, and one of them."""
    shortest = (
        "    found = [c for c in found if len(c) == min(map(len, found))]\n" if kind.also != "True" else ""
    )
    shortest = shortest if condition == kind.right else ""
    return (
        f"import itertools\ndef answer({kind.names}):\n"
        f"    edges_ = 0\n    found = [c for c in {kind.candidates} if {condition}]\n{shortest}"
        f"    return found[{pick}] if found else None\n"
    ).replace("    edges_ = 0\n", "    edges = [list(e) for e in edges]\n" if "edges" in kind.names else "")


def checker(kind: Kind) -> str:
    """Whether an answer is right, whatever it is."""
    single = "" if "," in kind.names else ","
    edges = "    edges = [list(e) for e in edges]\n" if "edges" in kind.names else ""
    return (
        f"def check(input, output, reference):\n    {kind.names}{single} = input\n{edges}    c = output\n"
        "    if reference is None or output is None:\n        return output is None and reference is None\n"
        f"    return ({kind.right}) and ({kind.also})\n"
    )


def evaluated(code: str, name: str) -> Callable[..., Any]:
    """A function of a text of this file."""
    namespace: dict[str, Any] = {}
    exec(code, namespace)
    found: Callable[..., Any] = namespace[name]
    return found


def drawn(kind: Kind, number: int) -> list[list[Any]]:
    """The inputs of a problem: the fault that three solutions share shows on two calls at least, the other
    one on one."""
    right = evaluated(checker(kind), "check")
    reference = evaluated(program(kind, kind.right, "0"), "answer")
    faulty = [evaluated(program(kind, kind.weak, pick), "answer") for pick in ("0", "min(1, len(found) - 1)")]
    for attempt in range(1000):
        rng = random.Random(f"{kind.name}/{number}/{attempt}")
        inputs = [kind.inputs(rng) for _ in range(CALLS)]
        wrong = [sum(not right(args, one(*args), reference(*args)) for args in inputs) for one in faulty]
        if wrong[0] > 1 and wrong[1] > 0:
            return inputs
    raise ValueError(f"no inputs show the faults of {kind.name}")


def material(kind: Kind, number: int, with_checker: bool) -> Material:
    """One problem with its solutions and suites; ids of right solutions begin with "right"."""
    inputs = drawn(kind, number)
    row = {"problem_id": f"{kind.name}/{number}", "entry_point": "answer"}
    problem = problem_of(row | {"checker": checker(kind) if with_checker else ""}, "study", JudgingSettings())
    codes = {f"right, {name}": program(kind, kind.right, pick) for name, pick in PICKS.items()}
    wrong = program(kind, kind.weak, "0")
    codes |= {f"wrong {copy}": f"{wrong}x = {copy}\n" for copy in range(3)}
    codes["wrong, other"] = program(kind, kind.weak, "min(1, len(found) - 1)")
    reference = evaluated(codes[f"right, {[*PICKS][number % len(PICKS)]}"], "answer")
    faulty, right = evaluated(wrong, "answer"), evaluated(checker(kind), "check")
    good = [{"args": args, "expected": reference(*args)} for args in inputs]
    bad = [
        {**case, "expected": faulty(*case["args"])}
        for case in good
        if not right(case["args"], faulty(*case["args"]), case["expected"])
    ]
    suites = {"good": good, "mixed": [*good[:2], *bad[:1]]}
    return Material(
        problem,
        tuple(Solution(name, problem.problem_id, code) for name, code in codes.items()),
        {},
        tuple(
            suite_of({"cases": cases}, "study", problem, name, benchmark=False)
            for name, cases in suites.items()
        ),
    )


def counts(lines: Sequence[dict[str, Any]]) -> dict[str, int]:
    """What came of the problems."""
    names = ("right group whole", "a group mixes right and wrong", "best group is right")
    found = dict.fromkeys((*names, "kept, right", "kept, wrong"), 0)
    for line in lines:
        groups = [{name.startswith("right") for name in group["solutions"]} for group in line["groups"]]
        best = groups[0] == {True}
        found["right group whole"] += sum(True in group for group in groups) == 1
        found["a group mixes right and wrong"] += any(len(group) == 2 for group in groups)
        found["best group is right"] += best
        found["kept, right"] += line["kept"] and best
        found["kept, wrong"] += line["kept"] and not best
    return found


def main() -> None:
    """Both ways, and the table."""
    settings = SandboxSettings()
    agreement = AgreementSettings(min_votes=3)
    columns = {}
    with two_seeds(settings, ensure_image(print), "checkers-study") as seeds:
        for name, with_checker in (("by equality", False), ("by checker", True)):
            problems = [material(kind, number, with_checker) for kind in KINDS for number in range(EACH)]
            columns[name] = counts(
                [one.line for one in decide_chunk(seeds, problems, agreement, JudgingSettings())]
            )
    print(f"| of {len(KINDS) * EACH} problems | {' | '.join(columns)} |\n|---|---|---|")
    for row in columns["by checker"]:
        print(f"| {row} | {' | '.join(str(column[row]) for column in columns.values())} |")


if __name__ == "__main__":
    main()
