"""Files of tests as people write them, each before a right and a wrong solution: pytest's verdict is ours.

A file is run to its end before its first test; unittest's typed assertions, exceptions of a library and of
the solution, views, deques and defaultdicts mean across the pipe what they mean beside the solution.
"""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from flows.commands.execute import judge_solutions
from tasks.core.records import Case, Solution, Suite
from tasks.core.values import equal
from tasks.execution.asked import AskedSuite, read_text
from tasks.execution.asked_problems import AskedProblem
from tasks.execution.determinism import SandboxPair

SAME = "def f(x):\n    return x\n"
HEAD = "import unittest\nimport pytest\nfrom collections import defaultdict, deque\n"
CASE = "class TestA(unittest.TestCase):\n    def test_a(self):\n        "
KEYS = "def f(x):\n    return dict.fromkeys(x).keys()\n"
COUNTS = "from collections import defaultdict\ndef f(x):\n    return defaultdict(int, {'a': 1})\n"
LAST_TWO = "from collections import deque\ndef f(x):\n    return deque(x, maxlen=2)\n"
OWN_ERRORS = (
    "class AppError(Exception):\n    pass\nclass Missing({base}):\n    pass\n"
    "def f(x):\n    raise Missing('x')\n"
)
WANTS = (
    "def wants(test):\n    def inner():\n        try:\n            test()\n        except ValueError:\n"
    "            return\n        raise AssertionError('none')\n    return inner\n@wants\ndef test_a():\n"
)
FILES: dict[str, tuple[str, str]] = {
    # What stands behind a test is there when it runs.
    "helper below": (SAME, "def test_a():\n    assert f(make()) == 1\ndef make():\n    return 1\n"),
    "constant below": (SAME, "def test_a():\n    assert f(X) == 3\nX = 3\n"),
    "bound again below": (SAME, "X = [1]\ndef test_a():\n    assert f(X) == [2]\nX = [2]\n"),
    "bound again below, wrong": (SAME, "X = [1]\ndef test_a():\n    assert f(X) == [1]\nX = [2]\n"),
    "fixture below": (
        SAME,
        "def test_a(v):\n    assert f(v) == 1\n@pytest.fixture\ndef v():\n    return 1\n",
    ),
    "test of a name twice": (
        SAME,
        "def test_a():\n    assert f(1) == 2\ndef test_a():\n    assert f(1) == 1\n",
    ),
    "test of a name twice, wrong": (
        SAME,
        "def test_a():\n    assert f(1) == 1\ndef test_a():\n    assert f(1) == 2\n",
    ),
    "a function in a test is no test": (
        SAME,
        "def test_a():\n    def test_inner():\n        assert f(1) == 2\n    assert f(1) == 1\n",
    ),
    "called for what it does": (
        SAME,
        "X = []\ndef fill():\n    X.append(1)\ndef test_a():\n    done = fill()\n    assert f(X) == [1]\n",
    ),
    "called for what it does, wrong": (
        SAME,
        "X = []\ndef fill():\n    X.append(1)\ndef test_a():\n    done = fill()\n    assert f(X) == []\n",
    ),
    # Names of a test's own, and decorators of the file's.
    "a name that a helper reads": (
        SAME,
        "x = 5\ndef get():\n    return x\ndef test_a():\n    x = 1\n    assert f(get()) == 5\n",
    ),
    "a name that a helper reads, wrong": (
        SAME,
        "x = 5\ndef get():\n    return x\ndef test_a():\n    x = 1\n    assert f(get()) == 1\n",
    ),
    "a builtin's name": (
        SAME,
        "def size(v):\n    return len(v)\n"
        "def test_a():\n    len = lambda v: 7\n    assert f(size([1])) == 7\n",
    ),
    "a decorator that wants an error": ("def f(x):\n    raise ValueError\n", WANTS + "    f(1)\n"),
    "a decorator that wants an error, wrong": (SAME, WANTS + "    assert f(1) == 1\n"),
    # unittest's assertions by type.
    "sequences": ("def f(x):\n    return [1, 2]\n", CASE + "self.assertSequenceEqual(f(1), (1, 2))\n"),
    "tuples as lists": (
        "def f(x):\n    return tuple(sorted(x))\n",
        CASE + "self.assertListEqual(f([3, 1]), f([1, 3]))\n",
    ),
    "lists as dicts": ("def f(x):\n    return [1]\n", CASE + "self.assertDictEqual(f(1), f(1))\n"),
    "keys as a set": (KEYS, CASE + "self.assertSetEqual(f([1, 2]), {1, 2})\n"),
    "no places": ("def f(x):\n    return 1.2\n", CASE + "self.assertAlmostEqual(f(1), 1.0, places=None)\n"),
    # Views of a dictionary.
    "keys": (KEYS, "def test_a():\n    assert f([1, 2]) == {1, 2}\n"),
    "keys, wrong": (KEYS, "def test_a():\n    assert f([1, 2]) == {1}\n"),
    "keys are no list": (KEYS, "def test_a():\n    assert f([1, 2]) == [1, 2]\n"),
    "items": (
        "def f(x):\n    return {x: 2}.items()\n",
        "def test_a():\n    assert f(1) == {(1, 2)}\n",
    ),
    # Exceptions by their types, not by their names.
    "base of the solution's": (
        OWN_ERRORS.format(base="AppError"),
        "def test_a():\n    with pytest.raises(AppError):\n        f(1)\n",
    ),
    "no base of the solution's": (
        OWN_ERRORS.format(base="Exception"),
        "def test_a():\n    with pytest.raises(AppError):\n        f(1)\n",
    ),
    "a library's": (
        "import json\ndef f(x):\n    return json.loads(x)\n",
        "import json\ndef test_a():\n    with pytest.raises(json.JSONDecodeError, match='Expecting'):\n"
        "        f('{')\n",
    ),
    "named like a library's": (
        "class JSONDecodeError(Exception):\n    pass\ndef f(x):\n    raise JSONDecodeError('x')\n",
        "import json\ndef test_a():\n    with pytest.raises(json.JSONDecodeError):\n        f('{')\n",
    ),
    "a library's base": (
        "import decimal\ndef f(x):\n    return decimal.Decimal(x)\n",
        "import decimal\ndef test_a():\n    with pytest.raises(decimal.DecimalException):\n        f('x')\n",
    ),
    "under another name": (
        "def f(x):\n    raise OSError('x')\n",
        "import socket\ndef test_a():\n    with pytest.raises(socket.error):\n        f(1)\n",
    ),
    "the end of an iterator": (
        "def f(x):\n    return next(iter(x))\n",
        "def test_a():\n    x = []\n    x.sort()\n    with pytest.raises(StopIteration):\n        f(x)\n",
    ),
    "told by an exception's info": (
        "def f(x):\n    raise OSError('x')\n",
        "def test_a():\n    with pytest.raises(OSError) as e:\n        f(1)\n"
        "    assert 'OSError' in e.exconly() and e.errisinstance(OSError)\n",
    ),
    # Collections with a memory of how they were made.
    "deque": (LAST_TWO, "def test_a():\n    d = f([1, 2])\n    d.append(3)\n    assert list(d) == [2, 3]\n"),
    "deque's length": (LAST_TWO, "def test_a():\n    assert f([1, 2]).maxlen == 2\n"),
    "deque as an argument": (
        "def f(x):\n    x.append(3)\n    return x\n",
        "def test_a():\n    assert list(f(deque([1, 2], maxlen=2))) == [2, 3]\n",
    ),
    "defaultdict": (COUNTS, "def test_a():\n    assert f(1)['b'] == 0\n"),
    "defaultdict, wrong": (
        COUNTS,
        "def test_a():\n    with pytest.raises(KeyError):\n        f(1)['b']\n",
    ),
    "defaultdict is no dict": (COUNTS, "def test_a():\n    assert type(f(1)) is dict\n"),
    "defaultdict's type": (COUNTS, "def test_a():\n    assert isinstance(f(1), defaultdict)\n"),
    "defaultdict as an argument": (
        "def f(d):\n    d['a'] += 1\n    return d\n",
        "def test_a():\n    d = defaultdict(int)\n    f(d)\n    assert d['a'] == 1 and d['b'] == 0\n",
    ),
}


def passed_by_pytest(folder: Path) -> dict[str, bool]:
    """One module each, one run for all."""
    names = {f"test_{number}": name for number, name in enumerate(FILES)}
    for module, name in names.items():
        code, text = FILES[name]
        (folder / f"{module}.py").write_text(f"{code}\n{HEAD}{text}")
    report = folder / "report.xml"
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
    subprocess.run([sys.executable, *command, str(folder)], capture_output=True, check=False, cwd=folder)
    passed: dict[str, bool] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        module = next(part for part in case.get("classname", "").split(".") if part in names)
        good = not any(part.tag in ("failure", "error") for part in case)
        passed[names[module]] = passed.get(names[module], True) and good
    return passed


@pytest.fixture(scope="module")
def lines(seeds: SandboxPair) -> dict[str, dict[str, object]]:
    asked = {}
    for name, (_, text) in FILES.items():
        entries = tuple(read_text(HEAD + text, "f"))
        cases = tuple(entry for entry in entries if isinstance(entry, Case))
        asked[name] = [AskedSuite(Suite("s", name, cases), entries, equal)]
    problems = {name: AskedProblem(name, "", "f", "", "execute") for name in FILES}
    solutions = [Solution("one", name, code) for name, (code, _) in FILES.items()]
    return {str(line["problem_id"]): line for line in judge_solutions(seeds, problems, asked, solutions)}


def test_files_pass_where_they_pass_in_pytest(lines: dict[str, dict[str, object]], tmp_path: Path) -> None:
    expected = passed_by_pytest(tmp_path)
    assert set(expected.values()) == {True, False}
    assert {name: lines[name]["passed"] for name in FILES} == expected
