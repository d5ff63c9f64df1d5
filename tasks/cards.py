"""Hugging Face cards: what a published data set or model says about itself, from its report and settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.hub import hub_card
from tasks.metrics import share_bounds, shown
from tasks.models import local_folder

PAPER = "[Sol-Ver](https://arxiv.org/abs/2502.14948)"
LICENCES = {
    "HuggingFaceTB/SmolLM2-135M-Instruct": "apache-2.0",
    "HuggingFaceTB/SmolLM2-1.7B-Instruct": "apache-2.0",
    "meta-llama/Llama-3.1-8B-Instruct": "llama3.1",
}


def licence_of(name: str, folder: Path | None) -> str:
    """The licence of a base model.

    It is what the card in its `folder` says, else what is known, else what its card on the hub says, else
    "other".
    """
    card = _licence_in(folder / "README.md") if folder else ""
    if card or name in LICENCES:
        return card or LICENCES[name]
    fetched = hub_card(name) if local_folder(name) is None else None
    return (_licence_in(fetched) if fetched else "") or "other"


def _licence_in(card: Path) -> str:
    if card.is_file():
        for line in card.read_text(encoding="utf-8", errors="replace").split("\n---", 1)[0].splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "license" and value.strip():
                return value.strip().strip("\"'")
    return ""


def public_name(name: str) -> str:
    """A model's name for others: the hub's as it is, of a folder its last part."""
    return Path(name).name if name.startswith((".", "/", "~")) else name


def dataset_card(
    report: Mapping[str, Any],
    settings: Mapping[str, Any],
    licence: str,
    splits: Mapping[str, Mapping[str, int]],
) -> str:
    """The card of an iteration's data. `splits` is `{subset: {split: rows}}`, files are data/SUBSET/SPLIT."""
    mbpp = settings["problems"]["statements"] == "mbpp-train"
    configs = []
    for subset, rows in splits.items():
        configs += [f"- config_name: {subset}", "  data_files:"]
        for split in rows:
            configs += [f"  - split: {split}", f"    path: data/{subset}/{split}.parquet"]
    return "\n".join(
        [
            "---",
            f"license: {licence}",
            "language: [en, code]",
            "task_categories: [text-generation]",
            "tags: [solver-verifier-flywheel, synthetic, code, preference]",
            "configs:",
            *configs,
            "---",
            f"# Code and tests that agree, iteration {report['iteration']}",
            "",
            f"Written by {_writers(report, settings)}, in two roles ({PAPER}):",
            "as solver it wrote programs, as verifier tests, each from the statement alone. Both were run",
            "against each other in isolated containers; what agrees is here. No labels by people, no larger",
            "model. Programs may be wrong, and none should be executed outside a sandbox.",
            f"Rows are of iterations {', '.join(_iterations(report)) or '-'}; problems and pass matrix are",
            "of the same.",
            "",
            "| subset | rows | what a row is |",
            "|---|---|---|",
            f"| sft | {_rows(splits['sft'])} | prompt and completion of one role, from agreed samples |",
            f"| preferences | {_rows(splits['preferences'])} | prompt, chosen and rejected completion, why |",
            f"| problems | {_rows(splits['problems'])} | statement, signature, and where it came from |",
            f"| pass_matrix | {_rows(splits['pass_matrix'])} | a program against a suite, case by case |",
            "",
            *filter_lines(report, settings),
            "Problems that share eight words in a row with a benchmark's are not among them, and rows were",
            "checked again.",
            "",
            f"Licence: {licence}, that of the model whose output this is."
            + (" Statements are MBPP's (CC BY 4.0)." if mbpp else ""),
            "",
        ]
    )


def _iterations(report: Mapping[str, Any]) -> list[str]:
    collected = report["stages"]["collect"]
    return sorted({*collected["sft"]["iterations"], *collected["pairs"]["iterations"]}, key=int)


def _writers(report: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    base = public_name(settings["model"]["name"])
    alone = report["champion"]["digest"] == report["base_digest"] and len(_iterations(report)) < 2
    return f"{base} alone" if alone else f"{base} and by models that were trained from it on such data"


def _witness(stages: Mapping[str, Any]) -> str:
    count = stages["sample-self-play"].get("solutions_of_base")
    return f" (the base model, as witness, {count} of the solutions)" if count else ""


def model_card(
    report: Mapping[str, Any], settings: Mapping[str, Any], licence: str, packages: Mapping[str, str]
) -> str:
    """The card of an iteration's candidate: base, parent, data, filter, scores, licence."""
    base, stages = public_name(settings["model"]["name"]), report["stages"]
    training, evaluation, pool = settings["training"], settings["evaluation"], stages["negatives"]
    parent = report["champion"]
    of_base = parent["digest"] == report["base_digest"]
    return "\n".join(
        [
            "---",
            f"base_model: {json.dumps(base)}",
            f"license: {licence}",
            "library_name: transformers",
            "pipeline_tag: text-generation",
            "tags: [solver-verifier-flywheel, code]",
            "---",
            f"# {base.rpartition('/')[2]}: solver and verifier, iteration {report['iteration']}",
            "",
            f"Trained on code and tests that it wrote itself and that agreed when executed ({PAPER}).",
            "",
            f"- Base model: {base}",
            f"- Parent: {'the base model' if of_base else parent['origin']} (`{parent['digest'][:16]}`), "
            f"which wrote the data{_witness(stages)}; training started from the {training['train_from']}",
            f"- Decision of the gate: {report['decision']}. {report['reason']}",
            f"- Data: SFT {_counts(stages['collect']['sft']['roles'])}; pairs "
            f"{_counts(stages['collect']['pairs']['roles'])}; of iterations "
            f"{', '.join(stages['collect']['sft']['iterations']) or '-'}",
            f"- Training: {training['method']}, SFT, then DPO with an SFT term of "
            f"{training['dpo_sft_weight']}, learning rates {training['sft_learning_rate']} and "
            f"{training['dpo_learning_rate']}, seed {settings['seed']}",
            f"- Software: {', '.join(f'{name} {version}' for name, version in packages.items())}",
            "",
            *filter_lines(report, settings),
            "## Scores",
            "",
            "Means over problems with 95 % bootstrap intervals; *difference* is to the parent, paired by",
            f"problem. {evaluation['solutions']} solutions and {evaluation['suites']} suites a problem, at "
            f"temperature {evaluation['temperature']}; pass@k is estimated from those.",
            f"Tests must reject a pool of {pool['pool']} solutions that gold says are wrong (median "
            f"{pool['median']} a problem).",
            "Dev decided whether this model was promoted, test decided nothing.",
            "",
            *_scores(report),
            f"Licence: {licence}, that of the base model.",
            "",
        ]
    )


def filter_lines(report: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    """The filter with its thresholds, what it kept, and how it fared on labelled problems."""
    agreement, stages = settings["agreement"], report["stages"]
    thresholds = ", ".join(f"{name} {value}" for name, value in agreement.items() if name != "rule")
    lines = [
        "## Filter",
        "",
        f"Rule {agreement['rule']} ({thresholds}) kept {stages['agree']['kept']} of "
        f"{stages['agree']['problems']} problems. Judged on labelled problems whose labels it did not see:",
        "",
        "| what it says | right | 95 % Wilson interval |",
        "|---|---|---|",
    ]
    for name, row in stages["score-before"]["audit"].items():
        lines.append(f"| {name} | {row['right']} of {row['total']} | {share_bounds(row, '{} - {}') or '-'} |")
    return [*lines, ""]


def _scores(report: Mapping[str, Any]) -> list[str]:
    before = report["stages"]["score-before"]["scores"]
    after = report["stages"].get("score-after", {}).get("scores", {})
    lines = ["| benchmark | metric | this model | difference |", "|---|---|---|---|"]
    for name, metrics in before.items():
        problems = next(iter(metrics.values()))[3]
        for metric in dict.fromkeys([*metrics, *after.get(name, {})]):
            cells = [
                shown(metric, table[name][metric], problems, signed) if metric in table.get(name, {}) else "-"
                for table, signed in ((after, False), (report["differences"], True))
            ]
            lines.append(f"| {name}, {problems} problems | {metric} | {' | '.join(cells)} |")
    return [*lines, ""]


def _rows(splits: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {split}" for split, count in splits.items())


def _counts(roles: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {role}" for role, count in roles.items()) or "none"
