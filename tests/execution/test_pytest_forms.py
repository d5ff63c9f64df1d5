"""What pytest adds to a test file: fixtures, their finalizers and params, classes, marks of rows, early
returns. Each form means here what it means to pytest, for right solutions and for wrong ones.
"""

from __future__ import annotations

from pathlib import Path

from tasks.execution.determinism import SandboxPair
from tests.execution.test_plain_pytest import FIRST, HEAD, SOLUTIONS, passed_by_pytest, passed_here

# f: "same" returns its argument, "deep" a copy, "grows" changes it; g: "same" does not double.
FINALIZERS = {
    "clears": """
@pytest.fixture
def v(request):
    x = [1]
    request.addfinalizer(x.clear)
    return x

def test_a(v):
    assert f(v)[:1] == [1]
""",
    "asserts": """
@pytest.fixture
def v(request):
    request.addfinalizer(lambda: check(2))
    return [1]

def check(n):
    assert g(n) == 4

def test_a(v):
    assert isinstance(f(v), list)
""",
    "asserts what the test has done to it": """
@pytest.fixture
def v(request):
    x = [[1]]
    def last():
        assert x == [[1]]
    request.addfinalizer(last)
    return x

def test_a(v):
    f(v)[0].append(2)
    assert len(v) == 1
""",
    "of the test itself": """
def test_a(request):
    def last():
        assert g(3) == 6
    request.addfinalizer(last)
    assert isinstance(f([1]), list)
""",
    "the last first, behind its yield": """
@pytest.fixture
def v(request):
    x = []
    request.addfinalizer(lambda: compare(x))
    request.addfinalizer(lambda: x.append(g(1)))
    yield x
    x.append(0)

def compare(x):
    assert x == [0, 2]

def test_a(v):
    assert isinstance(f(v), list)
""",
    "in a class": """
class TestA:
    @pytest.fixture
    def v(self, request):
        def last():
            assert g(1) == 2
        request.addfinalizer(last)
        return [1]

    def test_a(self, v):
        assert f(v)[0] == 1
""",
}
REQUESTS = {
    "params": """
@pytest.fixture(params=[1, 2, pytest.param(3, marks=pytest.mark.skip)], ids=str)
def n(request):
    return request.param

def test_a(n):
    assert g(n) == 2 * n
""",
    "params of a fixture that another asks for": """
@pytest.fixture(params=["a", "b"])
def letter(request):
    return request.param

@pytest.fixture
def word(letter):
    return letter * 2

def test_a(word, letter):
    assert f(letter) == letter and g(letter) == word
""",
    "params always used": """
@pytest.fixture(params=[0, 5], autouse=True)
def n(request):
    yield request.param

class TestA:
    def test_a(self, n):
        assert g(n) == n + n
""",
    "getfixturevalue": """
@pytest.fixture
def v():
    return [1]

@pytest.fixture
def w(request):
    return request.getfixturevalue("v") + [2]

def test_a(request, w):
    assert f(request.getfixturevalue("v")) == [1]
    assert f(w) == [1, 2]
""",
    "indirect": """
@pytest.fixture
def v(request):
    return [request.param]

@pytest.mark.parametrize("v", [1, 2], indirect=True)
def test_a(v):
    assert f(v) == [v[0]]

@pytest.mark.parametrize("v, n", [(1, 2), (3, 6)], indirect=["v"])
def test_b(v, n):
    assert g(v[0]) == n
""",
}
CLASSES = {
    "fixture": """
class TestA:
    @pytest.fixture
    def v(self):
        return [1]

    def test_a(self, v):
        assert f(v) == [1]
""",
    "fixture with yield": """
class TestA:
    @pytest.fixture()
    def v(self):
        x = [1]
        yield x
        assert x == [1]

    def test_a(self, v):
        f(v)
        assert g(2) == 4
""",
    "fixture of the file, changed": """
@pytest.fixture
def v():
    return [1]

class TestA:
    @pytest.fixture
    def v(self, v):
        return v + [2]

    def test_a(self, v):
        assert f(v) == [1, 2]

def test_b(v):
    assert f(v) == [1]
""",
    "always used, stores": """
class TestA:
    @pytest.fixture(autouse=True)
    def ready(self):
        self.x = [1]
        yield
        self.x.append(2)

    def test_a(self):
        assert f(self.x) == [1]
""",
    "stores by a helper": """
class TestA(unittest.TestCase):
    def setUp(self):
        self.make(3)

    def make(self, n):
        self.x = [n]

    def test_a(self):
        self.assertEqual(f(self.x), [3])
""",
    "super": """
class Base(unittest.TestCase):
    def setUp(self):
        super().setUp()
        self.x = [1]

class Middle(Base):
    def setUp(self):
        super().setUp()
        self.y = [2]

class TestA(Middle):
    def setUp(self):
        super(TestA, self).setUp()
        self.z = self.x + self.y

    def test_a(self):
        self.assertEqual(f(self.z), [1, 2])
""",
    "inherited tests, a mixin": """
class Checks:
    def test_a(self):
        assert self.solve(2) == 4

class TestG(Checks):
    def solve(self, n):
        return g(n)

class TestF(Checks):
    def solve(self, n):
        return f(2 * n)
""",
    "inherited tests, other setup": """
class TestBase(unittest.TestCase):
    n = 1

    def test_a(self):
        self.assertEqual(g(self.n), 2 * self.n)

class TestMore(TestBase):
    n = 0
""",
    "constants of constants, tables, a property": """
class TestA:
    ONE = 1
    TABLE = [(ONE, 2 * ONE), (3, 6)]

    @property
    def both(self):
        return [self.ONE, 2]

    @pytest.mark.parametrize("n, want", TABLE)
    def test_a(self, n, want):
        assert g(n) == want

    def test_b(self):
        assert f(self.both) == [1, 2]
""",
    "in a class": """
class TestA:
    @pytest.fixture
    def v(self):
        return [1]

    class TestB:
        def test_a(self, v):
            assert f(v) == [1]
""",
    "a helper class with a class": """
class Tree:
    class Leaf:
        value = 2
    leaf = Leaf()

def test_a():
    assert g(Tree.leaf.value) == 4
""",
    "decorated helpers": """
import contextlib

class TestA:
    @contextlib.contextmanager
    def given(self, n):
        yield [n]

    @staticmethod
    def twice(n):
        return n + n

    @classmethod
    def one(cls):
        return 1

    def test_a(self):
        with self.given(self.one()) as x:
            assert f(x) == [1]
        assert g(2) == self.twice(2)
""",
}
ROWS = {
    "skipif": """
@pytest.mark.parametrize("n", [
    1,
    pytest.param(2, marks=pytest.mark.skipif(NEVER, reason="r")),
    pytest.param(3, marks=pytest.mark.skipif(sys.platform == "win32", reason="r")),
])
def test_a(n):
    assert g(n) == 2 * n

@pytest.mark.parametrize("n", [pytest.param(4, marks=pytest.mark.skipif(not NEVER, reason="r")), 1])
def test_b(n):
    assert g(n) == 2
""",
    "strict": """
@pytest.mark.parametrize("n, want", [
    (1, 2), pytest.param(2, 5, marks=pytest.mark.xfail(strict=True)),
    pytest.param(0, 1, marks=pytest.mark.xfail),
])
def test_a(n, want):
    assert g(n) == want
""",
    "strict, which a wrong solution passes": """
@pytest.mark.parametrize("n, want", [
    pytest.param(2, 2, marks=[pytest.mark.xfail(strict=True, reason="r")]), (0, 0),
])
def test_a(n, want):
    assert g(n) == want
""",
    "by one exception": """
@pytest.mark.parametrize("n", [
    [1], pytest.param(None, marks=pytest.mark.xfail(raises=TypeError)),
    pytest.param(3, marks=pytest.mark.xfail(raises=TypeError, strict=True)),
])
def test_a(n):
    assert len(f(n)) >= 1
""",
    "under a name, in a table under a name": """
never = pytest.mark.skipif(not NEVER, reason="r")
fails = pytest.mark.xfail(strict=True)
TABLE = [pytest.param(1, 2, id="one"), pytest.param(1, 3, marks=fails), pytest.param(1, 4, marks=(never,))]

@pytest.mark.parametrize(("n", "want"), TABLE)
def test_a(n, want):
    assert g(n) == want

@never
def test_b():
    assert g(1) == 3
""",
    "strict under a condition": """
@pytest.mark.parametrize("n, want", [
    pytest.param(1, 2, marks=pytest.mark.xfail(NEVER, strict=True, reason="r")),
    pytest.param(1, 3, marks=pytest.mark.xfail(not NEVER, strict=True, reason="r")),
])
def test_a(n, want):
    assert g(n) == want
""",
    "more rows than are unrolled": """
@pytest.mark.parametrize("n", [MANY, pytest.param(-1, marks=pytest.mark.skip)])
def test_a(n):
    assert g(n) == 2 * n and n >= 0
""".replace("MANY", ", ".join(map(str, range(120)))),
    "never run": """
@pytest.mark.xfail(run=False, strict=True)
def test_a():
    assert g(1) == 2

@pytest.mark.xfail(raises=ValueError)
@pytest.mark.skip
def test_b():
    assert g(1) == 3
""",
}
RETURNS = {
    "under a condition of the machine": """
def test_a():
    if sys.platform == "win32":
        return
    assert g(2) == 4
""",
    "in a loop": """
@pytest.mark.parametrize("want", [2, 4])
def test_a(want):
    for n in range(3):
        if g(n) == want:
            return
    pytest.fail("none")
""",
    "with fixtures": """
@pytest.fixture
def v():
    yield [1]
    assert g(1) == 2

class TestA(unittest.TestCase):
    def setUp(self):
        self.x = 2

    def test_a(self):
        self.y = f([self.x])
        if len(self.y) > 5:
            return
        self.assertEqual(g(self.x), 4)

def test_b(v):
    v = f(v)
    if not isinstance(v, list):
        return
    assert v[0] == 1
""",
}
SETUPS = {
    "a fixture asserts first": """
@pytest.fixture
def v():
    assert g(2) == 4
    return [1]

def test_a(v):
    assert f(v)[0] == 1

def test_b(v):
    pass
""",
}
FORMS = {
    f"{kind}: {name}": text
    for kind, forms in {
        "finalizer": FINALIZERS,
        "request": REQUESTS,
        "class": CLASSES,
        "row": ROWS,
        "return": RETURNS,
        "setup": SETUPS,
    }.items()
    for name, text in forms.items()
}


def test_forms_mean_what_they_mean_to_pytest(seeds: SandboxPair, tmp_path: Path) -> None:
    names = [*FORMS]
    suites = [f"{HEAD}{FIRST}{text}" for text in FORMS.values()]
    expected = passed_by_pytest(tmp_path, suites)
    found = passed_here(seeds, suites)
    different = [
        (names[n], solution, told) for (n, solution), told in expected.items() if found[n, solution] != told
    ]
    assert different == []
    # Each tells some solutions apart, but for those that ask nothing more.
    told = {name: {expected[number, solution] for solution in SOLUTIONS} for number, name in enumerate(names)}
    assert [name for name, verdicts in told.items() if verdicts == {False}] == []
