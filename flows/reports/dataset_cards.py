"""The card of an exported data set: what it is, its fields, its filter, its limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flows.reports.card_words import FIELDS, SUBSETS
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
from flows.reports.report import Report
from tasks.core.markdown import table

_SIZES = (
    (1e3, "n<1K"),
    (1e4, "1K<n<10K"),
    (1e5, "10K<n<100K"),
    (1e6, "100K<n<1M"),
    (1e7, "1M<n<10M"),
    (float("inf"), "n>10M"),
)


def dataset_card(
    report: Report,
    settings: Mapping[str, Any],
    licence: str,
    splits: Mapping[str, Mapping[str, int]],
) -> str:
    """The card of an iteration's data. `splits` is `{subset: {split: rows}}`, files are data/SUBSET/SPLIT."""
    from huggingface_hub import DatasetCardData

    mbpp = settings["problems"]["statements"] == "mbpp-train"
    rows = sum(sum(counts.values()) for counts in splits.values())
    data = DatasetCardData(
        pretty_name=f"Code and tests that agree, iteration {report.iteration}",
        **licence_fields(licence, settings),
        language=["en", "code"],
        task_categories=["text-generation"],
        annotations_creators=["machine-generated"],
        language_creators=["machine-generated"],
        size_categories=[next(words for limit, words in _SIZES if rows < limit)],
        source_datasets=["extended|mbpp" if mbpp else "original"],
        tags=["solver-verifier-flywheel", "synthetic", "code", "preference", "unit-tests"],
        configs=[
            {
                "config_name": subset,
                "data_files": [
                    {"split": split, "path": f"data/{subset}/{split}.parquet"} for split in counts
                ],
            }
            for subset, counts in splits.items()
        ],
    )
    lines = [
        f"# Code and tests that agree, iteration {report.iteration}",
        "",
        f"Written by {_writers(report, settings)}, in two roles (after {PAPER}): as solver it wrote "
        "programs, as verifier tests, each from the statement alone. Both were run against each other "
        "in isolated containers, and what agrees is here. No labels by people, no larger model.",
        "",
        *table(
            ("subset", "rows", "what a row is"),
            [(f"`{name}`", _rows(splits[name]), words) for name, words in SUBSETS.items()],
        ),
        "",
        f"Rows of `sft` and `preferences` are of iteration {', '.join(_iterations(report)) or '-'}; "
        "`problems` and `pass_matrix` are of the same. `held_out` rows, where there are any, belong to "
        "other problems than `train` and decided when training stopped.",
        "",
        "```python",
        "from datasets import load_dataset",
        "",
        'rows = load_dataset("NAME OR FOLDER", "sft", split="train")',
        "```",
        "",
        "## Intended use",
        "",
        "Fine-tuning a code model on `prompt` and `completion`, or on preferences, in both roles; "
        "studying which generated code and tests agree (`pass_matrix` has wrong programs and wrong "
        "tests too). Prompts are text as a model is shown it: train on `completion`, `chosen` and "
        "`rejected` alone, without the loss of the prompt, and do not apply a chat template again.",
        "",
        "Not for measuring a model: nothing here is checked by a person.",
        "",
        "## Fields",
        "",
    ]
    for subset, fields in FIELDS.items():
        columns = [(f"`{name}`", words) for name, words in fields.items()]
        lines += [f"### {subset}", "", *table(("column", "what it holds"), columns), ""]
    return card(
        data,
        [
            *lines,
            *filter_lines(report, settings),
            "## Limits",
            "",
            "- **Agreement is not truth.** Programs and tests may agree and be wrong: the table above "
            "says how often that was seen. Models that train on their own agreement agree more, also "
            "where they are wrong.",
            "- **Never run this code outside a sandbox.** It was written by a model and read by nobody.",
            "- Small Python functions on plain values, with English statements.",
            "- Problems that share eight words in a row with a problem of the benchmarks at hand were "
            "left out, and rows were checked again; other benchmarks were not looked at, and "
            "rewordings are not noticed.",
            "- Texts are a language model's and may repeat what it was trained on, its biases and "
            "others' code.",
            "",
            "## Lineage",
            "",
            *lineage_lines(report, settings),
            f"- Sampled at temperature {settings['sampling']['temperature']}, "
            f"{settings['sampling']['solutions']} programs and {settings['sampling']['suites']} suites "
            f"a problem, seed {settings['seed']}",
            "",
            "## Licence",
            "",
            f"{licence_words(licence, settings)}, that of the model whose output this is."
            + (" Statements are MBPP's (CC BY 4.0, Google Research)." if mbpp else ""),
            "",
            *METHOD,
        ],
    )


def _iterations(report: Report) -> list[str]:
    collected = report.stages.collect
    return sorted({*collected.sft.iterations, *collected.pairs.iterations}, key=int)


def _writers(report: Report, settings: Mapping[str, Any]) -> str:
    base = public_name(settings["model"]["name"])
    alone = report.of_base and len(_iterations(report)) < 2
    return f"{base} alone" if alone else f"{base} and by models that were trained from it on such data"


def _rows(splits: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {split}" for split, count in splits.items())
