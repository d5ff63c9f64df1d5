"""What stays of a program and what goes, kind by kind: what can change what `f` does stays, in its order."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.core.fragments import read_fragments
from tasks.generation.answers import bare_code
from tasks.generation.entry_points import MAX_PARTS, needed_names
from tasks.generation.prompts import Refusal
from tasks.generation.reduction import reduced

F = "def f(x):\n    return g(x)"
G = "def g(x):\n    return x"
USES_TABLE = "def f(x):\n    return TABLE[x]"
# Kind -> a program of which every statement can change what `f` does.
KEPT = {
    "a helper before and one behind": f"{G}\n\n{F}\n\nK = 1\n\ndef h(x):\n    return K\n\n\nf.h = h",
    "a helper of a helper": f"def h(x):\n    return x\n\ndef g(x):\n    return h(x)\n\n{F}",
    "imports that are used": "import math\n\nfrom os import path as p\n\ndef f(x):\n    return math.pi, p",
    "an import of everything": "from math import *\n\ndef f(x):\n    return sin(x)",
    "of the future": "from __future__ import annotations\n\ndef f(x: int) -> int:\n    return x",
    "a loop that fills a table": f"TABLE = {{}}\n\nfor i in range(9):\n    TABLE[i] = i\n\n{USES_TABLE}",
    "a method that fills it": f"TABLE = []\n\nTABLE.append(1)\n\n{USES_TABLE}",
    "one that is filled under another name": f"TABLE = {{}}\n\nother = TABLE\n\nother[1] = 2\n\n{USES_TABLE}",
    "one that a function fills": "TABLE = []\n\ndef fill(to):\n    to.append(1)\n\nfill(TABLE)\n\n"
    + USES_TABLE,
    "one that calls of it in a loop fill": "memo = {}\n\ndef f(x):\n    memo[x] = x\n    return memo\n\n"
    "for i in range(9):\n    f(i)",
    "an attribute of the function": "def f(x):\n    return f.memo\n\nf.memo = {}",
    "what is added to": "n = 1\n\nn += 1\n\ndef f(x):\n    return n",
    "what is deleted": "T = {1: 2, 3: 4}\n\ndel T[1]\n\ndef f(x):\n    return T",
    "a global that a function sets": "n = 1\n\ndef more():\n    global n\n    n = 2\n\nmore()\n\n"
    "def f(x):\n    return n",
    "the process": "import sys\n\nsys.setrecursionlimit(9999)\n\ndef f(x):\n    return x",
    "a seed": "import random\n\nrandom.seed(1)\n\ndef f(x):\n    return random.random()",
    "a decorator": "import functools\n\n@functools.lru_cache(None)\ndef f(x):\n    return x",
    "a decorator of the program": "def twice(g):\n    return g\n\n@twice\ndef f(x):\n    return x",
    "what a decorator registers": "ways = {}\n\ndef way(g):\n    ways[g.__name__] = g\n    return g\n\n"
    "@way\ndef one(x):\n    return x\n\ndef f(x):\n    return ways['one'](x)",
    "a class and what it derives from": "class A:\n    pass\n\nclass B(A):\n    pass\n\n"
    "def f(x):\n    return B()",
    "a wrapper under the same name": "def f(x):\n    return x\n\nold = f\n\ndef f(x):\n    return old(x) + 1",
    "a function put into a table": "def g(x):\n    return x\n\nWAYS = {'g': g}\n\n"
    "def f(x):\n    return WAYS['g'](x)",
    "a method in an assertion": "X = []\n\nassert X.append(1) is None\n\ndef f(x):\n    return X",
    "a method in a comparison": "X = [1]\n\nX.pop() == 1\n\ndef f(x):\n    return X",
    "a method that is handed on": "h = []\n\nlist(map(h.append, [1, 2]))\n\ndef f(x):\n    return h",
    "what a loop leaves": "it = iter([1, 2])\n\nfor v in it:\n    break\n\ndef f(x):\n    return next(it)",
    "a name that is looked up": "K = 1\n\ndef f(x):\n    return globals()['K']",
    "a walrus in an assertion": "assert (n := 3) > 2\n\ndef f(x):\n    return n",
    "one of two ways": "try:\n    from math import isqrt\nexcept ImportError:\n    isqrt = None\n\n"
    "def f(x):\n    return isqrt(x)",
    "under a condition": "import sys\n\nif sys.maxsize > 9:\n    K = 1\nelse:\n    K = 2\n\n"
    "def f(x):\n    return K",
    "exec": "exec('K = 1')\n\ndef f(x):\n    return K",
    "a lambda": "g = lambda x: x\n\nf = lambda x: g(x)",
    "a copy of a builtin": "from operator import itemgetter\n\nf = itemgetter(0)",
    "a default": "N = 3\n\ndef f(x, n=N):\n    return n",
    "an annotation": "from typing import List\n\ndef f(x: List[int]) -> int:\n    return x",
}
# Kind -> statements that go, beside a program that stays.
DROPPED = {
    "an example": "f(1)",
    "a print": "print(f(1))",
    "a print of more": "print('The value:', f(2), sep='')",
    "assertions": "assert f(1) == 1\nassert f(2) == 2, 'two'",
    "a test": "def test_f():\n    assert f(1) == 1\n\ntest_f()",
    "a check of examples": "for x in (1, 2):\n    assert f(x) == x",
    "examples in a loop": "for x in (1, 2):\n    print(x, f(x))",
    "a main guard": "if __name__ == '__main__':\n    print(f(int(input())))",
    "a main": "def main():\n    print(f(int(input())))\n\nmain()",
    "what is typed": "n = int(input())\nprint(f(n))",
    "other functions": "def h(x):\n    return x",
    "other imports": "import os\nfrom sys import argv",
    "other constants": "N = 3\nM: int = 4",
    "the solution's own name": "from solution import f",
    "a text": "'''f is done.'''",
    "a value": "result = f(1)\nresult",
    "a comparison": "f(1) == 1",
    "doctest": "import doctest\ndoctest.testmod()",
    "a pass": "pass",
    "an end": "import sys\nsys.exit(f(1))",
    "a unittest": "import unittest\n\nclass TestF(unittest.TestCase):\n    def test_f(self):\n"
    "        self.assertEqual(f(1), 1)\n\nunittest.main()",
    "timing": "import time\nstart = time.time()\nf(1)\nprint(time.time() - start)",
    "a stub before it": "def f(x):\n    pass",
}  # fmt: skip


@pytest.mark.parametrize("kind", KEPT)
def test_what_can_change_the_entry_point_stays(kind: str) -> None:
    program = KEPT[kind]
    found = bare_code(program, "f")
    assert not isinstance(found, Refusal)
    kept = [part.text for part in read_fragments(found).parts]
    wanted = [part.text for part in read_fragments(program).parts]
    assert kept == wanted, kind
    # Alone and in a fence, before prose.
    assert bare_code(f"Sure (see below):\n```python\n{program}\n```\nIt's it.", "f") == found


@pytest.mark.parametrize("place", ["before", "behind"])
@pytest.mark.parametrize("kind", DROPPED)
def test_what_cannot_goes(kind: str, place: str) -> None:
    stays = "TABLE = {1: 1}\n\ndef f(x):\n    return TABLE.get(x, x)"
    order = (DROPPED[kind], stays) if place == "before" else (stays, DROPPED[kind])
    found = bare_code("\n\n".join(order), "f")
    if kind == "a stub before it" and place == "behind":
        # Of two definitions the last counts, and it is none.
        assert isinstance(found, Refusal)
        assert found.reason == "empty_body"
    else:
        assert found == f"{stays}\n"


def test_of_two_definitions_the_last_stays_and_the_first_where_it_is_used_before() -> None:
    twice = "def g(x):\n    return 1\n\ndef g(x):\n    return 2\n\ndef f(x):\n    return g(x)"
    assert bare_code(twice, "f") == "def g(x):\n    return 2\n\ndef f(x):\n    return g(x)\n"
    used = "def g(x):\n    return 1\n\nK = g(0)\n\ndef g(x):\n    return K\n\ndef f(x):\n    return g(x)"
    assert bare_code(used, "f") == f"{used}\n"


def test_what_is_needed_of_other_places() -> None:
    parts = read_fragments("import os\n\ndef f(x):\n    return helper(os.sep, len(x), y := LIMIT)").parts
    assert needed_names(parts) == {"helper", "LIMIT"}


def test_a_very_long_program_is_kept_whole_but_for_what_is_dropped_at_sight() -> None:
    lines = "".join(f"a{i} = {i}\n" for i in range(MAX_PARTS))
    parts = read_fragments(f"{lines}f(1)\nprint(2)\ndef f(x):\n    return 0\n").parts
    kept = reduced(parts, "f")
    assert len(kept) == MAX_PARTS + 2
    assert needed_names(kept) == set()


JOINED = {
    "the block before": ("```python\ndef g(x):\n    return x\n```\nThen:\n```python\n{f}\n```\n", True),
    "the block behind": ("```python\n{f}\n```\nIt needs:\n```python\ndef g(x):\n    return x\n```\n", True),
    "an import before": ("```python\nfrom m import g\n```\nThen:\n```python\n{f}\n```\n", False),
    "two blocks": ("```python\ndef h(x):\n    return x\n```\n```python\ndef g(x):\n    return h(x)\n```\n"
                   "```python\n{f}\n```\n", True),
    "the nearest before": ("```python\ndef g(x):\n    return 0\n```\nBetter:\n```python\n"
                           "def g(x):\n    return x\n```\n```python\n{f}\n```\n", True),
    "without its examples": ("```python\ndef g(x):\n    return x\n\nprint(g(1))\n```\n"
                             "```python\n{f}\n```\n", True),
    "without its own entry point": ("```python\ndef g(x):\n    return x\n\ndef f(x):\n    return None\n```\n"
                                    "```python\n{f}\n```\n", True),
}  # fmt: skip


@pytest.mark.parametrize("kind", JOINED)
def test_what_a_block_lacks_comes_from_the_others(kind: str) -> None:
    answer, runs = JOINED[kind]
    code = bare_code(answer.format(f=F), "f")
    assert isinstance(code, str)
    assert code.count("def f(") == 1
    assert "print" not in code
    if runs:
        names: dict[str, object] = {}
        exec(code, names)
        assert names["f"](7) == 7  # type: ignore[operator]
    else:
        assert code == f"from m import g\n\n{F}\n"


REFUSED = {
    "": "syntax",
    "I cannot do that.": "syntax",
    "```python\ndef f(x:\n    return x\n```": "syntax",
    "def f(x):\nreturn x": "syntax",
    "def h(x):\n    return x": "no_entry_point",
    "f = sum([1])": "no_entry_point",
    "def f(x):\n    pass": "empty_body",
    "def f(x):\n    raise NotImplementedError": "empty_body",
    "<think>def f(x):\n    return x</think>": "only_reasoning",
    "<think>\nI would write def f(x): return x": "only_reasoning",
}


@pytest.mark.parametrize("answer", REFUSED)
def test_a_refusal_has_its_reason_and_the_words_of_the_answer(answer: str) -> None:
    found = bare_code(answer, "f")
    assert isinstance(found, Refusal)
    assert (found.reason, found.detail) == (REFUSED[answer], answer.strip()[:200])


PROGRAMS = {
    "functions that a decorator keeps": (
        "import functools\n@functools.singledispatch\ndef f(x):\n    return 'd'\n"
        "@f.register(int)\ndef _(x):\n    return 'i'\n@f.register(str)\ndef _(x):\n    return 's'\n",
        ["i", "s", "d"],
    ),
    "a class that tells its base": (
        "class Base:\n    names = []\n    def __init_subclass__(cls):\n"
        "        Base.names.append(cls.__name__)\n"
        "class Other(Base):\n    pass\ndef f(x):\n    return Base.names\n",
        [["Other"]] * 3,
    ),
    "a class that tells its metaclass": (
        "class Meta(type):\n    names = []\n    def __init__(cls, *args):\n"
        "        Meta.names.append(cls.__name__)\n"
        "class Other(metaclass=Meta):\n    pass\ndef f(x):\n    return Meta.names\n",
        [["Other"]] * 3,
    ),
    "what is deleted and made again": (
        "x = 5\ndel x\nx = 6\ndef f(n):\n    return n\ndel f\ndef f(n):\n    return x\n",
        [6, 6, 6],
    ),
    "printed, and done for the entry point": (
        "T = []\ndef fill(n):\n    T.append(n)\n    return n\ndef f(x):\n    return T\nprint(fill(3))\n",
        [[3]] * 3,
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("form", ["{}", "```python\n{}```", "So:\n\n```python\n{}```\n\nThat is all."])
def test_what_is_left_does_the_same(name: str, form: str) -> None:
    text, wanted = PROGRAMS[name]
    code = bare_code(form.format(text), "f")
    assert isinstance(code, str)
    space: dict[str, Any] = {}
    exec(compile(code, "<answer>", "exec"), space)
    assert [space["f"](value) for value in (1, "a", None)] == wanted


def test_an_example_of_the_entry_point_alone_is_left_out() -> None:
    text = "def g(x):\n    return x\ndef f(x):\n    return g(x)\nprint(f(3))\nprint(g(f(3)))\n"
    code = bare_code(text, "f")
    assert isinstance(code, str)
    assert "print" not in code
