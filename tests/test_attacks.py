"""Every program of tests/attacks runs between honest ones: its outcome, theirs, and what it leaves.

The head of an attack says what is right: `# calls: f(1); f(2)` (or `# check: <source>`), then
`# outcome: ...; ...`, one outcome a call: `value <literal>`, `opaque <type>` (alone), `nested-opaque
<type>`, `exception <type>`, `timeout cpu`, `crash SIGSEGV` or a bare kind. ` | ` separates outcomes that
are equally right, `any` stands for every detail.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tasks import values
from tasks.engines.containers import LABEL
from tasks.engines.sandbox import DockerSandbox
from tasks.records import Call, Execution, Outcome, Program
from tasks.settings import SandboxSettings

ATTACKS = sorted((Path(__file__).parent / "attacks").glob("*.py"))
TOKEN = "SENTINEL-NEIGHBOUR-CODE"
NEIGHBOUR = f"""
def f(text):
    return [text, "{TOKEN}"]
"""
PROBE = """
import os

def f(x):
    processes = [name for name in os.listdir("/proc") if name.isdigit()]
    strangers = sorted(set(processes) - {"1", str(os.getpid())})
    files = [os.listdir(folder) for folder in (".", "/dev/shm", "/dev/mqueue")]
    import collections, math
    return [strangers, files, math.floor(2.5), collections.Counter("aa")["a"], sum([x])]
"""
RUN_ID = "tests-attacks"


def call(text: str) -> Call:
    node = ast.parse(text, mode="eval").body
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    args = [ast.literal_eval(argument) for argument in node.args]
    return Call(node.func.id, values.encode([args, {}]))


def head(path: Path) -> dict[str, str]:
    lines = [line[2:] for line in path.read_text().splitlines() if line.startswith("# ")]
    return dict(line.split(": ", 1) for line in lines[:3])


def programs() -> Iterator[Program]:
    for path in ATTACKS:
        about = head(path)
        neighbour_calls = (Call("f", values.encode([[TOKEN], {}])),)
        yield Program(
            f"{path.stem}/before", NEIGHBOUR, "f", neighbour_calls, (f"assert f('{TOKEN}')[1] == '{TOKEN}'",)
        )
        calls = tuple(call(text.strip()) for text in about.get("calls", "").split(";") if text.strip())
        checks = tuple(about[name].encode().decode("unicode_escape") for name in ("check",) if name in about)
        yield Program(path.stem, path.read_text(), "f", calls, checks)
        yield Program(f"{path.stem}/after", PROBE, "f", (call("f(3)"),))


@pytest.fixture(scope="module")
def executions(image: str) -> dict[str, Execution]:
    """One slot: whatever an attack leaves behind meets the programs that follow it."""
    settings = SandboxSettings(slots=1, memory_mb=128, cpu_s=0.5, wall_s=5, output_kb=64, processes=24)
    with DockerSandbox(settings, image, RUN_ID) as sandbox:
        done = {execution.program_id: execution for execution in sandbox.run(programs())}
    client = docker.from_env()
    left = client.api.containers(all=True, filters={"label": f"{LABEL}.run={RUN_ID}"})
    client.close()
    assert not left
    return done


def fits(outcome: Outcome, right: str) -> bool:
    return any(_fits(outcome, *alternative.strip().partition(" ")[::2]) for alternative in right.split(" | "))


def _fits(outcome: Outcome, kind: str, rest: str) -> bool:
    if kind == "value":
        return outcome.kind == "value" and outcome.value == values.encode(ast.literal_eval(rest))
    if kind == "opaque":
        named = values.encode(values.Opaque(rest))
        return outcome.kind == "value" and (
            outcome.value == named or (rest == "any" and '{"o"' in outcome.value)
        )
    if kind == "nested-opaque":
        return outcome.kind == "value" and values.encode(values.Opaque(rest)) in outcome.value
    detail = outcome.exception if kind == "exception" else outcome.detail
    return outcome.kind == kind and (rest in ("", "any") or rest == detail)


@pytest.mark.parametrize("path", ATTACKS, ids=lambda path: path.stem)
def test_attack(path: Path, executions: dict[str, Execution]) -> None:
    attack, about = executions[path.stem], head(path)
    expected = [part.strip() for part in about["outcome"].split(";")]
    outcomes = [*attack.calls, *attack.checks]
    assert len(outcomes) == len(expected)
    for outcome, right in zip(outcomes, expected, strict=True):
        assert fits(outcome, right), f"{outcome} is not {right}"
    before = executions[f"{path.stem}/before"]
    assert [outcome.value for outcome in before.calls] == [values.encode([TOKEN, TOKEN])]
    assert [outcome.kind for outcome in before.checks] == ["value"]
    after = executions[f"{path.stem}/after"].calls[0]
    assert after.value == values.encode([[], [[], [], []], 2, 2, 3]), after


def test_the_corpus_is_no_smaller_than_promised() -> None:
    assert len(ATTACKS) >= 24
    assert all({"outcome", "correct"} <= set(head(path)) for path in ATTACKS)
