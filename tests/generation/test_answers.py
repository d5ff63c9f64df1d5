from __future__ import annotations

import ast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.core.records import Problem
from tasks.generation import prompts
from tasks.generation.answers import Proposal, parse_problem, parse_solution, parse_suite
from tasks.generation.prompts import Refusal

PROBLEM = Problem("p/1", "Write a function that adds two numbers.", "add", "def add(a, b)", "statement")
SOLVER = prompts.solver_prompt(PROBLEM)
VERIFIER = prompts.verifier_prompt(PROBLEM, 4)
PROPOSER = prompts.proposer_prompt("def area(w, h):\n    return w * h")
STDIN = Problem("p/2", "Print the sum of two numbers.", "", "", "statement")

junk = st.text(alphabet=st.sampled_from(list("ab(),=:[]'\"` \n\t#+*01\\{}@")), max_size=120) | st.text(
    max_size=60
)


def solution(rest: str, finish: str = "stop") -> str | Refusal:
    """Parses an answer, given what follows the signature: whatever part of that the prefill holds."""
    completion = ("def add(a, b):" + rest).removeprefix(SOLVER.prefill.removeprefix("```python\n"))
    return parse_solution(SOLVER, completion, "add", finish)


def suite(completion: str, finish: str = "stop") -> list[str] | Refusal:
    return parse_suite(VERIFIER, completion, "add", finish)


@pytest.mark.parametrize(
    "completion",
    [
        "\n    return a + b\n",
        "\n    return a + b\n```\nThis adds two numbers.",
        "\n    return a + b\n\nprint(add(1, 2))\nassert add(1, 2) == 3\n",
        "\n    return a + b\n\nThis function adds the two numbers.",
        "\n    return a + b\n\nx = int(input())\nprint(add(x, 1))",
        "\n    return a + b\n\nif __name__ == '__main__':\n    add(1, 2)\n",
        "\n    return a + b\n\ndef unrelated(c):\n    return c\n",
        "\n    return a + b\n\n# Example\nprint(add(1,",
        "\r\n    return a + b\r\n".replace("\r", ""),
    ],
)
def test_what_follows_the_function_is_not_part_of_the_solution(completion: str) -> None:
    assert solution(completion) == "def add(a, b):\n    return a + b\n"


def test_helpers_imports_and_constants_that_are_used_stay() -> None:
    code = solution(
        "\n    return scale(a) + b * K\n\nimport math\nimport os\nK = 2\nJ = 3\n\n"
        "def scale(c):\n    return math.floor(c)\n"
    )
    assert isinstance(code, str)
    assert "import math" in code
    assert "K = 2" in code
    assert "def scale" in code
    assert "import os" not in code
    assert "J = 3" not in code


def test_a_local_name_does_not_keep_a_top_level_input() -> None:
    code = solution("\n    x = a + b\n    return x\n\nx = int(input())\n")
    assert code == "def add(a, b):\n    x = a + b\n    return x\n"


def test_an_answer_without_prefill_is_read_from_its_fence_or_without_one() -> None:
    free = prompts.Prompt((), "", ())
    expected = "def add(a, b):\n    return a + b\n"
    for text in (
        "Sure! Here it is:\n```python\ndef add(a, b):\n    return a + b\n```\nHope it helps.",
        "Here is the code:\n\ndef add(a, b):\n    return a + b\n\nIt adds.",
        "```\nprint('hello')\n```\nor\n```py\ndef add(a, b):\n    return a + b\n```",
        expected,
    ):
        assert parse_solution(free, text, "add") == expected


@pytest.mark.parametrize(
    ("completion", "finish", "reason"),
    [
        ("\n    return (a +", "stop", "syntax"),
        ("\n    return (a +", "length", "truncated"),
        ("\n    total = a\n    return total", "length", "truncated"),
        ("\n    pass\n", "stop", "empty_body"),
        ('\n    """Adds."""\n    ...\n', "stop", "empty_body"),
        ("", "stop", "syntax"),
        (" \x00", "stop", "syntax"),
    ],
)
def test_refused_solutions_say_why(completion: str, finish: str, reason: str) -> None:
    answer = solution(completion, finish)
    assert isinstance(answer, Refusal)
    assert answer.reason == reason


def test_a_solution_of_something_else_has_no_entry_point() -> None:
    answer = parse_solution(prompts.Prompt((), "", ()), "def sub(a, b):\n    return a - b", "add")
    assert isinstance(answer, Refusal)
    assert answer.reason == "no_entry_point"


def test_a_finished_function_survives_the_token_limit() -> None:
    assert isinstance(solution("\n    return a + b\n\nprint(add(1", "length"), str)
    assert isinstance(solution("\n    return a + b\n\n# an example:", "length"), str)


def test_solver_completion_continues_the_prompt_exactly() -> None:
    code = solution("\n    return a + b\n\nprint(1)")
    assert isinstance(code, str)
    completion = prompts.solver_completion(SOLVER, code)
    assert completion == " return a + b\n```"
    assert parse_solution(SOLVER, completion, "add") == code
    other = prompts.solver_completion(SOLVER, "def add(x, y):\n    return x + y\n")
    assert isinstance(other, Refusal)
    assert other.reason == "other_signature"


TESTS = ["assert add(1, 2) == 3", "assert add(0, 0) == 0"]


def begun(rest: str) -> str:
    """A completion, given what follows `assert add(`: whatever part of that the prefill holds."""
    return ("assert add(" + rest).removeprefix(VERIFIER.prefill.removeprefix("```python\n"))


@pytest.mark.parametrize(
    "rest",
    [
        "1, 2) == 3\nassert add(0, 0) == 0\n",
        "1, 2) == 3\nassert add(0, 0) == 0\nassert add(",
        "1, 2) == 3\n```\nAnd zero:\n```python\nassert add(0, 0) == 0\n```\nThese cover it.",
        "1, 2) == 3, 'sum'\n\nAnd now zero:\nassert add(0, 0) == 0  # zero\n",
        "1, 2) == 3\nassert add(( == 1\nassert add(0, 0) == 0",
        "1, 2) == 3 and add(0, 0) == 0",
    ],
)
def test_asserts_are_found_among_what_models_write(rest: str) -> None:
    assert suite(begun(rest)) == TESTS


def test_assertions_among_lines_that_do_not_parse_keep_their_own_words() -> None:
    first = 'assert f("a", 10**6) == "b"'
    second = "assert f( 'd' ).upper() == \"e\""
    third = "assert f('''g''', 0x10) == 1_000"
    half = 'assert f("a", ["b").upper() == "c"'
    answer = f"Some tests:\n```python\n{first}\n{half}\n{second}\n```\nand one more:\n```\n{third}\n```\n"
    assert parse_suite(prompts.Prompt((), "", ()), answer, "f") == [first, second, third]


def test_unittest_and_pytest_become_statements() -> None:
    free = prompts.Prompt((), "", ())
    text = (
        "```python\nimport unittest\nfrom solution import add\n\nclass TestAdd(unittest.TestCase):\n"
        "    def setUp(self):\n        self.one = 1\n"
        "    def test_sum(self):\n        self.assertEqual(add(self.one, 2), 3)\n"
        "    def test_zero(self):\n        self.assertTrue(add(0, 0) == 0)\n"
        "    def test_bad(self):\n        self.assertRaises(TypeError, add, 1, None)\n"
        "if __name__ == '__main__':\n    unittest.main()\n```"
    )
    assert parse_suite(free, text, "add") == [
        "self_one = 1\nassert add(self_one, 2) == 3",
        "assert add(0, 0) == 0",
        "with pytest.raises(TypeError):\n    add(1, None)",
    ]


def test_the_last_line_at_the_token_limit_is_not_trusted() -> None:
    assert suite(begun("1, 2) == 3\nassert add(5, 7) == 1"), "length") == TESTS[:1]


@pytest.mark.parametrize(("text", "reason"), [("!!! no", "syntax"), ("", "syntax")])
def test_refused_suites_say_why(text: str, reason: str) -> None:
    answer = suite(text)
    assert isinstance(answer, Refusal)
    assert answer.reason == reason


def test_verifier_completion_continues_the_prompt_exactly() -> None:
    completion = prompts.verifier_completion(VERIFIER, TESTS)
    assert isinstance(completion, str)
    assert (VERIFIER.prefill + completion).endswith("```python\n" + "\n".join(TESTS) + "\n```")
    assert suite(completion) == TESTS


def test_verifier_completion_moves_a_test_that_fits_the_prefill_to_the_front() -> None:
    raises = "with pytest.raises(TypeError):\n    add(1, None)"
    completion = prompts.verifier_completion(VERIFIER, [raises, *TESTS])
    assert isinstance(completion, str)
    assert suite(completion) == [TESTS[0], raises, TESTS[1]]
    assert isinstance(prompts.verifier_completion(VERIFIER, [raises]), Refusal)


@given(junk)
@example("0\\\n#")
def test_parsers_survive_anything(text: str) -> None:
    code = solution(text)
    if isinstance(code, str):
        names = [node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
        assert names.count("add") == 1
    tests = suite(text)
    if isinstance(tests, list):
        assert tests
        for test in tests:
            ast.parse(test)
    parse_problem(PROPOSER, text)


@given(st.lists(st.sampled_from(["x = a", "y = [a, b]", "if a:\n        b = 1", "# note"]), max_size=4))
def test_parsed_solutions_are_fixed_points(lines: list[str]) -> None:
    body = "".join(f"\n    {line}" for line in [*lines, "return a"])
    code = solution(body + "\n\nprint(1)")
    assert isinstance(code, str)
    completion = prompts.solver_completion(SOLVER, code)
    assert isinstance(completion, str)
    assert parse_solution(SOLVER, completion, "add") == code


def test_a_proposal_is_read_from_its_lines() -> None:
    answer = parse_problem(
        PROPOSER,
        " square_area(side: int) -> int:\nTask: Write a function that returns the area of a square.\nIdea",
    )
    assert answer == Proposal(
        "Write a function that returns the area of a square.",
        "def square_area(side: int) -> int:",
        "square_area",
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("\nTask: Write a function that doubles.", "no_signature"),
        (" area:\nTask: Return the area of a square.", "bad_signature"),
        (" area():\nTask: Return the area of a square.", "bad_signature"),
        (" area(*sides):\nTask: Return the area of a square.", "bad_signature"),
        (" area(self, side):\nTask: Return the area of a square.", "bad_signature"),
        (" max(numbers):\nTask: Return the largest of the numbers.", "bad_signature"),
        (" area(side):\nTask: Return it.", "short_statement"),
        (" area(side):\nNothing else.", "no_task"),
        (" area(side):\nTask: It prints the area of a square.", "asks_for_more"),
    ],
)
def test_refused_proposals_say_why(text: str, reason: str) -> None:
    answer = parse_problem(PROPOSER, text)
    assert isinstance(answer, Refusal)
    assert answer.reason == reason


def test_a_program_that_reads_stdin_is_kept_whole() -> None:
    prompt = prompts.solver_prompt(STDIN)
    code = parse_solution(prompt, "a, b = map(int, input().split())\nprint(a + b)\n```", "")
    assert code == "a, b = map(int, input().split())\nprint(a + b)"
    tests = parse_suite(
        prompts.verifier_prompt(STDIN, 2), begun("'1 2') == '3'").replace("add", "program"), ""
    )
    assert isinstance(tests, list | Refusal)
