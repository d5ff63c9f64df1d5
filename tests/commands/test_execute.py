"""`flywheel execute` from the command line, with real containers."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker.errors
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows import cli
from flows.commands.execute import judge_solutions
from tasks.execution.determinism import SandboxPair
from tasks.execution.exchange import read_problems, read_solutions, read_suites
from tasks.sandbox.container import LABEL
from tasks.sandbox.image import docker_client
from tests.execution.test_exchange import write
from tests.flows.test_cli import flywheel

PROBLEMS: list[dict[str, Any]] = [
    {"problem_id": "add", "statement": "Add two numbers.", "entry_point": "add"},
    {"problem_id": "double", "style": "stdin"},
]
SOLUTIONS: list[dict[str, Any]] = [
    {"problem_id": "add", "solution_id": "right", "code": "def add(a, b):\n    return a + b\n"},
    {"problem_id": "add", "solution_id": "wrong", "code": "def add(a, b):\n    return a - b\n"},
    {"problem_id": "add", "solution_id": "broken", "code": "def add(a, b:\n"},
    {"problem_id": "add", "solution_id": "null/add", "code": "def add(a, b):\n    return object()\n"},
    {"problem_id": "double", "solution_id": "right", "code": "print(2 * int(input()), ' ')\n"},
    {"problem_id": "double", "solution_id": "surrogate", "code": "print('\ud800')\n"},
]
SUITES: list[dict[str, Any]] = [
    {
        "problem_id": "add",
        "suite_id": "text",
        "code": "import math\n\ndef test_add():\n    assert add(1, 2) == 3\n    assert add(2, 2)\n"
        "def test_more():\n    assert math.isclose(add(0.5, 1), 1.5)\n"
        "    with pytest.raises(TypeError):\n        add(1, None)\n",
    },
    {
        "problem_id": "add",
        "suite_id": "cases",
        "cases": [{"args": [1], "kwargs": {"b": 2}, "expected": 3}, {"args": [[1], [2]], "expected": [1, 2]}],
    },
    {"problem_id": "add", "suite_id": "idle", "code": "assert add(1, 2) is not None\nassert add(1,"},
    {"problem_id": "double", "suite_id": "io", "cases": [{"stdin": "4", "stdout": "8\n"}]},
]


def files(
    tmp_path: Path, problems: Any = PROBLEMS, solutions: Any = SOLUTIONS, tests: Any = SUITES
) -> list[str]:
    """The arguments of a command whose input files hold these rows."""
    paths = [
        write(tmp_path / f"{name}.jsonl", *rows)
        for name, rows in (("problems", problems), ("solutions", solutions), ("tests", tests))
    ]
    options = [part for path in paths for part in (f"--{path.stem}", str(path))]
    return ["execute", *options, "--out", str(tmp_path / "out.jsonl")]


def run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from flows.cli import main; main()", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=Path(cli.__file__).parent.parent, check=False
    )


def timeless(line: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in line.items() if name not in ("cpu_ms", "wall_ms")})


@pytest.mark.docker
def test_verdicts_of_the_three_kinds_of_suites(tmp_path: Path) -> None:
    done = run(files(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "2 problems, 4 suites, 6 solutions" in done.stderr
    assert done.stdout.startswith("6 solutions, 14 suites judged, 3 passed")
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [(line["solution_id"], line["suite_id"]) for line in lines] == [
        (solution["solution_id"], suite["suite_id"])
        for solution in SOLUTIONS
        for suite in SUITES
        if suite["problem_id"] == solution["problem_id"]
    ]
    assert all(line["cpu_ms"] >= 0 and line["wall_ms"] >= 0 for line in lines)
    assert {tuple(case) for line in lines for case in line["cases"]} == {("verdict", "outcome", "detail")}
    seen = {
        (line["problem_id"], line["solution_id"], line["suite_id"]): " ".join(
            case["verdict"] for case in line["cases"]
        )
        for line in lines
    }
    assert seen == {
        ("add", "right", "text"): "pass pass pass pass",
        ("add", "right", "cases"): "pass pass",
        ("add", "right", "idle"): "invalid invalid",
        ("add", "wrong", "text"): "fail fail fail pass",
        ("add", "wrong", "cases"): "fail fail",
        ("add", "wrong", "idle"): "invalid invalid",
        ("add", "broken", "text"): "fail fail fail fail",
        ("add", "broken", "cases"): "fail fail",
        ("add", "broken", "idle"): "fail invalid",
        ("add", "null/add", "text"): "fail pass fail fail",
        ("add", "null/add", "cases"): "fail fail",
        ("add", "null/add", "idle"): "invalid invalid",
        ("double", "right", "io"): "pass",
        ("double", "surrogate", "io"): "fail",
    }
    assert [line["passed"] for line in lines] == [set(seen_.split()) == {"pass"} for seen_ in seen.values()]
    details = {case["detail"] for line in lines for case in line["cases"]}
    assert {
        "",
        "returned -1, expected 3",
        "returned an object of type object, expected 3",
        "passes whatever the solution returns: it tests nothing",
        "does not parse: 'assert add(1,'",
    } <= details


def judged(seeds: SandboxPair, folder: Path, *tables: list[dict[str, Any]]) -> list[str]:
    """The lines of problems, solutions and suites, without times."""
    files(folder, *tables)
    problems = read_problems(folder / "problems.jsonl")
    suites = read_suites(folder / "tests.jsonl", problems)
    solutions = list(read_solutions(folder / "solutions.jsonl", problems))
    return [timeless(line) for line in judge_solutions(seeds, problems, suites, solutions)]


@pytest.fixture(scope="module")
def in_order(seeds: SandboxPair, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return sorted(judged(seeds, tmp_path_factory.mktemp("in_order"), PROBLEMS, SOLUTIONS, SUITES))


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_files_changes_nothing(
    seeds: SandboxPair, tmp_path: Path, in_order: list[str], shuffler: random.Random
) -> None:
    tables = [shuffler.sample(rows, len(rows)) for rows in (PROBLEMS, SOLUTIONS, SUITES)]
    assert sorted(judged(seeds, tmp_path, *tables)) == in_order


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"problems": ["{"]}, "problems.jsonl, line 1: not JSON"),
        ({"problems": [{"problem_id": "add"}]}, "problems.jsonl, line 1: 'entry_point' is missing"),
        ({"solutions": [SOLUTIONS[0], "x"]}, "solutions.jsonl, line 2: not JSON"),
        ({"solutions": [SOLUTIONS[0], SOLUTIONS[0]]}, "solution_id 'right' is used more than once"),
        ({"tests": [{**SUITES[0], "problem_id": "x"}]}, "tests.jsonl, line 1: problem_id 'x' is in no line"),
    ],
)
def test_bad_input_is_one_sentence_and_no_output(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    change: dict[str, Any],
    words: str,
) -> None:
    code, text = flywheel(monkeypatch, capsys, *files(tmp_path, **change))
    assert code == 1
    assert words in text
    assert text.count("\n") == 1
    assert {path.stem for path in tmp_path.iterdir()} == {"problems", "solutions", "tests"}


def test_outputs_that_cannot_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = files(tmp_path)[:-1]
    for out, words in (
        (tmp_path, "is no regular file"),
        (tmp_path / "no" / "out.jsonl", "there is no folder"),
        (tmp_path / "tests.jsonl", "is one of the input files"),
    ):
        code, text = flywheel(monkeypatch, capsys, *arguments, str(out))
        assert code == 1
        assert words in text


def test_without_docker_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    code, text = flywheel(monkeypatch, capsys, *files(tmp_path))
    assert code == 1
    assert "Docker is not running (nobody answers at" in text
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.docker
def test_a_run_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    sleeper = {**SOLUTIONS[0], "code": "import time\ndef add(a, b):\n    time.sleep(60)\n"}
    command = [
        sys.executable,
        "-c",
        "from flows.cli import main; main()",
        *files(tmp_path, solutions=[sleeper]),
    ]
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(cli.__file__).parent.parent,
        # What a shell starts in the background ignores Ctrl-C, and so do its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        while not list(tmp_path.glob(".out.jsonl.*")):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, text = process.communicate()
    assert process.returncode == 130
    assert text.endswith("flywheel: stopped; `run` and `campaign` go on from here.\n")
    assert {path.stem for path in tmp_path.iterdir()} == {"problems", "solutions", "tests"}


def running_programs(owner: int) -> set[tuple[str, str]]:
    """(container, the program's pid) of a process's containers that run one."""
    client = docker_client()
    found = set()
    mine = {"label": f"{LABEL}.pid={owner}"}
    for container in client.containers.list(filters=mine, ignore_removed=True):
        supervisor = container.attrs["State"]["Pid"]
        with suppress(OSError):
            if children := Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text():
                found.add((container.id, children))
    client.close()
    return found


@pytest.mark.docker
def test_faults_that_remain_are_counted_and_the_exit_says_so(tmp_path: Path) -> None:
    sleeper = {"problem_id": "double", "solution_id": "sleeper", "code": "import time\ntime.sleep(60)\n"}
    arguments = [
        *files(tmp_path, solutions=[SOLUTIONS[0], sleeper]),
        *("--set", "sandbox.fault_retries=0", "--set", "sandbox.wall_s=90"),
    ]
    command = [sys.executable, "-c", "from flows.cli import main; main()", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, cwd=Path(cli.__file__).parent.parent
    ) as process:
        before: set[tuple[str, str]] = set()
        while process.poll() is None:
            now = running_programs(process.pid)
            # What runs for a second is the sleeper: its container goes, as if the engine had lost it.
            for container, _ in now & before:
                client = docker_client()
                with suppress(docker.errors.APIError):
                    client.api.kill(container)
                client.close()
            before = now
            time.sleep(1)
        out, err = process.communicate()
    assert process.returncode == 1, err
    assert "cases: pass 6, fail 0, invalid 2, fault 1;" in out
    assert err.splitlines()[-1].startswith("flywheel: 1 cases are faults, the sandbox broke on them: run")
    last = json.loads((tmp_path / "out.jsonl").read_text().splitlines()[-1])
    assert last["solution_id"] == "sleeper"
    assert [case["verdict"] for case in last["cases"]] == ["fault"]


def write_many(path: Path, count: int, padding: int) -> Path:
    """`count` distinct solutions, each with `padding` bytes that do nothing."""
    with path.open("w") as file:
        for number in range(count):
            code = f"# {'x' * padding}\ndef add(a, b):\n    return a + b + {number} % 2\n"
            row = {"problem_id": "add", "solution_id": str(number), "code": code}
            file.write(f"{json.dumps(row)}\n")
    return path


def peak_memory_kb(arguments: list[str]) -> int:
    """The largest resident size of a command's own process."""
    command = [sys.executable, "-c", "from flows.cli import main; main()", *arguments]
    process = subprocess.Popen(
        command, cwd=Path(cli.__file__).parent.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    peak = 0
    while process.poll() is None:
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                peak = max(peak, int(line.split()[1]))
        time.sleep(0.05)
    assert process.returncode == 0
    return peak


@pytest.mark.soak
def test_memory_does_not_grow_with_the_solutions(tmp_path: Path) -> None:
    arguments = files(tmp_path, tests=SUITES[1:2])
    solutions = tmp_path / "solutions.jsonl"
    write_many(solutions, 2_000, 4096)
    small = peak_memory_kb(arguments)
    write_many(solutions, 20_000, 4096)
    large = peak_memory_kb(arguments)
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 20_000
    assert large - small < 24 * 1024 < solutions.stat().st_size / 3 / 1024
