"""One program or test that is nested deep costs only itself: nothing here may raise RecursionError."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from tasks.core.records import Problem
from tasks.core.rows import Pair, SftRow
from tasks.datasets.row_filters import cases_of, touches_benchmark
from tasks.execution.step import program_name
from tasks.generation import prompts
from tasks.generation.answers import parse_solution, parse_suite
from tasks.generation.decontamination import Contamination, normal_code, renamed_code
from tasks.generation.diversity import diversity_of, is_one_liner, program_shape
from tasks.mutation.mutate import mutants, mutate_all
from tasks.testcode.suites import case_as_written, read_cases
from tests.support.factories import PROBLEM, solution

SHAPES: dict[str, Callable[[int], str]] = {
    "sum": lambda depth: " + ".join(["a"] * depth),
    "calls": lambda depth: "a" + "()" * depth,
    "attributes": lambda depth: "a" + ".b" * depth,
    "items": lambda depth: "a" + "[0]" * depth,
    "signs": lambda depth: "not " * depth + "a",
    "conditions": lambda depth: "a if b else " * depth + "b",
    "lambdas": lambda depth: "lambda: " * depth + "a",
    "powers": lambda depth: "a ** " * depth + "a",
}
DEPTHS = (140, 330, 900, 2500)
DEEP = [(name, depth) for name in SHAPES for depth in DEPTHS]


def program(name: str, depth: int) -> str:
    return f"def add(a, b):\n    return {SHAPES[name](depth)}\n"


def shown(prompt: prompts.Prompt) -> str:
    """What a model is shown, as one text."""
    return "".join(message.content for message in prompt.messages) + prompt.prefill


def nested(calls: int, check: object) -> object:
    """Called where an iteration stands: below flow engine, stage and step."""
    return nested(calls - 1, check) if calls else check()  # type: ignore[operator]


@pytest.mark.parametrize(("name", "depth"), DEEP)
def test_a_deep_program_goes_through_everything_that_reads_programs(name: str, depth: int) -> None:
    code = program(name, depth)
    gold = Problem("b/1", "Something else.", "add", "def add(a, b):", "b", gold_solution=code)
    row = SftRow("r", "solver", PROBLEM.problem_id, shown(prompts.solver_prompt(PROBLEM)), "")

    def read() -> None:
        prompt = prompts.solver_prompt(PROBLEM)
        text = prompts.solver_completion(prompt, code)
        assert isinstance(text, str)
        parse_solution(prompt, text, "add")
        program_shape(code)
        is_one_liner(code)
        diversity_of([], [solution("1", code), solution("2", code + "\n")])
        mutants(code, 4, 0)
        mutate_all([solution("1", code)], 4, 0)
        renamed_code(code)
        program_name("p", code)
        guard = Contamination([gold])
        if normal_code(code):
            assert guard.of_code("add", code.replace("return", "return  ") + "# comment\n") == "b/1"
        assert guard.of_code("add", "def add(a, b):\n    return 0") is None
        touches_benchmark(row, {PROBLEM.problem_id: PROBLEM}, guard)

    nested(150, read)


@pytest.mark.parametrize(("name", "depth"), DEEP)
def test_a_deep_test_costs_only_itself(name: str, depth: int) -> None:
    expression = SHAPES[name](depth).replace("a", "1").replace("l1mbd1", "lambda").replace("b", "2")
    lines = ["assert add(1, 2) == 3", f"assert add(0, 0) == {expression}", "assert add(2, 2) == 4"]

    def read() -> None:
        prompt = prompts.verifier_prompt(PROBLEM, 3)
        text = prompts.verifier_completion(prompt, lines)
        assert isinstance(text, str)
        tests = parse_suite(prompt, text, "add")
        assert isinstance(tests, list)
        reading = read_cases(tests, "add")
        written = [case_as_written(case, "add") for case in reading.cases]
        assert {lines[0], lines[2]} <= set(written)
        guard = Contamination([Problem("b/1", "x", "add", "", "b", gold_suite=tuple(lines))])
        assert guard.of_tests("\n".join(lines)) == "b/1"
        row = Pair("r", "verifier", PROBLEM.problem_id, shown(prompt), text, text, "")
        cases_of(row, "add")
        program_shape("\n".join(lines))

    nested(150, read)


def test_a_sum_of_330_terms_is_known_by_its_tokens() -> None:
    """Comments, layout and the names of variables make no other program, another term does."""
    assert sys.getrecursionlimit() == 1000
    terms = " + ".join(f"a * {number}" for number in range(330))
    code = f'def f(a):\n    """Doc."""\n    total = {terms}\n    return total\n'
    other = f"def f( a ):  # sum\n\n    total = {terms}\n    return (total)".replace("(total)", "total")
    assert normal_code(code) == normal_code(other) != ""
    renamed = (
        other.replace("total", "s").replace("a *", "x *").replace("( a )", "(x)").replace("def f", "def g")
    )
    assert renamed_code(renamed) == renamed_code(code)
    assert renamed_code(renamed.replace("* 7 ", "* 8 ")) != renamed_code(code)
    assert normal_code("def f(:") == ""
