"""Training: what is learnt and what is written. All on a random Llama of two layers."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import signal
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from tasks.core.errors import FlywheelError
from tasks.core.rows import Pair, SftRow
from tasks.models.chat_format import ChatFormat, format_of
from tasks.models.resolve import model_digest
from tasks.settings.training import TrainingSettings
from tasks.training.job import (
    Job,
    check_health,
    explain,
    last_checkpoint,
    look_batch,
    micro_batch,
    model_card,
    repeated_rows,
    step_count,
    warmup_steps,
)
from tasks.training.process import TrainingResult, explain_exit, finished_training, run_training
from tasks.training.token_rows import plan_dpo, plan_sft, read_rows
from tasks.training.worker import train
from tests.support.formats import DEMO

pytestmark = pytest.mark.model

ROWS = [SftRow(f"row{i}", "solver", f"p{i}", f"def f{i}(", f"a):\n    return {i}\n```") for i in range(8)]
PAIRS = [
    Pair(row.row_id, row.role, row.problem_id, row.prompt, row.completion, "b):\n    pass\n```", "fails")
    for row in ROWS
]
LEARN = TrainingSettings(
    sft_learning_rate=1e-2,
    sft_epochs=12,
    dpo_learning_rate=2e-3,
    dpo_epochs=8,
    micro_batch_size=8,
    lora_rank=4,
)


@pytest.fixture(scope="session")
def chat_format(tiny: Path) -> ChatFormat:
    return format_of(tiny, DEMO)


@pytest.fixture(scope="session")
def tokenizer(tiny: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny)


def write(path: Path, rows: list[SftRow] | list[Pair]) -> Path:
    path.write_text("".join(json.dumps(asdict(row)) + "\n" for row in rows), encoding="utf-8")
    return path


def train_here(
    folder: Path,
    model: Path,
    rows: list[SftRow] | list[Pair],
    settings: TrainingSettings,
    seed: int = 0,
    held_out: list[SftRow] | list[Pair] | None = None,
) -> tuple[Path, list[dict[str, Any]]]:
    """A stage in this process, without a child: its checkpoint and its events."""
    folder.mkdir()
    job = Job(
        stage="sft" if isinstance(rows[0], SftRow) else "dpo",
        model=str(model),
        rows=str(write(folder / "rows.jsonl", rows)),
        held_out=str(write(folder / "held_out.jsonl", held_out)) if held_out else "",
        checkpoint=str(folder / "checkpoint"),
        events="",
        base_model="tiny",
        dtype="float32",
        seed=seed,
        settings=settings.model_dump(),
    )
    events: list[dict[str, Any]] = []
    train(job, events.append)
    return folder / "checkpoint", events


def series(events: list[dict[str, Any]], name: str) -> list[float]:
    return [event[name] for event in events if "step" in event]


def test_loss_lies_on_the_completion_and_its_end(tokenizer: Any, chat_format: ChatFormat) -> None:
    plan = plan_sft(ROWS[:1], chat_format, 100, seed=0)
    row = plan.rows[0]
    prompt = tokenizer(ROWS[0].prompt)["input_ids"]
    assert row["input_ids"][: len(prompt)] == prompt
    assert row["labels"][: len(prompt)] == [-100] * len(prompt)
    assert row["labels"][len(prompt) :] == row["input_ids"][len(prompt) :]
    assert tokenizer.decode(row["input_ids"]) == ROWS[0].prompt + ROWS[0].completion + tokenizer.eos_token


def test_prompt_tokens_are_the_sampled_ones_where_text_would_merge() -> None:
    class Merging:
        """Two characters "([" are one token; everything else is one token a character."""

        eos_token_id = 0

        def __call__(self, text: str, *, add_special_tokens: bool = True) -> Any:
            return {"input_ids": [ord(c) for c in text.replace("([", "\uffff")]}

    merging = ChatFormat(Merging(), DEMO)
    row = SftRow("r", "verifier", "p", "assert f(", "[1])")
    pair = Pair("r", "verifier", "p", "assert f(", "[1])", "2)", "fails")
    assert plan_sft([row], merging, 99, 0).rows[0]["input_ids"] == [*map(ord, "assert f([1])"), 0]
    planned = plan_dpo([pair], merging, 99, 0).rows[0]
    assert planned["prompt_ids"] == [*map(ord, "assert f(")]
    assert planned["chosen_ids"] == [*map(ord, "[1])"), 0]
    assert planned["rejected_ids"] == [*map(ord, "2)"), 0]


def test_too_long_rows_are_named_and_counted(chat_format: ChatFormat) -> None:
    long_row = replace(ROWS[3], completion=ROWS[3].completion * 20)
    long_pair = replace(PAIRS[5], rejected=PAIRS[5].rejected * 20)
    plan = plan_sft([*ROWS[:3], long_row], chat_format, 64, seed=0)
    assert (len(plan.rows), plan.too_long) == (3, ("row3",))
    plan = plan_dpo([*PAIRS[:5], long_pair], chat_format, 64, seed=0)
    assert (len(plan.rows), plan.too_long) == (5, ("row5",))


def test_order_depends_on_rows_and_seed_alone(chat_format: ChatFormat) -> None:
    plans = [plan_sft(rows, chat_format, 99, seed) for rows, seed in ((ROWS, 1), (ROWS[::-1], 1), (ROWS, 2))]
    assert plans[0] == plans[1]
    assert plans[0] != plans[2]
    assert sorted(map(str, plans[0].rows)) == sorted(map(str, plans[2].rows))


def test_unreadable_rows_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(asdict(PAIRS[0])) + "\n")
    assert read_rows(path, "dpo") == PAIRS[:1]
    with pytest.raises(FlywheelError, match="line 1: not a row of the sft stage"):
        read_rows(path, "sft")
    with pytest.raises(FlywheelError, match="cannot be read"):
        read_rows(tmp_path / "none.jsonl", "sft")


def test_steps_and_micro_batches() -> None:
    assert [micro_batch(8, 4), micro_batch(8, 3), micro_batch(6, 4), micro_batch(4, 99)] == [4, 2, 3, 4]
    assert [step_count(9, 8, 2), step_count(8, 8, 0.5), step_count(1, 8, 1)] == [4, 1, 1]
    assert [warmup_steps(19), warmup_steps(20), warmup_steps(200)] == [0, 2, 20]


def test_rows_that_several_processes_do_not_share_evenly() -> None:
    shared = [(9, 4, 1), (9, 1, 2), (9, 4, 2), (16, 4, 2)]
    assert [repeated_rows(*each) for each in shared] == [0, 1, 7, 0]
    # Held-out rows: one process takes what is left by itself, several repeat nothing.
    assert [look_batch(7, 1, 4), look_batch(8, 2, 4), look_batch(12, 2, 4), look_batch(7, 2, 4)] == [
        4,
        4,
        3,
        1,
    ]


def test_a_broken_run_is_stopped() -> None:
    check_health([2.0, 1.5, 1.0, 0.8], 1.0)
    check_health([0.01, 0.5, 0.5, 0.5], 1.0)
    with pytest.raises(FlywheelError, match="broke at step 2"):
        check_health([2.0, math.nan], 1.0)
    with pytest.raises(FlywheelError, match="gradient norm inf"):
        check_health([2.0], math.inf)
    with pytest.raises(FlywheelError, match="diverges"):
        check_health([2.0, 8.0, 9.0, 12.0], 1.0)


def test_causes_of_failure_are_told_apart() -> None:
    assert explain(OSError(28, "No space left on device")).startswith("the disk is full")
    assert explain(RuntimeError("CUDA out of memory. Tried ...")).startswith("out of memory")
    assert explain(FlywheelError("this one")) == "this one"
    assert explain(ValueError("odd")) == ""
    free = 1 << 40
    assert explain_exit(1, "the child's word", "tail", free) == "the child's word"
    assert "memory runs out" in explain_exit(-signal.SIGKILL, "", "tail", free)
    assert "disk is full" in explain_exit(1, "", "tail", 0)
    assert "SIGSEGV\ntail" in explain_exit(-signal.SIGSEGV, "", "tail", free)
    assert "code 3\ntail" in explain_exit(3, "", "tail", free)


def test_sft_learns_rows_by_heart_and_the_same_seed_gives_the_same_weights(
    tmp_path: Path, tiny: Path
) -> None:
    first, events = train_here(tmp_path / "a", tiny, ROWS, LEARN)
    losses = series(events, "loss")
    assert len(losses) == 12
    assert losses[-1] < losses[0] / 2
    assert events[0] == {"rows": 8, "too_long": (), "repeated": 0}
    again, _ = train_here(tmp_path / "b", tiny, ROWS[::-1], LEARN)
    other, _ = train_here(tmp_path / "c", tiny, ROWS, LEARN, seed=1)
    assert model_digest(first) == model_digest(again)
    assert model_digest(first) != model_digest(other)


def test_dpo_prefers_the_chosen(tmp_path: Path, tiny: Path) -> None:
    out, events = train_here(tmp_path / "dpo", tiny, PAIRS, LEARN)
    scored = [(event["scored"], event["of"]) for event in events if "scored" in event]
    assert scored[-1] == (len(PAIRS), len(PAIRS))
    margins = series(events, "margin")
    assert margins[0] == pytest.approx(0, abs=1e-4)
    assert margins[-1] > 0.2
    assert series(events, "accuracy")[-1] == 1
    assert model_digest(out) != model_digest(tiny)


def test_an_adapter_is_merged_into_a_full_checkpoint(tmp_path: Path, tiny: Path) -> None:
    from safetensors.torch import load_file

    out, events = train_here(tmp_path / "lora", tiny, PAIRS, LEARN.model_copy(update={"method": "lora"}))
    assert series(events, "margin")[-1] > 0
    assert not list(out.glob("adapter*"))
    before, after = load_file(tiny / "model.safetensors"), load_file(out / "model.safetensors")
    assert before.keys() == after.keys()
    assert [name for name in before if not before[name].equal(after[name])]


def test_weights_that_are_no_numbers_stop_the_run(tmp_path: Path, tiny: Path) -> None:
    from safetensors.torch import load_file, save_file

    broken = Path(shutil.copytree(tiny, tmp_path / "broken"))
    weights = load_file(broken / "model.safetensors")
    weights["model.norm.weight"].fill_(math.nan)
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(FlywheelError, match="broke at step 1"):
        train_here(tmp_path / "run", broken, ROWS, LEARN)


def test_a_child_leaves_a_whole_checkpoint_and_nothing_else(tmp_path: Path, tiny: Path) -> None:
    rows = write(tmp_path / "rows.jsonl", [*ROWS, replace(ROWS[0], row_id="long", completion="x" * 5000)])
    said: list[str] = []
    out = tmp_path / "models" / "out"
    result = run_training(
        "sft", tiny, rows, out, LEARN, "float32", 0, tmp_path / "log", said.append, base_model="org/base"
    )
    assert (result.steps, result.rows_used, result.too_long) == (12, 8, ("long",))
    assert result.losses[0][0] == 1
    assert result.losses[-1][1] < result.losses[0][1] / 2
    assert result.memory_mb > 100
    assert any("dropped as too long (long)" in line for line in said)
    assert any("step 12/12, loss" in line for line in said)
    assert sorted(os.listdir(out.parent)) == [".out.training.json", "out"]
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "config.json"):
        assert (out / name).read_bytes() == (tiny / name).read_bytes()
    assert (out / "README.md").read_text().startswith('---\nbase_model: "org/base"\n')
    assert "'loss'" in (tmp_path / "log").read_text()
    with pytest.raises(FlywheelError, match="exists already"):
        run_training("sft", tiny, rows, out, LEARN, "float32", 0, tmp_path / "log", said.append)
    # A run that was killed before it could name its model in a manifest finds all of it again.
    assert finished_training(out) == result
    assert finished_training(tmp_path / "absent") is None


@pytest.mark.parametrize("rows", [ROWS, PAIRS], ids=["sft", "dpo"])
def test_held_out_rows_stop_the_run_and_choose_its_weights(tmp_path: Path, tiny: Path, rows: Any) -> None:
    # What is held out has nothing of what is learnt, so its loss rises.
    field = "completion" if rows is ROWS else "rejected"
    other = [replace(row, row_id=f"o{i}", **{field: f"QZX JKV{i}"}) for i, row in enumerate(rows)]
    if rows is PAIRS:
        other = [replace(row, chosen=row.rejected, rejected=row.chosen) for row in other]
    settings = LEARN.model_copy(update={"evaluations": 6, "patience": 1})
    out, events = train_here(tmp_path / "run", tiny, rows, settings, held_out=other)
    looks = {event["at"]: event["held_out"] for event in events if "held_out" in event}
    best = events[-1]["best"]
    assert 0 in looks
    assert best == min(looks, key=looks.__getitem__)
    assert best < max(looks) < 12
    margins = [event["margin"] for event in events if "held_out" in event and "margin" in event]
    if rows is PAIRS:
        # The other way around than what is learnt.
        assert margins[0] == pytest.approx(0, abs=1e-4)
        assert margins[-1] < 0
    else:
        assert margins == []
    # Where every step made it worse, the start is what is left.
    before, after = (load_file(folder / "model.safetensors") for folder in (tiny, out))
    assert all(bool((before[name] == after[name]).all()) for name in before) == (best == 0)


@pytest.mark.parametrize("held_out", [[], ROWS], ids=["alone", "held out"])
def test_a_killed_run_goes_on_from_its_checkpoint_to_the_same_weights(
    tmp_path: Path, tiny: Path, held_out: list[SftRow]
) -> None:
    # A look after every step, and one that gained nothing is the last.
    often = {"checkpoint_every_s": 0, "evaluations": 12, "patience": 1, "sft_learning_rate": 2e-3}
    settings = LEARN.model_copy(update=often)
    whole, events = train_here(tmp_path / "whole", tiny, ROWS, settings, held_out=held_out)
    looks = {event["at"]: event["held_out"] for event in events if "held_out" in event}
    assert len(looks) > 6 or not held_out
    rows = write(tmp_path / "rows.jsonl", ROWS)
    apart = write(tmp_path / "held_out.jsonl", held_out) if held_out else None
    out = tmp_path / "models" / "out"
    said: list[str] = []

    def kill_late() -> None:
        """Lines come too late to kill by: the tiny model takes its twelve steps in a moment."""
        trainer = out.parent / ".out.partial" / "trainer"
        while not any(int(folder.name.split("-")[1]) >= 5 for folder in trainer.glob("checkpoint-*")):
            time.sleep(0.002)
        os.kill(int(re.findall(r"in process (\d+)", said[0])[0]), signal.SIGKILL)

    def train() -> TrainingResult:
        log = tmp_path / "log"
        return run_training(
            "sft", tiny, rows, out, settings, "float32", 0, log, said.append, held_out_file=apart
        )

    threading.Thread(target=kill_late, daemon=True).start()
    with pytest.raises(FlywheelError, match="killed by SIGKILL"):
        train()
    assert not out.exists()
    result = train()
    assert any(line.startswith("sft: going on from checkpoint-") for line in said)
    assert [step for step, _ in result.losses] == list(range(1, 1 + len(series(events, "loss"))))
    assert [loss for _, loss in result.losses] == pytest.approx(series(events, "loss"))
    assert dict(result.held_out) == pytest.approx(looks)
    assert sorted(os.listdir(out.parent)) == [".out.training.json", "out"]
    assert model_digest(out) == model_digest(whole)


def test_float16_is_for_gpus(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    rows = write(tmp_path / "rows.jsonl", ROWS)
    with pytest.raises(FlywheelError, match="'float16' trains on GPUs alone: set it to 'float32' on a CPU"):
        run_training("sft", tiny, rows, tmp_path / "out", LEARN, "float16", 0, tmp_path / "log", print)


def test_a_run_that_diverges_says_so_and_keeps_its_last_good_checkpoint(tmp_path: Path, tiny: Path) -> None:
    rows = write(tmp_path / "rows.jsonl", ROWS)
    settings = LEARN.model_copy(update={"sft_learning_rate": 1.0, "checkpoint_every_s": 0})
    with pytest.raises(FlywheelError, match=r"training (diverges|broke).*last good checkpoint is kept in"):
        run_training("sft", tiny, rows, tmp_path / "out", settings, "float32", 0, tmp_path / "log", print)
    kept = tmp_path / "last-good-sft"
    assert (kept / "model.safetensors").is_file()
    assert json.loads((kept / "trainer_state.json").read_text())["global_step"] >= 1
    assert not (tmp_path / ".out.partial").exists()


def test_half_a_checkpoint_is_none(tmp_path: Path) -> None:
    for number, state in ((3, '{"global_step": 3}'), (7, '{"global_st'), (9, None)):
        folder = tmp_path / f"checkpoint-{number}"
        folder.mkdir()
        if state:
            (folder / "trainer_state.json").write_text(state)
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-3"
    assert os.listdir(tmp_path) == ["checkpoint-3"]
    assert last_checkpoint(tmp_path / "none") is None


def test_card_names_base_and_parent_and_no_clock() -> None:
    settings = TrainingSettings().model_dump()
    job = Job("dpo", "/w/sft-model", "", "", "", "", "org/base", "float32", 7, settings)
    card = model_card(job, 5, 1, 2, {"trl": "1"})
    assert 'base_model: "org/base"' in card
    assert "Parent checkpoint: sft-model" in card
    assert "seed: 7" in card
    assert "beta: 0.1" in card
