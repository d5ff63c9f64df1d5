"""A batch is a batch, in however many parts and by however many processes it is taken."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from tasks.core.errors import FlywheelError
from tasks.models.chat_format import format_of
from tasks.training.child_progress import ChildProgress
from tasks.training.launch import run_ranks
from tasks.training.losses import trained_tokens
from tasks.training.process import explain_exit, run_training
from tasks.training.token_rows import plan_dpo
from tests.support.formats import DEMO
from tests.training.test_training import LEARN, PAIRS, ROWS, series, train_here, write

pytestmark = pytest.mark.model

# Seven rows, the last ten times as long as the first: a batch of 4 and one of 3.
UNEVEN: dict[str, list[Any]] = {
    "sft": [replace(row, completion=row.completion * (1 + i * 2)) for i, row in enumerate(ROWS[:7])],
    "dpo": [replace(pair, chosen=pair.chosen * (1 + i * 2)) for i, pair in enumerate(PAIRS[:7])],
}
STEPS = LEARN.model_copy(
    update={"batch_size": 4, "sft_epochs": 2, "dpo_epochs": 2, "dpo_sft_weight": 1.0, "evaluations": 2}
)


def figures(events: list[dict[str, Any]]) -> dict[str, list[float]]:
    names = ("loss", "grad_norm", "margin", "accuracy", "held_out")
    return {name: [event[name] for event in events if name in event] for name in names}


@pytest.mark.parametrize("stage", ["sft", "dpo"])
def test_a_micro_batch_is_the_machines_and_changes_nothing(tmp_path: Path, tiny: Path, stage: str) -> None:
    rows = UNEVEN[stage]
    held_out = [replace(row, row_id=f"o{i}") for i, row in enumerate(rows[1:6])]
    runs = []
    for size in (1, 2, 4):
        settings = STEPS.model_copy(update={"micro_batch_size": size})
        _, events = train_here(tmp_path / str(size), tiny, rows, settings, held_out=held_out)
        runs.append(figures(events))
    assert len(runs[0]["loss"]) == len(runs[0]["grad_norm"]) == 4
    assert len(runs[0]["held_out"]) >= 3
    for run in runs[1:]:
        for name, values in run.items():
            assert values == pytest.approx(runs[0][name], rel=2e-3, abs=1e-4), name


def test_the_dpo_loss_is_the_mean_over_pairs_and_the_mean_over_tokens(tmp_path: Path, tiny: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    settings = STEPS.model_copy(update={"batch_size": 7, "micro_batch_size": 1, "dpo_epochs": 1})
    _, events = train_here(tmp_path / "run", tiny, UNEVEN["dpo"], settings)
    model = AutoModelForCausalLM.from_pretrained(tiny)
    plan = plan_dpo(UNEVEN["dpo"], format_of(tiny, DEMO), settings.max_length, 0)
    total = 0.0
    for row in plan.rows:
        ids = torch.tensor([row["prompt_ids"] + row["chosen_ids"]])
        with torch.no_grad():
            likely = model(ids).logits[0].log_softmax(-1)
        total -= sum(float(likely[at - 1, ids[0, at]]) for at in range(len(row["prompt_ids"]), ids.shape[1]))
    mean = total / sum(map(trained_tokens, plan.rows))
    # Before its first step the model is its own reference: every margin is 0.
    assert series(events, "loss") == [pytest.approx(math.log(2) + mean, rel=1e-4)]


def test_tokens_that_are_trained_on() -> None:
    assert trained_tokens({"labels": [-100, -100, 5, 6]}) == 2
    assert trained_tokens({"labels": [5, 6, 7]}) == 2
    assert trained_tokens({"prompt_ids": [1], "chosen_ids": [5, 6], "rejected_ids": [7]}) == 2
    assert trained_tokens({"prompt_ids": [], "chosen_ids": [5, 6], "rejected_ids": [7]}) == 1


@pytest.mark.soak
@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("stage", ["sft", "dpo"])
def test_two_processes_share_a_batch_and_learn_the_same(
    tmp_path: Path, tiny: Path, stage: Any, method: str
) -> None:
    rows = write(tmp_path / "rows.jsonl", [*UNEVEN[stage], (ROWS if stage == "sft" else PAIRS)[7]])
    held_out = write(
        tmp_path / "held.jsonl", [replace(row, row_id=f"o{row.row_id}") for row in UNEVEN[stage]]
    )
    results = []
    for processes in (1, 2):
        update = {"processes": processes, "checkpoint_every_s": 0, "method": method, "micro_batch_size": 2}
        results.append(
            run_training(
                stage, tiny, rows, tmp_path / f"out{processes}", STEPS.model_copy(update=update), "float32",
                0, tmp_path / f"log{processes}", print, held_out_file=held_out,
            )
        )  # fmt: skip
    one, two = results
    assert one.steps == two.steps == 4
    assert [loss for _, loss in two.losses] == pytest.approx([loss for _, loss in one.losses], rel=2e-3)
    assert len(two.held_out) >= 3
    assert dict(two.held_out) == pytest.approx(dict(one.held_out), rel=2e-3)
    assert dict(two.margins) == pytest.approx(dict(one.margins), rel=2e-3, abs=1e-3)


@pytest.mark.soak
@pytest.mark.parametrize("stage", ["sft", "dpo"])
def test_weights_in_shares_are_trained_and_written_as_in_one_process(
    tmp_path: Path, tiny: Path, stage: Any
) -> None:
    rows = write(tmp_path / "rows.jsonl", [*UNEVEN[stage], (ROWS if stage == "sft" else PAIRS)[7]])
    held_out = write(
        tmp_path / "held.jsonl", [replace(row, row_id=f"o{row.row_id}") for row in UNEVEN[stage]]
    )
    results, weights = [], []
    for processes, sharding in ((1, "none"), (2, "fsdp")):
        update = {
            "processes": processes, "sharding": sharding, "checkpoint_every_s": 0, "micro_batch_size": 2
        }  # fmt: skip
        results.append(
            run_training(
                stage, tiny, rows, tmp_path / f"out{processes}", STEPS.model_copy(update=update), "float32",
                0, tmp_path / f"log{processes}", print, held_out_file=held_out,
            )
        )  # fmt: skip
        weights.append(load_file(tmp_path / f"out{processes}" / "model.safetensors"))
    one, two = results
    assert one.steps == two.steps == 4
    assert [loss for _, loss in two.losses] == pytest.approx([loss for _, loss in one.losses], rel=2e-3)
    assert dict(two.held_out) == pytest.approx(dict(one.held_out), rel=2e-3)
    assert dict(two.margins) == pytest.approx(dict(one.margins), rel=2e-3, abs=1e-3)
    assert weights[0].keys() == weights[1].keys()
    for name, value in weights[0].items():
        assert (value - weights[1][name]).abs().max() < 1e-4, name
    # Without shares it would be wrapped as a whole, and torch say so.
    assert "DDP constructor" not in (tmp_path / "log2").read_text()


def test_a_batch_that_processes_cannot_share_is_refused(tmp_path: Path, tiny: Path) -> None:
    rows = write(tmp_path / "rows.jsonl", ROWS)
    odd = LEARN.model_copy(update={"processes": 3})
    with pytest.raises(FlywheelError, match="cannot be shared"):
        run_training("sft", tiny, rows, tmp_path / "x", odd, "float32", 0, tmp_path / "log", print)


@pytest.mark.soak
def test_an_odd_number_of_rows_is_said_and_so_is_the_process_that_was_killed(
    tmp_path: Path, tiny: Path
) -> None:
    rows = write(tmp_path / "rows.jsonl", PAIRS[:7])
    settings = STEPS.model_copy(update={"processes": 2, "micro_batch_size": 1, "dpo_epochs": 100})
    said: list[str] = []

    def log_progress(line: str) -> None:
        said.append(line)
        if "step" in line:
            leader = int(re.findall(r"in process (\d+)", said[0])[0])
            children = Path(f"/proc/{leader}/task/{leader}/children").read_text().split()
            second = next(c for c in children if b"\0RANK=1\0" in Path(f"/proc/{c}/environ").read_bytes())
            os.kill(int(second), signal.SIGKILL)

    with pytest.raises(FlywheelError, match=r"failed: process 2 of 2: its process was killed by SIGKILL"):
        run_training(
            "dpo", tiny, rows, tmp_path / "out", settings, "float32", 0, tmp_path / "log", log_progress
        )
    assert any("7 rows, 1 of them twice an epoch, so that every process has as many" in line for line in said)


RANK = """
import json, os, sys
import torch, torch.distributed
from tasks.training.job import failure_event
rank = int(os.environ["RANK"])
try:
    torch.distributed.init_process_group("gloo")
    if rank == 1:
        raise KeyError("only the second process knows")
    torch.distributed.all_reduce(torch.ones(1))
except Exception as error:
    with open(sys.argv[1], "a") as events:
        events.write(json.dumps(failure_event(error, rank, 2)) + "\\n")
    sys.exit(1)
"""


def test_the_words_are_those_of_the_process_that_failed(tmp_path: Path) -> None:
    """And not of the others, whose connection to it is closed by that."""
    events = tmp_path / "events.jsonl"
    events.touch()
    lifeline, held = os.pipe()
    failed = run_ranks([sys.executable, "-c", RANK, str(events)], 2, lifeline)
    os.close(lifeline)
    os.close(held)
    assert failed is not None
    progress = ChildProgress("dpo", print)
    # As if the other had come to words, too.
    other = {
        "error": "",
        "trace": "process 1 of 2: RuntimeError: Connection closed by peer",
        "diverged": False,
    }
    progress.read(StringIO(events.read_text() + json.dumps(other) + "\n"))
    told = explain_exit(failed[1], progress.error, progress.trace, 1 << 40)
    assert "process 2 of 2: KeyError: 'only the second process knows'" in told
    assert "Connection" not in told
