"""Files of tests as people write them, each before a right and a wrong solution: pytest's verdict is ours.

A file is run to its end before its first test; unittest's typed assertions, exceptions of a library and of
the solution, views, deques and defaultdicts mean across the pipe what they mean beside the solution. A test
is taken apart only where that changes nothing: names, fixtures, classes and what tests share.
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
CAUSED = (
    "def f(x):\n    try:\n        1 / 0\n    except ZeroDivisionError as e:\n"
    "        raise ValueError('x') from {}\n"
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
    "a defaultdict of the solution's making": (
        "from collections import defaultdict\ndef f(x):\n    return defaultdict(lambda: 7, {'a': 1})\n",
        "def test_a():\n    d = f(1)\n    d['b'] += 1\n    assert d['b'] == 8 and d['c'] == 7\n",
    ),
    "a call that raises before": (
        "def f(x):\n    return [1][x]\n",
        "def test_a():\n    first = f(1)\n    assert f(0) == 1\n",
    ),
    # What is not proven to mean the same as statements of the file runs as it is.
    "read before bound": (
        SAME,
        "x = 1\ndef test_a():\n    assert f(x) == 1\n    x = 2\n",
    ),
    "deleted": (
        SAME,
        "def test_a():\n    x = 1\n    del x\n    assert f(x) == 1\n",
    ),
    "param a helper reads": (
        SAME,
        "n = 5\ndef get():\n    return n\n@pytest.mark.parametrize('n', [1])\ndef test_a(n):\n"
        "    assert f(get()) == n\n",
    ),
    "param a helper reads, unbound": (
        SAME,
        "def get():\n    return n\n@pytest.mark.parametrize('n', [1])\ndef test_a(n):\n"
        "    assert f(get()) == n\n",
    ),
    "fixture a helper reads": (
        SAME,
        "v = 5\ndef get():\n    return v\n@pytest.fixture(name='v')\ndef make():\n    return 1\n"
        "def test_a(v):\n    assert f(get()) == v\n",
    ),
    "raises after yield": (
        SAME,
        "@pytest.fixture\ndef v():\n    yield 1\n    [][0]\ndef test_a(v):\n    assert f(v) == 1\n",
    ),
    "no cause": (
        CAUSED.format("e"),
        "def test_a():\n    with pytest.raises(ValueError) as e:\n        f(1)\n"
        "    assert e.value.__cause__ is None\n",
    ),
    "the cause of an exception": (
        CAUSED.format("e"),
        "def test_a():\n    with pytest.raises(ValueError) as e:\n        f(1)\n"
        "    assert isinstance(e.value.__cause__, ZeroDivisionError)\n",
    ),
    "from None": (
        CAUSED.format("None"),
        "def test_a():\n    with pytest.raises(ValueError) as e:\n        f(1)\n"
        "    assert e.value.__suppress_context__ and isinstance(e.value.__context__, ZeroDivisionError)\n",
    ),
    "no context": (
        "def f(x):\n    raise ValueError('x')\n",
        "def test_a():\n    with pytest.raises(ValueError) as e:\n        f(1)\n"
        "    assert e.value.__context__ is None\n",
    ),
    "own error cause": (
        "class Own(Exception):\n    pass\ndef f(x):\n    try:\n        {}[1]\n"
        "    except KeyError as e:\n        raise Own(3) from e\n",
        "def test_a():\n    with pytest.raises(Own) as e:\n        f(1)\n"
        "    assert type(e.value.__cause__) is KeyError and e.value.__cause__.args == (1,)\n",
    ),
    "an error's number and file": (
        "def f(x):\n    raise FileNotFoundError(2, 'none', 'a.txt')\n",
        "def test_a():\n    with pytest.raises(OSError) as e:\n        f(1)\n"
        "    assert e.value.errno == 2 and e.value.filename == 'a.txt'\n",
    ),
    "an error's number and file, wrong": (
        "def f(x):\n    raise OSError(2, 'none', 'a.txt')\n",
        "def test_a():\n    with pytest.raises(OSError) as e:\n        f(1)\n"
        "    assert e.value.filename == 'b.txt'\n",
    ),
    "own attributes": (
        "def f(x):\n    e = ValueError('x')\n    e.code = 5\n    raise e\n",
        "def test_a():\n    with pytest.raises(ValueError) as e:\n        f(1)\n"
        "    assert e.value.code == 5\n",
    ),
    "json pos": (
        "import json\ndef f(x):\n    return json.loads(x)\n",
        "import json\ndef test_a():\n    with pytest.raises(json.JSONDecodeError) as e:\n"
        "        f('{')\n    assert e.value.pos == 1\n",
    ),
    "tb": (
        "def f(x):\n    raise ValueError('x')\n",
        "def test_a():\n    with pytest.raises(ValueError) as e:\n        f(1)\n"
        "    assert e.tb is not None and e.typename == 'ValueError'\n",
    ),
    "try yield finally": (
        SAME,
        "@pytest.fixture\ndef v():\n    x = [1]\n    try:\n        yield x\n    finally:\n"
        "        x.clear()\ndef test_a(v):\n    assert f(v) == [1]\n",
    ),
    "with yield": (
        SAME,
        "import contextlib\nlog = []\n@contextlib.contextmanager\ndef opened():\n"
        "    log.append(1)\n    yield 1\n    log.clear()\n@pytest.fixture\ndef v():\n"
        "    with opened() as x:\n        yield x\ndef test_a(v):\n    assert f(log) == [v]\n",
    ),
    "rows not literal": (
        SAME,
        "@pytest.fixture\ndef v():\n    return []\n"
        "@pytest.mark.parametrize('n', [i for i in range(3)])\ndef test_a(v, n):\n"
        "    v.append(n)\n    assert f(v) == [n]\n",
    ),
    "rows not literal, module scope": (
        SAME,
        "@pytest.fixture(scope='module')\ndef v():\n    return []\n"
        "@pytest.mark.parametrize('n', [i for i in range(3)])\ndef test_a(v, n):\n"
        "    v.append(n)\n    assert f(v) == [n]\n",
    ),
    "setup_method's method": (
        SAME,
        "class TestA:\n    def setup_method(self, method):\n        self.x = method.__name__\n"
        "    def test_a(self):\n        assert f(self.x) == 'test_a'\n",
    ),
    "class with init": (
        SAME,
        "def test_first():\n    assert f(1) == 1\nclass TestA:\n    def __init__(self):\n"
        "        self.x = 1\n    def test_a(self):\n        assert f(self.x) == 2\n",
    ),
    "class of another name": (
        SAME,
        "def test_first():\n    assert f(1) == 1\nclass Checks:\n    def test_a(self):\n"
        "        assert f(1) == 2\n",
    ),
    "locals": (
        SAME,
        "def test_a():\n    x = 1\n    assert f(sorted(locals())) == ['x']\n",
    ),
    "lazy generator of an iterator": (
        "def f(xs):\n    for x in xs:\n        yield x * 2\n",
        "def test_a():\n    seen = []\n    def src():\n        for i in range(3):\n"
        "            seen.append(i)\n            yield i\n    g = f(src())\n"
        "    assert seen == []\n    assert next(g) == 0\n    assert seen == [0]\n",
    ),
    "lazy generator logs": (
        "def f(log):\n    log.append(1)\n    yield 1\n    log.append(2)\n",
        "def test_a():\n    log = []\n    g = f(log)\n    assert log == []\n    next(g)\n"
        "    assert log == [1]\n    list(g)\n    assert log == [1, 2]\n",
    ),
    "shared state": (
        SAME,
        "X = []\ndef test_a():\n    X.append(f(1))\n    assert X == [1]\ndef test_b():\n"
        "    assert f(X) == [1]\n",
    ),
    "shared state, wrong": (
        SAME,
        "X = []\ndef test_a():\n    X.append(f(1))\n    assert X == [1]\ndef test_b():\n"
        "    assert f(X) == []\n",
    ),
    "shared by global": (
        SAME,
        "n = 0\ndef test_a():\n    global n\n    n = f(3)\n    assert n == 3\ndef test_b():\n"
        "    assert f(n) == 3\n",
    ),
    "shared on a class": (
        SAME,
        "class TestA:\n    seen = []\n    def test_a(self):\n        self.seen.append(f(1))\n"
        "        assert self.seen == [1]\n    def test_b(self):\n"
        "        assert f(self.seen) == [1]\n",
    ),
    "shared on a class by name": (
        SAME,
        "class TestA:\n    made = None\n    def test_a(self):\n        TestA.made = f(1)\n"
        "        assert TestA.made == 1\n    def test_b(self):\n"
        "        assert f(TestA.made) == 1\n",
    ),
    "shared on self, wrong": (
        SAME,
        "class TestA:\n    made = None\n    def test_a(self):\n        self.made = f(1)\n"
        "        assert self.made == 1\n    def test_b(self):\n        assert f(self.made) == 1\n",
    ),
    "nonlocal": (
        SAME,
        "def test_a():\n    n = 0\n    def more():\n        nonlocal n\n        n += 1\n"
        "    more()\n    assert f(n) == 1\n",
    ),
    "reraised": (
        SAME,
        "def test_a():\n    try:\n        assert f(1) == 1\n    except AssertionError as e:\n"
        "        pytest.fail(str(e))\n",
    ),
    "caught": (
        SAME,
        "def test_a():\n    try:\n        assert f(1) == 2\n    except AssertionError:\n"
        "        pass\n    assert f(1) == 1\n",
    ),
    "reraised, wrong": (
        SAME,
        "def test_a():\n    try:\n        assert f(1) == 2\n    except AssertionError as e:\n"
        "        raise AssertionError('x') from e\n",
    ),
    "solution's state across tests": (
        "calls = []\ndef f(x):\n    calls.append(x)\n    return len(calls)\n",
        "def test_a():\n    assert f(1) == 1\ndef test_b():\n    assert f(1) == 2\n",
    ),
    "default": (
        SAME,
        "def test_a(n=3):\n    assert f(n) == 3\n",
    ),
    "augmented": (
        SAME,
        "n = 1\ndef test_a():\n    n += 1\n    assert f(n) == 2\n",
    ),
    "comprehension": (
        SAME,
        "def test_a():\n    n = 3\n    assert [f(i) + n for i in range(2)] == [3, 4]\n",
    ),
    "bound in a branch": (
        SAME,
        "def test_a():\n    if f(0):\n        y = 1\n    assert f(y) == 1\n",
    ),
    "exception name gone": (
        SAME,
        "def test_a():\n    try:\n        raise ValueError\n    except ValueError as e:\n"
        "        pass\n    assert f(e) is not None\n",
    ),
    "globals": (
        SAME,
        "def test_a():\n    x = 1\n    assert f('x' in globals()) is False\n",
    ),
    "teardown raises": (
        SAME,
        "class TestA:\n    def teardown_method(self):\n        [][0]\n    def test_a(self):\n"
        "        assert f(1) == 1\n",
    ),
    "module teardown raises": (
        SAME,
        "def teardown_module():\n    [][0]\ndef test_a():\n    assert f(1) == 1\n",
    ),
    "finalizer raises": (
        SAME,
        "@pytest.fixture\ndef v(request):\n    request.addfinalizer(lambda: [][0])\n"
        "    return 1\ndef test_a(v):\n    assert f(v) == 1\n",
    ),
    "method of the class's": (
        SAME,
        "class TestA:\n    def test_a(self):\n        assert f(type(self).__name__) == 'TestA'\n",
    ),
    "a class in a method": (
        SAME,
        "class TestA:\n    def test_a(self):\n        class Leaf:\n"
        "            def __init__(self, value):\n                self.value = value\n"
        "        assert f(Leaf(2)).value == 2\n",
    ),
    "self handed on": (
        SAME,
        "def check(case):\n    case.x = 2\nclass TestA:\n    def test_a(self):\n"
        "        check(self)\n        assert f(self.x) == 2\n",
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


def test_what_suites_mostly_are_stays_plain_calls() -> None:
    """Whatever is not taken apart has no value that votes: the usual styles are."""
    plain = {
        "functions": "def test_a():\n    x = [3, 1]\n    want = [1, 3]\n    assert f(x) == want\n"
        "def test_b():\n    result = f(2)\n    assert result == 4\n    assert f(0) == 0, 'zero'\n",
        "rows": "@pytest.mark.parametrize('x, expected', [(1, 2), (3, 4)])\ndef test_a(x, expected):\n"
        "    assert f(x) == expected\n",
        "a loop": "def test_a():\n    for x, want in [(1, 2), (3, 4)]:\n        assert f(x) == want\n"
        "    for x in (5, 6):\n        assert f(x) == 7\n",
        "a class": "class TestF:\n    def setup_method(self):\n        self.x = 5\n    def test_a(self):\n"
        "        assert f(self.x) == 6\n    def test_b(self):\n        assert f(1) == 2\n",
        "unittest": "class TestF(unittest.TestCase):\n    LIMIT = 9\n    def setUp(self):\n"
        "        self.x = 5\n    def tearDown(self):\n        self.x = None\n    def test_a(self):\n"
        "        y = f(self.x)\n        self.assertEqual(y, 6)\n    def test_b(self):\n"
        "        self.assertEqual(f(self.LIMIT), 10)\n",
        "fixtures": "@pytest.fixture\ndef v():\n    yield 5\n@pytest.fixture(scope='module')\ndef w():\n"
        "    return 7\ndef test_a(v):\n    assert f(1) == 2\ndef test_b(w):\n    assert f(1) == 3\n",
        "helpers": "def double(n):\n    return 2 * n\ndef test_a():\n    n = 4\n    got = f(n)\n"
        "    assert got == 8\n    assert f(3) == 6\ndef test_b():\n    with pytest.raises(ValueError):\n"
        "        f(-1)\n",
    }
    for name, text in plain.items():
        entries = read_text(HEAD + text, "f")
        assert all(isinstance(entry, Case) and entry.call for entry in entries), name


def test_frames_of_the_solution_are_no_verdict(seeds: SandboxPair) -> None:
    text = (
        "def test_a():\n    with pytest.raises(ValueError) as e:\n        f(1)\n"
        "    assert e.traceback[-1].name == 'f'\n"
    )
    entries = tuple(read_text(HEAD + text, "f"))
    cases = tuple(entry for entry in entries if isinstance(entry, Case))
    asked = {"p": [AskedSuite(Suite("s", "p", cases), entries, equal)]}
    problems = {"p": AskedProblem("p", "", "f", "", "execute")}
    solutions = [Solution("one", "p", "def f(x):\n    raise ValueError('x')\n")]
    (line,) = judge_solutions(seeds, problems, asked, solutions)
    assert line["cases"][-1]["verdict"] == "invalid"
    assert "traceback" in line["cases"][-1]["detail"]
