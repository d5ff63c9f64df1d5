"""What the sandbox promises of one program: outcomes of calls, isolation, checks, the null candidate."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.core import values
from tasks.core.records import Call, Execution, Outcome, Program
from tasks.sandbox.pool import DockerSandbox
from tasks.sandbox.program_run import REDUCED_TIME_RUNS, REQUEST_BYTES
from tasks.settings.sandbox import SandboxSettings

FULL_TRIES = 3
DOUBLE = "def f(x):\n    return x * 2\n"


def call(function: str, *args: Any, **kwargs: Any) -> Call:
    return Call(function, values.encode([list(args), kwargs]))


def run_one(
    sandbox: DockerSandbox, code: str | None, *calls: Call, checks: tuple[str, ...] = ()
) -> Execution:
    (execution,) = sandbox.run([Program("p", code, "f", calls, checks)])
    return execution


def brief(outcomes: tuple[Outcome, ...]) -> list[str]:
    return [f"{outcome.kind} {outcome.value or outcome.exception or outcome.detail}" for outcome in outcomes]


# Calls.


def test_outcomes_of_calls(sandbox: DockerSandbox) -> None:
    code = "def f(x):\n    return 1 / x\ndef g():\n    return {1: (2, {3}), 'k': 1.5}\n"
    execution = run_one(sandbox, code, call("f", 4), call("f", 0), call("g"), call("missing"), call("f"))
    assert brief(execution.calls) == [
        "value 0.25",
        "exception ZeroDivisionError",
        "value " + values.encode({1: (2, {3}), "k": 1.5}),
        "exception NameError",
        "exception TypeError",
    ]


@pytest.mark.parametrize(
    ("code", "name"),
    [("def f(:", "SyntaxError"), ("import numpy", "ModuleNotFoundError"), ("y\n", "NameError")],
)
def test_a_failed_import_is_every_calls_outcome(sandbox: DockerSandbox, code: str, name: str) -> None:
    execution = run_one(sandbox, code, call("f", 1), call("f", 2), checks=("assert f(1) == 1",))
    assert {outcome.kind for outcome in execution.calls + execution.checks} == {"exception"}
    assert {outcome.exception for outcome in execution.calls} == {name}


def test_arguments_are_fresh_for_each_call(sandbox: DockerSandbox) -> None:
    code = "def f(x, seen=[]):\n    x.append(1)\n    return x, __name__\n"
    execution = run_one(sandbox, code, call("f", []), call("f", []))
    assert {outcome.value for outcome in execution.calls} == {values.encode(([1], "solution"))}


def test_dataclasses_enums_and_the_preloaded_library_work(sandbox: DockerSandbox) -> None:
    code = """
from __future__ import annotations
import asyncio, dataclasses, enum, heapq, re, statistics, tempfile, threading, typing

@dataclasses.dataclass(order=True)
class P:
    x: int
    y: typing.Optional[int] = None

class Colour(enum.Enum):
    RED = 1

async def later(x):
    await asyncio.sleep(0)
    return x

def f(x):
    box = []
    thread = threading.Thread(target=box.append, args=(x,))
    thread.start()
    thread.join()
    with tempfile.TemporaryFile() as file:
        file.write(b"abc")
    return [max(P(x), P(2)).x, Colour.RED.value, asyncio.run(later(x)), box, statistics.mean([1, 3])]
"""
    assert brief(run_one(sandbox, code, call("f", 1)).calls) == ["value [2,1,1,[1],2]"]


def test_a_timeout_costs_its_own_call_alone(sandbox: DockerSandbox) -> None:
    code = "def f(x):\n    while x % 2:\n        pass\n    return x\n"
    execution = run_one(sandbox, code, *(call("f", x) for x in range(4)))
    assert brief(execution.calls) == ["value 0", "timeout cpu", "value 2", "timeout cpu"]


def test_setbacks_are_bounded(sandbox: DockerSandbox) -> None:
    code = "import os\ndef f(x):\n    os.abort()\n"
    most = FULL_TRIES + REDUCED_TIME_RUNS
    execution = run_one(sandbox, code, *(call("f", x) for x in range(most + 2)))
    assert {outcome.kind for outcome in execution.calls} == {"crash"}
    assert [outcome.detail for outcome in execution.calls] == [
        *["SIGABRT"] * most,
        *[f"not run after {most} like it"] * 2,
    ]
    assert [outcome.tried for outcome in execution.calls] == [
        *["full"] * FULL_TRIES,
        *["full"] * REDUCED_TIME_RUNS,
        *["not"] * 2,
    ]


def test_a_few_hard_calls_keep_nobody_from_the_others(sandbox: DockerSandbox) -> None:
    code = "def f(n):\n    total = 0\n    for i in range(n):\n        total += i\n    return total\n"
    execution = run_one(sandbox, code, *(call("f", n) for n in (*[10**12] * 4, 3, 4)))
    assert brief(execution.calls)[:3] == ["timeout cpu"] * 3
    assert execution.calls[3].kind == "timeout"
    assert [outcome.tried for outcome in execution.calls] == [*["full"] * 3, "reduced", "full", "full"]
    assert brief(execution.calls)[4:] == ["value 3", "value 6"]


def test_requests_that_are_too_large_are_split_or_refused(sandbox: DockerSandbox) -> None:
    code = "def f(i, text):\n    return i + len(text)\n"
    calls = [call("f", i, "A" * 1_000_000) for i in range(12)]
    assert brief(run_one(sandbox, code, *calls).calls) == [f"value {i + 1_000_000}" for i in range(12)]
    source = code + "# " + "A" * REQUEST_BYTES
    refused = run_one(sandbox, source, calls[0], checks=("assert f(1, 'a') == 2",))
    assert {outcome.kind for outcome in (*refused.calls, *refused.checks)} == {"no_result"}
    assert "too large" in refused.calls[0].detail


def test_stdin_programs(sandbox: DockerSandbox) -> None:
    code = """
import sys
n = int(input())
rest = sys.stdin.read()
def main():
    print(n * 2, rest.split(), __name__)
    if n == 3:
        exit()
    if n == 4:
        1 / 0
main()
"""
    stdin = [Call("", values.encode("1\na b\n")), Call("", values.encode([["3\n"], {}]))]
    execution = run_one(sandbox, code, *stdin, Call("", values.encode("4\n")), Call("", values.encode("")))
    assert brief(execution.calls) == [
        "value " + values.encode("2 ['a', 'b'] __main__\n"),
        "value " + values.encode("6 [] __main__\n"),
        "exception ZeroDivisionError",
        "exception EOFError",
    ]


def test_stdin_programs_may_use_descriptors_and_threads(sandbox: DockerSandbox) -> None:
    code = """
import os, sys, threading
def main():
    data = os.read(0, 100).decode()
    os.write(1, data.upper().encode())
    sys.stdout.buffer.write(b"!")
threading.stack_size(1 << 26)
threading.Thread(target=main).start()
"""
    flood = "while True:\n    print('x' * 100)\n"
    assert brief(run_one(sandbox, code, Call("", values.encode("abc"))).calls) == ['value "ABC!"']
    assert run_one(sandbox, flood, Call("", values.encode(""))).calls[0].kind == "output_limit"


@pytest.mark.parametrize(
    "code",
    [
        "import atexit, sys\natexit.register(lambda: print(42))",
        "import atexit, sys\n@atexit.register\ndef end():\n    sys.__stdout__.write('42\\n')",
        "import sys\nsys.stdout = open(1, 'w', buffering=65536)\nprint(42)",
        "import sys\nprint('note', file=sys.stderr)\nsys.stderr.write('note')\nprint(42)",
        "import logging, traceback\nlogging.warning('note')\ntraceback.print_exc()\nprint(42)",
        "import faulthandler, sys\nfaulthandler.enable()\nsys.stderr.close()\nprint(42)",
        "import os\nout = os.fdopen(1, 'w')\nout.write('42\\n')",
        "import os, sys\nprint(42)\nsys.stdout.flush()\nos._exit(0)",
        "import os\nif os.fork() == 0:\n    os._exit(0)\nos.wait()\nprint(42 if __file__ else 0)",
        # The usual template for fast output.
        "import sys, io\nclass Fast(io.StringIO):\n    def flush(self):\n"
        "        sys.__stdout__.write(self.getvalue())\nsys.stdout = Fast()\nprint(42)",
    ],
)
def test_a_stdin_program_ends_as_the_interpreter_does(sandbox: DockerSandbox, code: str) -> None:
    assert brief(run_one(sandbox, code, Call("", values.encode(""))).calls) == [
        f"value {values.encode('42' + chr(10))}"
    ]


def test_an_exception_is_of_its_type_and_not_of_its_name(sandbox: DockerSandbox) -> None:
    code = """
class ValueError(Exception):
    pass
def f(x):
    if x:
        raise ValueError(x)
    int("x")
"""
    check = "with pytest.raises(ValueError):\n    f({})".format
    execution = run_one(sandbox, code, call("f", 1), call("f", 0), checks=(check(1), check(0)))
    assert brief(execution.calls) == ["exception solution.ValueError", "exception ValueError"]
    assert brief(execution.checks) == ["exception solution.ValueError", "value null"]


def test_a_test_may_look_at_the_end_of_a_long_message(sandbox: DockerSandbox) -> None:
    code = "def f(x):\n    raise ValueError('x' * 5000 + 'the end')\n"
    check = "with pytest.raises(ValueError, match='the end'):\n    f(1)"
    assert brief(run_one(sandbox, code, checks=(check,)).checks) == ["value null"]


def test_a_program_may_go_as_deep_as_it_could_alone(sandbox: DockerSandbox) -> None:
    code = "def f(n):\n    return 0 if n == 0 else 1 + f(n - 1)\n"
    assert brief(run_one(sandbox, code, call("f", 997), call("f", 2000)).calls) == [
        "value 997",
        "exception RecursionError",
    ]


def test_hash_seed_is_fixed_and_can_be_varied(image: str, sandbox_settings: SandboxSettings) -> None:
    code = "def f(x):\n    return [hash(x), list({'a', 'b', 'c', 'd', 'e'})]\n"
    settings = sandbox_settings.model_copy(update={"slots": 1})
    seen = []
    for seed in (0, 0, 1):
        with DockerSandbox(settings, image, "tests-seed", hash_seed=seed) as sandbox:
            seen.append(run_one(sandbox, code, call("f", "text")).calls[0].value)
    assert seen[0] == seen[1] != seen[2]


def test_the_hardening_as_a_program_sees_it(sandbox: DockerSandbox) -> None:
    code = """
import os
def f():
    lines = open("/proc/self/status").read().splitlines()
    status = dict(line.split(":", 1) for line in lines)
    names = ("CapEff", "CapPrm", "CapInh", "CapAmb", "NoNewPrivs", "Seccomp", "Groups")
    root = [line.split()[3] for line in open("/proc/mounts") if line.split()[1] == "/"]
    return [[status[n].strip() for n in names], root[-1][:2], os.listdir("/sys/class/net"), os.getuid() > 0]
"""
    none = "0" * 16
    assert brief(run_one(sandbox, code, call("f")).calls) == [
        "value " + values.encode([[none] * 4 + ["1", "2", ""], "ro", ["lo"], True])
    ]


def test_locks_and_flags_of_the_standard_streams_end_with_their_program(
    image: str, sandbox_settings: SandboxSettings
) -> None:
    writes = """
import fcntl, os, struct
def f():
    fcntl.fcntl(0, 10, 42)
    fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_APPEND)
    for n, b in enumerate(b"secret"):
        fcntl.fcntl(0, 37, struct.pack("hhqqi4x", 1, 0, n * 1000 + b, 1, 0))
    return 1
"""
    reads = """
import fcntl, os, struct
def f():
    lock = fcntl.fcntl(0, 36, struct.pack("hhqqi4x", 1, 0, 0, 0, 0))
    append = fcntl.fcntl(0, fcntl.F_GETFL) & os.O_APPEND
    return [fcntl.fcntl(0, 11), append, struct.unpack("hhqqi4x", lock)[0]]
"""
    with DockerSandbox(sandbox_settings.model_copy(update={"slots": 1}), image, "tests-null") as sandbox:
        assert brief(run_one(sandbox, writes, call("f")).calls) == ["value 1"]
        assert brief(run_one(sandbox, reads, call("f")).calls) == ["value [0,0,2]"]


def test_children_carry_no_library_that_every_fork_would_pay_for(sandbox: DockerSandbox) -> None:
    code = "import sys\ndef f(names):\n    return [name for name in names if name in sys.modules]\n"
    assert brief(run_one(sandbox, code, call("f", ["threading", "hashlib", "_hashlib", "ssl"])).calls) == [
        "value []"
    ]


# Checks.


def test_checks_reach_the_solution(sandbox: DockerSandbox) -> None:
    code = """
from collections import Counter

class Mine(Exception):
    pass

def f(x):
    return x + x

def grow(xs, d):
    xs.append(len(xs))
    xs[0].append("in place")
    d["new"] = {1}
    return xs

def count(xs):
    return Counter(xs)

def fail(kind):
    if kind == "mine":
        raise Mine("mine")
    raise {"value": ValueError, "key": KeyError, "unicode": UnicodeDecodeError}[kind]("no")

twice = lambda x: 2 * x
"""
    checks = (
        "assert isclose(f(0.1), 0.2) and math.floor(f(1.3)) == 2",
        "assert set(f([1, 2])) == {1, 2}",
        "import collections\nassert collections.Counter(f('ab')) == {'a': 2, 'b': 2}",
        "inner = []\nxs, d = [inner], {}\nout = grow(xs, d)\n"
        "assert xs == out == [['in place'], 1] and xs[0] is inner and d == {'new': {1}}",
        "try:\n    fail('value')\nexcept ValueError as error:\n    assert str(error) == 'no'",
        "try:\n    fail('mine')\nexcept Exception as error:\n    assert type(error).__name__ == 'Mine'",
        "assert twice(x=4) == 8",
        "import concurrent.futures as c\nwith c.ThreadPoolExecutor(2) as e:\n"
        "    assert list(e.map(f, range(20))) == [2 * i for i in range(20)]",
        "from collections import deque\nq = deque([[]])\nassert grow(q, {}) == q == deque([['in place'], 1])",
        "with pytest.raises(ValueError) as caught:\n    fail('value')\n"
        "assert str(caught.exception) == 'no' and caught.typename == 'ValueError'",
        "assert count('aab')['z'] == 0 and count('aab').most_common(1) == [('a', 2)]",
        "assert f(1) == 3",
        "fail('key')",
        "with pytest.raises(TypeError):\n    f(lambda: 1)",
        "assert g(1) == 1",
        "assert True",
        "raise SystemExit",
        "assert f(",
    )
    assert brief(run_one(sandbox, code, checks=checks).checks) == [
        *["value null"] * 11,
        "exception AssertionError",
        "exception KeyError",
        "value null",
        "exception NameError",
        "value null",
        "exception SystemExit",
        "exception SyntaxError",
    ]


def test_a_check_without_a_call_says_so(sandbox: DockerSandbox) -> None:
    execution = run_one(sandbox, DOUBLE, checks=("assert 1 == 1", "assert f(1) == 2"))
    assert [outcome.detail for outcome in execution.checks] == ["no call", ""]


def test_each_check_meets_a_fresh_solution(sandbox: DockerSandbox) -> None:
    code = "seen = []\ndef f(x):\n    seen.append(x)\n    return len(seen)\n"
    execution = run_one(sandbox, code, checks=("assert f(1) == 1 and f(1) == 2", "assert f(1) == 1"))
    assert [outcome.kind for outcome in execution.checks] == ["value", "value"]


def test_the_null_candidate_passes_nothing_that_tests_something(sandbox: DockerSandbox) -> None:
    real = (
        "assert f(1) == 2", "assert f(1)", "assert not f(1)", "assert f(1) is None", "assert f(1) + 1 == 2",
        "assert isclose(f(1), 2)", "assert set(f(1)) == {1}", "assert f(1) < 2", "assert len(f(1)) == 0",
        "assert f(1) == f(1)", "assert isinstance(f(1), int)", "assert f(1) in [1, 2]", "assert f(1)[0] == 1",
    )  # fmt: skip
    idle = ("assert True", "f(1)", "def f(x):\n    return 1\nassert f(0) == 1", "assert f(1) != 2")
    execution = run_one(sandbox, None, call("f", 1), checks=real + idle)
    assert brief(execution.calls) == ['value {"o":"null"}']
    assert {outcome.kind for outcome in execution.checks[: len(real)]} == {"exception"}
    assert [outcome.kind for outcome in execution.checks[len(real) :]] == ["value"] * len(idle)
    assert [outcome.detail for outcome in execution.checks[len(real) :]] == ["no call", "", "no call", ""]
