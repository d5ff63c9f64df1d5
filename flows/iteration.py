"""One turn of the wheel: who reads this file from top to bottom has read the whole method.

A model proposes problems, writes solutions and tests for them independently, both are executed against each
other, what agrees becomes training data for both roles, and the trained model is promoted if it is better
on labelled problems that nothing was trained on (Sol-Ver, arXiv 2502.14948). No human labels, no teacher.
"""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows.evaluation import EVALUATION_SEED, Audited, evaluate_model, hears_witness, witness_of
from flows.report import publish, report_of
from tasks.agreement import agree
from tasks.base_model import base_model
from tasks.collection import Harvest, Samples, collect, past_turns
from tasks.engines.sampler import close_shared_sampler
from tasks.evaluation_set import evaluation_set
from tasks.execution import execute
from tasks.mutants import mutate
from tasks.preferences import prefer
from tasks.problems import propose
from tasks.promotion import champion_of, meets_base, promote
from tasks.sampling import sample
from tasks.settings import IterationSettings
from tasks.stages import Turn, say
from tasks.training import train
from tasks.workspace import ModelRef, Ref, StageResult, Workspace


@flow(name="iteration", flow_run_name="iteration in {settings.workspace}", log_prints=True)
def iteration(settings: IterationSettings) -> dict[str, Any]:
    """Turn the wheel once, or finish the turn that a killed run began. Returns the report."""
    workspace = Workspace(settings.workspace)
    with workspace.lock("an iteration"):
        turn = Turn(str(workspace.root), workspace.begin(settings), settings.seed)
        say(f"iteration {turn.iteration} in {workspace.root}")
        try:
            return _turn(turn, workspace, settings)
        finally:
            close_shared_sampler()


def _turn(turn: Turn, workspace: Workspace, settings: IterationSettings) -> dict[str, Any]:
    stages: dict[str, StageResult] = {}

    def done(stage: StageResult) -> StageResult:
        return stages.setdefault(stage.stage, stage)

    # The champion is the last promoted model; the wheel starts with the base.
    base = base_model(settings.model)
    champion = champion_of(workspace, base, turn.iteration)
    witness = witness_of(champion, base, settings)
    labelled = done(evaluation_set(turn, settings.evaluation, settings.sandbox)).tables

    # 1. Problems: statements and proposals, without repeats and without benchmark text.
    problems = done(
        propose(
            turn,
            champion,
            labelled["guarded"],
            settings.model.dtype,
            settings.engine,
            settings.sampling,
            settings.problems,
        )
    ).tables["problems"]

    # 2. The champion writes solutions and suites, each from the statement alone; part of the solutions is the
    # base model's, which has not been trained to agree with itself.
    sampled = done(
        sample(
            turn,
            "self-play",
            champion,
            problems,
            settings.model.dtype,
            settings.engine,
            settings.sampling,
            settings.seed + turn.iteration,
            witness,
        )
    ).tables
    solutions, suites = sampled["solutions"], sampled["suites"]

    # 3. The champion's scores before training (reused from the turn that promoted it); the filter's audit.
    audited = Audited(base, labelled["dev"])
    before = evaluate_model(
        turn, "before", champion, labelled["scored"], labelled["limits"], settings, audited=audited
    )
    for stage in before.stages:
        done(stage)

    # 4. Every solution meets every call in a container; what agrees becomes rows for both roles.
    behaviours = done(execute(turn, "self-play", problems, solutions, suites, settings.sandbox)).tables[
        "behaviours"
    ]
    judged = _judge(turn, Samples(problems, solutions, suites, behaviours, settings.sampling), settings)
    for stage in judged:
        done(stage)
    harvests = [Harvest(turn.iteration, problems, *_harvested(judged))]

    # 5. Rows of earlier turns too, judged again if the filter has changed; guards choose what is trained on.
    unheard = not hears_witness(settings)
    for past in past_turns(workspace, base, turn.iteration, settings.rows, without_witness=unheard):
        if not past.judged_by(settings):
            judged = _judge(turn, past.samples, settings, f"of-{past.harvest.iteration}")
            past = past.judged_again(*_harvested(judged))
        harvests.append(past.harvest)
    data = done(collect(turn, harvests, labelled["guarded"], settings.rows)).tables

    # 6. SFT, then DPO with an SFT term. The engine's memory is training's now.
    close_shared_sampler()
    start = base if settings.training.train_from == "base" else champion
    tuned = done(
        train(
            turn,
            "sft",
            start,
            data["sft"],
            data["sft_held_out"],
            settings.model.name,
            settings.model.dtype,
            settings.training,
        )
    )
    candidate = done(
        train(
            turn,
            "dpo",
            tuned.models["model"],
            data["pairs"],
            data["pairs_held_out"],
            settings.model.name,
            settings.model.dtype,
            settings.training,
        )
    ).models["model"]

    # 7. The same problems again, and the gate; promotion is the last thing that happens.
    if candidate.digest == start.digest:
        gate = {
            "decision": "hold",
            "reason": "agreement kept too little to train on: loosen `agreement`, sample more, or bring "
            "easier problems",
            "differences": {},
        }
    else:
        after = evaluate_model(
            turn, "after", candidate, labelled["scored"], labelled["limits"], settings, audited=audited
        )
        for stage in after.stages:
            done(stage)
        gate = done(
            promote(
                turn,
                before.scores.tables["scores"],
                after.scores.tables["scores"],
                settings.evaluation,
                settings.gate,
            )
        ).facts
        if gate["decision"] == "promote" and meets_base(workspace, base, turn.iteration, settings.gate):
            gate = _met_base(turn, base, candidate, labelled["dev"], labelled["limits"], settings, gate)
    report = report_of(turn, settings, list(stages.values()), gate, base, champion, candidate)
    workspace.finish(turn.iteration, report)
    publish(report)
    return report


def _judge(
    turn: Turn, samples: Samples, settings: IterationSettings, label: str = ""
) -> tuple[StageResult, ...]:
    """From executed samples to training rows, each with the ids of its sources."""
    agreed = agree(
        turn,
        samples.problems,
        samples.solutions,
        samples.suites,
        samples.behaviours,
        settings.agreement,
        label,
    )
    decisions = agreed.tables["decisions"]

    # Mutants of the winners: a suite that rejects neither a losing solution nor one of them tests nothing.
    mutants = mutate(turn, samples.solutions, decisions, settings.preferences, label)
    executed = execute(
        turn,
        f"mutants-{label}".rstrip("-"),
        samples.problems,
        mutants.tables["mutants"],
        samples.suites,
        settings.sandbox.for_mutants(),
    )
    rows = prefer(
        turn,
        samples.problems,
        samples.solutions,
        samples.suites,
        samples.behaviours,
        executed.tables["behaviours"],
        decisions,
        samples.sampling,
        settings.preferences,
        label,
    )
    return agreed, mutants, executed, rows


def _harvested(judged: tuple[StageResult, ...]) -> tuple[Ref, Ref, Ref]:
    """Decisions, SFT rows and pairs of what `_judge` returned."""
    agreed, *_, rows = judged
    return agreed.tables["decisions"], rows.tables["sft"], rows.tables["pairs"]


def _met_base(
    turn: Turn,
    base: ModelRef,
    candidate: ModelRef,
    dev: Ref,
    limits: Ref,
    settings: IterationSettings,
    gate: dict[str, Any],
) -> dict[str, Any]:
    """The gate again, against the base on fresh samples of dev: gains that were noise end here."""
    fresh = EVALUATION_SEED + turn.iteration
    old, new = (
        evaluate_model(turn, label, model, dev, limits, settings, fresh, "dev").scores.tables["scores"]
        for label, model in (("base", base), ("again", candidate))
    )
    meeting = promote(turn, old, new, settings.evaluation, settings.gate, "against-base").facts
    return {
        **gate,
        "decision": meeting["decision"],
        "reason": f"{gate['reason']}; against the base, on fresh samples: {meeting['reason']}",
        "back_to_base": meeting["decision"] == "roll back",
    }
