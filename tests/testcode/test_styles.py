"""Suites in the styles people write them, read as cases and judged in real containers; and worthless ones."""

from __future__ import annotations

import pytest

from tasks.core.fragments import parse_python
from tasks.core.records import Problem, Suite
from tasks.execution.determinism import SandboxPair
from tasks.execution.problem_data import ProblemData
from tasks.execution.step import execute_shard
from tasks.execution.verdicts import invalid_checks, plan_calls, suite_verdicts
from tasks.testcode.split import split_tests
from tasks.testcode.suites import read_cases
from tests.support.factories import solution

PROBLEM = Problem("p/f", "f", "f", "def f(x):", "statement")
RIGHT = (
    "class Bad(ValueError):\n    pass\n"
    "def f(x):\n    if x < 0:\n        raise Bad(f'{x} is negative')\n    return x / 4\n"
)
WRONG = "def f(x):\n    return x\n"


def suite_of(name: str, code: str) -> tuple[Suite, tuple[tuple[str, str], ...]]:
    module = parse_python(code)
    assert module is not None
    reading = read_cases(split_tests(module, "f"), "f")
    dropped = tuple(row for row in reading.dropped if row[0] != "repeat")
    return Suite(name, PROBLEM.problem_id, reading.cases), dropped


def judged(seeds: SandboxPair, suites: list[Suite]) -> dict[str, tuple[str, str]]:
    """`{suite: (a letter a case for the right solution, the same for the wrong one)}`."""
    solutions = [solution("right", RIGHT, PROBLEM), solution("wrong", WRONG, PROBLEM)]
    rows = execute_shard(seeds, [ProblemData(PROBLEM, solutions, suites)])
    by_id = {row.solution_id: row for row in rows}
    plan = plan_calls(suites)
    invalid = invalid_checks(by_id.get(f"null/{PROBLEM.problem_id}"), plan)

    def letters(name: str, suite: Suite) -> str:
        verdicts = suite_verdicts(by_id[name], suite, plan, invalid=invalid)
        return "".join(verdict[0] if verdict != "fail" else "x" for verdict in verdicts)

    return {suite.suite_id: (letters("right", suite), letters("wrong", suite)) for suite in suites}


STYLES = {
    "plain": ("assert f(4) == 1\nassert f(2) == 0.5 and f(0) == 0\n", 3),
    "several calls in one assertion": ("assert f(4) + f(8) == 3\nassert f(f(16)) == 1\n", 2),
    "sets and isclose": (
        "import math\nassert set([f(4), f(8)]) == {1, 2}\nassert math.isclose(f(1), 0.25)\n", 2,
    ),
    "pytest functions": (
        "import pytest\nfrom solution import f\n\ndef test_a():\n    x = 4\n    assert f(x) == 1\n\n"
        "def test_b():\n    with pytest.raises(ValueError):\n        f(-1)\n", 2,
    ),
    "raises with match and info": (
        "import pytest\ndef test():\n    with pytest.raises(ValueError, match='negative') as info:\n"
        "        f(-1)\n    assert '-1' in str(info.value)\n", 2,
    ),
    "approx": (
        "from pytest import approx\ndef test():\n    assert f(1) == approx(0.25)\n"
        "    assert [f(1), f(2)] == approx([0.25, 0.5])\n", 2,
    ),
    "parametrize": (
        "import pytest\n@pytest.mark.parametrize('x, want', [(4, 1), pytest.param(2, 0.5, id='half')])\n"
        "def test(x, want):\n    assert f(x) == want\n"
        "@pytest.mark.parametrize('x', [4, 8])\n@pytest.mark.parametrize(('k',), [(1,), (2,)])\n"
        # Of the four products two are the same call.
        "def test_product(x, k):\n    assert f(x * k) == x * k / 4\n", 5,
    ),
    "parametrize over a name and over a comprehension": (
        "import pytest\nTABLE = [(4, 1), (8, 2)]\n@pytest.mark.parametrize('x,want', TABLE)\n"
        "def test(x, want):\n    assert f(x) == want\n"
        "@pytest.mark.parametrize('x', [4 * i for i in range(1, 5)])\n"
        "def test_all(x):\n    assert f(x) == x // 4\n", 3,
    ),
    "pytest class": (
        "class TestF:\n    TABLE = [(4, 1), (8, 2)]\n    def setup_method(self):\n        self.x = 16\n"
        "    def test_it(self):\n        assert f(self.x) == 4\n"
        "    def test_table(self):\n        for x, want in self.TABLE:\n            assert f(x) == want\n", 3,
    ),
    "unittest": (
        "import unittest\nclass T(unittest.TestCase):\n    def setUp(self):\n        self.x = 16\n"
        "    def test_equal(self):\n        self.assertEqual(f(self.x), 4, 'message')\n"
        "        self.assertAlmostEqual(f(1), 0.25)\n        self.assertAlmostEqual(f(1), 0.3, places=1)\n"
        "        self.assertAlmostEqual(f(1), 0.3, delta=0.1)\n        self.assertIn(f(4), [1, 2])\n"
        "        self.assertTrue(f(4) == 1)\n        self.assertIsInstance(f(1), float)\n"
        "    def test_raises(self):\n        with self.assertRaises(ValueError):\n            f(-1)\n"
        "        self.assertRaises(ValueError, f, -1)\n"
        "        with self.assertRaisesRegex(ValueError, 'negative'):\n            f(-2)\n"
        "    def test_sub(self):\n        for x in (4, 8):\n            with self.subTest(x=x):\n"
        "                self.assertEqual(f(x), x / 4)\n"
        "if __name__ == '__main__':\n    unittest.main()\n", 11,
    ),
    "unittest helpers and the rarer methods": (
        "import unittest\nclass T(unittest.TestCase):\n    @classmethod\n    def setUpClass(cls):\n"
        "        cls.x = 8\n    def check(self, x, want):\n        self.assertEqual(f(x), want)\n"
        "    def test_it(self):\n        self.check(4, 1)\n"
        "        self.assertCountEqual([f(4), f(self.x)], [2, 1])\n"
        "        self.assertRegex(str(f(4)), r'^1')\n"
        "    def test_try(self):\n        try:\n            f(-1)\n            self.fail('no error')\n"
        "        except ValueError:\n            pass\n", 4,
    ),
    "unittest without its usual names": (
        "import unittest\ntc = unittest.TestCase()\ntc.assertEqual(f(4), 1)\n"
        "class Base(unittest.TestCase):\n    def setUp(self):\n        self.x = 8\n"
        "class T(Base):\n    def test_it(this):\n        this.assertEqual(f(this.x), 2)\n", 2,
    ),
    "failures raised by hand": (
        "import pytest\nif f(4) != 1:\n    raise AssertionError('four')\n"
        "if f(8) != 2:\n    pytest.fail('eight')\n"
        "try:\n    f(-1)\n    raise AssertionError('no error')\nexcept ValueError:\n    pass\n", 3,
    ),
    "the solution as a module": (
        "import solution as s\ntry:\n    from main import f\nexcept ImportError:\n    from code import f\n"
        "from solution import *\nassert s.f(4) == 1\nassert f(8) == 2\n", 2,
    ),
    "helpers that call helpers": (
        "def check(x, want):\n    assert f(x) == want\ndef first():\n    check(4, 1)\n"
        "def second():\n    check(8, 2)\nfor step in (first, second):\n    step()\nfirst()\n", 2,
    ),
    "fixtures that nobody asks for": (
        "import pytest\nX = None\nfacts = {}\ndef setup_module():\n    global X\n    X = 4\n"
        "@pytest.fixture(autouse=True)\ndef always():\n    facts['x'] = 8\n"
        "@pytest.fixture(name='sixteen')\ndef make():\n    return 16\n"
        "@pytest.fixture\ndef asked():\n    facts['y'] = 20\n"
        "def test_all(sixteen):\n    assert f(X) == 1\n    assert f(facts['x']) == 2\n"
        "    assert f(sixteen) == 4\n"
        "@pytest.mark.usefixtures('asked')\ndef test_asked():\n    assert f(facts['y']) == 5\n"
        "class TestC:\n    @pytest.fixture(autouse=True)\n    def prepare(self):\n        self.x = 12\n"
        "    def test_it(self):\n        assert f(self.x) == 3\n"
        "    class TestInner:\n        def test_inner(self):\n            assert f(24) == 6\n", 6,
    ),
    "tables of classes and ranges": (
        "import pytest\n@pytest.mark.parametrize('x', range(4, 12, 4))\nclass TestX:\n"
        "    def test_it(self, x):\n        assert f(x) == x // 4\n", 2,
    ),
    "messages at length": (
        "import pytest\nwith pytest.raises(expected_exception=ValueError, match='negative'):\n    f(-1)\n", 1,
    ),
    "what tests share": (
        "out = []\nfor x in [4, 8]:\n    out.append(f(x))\nassert out == [1, 2]\n"
        "data = []\nfor x in range(3):\n    data.append(4 * x)\n"
        "assert [f(x) for x in data] == [0, 1, 2]\n", 2,
    ),
    "helpers of one's own": (
        "def check(candidate):\n    assert candidate(4) == 1\n    assert candidate(8) == 2\ncheck(f)\n", 1,
    ),
}  # fmt: skip


def test_every_style_is_understood(seeds: SandboxPair) -> None:
    suites = {name: suite_of(name, code) for name, (code, _) in STYLES.items()}
    assert {name: dropped for name, (_, dropped) in suites.items() if dropped} == {}
    assert {name: len(suite.cases) for name, (suite, _) in suites.items()} == {
        name: count for name, (_, count) in STYLES.items()
    }
    seen = judged(seeds, [suite for suite, _ in suites.values()])
    assert {name: right for name, (right, _) in seen.items()} == {
        name: "p" * count for name, (_, count) in STYLES.items()
    }
    assert {name: "x" in wrong and "i" not in wrong for name, (_, wrong) in seen.items()} == dict.fromkeys(
        STYLES, True
    )


REFUSED = {
    "redefines the function": ("def f(x):\n    return 1\nassert f(0) == 1\n", "redefines_target"),
    "redefines it by assignment": ("f = lambda x: 1\nassert f(0) == 1\n", "redefines_target"),
    "redefines it by a loop": ("for f in [lambda x: 1]:\n    assert f(0) == 1\n", "redefines_target"),
    "redefines it in the test": ("def test():\n    def f(x):\n        return 1\n    assert f(0) == 1\n",
                                 "redefines_target"),
    "exits first": ("import sys\nsys.exit(0)\nassert f(4) == 1\n", "exits_early"),
    "exits first, unittest": ("import unittest\nclass T(unittest.TestCase):\n    def test(self):\n"
                              "        self.skipTest('later')\n        self.assertEqual(f(4), 1)\n",
                              "skipped"),
    "returns first": ("def test():\n    return\n    assert f(4) == 1\n", "skipped"),
    "never mentions it": ("assert 1 + 1 == 2\n", "other_target"),
    "raises first": ("raise SystemExit\nassert f(4) == 1\n", "exits_early"),
    "wants what is not there": ("def test(pytestconfig):\n    assert f(4) == 1\n", "no_fixture"),
}  # fmt: skip


@pytest.mark.parametrize(("code", "reason"), REFUSED.values(), ids=REFUSED)
def test_worthless_tests_that_show_are_refused(code: str, reason: str) -> None:
    suite, dropped = suite_of("s", code)
    assert suite.cases == ()
    assert [why for why, _ in dropped] == [reason]


@pytest.mark.parametrize(
    "code",
    [
        "f(4)\nprint(f(4) == 1)\n",
        "import pytest\n@pytest.mark.skip\ndef test():\n    assert f(4) == 1\n",
        "import pytest\n@pytest.mark.xfail\ndef test():\n    assert f(4) == 1\n",
    ],
)
def test_suites_without_an_assertion_have_no_case(code: str) -> None:
    assert suite_of("s", code) == (Suite("s", PROBLEM.problem_id, ()), ())


@pytest.mark.parametrize(
    "code",
    [
        "def test():\n    f(4)\n",
        "import unittest\nclass T(unittest.TestCase):\n    def test(self):\n        f(4)\n",
    ],
)
def test_a_test_that_asks_for_no_exception_alone_is_no_case_of_self_play(code: str) -> None:
    suite, dropped = suite_of("s", code)
    assert suite.cases == ()
    assert dropped == (("no_assertion", "f(4)"),)


TESTS_NOTHING = {
    "catches its own assertion": "try:\n    assert f(4) == 9\nexcept AssertionError:\n    pass\n",
    "catches everything": "def test():\n    try:\n        assert f(4) == 9\n    except:\n        pass\n",
    "catches it, unittest": "import unittest\nclass T(unittest.TestCase):\n    def test(self):\n"
    "        try:\n            self.assertEqual(f(4), 9)\n        except AssertionError:\n            pass\n",
    "suppresses it": "import contextlib\nwith contextlib.suppress(AssertionError):\n    assert f(4) == 9\n",
    "expects its own failure": "import pytest\ndef test():\n    with pytest.raises(AssertionError):\n"
    "        assert f(4) == 9\n",
    "is true of anything": "assert f(4) != 9\nassert f is not None\n",
    "is expected to fail": "import unittest\n@unittest.expectedFailure\nclass T(unittest.TestCase):\n"
    "    def test(self):\n        self.assertEqual(f(4), 9)\n",
    "never runs": "if False:\n    assert f(4) == 1\n",
    "loops over nothing": "for x in range(0):\n    assert f(x) == 1\n",
    "only names it": "assert callable(f)\n",
    "exits in between": "import sys\nif True:\n    sys.exit(0)\n    assert f(4) == 1\n",
    "exits after a call": "import sys\nif f(4) is not None:\n    sys.exit(0)\n    assert f(4) == 1\n",
    "dies": "import os\nif True:\n    os._exit(0)\n    assert f(4) == 1\n",
    "skips itself": "import pytest\nif True:\n    pytest.skip('later')\n    assert f(4) == 1\n",
    "swallows what it wants": "try:\n    f(-1)\n    assert False\nexcept Exception:\n    pass\n",
}


def test_nested_tables_make_no_more_tests_than_one_may() -> None:
    table = f"[{', '.join(['1'] * 50)}]"
    loops = f"for a in {table}:\n  for b in {table}:\n    for c in {table}:\n      assert f(a, b, c)\n"
    suite, _ = suite_of("loops", loops)
    # The outer loop is taken apart, the inner ones are one test each.
    assert len(suite.cases) == 1
    marks = "".join(f"@pytest.mark.parametrize('{name}', {table})\n" for name in "abcde")
    module = parse_python(f"import pytest\n{marks}def test_all(a, b, c, d, e):\n    assert f(a, b) == c\n")
    assert module is not None
    # One table is taken apart, the others are loops: no row is left out.
    tests = split_tests(module, "f")
    assert len(tests) == 50
    assert all(test.count("for ") == 4 for test in tests)


def test_worthless_tests_that_do_not_show_are_found_by_the_null_candidate(seeds: SandboxPair) -> None:
    suites = [suite_of(name, code)[0] for name, code in TESTS_NOTHING.items()]
    seen = judged(seeds, suites)
    assert {name: set(right + wrong) for name, (right, wrong) in seen.items()} == {
        name: {"i"} if suite.cases else set() for name, suite in zip(TESTS_NOTHING, suites, strict=True)
    }
    assert [suite.suite_id for suite in suites if not suite.cases] == []
