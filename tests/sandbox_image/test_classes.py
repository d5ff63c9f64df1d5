"""What classes of a solution say of objects, and what a test changes of them, beside one process."""

from __future__ import annotations

from tasks.sandbox.pool import DockerSandbox
from tests.sandbox_image.one_process import kinds, true_of

SOLUTION = """
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Protocol, runtime_checkable
class Shape(ABC):
    @abstractmethod
    def area(self): ...
class Sq(Shape):
    def __init__(self, a): self.a = a
    def area(self): return self.a**2
class Duck:
    def draw(self): return "d"
Shape.register(Duck)
@runtime_checkable
class Drawable(Protocol):
    def draw(self): ...
class Table(Mapping):
    def __getitem__(self, k): return {"a": 1}[k]
    def __iter__(self): return iter(["a"])
    def __len__(self): return 1
@dataclass
class P:
    x: int
    y: int = 0
    tags: list = field(default_factory=list)
class Stack:
    def __init__(self): self.items, self.grid, self.by = [], [[0, 1], [2, 3]], {}
    def pop(self): return self.items.pop()
    def corner(self): return self.grid[0][1]
    def __getitem__(self, i): return self.items[i]
class Strict:
    def __init__(self, n): self.n = n
    def __eq__(self, o):
        if o is None: return False
        return self.n == o.n if type(o) is type(self) else NotImplemented
class Money:
    def __init__(self, n): self.n = n
    def __eq__(self, o): return self.n == (o if isinstance(o, Decimal) else o.n)
class Typed:
    def __eq__(self, o): return o == 5 if type(o) is int else NotImplemented
class Empty:
    def __eq__(self, o): return o is None
class Day(date): pass
def f(): return SimpleNamespace(a=1)
def tell(o, x):
    if o.on_change: o.on_change(x)
    return True
COUNT = 1
def count(): return COUNT
def twice(): return f() * 2
def poke(o):
    o.items.append(7)
    return o.items
"""
RIGHT = """
assert isinstance(Duck(), Shape) and issubclass(Duck, Shape) and not isinstance(P(1), Shape)

assert isinstance(Duck(), Drawable) and not isinstance(Sq(1), Drawable)

assert not isinstance(5, Shape) and not issubclass(int, Shape) and isinstance(Sq(1), (int, Shape))

from collections.abc import Hashable, Mapping, MutableMapping
assert isinstance(Table(), Mapping) and dict(Table()) == {'a': 1}
assert not isinstance(Table(), MutableMapping) and not isinstance(Strict(1), Hashable)

from dataclasses import asdict, astuple, fields, replace, MISSING
p = P(1, 2, ['a'])
assert asdict(p) == {'x': 1, 'y': 2, 'tags': ['a']} and astuple(p) == (1, 2, ['a'])
assert [one.name for one in fields(P)] == ['x', 'y', 'tags'] and fields(P)[0].default is MISSING
assert replace(p, x=5).x == 5

s = Stack()
s.items.append(3)
assert s.pop() == 3

s = Stack()
s.grid[0][1] = 9
assert s.corner() == 9

s = Stack()
s.by['k'] = [1]
s.by['k'].append(2)
assert s.by == {'k': [1, 2]}

s = Stack()
s.items.extend([1, 2, 3])
assert s[1:] == [2, 3] and s[::2] == [1, 3]

p = P(1)
p.__dict__['x'] = 9
assert p.x == 9

class T:
    def __init__(self):
        self.items = [1]
t = T()
assert poke(t) == [1, 7]
assert t.items == [1, 7]

from unittest.mock import patch
with patch.object(Stack, 'pop', lambda self: self.items):
    assert Stack().pop() == []
assert patch and Strict(1) != None and Strict(1) != 1 and not Strict(1) == 'x'

seen = []
s = Stack()
s.on_change = seen.append
assert tell(s, 3) and seen == [3]
s.on_change = lambda x: seen.append(-x)
assert tell(s, 3) and seen == [3, -3]

Sq.area = lambda self: 7
assert Sq(1).area() == 7
""".strip().split("\n\n")
# A class answers for itself here, and must not be asked.
LIBRARY = "from datetime import date\nassert Day(2020, 1, 1) == date(2020, 1, 1)"
UNSEEN = (
    "assert Typed() == 5",
    "from decimal import Decimal\nassert Money(5) == Decimal(5)",
    "assert Empty() == None",
    "from types import SimpleNamespace\nassert f() == SimpleNamespace(a=1)",
)


def test_classes_have_the_say_that_they_have_in_one_process(sandbox: DockerSandbox) -> None:
    found = kinds(sandbox, SOLUTION, (*RIGHT, LIBRARY, *UNSEEN))
    assert [check for check, kind in zip((*RIGHT, LIBRARY), found, strict=False) if kind != "value"] == []
    assert [check for check in (*RIGHT, LIBRARY, *UNSEEN) if not true_of(SOLUTION, check)] == []
    # Nobody has seen that they are unequal.
    assert {*found[len(RIGHT) + 1 :]} == {"boundary"}


def test_names_of_the_solutions_module_can_be_patched(sandbox: DockerSandbox) -> None:
    check = """
from unittest.mock import patch
with patch('solution.f', return_value=3) as m:
    assert twice() == 6
m.assert_called_once_with()
assert f().a == 1 and patch('solution.COUNT', 5)
with patch('solution.COUNT', 5):
    assert count() == 5
assert count() == 1
"""
    assert kinds(sandbox, SOLUTION, (check, "import solution\nsolution.nope")) == ["value", "exception"]
