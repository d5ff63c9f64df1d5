"""A campaign: iterations one after the other, each its own flow run, until it has had enough.

What is decided (promote, hold, roll back, stop) reads dev alone; test is only drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

from prefect import flow

from flows.iteration import iteration
from flows.reports.campaign import publish_campaign
from flows.reports.campaign_report import CampaignReport, campaign_report
from flows.reports.report import Report, report_in
from flows.runtime.checks import check_decides
from flows.runtime.crashed_runs import track_flow_run
from flows.runtime.given import settings_given
from flows.runtime.run_names import first_name, rename
from tasks.filtering.audit import imprecise
from tasks.pipeline.stage import log_progress
from tasks.pipeline.workspace import Workspace
from tasks.settings.campaign import CampaignSettings
from tasks.settings.iteration import IterationSettings


def stop_reason(reports: Sequence[Report], settings: CampaignSettings) -> str:
    """Why no further iteration follows these reports (oldest first); "" when one does."""
    if len(reports) >= settings.iterations:
        return f"{len(reports)} of {settings.iterations} iterations are done"
    fruitless = [report.decision != "promote" for report in reports[-settings.patience :]]
    if settings.patience and len(fruitless) == settings.patience and all(fruitless):
        return f"no promotion in {settings.patience} iterations (campaign.patience)"
    if not reports or not settings.min_precision:
        return ""
    stages = reports[-1].stages
    why = imprecise([stages.score_before.audit, stages.agree.audit], settings.min_precision)
    return f"{why} (campaign.min_precision)" if why else ""


@flow(name="campaign", flow_run_name=first_name, log_prints=True, validate_parameters=False)
def campaign(settings: IterationSettings) -> CampaignReport:
    """Run iterations until `settings.campaign` says stop. Returns the report of all its iterations.

    The campaign is the unbroken run of latest iterations with these settings: after a kill the same call goes
    on with the iteration that was interrupted, and one with more iterations goes on from where it ended.
    """
    settings = settings_given(settings)
    check_decides(settings)
    workspace = Workspace(settings.workspace)
    with workspace.lock("a campaign"), track_flow_run(workspace.root):
        begun = workspace.iterations_with(settings)
        found = {number: report_in(workspace, number) for number in begun}
        reports = [report for report in found.values() if report is not None]
        interrupted = [number for number, report in found.items() if report is None]
        while not (why := stop_reason(reports, settings.campaign)):
            log_progress(f"campaign: iteration {len(reports) + 1} of at most {settings.campaign.iterations}")
            latest = max([*workspace.iterations(), settings.iteration - 1, 0])
            number = interrupted.pop(0) if interrupted else latest + 1
            reports.append(iteration(settings.model_copy(update={"iteration": number})))
        report = campaign_report(workspace, reports, why)
        publish_campaign(report)
        rename(workspace.root, f"campaign of {len(reports)} iterations")
        return report
