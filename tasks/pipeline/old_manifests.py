"""Manifests, reports and evaluations of before they had types (version 0.1.0), in today's form.

Then a stage left free `facts`, an interval was `[mean, low, high, problems]`, and a report had no
`schema_version`. Keys that were only called otherwise are renamed on reading (`tasks.pipeline.renamed`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tasks.pipeline.stage_name import StageName

Plain = dict[str, Any]

_GUARDED = "kept out of self-play"
_SPACED = {"held out": "held_out", "one-liners": "one_liners", "chosen is shorter": "chosen_is_shorter"}


def todays_manifest(content: Plain) -> Plain:
    """A manifest in today's form. One that has it already is given back as it is."""
    for entry in content["stages"].values():
        if "facts" in entry:
            entry["stage"] = _stage_name(entry["stage"])
            facts = entry.pop("facts")
            entry["examples"] = facts.pop("examples", [])
            entry["statistics"] = _statistics(entry["stage"], facts)
    if content["finished"]:
        content["finished"] = todays_report(content["finished"])
    return content


def todays_report(report: Plain) -> Plain:
    """An iteration's report in today's form."""
    if "schema_version" in report:
        return report
    stages = {_stage_name(name): facts for name, facts in report.get("stages", {}).items()}
    for facts in stages.values():
        facts.pop("examples", None)
    return {
        "schema_version": 1,
        **report,
        "filter_version": report.get("filter_version", 0),
        "stages": {name: _statistics(name, facts) for name, facts in stages.items()},
        "differences": _intervals(report.get("differences", {})),
        "reused": [_stage_name(name) for name in report.get("reused", [])],
    }


def todays_campaign(report: Plain) -> Plain:
    """A campaign's report in today's form."""
    if "schema_version" in report:
        return report
    entries = [
        {
            **entry,
            **{name: _intervals(entry[name]) for name in ("before", "after", "differences")},
            "audit": _shares(entry["audit"]),
        }
        for entry in report.get("turns") or report["iterations"]
    ]
    return {
        "schema_version": 1,
        **{name: value for name, value in report.items() if name != "turns"},
        "iterations": entries,
        "champion": {"path": "", **report["champion"]},
    }


def todays_evaluation(record: Plain) -> Plain:
    """The record of an evaluation in today's form."""
    if "schema_version" in record:
        return record
    return {
        "schema_version": 1,
        **record,
        "stages": {_stage_name(name): key for name, key in record.get("stages", {}).items()},
        "scores": _intervals(record.get("scores", {})),
        "audit": _shares(record.get("audit", {})),
    }


def _stage_name(name: str) -> str:
    """The base model's samples were a witness's."""
    return name.removesuffix("-witness") + "-reference" if name.endswith("-witness") else name


def _statistics(stage: str, facts: Plain) -> Plain:
    """A stage's facts as its statistics; {} where it left none."""
    kind = next((step for step in StageName if f"{stage}-".startswith(f"{step}-")), None)
    if not facts or kind is None:
        return {}
    change = _CHANGES.get(kind, dict)
    return {"kind": kind.value, **change(facts)}


def _intervals(table: Mapping[str, Mapping[str, Any]]) -> Plain:
    names = ("mean", "low", "high", "problems")
    return {
        benchmark: {metric: dict(zip(names, values, strict=False)) for metric, values in part.items()}
        for benchmark, part in table.items()
    }


def _shares(audit: Mapping[str, Mapping[str, Any]]) -> Plain:
    """Those of 0.1.0 do not say of how many problems they are; then each count is one of its own."""
    return {row: {"problems": share["total"], **share} for row, share in audit.items()}


def _evaluation_set(facts: Plain) -> Plain:
    """How many problems a benchmark has stood beside the names of those that self-play was kept clear of."""
    guarded = facts.get(_GUARDED, [])
    return {"problems": {k: v for k, v in facts.items() if k != _GUARDED}, "guarded": guarded}


def _audited(facts: Plain) -> Plain:
    changed = {**facts, "audit": _shares(facts.get("audit", {}))}
    return changed | ({"scores": _intervals(facts["scores"])} if "scores" in facts else {})


def _gate(facts: Plain) -> Plain:
    return {**facts, "differences": _intervals(facts.get("differences", {}))}


def _collection(facts: Plain) -> Plain:
    """Names with spaces and dashes are fields now."""
    changed = {kind: _unspaced(facts[kind]) for kind in ("sft", "pairs")}
    return {**changed, "lengths": {role: _unspaced(part) for role, part in facts.get("lengths", {}).items()}}


def _unspaced(facts: Plain) -> Plain:
    return {_SPACED.get(name, name): value for name, value in facts.items()}


_CHANGES: dict[StageName, Callable[[Plain], Plain]] = {
    StageName.EVALUATION_SET: _evaluation_set,
    StageName.SCORE: _audited,
    StageName.AGREE: _audited,
    StageName.PROMOTE: _gate,
    StageName.COLLECT: _collection,
}
