"""A solution may return an iterator: what a test makes of it is judged as in one process."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox_image import plain
from sandbox_image.iterators import KINDS, MAX_ITEMS, Iterated, taken
from sandbox_image.outcomes import raised
from tasks.core import values
from tasks.core.records import CONDITION, Case, Problem, Suite
from tasks.core.values import ValueFormatError, decode, encode
from tasks.execution.determinism import SandboxPair
from tasks.execution.problem_data import ProblemData
from tasks.execution.step import execute_shard
from tasks.execution.verdict_lines import _shown
from tasks.execution.verdicts import plan_calls, suite_verdicts
from tasks.testcode.suites import read_cases
from tests.support.factories import solution

PROGRAMS = {
    "generator": "def f(x):\n    for i in range(x):\n        yield i * i\n",
    "list": "def f(x):\n    return [i * i for i in range(x)]\n",
    "map": "def f(x):\n    return map(lambda i: i * i, range(x))\n",
    "reversed": "def f(x):\n    return reversed([4, 1, 0][-x:])\n",
    "chain": "from itertools import chain\ndef f(x):\n    return chain([0], [1, 4][: x - 1])\n",
    "keys": "def f(x):\n    return {i * i: 'a' for i in range(x)}.keys()\n",
    "values": "def f(x):\n    return {i: i * i for i in range(x)}.values()\n",
    "items": "def f(x):\n    return {i: i * i for i in range(x)}.items()\n",
    "pairs": "def f(x):\n    return enumerate(i * i for i in range(x))\n",
    "raises": "def f(x):\n    yield 0\n    raise ValueError('no more')\n",
    "empty": "def f(x):\n    return iter(())\n",
}
TESTS = [
    *("assert list(f(3)) == [0, 1, 4]", "assert f(3) == [0, 1, 4]", "assert sorted(f(3)) == [0, 1, 4]"),
    *(
        "assert tuple(f(2)) == (0, 1)",
        "assert sum(f(3)) == 5",
        "assert 4 in f(3)",
        "assert set(f(3)) == {4, 1, 0}",
    ),
    *("assert dict(f(2)) == {0: 0, 1: 1}", "assert len(f(3)) == 3", "assert max(f(3)) == 4", "assert f(3)"),
    *(
        "assert not f(0)",
        "assert list(f(0)) == []",
        "assert f(3)[1] == 1",
        "assert f(0) is not None and f(3) != 3",
    ),
    *("assert isinstance(f(3), list)", "assert any(f(3))", "assert len(list(f(3))) == 3"),
]
CHECKS = [
    "it = f(3)\nassert next(it) == 0\nassert next(it) == 1",
    "assert [a for a, _ in zip(f(3), range(2))] == [0, 1]",
    "it = f(2)\nassert list(it) == [0, 1]\nassert list(it) == []",
    "with pytest.raises(ValueError, match='more'):\n    list(f(3))",
    "with pytest.raises(ValueError):\n    f(3)",
    "import types\nassert isinstance(f(3), types.GeneratorType)",
    "assert {*f(3)} == {0, 1, 4} and f(3) == {0, 1, 4}",
]


def true_of(program: str, test: str) -> bool:
    namespace: dict[str, Any] = {"pytest": pytest}
    exec(program, namespace)  # programs of these tests only
    try:
        exec(test, namespace)
    except BaseException:
        return False
    return True


def test_a_test_of_an_iterator_has_the_verdict_of_one_process(seeds: SandboxPair) -> None:
    problem = Problem("p/f", "f", "f", "def f(x):", "statement")
    outside = read_cases(TESTS, "f").cases
    assert sum(case.rule == CONDITION for case in outside) > 8
    inside = [Case(test, check=test) for test in (*TESTS, *CHECKS)]
    suites = [Suite("outside", "p/f", outside), Suite("inside", "p/f", tuple(inside))]
    programs = [solution(name, code, problem) for name, code in PROGRAMS.items()]
    rows = {row.solution_id: row for row in execute_shard(seeds, [ProblemData(problem, programs, suites)])}
    plan = plan_calls(suites)
    for name, code in PROGRAMS.items():
        for suite in suites:
            judged = [word == "pass" for word in suite_verdicts(rows[name], suite, plan)]
            truth = {case.source: true_of(code, case.source) for case in suite.cases}
            assert dict(zip(truth, judged, strict=True)) == truth, name


def test_of_an_endless_iterator_the_first_items_are_known(seeds: SandboxPair) -> None:
    problem = Problem("p/f", "f", "f", "def f(x):", "statement")
    code = "import itertools\ndef f(x):\n    return (i * i for i in itertools.count())\n"
    tests = [
        *(
            "it = f(1)\nassert [next(it) for _ in range(1000)][-1] == 999 ** 2",
            "assert 9 in f(1)",
            "assert any(f(1))",
        ),
        *("assert next(zip(f(1), 'a')) == (0, 'a')", "assert len(list(f(1))) == 1000", "assert sorted(f(1))"),
        "try:\n    list(f(1))\nexcept BaseException:\n    pass\nassert f(1) != 1",
    ]
    suite = Suite("s", "p/f", read_cases(tests, "f").cases)
    rows = execute_shard(seeds, [ProblemData(problem, [solution("s", code, problem)], [suite])])
    row = next(row for row in rows if row.solution_id == "s")
    assert [word[0] for word in suite_verdicts(row, suite, plan_calls([suite]))] == [*"pppp", *"fff"]


def test_what_an_iterator_is_travels_both_ways() -> None:
    def sent(value: Any) -> Iterated:
        text = plain.encode(taken(value, raised), 100_000)
        assert encode(decode(text)) == text
        assert plain.encode(plain.decode(text), 100_000) == text
        found = decode(text)
        assert isinstance(found, Iterated)
        return found

    def ends_badly() -> Any:
        yield 1
        raise KeyError("k")

    assert list(sent(iter([1, (2, "a")]))) == [1, (2, "a")]
    assert sent(iter(range(2 * MAX_ITEMS))).end == ("more",)
    assert sent(iter(range(MAX_ITEMS))).end == ()
    assert sent(ends_badly()).end == ("exception", "KeyError|LookupError|Exception|BaseException", "'k'")
    assert len(sent({1: 2}.items())) == 1
    with pytest.raises(ValueError, match="more items"):
        list(sent(ends_badly()))
    with pytest.raises(TypeError):
        len(sent(map(str, "ab")))
    made: list[object] = [zip(), map(str, ""), {}.keys(), iter("")]
    assert {type(one) for one in made} <= KINDS
    assert not {list, dict, str, type(open)} & KINDS


def test_an_iterator_equals_nothing_and_is_grouped_by_what_it_yields() -> None:
    texts = [plain.encode(taken(iter(items), raised), 10_000) for items in ([1, 2], [1.0, 2], [1, 3])]
    assert values.text_key(texts[0]) == values.text_key(texts[1]) != values.text_key(texts[2])
    assert not values.equal(decode(texts[0]), decode(texts[0]))
    assert not values.equal(decode(texts[0]), [1, 2])
    assert _shown(texts[0]) == "a list_iterator of [1, 2]"


@pytest.mark.parametrize(
    "body",
    [
        [],
        ["map"],
        ["map", 1, []],
        [1, [], []],
        ["map", [], ["a", "b"]],
        ["map", [], [1]],
        ["map", [], {"t": []}],
    ],
)
def test_a_forged_iterator_is_refused(body: Any) -> None:
    with pytest.raises(ValueFormatError):
        decode(json.dumps({"y": body}))
    with pytest.raises(ValueError, match=r"not|values to unpack"):
        plain.decode(json.dumps({"y": body}))


def test_a_deep_iterator_is_refused() -> None:
    text = '{"y":["map",[' * 300 + "],[]]}" * 300
    with pytest.raises(ValueFormatError):
        decode(text)
    with pytest.raises(ValueError, match="deep"):
        plain.decode(text)
