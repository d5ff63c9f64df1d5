"""What the cards of an exported data set and an exported model have in common: licence, filter, lineage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.reports.card_words import AUDIT
from flows.reports.report import Report
from tasks.core.hub import hub_card
from tasks.core.markdown import table
from tasks.core.statistics import share_bounds
from tasks.models.resolve import local_folder

PAPER = "[Sol-Ver](https://arxiv.org/abs/2502.14948)"
LICENCES = {
    "HuggingFaceTB/SmolLM2-135M-Instruct": "apache-2.0",
    "HuggingFaceTB/SmolLM2-1.7B-Instruct": "apache-2.0",
    "meta-llama/Llama-3.1-8B-Instruct": "llama3.1",
}
METHOD = (
    "## Method",
    "",
    "Lin et al., *Learning to Solve and Verify: A Self-Play Framework for Code and Test Generation*, "
    "arXiv 2502.14948, 2025. Made with solver-verifier-flywheel.",
    "",
)


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


def card(data: Any, lines: list[str]) -> str:
    """A card's text of its metadata (huggingface_hub's `CardData`) and its lines."""
    return f"---\n{data.to_yaml()}\n---\n\n" + "\n".join(lines)


def licence_words(licence: str, settings: Mapping[str, Any]) -> str:
    """A licence in a sentence's place."""
    base = public_name(settings["model"]["name"])
    return f"See the licence of {base}" if licence == "other" else f"`{licence}`"


def licence_fields(licence: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The hub wants a name and a place of a licence that it has no word for."""
    base = public_name(settings["model"]["name"])
    if licence != "other":
        return {"license": licence}
    fields = {"license": licence, "license_name": "that-of-the-base-model"}
    return fields | ({"license_link": f"https://huggingface.co/{base}"} if "/" in base else {})


def lineage_lines(report: Report, settings: Mapping[str, Any]) -> list[str]:
    """Which models were the base, and the writer of the samples."""
    parent, count = report.champion, report.stages.sample_self_play.solutions_of_base
    reference = f", and the base model, {count} of the solutions" if count else ""
    return [
        f"- Base model: {public_name(settings['model']['name'])} (`{report.base_digest[:16]}`)",
        f"- Written by: {'the base model' if report.of_base else parent.origin} "
        f"(`{parent.digest[:16]}`){reference}",
    ]


def filter_lines(report: Report, settings: Mapping[str, Any]) -> list[str]:
    """The filter with its thresholds, what it kept, and how it fared on labelled problems."""
    agreement, agreed = settings["agreement"], report.stages.agree
    thresholds = ", ".join(f"`{name}` {value}" for name, value in agreement.items() if name != "rule")
    rows = []
    for name, share in report.stages.score_before.audit.items():
        counted = f"{share.right} of {share.total}" if share.total else "none"
        rows.append((name, AUDIT[name], counted, share_bounds(share, "{} - {}") or "-"))
    return [
        "## Filter",
        "",
        f"Rule `{agreement['rule']}` kept {agreed.kept} of {agreed.problems} "
        "problems: programs that behave alike on all proposed inputs are a group, the best group wins "
        "if it clears the thresholds, and the cases it satisfies are kept. This is how it fared on "
        "labelled problems whose labels it did not see (solutions of one problem are not independent "
        "of each other: only the interval of *kept problems right* is valid):",
        "",
        *table(("row", "what is counted", "share", "95 % Wilson interval"), rows),
        "",
        f"Thresholds, as `tasks/settings/agreement.py` of the project describes them: {thresholds}.",
        "",
    ]
