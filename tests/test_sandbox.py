"""What the sandbox promises: outcomes, isolation of calls, checks, faults, housekeeping."""

from __future__ import annotations

import collections
import itertools
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import docker
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox_image import plain
from tasks import values
from tasks.engines.containers import LABEL, _host, reap, start_time
from tasks.engines.episodes import MAX_SETBACKS, read_report
from tasks.engines.image import docker_client, image_tag
from tasks.engines.sandbox import WINDOW, DockerSandbox
from tasks.errors import FlywheelError
from tasks.records import Call, Execution, Outcome, Program
from tasks.settings import SandboxSettings

DOUBLE = "def f(x):\n    return x * 2\n"
ENDED = {"end": "exit", "by": "candidate", "code": 0, "cpu_ms": 1.0, "wall_ms": 1.0, "peak_kb": 1, "bytes": 0}

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.text() | st.binary()
)
hashables = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4).map(tuple) | st.frozensets(inner, max_size=4)
)
plain_values = st.recursive(
    hashables,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.lists(inner, max_size=5).map(tuple)
        | st.sets(hashables, max_size=5)
        | st.dictionaries(hashables, inner, max_size=5)
    ),
)


def call(function: str, *args: Any, **kwargs: Any) -> Call:
    return Call(function, values.encode([list(args), kwargs]))


def run_one(
    sandbox: DockerSandbox, code: str | None, *calls: Call, checks: tuple[str, ...] = ()
) -> Execution:
    (execution,) = sandbox.run([Program("p", code, "f", calls, checks)])
    return execution


def brief(outcomes: tuple[Outcome, ...]) -> list[str]:
    return [f"{outcome.kind} {outcome.value or outcome.exception or outcome.detail}" for outcome in outcomes]


# The format, written twice.


@given(plain_values)
def test_both_encoders_write_the_same_text(value: Any) -> None:
    text = values.encode(value)
    assert plain.encode(value, 1 << 20) == text
    assert plain.encode(plain.decode(text), 1 << 20) == text
    assert values.encode(values.decode(text)) == text


def test_known_containers_are_read_as_their_base_type() -> None:
    class Sly(dict):  # type: ignore[type-arg]
        pass

    ordered = collections.OrderedDict(a=1, b=2)
    ordered.move_to_end("a")
    assert plain.encode(collections.Counter("aab"), 999) == values.encode({"a": 2, "b": 1})
    assert plain.encode(collections.defaultdict(int, x=1), 999) == values.encode({"x": 1})
    assert plain.encode(ordered, 999) == values.encode({"b": 2, "a": 1})
    assert plain.encode(collections.deque([1, 2]), 999) == values.encode([1, 2])
    assert plain.encode([Sly(), range(3)], 999) == '[{"o":"Sly"},{"o":"range"}]'


def test_large_integers_and_budgets() -> None:
    large = -(7**6000)
    assert plain.encode(large, 1 << 20) == values.encode(large)
    assert plain.decode(values.encode(large)) == large
    for value in ("x" * 100, list(range(50)), 10**5000, b"x" * 60, {"a" * 50: "b" * 50}, ["\u00e9" * 20]):
        with pytest.raises(plain.TooLarge):
            plain.encode(value, 99)


@given(st.binary(max_size=200) | st.text(alphabet='[]{}",:0123456789-evaluo\n').map(str.encode))
def test_hostile_reports_are_outcomes(data: bytes) -> None:
    outcomes, whole = read_report(b'[-1,"ready","","",0.0,0.0]\n' + data, ENDED, 3)
    assert 1 <= len(outcomes) <= 3
    assert whole == (len(outcomes) == 3 and outcomes[-1].kind != "no_result")
    for outcome in outcomes:
        if outcome.kind == "value":
            values.decode(outcome.value)


@pytest.mark.parametrize(
    "record",
    [
        b'[0,"value","{\\"f\\":1' + b"0" * 400 + b'}","",0.0,0.0]',
        b'[0,"value","nonsense","",0.0,0.0]',
        b'[0,"value","\\"\\u00e9\\"","",0.0,0.0]',
        b'[1,"value","1","",0.0,0.0]',
        b'[0,"fault","1","",0.0,0.0]',
        b'[0,"value","1","",NaN,0.0]',
        b'[0,"value","1","",0.0]',
        b"[" * 100_000,
        b'[0,"value",' + b"9" * 100_000 + b',"",0.0,0.0]',
    ],
)
def test_malformed_records_are_no_result(record: bytes) -> None:
    outcomes, whole = read_report(b'[-1,"ready","","",0.0,0.0]\n' + record + b"\n", ENDED, 2)
    assert [outcome.kind for outcome in outcomes] == ["no_result"]
    assert not whole


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
    execution = run_one(sandbox, code, *(call("f", x) for x in range(6)))
    assert {outcome.kind for outcome in execution.calls} == {"crash"}
    assert [outcome.detail for outcome in execution.calls[: MAX_SETBACKS + 1]] == [
        *["SIGABRT"] * MAX_SETBACKS,
        f"not run after {MAX_SETBACKS} like it",
    ]


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


def test_hash_seed_is_fixed_and_can_be_varied(image: str, sandbox_settings: SandboxSettings) -> None:
    code = "def f(x):\n    return [hash(x), list({'a', 'b', 'c', 'd', 'e'})]\n"
    seen = []
    for seed in (0, 0, 1):
        with DockerSandbox(sandbox_settings, image, "tests-seed", hash_seed=seed) as sandbox:
            seen.append(run_one(sandbox, code, call("f", "text")).calls[0].value)
    assert seen[0] == seen[1] != seen[2]


def test_the_hardening_as_a_program_sees_it(sandbox: DockerSandbox) -> None:
    code = """
import os
def f():
    status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
    names = ("CapEff", "CapPrm", "CapInh", "CapAmb", "NoNewPrivs", "Seccomp", "Groups")
    root = [line.split()[3] for line in open("/proc/mounts") if line.split()[1] == "/"]
    return [[status[n].strip() for n in names], root[-1].split(",")[0], os.listdir("/sys/class/net"), os.getuid() > 0]
"""
    none = "0" * 16
    assert brief(run_one(sandbox, code, call("f")).calls) == [
        "value " + values.encode([[none] * 4 + ["1", "2", ""], "ro", ["lo"], True])
    ]


# Checks.


def test_checks_reach_the_solution_by_plain_data(sandbox: DockerSandbox) -> None:
    code = """
class Mine(Exception):
    pass

def f(x):
    return x + x

def grow(xs, d):
    xs.append(len(xs))
    xs[0].append("in place")
    d["new"] = {1}
    return xs

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
        "try:\n    fail('value')\n    assert False\nexcept ValueError as error:\n    assert str(error) == 'no'",
        "try:\n    fail('mine')\nexcept Exception as error:\n    assert type(error).__name__ == 'Mine'",
        "assert twice(x=4) == 8",
        "assert f(1) == 3",
        "fail('key')",
        "assert f(lambda: 1)",
        "assert g(1) == 1",
        "assert True",
        "raise SystemExit",
        "assert f(",
    )
    assert brief(run_one(sandbox, code, checks=checks).checks) == [
        *["value null"] * 7,
        "exception AssertionError",
        "exception KeyError",
        "exception TypeError",
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


# The pool.


def test_order_and_laziness(sandbox: DockerSandbox) -> None:
    taken = itertools.count()

    def endless() -> Iterator[Program]:
        for number in itertools.count():
            next(taken)
            yield Program(str(number), DOUBLE, "f", (call("f", number),))

    run = sandbox.run(endless())
    first = list(itertools.islice(run, 20))
    assert [execution.program_id for execution in first] == [str(number) for number in range(20)]
    assert [execution.calls[0].value for execution in first] == [str(2 * number) for number in range(20)]
    assert next(taken) <= WINDOW + 20
    run.close()  # type: ignore[attr-defined]
    assert brief(run_one(sandbox, DOUBLE, call("f", 4)).calls) == ["value 8"]


def test_programs_without_calls(sandbox: DockerSandbox) -> None:
    assert list(sandbox.run([])) == []
    assert list(sandbox.run([Program("p", DOUBLE, "f")])) == [Execution("p", (), ())]


def test_a_lost_container_costs_no_outcome(image: str, sandbox_settings: SandboxSettings) -> None:
    client = docker.from_env()
    programs = [Program(str(n), DOUBLE, "f", (call("f", n),)) for n in range(300)]
    with DockerSandbox(sandbox_settings, image, "tests-lost") as sandbox:
        values_seen = []
        for number, execution in enumerate(sandbox.run(programs)):
            if number in (20, 150):
                mine = client.containers.list(filters={"label": f"{LABEL}.run=tests-lost"})
                mine[0].kill()
            values_seen.append(execution.calls[0].value)
    client.close()
    assert values_seen == [str(2 * n) for n in range(300)]


def test_a_program_that_loses_its_container_is_a_fault(image: str, sandbox_settings: SandboxSettings) -> None:
    settings = sandbox_settings.model_copy(update={"slots": 1, "fault_retries": 0, "wall_s": 30})
    client = docker.from_env()
    sleeper = Program(
        "p", "import time\ndef f(x):\n    time.sleep(20)\n", "f", (call("f", 1),), ("assert f(1)",)
    )
    with DockerSandbox(settings, image, "tests-fault") as sandbox:
        killer = subprocess.Popen(
            [
                "sh",
                "-c",
                "sleep 2; exec docker kill $(docker ps -q --filter label=flywheel.sandbox.run=tests-fault)",
            ],
            stdout=subprocess.DEVNULL,
        )
        (execution,) = sandbox.run([sleeper])
        killer.wait()
        assert {outcome.kind for outcome in execution.calls + execution.checks} == {"fault"}
        assert brief(run_one(sandbox, DOUBLE, call("f", 4)).calls) == ["value 8"]
    client.close()


def test_containers_are_recycled(image: str, sandbox_settings: SandboxSettings) -> None:
    settings = sandbox_settings.model_copy(update={"recycle_after": 25})
    code = "import socket\ndef f():\n    return socket.gethostname()\n"
    programs = [Program(str(n), code, "f", (call("f"),)) for n in range(150)]
    with DockerSandbox(settings, image, "tests-recycle") as sandbox:
        hosts = collections.Counter(execution.calls[0].value for execution in sandbox.run(programs))
    assert len(hosts) >= 6
    assert max(hosts.values()) <= 25


def test_the_reaper_takes_the_dead_and_spares_the_living(sandbox: DockerSandbox, image: str) -> None:
    client = docker.from_env()
    dead = subprocess.Popen(["true"])
    dead.wait()
    living = subprocess.Popen(["sleep", "60"])

    def orphan(pid: int, started: str, host: str = _host()) -> str:
        labels = {
            LABEL: "1", f"{LABEL}.run": "other", f"{LABEL}.host": host,
            f"{LABEL}.pid": str(pid), f"{LABEL}.started": started,
        }  # fmt: skip
        return str(client.containers.create(image, labels=labels, network_mode="none").id)

    try:
        doomed = {orphan(dead.pid, "1"), orphan(living.pid, "1")}
        spared = {orphan(living.pid, start_time(living.pid)), orphan(dead.pid, "1", host="elsewhere")}
        spared |= {slot.container.id for slot in sandbox._slots}
        assert reap() == len(doomed)
        left = {summary["Id"] for summary in client.api.containers(all=True)}
        assert not doomed & left
        assert spared <= left
    finally:
        living.kill()
        living.wait()
        for container in client.containers.list(all=True, filters={"label": f"{LABEL}.run=other"}):
            container.remove(force=True)
        client.close()


def test_no_container_outlives_its_owner(image: str) -> None:
    """The engine closes stdin when the owner's connection ends, and the supervisor ends with its stdin."""
    script = (
        "import os, sys\nfrom tasks.engines.sandbox import DockerSandbox\n"
        "from tasks.settings import SandboxSettings\n"
        f"DockerSandbox(SandboxSettings(slots=1), {image!r}, 'tests-orphan').__enter__()\n"
        "print('up', flush=True)\nos._exit(1)\n"
    )
    import sys

    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=False)
    assert done.stdout.strip() == "up"
    client = docker.from_env()
    until = time.monotonic() + 20
    while time.monotonic() < until:
        left = client.api.containers(all=True, filters={"label": f"{LABEL}.run=tests-orphan"})
        if not left:
            break
        time.sleep(0.2)
    client.close()
    assert not left


# What is missing is said in one sentence.


def test_a_missing_image_is_named(sandbox_settings: SandboxSettings, image: str) -> None:
    with (
        pytest.raises(FlywheelError, match="no-such-image"),
        DockerSandbox(sandbox_settings, "no-such-image:1", "t"),
    ):
        pass


def test_docker_errors_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/dockerd")
    with pytest.raises(FlywheelError, match="not running"):
        docker_client()
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(FlywheelError, match="not installed"):
        docker_client()
    assert image_tag().startswith("flywheel-sandbox:")

    def refused(**_: Any) -> Any:
        raise docker.errors.DockerException("PermissionError(13, 'Permission denied')")

    monkeypatch.setattr("docker.from_env", refused)
    with pytest.raises(FlywheelError, match="group 'docker'"):
        docker_client()
