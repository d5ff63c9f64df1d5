"""Whole iterations in each kind of chat format: recorded answers, real containers, real (tiny) training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.commands.export import export
from flows.iteration import iteration
from tasks.core.records import Sample
from tasks.core.rows import Pair, SftRow
from tasks.core.tables import read_table
from tasks.models.chat_format import format_of
from tasks.pipeline.workspace import Workspace
from tasks.settings.iteration import IterationSettings
from tests.support import replay
from tests.support.formats import published_template

THOUGHT = "<think>\ndef double_price(p):\n    return 'a draft'\n</think>\n\n"
QWEN3 = published_template("qwen3")
KINDS: dict[str, tuple[str | None, dict[str, Any], str]] = {
    "chat": (published_template("qwen2_5"), {"format": "chat"}, ""),
    "completion": ("", {"format": "auto"}, ""),
    "thinking": (published_template("qwen3"), {"thinking": "keep", "max_thought_tokens": 256}, THOUGHT),
    "thought dropped": (
        published_template("qwen3"),
        {"thinking": "drop", "max_thought_tokens": 256},
        THOUGHT,
    ),
}


def settings_in(folder: Path, kind: str) -> IterationSettings:
    template, own, before = KINDS[kind]
    settings = replay.settings_in(folder)
    place = folder / "tiny" / "chat_template.jinja"
    place.unlink()
    if template:
        place.write_text(template, encoding="utf-8")
    sampling = type(settings.sampling).model_validate(
        {**settings.sampling.model_dump(exclude={"format"}), "solutions": 6, **own}
    )
    settings = settings.model_copy(update={"sampling": sampling})
    replay.write_recording(folder / "recording.jsonl", settings, format_of(folder / "tiny", sampling), before)
    return settings


@pytest.mark.soak
@pytest.mark.model
@pytest.mark.docker
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS)
def test_an_iteration_trains_what_was_sampled(prefect_server: None, tmp_path: Path, kind: str) -> None:
    settings = settings_in(tmp_path, kind)
    report = iteration(settings)
    workspace = Workspace(settings.workspace)
    stages = {stage.stage: stage for stage in workspace.stages(1)}
    expected = "completion" if kind == "completion" else "chat"
    chat_format = report.stages.sample_self_play.chat_format
    assert chat_format
    assert chat_format.format == expected
    assert report.candidate.digest != report.base_digest
    assert report.stages.agree.kept == len(replay.STATEMENTS)
    samples = {
        row.sample_id: row for row in workspace.read(stages["sample-self-play"].tables["samples"], Sample)
    }
    rows = workspace.read(stages["collect"].tables["sft"], SftRow)
    pairs = workspace.read(stages["collect"].tables["pairs"], Pair)
    assert {row.role for row in rows} == {row.role for row in pairs} == {"solver", "verifier"}
    for row in rows:
        assert "a draft" not in row.lesson
        if not row.recombined:
            sample = samples[row.sources[1]]
            assert (row.prompt, row.prompt_digest) == (sample.prompt, sample.prompt_digest)
            told = sample.completion.removeprefix(THOUGHT) if kind == "thought dropped" else sample.completion
            assert row.completion == told
    assert any(THOUGHT in row.completion for row in rows) == (kind == "thinking")
    export("1", str(tmp_path / "out"), settings.workspace)
    card = (tmp_path / "out" / "model" / "README.md").read_text()
    assert ("apply_chat_template" in card) == (kind != "completion")
    exported = read_table(tmp_path / "out" / "dataset" / "data" / "sft" / "train.parquet", SftRow)
    assert [row.messages for row in exported] == [row.messages for row in rows]
