"""Tests of classes, objects, functions and exceptions of a solution, in real containers: each has the verdict
that it has in one process with the solution."""

from __future__ import annotations

from math import isclose
from typing import Any

import pytest

from tasks.core.records import Outcome, Program
from tasks.execution.verdicts import by_candidate
from tasks.sandbox.pool import DockerSandbox

SOLUTION = '''
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
class Stack:
    """doc"""
    kind = "lifo"
    def __init__(self): self._items = []
    def push(self, x): self._items.append(x); return self
    def pop(self):
        if not self._items: raise IndexError("empty stack")
        return self._items.pop()
    def __len__(self): return len(self._items)
    def __iter__(self): return iter(self._items)
    def __contains__(self, x): return x in self._items
    def __enter__(self): return self
    def __exit__(self, *a): self.closed = a[0] is None; return False
    @property
    def top(self): return self._items[-1]
    @classmethod
    def of(cls, *xs):
        s = cls()
        for x in xs: s.push(x)
        return s
    @staticmethod
    def two(): return 2
class Money:
    def __init__(self, n): self.n = n
    def __add__(self, o): return Money(self.n + (o.n if isinstance(o, Money) else o))
    def __eq__(self, o): return isinstance(o, Money) and self.n == o.n
    def __lt__(self, o): return self.n < o.n
    def __hash__(self): return hash(self.n)
    def __str__(self): return f"{self.n}.00 EUR"
    def __repr__(self): return f"Money({self.n})"
@dataclass
class P:
    x: int
    y: int = 0
class TooLittle(Exception):
    def __init__(self, missing):
        super().__init__(f"{missing} missing"); self.missing = missing
def withdraw(b, a):
    if a > b: raise TooLittle(a-b)
    return b-a
def gen(n):
    for i in range(n):
        got = yield i
        if got: yield got * 2
    return "end"
def make_adder(n): return lambda x: x + n
def apply_all(f, xs): return [f(x) for x in xs]
def ident(x): return x
@lru_cache
def cached(x): return x*2
COUNT = 0
def tick():
    global COUNT
    COUNT += 1
def rev(head):
    last = None
    while head:
        head.next, last, head = last, head, head.next
    return last
class ListNode:
    def __init__(self, val=0, next=None): self.val, self.next = val, next
class Shape:
    def area(self): raise NotImplementedError
class Sq(Shape):
    def __init__(self, a): self.a = a
    def area(self): return self.a**2
'''

RIGHT = """
s = Stack()
s.push(1).push(2)
assert s.pop() == 2
assert len(s) == 1
assert list(s) == [1]
assert 1 in s
assert s.top == 1

with pytest.raises(IndexError, match='empty'):
    Stack().pop()

assert Stack.of(1, 2).top == 2
assert Stack.two() == 2
assert Stack.kind == 'lifo'
assert Stack.__doc__ == 'doc'

s = Stack()
assert isinstance(s, Stack)
assert type(s) is Stack
assert s.__class__ is Stack
assert not isinstance(s, list)
assert type(s).__name__ == 'Stack'

with Stack() as s:
    s.push(3)
assert s.closed

assert Money(1) + Money(2) == Money(3)

assert Money(1) != Money(3)
assert Money(1) < Money(2)
assert sorted([Money(2), Money(1)]) == [Money(1), Money(2)]

assert str(Money(5)) == '5.00 EUR'
assert repr(Money(5)) == 'Money(5)'
assert f'{Money(5)}' == '5.00 EUR'

assert len({Money(1), Money(1), Money(2)}) == 2
assert hash(Money(1)) == hash(Money(1))

assert Money(5) != 5
assert not Money(5) == 'x'

assert (Money(5) + 3).n == 8

assert P(1, 2) == P(1, 2)
assert P(1).y == 0
assert repr(P(1, 2)) == 'P(x=1, y=2)'
assert P(1, 2) != (1, 2)

p = P(1, 2)
p.x = 5
assert p.x == 5
assert p.__dict__ == {'x': 5, 'y': 2}

with pytest.raises(TooLittle) as info:
    withdraw(1, 3)
assert info.value.missing == 2
assert str(info.value) == '2 missing'
assert isinstance(info.value, Exception)

try:
    withdraw(1, 3)
except TooLittle as e:
    assert e.missing == 2 and e.args == ('2 missing',)
else:
    assert False

g = gen(3)
assert next(g) == 0
assert g.send(5) == 10
assert next(g) == 1
assert list(g) == [2]

import types
assert isinstance(gen(1), types.GeneratorType)
assert list(gen(4)) == [0, 1, 2, 3]

assert make_adder(3)(4) == 7
assert callable(make_adder(1))
assert make_adder(1) is not make_adder(1)

assert apply_all(lambda x: x * 2, [1, 2]) == [2, 4]
assert apply_all(len, ['ab', '']) == [2, 0]
assert apply_all(str.upper, ['a']) == ['A']

seen = []
apply_all(seen.append, [3, 4])
assert seen == [3, 4]

o = object()
assert ident(o) is o
assert ident(Stack) is Stack
assert ident(ident) is not None
s = Stack()
assert ident(s) is s

assert cached(2) == 4
assert cached(2) == 4
assert cached.cache_info().hits == 1
cached.cache_clear()

tick()
tick()
assert COUNT == 2

class N:

    def __init__(s, v, n=None):
        s.val, s.next = (v, n)
h = rev(N(1, N(2)))
assert h.val == 2
assert h.next.val == 1
assert h.next.next is None
assert isinstance(h, N)

h = rev(ListNode(1, ListNode(2)))
out = []
while h:
    out.append(h.val)
    h = h.next
assert out == [2, 1]

assert issubclass(Sq, Shape)
assert isinstance(Sq(2), Shape)
assert Sq(3).area() == 9

with pytest.raises(NotImplementedError):
    Shape().area()

assert hasattr(Stack(), 'push')
assert not hasattr(Stack(), 'nope')
assert getattr(Stack(), 'zz', 7) == 7

from unittest.mock import Mock
m = Mock(return_value=3)
assert apply_all(m, [1]) == [3]
m.assert_called_once_with(1)

import copy
a = P(1, 2)
b = copy.copy(a)
b.x = 9
assert a.x == 1
assert copy.deepcopy(a) == a

assert isclose(1.0, 1.0)
assert max([Stack.of(1), Stack.of(1, 2)], key=len).top == 2

class Boom(Exception):
    pass
def cb(x):
    raise Boom('b')
with pytest.raises(Boom):
    apply_all(cb, [1])

assert ident({'a': P(1)})['a'].x == 1

import io
b = io.StringIO()
ident(b).write('x')
assert b.getvalue() == 'x'
""".strip().split("\n\n")
WRONG = (
    "assert Stack().push(1) == 5",
    "assert len(Stack.of(1)) == 2",
    "assert Money(1)+Money(2) == Money(4)",
    "assert P(1,2) == P(2,2)",
    "assert withdraw(1,3) == 0",
    "assert Stack() == Stack()",
    "assert isinstance(P(1), Stack)",
    "assert Nope() == 3",
)


def true_of(check: str) -> bool:
    """Whether a check passes beside the solution."""
    namespace: dict[str, Any] = {"pytest": pytest, "isclose": isclose, "__name__": __name__}
    try:
        # Programs of these tests only.
        exec(compile(SOLUTION, "<solution>", "exec", dont_inherit=True), namespace)
        exec(compile(check, "<check>", "exec", dont_inherit=True), namespace)
    except BaseException:
        return False
    return True


def outcomes(sandbox: DockerSandbox, checks: tuple[str, ...], code: str | None = SOLUTION) -> list[Outcome]:
    (execution,) = sandbox.run([Program("p", code, "ident", (), checks)])
    return [*execution.checks]


def test_a_check_of_objects_has_the_verdict_of_one_process(sandbox: DockerSandbox) -> None:
    checks = (*RIGHT, *WRONG)
    found = [outcome.kind for outcome in outcomes(sandbox, checks)]
    assert [
        check for check, kind in zip(checks, found, strict=True) if (kind == "value") != true_of(check)
    ] == []
    assert set(found[len(RIGHT) :]) == {"exception"}


def test_what_rests_on_the_word_of_a_class_says_so(sandbox: DockerSandbox) -> None:
    by_word = (
        "assert Money(1) + Money(2) == Money(3)",
        "assert not Money(1) == Money(2)",
        "assert Money(1) < Money(2)",
        "assert [Money(1)] == [Money(1)]",
        "assert 1 in Stack.of(1)",
        "s = Stack()\ns.push(2)\nassert 2 in s",
        "assert Money(1).n == 1 and Money(1) == Money(1)",
        "assert Money(1) == Money(1)\nassert str(Money(1)) == '1.00 EUR'",
        "assert max(Money(1), Money(2)).n == 2",
        "assert Stack.of(1)",
    )
    by_data = (
        "assert Stack.of(1) and Stack.of(2).pop() == 2",
        "assert str(Money(1) + Money(2)) == '3.00 EUR'",
        "assert Stack.of(1).pop() == 1",
        "a = Stack()\nassert a is a and ident(a) is a and a == a and a.pop is not None",
    )
    found = outcomes(sandbox, (*by_word, *by_data))
    assert {outcome.kind for outcome in found} == {"value"}
    assert [by_candidate(outcome) for outcome in found] == [True] * len(by_word) + [False] * len(by_data)


def test_the_null_candidate_has_objects_that_do_nothing(sandbox: DockerSandbox) -> None:
    code = SOLUTION.replace("def ident(x): return x", "class ident(Stack): pass")
    checks = (
        "assert ident().push(1).pop() == 1",
        "with pytest.raises(IndexError):\n    ident().pop()",
        "s = ident()\nassert s is not None",
        "with pytest.raises(IndexError):\n    ident.of().pop()",
    )
    assert [outcome.kind for outcome in outcomes(sandbox, checks, code)] == ["value"] * 4
    null = [(outcome.kind, outcome.detail) for outcome in outcomes(sandbox, checks, None)]
    assert [kind for kind, _ in null] == ["exception", "exception", "value", "exception"]
    assert null[2][1] == ""


def test_a_missing_entry_point_is_no_exception_to_expect(sandbox: DockerSandbox) -> None:
    (outcome,) = outcomes(sandbox, ("with pytest.raises(NameError):\n    ident(1)",), "def other(): pass")
    assert (outcome.kind, outcome.loading) == ("exception", True)
