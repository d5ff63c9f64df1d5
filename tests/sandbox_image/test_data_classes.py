"""Values of the library, and objects of classes that derive from types of data, are data in a test: in real
containers they have the verdict that they have in one process with the solution."""

from __future__ import annotations

from tasks.sandbox.pool import DockerSandbox
from tests.sandbox_image.one_process import kinds, true_of

SOLUTION = """
from collections import namedtuple, OrderedDict
from enum import Enum, IntEnum
from typing import NamedTuple
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
import uuid, pathlib
class Point(NamedTuple):
    x: int
    y: int
    def norm(self): return self.x + self.y
Q = namedtuple("Q", "a b")
class Color(Enum):
    RED = 1
    GREEN = 2
class Level(IntEnum):
    LOW = 1
    HIGH = 2
class Stack(list):
    def push(self, x): self.append(x); return self
    def peek(self): return self[-1]
class LRU(OrderedDict):
    def __init__(self, cap): super().__init__(); self.cap = cap
    def get(self, k):
        if k not in self: return -1
        self.move_to_end(k); return self[k]
    def put(self, k, v):
        self[k] = v; self.move_to_end(k)
        if len(self) > self.cap: self.popitem(last=False)
class Name(str):
    def shout(self): return self.upper() + "!"
class Meters(float): pass
class Weird(int):
    def __eq__(self, o): return True
    __hash__ = int.__hash__
def f(x): return x
def due(d, a, n): return d + timedelta(days=n), a * Decimal("1.05")
def half(x): return Fraction(x, 2)
def grow(xs): xs.append(9); return xs
"""
RIGHT = r"""
p = Point(1, 2)
assert p == (1, 2)
assert p.x == 1
assert p.norm() == 3
assert isinstance(p, tuple)
assert isinstance(p, Point)
assert repr(p) == 'Point(x=1, y=2)'
assert len(p) == 2
assert p == Point(1, 2)

x, y = Point(3, 4)
assert x == 3
assert y == 4
assert Point(1, 2)._replace(x=5).x == 5
assert Point(1, 2)._asdict() == {'x': 1, 'y': 2}
assert f(Q(1, 2)) == Q(1, 2)
assert Q._fields == ('a', 'b')

assert Color.RED is Color.RED
assert f(Color.RED) is Color.RED
assert Color.RED.name == 'RED'
assert Color['GREEN'].value == 2
assert Color(1) is Color.RED
assert len(Color) == 2
assert [c.name for c in Color] == ['RED', 'GREEN']
assert Color.RED != Color.GREEN
assert isinstance(Color.RED, Color)
assert Color.RED in Color
assert {Color.RED: 1}[Color.RED] == 1

assert Level.LOW == 1
assert Level.HIGH > Level.LOW
assert isinstance(Level.LOW, int)
assert Level.LOW.name == 'LOW'
assert sorted([Level.HIGH, Level.LOW])[0] is Level.LOW
assert Level.LOW + 1 == 2
assert str(Color.RED) == 'Color.RED'

s = Stack()
s.push(1).push(2)
assert s == [1, 2]
assert s.peek() == 2
assert len(s) == 2
assert isinstance(s, list)
assert s[0] == 1
s.append(3)
assert s.peek() == 3
s.pop()
assert list(s) == [1, 2]
assert type(s) is Stack
import json
assert json.dumps(s) == '[1, 2]'

c = LRU(2)
c.put(1, 1)
c.put(2, 2)
assert c.get(1) == 1
c.put(3, 3)
assert c.get(2) == -1
assert 3 in c
assert len(c) == 2
assert list(c) == [1, 3]

n = Name('ab')
assert n == 'ab'
assert n.shout() == 'AB!'
assert n.upper() == 'AB'
assert isinstance(n, str)
assert n + 'c' == 'abc'

assert Meters(2.5) == 2.5
assert Meters(2) + 1 == 3.0

from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
import pathlib, uuid
d, fee = due(date(2024, 2, 28), Decimal('10.00'), 2)
assert d == date(2024, 3, 1)
assert fee == Decimal('10.5')
assert d.isoformat() == '2024-03-01'

from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
import pathlib, uuid
assert half(1) == 0.5
assert half(1) == Fraction(1, 2)
assert f(datetime(2020, 1, 1, tzinfo=timezone.utc)) == datetime(2020, 1, 1, tzinfo=timezone.utc)
assert f(uuid.UUID(int=3)) == uuid.UUID(int=3)
assert f(pathlib.Path('/a')) == pathlib.Path('/a')
assert f(bytearray(b'x')) == b'x'
assert f(timedelta(1)).days == 1
assert f(time(1, 2)).hour == 1

from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
import pathlib, uuid
d = date(2020, 1, 1)
assert f(d) is d

class L(list):
    pass
x = L([1])
grow(x)
assert x == [1, 9]
assert grow(x) is x

assert f({Point(1, 2): Color.RED})[1, 2] is Color.RED
""".strip().split("\n\n")
WRONG = (
    "assert Point(1,2) == (1,3)",
    "assert Color.RED is Color.GREEN",
    "assert Stack().push(1) == [2]",
    "assert Level.LOW == 2",
)


def test_data_of_the_library_has_the_verdict_of_one_process(sandbox: DockerSandbox) -> None:
    found = kinds(sandbox, SOLUTION, RIGHT)
    assert [check for check, kind in zip(RIGHT, found, strict=True) if kind != "value"] == []
    assert all(true_of(SOLUTION, check) for check in RIGHT)
    assert {*kinds(sandbox, SOLUTION, WRONG)} == {"exception"}
    assert not any(true_of(SOLUTION, check) for check in WRONG)


def test_a_class_of_data_that_compares_in_its_own_way_is_not_asked_about_data(sandbox: DockerSandbox) -> None:
    assert kinds(sandbox, SOLUTION, ("assert Weird(3) == 4", "assert Weird(3) == Weird(4)")) == [
        "boundary",
        "value",
    ]
