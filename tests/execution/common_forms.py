"""A solution with something of all that Python programs are made of, faults in it, and files of tests."""

from __future__ import annotations

CODE = """
from __future__ import annotations

import abc
import collections
import datetime
import functools
import logging
import os
import random
import time
import typing
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from enum import Enum, Flag, IntEnum, auto
from typing import NamedTuple, Protocol, runtime_checkable

log = logging.getLogger("app")
LIMIT = 10
COUNT = 0
CACHE = {}
RATES = {"EUR": 1.0, "USD": 2.0}

class Color(Enum):
    RED = 1
    GREEN = 2

    @property
    def label(self):
        return self.name.title()

class Level(IntEnum):
    LOW = 1
    HIGH = 2

class Perm(Flag):
    READ = auto()
    WRITE = auto()
    ALL = READ | WRITE

class Day(date):
    def nice(self):
        return f"{self.day}.{self.month}."

@dataclass(order=True)
class Item:
    price: float
    name: str = field(compare=False, default="")
    tags: list = field(default_factory=list, compare=False)
    total: float = field(init=False, compare=False)

    def __post_init__(self):
        if self.price < 0:
            raise ValueError("price must not be negative")
        self.total = self.price * 2

@dataclass(frozen=True)
class Point:
    x: int
    y: int = 0

    def __add__(self, other):
        return Point(self.x + other.x, self.y + other.y)

class Pair(NamedTuple):
    left: int
    right: int = 0

    @property
    def sum(self):
        return self.left + self.right

class Slotted:
    __slots__ = ("a",)

    def __init__(self, a):
        self.a = a

class Celsius:
    def __init__(self, degrees=0):
        self.degrees = degrees

    @property
    def fahrenheit(self):
        return self.degrees * 9 / 5 + 32

    @fahrenheit.setter
    def fahrenheit(self, value):
        self.degrees = (value - 32) * 5 / 9

    @functools.cached_property
    def squared(self):
        return self.degrees ** 2

class Positive:
    def __set_name__(self, owner, name):
        self.name = "_" + name

    def __get__(self, value, owner=None):
        return self if value is None else getattr(value, self.name)

    def __set__(self, value, number):
        if number <= 0:
            raise ValueError("must be positive")
        setattr(value, self.name, number)

class Order:
    amount = Positive()

    def __init__(self, amount):
        self.amount = amount

class Registry(type):
    known = {}

    def __new__(mcs, name, bases, body):
        made = super().__new__(mcs, name, bases, body)
        mcs.known[name] = made
        return made

class Plugin(metaclass=Registry):
    pass

class Extra(Plugin):
    pass

class Singleton:
    _one = None

    def __new__(cls):
        if cls._one is None:
            cls._one = super().__new__(cls)
        return cls._one

class Matrix:
    def __init__(self, rows):
        self.rows = [list(row) for row in rows]

    def __matmul__(self, other):
        columns = list(zip(*other.rows))
        return Matrix([[sum(a * b for a, b in zip(row, column)) for column in columns] for row in self.rows])

    def __getitem__(self, place):
        row, column = place
        return self.rows[row][column]

    def __setitem__(self, place, value):
        row, column = place
        self.rows[row][column] = value

    def __eq__(self, other):
        return isinstance(other, Matrix) and self.rows == other.rows

    def __len__(self):
        return len(self.rows)

    def __neg__(self):
        return Matrix([[-x for x in row] for row in self.rows])

    def __iter__(self):
        return iter(self.rows)

    def __contains__(self, value):
        return any(value in row for row in self.rows)

    def __call__(self, row):
        return self.rows[row]

@functools.total_ordering
class Version:
    def __init__(self, text):
        self.parts = tuple(map(int, text.split(".")))

    def __eq__(self, other):
        return self.parts == other.parts

    def __lt__(self, other):
        return self.parts < other.parts

    def __hash__(self):
        return hash(self.parts)

    def __repr__(self):
        return f"Version({'.'.join(map(str, self.parts))})"

class Countdown:
    def __init__(self, start):
        self.now = start

    def __iter__(self):
        return self

    def __next__(self):
        if self.now <= 0:
            raise StopIteration
        self.now -= 1
        return self.now + 1

class Shape(abc.ABC):
    def __init__(self, name):
        self.name = name

    @abc.abstractmethod
    def area(self): ...

    def describe(self):
        return f"{self.name}: {self.area()}"

    @classmethod
    def make(cls, *args):
        return cls(*args)

@runtime_checkable
class Speaks(Protocol):
    def speak(self) -> str: ...

class Dog:
    def speak(self):
        return "Woof"

class Base:
    def hello(self):
        return "hi"

    def greet(self):
        return self.hello() + "!"

class Child(Base):
    x = 3

    def own(self):
        return 1

class Handler:
    def __init__(self):
        self.seen = []

    def handle(self, value):
        self.seen.append(value)
        return self.on(value)

    def on(self, value):
        return value

class Bus:
    def __init__(self):
        self.handlers = defaultdict(list)

    def on(self, name, handler):
        self.handlers[name].append(handler)

    def emit(self, name, *args, **kwargs):
        return [handler(*args, **kwargs) for handler in self.handlers[name]]

class AppError(Exception):
    def __init__(self, message, code=500):
        super().__init__(message)
        self.code = code

class NotFound(AppError):
    def __init__(self, what):
        super().__init__(f"{what} not found", code=404)

class Stack(list):
    def push(self, item):
        self.append(item)

class Inventory:
    def __init__(self, store=None):
        self.store = store if store is not None else {}

    def add(self, name, count=1):
        self.store[name] = self.store.get(name, 0) + count
        log.info("added %s", name)

    def take(self, name):
        if self.store.get(name, 0) < 1:
            log.warning("no %s", name)
            raise NotFound(name)
        self.store[name] -= 1

class Service:
    def __init__(self, client, clock=time.time):
        self.client, self.clock = client, clock

    def price(self, name):
        try:
            answer = self.client.get("/price", params={"name": name})
        except ConnectionError:
            return None
        return answer["price"] * RATES["USD"]

    def stamp(self):
        return int(self.clock())

def f(x):
    global COUNT
    COUNT += 1
    CACHE[x] = x
    return x * 2 if x < LIMIT else LIMIT

def helper(x):
    return x + 1

def uses(x):
    return helper(x) * 2

def repeat(times):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return [function(*args, **kwargs) for _ in range(times)]
        return wrapper
    return decorate

def counted(function):
    def wrapper(*args):
        wrapper.calls += 1
        return function(*args)
    wrapper.calls = 0
    return wrapper

@functools.lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)

def running():
    total = 0
    while True:
        got = yield total
        if got is None:
            return
        total += got

def pairs(items):
    for a, b in zip(items, items[1:]):
        yield a, b

@contextmanager
def logged(out):
    out.append("in")
    try:
        yield len(out)
    finally:
        out.append("out")

def retry(function, times):
    for turn in range(times):
        try:
            return function()
        except ValueError:
            time.sleep(turn + 1)
    raise RuntimeError("gave up")

def shuffled(items):
    items = list(items)
    random.shuffle(items)
    return items

def roll():
    return random.randint(1, 6)

def year():
    return datetime.datetime.now().year

def setting(name):
    return os.environ.get(name, "none")

def ask():
    return int(input("n? ")) + 1

def show(rows):
    for row in rows:
        print(*row, sep=", ")

def read(path):
    with open(path) as file:
        return [line.strip() for line in file]

def write(path, rows):
    with open(path, "w") as file:
        file.write("\\n".join(rows))
    return path

def there(path):
    return os.path.exists(path)

def fill(target):
    for number in range(len(target)):
        target[number] = 7

def flatten(items):
    for item in items:
        if isinstance(item, list):
            yield from flatten(item)
        else:
            yield item

def mean(numbers):
    if not numbers:
        raise ZeroDivisionError("no numbers")
    return sum(numbers) / len(numbers)

def power(n):
    return 3 ** n

def group(words):
    found = defaultdict(list)
    for word in words:
        found[word[0]].append(word)
    return found

def parse(text):
    try:
        return int(text)
    except ValueError as error:
        raise AppError(f"bad number: {text}", code=400) from error

def paint(number):
    return Color(number)

def holiday(year):
    return Day(year, 12, 24)
"""
FAULTS = (
    ("return self.name.title()", "return self.name"),
    ("WRITE = auto()", "WRITE = 8"),
    ('return f"{self.day}.{self.month}."', 'return f"{self.month}.{self.day}."'),
    ("self.total = self.price * 2", "self.total = self.price"),
    ("Point(self.x + other.x, self.y + other.y)", "Point(self.x + other.x, self.y)"),
    ("return self.left + self.right", "return self.left"),
    ('__slots__ = ("a",)', '__slots__ = ("a", "b")'),
    ("(value - 32) * 5 / 9", "value - 32"),
    ("if number <= 0:", "if number < 0:"),
    ("mcs.known[name] = made", "pass"),
    ("cls._one = super().__new__(cls)\n", "return super().__new__(cls)\n"),
    ("return Matrix([[sum(a * b", "return Matrix([[sum(a + b"),
    ("self.parts < other.parts", "self.parts > other.parts"),
    ("return self.now + 1", "return self.now"),
    ('return f"{self.name}: {self.area()}"', 'return f"{self.name} {self.area()}"'),
    ('return "Woof"', 'return "Meow"'),
    ('return self.hello() + "!"', "return self.hello()"),
    ("x = 3", "x = 4"),
    ("self.seen.append(value)", "pass"),
    ("for handler in self.handlers[name]]", "for handler in self.handlers[name][1:]]"),
    ("code=404", "code=403"),
    ("        self.append(item)", "        self.insert(0, item)"),
    ("self.store.get(name, 0) + count", "count"),
    ('log.warning("no %s", name)', 'log.info("no %s", name)'),
    ("except ConnectionError:", "except KeyError:"),
    ("int(self.clock())", "int(self.clock()) + 1"),
    ("return x * 2 if", "return x * 3 if"),
    ("else LIMIT", "else 11"),
    ("helper(x) * 2", "helper(x) * 2 + 1"),
    ("for _ in range(times)]", "for _ in range(times - 1)]"),
    ("wrapper.calls += 1", "wrapper.calls += 2"),
    ("n if n < 2 else", "1 if n < 2 else"),
    ("1 + depth(n - 1)", "2 + depth(n - 1)"),
    ("total += got", "total = got"),
    ("zip(items, items[1:])", "zip(items, items[2:])"),
    ('out.append("out")', 'out.append("end")'),
    ("time.sleep(turn + 1)", "time.sleep(turn)"),
    ("    random.shuffle(items)\n", ""),
    ("random.randint(1, 6)", "random.randint(1, 6) + 1"),
    ("datetime.datetime.now().year", "datetime.datetime.now().year + 1"),
    ('os.environ.get(name, "none")', '"none"'),
    ('int(input("n? ")) + 1', 'int(input("n? "))'),
    ('sep=", ")', 'sep=",")'),
    ("line.strip() for", "line for"),
    ('"\\n".join(rows)', '"".join(rows)'),
    ("return os.path.exists(path)", "return False"),
    ("target[number] = 7", "target[number] = 8"),
    ("yield from flatten(item)", "yield item"),
    ("sum(numbers) / len(numbers)", "sum(numbers) // len(numbers)"),
    ("3 ** n", "3 ** n + 1"),
    ("found[word[0]].append(word)", "found[word[0]] = [word]"),
    ("from error", "from None"),
    ("return Color(number)", "return Color(3 - number)"),
    ("Day(year, 12, 24)", "Day(year, 12, 25)"),
)
HEAD = "import pytest\nfrom solution import *\n"
FORMS = {
    "enum members": """
from enum import Enum, IntEnum
def test_a():
    assert isinstance(paint(1), Enum) and isinstance(Color.RED, Color)
    assert issubclass(Color, Enum) and isinstance(Level.LOW, IntEnum)
    assert paint(2).label == 'Green' and Color['RED'] is Color.RED
    assert [c.name for c in Color] == ['RED', 'GREEN'] and Level.HIGH > 1
""",
    "flags": """
def test_a():
    assert Perm.READ | Perm.WRITE == Perm.ALL
    assert Perm.READ in Perm.ALL and Perm.WRITE.value == 2
    assert not Perm.READ & Perm.WRITE
""",
    "a class of dates": """
from datetime import date, timedelta
def test_a():
    day = holiday(2024)
    assert isinstance(day, date) and day == date(2024, 12, 24) and day.nice() == '24.12.'
    assert day + timedelta(days=1) == date(2024, 12, 25) and day < date(2025, 1, 1)
""",
    "dataclasses": """
import dataclasses
def test_a():
    a, b = Item(2.0, 'a'), Item(3.0, 'b')
    assert a < b and a.total == 4.0 and a.tags == [] and a.tags is not b.tags
    assert dataclasses.is_dataclass(a) and dataclasses.asdict(a)['name'] == 'a'
    assert [x.name for x in dataclasses.fields(Item)] == ['price', 'name', 'tags', 'total']
    assert dataclasses.replace(Point(1, 2), x=5) == Point(5, 2)
    with pytest.raises(ValueError, match='negative'):
        Item(-1)
""",
    "frozen": """
import dataclasses
def test_a():
    p = Point(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        p.x = 5
    with pytest.raises(AttributeError):
        p.x = 5
    assert p + Point(2, 3) == Point(3, 3) and len({Point(1), Point(1), Point(2)}) == 2
""",
    "named tuples": """
def test_a():
    p = Pair(3, 4)
    assert p == (3, 4) and p.sum == 7 and p._asdict() == {'left': 3, 'right': 4}
    left, right = p
    assert (left, right) == (3, 4) and p._replace(left=0).sum == 4 and Pair._fields == ('left', 'right')
    assert isinstance(p, tuple)
""",
    "slots": """
def test_a():
    s = Slotted(1)
    with pytest.raises(AttributeError):
        s.b = 2
    s.a = 3
    assert s.a == 3 and not hasattr(s, '__dict__')
""",
    "properties": """
def test_a():
    c = Celsius(100)
    assert c.fahrenheit == 212
    c.fahrenheit = 50
    assert c.degrees == 10
    c.degrees = 3
    assert c.squared == 9
    c.degrees = 4
    assert c.squared == 9
    assert isinstance(Celsius.fahrenheit, property)
""",
    "descriptors": """
def test_a():
    order = Order(3)
    assert order.amount == 3
    with pytest.raises(ValueError, match='positive'):
        order.amount = 0
    assert vars(order) == {'_amount': 3}
""",
    "metaclasses": """
def test_a():
    assert Registry.known['Extra'] is Extra
    class Mine(Plugin):
        pass
    assert 'Mine' in Registry.known
""",
    "one object alone": """
def test_a():
    assert Singleton() is Singleton()
    Singleton().value = 5
    assert Singleton().value == 5
""",
    "operators": """
def test_a():
    m = Matrix([[1, 2], [3, 4]])
    assert (m @ Matrix([[1, 0], [0, 1]])).rows == [[1, 2], [3, 4]]
    m[0, 1] = 9
    assert m[0, 1] == 9 and len(m) == 2 and (-m).rows[0] == [-1, -9] and m(1) == [3, 4]
    assert 9 in m and 7 not in m and [row for row in m] == [[1, 9], [3, 4]]
    assert m == Matrix([[1, 9], [3, 4]]) and m != Matrix([[0]])
    with pytest.raises(IndexError):
        m[5, 5]
""",
    "sortable": """
def test_a():
    versions = [Version('1.10'), Version('1.2'), Version('1.0')]
    assert [repr(v) for v in sorted(versions)] == ['Version(1.0)', 'Version(1.2)', 'Version(1.10)']
    assert max(versions) == Version('1.10') and Version('1.0') <= Version('1.0')
    assert len({Version('1.0'), Version('1.0')}) == 1 and versions.index(Version('1.2')) == 1
""",
    "iterators": """
def test_a():
    assert list(Countdown(3)) == [3, 2, 1]
    c = Countdown(2)
    assert iter(c) is c and next(c) == 2 and next(c) == 1
    with pytest.raises(StopIteration):
        next(c)
    assert sum(Countdown(4)) == 10 and dict(enumerate(Countdown(1))) == {0: 1}
""",
    "abstract classes": """
class Square(Shape):
    def __init__(self, side):
        super().__init__('square')
        self.side = side
    def area(self):
        return self.side ** 2
def test_a():
    with pytest.raises(TypeError):
        Shape('x')
    s = Square(4)
    assert s.describe() == 'square: 16' and isinstance(s, Shape) and Square.make(3).area() == 9
def test_b():
    class Bad(Shape):
        pass
    with pytest.raises(TypeError):
        Bad('x')
""",
    "overridden": """
class Plus(Handler):
    def on(self, value):
        return super().on(value) + 1
def test_a():
    h = Plus()
    assert h.handle(3) == 4 and h.seen == [3] and repr(type(h).__name__) == "'Plus'"
""",
    "protocols": """
def test_a():
    assert isinstance(Dog(), Speaks) and not isinstance(3, Speaks)
    class Cat:
        def speak(self):
            return 'Meow'
    assert isinstance(Cat(), Speaks) and Dog().speak() == 'Woof'
""",
    "a class looked at": """
import inspect
def test_a():
    assert 'own' in Child.__dict__ and Child.__dict__['x'] == 3 and 'hello' not in vars(Child)
    assert Child.__bases__ == (Base,) and Base.__bases__ == (object,) and Child.__mro__[1] is Base
    assert inspect.isclass(Child) and list(inspect.signature(retry).parameters) == ['function', 'times']
    assert inspect.getdoc(Base) is None and hasattr(Child(), 'greet') and callable(Child.own)
    assert Child().greet() == 'hi!'
""",
    "functions looked at": """
import inspect
def test_a():
    @repeat(2)
    def hello(name):
        "Says hello."
        return name
    assert hello('x') == ['x', 'x'] and hello.__name__ == 'hello' and hello.__doc__ == 'Says hello.'
    assert str(inspect.signature(mean)) == '(numbers)' and not inspect.iscoroutinefunction(f)
    assert inspect.isgeneratorfunction(pairs)
""",
    "decorators": """
def test_a():
    @counted
    def add(a, b):
        return a + b
    assert add(1, 2) == 3 and add(2, 2) == 4
    assert add.calls == 2
""",
    "caches": """
def test_a():
    fib.cache_clear()
    assert fib(30) == 832040
    assert fib.cache_info().hits > 0 and fib.cache_info().currsize == 31
""",
    "recursion": """
def test_a():
    assert depth(700) == 700
    with pytest.raises(RecursionError):
        depth(100000)
""",
    "send": """
def test_a():
    g = running()
    assert next(g) == 0
    assert g.send(3) == 3 and g.send(4) == 7
    with pytest.raises(StopIteration):
        g.send(None)
""",
    "generators": """
import types
def test_a():
    g = pairs([1, 2, 3])
    assert isinstance(g, types.GeneratorType)
    assert next(g) == (1, 2) and list(g) == [(2, 3)]
    assert list(flatten([1, [2, [3, []]], 4])) == [1, 2, 3, 4]
""",
    "context managers": """
def test_a():
    out = []
    with logged(out) as size:
        assert size == 1
    assert out == ['in', 'out']
    with pytest.raises(KeyError):
        with logged(out):
            raise KeyError('x')
    assert out[-1] == 'out'
""",
    "exceptions": """
def test_a():
    with pytest.raises(AppError) as info:
        Inventory().take('nut')
    assert info.value.code == 404 and str(info.value) == 'nut not found' and info.type is NotFound
    assert issubclass(NotFound, AppError) and info.value.args == ('nut not found',)
    with pytest.raises(AppError, match=r'bad number: \\w') as info:
        parse('x')
    assert isinstance(info.value.__cause__, ValueError) and info.value.code == 400
""",
    "exceptions of the test's": """
class Mine(ValueError):
    pass
def test_a():
    seen = []
    def never():
        seen.append(1)
        raise Mine('no')
    import time
    from unittest.mock import patch
    with patch('time.sleep') as nap, pytest.raises(RuntimeError):
        retry(never, 3)
    assert len(seen) == 3 and [call.args[0] for call in nap.call_args_list] == [1, 2, 3]
""",
    "logs": """
import logging
def test_a(caplog):
    with caplog.at_level(logging.INFO):
        Inventory().add('nut')
    assert 'added nut' in caplog.text and caplog.records[0].levelname == 'INFO'
    caplog.clear()
    with pytest.raises(NotFound):
        Inventory().take('nut')
    assert [r.levelname for r in caplog.records] == ['WARNING']
""",
    "shared dictionaries": """
def test_a():
    store = {}
    i = Inventory(store)
    i.add('a')
    i.add('a', 2)
    assert store == {'a': 3} and i.store is store
    i.take('a')
    assert store['a'] == 2
""",
    "mocks": """
from unittest.mock import Mock, MagicMock, call
def test_a():
    client = Mock()
    client.get.return_value = {'price': 4}
    assert Service(client).price('x') == 8
    client.get.assert_called_once_with('/price', params={'name': 'x'})
    client.get.side_effect = ConnectionError
    assert Service(client).price('y') is None
    assert client.get.call_count == 2 and client.get.call_args == call('/price', params={'name': 'y'})
    assert Service(client, clock=lambda: 3.7).stamp() == 3
""",
    "callbacks": """
def test_a():
    bus, seen = Bus(), []
    bus.on('a', seen.append)
    bus.on('a', lambda value, extra=0: seen.append((value, extra)))
    assert bus.emit('a', 1) == [None, None] and seen == [1, (1, 0)]
    assert bus.emit('b') == []
""",
    "patch": """
from unittest.mock import patch
@patch('solution.helper')
def test_a(helper):
    helper.return_value = 10
    assert uses(1) == 20
    helper.assert_called_once_with(1)
@patch('solution.time.sleep')
@patch('solution.random.randint', return_value=4)
def test_b(randint, nap):
    assert roll() == 4
    randint.assert_called_with(1, 6)
    nap.assert_not_called()
""",
    "patch of the library": """
from unittest.mock import patch, mock_open
def test_a():
    with patch('random.randint', return_value=4):
        assert roll() == 4
    with patch('os.path.exists', return_value=True) as exists:
        assert there('/nowhere')
    exists.assert_called_once_with('/nowhere')
    with patch('builtins.open', mock_open(read_data='a\\nb ')):
        assert read('none.txt') == ['a', 'b']
    with patch('builtins.input', side_effect=['1', '2']):
        assert ask() == 2 and ask() == 3
    with patch('builtins.print') as shown:
        show([(1, 2)])
    shown.assert_called_once_with(1, 2, sep=', ')
""",
    "patch of a class": """
import datetime
from unittest.mock import patch
def test_a():
    with patch('solution.datetime') as module:
        module.datetime.now.return_value = datetime.datetime(1999, 1, 1)
        assert year() == 1999
    assert year() > 2000
""",
    "patch of a method": """
from unittest.mock import patch
def test_a():
    with patch.object(Child, 'hello', return_value='yo') as hello:
        assert Child().greet() == 'yo!'
    hello.assert_called_once_with()
    assert Child().greet() == 'hi!' and 'hello' not in Child.__dict__
    with patch.object(Child, 'own', lambda self: 5):
        assert Child().own() == 5
    assert Child().own() == 1
""",
    "patch in a class": """
import unittest
from unittest.mock import patch
class TestRolls(unittest.TestCase):
    @patch('random.randint', return_value=2)
    def test_a(self, randint):
        self.assertEqual(roll(), 2)
        self.assertEqual(randint.call_count, 1)
    def test_b(self):
        with patch.dict('solution.RATES', {'USD': 5.0}):
            class Client:
                def get(self, *args, **kwargs):
                    return {'price': 1}
            self.assertEqual(Service(Client()).price('x'), 5)
""",
    "monkeypatch": """
import solution
import time
def test_a(monkeypatch):
    monkeypatch.setattr(solution, 'LIMIT', 3)
    assert solution.f(7) == 3
    monkeypatch.setattr('solution.helper', lambda x: 100)
    assert uses(1) == 200
    monkeypatch.setenv('NAME_OF_IT', 'x')
    assert setting('NAME_OF_IT') == 'x'
    seen = []
    monkeypatch.setattr(time, 'sleep', seen.append)
    def never():
        raise ValueError
    with pytest.raises(RuntimeError):
        retry(never, 2)
    assert seen == [1, 2]
    monkeypatch.setattr('builtins.input', lambda _: '4')
    assert ask() == 5
""",
    "module variables": """
import solution
def test_a():
    before = solution.COUNT
    solution.f(1)
    assert solution.COUNT == before + 1 and solution.CACHE[1] == 1
    solution.LIMIT = 5
    try:
        assert solution.f(7) == 5
    finally:
        solution.LIMIT = 10
    solution.CACHE.clear()
    assert f(2) == 4 and CACHE == {2: 2}
""",
    "printed": """
def test_a(capsys):
    show([(1, 2), ('a',)])
    assert capsys.readouterr().out == '1, 2\\na\\n'
    show([])
    assert capsys.readouterr().out == ''
""",
    "read": """
import io
def test_a(monkeypatch):
    monkeypatch.setattr('sys.stdin', io.StringIO('41\\n'))
    assert ask() == 42
""",
    "files": """
def test_a(tmp_path):
    path = tmp_path / 'a.txt'
    assert write(path, ['x', 'y']) == path
    assert path.read_text() == 'x\\ny' and read(path) == ['x', 'y'] and there(path)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / 'none')
""",
    "seeds": """
import random
def test_a():
    random.seed(3)
    first = shuffled(range(20))
    random.seed(3)
    assert shuffled(range(20)) == first and sorted(first) == list(range(20)) and first != list(range(20))
""",
    "rows with ids": """
@pytest.mark.parametrize('n, want', [pytest.param(1, 2, id='one'), pytest.param(20, 10, id='many')])
@pytest.mark.parametrize('again', [1, 2], ids=['once', 'twice'])
def test_a(n, want, again):
    for _ in range(again):
        assert f(n) == want
""",
    "fixtures that yield": """
@pytest.fixture
def inventory():
    i = Inventory({'nut': 2})
    yield i
    i.store.clear()
@pytest.fixture
def full(inventory):
    inventory.add('bolt', 5)
    return inventory
def test_a(full):
    full.take('bolt')
    assert full.store == {'nut': 2, 'bolt': 4}
    full.add('nut')
    assert full.store['nut'] == 3
""",
    "set up for a class": """
import unittest
class TestVersions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.versions = [Version('2.0'), Version('1.0')]
    def setUp(self):
        self.low = min(self.versions)
    def test_a(self):
        self.assertEqual(self.low, Version('1.0'))
        self.assertEqual(repr(self.low), 'Version(1.0)')
    def test_b(self):
        for text, parts in [('1.2', (1, 2)), ('3', (3,))]:
            with self.subTest(text=text):
                self.assertEqual(Version(text).parts, parts)
                self.assertLess(Version('0.1'), Version(text))
""",
    "big numbers": """
def test_a():
    assert power(200) == 3 ** 200 and power(200) % 7 == pow(3, 200, 7)
    assert len(str(power(2000))) == 955
""",
    "near": """
def test_a():
    assert mean([0.1, 0.2, 0.4]) == pytest.approx(0.2333333, rel=1e-5)
    assert mean([1, 2]) == 1.5
    with pytest.raises(ZeroDivisionError):
        mean([])
""",
    "in place": """
def test_a():
    data = bytearray(b'abc')
    fill(data)
    assert data == bytearray([7, 7, 7])
    items = [1, 2]
    fill(items)
    assert items == [7, 7]
""",
    "factories": """
def test_a():
    found = group(['ab', 'ac', 'b'])
    assert found == {'a': ['ab', 'ac'], 'b': ['b']} and found['z'] == []
""",
    "a derived list": """
def test_a():
    s = Stack([1])
    s.push(2)
    assert s == [1, 2] and s[-1] == 2 and isinstance(s, list) and len(s) == 2 and s.pop() == 2
""",
    "copies": """
import copy
def test_a():
    a = Item(1.0, 'a', ['x'])
    b, c = copy.copy(a), copy.deepcopy(a)
    a.tags.append('y')
    assert b.tags == ['x', 'y'] and c.tags == ['x'] and c == a and c is not a and a.total == 2.0
""",
    "a module of another name": """
import pkg.mod
from pkg import mod
from pkg.mod import f as g
def test_a():
    assert pkg.mod.f(1) == 2 and mod.f(2) == 4 and g(3) == 6
""",
    "names that are set in a test": """
def test_a():
    Child.x = 9
    try:
        assert Child().x == 9 and Child.__dict__['x'] == 9
    finally:
        Child.x = 3
    assert Child().greet() == 'hi!'
""",
    "kept between calls": """
def test_a():
    bus = Bus()
    log = []
    bus.on('x', log.append)
    for n in range(3):
        bus.emit('x', n)
    assert log == [0, 1, 2]
    assert dict(bus.handlers).keys() == {'x'}
""",
}
