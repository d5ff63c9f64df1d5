"""A file taken apart passes if and only if the file passes: whatever its statements share."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.fragments import parse_python
from tasks.testcode.split import split_tests

SOLUTION = """
calls = 0
def f(x):
    global calls
    if isinstance(x, list):
        x.append(len(x))
        return sum(x)
    return x * x
"""
NAMES = ("a", "b", "c")


def passes(source: str) -> bool:
    """Whether the source runs to its end beside the solution, in a process of its own as it were."""
    namespace: dict[str, Any] = {}
    exec(SOLUTION, namespace)
    try:
        exec(source, namespace)
    except Exception:
        return False
    return True


def split(source: str) -> list[str]:
    module = parse_python(source)
    assert module is not None
    return split_tests(module, "f")


@st.composite
def files(draw: Any) -> str:
    """Statements that run, and assertions that hold but for one in eight: what `repr` says they are."""
    namespace: dict[str, Any] = {}
    exec(SOLUTION, namespace)
    lines: list[str] = []

    def add(line: str) -> None:
        exec(line, namespace)
        lines.append(line)

    for name in NAMES:
        add(f"{name} = {draw(st.sampled_from(['[1, 2]', '[]', '3', '(1, 2)']))}")
    for _ in range(draw(st.integers(1, 8))):
        name, other = draw(st.sampled_from(NAMES)), draw(st.sampled_from(NAMES))
        is_list = isinstance(namespace[name], list)
        kind = draw(
            st.sampled_from(["anew", "alias", "change", "helper", "loop", "call", "assert", "assert"])
        )
        if kind == "anew":
            add(f"{name} = {draw(st.sampled_from(['[4]', '5', '[1, 2]']))}")
        elif kind == "alias":
            add(f"{name} = {other}")
        elif kind == "change":
            add(f"{name}.append(7)" if is_list else f"{name} += {name}")
        elif kind == "helper" and is_list:
            add(f"def more():\n    {name}.append(9)\nmore()")
        elif kind == "loop" and is_list:
            body = draw(
                st.sampled_from([f"{name}.append(x)", "assert f(x) == x * x", f"{name}.append(f(x))"])
            )
            add(f"for x in [1, 2]:\n    {body}")
        elif kind == "call" and isinstance(namespace[name], list | int):
            add(f"{other} = f({name})")
        elif kind == "assert":
            looks = (
                [f"{name}", f"len({name})", f"{name} is {other}"] if is_list else [name, f"{name} == {other}"]
            )
            calls = [f"f({name})"] if isinstance(namespace[name], list | int) else []
            asked = draw(st.sampled_from([*looks, *calls, "f(3)"]))
            answer = eval(asked, namespace)
            wrong = draw(st.integers(0, 7)) == 0
            lines.append(f"assert {asked} == {'None' if wrong else repr(answer)}")
    return "\n".join(lines)


@settings(max_examples=400, deadline=None)
@given(files())
def test_a_file_passes_if_and_only_if_its_tests_do(source: str) -> None:
    tests = split(source)
    assert len(tests) >= source.count("\nassert")
    assert all(map(passes, tests)) == passes(source)


SHARING = {
    "one stack": "s = []\ndef push(x):\n    s.append(x)\n    return f(len(s))\nassert push(1) == 1\n"
    "assert push(2) == 4",
    "in place": "xs = [3, 1]\nassert f(xs) == 6\nassert xs == [3, 1, 2]",
    "in place, in one assertion": "xs = [3, 1]\nassert f(xs) == 6 and xs == [3, 1, 2]",
    "collected by a loop": "out = []\nfor x in [1, 2, 3]:\n    out.append(f(x))\nassert out == [1, 4, 9]",
    "counted by a loop": "failed = 0\nfor x in [1, 2]:\n    if f(x) != x * x:\n        failed += 1\n"
    "assert failed == 0",
    "accumulated": "t = 0\nfor x in [1, 2]:\n    t += f(x)\n    assert t in (1, 5)",
    "built first": "data = []\nfor x in [1, 2]:\n    data.append(x)\nassert f(data) == 5",
    "a table that is built": "rows = []\nrows.append((2, 4))\nfor x, want in rows:\n    assert f(x) == want",
    "an alias": "a = [1]\nb = a\nb.append(2)\nassert f(a) == 5",
    "a helper with a global": "n = 1\ndef bump():\n    global n\n    n += 1\nbump()\nassert f(n) == 4",
    "a helper with a list": "xs = []\ndef add(x):\n    xs.append(x)\nadd(3)\nassert f(xs) == 4",
    "a default that remembers": "def add(x, seen=[]):\n    seen.append(x)\n    return len(seen)\nadd(1)\n"
    "assert f(add(2)) == 4",
    "a class that remembers": "class Log:\n    seen = []\n    def add(self, x):\n"
    "        self.seen.append(x)\nLog().add(3)\nassert f(Log.seen) == 4",
    "a star": "from math import *\nassert f(2) == floor(4.5)",
    "left by a loop": "for x in [1, 2]:\n    r = f(x)\n    assert r == x * x\nassert r == 4",
    "a module that is told something": "import random\nrandom.seed(1)\nx = random.randint(1, 9)\n"
    "random.seed(1)\nassert f(x) == random.randint(1, 9) ** 2",
}  # fmt: skip


@pytest.mark.parametrize("source", SHARING.values(), ids=SHARING)
def test_what_tests_share_stays_with_them(source: str) -> None:
    assert passes(source)
    tests = split(source)
    assert tests
    assert all(map(passes, tests))


def test_an_endless_table_is_one_test() -> None:
    loop = "for x in range(10 ** 30):\n    assert f(x) == x"
    assert split(loop.replace("10 ** 30", str(10**30))) == [loop.replace("10 ** 30", str(10**30))]


def test_a_long_chain_is_one_test_at_its_end() -> None:
    """Each of a thousand assertions on one list would hold all before it."""
    source = "s = []\n" + "".join(f"assert f(s) == {sum(range(i + 1))}\n" for i in range(60))
    tests = split(source + "assert f(3) == 9\n")
    assert len(tests) < 25
    assert all(map(passes, tests))
    assert max(test.count("assert") for test in tests) == 60
    wrong = split(source.replace(f"== {sum(range(40))}\n", "== 0\n"))
    assert not all(map(passes, wrong))


def test_what_nobody_changes_is_shared_freely() -> None:
    source = "N = 3\nTABLE = ((1, 1), (2, 4))\nimport math\ndef half(x):\n    return x / 2\n"
    source += "twice = lambda x: 2 * x\nassert f(2) == twice(2)\nassert f(2) < twice(3)\n"
    source += "assert f(N) == 9\nassert f(N) > half(N)\nassert f(2) == 4\nprint(f(N))\n"
    assert split(source) == [
        "twice = lambda x: 2 * x\nassert f(2) == twice(2)",
        "twice = lambda x: 2 * x\nassert f(2) < twice(3)",
        "N = 3\nassert f(N) == 9",
        "N = 3\ndef half(x):\n    return x / 2\nassert f(N) > half(N)",
        "assert f(2) == 4",
    ]


@pytest.mark.parametrize(
    "first",
    [
        "if True:\n    sys.exit(0)",
        "try:\n    sys.exit(0)\nfinally:\n    pass",
        "def stop():\n    sys.exit(0)\nstop()",
        "bye = lambda: sys.exit(0)\nbye()",
        "globals()['f'] = lambda x: 4",
        "exec('def f(x): return 4')",
        "def fix():\n    global f\n    f = lambda x: 4\nfix()",
    ],
)
def test_what_makes_the_rest_worthless_stays(first: str) -> None:
    (test,) = split(f"import sys\n{first}\nassert f(2) == 4")
    assert first.splitlines()[-1].strip() in test
