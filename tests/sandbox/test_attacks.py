"""Every program of tests/attacks runs between honest ones: its outcome, theirs, and what it leaves.

The head of an attack says what is right: `# calls: f(1); f(2)` (or `# stdin: <literal>; ..`, or `# check:
<source>`), then `# outcome: ...; ...`, one outcome a call: `value <expression>`, `opaque <type>` (alone),
`nested-opaque <type>`, `iterator <type> <items>`, `exception <type>`, `timeout cpu`, `crash SIGSEGV` or a
bare kind. ` | ` separates outcomes that are equally right, `any` stands for every detail. `# build:
<expression>` makes the program from `source`, the file's text; `# null:` is what the check does with the
null candidate.
"""

from __future__ import annotations

import ast
import contextlib
import itertools
import os
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from sandbox_image.iterators import Iterated
from tasks.core import values
from tasks.core.records import Call, Execution, Outcome, Program
from tasks.sandbox.container import LABEL
from tasks.sandbox.pool import DockerSandbox
from tasks.settings.sandbox import SandboxSettings

ATTACKS = sorted(
    (Path(__file__).parents[1] / "attacks").glob("*.py"), key=lambda path: int(path.stem.split("_")[0])
)
TOKEN = "SENTINEL-NEIGHBOUR-CODE"
NEIGHBOUR = f"""
def f(text):
    return [text, "{TOKEN}"]
"""
PROBE = """
import json, os

def f(x):
    processes = [name for name in os.listdir("/proc") if name.isdigit()]
    strangers = sorted(set(processes) - {"1", str(os.getpid())})
    files = [os.listdir(folder) for folder in (".", "/dev/shm", "/dev/mqueue")]
    import collections, math, re
    whole = re.compile("a+").match("aa").end() == 2 and json.loads("[1]") == [1]
    return [strangers, files, math.floor(2.5), collections.Counter("aa")["a"], sum([x]), whole]
"""
RUN_ID = f"tests-attacks-{os.getpid()}"
ROUNDS = 20
SETTINGS = SandboxSettings(slots=1, memory_mb=128, cpu_s=0.5, wall_s=3, output_kb=1024, processes=24)


def head(path: Path) -> dict[str, str]:
    """The lines `# name: text` that a file begins with."""
    lines = itertools.takewhile(lambda line: line.startswith("# "), path.read_text().splitlines())
    return dict(line[2:].split(": ", 1) for line in lines)


def evaluated(expression: str, **names: str) -> Any:
    """A head's own expression (never a program's): literals, operators, `float("nan")`."""
    return eval(expression, {"float": float, "complex": complex, **names})


def call(text: str) -> Call:
    node = ast.parse(text.strip(), mode="eval").body
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    args = [evaluated(ast.unparse(argument)) for argument in node.args]
    return Call(node.func.id, values.encode([args, {}]))


def attack(path: Path) -> list[Program]:
    """The program of a file, and the null candidate where the head speaks of it."""
    about, code = head(path), path.read_text()
    calls = [call(text) for text in about.get("calls", "").split(";") if text.strip()]
    calls += [Call("", values.encode(evaluated(text))) for text in about.get("stdin", "").split(";") if text]
    checks = tuple(about[name].encode().decode("unicode_escape") for name in ("check",) if name in about)
    code = evaluated(about.get("build", "source"), source=code)
    null = [Program(f"{path.stem}/null", None, "f", (), checks)] if "null" in about else []
    return [Program(path.stem, code, "f", tuple(calls), checks), *null]


def programs(paths: Iterable[Path]) -> Iterator[Program]:
    for path in paths:
        neighbour_calls = (Call("f", values.encode([[TOKEN], {}])),)
        check = (
            f"import os, tempfile\nassert f('{TOKEN}')[1] == '{TOKEN}'\n"
            "assert os.listdir() == [] == os.listdir(tempfile.gettempdir())"
        )
        yield Program(f"{path.stem}/before", NEIGHBOUR, "f", neighbour_calls, (check,))
        yield from attack(path)
        yield Program(f"{path.stem}/after", PROBE, "f", (call("f(3)"),))


@pytest.fixture(scope="module")
def executions(image: str) -> dict[str, Execution]:
    """One slot: whatever an attack leaves behind meets the programs that follow it."""
    return run(SETTINGS, image, RUN_ID, ATTACKS)


def run(settings: SandboxSettings, image: str, run_id: str, paths: list[Path]) -> dict[str, Execution]:
    """Executions by program id. No container may be lost on the way: a retry would hide who lost it."""
    with DockerSandbox(settings, image, run_id) as sandbox:
        first = {slot.container.id for slot in sandbox._slots}
        done = {execution.program_id: execution for execution in sandbox.run(programs(paths))}
        last = {slot.container.id for slot in sandbox._slots}
    assert first <= last
    assert len(last) == settings.slots
    client = docker.from_env()
    left = client.api.containers(all=True, filters={"label": f"{LABEL}.run={run_id}"})
    client.close()
    assert not left
    assert not [groups for groups in cgroups() if any(container in groups for container in last)]
    return done


def cgroups() -> list[str]:
    """The cgroups of every process of this machine."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cgroup"):
        with contextlib.suppress(OSError):
            found.append(path.read_text())
    return found


def fits(outcome: Outcome, right: str) -> bool:
    return any(_fits(outcome, *alternative.strip().partition(" ")[::2]) for alternative in right.split(" | "))


def _fits(outcome: Outcome, kind: str, rest: str) -> bool:
    if kind == "value":
        return outcome.kind == "value" and (rest == "any" or outcome.value == values.encode(evaluated(rest)))
    if kind == "opaque":
        named = values.encode(values.Opaque(rest))
        return outcome.kind == "value" and (
            outcome.value == named or (rest == "any" and '{"o"' in outcome.value)
        )
    if kind == "nested-opaque":
        return outcome.kind == "value" and values.encode(values.Opaque(rest)) in outcome.value
    if kind == "iterator":
        value = values.decode(outcome.value) if outcome.kind == "value" else None
        return isinstance(value, Iterated) and [value.kind, str(len(value.items))] == rest.split()
    detail = outcome.exception if kind == "exception" else outcome.detail
    return outcome.kind == kind and (rest in ("", "any") or rest == detail)


def wrong(path: Path, executions: dict[str, Execution]) -> list[str]:
    """What is not as it should be: with the attack, with the honest program before it, with what it left."""
    about, found = head(path), []

    def expect(program_id: str, right: str) -> None:
        execution = executions[program_id]
        outcomes, expected = [*execution.calls, *execution.checks], right.split(";")
        if len(outcomes) != len(expected) or not all(map(fits, outcomes, expected)):
            found.append(f"{program_id} is not {right}: {str(outcomes)[:1000]}")

    expect(path.stem, about["outcome"])
    if "null" in about:
        expect(f"{path.stem}/null", about["null"])
    expect(f"{path.stem}/before", f"value ['{TOKEN}', '{TOKEN}']; value None")
    expect(f"{path.stem}/after", "value [[], [[], [], []], 2, 2, 3, True]")
    return found


@pytest.mark.parametrize("path", ATTACKS, ids=lambda path: path.stem)
def test_attack(path: Path, executions: dict[str, Execution]) -> None:
    assert not wrong(path, executions)


@pytest.mark.soak
@pytest.mark.parametrize("number", range(ROUNDS))
def test_the_corpus_in_another_order(number: int, image: str) -> None:
    """Two slots: while an attack runs in one, honest programs and other attacks run in the other."""
    paths = list(ATTACKS)
    random.Random(number).shuffle(paths)
    settings = SETTINGS.model_copy(update={"slots": 2})
    executions = run(settings, image, f"{RUN_ID}-{number}", paths)
    assert len(executions) == 3 * len(paths) + sum("null" in head(path) for path in paths)
    assert not [fault for path in paths for fault in wrong(path, executions)]


def test_the_corpus_is_no_smaller_than_promised() -> None:
    assert len(ATTACKS) >= 200
    assert all({"outcome", "correct"} <= set(head(path)) for path in ATTACKS)
