"""A workspace that version 0.1.0 wrote (recorded answers, three iterations, the last trains nothing) opens in
every command; its weights, logs and largest tables were taken out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from flows.commands.compare import comparison, show_comparison, show_difference
from flows.commands.export import export
from flows.commands.lineage import show_lineage
from flows.commands.listing import show_list
from flows.commands.problem import show_problem
from flows.commands.show import show_report, show_table
from flows.reports.campaign import campaign_markdown
from flows.reports.campaign_report import campaign_report, read_campaign
from flows.reports.curves import curves
from flows.reports.iteration import dropped_reasons
from flows.reports.report import Report, report_in
from flows.runtime.evaluations import champion_now, finished_of
from tasks.core.statistics import Interval, Share
from tasks.core.tables import read_plain
from tasks.pipeline.artifacts import stage_markdown
from tasks.pipeline.workspace import Workspace

STORED = Path(__file__).parents[1] / "data" / "workspace-0.1.0"


@pytest.fixture
def root(tmp_path: Path) -> str:
    return str(shutil.copytree(STORED, tmp_path / "workspace"))


def reports_of(root: str) -> list[Report]:
    found = [report_in(Workspace(root), number) for number in (1, 2, 3)]
    return [report for report in found if report is not None]


def test_show_prints_its_reports_by_the_names_of_today(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_report("1", root, json_output=False)
    text = capsys.readouterr().out
    assert text.startswith("# Iteration 1: hold\n\nPass@1 on dev changed by +0.0%")
    for line in (
        "- solutions: 36 sampled (18 at 0.8, 18 at 0.4), 36 parsed",
        "- agreement kept **6 of 6** problems (6 confident enough for pairs)",
        "| chosen solutions | 8 of 11 | 73% | 43% - 90% |",
        "| kept problems right | 4 of 4 | 100% | - |",
        "- mutants of the winners: 30 made, 28 run and behave otherwise; suites that hold on the winners: "
        "reject a losing solution 6, reject mutants alone 0, reject nothing 0",
        "- SFT rows: verifier 12, solver 6 (6 suites recombined from kept cases)",
        "- trained on, pairs: solver 12, verifier 6 (18 of iteration 1); 0 held out; 100% of solver rows are "
        "one-liners; dropped: none",
        "- solver pairs: chosen 18 characters, rejected 18, chosen is shorter in 25%",
        "| distinct programs | 50% | 75% | 75% |",
        "| strong-suite rate | 100.0% | 100.0% | no change |",
        "| false acceptance rate | 8.8% | 8.8% | no change |",
        "- champion before: `/flywheel/tiny` (base model /flywheel/tiny)",
        "| sample-after-reference/solutions | 40 |",
    ):
        assert line in text
    show_report("3", root, json_output=False)
    text = capsys.readouterr().out
    assert "- SFT skipped: 12 rows, 1000 wanted" in text
    assert "There is no new model, so there is nothing to compare." in text


def test_its_report_is_the_typed_one_and_is_written_as_such(
    root: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first, _, third = reports_of(root)
    assert (first.schema_version, first.iteration, first.decision, first.of_base) == (1, 1, "hold", True)
    assert first.before["starter/dev"]["pass@1"] == Interval(0.5, 0.32586754673307516, 0.6624982002293143, 4)
    audit = first.stages.score_before.audit
    assert audit["chosen solutions"] == Share(
        8, 11, 11, 0.7272727272727273, 0.4343497069897537, 0.9025411942607853
    )
    assert first.stages.collect.pairs.one_liners == 1
    assert first.stages.evaluation_set.problems == {"starter/dev": 4, "starter/test": 4}
    assert "humaneval" in first.stages.evaluation_set.guarded
    assert first.stages.sample_after_reference is not None
    assert not third.has_new_model
    show_report("1", root, json_output=True)
    shown = json.loads(capsys.readouterr().out)["report"]
    assert Report.model_validate(shown) == first
    assert dropped_reasons(first.stages)[0] == {
        "rows": 6,
        "stage": "sample-self-play",
        "reason": "suite: syntax",
    }


def test_its_tables_and_problems_are_shown(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_table("1", root, "agree/decisions", None, json_output=True)
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["votes"] for row in rows] == [4] * 6
    show_problem("1", root, "replay/0", json_output=False)
    assert "**Kept**: 4 of 6 samples behave alike" in capsys.readouterr().out


def test_its_stages_have_todays_artifacts(root: str) -> None:
    texts = {stage.stage: stage_markdown(stage) for stage in Workspace(root).stages(1)}
    assert "| starter/dev | 4 |\n| starter/test | 4 |\n| kept out of self-play | " in texts["evaluation-set"]
    assert "| sft: one-liners | 1 |" in texts["collect"]
    assert "| audit: chosen solutions | 8 of 11 [43%, 90%] |" in texts["score-before"]
    assert "| scores: starter/dev: strong-suite rate | 1.000, 4 problems |" in texts["score-before"]
    assert "**hold**: pass@1 on dev changed by" in texts["promote"]
    assert "**A solution as it came, for: " in texts["sample-self-play"]
    assert "kind" not in "".join(line for text in texts.values() for line in text.splitlines()[:4])


def test_its_models_are_compared_and_listed(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = comparison("base", "2", root)
    assert result.differences["starter/test"]["strong-suite rate"] == Interval(0, 0, 0, 4)
    show_comparison("1", "2", root, json_output=False)
    assert "| pass@1 | 50.0% | 50.0% | no change |" in capsys.readouterr().out
    show_difference("1", "3", root, json_output=False)
    text = capsys.readouterr().out
    assert "| training: min_rows | 2 | 1000 |" in text
    assert "| train-sft: skipped | - | 12 rows, 1000 wanted |" in text
    show_list(root, json_output=False)
    assert "| 3 | finished | hold |" in capsys.readouterr().out
    assert champion_now(Workspace(root))[1] == 0
    assert [result.decision for result in finished_of(Workspace(root)).values()] == ["hold"] * 3


def test_its_rows_lead_back_to_their_samples(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = Workspace(root)
    for number in (1, 3):
        stage = next(one for one in workspace.stages(number) if one.stage == "prefer")
        for name in ("sft", "pairs"):
            row = read_plain(workspace.path(stage.tables[name]))[0]
            show_lineage(str(number), row["row_id"], root, json_output=False)
            text = capsys.readouterr().out
            assert "4 of 6 samples behave alike" in text
            assert "\nSample `" in text


def test_it_is_exported_with_its_cards(root: str, tmp_path: Path) -> None:
    assert export("1", str(tmp_path / "out"), root) == f"data set and model in {tmp_path / 'out'}"
    cards = {kind: (tmp_path / "out" / kind / "README.md").read_text() for kind in ("dataset", "model")}
    assert "| starter/dev, 4 problems | strong-suite rate | 100.0% | no change |" in cards["model"]
    assert "Rule `consensus` kept 6 of 6 problems" in cards["dataset"]
    assert pq.read_table(tmp_path / "out" / "dataset" / "data" / "sft" / "train.parquet").num_rows == 12
    assert "training left no new model" in export("3", str(tmp_path / "third"), root)


def test_its_campaign_is_reported_as_it_was(root: str) -> None:
    read = read_campaign(Path(root) / "campaigns" / "0001" / "report.json")
    first, second, _ = reports_of(root)
    told = campaign_report(Workspace(root), [first, second], "2 of 2 iterations are done")
    assert told.model_copy(update={"workspace": read.workspace, "folder": read.folder}) == read
    text = campaign_markdown(read)
    assert "| 1 | hold | 50.0% | 50.0% | 100.0% | 100.0% |" in text
    assert "| 2 | 6 (0) | 6 | 6 + 12 | 12 + 6 | 4 of 4 | 8 of 11 [43%, 90%] |" in text
    assert curves(read).startswith(b"\x89PNG")
