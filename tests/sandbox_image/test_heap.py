"""Two heaps at the ends of a pipe against one process: a program that passes objects to a function on the
other side sees what it would see beside it."""

from __future__ import annotations

import copy
import random
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox_image import plain
from sandbox_image.heap import MAX_OBJECTS, Heap

BUDGET = 1 << 20


class Pipe:
    """A function behind a pipe, as `sandbox_image.check` and `child.serve_check` make it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.test, self.solution = Heap(0), Heap(1)

    def __call__(self, *args: Any) -> Any:
        sent, is_plain = self.test.write(args, BUDGET)
        assert is_plain
        value = self.function(*self.solution.read(sent))
        answer, _ = self.solution.write([value], BUDGET)
        (result,) = self.test.read(answer)
        return result


class Solution:
    """What solutions do with objects: return them, parts of them, copies; keep them, change them, later."""

    def __init__(self) -> None:
        self.kept: list[Any] = []

    def __call__(self, what: str, one: Any, other: Any) -> Any:
        match what:
            case "same":
                return one
            case "first":
                return next(iter(one), None)
            case "copy":
                return copy.copy(one)
            case "deep":
                try:
                    return copy.deepcopy(one)
                except RecursionError:
                    # Of an OrderedDict that lies in itself.
                    return None
            case "pair":
                return [one, other, one]
            case "tuple":
                return (one, (other, one), 12345.5, "a text")
            case "keep":
                self.kept.append(one)
            case "kept":
                return self.kept[-1] if self.kept else None
            case "all kept":
                return self.kept
            case "put" if type(one) in (list, deque):
                one.append(other)
            case "put" if isinstance(one, dict):
                one["new"] = other
            case "late" if self.kept and type(self.kept[0]) is list:
                self.kept[0].append("late")
            case "clear" if type(one) is not tuple:
                one.clear()
        return None


KINDS: list[Callable[[], Any]] = [
    list,
    dict,
    lambda: [1, [2, 3], (4, [5])],
    lambda: {"k": [1], 2: {3: []}},
    lambda: {1, 2, (3, 4)},
    lambda: deque([[1], 2]),
    lambda: Counter("aab"),
    lambda: OrderedDict([("b", [1]), ("a", 2)]),
    lambda: (1, [2], "three"),
    lambda: [*range(300), []],
    lambda: [[0] * 3] * 3,
]
STEPS = ("same", "first", "copy", "deep", "pair", "tuple", "keep", "kept", "all kept", "put", "late", "clear")


def shape(values: list[Any]) -> Any:
    """What can be told of some objects without their addresses: their contents, and which of all are one."""
    seen: dict[int, int] = {}
    held: list[Any] = []

    def told(value: Any) -> Any:
        if type(value) in (int, str, float, bool, type(None)):
            return value
        if id(value) in seen:
            return f"#{seen[id(value)]}"
        seen[id(value)] = len(seen)
        held.append(value)
        items = [*value.items()] if isinstance(value, dict) else [*value]
        parts = [part for item in items for part in (item if isinstance(value, dict) else [item])]
        return [type(value).__name__, *map(told, parts)]

    return [told(value) for value in values]


def played(function: Callable[..., Any], seed: int) -> list[Any]:
    """The shape of everything that a test holds, after each of its steps."""
    rng = random.Random(seed)
    held: list[Any] = [make() for make in rng.sample(KINDS, 4)]
    shapes = []
    for _ in range(12):
        one, other = rng.choice(held), rng.choice(held)
        if rng.random() < 0.25 and type(one) is list:
            # The test changes something between two calls.
            one.insert(0, other if rng.random() < 0.5 else "mine")
        if type(one) in (int, str, float, type(None)):
            one = [one]
        held.append(function(rng.choice(STEPS), one, other))
        if rng.random() < 0.3:
            held.pop(rng.randrange(4))
        shapes.append(shape(held))
    return shapes


@settings(max_examples=600, deadline=None)
@given(st.integers(0, 10**9))
def test_both_ends_of_a_pipe_are_one_process(seed: int) -> None:
    assert played(Pipe(Solution()), seed) == played(Solution(), seed)


def test_texts_and_numbers_that_come_back_are_the_same_ones() -> None:
    text, number, data = "some text", 10**30, b"bytes"
    function = Pipe(lambda *args: [*args, "some text".lower()])
    back = function(text, number, data, 2.5, ("x", text))
    assert back[0] is text
    assert back[1] is number
    assert back[2] is data
    assert back[4][1] is text
    assert back[5] == text
    assert back[5] is not text


def test_a_default_dictionary_stays_one() -> None:
    groups: defaultdict[str, list[int]] = defaultdict(list)
    function = Pipe(lambda d: d.update(a=[1]))
    function(groups)
    groups["b"].append(2)
    assert groups == {"a": [1], "b": [2]}


def test_what_nobody_holds_is_forgotten() -> None:
    function = Pipe(lambda x: [x, [x]])
    for number in range(50):
        function([number])
    assert max(len(function.test.objects), len(function.solution.objects)) < 10
    held = [function([number]) for number in range(2000)]
    function([])
    assert len(function.test.objects) <= MAX_OBJECTS + 10
    assert held[-1][1][0] is held[-1][0]


def test_a_change_of_what_nobody_holds_any_more_is_told_first() -> None:
    kept: list[int] = []
    function = Pipe(lambda *items: kept)
    function().append(3)
    assert function() == [3]
    assert kept == [3]


def test_what_is_no_plain_data_is_told() -> None:
    heap = Heap(0)
    assert heap.write([[1, (2, "x")]], BUDGET)[1]
    assert not heap.write([[1, (2, object())]], BUDGET)[1]
    assert not heap.write([print], BUDGET)[1]
    # An object of the solution's, in a list that the call is not about, is nobody's business.
    test, solution = Heap(0), Heap(1)
    solution.read(test.write([], BUDGET)[0])
    (mixed,) = test.read(solution.write([[1, object()]], BUDGET)[0])
    assert isinstance(mixed[1], plain.Opaque)
    assert test.write([[2]], BUDGET)[1]
    mixed.append(2)
    assert test.write([[2]], BUDGET)[1]
    assert not test.write([mixed], BUDGET)[1]


def test_a_message_has_a_size() -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    text, _ = Heap(0).write([deep], BUDGET)
    (back,) = Heap(1).read(text)
    while back:
        (back,) = back
    for large in (
        [*range(10**6)],
        ["x" * 10**6, "x"],
        [[i] for i in range(10**5)],
        {i: i for i in range(10**5)},
    ):
        with pytest.raises(plain.TooLarge):
            Heap(0).write([large], BUDGET // 2)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "[]",
        "3",
        "[[],[]]",
        "[[[]],[],[]]",
        '[[{"@":7}],[],[]]',
        '[[{"@":-1}],[],[]]',
        '[[{"=":[-1,5]}],[],[]]',
        '[[],[[2,"l",[]]],[]]',
        '[[],[[0,"d",[]]],[]]',
        '[[],[[4,"t",[]]],[]]',
        '[[],[[0,"t",[]]],[]]',
        '[[],[[1,"?",[]]],[]]',
        '[[],[[1,"l",[[]]]],[]]',
        '[[],[[1,"d",[1]]],[]]',
        '[[],[[1,"s",[{"@":0}]]],[]]',
        '[[],[[1,"t",[{"@":1}]]],[]]',
        '[[],[[1,"t",[{"@":3}]],[3,"t",[{"@":1}]]],[]]',
        '[[],[[1,"y",[],[1]]],[]]',
        '[[],[[true,"l",[]]],[]]',
        '[[{"t":[]}],[],[]]',
        "[[],[],[]]x",
        "[" * 100_000,
    ],
)
def test_a_message_of_another_shape_is_refused(message: str) -> None:
    heap = Heap(0)
    mine: list[int] = [1]
    heap.write([mine], BUDGET)
    with pytest.raises(ValueError):  # noqa: PT011
        heap.read(message)
    assert mine == [1]


def test_nobody_changes_what_cannot_change() -> None:
    heap = Heap(0)
    pair = (1, 2)
    heap.write([pair], BUDGET)
    with pytest.raises(ValueError, match="another kind"):
        heap.read('[[],[[0,"l",[3]]],[]]')
    with pytest.raises(ValueError, match="another kind"):
        heap.read('[[],[[0,"t",[3]]],[]]')
    assert pair == (1, 2)
