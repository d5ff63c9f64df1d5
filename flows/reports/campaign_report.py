"""What a campaign keeps of its iterations' reports: its report.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from flows.reports.report import Report
from tasks.core.errors import FlywheelError
from tasks.core.statistics import Interval, Share
from tasks.pipeline.finished import SCHEMA_VERSION, GateDecision, read_figures
from tasks.pipeline.old_manifests import todays_campaign
from tasks.pipeline.renamed import by_todays_keys
from tasks.pipeline.statistics import Figures
from tasks.pipeline.workspace import ModelRef, Workspace


class CampaignEntry(Figures):
    """What a campaign keeps of one iteration's report."""

    iteration: int = Field(description="Number of the iteration.")
    decision: GateDecision = Field(description="What the gate decided about its candidate.")
    reason: str = Field(description="Why, in a sentence.")
    flow_run_id: str = Field(description="Prefect's id of the run that finished it.")
    from_base: bool = Field(description="Whether its champion was the base model.")
    candidate: ModelRef = Field(description="The model that its training left.")
    before: dict[str, dict[str, Interval]] = Field(description="The champion's scores.")
    after: dict[str, dict[str, Interval]] = Field(description="The candidate's; {} without a new model.")
    differences: dict[str, dict[str, Interval]] = Field(description="Candidate less champion, paired.")
    audit: dict[str, Share] = Field(description="The filter on labelled dev problems.")
    problems: int = Field(description="Problems that were decided.")
    new_problems: int = Field(description="Problems that no earlier iteration had.")
    kept: int = Field(description="Problems that were kept.")
    sft: dict[str, int] = Field(description="SFT rows by role.")
    pairs: dict[str, int] = Field(description="Pairs by role.")
    diversity: dict[str, float] = Field(description="How varied the candidate's answers are.")


class CampaignReport(Figures):
    """All iterations of a campaign, oldest first, and why there are no more."""

    schema_version: int = Field(default=SCHEMA_VERSION, description="Version of this form of the report.")
    workspace: str = Field(description="The workspace's folder.")
    folder: str = Field(description="The campaign's folder.")
    iterations: list[CampaignEntry] = Field(min_length=1, description="Its iterations, oldest first.")
    stopped: str = Field(description="Why no further iteration follows.")
    champion: ModelRef = Field(description="The model that a next iteration would start from.")


def entry_of(report: Report) -> CampaignEntry:
    """What a campaign keeps of one iteration's report."""
    stages = report.stages
    sampled = stages.sample_after or stages.sample_before
    return CampaignEntry(
        iteration=report.iteration,
        decision=report.decision,
        reason=report.reason,
        flow_run_id=report.flow_run_id,
        from_base=report.of_base,
        candidate=report.candidate,
        before=report.before,
        after=report.after,
        differences=report.differences,
        audit=stages.score_before.audit,
        problems=stages.agree.problems,
        new_problems=stages.propose.new,
        kept=stages.agree.kept,
        sft=stages.prefer.sft,
        pairs=stages.prefer.pairs,
        diversity=sampled.diversity,
    )


def campaign_report(workspace: Workspace, reports: Sequence[Report], why: str) -> CampaignReport:
    """The report of a campaign of these iterations (never none), oldest first, and why it stopped."""
    last = reports[-1]
    promoted = last.candidate if last.decision == "promote" else last.champion
    return CampaignReport(
        workspace=str(workspace.root),
        folder=str(workspace.root / "campaigns" / f"{reports[0].iteration:04d}"),
        iterations=[entry_of(report) for report in reports],
        stopped=why,
        champion=ModelRef("", last.base_digest, "base model") if last.back_to_base else promoted,
    )


def read_campaign(path: Path) -> CampaignReport:
    """A campaign's report.json, of whichever version. Raises `FlywheelError` for one of a later version, or
    that is damaged."""
    try:
        plain = todays_campaign(json.loads(path.read_text(), object_pairs_hook=by_todays_keys))
    except (ValueError, KeyError, TypeError):
        raise FlywheelError(f"{path} is no report of a campaign: run the campaign again.") from None
    return read_figures(CampaignReport, plain, str(path))
