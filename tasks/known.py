"""What labelled problems bring along: gold solutions, gold suites, and programs that are probably wrong."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.mutation import mutate_all
from tasks.records import Problem, Solution, Suite
from tasks.suites import read_cases


def known_records(problems: Sequence[Problem]) -> tuple[list[Solution], list[Suite]]:
    """The gold solutions and the gold suites."""
    solutions, suites = [], []
    for problem in problems:
        if problem.gold_solution:
            solutions.append(gold_of(problem))
        cases = (
            problem.gold_cases or read_cases(problem.gold_suite, problem.entry_point, benchmark=True).cases
        )
        if cases:
            suites.append(Suite(f"gold/{problem.problem_id}", problem.problem_id, cases, origin="gold"))
    return solutions, suites


def gold_of(problem: Problem) -> Solution:
    """A problem's gold solution as a record."""
    return Solution(f"gold/{problem.problem_id}", problem.problem_id, problem.gold_solution, origin="gold")


def candidates_of(problem: Problem, count: int, seed: int) -> list[Solution]:
    """Programs that are probably wrong: the shipped wrong ones, then up to `count` mutants of gold.

    Where gold is too short for so many, mutants of these follow: two edits away from gold, not one.
    """
    wrong = [
        Solution(f"wrong{index}/{problem.problem_id}", problem.problem_id, code, origin="wrong")
        for index, code in enumerate(problem.wrong_solutions)
    ]
    gold = [gold_of(problem)] if problem.gold_solution else []
    mutants = mutate_all(gold, count, seed)
    if gold and len(mutants) < count:
        known = {solution.code for solution in mutants}
        further = mutate_all([*gold, *mutants, *wrong], 2 * count, seed)
        mutants += [solution for solution in further if solution.code not in known]
    return [*wrong, *mutants[:count]]
