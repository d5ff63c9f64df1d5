"""Draws the model samples of `verdicts.py --samples FILE` from the small model: four a task.

    FLYWHEEL_DATA_DIR=... python benchmarks/verdicts_samples.py FILE

JSON lines {"problem_id", "code"} of MBPP+ and HumanEval; what does not parse is left out.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tasks.benchmarks.registry import load_benchmark
from tasks.generation.sampling import draw_samples, parse_samples
from tasks.inference.sampler import VllmSampler
from tasks.models.base import cache_folder
from tasks.models.chat_format import format_of
from tasks.models.resolve import resolve_model
from tasks.settings.engine import EngineSettings
from tasks.settings.model import ModelSettings
from tasks.settings.sampling import SamplingSettings

SEED = 7
SHARD = 100
SETTINGS = SamplingSettings(
    format="smollm-demo",
    solutions=4,
    suites=1,
    temperature=0.6,
    low_temperature_share=0,
    max_solution_tokens=128,
    max_suite_tokens=160,
    max_context_tokens=2048,
)


def main() -> None:
    problems = load_benchmark("mbpp-plus") + load_benchmark("humaneval")
    model = resolve_model(ModelSettings(), cache_folder(), print)
    with tempfile.TemporaryDirectory() as logs, Path(sys.argv[1]).open("w") as file:
        sampler = VllmSampler(model, "float32", SETTINGS.max_context_tokens, EngineSettings(), Path(logs))
        for start in range(0, len(problems), SHARD):
            shard = problems[start : start + SHARD]
            samples = draw_samples(sampler, shard, SETTINGS, SEED, format_of(model, SETTINGS))
            solutions, _, _ = parse_samples(shard, samples, SETTINGS)
            rows = ({"problem_id": one.problem_id, "code": one.code} for one in solutions)
            file.writelines(f"{json.dumps(row)}\n" for row in rows)
            print(f"{min(start + SHARD, len(problems))} of {len(problems)} problems", flush=True)
        sampler.close()


if __name__ == "__main__":
    main()
