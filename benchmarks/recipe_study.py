"""How hard to train, and on which pairs: one night's rows under several recipes, on 511 problems.

    FLYWHEEL_DATA_DIR=... python benchmarks/recipe_study.py
    FLYWHEEL_DATA_DIR=... python benchmarks/recipe_study.py train NAME FOLDER

The first judges recipe_samples.parquet, what each model wrote on starter, MBPP sanitized (its test split) and
HumanEval, ten solutions and four suites a problem at temperature 0.6, and writes recipe_study.md beside this
file. The second trains a recipe from recipe_rows.parquet, draws its samples and puts them into the file.

The rows are those that two iterations of `cpu-night` trained on (commit cdee5f3, the second iteration with
the base as the reference model). "And MBPP" adds rows that the rule keeps of 163 MBPP problems outside the
test split (64 solutions and 24 suites each; 23 problems kept, 8 of them rightly), "and gold" the rows of the
same problems where gold chooses solutions and cases (27 problems): what a filter that makes no mistake would
give. "Balanced" are pairs as `tasks.datasets.preferences` makes them now: of the solver's 50 instead of 74 %
prefer the shorter text, of the verifier's 21 instead of 61 %. The others were made at that commit.

All models were trained in float32 and sampled in bfloat16 (vLLM 0.24) on one H200, 2026-11-27; what `train`
samples is in float32. Programs run once, not twice as in an iteration: nothing here becomes a label. MBPP's
statements in the rows: CC BY 4.0.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tasks.benchmarks.humaneval import load_humaneval
from tasks.benchmarks.mbpp import load_mbpp
from tasks.benchmarks.reference import reference_records
from tasks.benchmarks.starter import load_starter
from tasks.core.records import Behaviour, Problem, Sample, Solution, Suite
from tasks.core.statistics import bootstrap
from tasks.core.tables import by_problem, read_table, write_table
from tasks.execution.determinism import ProgramOutcomes
from tasks.execution.step import behaviours_of, programs_of
from tasks.execution.verdicts import holds, judge, plan_calls
from tasks.generation.sampling import draw_samples, parse_samples
from tasks.inference.sampler import VllmSampler
from tasks.models.base import cache_folder
from tasks.models.chat_format import format_of
from tasks.models.resolve import resolve_model
from tasks.sandbox.image import ensure_image
from tasks.sandbox.pool import DockerSandbox
from tasks.settings.engine import EngineSettings
from tasks.settings.model import ModelSettings
from tasks.settings.sampling import SamplingSettings
from tasks.settings.sandbox import SandboxSettings
from tasks.settings.training import TrainingSettings
from tasks.training.process import run_training

SAMPLES = Path(__file__).with_name("recipe_samples.parquet")
ROWS = Path(__file__).with_name("recipe_rows.parquet")
RESULT = Path(__file__).with_name("recipe_study.md")
ASKED = SamplingSettings(
    format="smollm-demo",
    solutions=10,
    suites=4,
    temperature=0.6,
    low_temperature_share=0,
    max_solution_tokens=128,
    max_suite_tokens=128,
)
SEED = 1234
SHARD = 20
RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Answer:
    """A completion that a model gave `count` times, without its prompt, which the problem gives back."""

    model: str
    problem_id: str
    role: str
    completion: str
    finish_reason: str
    count: int


@dataclass(frozen=True, slots=True)
class RowLine:
    """A training row as JSON, the rows that it belongs to, and whether it was held out."""

    rows: str
    stage: str
    held_out: bool
    line: str


@dataclass(frozen=True)
class Recipe:
    """Which rows each stage trains on ("": it is left out), and what differs from today's settings."""

    sft: str
    dpo: str = ""
    changes: Mapping[str, float] = field(default_factory=dict)


def _at(rate: float) -> dict[str, float]:
    return {"dpo_learning_rate": rate}


BOTH, BALANCED = "turns 1 and 2", "turns 1 and 2, balanced"
RECIPES = {
    "base": Recipe(""),
    "turn 1: SFT": Recipe("turn 1"),
    "turn 1: SFT at 1e-5": Recipe("turn 1", changes={"sft_learning_rate": 1e-5}),
    "turn 1: SFT of the solver alone": Recipe("turn 1, solver"),
    "turn 1: SFT of the verifier alone": Recipe("turn 1, verifier"),
    "turn 1: SFT, DPO at 2e-6": Recipe("turn 1", "turn 1", _at(2e-6)),
    "turn 1: SFT, DPO at 1e-5": Recipe("turn 1", "turn 1", _at(1e-5)),
    "turn 1: SFT, DPO at 5e-6, balanced": Recipe("turn 1", "turn 1, balanced", _at(5e-6)),
    "turn 1: SFT, DPO at 1e-5, balanced": Recipe("turn 1", "turn 1, balanced", _at(1e-5)),
    "turn 1: DPO at 1e-5": Recipe("", "turn 1", _at(1e-5)),
    "turn 1: DPO at 1e-5, balanced": Recipe("", "turn 1, balanced", _at(1e-5)),
    "turn 1 and MBPP: SFT, DPO at 1e-5": Recipe("turn 1 and MBPP", "turn 1 and MBPP", _at(1e-5)),
    "turn 1 and gold: SFT, DPO at 1e-5": Recipe("turn 1 and gold", "turn 1 and gold", _at(1e-5)),
    "both turns: SFT": Recipe(BOTH),
    "both turns: SFT of the verifier alone": Recipe(f"{BOTH}, verifier"),
    "both turns: SFT, DPO at 2e-6": Recipe(BOTH, BOTH, _at(2e-6)),
    "both turns: SFT, DPO at 1e-5": Recipe(BOTH, BOTH, _at(1e-5)),
    "both turns: SFT, DPO at 2e-6, balanced": Recipe(BOTH, BALANCED, _at(2e-6)),
    "both turns: SFT, DPO at 5e-6, balanced": Recipe(BOTH, BALANCED, _at(5e-6)),
    "both turns: SFT, DPO at 1e-5, balanced": Recipe(BOTH, BALANCED, _at(1e-5)),
    "both turns: SFT, DPO at 2e-5, balanced": Recipe(BOTH, BALANCED, _at(2e-5)),
    "both turns: SFT of the verifier, DPO at 1e-5, balanced": Recipe(
        f"{BOTH}, verifier", BALANCED, _at(1e-5)
    ),
    "both turns: DPO at 1e-5, balanced": Recipe("", BALANCED, _at(1e-5)),
}

AGAINST = (
    ("both turns: SFT, DPO at 1e-5, balanced", "both turns: SFT, DPO at 1e-5"),
    ("both turns: SFT, DPO at 2e-6, balanced", "both turns: SFT, DPO at 2e-6"),
    ("both turns: SFT, DPO at 5e-6, balanced", "both turns: SFT, DPO at 2e-6"),
    ("both turns: SFT, DPO at 5e-6, balanced", "both turns: SFT, DPO at 2e-6, balanced"),
    ("both turns: SFT, DPO at 5e-6, balanced", "both turns: SFT, DPO at 1e-5, balanced"),
    ("both turns: SFT of the verifier alone", "both turns: SFT"),
    ("both turns: SFT, DPO at 2e-6", "turn 1: SFT, DPO at 2e-6"),
    ("both turns: SFT, DPO at 5e-6, balanced", "turn 1: SFT, DPO at 5e-6, balanced"),
    ("both turns: DPO at 1e-5, balanced", "turn 1: DPO at 1e-5, balanced"),
    ("turn 1 and MBPP: SFT, DPO at 1e-5", "turn 1: SFT, DPO at 1e-5"),
    ("turn 1 and gold: SFT, DPO at 1e-5", "turn 1: SFT, DPO at 1e-5"),
    ("turn 1 and gold: SFT, DPO at 1e-5", "turn 1 and MBPP: SFT, DPO at 1e-5"),
)
SOURCES = {
    "All 511 problems": "",
    "Starter, 90 problems": "starter/",
    "MBPP sanitized, test split, 257 problems": "mbpp/",
    "HumanEval, 164 problems": "humaneval/",
}


@dataclass(frozen=True)
class Figures:
    """What a model did on one problem: shares of right solutions and true cases, whether any solution was
    right, distinct programs, and mean characters of a program."""

    right: float
    solved: float
    true_cases: float
    distinct: float
    characters: float


def study_problems() -> list[Problem]:
    """All labelled problems of the study."""
    mbpp = [problem for problem in load_mbpp() if problem.split == "test"]
    return [*load_starter(), *mbpp, *load_humaneval()]


def train(name: str, folder: Path) -> None:
    """Train a recipe into `folder`, and put what it writes into the samples."""
    recipe = RECIPES[name]
    model = resolve_model(ModelSettings(), cache_folder(), print)
    settings = TrainingSettings(**recipe.changes)  # type: ignore[arg-type]
    stages: list[tuple[Literal["sft", "dpo"], str]] = [("sft", recipe.sft), ("dpo", recipe.dpo)]
    folder.mkdir(parents=True)
    for stage, rows in stages:
        if not rows:
            continue
        files = []
        for held_out in (False, True):
            lines = [
                row.line
                for row in read_table(ROWS, RowLine)
                if (row.rows, row.stage, row.held_out) == (rows, stage, held_out)
            ]
            files.append(folder / f"{stage}-{'held-out' if held_out else 'rows'}.jsonl")
            files[-1].write_text("\n".join(lines), encoding="utf-8")
        model = run_training(
            stage, model, files[0], folder / stage, settings, "float32", 0, folder / "training.log", print,
            held_out_file=files[1] if files[1].stat().st_size else None,
        ).model  # fmt: skip
    sampler = VllmSampler(model, "float32", 1024, EngineSettings(), folder)
    problems = study_problems()
    chat_format = format_of(model, ASKED)
    told = []
    for start in range(0, len(problems), SHARD):
        told += draw_samples(sampler, problems[start : start + SHARD], ASKED, SEED, chat_format)
        print(f"{name}: {min(start + SHARD, len(problems))} of {len(problems)} problems", flush=True)
    sampler.close()
    counts = Counter((s.problem_id, s.role, s.completion, s.finish_reason) for s in told)
    others = [row for row in read_table(SAMPLES, Answer) if row.model != name]
    write_table(SAMPLES, Answer, [*others, *(Answer(name, *what, count) for what, count in counts.items())])


def executed(
    sandbox: DockerSandbox,
    problems: Sequence[Problem],
    solutions: Sequence[Solution],
    suites: Sequence[Suite],
) -> dict[str, dict[str, Behaviour]]:
    """What the solutions do on the suites of their problem, by problem and solution."""
    solutions_of, suites_of = by_problem(solutions), by_problem(suites)
    programs = [
        program
        for problem in problems
        for program in programs_of(
            problem, solutions_of.get(problem.problem_id, []), suites_of[problem.problem_id]
        )
    ]
    runs = {run.program_id: ProgramOutcomes(run.calls, run.checks) for run in sandbox.run(programs)}
    return {
        problem.problem_id: {
            row.solution_id: row
            for row in behaviours_of(problem, solutions_of.get(problem.problem_id, []), runs)
        }
        for problem in problems
    }


def load() -> dict[str, dict[str, Figures]]:
    """The figures of every model (by name) on every problem (by id) that it was asked."""
    answers = by_problem(read_table(SAMPLES, Answer))
    problems = [problem for problem in study_problems() if problem.problem_id in answers]
    figures: dict[str, dict[str, Figures]] = {}
    with DockerSandbox(SandboxSettings(wall_s=30, cpu_s=0.5), ensure_image(print), "recipe-study") as sandbox:
        for start in range(0, len(problems), SHARD):
            shard = problems[start : start + SHARD]
            samples = [
                Sample(f"{row.model}|{row.problem_id}|{row.role}|{number}|{copy}", row.problem_id, row.role,
                       copy, "", row.completion, row.finish_reason, 0, 0)  # type: ignore[arg-type]
                for problem in shard
                for number, row in enumerate(answers[problem.problem_id])
                for copy in range(row.count)
            ]  # fmt: skip
            solutions, suites, _ = parse_samples(shard, samples, ASKED)
            gold, gold_suites = reference_records(shard)
            # Nothing else is asked: solutions meet gold's suite alone, and gold every suite.
            told = executed(sandbox, shard, solutions, gold_suites)
            true = executed(sandbox, shard, gold, [*suites, *gold_suites])
            for problem in shard:
                name = problem.problem_id
                own = [suite for suite in gold_suites if suite.problem_id == name]
                tests = [suite for suite in suites if suite.problem_id == name]
                plan, gold_plan = plan_calls(own), plan_calls([*tests, *own])
                gold_row = true[name][f"gold/{name}"]
                for model in {row.model for row in answers[name]}:
                    codes = [one for one in solutions if one.problem_id == name and _writer(one) == model]
                    right = [
                        one.solution_id in told[name] and holds(told[name][one.solution_id], own[0], plan)
                        for one in codes
                    ]
                    cases = [case for suite in tests if _writer(suite) == model for case in suite.cases]
                    verdicts = [judge(gold_plan.outcome(gold_row, case), case) for case in cases]
                    figures.setdefault(model, {})[name] = Figures(
                        sum(right) / ASKED.solutions,
                        float(any(right)),
                        verdicts.count("pass") / len(verdicts) if verdicts else 0.0,
                        float(len({one.code.strip() for one in codes})),
                        float(np.mean([len(one.code.strip()) for one in codes])) if codes else float("nan"),
                    )
            print(f"judged {start + len(shard)} of {len(problems)} problems", file=sys.stderr, flush=True)
    return figures


def _writer(record: Solution | Suite) -> str:
    return record.sample_id.split("|")[0]


def paired(figures: Mapping[str, Figures], others: Mapping[str, Figures], what: str) -> str:
    """The mean difference of a share on the problems that both models were asked, with its 95 % interval."""
    both = [name for name in figures if name in others]
    found = bootstrap([getattr(figures[n], what) - getattr(others[n], what) for n in both], RESAMPLES, 0)
    return f"{100 * found.mean:+.1f} [{100 * found.low:+.1f}, {100 * found.high:+.1f}]"


def table(figures: Mapping[str, Mapping[str, Figures]]) -> list[str]:
    """A model a row."""
    lines = [
        "| model | pass@1 | to base | pass@10 | to base | true cases | to base | distinct | characters |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for model in [name for name in RECIPES if name in figures]:
        own = figures[model]
        cells = [model]
        for what in ("right", "solved", "true_cases"):
            cells += [f"{mean(own, what):.1%}", paired(own, figures["base"], what)]
        cells += [f"{mean(own, 'distinct'):.1f}", f"{mean(own, 'characters'):.0f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def mean(figures: Mapping[str, Figures], what: str) -> float:
    return float(np.nanmean([getattr(one, what) for one in figures.values()]))


def against(figures: Mapping[str, Mapping[str, Figures]]) -> list[str]:
    """Models beside each other, a comparison a row."""
    lines = ["| model | and | pass@1 | pass@10 | true cases |", "|---|---|---|---|---|"]
    for one, other in AGAINST:
        cells = [paired(figures[one], figures[other], what) for what in ("right", "solved", "true_cases")]
        lines.append(f"| {one} | {other} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    if sys.argv[1:2] == ["train"]:
        train(sys.argv[2], Path(sys.argv[3]))
        return
    figures = load()
    lines = [
        "# Recipes",
        "",
        "SmolLM2-135M-Instruct trained on one night's rows; ten solutions and four suites a problem. "
        "*Balanced*: pairs of which about half at most prefer the shorter text. Differences are paired by "
        "problem, in points, with 95 % bootstrap intervals. Made by `python "
        "benchmarks/recipe_study.py`, which tells where rows and samples come from.",
        "",
    ]
    for title, source in SOURCES.items():
        part = {
            model: {name: one for name, one in own.items() if name.startswith(source)}
            for model, own in figures.items()
        }
        lines += [f"## {title}", "", *table(part), "", "Beside each other:", "", *against(part), ""]
    text = "\n".join(lines)
    RESULT.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
