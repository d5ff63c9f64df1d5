"""Tests of coroutines, asynchronous generators and managers: each has pytest's verdict, whoever runs the
event loop, and whoever's coroutine is awaited in it.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path

import pytest

from tasks.core.records import Program
from tasks.execution.determinism import SandboxPair
from tasks.sandbox.pool import DockerSandbox
from tests.support.plain_pytest import passed_by_pytest, passed_here

CODE = """
import asyncio

async def f(x):
    await asyncio.sleep(0.001)
    if x < 0:
        raise ValueError("negative")
    return x * 2

async def agen(n):
    for i in range(n):
        await asyncio.sleep(0)
        yield i

class Pool:
    def __init__(self):
        self.log = []

    async def __aenter__(self):
        self.log.append("in")
        return self

    async def __aexit__(self, kind, error, trace):
        self.log.append("out")
        return kind is KeyError

    async def work(self, x):
        await asyncio.sleep(0.001)
        self.log.append(x)
        return x

    def start(self, x):
        self.task = asyncio.create_task(self.work(x))
        return self.task

async def run_all(functions):
    return await asyncio.gather(*(function() for function in functions))

def run_sync(functions):
    return asyncio.run(run_all(functions))

async def fetch(client, url):
    answer = await client.get(url)
    return answer["body"].upper()

class Counter:
    def __init__(self):
        self.n, self.lock = 0, asyncio.Lock()

    async def inc(self):
        async with self.lock:
            n = self.n
            await asyncio.sleep(0)
            self.n = n + 1

class Limiter:
    def __init__(self, most):
        self.free, self.now, self.most = asyncio.Semaphore(most), 0, 0

    async def go(self):
        async with self.free:
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0.002)
            self.now -= 1

async def retry(function, times):
    for left in reversed(range(times)):
        try:
            return await function()
        except ValueError:
            if not left:
                raise
            await asyncio.sleep(0)

async def consume(queue, out):
    while (item := await queue.get()) is not None:
        out.append(item)
    return out

async def clean(log):
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        await asyncio.sleep(0)
        log.append("cleaned")
        raise

class Later:
    def __await__(self):
        yield from asyncio.sleep(0).__await__()
        return 7

async def nap(seconds):
    await asyncio.sleep(seconds)
    return "done"

async def in_time(seconds):
    try:
        async with asyncio.timeout(0.02):
            await asyncio.sleep(seconds)
    except TimeoutError:
        return "late"
    return "done"
"""
FAULTS = (
    ("return x * 2", "return x * 2 + 1"),
    ("yield i", "yield i + 1"),
    ('append("out")', 'append("left")'),
    ("for function in functions)", "for function in functions[1:])"),
    (".upper()", ""),
    ("async with self.lock:", "if True:"),
    ("async with self.free:", "if True:"),
    ("self.log.append(x)", "self.log.append(0)"),
    ("except ValueError:", "except KeyError:"),
    ("out.append(item)", "out.append(1)"),
    ('log.append("cleaned")', "pass"),
    ("return 7", "return 8"),
    ("except TimeoutError:", "except KeyError:"),
)


def faulty(code: str) -> str:
    for right, wrong in FAULTS:
        assert right in code, right
        code = code.replace(right, wrong)
    return code


SOLUTIONS = {"right": CODE, "wrong": faulty(CODE)}
FORMS = {
    "a mark": """
import pytest
@pytest.mark.asyncio
async def test_a():
    assert await f(2) == 4
""",
    "a mark of the file": """
import pytest
pytestmark = pytest.mark.asyncio
async def test_a():
    assert await f(2) == 4
    with pytest.raises(ValueError):
        await f(-1)
async def test_b():
    assert await f(3) == 6
""",
    "a method behind a setup": """
import pytest
class TestA:
    def setup_method(self):
        self.p = Pool()
    @pytest.mark.asyncio
    async def test_a(self):
        async with self.p as p:
            await p.work(1)
        assert self.p.log == ['in', 1, 'out']
""",
    "unittest's own loop": """
import unittest
class T(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.p = Pool()
    async def test_a(self):
        self.assertEqual(await f(2), 4)
        await self.p.work(3)
        self.assertEqual(self.p.log, [3])
    async def test_b(self):
        with self.assertRaises(ValueError):
            await f(-1)
        self.assertEqual(await f(1), 2)
    async def asyncTearDown(self):
        self.p.log.clear()
""",
    "unittest's own loop, plain setup": """
from unittest import IsolatedAsyncioTestCase, main
class T(IsolatedAsyncioTestCase):
    def setUp(self):
        self.x = 2
    async def test_a(self):
        self.assertEqual(await f(self.x), 4)
if __name__ == '__main__':
    main()
""",
    "asyncio.run": """
import asyncio
def test_a():
    assert asyncio.run(f(2)) == 4
""",
    "a coroutine in the test": """
import asyncio
def test_a():
    async def main():
        a, b = await asyncio.gather(f(1), f(2))
        assert (a, b) == (2, 4)
    asyncio.run(main())
""",
    "a coroutine of the file": """
import asyncio
async def collect(n):
    return [x async for x in agen(n)]
def test_a():
    assert asyncio.run(collect(3)) == [0, 1, 2]
""",
    "in a TestCase": """
import asyncio, unittest
class T(unittest.TestCase):
    def test_a(self):
        self.assertEqual(asyncio.run(f(2)), 4)
""",
    "a loop of the TestCase's": """
import asyncio, unittest
class T(unittest.TestCase):
    def setUp(self):
        self.loop = asyncio.new_event_loop()
    def tearDown(self):
        self.loop.close()
    def test_a(self):
        self.assertEqual(self.loop.run_until_complete(f(2)), 4)
""",
    "rows": """
import pytest
@pytest.mark.asyncio
@pytest.mark.parametrize('x,y', [(1,2),(2,4)])
async def test_a(x, y):
    assert await f(x) == y
""",
    "a fixture that yields": """
import pytest, pytest_asyncio
@pytest_asyncio.fixture
async def pool():
    p = Pool()
    async with p:
        yield p
@pytest.mark.asyncio
async def test_a(pool):
    await pool.work(2)
    assert pool.log == ['in', 2]
""",
    "a fixture that returns": """
import pytest, pytest_asyncio
@pytest_asyncio.fixture
async def two():
    return await f(1)
@pytest.mark.asyncio
async def test_a(two):
    assert two == 2
""",
    "a plain fixture": """
import pytest
@pytest.fixture
def pool():
    return Pool()
@pytest.mark.asyncio
async def test_a(pool):
    assert await pool.work(2) == 2 and pool.log == [2]
""",
    "a mock": """
import pytest
from unittest.mock import AsyncMock
@pytest.mark.asyncio
async def test_a():
    c = AsyncMock()
    c.get.return_value = {'body': 'abc'}
    assert await fetch(c, 'u') == 'ABC'
    c.get.assert_awaited_once_with('u')
""",
    "coroutines of the test's": """
import pytest, asyncio
@pytest.mark.asyncio
async def test_a():
    async def g():
        await asyncio.sleep(0.001)
        return 3
    async def h():
        return 4
    assert await run_all([g, h]) == [3, 4]
""",
    "a lock": """
import asyncio
def test_a():
    async def main():
        c = Counter()
        await asyncio.gather(*(c.inc() for _ in range(10)))
        return c.n
    assert asyncio.run(main()) == 10
""",
    "in time": """
import asyncio, pytest
def test_a():
    async def main():
        return await asyncio.wait_for(f(3), timeout=1)
    assert asyncio.run(main()) == 6
""",
    "out of time": """
import asyncio, pytest
@pytest.mark.asyncio
async def test_a():
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(f(2), timeout=0.00001)
    assert await f(0) == 0
""",
    "a loop of the solution's": """
import pytest
def test_a():
    assert run_sync([lambda: f(4)]) == [8]
""",
    "tasks": """
import asyncio, pytest
@pytest.mark.asyncio
async def test_a():
    ts = [asyncio.create_task(f(i)) for i in range(3)]
    done, pending = await asyncio.wait(ts)
    assert not pending and sorted(t.result() for t in done) == [0, 2, 4]
""",
    "exceptions as results": """
import asyncio, pytest
@pytest.mark.asyncio
async def test_a():
    r = await asyncio.gather(f(1), f(-1), return_exceptions=True)
    assert r[0] == 2 and isinstance(r[1], ValueError) and 'neg' in str(r[1])
""",
    "exceptions": """
import asyncio, pytest
def test_a():
    with pytest.raises(ValueError, match='neg'):
        asyncio.run(f(-1))
    assert asyncio.run(f(1)) == 2
""",
    "what a manager swallows": """
import asyncio, pytest
@pytest.mark.asyncio
async def test_a():
    p = Pool()
    async with p:
        raise KeyError
    assert p.log[-1] == 'out'
""",
    "looked at": """
import asyncio, inspect
def test_a():
    assert asyncio.iscoroutinefunction(f) and inspect.isasyncgenfunction(agen)
    assert asyncio.run(f(5)) == 10
""",
    "no functions": """
import asyncio
assert asyncio.run(f(1)) == 2
assert asyncio.run(f(2)) == 4
""",
    "a mock of several turns": """
import asyncio
from unittest.mock import patch, AsyncMock
async def main():
    m = AsyncMock()
    m.get = AsyncMock(side_effect=[{'body': 'x'}, ValueError('e')])
    assert await fetch(m, 1) == 'X'
    try:
        await fetch(m, 2)
    except ValueError:
        return m.get.await_count
def test_a():
    assert asyncio.run(main()) == 2
""",
    "a task that has not begun": """
import pytest, asyncio
@pytest.mark.asyncio
async def test_a():
    loop = asyncio.get_running_loop()
    c = Counter()
    t = loop.create_task(c.inc())
    assert c.n == 0
    await t
    assert c.n == 1 and await f(1) == 2
""",
    "an asynchronous generator, step by step": """
import pytest, asyncio
@pytest.mark.asyncio
async def test_a():
    g = agen(5)
    assert await g.__anext__() == 0
    assert await anext(g) == 1
    await g.aclose()
    assert [x async for x in g] == []
""",
    "a manager of the test's": """
import pytest, asyncio
from contextlib import asynccontextmanager
@asynccontextmanager
async def pool():
    p = Pool()
    yield p
    p.log.append('end')
@pytest.mark.asyncio
async def test_a():
    async with pool() as p:
        await p.work(1)
    assert p.log == [1, 'end']
""",
    "a limit": """
import asyncio
def test_a():
    async def main():
        limiter = Limiter(2)
        await asyncio.gather(*(limiter.go() for _ in range(6)))
        return limiter.most
    assert asyncio.run(main()) == 2
""",
    "a task of the solution's": """
@pytest.mark.asyncio
async def test_a():
    pool = Pool()
    task = pool.start(9)
    assert not task.done()
    assert await task == 9
    pool.start(8)
    await asyncio.sleep(0.03)
    assert pool.log == [9, 8] and pool.task.done()
""",
    "tried again": """
@pytest.mark.asyncio
async def test_a():
    function = AsyncMock(side_effect=[ValueError("a"), 5])
    assert await retry(function, 3) == 5
    assert function.await_count == 2
    turns = []
    async def never():
        turns.append(1)
        raise ValueError("never")
    with pytest.raises(ValueError, match="never"):
        await retry(never, 2)
    assert len(turns) == 2
""",
    "a queue of the test's": """
@pytest.mark.asyncio
async def test_a():
    queue = asyncio.Queue()
    task = asyncio.create_task(consume(queue, []))
    for item in (3, 4, None):
        await queue.put(item)
        await asyncio.sleep(0)
    assert await task == [3, 4]
""",
    "cancelled": """
@pytest.mark.asyncio
async def test_a():
    log = []
    task = asyncio.create_task(clean(log))
    await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["cleaned"] and task.cancelled()
""",
    "an awaitable": """
@pytest.mark.asyncio
async def test_a():
    assert await Later() == 7
    assert await asyncio.wait_for(Later(), 1) == 7
""",
    "a timeout of the solution's": """
def test_a():
    assert asyncio.run(in_time(0)) == "done"
    assert asyncio.run(in_time(5)) == "late"
""",
    "a group": """
@pytest.mark.asyncio
async def test_a():
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(f(n)) for n in range(3)]
    assert [task.result() for task in tasks] == [0, 2, 4]
    with pytest.raises(ExceptionGroup) as info:
        async with asyncio.TaskGroup() as group:
            group.create_task(f(-1))
    assert isinstance(info.value.exceptions[0], ValueError)
""",
    "coroutines of the test's in a loop of the solution's": """
def test_a():
    log = []
    async def one():
        log.append("one")
        await asyncio.sleep(0.001)
        return await f(1)
    async def two():
        return 4
    assert run_sync([one, two]) == [2, 4] and log == ["one"]
""",
    "a coroutine that is handed on": """
@pytest.mark.asyncio
async def test_a():
    first = f(2)
    assert await run_all([lambda: first, lambda: f(3)]) == [4, 6]
""",
    "step by step": """
def test_a():
    async def quick():
        return await run_all([])
    steps = agen(2).__anext__()
    assert steps.send(None) is None
    with pytest.raises(StopIteration) as info:
        steps.send(None)
    assert info.value.value == 0
""",
    "side by side": """
import time
def test_a():
    async def main():
        begun = time.perf_counter()
        found = await asyncio.gather(*(nap(0.1) for _ in range(20)))
        assert time.perf_counter() - begun < 1.5
        return found
    assert set(asyncio.run(main())) == {"done"}
    assert asyncio.run(f(1)) == 2
""",
}
HEAD = "import asyncio\nimport pytest\nfrom unittest.mock import AsyncMock\n"
# The plugin at hand for pytest is another one than the files name: to it the mark has its own name.
CONFTEST = """
import sys, types, pytest
sys.modules["pytest_asyncio"] = types.SimpleNamespace(fixture=pytest.fixture)
@pytest.fixture
def anyio_backend():
    return "asyncio"
"""


FEW = (
    *("a mark", "unittest's own loop", "a fixture that yields", "coroutines of the test's", "cancelled"),
    *("coroutines of the test's in a loop of the solution's", "a task of the solution's", "side by side"),
)


@pytest.mark.parametrize("names", [FEW, pytest.param([*FORMS], marks=pytest.mark.soak)], ids=["few", "all"])
def test_forms_pass_where_they_pass_in_pytest(
    seeds: SandboxPair, tmp_path: Path, names: Sequence[str]
) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    texts = [HEAD + FORMS[name] for name in names]
    told = [text.replace("mark.asyncio", "mark.anyio") for text in texts]
    expected = passed_by_pytest(tmp_path, told, SOLUTIONS)
    found = passed_here(seeds, texts, SOLUTIONS, "f")
    assert {(names[number], name) for (number, name), passes in expected.items() if passes} == {
        (name, "right") for name in names
    }
    assert {(names[number], name) for (number, name) in found if found[number, name]} == {
        (name, "right") for name in names
    }


def test_a_coroutine_of_the_solution_is_one_in_the_test(sandbox: DockerSandbox) -> None:
    checks = (
        "import inspect\nc = f(1)\nassert inspect.iscoroutine(c)\nc.close()",
        "import inspect\nassert inspect.isasyncgen(agen(1)) and inspect.iscoroutinefunction(f)",
        "assert not f(1)",
        "assert f(1) == 2",
        "import asyncio\nasyncio.run(f(1))\nassert asyncio.run(f(1)) is not None",
        "import asyncio\nc = f(1)\nasyncio.run(c)\nasyncio.run(c)",
    )
    (execution,) = sandbox.run([Program("p", CODE, "f", (), checks)])
    kinds = [outcome.kind for outcome in execution.checks]
    assert kinds == ["value", "value", "exception", "exception", "value", "exception"]
    assert execution.checks[-1].exception == "RuntimeError"


def test_functions_of_the_forms_are_asynchronous() -> None:
    """What the forms are about: a solution of plain functions would pass none."""
    namespace: dict[str, object] = {}
    exec(CODE, namespace)  # A program of this test only.
    assert inspect.iscoroutinefunction(namespace["f"])
    assert inspect.isasyncgenfunction(namespace["agen"])


@pytest.mark.parametrize("loop", ["asyncio.run({})", "asyncio.new_event_loop().run_until_complete({})"])
def test_what_never_comes_ends_with_the_time(sandbox: DockerSandbox, loop: str) -> None:
    code = "import asyncio\nasync def f(x):\n    await asyncio.Event().wait()\n"
    check = f"import asyncio\n{loop.format('f(1)')}"
    (execution,) = sandbox.run([Program("p", code, "f", (), (check,))])
    assert execution.checks[0].kind == "timeout"
