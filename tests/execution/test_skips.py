"""Tests that skip themselves. One that does so before it has asked the solution says nothing of any; one that
does so by what the solution answered would let wrong programs pass unseen, as it does in pytest.
"""

from __future__ import annotations

from typing import Any

import pytest

from flows.commands.execute import judge_solutions
from tasks.core.records import Case, Solution, Suite
from tasks.core.values import equal
from tasks.execution.asked import AskedSuite, read_text
from tasks.execution.asked_problems import AskedProblem
from tasks.execution.determinism import SandboxPair
from tests.execution.test_plain_pytest import HEAD

SOLUTIONS = {
    "right": "def f(n):\n    return 2 * n\n",
    "wrong on one": "def f(n):\n    return 0\n",
    "wrong on three": "def f(n):\n    return 2 * n if n < 3 else 0\n",
    "raises": "def f(n):\n    if n:\n        raise NotImplementedError\n    return 0\n",
}
ALWAYS = "def test_first():\n    assert f(0) == 0\n\n"
BY_ANSWER = {
    "skipif": "@pytest.mark.skipif(f(1) != 2, reason='r')\ndef test_a():\n    assert f(3) == 6\n",
    "skipif in text": "@pytest.mark.skipif('f(1) != 2', reason='r')\ndef test_a():\n    assert f(3) == 6\n",
    "skipIf": "class TestA(unittest.TestCase):\n    @unittest.skipIf(f(1) != 2, 'r')\n"
    "    def test_a(self):\n        self.assertEqual(f(3), 6)\n",
    "skipUnless": "@unittest.skipUnless(f(1) == 2, 'r')\nclass TestA(unittest.TestCase):\n"
    "    def test_a(self):\n        self.assertEqual(f(3), 6)\n",
    "xfail": "@pytest.mark.xfail(f(1) != 2, reason='r')\ndef test_a():\n    assert f(3) == 6\n",
    "of a row": "@pytest.mark.parametrize('n', ["
    "pytest.param(3, marks=pytest.mark.skipif(f(1) != 2, reason='r'))])\n"
    "def test_a(n):\n    assert f(n) == 2 * n\n",
    "of the file": "pytestmark = pytest.mark.skipif(f(1) != 2, reason='r')\n\n"
    "def test_a():\n    assert f(3) == 6\n",
    "kept under a name": "LIES = f(1) != 2\n@pytest.mark.skipif(LIES, reason='r')\n"
    "def test_a():\n    assert f(3) == 6\n",
    "in the test": "def test_a():\n    if f(1) != 2:\n        pytest.skip('no')\n    assert f(3) == 6\n",
    "of unittest": "class TestA(unittest.TestCase):\n    def test_a(self):\n"
    "        if f(1) != 2:\n            self.skipTest('no')\n        self.assertEqual(f(3), 6)\n",
    "raised": "class TestA(unittest.TestCase):\n    def setUp(self):\n        if f(1) != 2:\n"
    "            raise unittest.SkipTest('no')\n    def test_a(self):\n        self.assertEqual(f(3), 6)\n",
    "in a fixture": "@pytest.fixture\ndef v():\n    if f(1) != 2:\n        pytest.skip('no')\n"
    "    return 3\n\ndef test_a(v):\n    assert f(v) == 6\n",
    "in a helper": "def ready():\n    if f(1) != 2:\n        pytest.skip('no')\n\n"
    "def test_a():\n    ready()\n    assert f(3) == 6\n",
    "expected to fail": "def test_a():\n    if f(1) != 2:\n        pytest.xfail('no')\n"
    "    assert f(3) == 6\n",
}  # fmt: skip
BY_ERROR = (
    "def test_a():\n    try:\n        x = f(3)\n    except NotImplementedError:\n        pytest.skip('no')\n"
    "    assert x == 6\n"
)
BY_MACHINE = {
    "mark": "@pytest.mark.skipif(not NEVER, reason='r')\ndef test_a():\n    assert f(3) == 7\n",
    "of a row": "@pytest.mark.parametrize('n', ["
    "pytest.param(3, marks=pytest.mark.skipif(not NEVER, reason='r'))])\n"
    "def test_a(n):\n    assert f(n) == 7\n",
    "in the test": "def test_a():\n    if os.sep == '/':\n        pytest.skip('no')\n    assert f(3) == 7\n",
    "fixture that asks": "@pytest.fixture\ndef v():\n    return f(1)\n\n"
    "@pytest.mark.skipif(not NEVER, reason='r')\ndef test_a(v):\n    assert v == 7\n",
    "without what it needs": "def test_a():\n    pytest.importorskip('there_is_no_such_module')\n"
    "    assert f(3) == 7\n",
}  # fmt: skip


def lines_of(seeds: SandboxPair, texts: dict[str, str]) -> dict[tuple[str, str], dict[str, Any]]:
    asked = []
    for name, text in texts.items():
        entries = tuple(read_text(f"{HEAD}{ALWAYS}{text}", "f"))
        cases = tuple(entry for entry in entries if isinstance(entry, Case))
        asked.append(AskedSuite(Suite(name, "p", cases), entries, equal))
    solutions = [Solution(name, "p", code) for name, code in SOLUTIONS.items()]
    problem = AskedProblem("p", "", "f", "", "execute")
    lines = judge_solutions(seeds, {"p": problem}, {"p": asked}, solutions)
    return {(line["suite_id"], line["solution_id"]): line for line in lines}


def test_a_skip_by_what_the_solution_answers_passes_nobody(seeds: SandboxPair) -> None:
    lines = lines_of(seeds, {**BY_ANSWER, "by what it raises": BY_ERROR})
    passed = {key for key, line in lines.items() if line["passed"]}
    assert passed == {(name, "right") for name in (*BY_ANSWER, "by what it raises")}
    for name in BY_ANSWER:
        # Skipped is not failed: the reason says what it is.
        case = lines[name, "wrong on one"]["cases"][-1]
        assert (case["verdict"], case["outcome"]) == ("invalid", "skipped"), name
        assert "is skipped after it has asked the solution, so that it does not hold" in case["detail"]
        assert lines[name, "right"]["cases"][-1]["verdict"] == "pass", name
        assert lines[name, "wrong on three"]["cases"][-1]["verdict"] == "fail", name


def test_a_skip_by_the_machine_forbids_nothing(seeds: SandboxPair) -> None:
    lines = lines_of(seeds, BY_MACHINE)
    for (name, solution), line in lines.items():
        assert line["passed"], (name, solution)
        assert line["cases"][0]["verdict"] == "pass"
        assert all("is skipped" in case["detail"] for case in line["cases"][1:]), (name, line)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("@pytest.fixture\ndef v(pytestconfig):\n    return 1\n\ndef test_a(v):\n    assert f(3) == 6\n",
         "asks for pytest's own fixture pytestconfig, which the sandbox does not have"),
        ("@pytest.fixture\ndef v(request):\n    return request.node.name\n\n"
         "def test_a(v):\n    assert f(3) == 6\n",
         "asks for pytest's own fixture request, which the sandbox does not have"),
        ("@pytest.mark.usefixtures('testdir')\ndef test_a():\n    assert f(3) == 6\n",
         "asks for pytest's own fixture testdir, which the sandbox does not have"),
    ],
)  # fmt: skip
def test_what_no_fixture_gives_is_refused_with_its_name(text: str, wanted: str) -> None:
    entries = read_text(f"{HEAD}{ALWAYS}{text}", "f")
    assert isinstance(entries[0], Case)
    assert [str(entry) for entry in entries[1:] if wanted not in str(entry)] == []
    assert len(entries) == 2
