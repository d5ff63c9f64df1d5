"""The card of an exported model: its use, its prompts, what it was trained on, how it scores."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flows.reports.card_words import metric_words
from flows.reports.cards import (
    METHOD,
    PAPER,
    card,
    filter_lines,
    licence_fields,
    licence_words,
    lineage_lines,
    public_name,
)
from flows.reports.prompting import prompting
from flows.reports.report import Report
from tasks.core.markdown import table
from tasks.core.statistics import LEAST_PROBLEMS
from tasks.evaluation.metrics import shown

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

DATASETS = {
    "mbpp": "google-research-datasets/mbpp",
    "mbpp-plus": "evalplus/mbppplus",
    "humaneval": "openai/openai_humaneval",
    "humaneval-plus": "evalplus/humanevalplus",
    "livecodebench": "livecodebench/code_generation_lite",
    "livecodebench-public": "livecodebench/code_generation_lite",
    "livecodebench-output": "livecodebench/test_generation",
}
"""The hub's names of the benchmarks; a name that is none of them is ours."""


def model_card(report: Report, settings: Mapping[str, Any], licence: str, packages: Mapping[str, str]) -> str:
    """The card of an iteration's candidate: use, prompts, base, parent, data, filter, scores, licence."""
    from huggingface_hub import ModelCardData

    base, collected = public_name(settings["model"]["name"]), report.stages.collect
    training, evaluation, pool = settings["training"], settings["evaluation"], report.stages.negatives
    name = f"{base.rpartition('/')[2]}: solver and verifier, iteration {report.iteration}"
    data = ModelCardData(
        model_name=name,
        # A folder's name would be taken for a model of the hub.
        base_model=base if "/" in base else None,
        **licence_fields(licence, settings),
        language=["en", "code"],
        library_name="transformers",
        pipeline_tag="text-generation",
        tags=["solver-verifier-flywheel", "code", "unit-tests", "self-play"],
        eval_results=eval_results(report),
    )
    metrics = dict.fromkeys(metric for part in report.after.values() for metric in part)
    return card(
        data,
        [
            f"# {name}",
            "",
            f"{base}, trained further on Python programs and tests that it wrote itself and that agreed "
            f"when they were executed against each other (after {PAPER}). It writes a function from a "
            "statement and a signature (solver), and assertions that test such a function (verifier).",
            "",
            "## Intended use",
            "",
            "Research on self-training, and small Python functions and unit tests for a person to "
            "review. Not for code that nobody reads or that decides about people. Run what it writes "
            "in a sandbox.",
            "",
            "## How to prompt",
            "",
            *prompting(settings, report.stages.sample_self_play.chat_format),
            "## Training",
            "",
            "The data set that was exported beside this model has every row that it was trained on.",
            "",
            *lineage_lines(report, settings),
            f"- Data: SFT {_counts(collected.sft.roles)}; pairs {_counts(collected.pairs.roles)}; of "
            f"iterations {', '.join(collected.sft.iterations) or '-'}",
            f"- Method: {training['method']} weights, started from the {training['train_from']}; SFT, "
            f"then DPO with an SFT term of {training['dpo_sft_weight']}; learning rates "
            f"{training['sft_learning_rate']} and {training['dpo_learning_rate']}, seed "
            f"{settings['seed']}",
            f"- Software: {', '.join(f'{package} {version}' for package, version in packages.items())}",
            f"- Decision of the gate: {report.decision}. {report.reason}",
            "",
            *filter_lines(report, settings),
            "## Evaluation",
            "",
            "Means over problems with 95 % bootstrap intervals (none for fewer than five problems); "
            f"*difference* is to the parent, paired by problem. {evaluation['solutions']} solutions and "
            f"{evaluation['suites']} suites a problem at temperature {evaluation['temperature']}; "
            "pass@k is estimated from those. Dev decided whether this model was promoted, test decided "
            f"nothing. The known wrong programs are a pool of {pool.pool} that gold says are wrong "
            f"(median {pool.median} a problem).",
            "",
            *_scores(report),
            *table(("metric", "what it means"), [(metric, metric_words(metric)) for metric in metrics]),
            "",
            "A gold solution and gold tests belong to every benchmark problem; a program is right if "
            "it passes the gold tests, a case or a suite if the gold solution does what it says.",
            "",
            "## Limits",
            "",
            "- What it was trained on was filtered by agreement and read by nobody: some of it is "
            "wrong (see *Filter*).",
            "- It knows small functions on plain values with English statements, in the prompts above. "
            "Other prompts, longer programs and other languages were not measured.",
            "- Scores are on few problems: a difference whose interval holds zero is none that was "
            "established.",
            "- Training on the short programs that agree most often tends to make programs shorter.",
            f"- Whatever holds of {base} holds of it: its biases, what it repeats, its knowledge's end.",
            "",
            "## Licence",
            "",
            f"{licence_words(licence, settings)}, that of the base model.",
            "",
            *METHOD,
        ],
    )


def eval_results(report: Report) -> list[EvalResult]:
    """The candidate's scores as the hub's metadata has them: shares between 0 and 1, with the interval."""
    from huggingface_hub import EvalResult

    return [
        EvalResult(
            task_type="text-generation",
            dataset_type=DATASETS.get(benchmark.partition("/")[0], benchmark.partition("/")[0]),
            dataset_name=benchmark.partition("/")[0],
            dataset_split=benchmark.partition("/")[2] or None,
            metric_type=re.sub(r"[^a-z0-9@+]+", "_", metric),
            metric_name=metric,
            metric_value=round(score.mean, 6),
            metric_args={"problems": score.problems}
            | (
                {"interval_95": [round(score.low, 6), round(score.high, 6)]}
                if score.problems >= LEAST_PROBLEMS
                else {}
            ),
        )
        for benchmark, part in report.after.items()
        for metric, score in part.items()
    ]


def _scores(report: Report) -> list[str]:
    rows = []
    for name, metrics in report.after.items():
        problems = next(iter(metrics.values())).problems
        for metric in metrics:
            change = report.differences.get(name, {}).get(metric)
            rows.append(
                (
                    f"{name}, {problems} problems",
                    metric,
                    shown(metric, metrics[metric], problems),
                    shown(metric, change, problems, True) if change else "-",
                )
            )
    return [*table(("benchmark", "metric", "this model", "difference"), rows), ""]


def _counts(roles: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {role}" for role, count in roles.items()) or "none"
