"""Solutions of classes, objects and functions, each right and with faults, and tests of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """A right solution, replacements in it that make it wrong, and the bodies of tests."""

    entry_point: str
    code: str
    faults: tuple[tuple[str, str], ...]
    tests: tuple[str, ...]
    imports: str = "import pytest"

    def solutions(self) -> dict[str, str]:
        """The code of each solution, by a name."""
        found = {"right": self.code}
        for number, (right, wrong) in enumerate(self.faults):
            assert right in self.code, right
            found[f"fault{number}"] = self.code.replace(right, wrong)
        return found


STACK = Family(
    "Stack",
    """
class Stack:
    limit = 3

    def __init__(self, items=()):
        self._items = list(items)

    def push(self, item):
        if len(self._items) >= self.limit:
            raise OverflowError("stack is full")
        self._items.append(item)
        return self

    def pop(self):
        if not self._items:
            raise IndexError("pop from empty stack")
        return self._items.pop()

    @property
    def top(self):
        return self._items[-1] if self._items else None

    def __len__(self):
        return len(self._items)

    def __iter__(self):
        return reversed(self._items)

    def __contains__(self, item):
        return item in self._items

    def __repr__(self):
        return f"Stack({self._items!r})"

    @classmethod
    def of(cls, *items):
        return cls(items)
""",
    (
        ("self._items.pop()", "self._items.pop(0)"),
        ("IndexError(", "ValueError("),
        ("return reversed(self._items)", "return iter(self._items)"),
        ("return len(self._items)", "return len(self._items) + 1"),
        ("        return self\n", ""),
        ("return cls(items)", "return cls(items[:1])"),
        ("item in self._items", "True"),
        ("limit = 3", "limit = 30"),
    ),
    (
        "s = Stack()\ns.push(1)\ns.push(2)\nassert s.pop() == 2\nassert s.pop() == 1",
        "with pytest.raises(IndexError):\n    Stack().pop()",
        "with pytest.raises(IndexError, match='empty'):\n    Stack([]).pop()",
        "s = Stack([1, 2])\nassert len(s) == 2\nassert list(s) == [2, 1]",
        "s = Stack().push(1).push(2)\nassert s.top == 2\nassert isinstance(s, Stack)",
        "assert Stack.of(1, 2).top == 2\nassert Stack.limit == 3",
        "s = Stack.of('a')\nassert 'a' in s\nassert 'b' not in s",
        "assert repr(Stack([1])) == 'Stack([1])'\nassert Stack().top is None",
        "s = Stack([1, 2, 3])\nwith pytest.raises(OverflowError) as info:\n    s.push(4)\n"
        "assert 'full' in str(info.value)\nassert len(s) == 3",
        "s = Stack()\nfor i in range(3):\n    s.push(i)\nassert [x for x in s] == [2, 1, 0]\n"
        "assert sum(s) == 3",
        "s = Stack([1])\nassert s\nassert not Stack()",
        "a, b = Stack([1]), Stack([1])\nassert a is not b\na.push(2)\nassert len(b) == 1",
    ),
)
MONEY = Family(
    "Money",
    """
import functools

@functools.total_ordering
class Money:
    def __init__(self, cents, currency="EUR"):
        if not isinstance(cents, int):
            raise TypeError("cents must be an int")
        self.cents, self.currency = cents, currency

    def __add__(self, other):
        if not isinstance(other, Money):
            return NotImplemented
        if other.currency != self.currency:
            raise ValueError("different currencies")
        return Money(self.cents + other.cents, self.currency)

    def __mul__(self, times):
        return Money(self.cents * times, self.currency)

    __rmul__ = __mul__

    def __neg__(self):
        return Money(-self.cents, self.currency)

    def __eq__(self, other):
        return isinstance(other, Money) and (self.cents, self.currency) == (other.cents, other.currency)

    def __lt__(self, other):
        return self.cents < other.cents

    def __hash__(self):
        return hash((self.cents, self.currency))

    def __str__(self):
        return f"{self.cents / 100:.2f} {self.currency}"

    def __repr__(self):
        return f"Money({self.cents}, {self.currency!r})"

    def __bool__(self):
        return self.cents != 0
""",
    (
        ("self.cents + other.cents", "self.cents - other.cents"),
        ("self.cents < other.cents", "self.cents > other.cents"),
        ("(self.cents, self.currency) == (other.cents, other.currency)", "True"),
        (":.2f", ":.1f"),
        ("return self.cents != 0", "return True"),
        ("ValueError(", "KeyError("),
        ("self.cents * times", "self.cents + times"),
        ("-self.cents", "self.cents"),
    ),
    (
        "assert Money(1) + Money(2) == Money(3)",
        "assert Money(1) == Money(1)\nassert Money(1) != Money(2)\nassert Money(1) != Money(1, 'USD')",
        "assert Money(1) != 1\nassert not Money(1) == 'Money(1)'\nassert Money(1) != None",
        "assert Money(1) < Money(2) <= Money(2)\nassert max(Money(1), Money(3), Money(2)) == Money(3)",
        "assert sorted([Money(3), Money(1)])[0].cents == 1",
        "assert str(Money(250)) == '2.50 EUR'\nassert f'{Money(5)}' == '0.05 EUR'",
        "assert repr(Money(5)) == \"Money(5, 'EUR')\"",
        "assert len({Money(1), Money(1), Money(2)}) == 2\nassert {Money(1): 'a'}[Money(1)] == 'a'",
        "with pytest.raises(ValueError):\n    Money(1) + Money(1, 'USD')",
        "with pytest.raises(TypeError):\n    Money(1) + 'x'",
        "with pytest.raises(TypeError, match='int'):\n    Money(1.5)",
        "assert (Money(2) * 3).cents == 6\nassert (3 * Money(2)).cents == 6",
        "assert (-Money(2)).cents == -2\nassert sum([Money(1), Money(2)], Money(0)).cents == 3",
        "assert Money(1)\nassert not Money(0)",
        "assert Money(1) in [Money(2), Money(1)]\nassert [Money(1), Money(2)] == [Money(1), Money(2)]",
    ),
)
ACCOUNT = Family(
    "Account",
    """
class AccountError(Exception):
    pass

class Overdrawn(AccountError):
    def __init__(self, missing):
        super().__init__(f"{missing} missing")
        self.missing = missing

class Account:
    count = 0

    def __init__(self, owner, balance=0):
        Account.count += 1
        self.owner, self.balance, self.log = owner, balance, []
        self.on_change = None

    def deposit(self, amount):
        if amount <= 0:
            raise ValueError("amount must be positive")
        self.balance += amount
        self.log.append(("deposit", amount))
        if self.on_change:
            self.on_change(self)

    def withdraw(self, amount):
        if amount > self.balance:
            raise Overdrawn(amount - self.balance)
        self.balance -= amount
        self.log.append(("withdraw", amount))
        return self.balance

    def transfer(self, other, amount):
        self.withdraw(amount)
        other.deposit(amount)

    def __enter__(self):
        self.log.append("open")
        return self

    def __exit__(self, kind, error, trace):
        self.log.append("closed")
        return kind is KeyError
""",
    (
        ("self.balance += amount", "self.balance = amount"),
        ("Overdrawn(amount - self.balance)", "Overdrawn(amount)"),
        ("amount <= 0", "amount < 0"),
        ("other.deposit(amount)", "self.deposit(amount)"),
        ('self.log.append("closed")', "pass"),
        ("return kind is KeyError", "return False"),
        ("class Overdrawn(AccountError)", "class Overdrawn(Exception)"),
        ("            self.on_change(self)", "            pass"),
    ),
    (
        "a = Account('x')\na.deposit(5)\na.deposit(2)\nassert a.balance == 7\nassert a.owner == 'x'",
        "a = Account('x', 1)\nwith pytest.raises(Overdrawn) as info:\n    a.withdraw(3)\n"
        "assert info.value.missing == 2\nassert str(info.value) == '2 missing'",
        "with pytest.raises(AccountError):\n    Account('x').withdraw(1)",
        "with pytest.raises(ValueError):\n    Account('x').deposit(0)",
        "a, b = Account('a', 5), Account('b')\na.transfer(b, 3)\nassert (a.balance, b.balance) == (2, 3)",
        "a = Account('x', 5)\nassert a.withdraw(2) == 3\nassert a.log == [('withdraw', 2)]",
        "with Account('x') as a:\n    a.deposit(1)\nassert a.log == ['open', ('deposit', 1), 'closed']",
        "with Account('x') as a:\n    raise KeyError('k')\nassert a.log[-1] == 'closed'",
        "before = Account.count\nAccount('x')\nassert Account.count == before + 1",
        "seen = []\na = Account('x')\na.on_change = lambda account: seen.append(account.balance)\n"
        "a.deposit(4)\nassert seen == [4]",
        "try:\n    Account('x', 1).withdraw(2)\nexcept Overdrawn as error:\n    assert error.missing == 1\n"
        "    assert isinstance(error, AccountError)\nelse:\n    assert False",
        "a = Account('x')\na.balance = 10\nassert a.withdraw(4) == 6\nassert hasattr(a, 'log')\n"
        "assert not hasattr(a, 'rate')",
    ),
)
SHAPES = Family(
    "shapes",
    """
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import NamedTuple

class Kind(Enum):
    ROUND = "round"
    FLAT = "flat"

class Level(IntEnum):
    LOW = 1
    HIGH = 2

class Point(NamedTuple):
    x: float
    y: float = 0.0

    def moved(self, dx):
        return Point(self.x + dx, self.y)

class Shape(ABC):
    @abstractmethod
    def area(self): ...

    def larger(self, other):
        return self.area() > other.area()

@dataclass
class Square(Shape):
    side: float
    tags: list = field(default_factory=list)
    kind = Kind.FLAT

    def area(self):
        return self.side ** 2

@dataclass(frozen=True, order=True)
class Circle(Shape):
    radius: float
    centre: Point = Point(0.0)

    @property
    def kind(self):
        return Kind.ROUND

    def area(self):
        return math.pi * self.radius ** 2

def shapes(sides):
    return [Square(side) for side in sides]

def centre(shape):
    return shape.centre.moved(1)

def level(shape):
    return Level.HIGH if shape.area() > 10 else Level.LOW
""",
    (
        ("return self.side ** 2", "return self.side * 4"),
        ("Point(self.x + dx, self.y)", "Point(self.x - dx, self.y)"),
        ("return Kind.ROUND", "return Kind.FLAT"),
        ("self.area() > other.area()", "self.area() < other.area()"),
        ("Level.HIGH if", "Level.LOW if"),
        ("field(default_factory=list)", "None"),
        ("[Square(side) for side in sides]", "[Square(1) for side in sides]"),
        ("frozen=True, order=True", "order=True, unsafe_hash=True"),
    ),
    (
        "assert [s.area() for s in shapes([1, 2])] == [1, 4]",
        "assert shapes([2]) == [Square(2)]\nassert Square(1) != Square(2)",
        "assert repr(Square(2)) == 'Square(side=2, tags=[])'",
        "a, b = Square(1), Square(1)\na.tags.append('x')\nassert a.tags == ['x'] and b.tags == []",
        "assert Circle(1).kind is Kind.ROUND\nassert Square(1).kind is Kind.FLAT\n"
        "assert Square(1).kind is not Circle(1).kind",
        "assert Circle(1).kind.value == 'round'\nassert Kind('flat') is Kind.FLAT\nassert len(Kind) == 2",
        "assert centre(Circle(1)) == (1.0, 0.0)\nassert centre(Circle(1)) == Point(1.0, 0.0)",
        "x, y = centre(Circle(2, Point(1.0, 5.0)))\nassert x == 2 and y == 5",
        "assert Circle(1).area() == pytest.approx(3.14159, abs=1e-4)",
        "with pytest.raises(TypeError):\n    Shape()",
        "with pytest.raises(AttributeError):\n    Circle(1).radius = 5",
        "assert level(Square(4)) == 2\nassert level(Square(4)) is Level.HIGH\n"
        "assert level(Square(1)) < Level.HIGH",
        "assert isinstance(Square(1), Shape)\nassert issubclass(Circle, Shape)\n"
        "assert not isinstance(Point(1), Shape)",
        "assert Square(3).larger(Circle(1))\nassert not Square(1).larger(Circle(1))",
        "assert sorted([Circle(3), Circle(1)]) == [Circle(1), Circle(3)]",
        "assert {Circle(1): 1}[Circle(1)] == 1\nassert Point(1)._replace(y=2) == (1, 2)",
    ),
)
FUNCTIONS = Family(
    "compose",
    """
import functools
from collections import Counter, OrderedDict, defaultdict

def compose(*functions):
    def composed(value):
        for function in functions:
            value = function(value)
        return value
    return composed

def memoize(function):
    known = {}
    @functools.wraps(function)
    def wrapper(*args):
        if args not in known:
            known[args] = function(*args)
        return known[args]
    wrapper.known = known
    return wrapper

def counter(start=0):
    count = start
    def step(by=1):
        nonlocal count
        count += by
        return count
    return step

def chunks(items, size):
    if size < 1:
        raise ValueError("size")
    chunk = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk

def averager():
    total = count = 0
    value = None
    while True:
        value = yield value
        total += value
        count += 1
        value = total / count

def retry(function, times):
    for turn in range(times):
        try:
            return function()
        except ValueError as error:
            last = error
    raise last

def visit(tree, each):
    if tree is not None:
        visit(tree.left, each)
        each(tree.value)
        visit(tree.right, each)

class LRU(OrderedDict):
    def __init__(self, capacity):
        super().__init__()
        self.capacity = capacity

    def get(self, key):
        if key not in self:
            return -1
        self.move_to_end(key)
        return self[key]

    def put(self, key, value):
        self[key] = value
        self.move_to_end(key)
        if len(self) > self.capacity:
            self.popitem(last=False)
""",
    (
        ("in functions:", "in functions[::-1]:"),
        ("if args not in known:", "if True:"),
        ("count += by", "count += 1"),
        ("    if chunk:\n        yield chunk\n", ""),
        ("value = total / count", "value = total"),
        ("except ValueError as error", "except KeyError as error"),
        ("        each(tree.value)\n        visit(tree.right", "        visit(tree.right"),
        ("self.popitem(last=False)", "self.popitem()"),
    ),
    (
        "assert compose(lambda x: x + 1, lambda x: x * 2)(3) == 8",
        "assert compose(str, len)(1234) == 4\nassert compose()(5) == 5",
        "calls = []\n@memoize\ndef double(x):\n    calls.append(x)\n    return 2 * x\n"
        "assert double(2) == 4 and double(2) == 4\nassert calls == [2]",
        "f = memoize(lambda x: x)\nf(3)\nassert (3,) in f.known",
        "step = counter(5)\nassert step() == 6\nassert step(by=4) == 10\nassert counter()() == 1",
        "assert list(chunks([1, 2, 3], 2)) == [[1, 2], [3]]",
        "g = chunks('abcd', 2)\nassert next(g) == ['a', 'b']\nassert next(g) == ['c', 'd']\n"
        "with pytest.raises(StopIteration):\n    next(g)",
        "with pytest.raises(ValueError):\n    list(chunks([1], 0))",
        "a = averager()\nassert next(a) is None\nassert a.send(4) == 4\nassert a.send(8) == 6\na.close()",
        "turns = []\ndef sometimes():\n    turns.append(1)\n    if len(turns) < 3:\n"
        "        raise ValueError('no')\n"
        "    return 'yes'\nassert retry(sometimes, 5) == 'yes'\nassert len(turns) == 3",
        "def never():\n    raise ValueError('never')\nwith pytest.raises(ValueError, match='never'):\n"
        "    retry(never, 2)",
        "class Tree:\n    def __init__(self, value, left=None, right=None):\n"
        "        self.value, self.left, self.right = value, left, right\nseen = []\n"
        "visit(Tree(2, Tree(1), Tree(3)), seen.append)\nassert seen == [1, 2, 3]",
        "c = LRU(2)\nc.put(1, 'a')\nc.put(2, 'b')\nassert c.get(1) == 'a'\nc.put(3, 'c')\n"
        "assert c.get(2) == -1\nassert list(c) == [1, 3]\nassert len(c) == 2",
        "m = Mock(return_value=7)\nassert compose(m)(1) == 7\nm.assert_called_once_with(1)",
        "m = Mock(side_effect=[ValueError('x'), 5])\nassert retry(m, 3) == 5\nassert m.call_count == 2",
    ),
    "import pytest\nfrom unittest.mock import Mock",
)
LIBRARY = Family(
    "due",
    """
import random
import sys
import warnings
from collections import Counter, deque
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

def due(day, days):
    return day + timedelta(days=days)

def taxed(amount):
    return (amount * Decimal("1.2")).quantize(Decimal("0.01"))

def half(n):
    return Fraction(n, 2)

def letters(text):
    return Counter(text)

def last(items, n):
    return deque(items, maxlen=n)

def deal(n):
    return random.sample(range(52), n)

def greet(name):
    print(f"Hello, {name}!")

def ask():
    name = input("name? ")
    print(name.upper())
    return len(name)

def old(x):
    warnings.warn("use new", DeprecationWarning)
    return x

def save(path, text):
    Path(path).write_text(text)
    return Path(path)

def span(start, end):
    return end - start
""",
    (
        ("timedelta(days=days)", "timedelta(days=days + 1)"),
        ('Decimal("1.2")', 'Decimal("1.3")'),
        ("Fraction(n, 2)", "Fraction(n, 3)"),
        ("random.sample(range(52), n)", "[0] * n"),
        ('print(f"Hello, {name}!")', 'print(f"Hello {name}!")'),
        ("DeprecationWarning", "UserWarning"),
        ("write_text(text)", "write_text(text * 2)"),
        ("print(name.upper())", "print(name)"),
        ("return end - start", "return start - end"),
    ),
    (
        "assert due(date(2024, 2, 28), 2) == date(2024, 3, 1)",
        "assert due(datetime(2024, 1, 1, 12), 1).isoformat() == '2024-01-02T12:00:00'",
        "assert taxed(Decimal('10')) == Decimal('12.00')\nassert str(taxed(Decimal('1.005'))) == '1.21'",
        "assert half(3) == Fraction(3, 2)\nassert half(1) == 0.5\nassert half(4) == 2",
        "assert letters('aab') == Counter({'a': 2, 'b': 1})\nassert letters('aab')['z'] == 0",
        "assert last([1, 2, 3], 2) == deque([2, 3])\nassert list(last('abc', 1)) == ['c']",
        "random.seed(7)\nfirst = deal(3)\nrandom.seed(7)\nassert deal(3) == first\n"
        "assert len(set(deal(5))) == 5",
        "out = io.StringIO()\nwith contextlib.redirect_stdout(out):\n    greet('Ada')\n"
        "assert out.getvalue() == 'Hello, Ada!\\n'",
        "with patch('builtins.input', return_value='ada'):\n    assert ask() == 3",
        "with pytest.warns(DeprecationWarning):\n    assert old(3) == 3",
        "with warnings.catch_warnings(record=True) as caught:\n    warnings.simplefilter('always')\n"
        "    old(1)\n"
        "assert len(caught) == 1\nassert 'new' in str(caught[0].message)",
        "with tempfile.TemporaryDirectory() as folder:\n    path = save(os.path.join(folder, 'a'), 'text')\n"
        "    assert path.read_text() == 'text'\n    assert path.name == 'a'",
        "assert span(date(2024, 1, 1), date(2024, 1, 3)) == timedelta(days=2)\n"
        "assert span(date(2024, 1, 1), date(2024, 1, 3)).days == 2",
    ),
    "import contextlib\nimport io\nimport os\nimport random\nimport tempfile\nimport warnings\n"
    "import pytest\n"
    "from collections import Counter, deque\nfrom datetime import date, datetime, timedelta\n"
    "from decimal import Decimal\nfrom fractions import Fraction\nfrom unittest.mock import patch",
)
FAMILIES = (STACK, MONEY, ACCOUNT, SHAPES, FUNCTIONS, LIBRARY)
