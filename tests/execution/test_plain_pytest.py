"""Verdicts of whole suites against pytest itself: what it passes we pass, what it fails we do not.

Solutions return, copy and change what they are given; suites ask for identity and copies, are skipped
under conditions, and assert things that no solution has to do with.
"""

from __future__ import annotations

import random
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from flows.commands.execute import judge_solutions
from tasks.core.records import Case, Solution, Suite
from tasks.core.values import equal
from tasks.execution.asked import AskedSuite, read_text
from tasks.execution.asked_problems import AskedProblem
from tasks.execution.determinism import SandboxPair

SOLUTIONS = {
    "deep": "import copy\ndef f(x):\n    return copy.deepcopy(x)\ndef g(x):\n    return 2 * x\n",
    "shallow": "import copy\ndef f(x):\n    return copy.copy(x)\ndef g(x):\n    return x + x\n",
    "same": "def f(x):\n    return x\ndef g(x):\n    return x\n",
    "grows": "def f(x):\n    if isinstance(x, list):\n        x.append(0)\n    return x\n"
    "def g(x):\n    return 2 * x\n",
    "rows": "def f(x):\n    return [[0] * 2] * 3\ndef g(x):\n    return 2 * x\n",
    "without g": "def f(x):\n    return list(x)\n",
}
BODIES = (
    "x = [[1], [2]]\ny = f(x)\nassert y == [[1], [2]]",
    "x = [[1], [2]]\ny = f(x)\ny[0].append(9)\nassert x == [[1], [2]]",
    "x = [[1], [2]]\ny = f(x)\nassert y == x\nassert y is not x",
    "x = [[1], [2]]\nassert f(x) is x",
    "x = (1, [2])\nassert f(x) is x and f(x)[1] is x[1]",
    "x = 'a longer text'\nassert f(x) == x and f(x) is x",
    "x = [3]\nassert f(x) is f(x)",
    "x = [1, 2]\nf(x)\nassert x == [1, 2]",
    "x = [1, 2]\nf(x)\nx.clear()\nassert len(f([5])) == 1",
    "x = f([1])\nx.append(7)\nassert f([1])[-1] != 7 and len(f([1])) == 1",
    "rows = f([[0, 0]] * 3)\nrows[0][0] = 1\nassert rows[1] == [0, 0] and len(rows) == 3",
    "rows = f([[0, 0] for _ in range(3)])\nrows[0][0] = 1\nassert rows[1][0] == 0",
    "x = {'k': [1]}\ny = f(x)\ny['k'].append(2)\nassert x == {'k': [1]} and y['k'] == [1, 2]",
    "assert g(3) == 6",
    "assert g([1]) == [1, 1]\nassert f([2]) == [2]",
    "assert f([4]) == [4] and f is not None",
)
OWN = (
    "assert True",
    "assert len(CASES) == 2",
    "assert helper(2) == 3",
    "assert helper(2) == 3, 'own'\nassert CASES",
    "assert 1 + 1 == 3",
    "assert helper(1) == 1",
    "assert f([1]) is not None",
    "return\nassert f([1]) == 5",
    "pytest.skip('not now')\nassert f([1]) == 5",
    "start = time.perf_counter()\nr = f([1])\nelapsed = time.perf_counter() - start\nassert elapsed < 5",
)
MARKS = (
    "",
    "",
    "@pytest.mark.slow",
    "@pytest.mark.skip",
    "@pytest.mark.skipif(True, reason='r')",
    "@pytest.mark.skipif(sys.platform == 'win32', reason='r')",
    "@pytest.mark.skipif(sys.platform.startswith('linux'), reason='r')",
    "@pytest.mark.skipif(sys.version_info < (3, 8), reason='r')",
    "@pytest.mark.skipif(sys.version_info >= (3, 8) and os.name == 'posix', reason='r')",
    "@pytest.mark.skipif('sys.platform == \"win32\"', reason='r')",
    "@pytest.mark.skipif(NEVER, reason='r')",
    "@pytest.mark.skipif(not NEVER, reason='r')",
    "@unittest.skipIf(os.name == 'nt', 'r')",
    "@unittest.skipUnless(NEVER, 'r')",
    "@unittest.skipUnless(sys.platform == 'linux', 'r')",
    "@pytest.mark.xfail(reason='r')",
    "@pytest.mark.xfail(sys.platform == 'win32', reason='r')",
    "@pytest.mark.xfail(strict=True)",
    "@pytest.mark.xfail(raises=ValueError)",
    "@pytest.mark.xfail(raises=(TypeError, AssertionError))",
    "@pytest.mark.xfail(raises=ValueError, strict=True)",
)
HEAD = """import os
import sys
import time
import unittest
import pytest
NEVER = len(sys.argv) > 10 ** 6
CASES = [1, 2]

def helper(n):
    return n + 1

"""


def suite(rng: random.Random) -> str:
    """A file whose first test tests any solution, so that no suite passes for want of tests."""
    tests = ["def test_first():\n    assert f([]) in ([], [[], []], [0], [[0, 0]] * 3)\n"]
    for number in range(rng.randint(1, 3)):
        body = rng.choice(BODIES if rng.random() < 0.7 else OWN)
        mark = rng.choice(MARKS) if rng.random() < 0.6 else ""
        lines = "".join(f"    {line}\n" for line in body.split("\n"))
        tests.append(f"{mark}\ndef test_{number}():\n{lines}")
    if rng.random() < 0.2:
        tests.insert(0, "pytestmark = pytest.mark.skipif(sys.platform == 'win32', reason='r')\n")
    return HEAD + "\n".join(tests)


def passed_by_pytest(folder: Path, suites: list[str]) -> dict[tuple[int, str], bool]:
    """By suite and solution: one module each, one run for all."""
    for number, text in enumerate(suites):
        for name, code in SOLUTIONS.items():
            (folder / f"test_{number}_{name.replace(' ', '')}.py").write_text(f"{code}\n{text}")
    report = folder / "report.xml"
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
    subprocess.run([sys.executable, *command, str(folder)], capture_output=True, check=False, cwd=folder)
    passed = {(number, name): True for number in range(len(suites)) for name in SOLUTIONS}
    tests: dict[str, bool] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        bad = any(part.tag in ("failure", "error") for part in case)
        # A test class is named behind its module.
        named = [part for part in case.get("classname", "").split(".") if part.startswith("test_")]
        module = named[-1] if named else case.get("name", "")
        tests[module] = tests.get(module, True) and not bad
    for number, name in passed:
        passed[number, name] = tests[f"test_{number}_{name.replace(' ', '')}"]
    return passed


def passed_here(seeds: SandboxPair, suites: list[str]) -> dict[tuple[int, str], bool]:
    problem = AskedProblem("p", "", "f", "", "execute")
    asked = []
    for number, text in enumerate(suites):
        entries = tuple(read_text(text, "f"))
        cases = tuple(entry for entry in entries if isinstance(entry, Case))
        asked.append(AskedSuite(Suite(str(number), "p", cases), entries, equal))
    solutions = [Solution(name, "p", code) for name, code in SOLUTIONS.items()]
    lines = judge_solutions(seeds, {"p": problem}, {"p": asked}, solutions)
    return {(int(line["suite_id"]), line["solution_id"]): line["passed"] for line in lines}


def test_suites_pass_where_they_pass_in_pytest(seeds: SandboxPair, tmp_path: Path) -> None:
    rng = random.Random(15)
    suites = [suite(rng) for _ in range(60)]
    expected = passed_by_pytest(tmp_path, suites)
    found = passed_here(seeds, suites)
    assert 0.2 < sum(expected.values()) / len(expected) < 0.8
    different = [key for key in expected if found[key] != expected[key]]
    assert not different, "\n".join(
        f"{name}: pytest {expected[number, name]}\n{suites[number][len(HEAD) :]}"
        for number, name in different[:5]
    )


FIRST = "def test_first():\n    assert f([]) in ([], [[], []], [0], [[0, 0]] * 3)\n\n"
FIXTURES = (
    # What a fixture asserts behind its `yield` is asked after the test, also of one that another asks for.
    "@pytest.fixture\ndef v():\n    yield [1]\n    assert f([2]) == [2]\n\n"
    "def test_a(v):\n    assert isinstance(f(v), list)\n",
    "@pytest.fixture\ndef v():\n    yield [1]\n    assert g(2) == 4\n\n@pytest.fixture\ndef w(v):\n"
    "    yield [*v, 2]\n    assert len(v) == 1\n\ndef test_a(w):\n    assert isinstance(f(w), list)\n",
    "@pytest.fixture(autouse=True)\ndef v():\n    x = [[1]]\n    yield x\n    assert x == [[1]]\n\n"
    "def test_a(v):\n    assert len(f(v)) > 0\n",
    "@pytest.fixture\ndef v():\n    x = [1]\n    yield x\n    x.clear()\n\n"
    "def test_a(v):\n    assert f(v) == [1]\n",
)
TEARDOWNS = (
    "class TestA(unittest.TestCase):\n    def setUp(self):\n        self.x = [1]\n    def tearDown(self):\n"
    "        self.assertEqual(g(len(self.x)), 2)\n    def test_a(self):\n"
    "        self.assertIsInstance(f(self.x), list)\n",
    "class TestA(unittest.TestCase):\n    def test_a(self):\n"
    "        self.addCleanup(lambda: self.assertEqual(g(2), 4))\n"
    "        self.assertIsInstance(f([1]), list)\n",
    "def teardown_module(module):\n    assert g(1) == 2\n\n"
    "def test_a():\n    assert isinstance(f([1]), list)\n",
    "def teardown_function(function):\n    assert g(3) == 6\n\n"
    "def test_a():\n    assert isinstance(f([1]), list)\n",
    "class TestA:\n    def teardown_method(self):\n        assert g(1) == 2\n    def test_a(self):\n"
    "        assert isinstance(f([1]), list)\n",
)
XFAILS = (
    "@pytest.mark.xfail(raises=ValueError)\ndef test_a():\n    assert g(1) == 2\n",
    "@pytest.mark.xfail(raises=(ValueError, TypeError))\ndef test_a():\n    assert g('a') == 'aa'\n",
    "@pytest.mark.xfail(raises=TypeError, strict=True)\ndef test_a():\n    f([1]).missing()\n",
    "@pytest.mark.xfail(raises=AttributeError, strict=True)\ndef test_a():\n    g(1).missing()\n",
)


def test_what_a_fixture_asserts_last_and_how_a_test_may_fail_count_as_in_pytest(
    seeds: SandboxPair, tmp_path: Path
) -> None:
    suites = [f"{HEAD}{FIRST}{text}" for text in (*FIXTURES, *TEARDOWNS, *XFAILS)]
    expected = passed_by_pytest(tmp_path, suites)
    assert {expected[0, "deep"], expected[0, "grows"], expected[4, "same"], expected[4, "deep"]} == {
        True,
        False,
    }
    found = passed_here(seeds, suites)
    assert [
        (suites[n][len(HEAD) + len(FIRST) :], name)
        for n, name in expected
        if found[n, name] and not expected[n, name]
    ] == []
    assert [
        (suites[n][len(HEAD) + len(FIRST) :], name)
        for n, name in expected
        if expected[n, name] and not found[n, name]
    ] == []


def test_a_row_whose_failing_counts_is_never_left_out(seeds: SandboxPair) -> None:
    # No solution fails on the second row, as a strict mark wants it to.
    rows = "[1, pytest.param(2, marks=pytest.mark.xfail(strict=True))]"
    table = f"@pytest.mark.parametrize('x', {rows})\ndef test_a(x):\n    assert f(x) == x\n"
    assert not any(passed_here(seeds, [f"{HEAD}{FIRST}{table}"]).values())
