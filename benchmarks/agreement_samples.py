"""Draws the samples of the agreement study from the small model, in pieces that survive a kill.

    FLYWHEEL_DATA_DIR=... python benchmarks/agreement_samples.py FOLDER [seconds]

Labelled problems on which nothing is reported: starter half A, then MBPP validation and train in an order of
their own. For each, as an iteration would: `SOLUTIONS` and `SUITES` at the default temperature; and a few
cooler solutions, for the idea of asking twice. Stops after about `seconds` at the end of a shard and goes on
when called again; what was drawn so far lies in agreement_samples.parquet beside this file: completions
without their prompts, which the problems give back.
"""

from __future__ import annotations

import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tasks.benchmarks.mbpp import load_mbpp
from tasks.benchmarks.starter import load_starter
from tasks.core.records import Problem, Sample
from tasks.core.tables import read_table, write_table
from tasks.generation.sampling import draw_samples
from tasks.inference.sampler import VllmSampler
from tasks.models.base import cache_folder
from tasks.models.chat_format import format_of
from tasks.models.resolve import resolve_model
from tasks.settings.engine import EngineSettings
from tasks.settings.model import ModelSettings
from tasks.settings.sampling import SamplingSettings

SEED = 20
SOLUTIONS, COOL_SOLUTIONS, SUITES = 12, 6, 6
SHARD = 10
WARM = SamplingSettings(
    format="smollm-demo",
    solutions=SOLUTIONS,
    suites=SUITES,
    temperature=0.8,
    low_temperature_share=0,
    max_solution_tokens=96,
    max_suite_tokens=112,
)
COOL = WARM.model_copy(update={"solutions": COOL_SOLUTIONS, "suites": 0, "temperature": 0.4})
SAMPLES = Path(__file__).with_name("agreement_samples.parquet")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A completion without its prompt, which the problem gives back."""

    problem_id: str
    role: str
    temperature: float
    index: int
    completion: str
    finish_reason: str


def study_problems() -> list[Problem]:
    """All labelled problems of the study: the starter's first, the model solves more of them."""
    mbpp = [problem for problem in load_mbpp() if problem.split in ("dev", "train")]
    starter = [problem for problem in load_starter() if problem.split == "dev"]
    return starter + random.Random(SEED).sample(mbpp, len(mbpp))


def drawn(rows: list[Sample], temperature: float) -> list[Drawn]:
    return [
        Drawn(row.problem_id, row.role, temperature, row.index, row.completion, row.finish_reason)
        for row in rows
    ]


def main() -> None:
    folder = Path(sys.argv[1])
    deadline = time.monotonic() + (float(sys.argv[2]) if len(sys.argv) > 2 else 1e9)
    rows = [row for path in sorted(folder.glob("*.parquet")) for row in read_table(path, Drawn)]
    done = {row.problem_id for row in rows}
    missing = [problem for problem in study_problems() if problem.problem_id not in done]
    model = resolve_model(ModelSettings(), cache_folder(), print)
    sampler = VllmSampler(model, "float32", WARM.max_context_tokens, EngineSettings(), folder / "logs")
    chat_format = format_of(model, WARM)
    while missing and time.monotonic() < deadline:
        shard, missing = missing[:SHARD], missing[SHARD:]
        started = time.monotonic()
        warm = draw_samples(sampler, shard, WARM, SEED, chat_format)
        cool = draw_samples(sampler, shard, COOL, SEED + 1, chat_format)
        new = drawn(warm, WARM.temperature) + drawn(cool, COOL.temperature)
        write_table(folder / f"{len(rows):06d}.parquet", Drawn, new)
        rows += new
        seconds, tokens = time.monotonic() - started, sum(row.tokens for row in [*warm, *cool])
        print(f"{len(rows)} completions; {tokens} tokens in {seconds:.0f} s", flush=True)
    sampler.close()
    print(f"{SAMPLES}: {write_table(SAMPLES, Drawn, rows)} completions, {len(missing)} problems are missing")


if __name__ == "__main__":
    main()
