"""Steps as `@stage` makes them: every parameter is in the key, and nothing else gets into a step."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import re
import types
import typing
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest
from prefect import flow
from prefect.context import TaskRunContext
from pydantic import BaseModel

import tasks
from tasks.core.errors import FlywheelError
from tasks.core.rows import Dropped
from tasks.inference.engines import engine_version
from tasks.pipeline import stage as stages
from tasks.pipeline.keys import exact, stage_key
from tasks.pipeline.stage import STAGES, IterationContext, StageDefinition, stage
from tasks.pipeline.stage_name import StageName
from tasks.pipeline.statistics import Statistics
from tasks.pipeline.workspace import ModelRef, Ref, Stage, Workspace
from tasks.settings.engine import EngineSettings
from tasks.settings.iteration import IterationSettings

for module in pkgutil.walk_packages(tasks.__path__, "tasks."):
    if not module.name.endswith(("worker", "vllm_worker")):
        importlib.import_module(module.name)


def one_of(hint: Any) -> Any:
    """A value of that type."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return one_of(next(arg for arg in args if arg is not type(None)))
    if origin is Literal:
        return args[0]
    if origin in (tuple, list, Sequence):
        return [one_of(args[0])] if origin is list else (one_of(args[0]),)
    if hint is Ref:
        return Ref("a/table.parquet", "1" * 64, 3)
    if hint is ModelRef:
        return ModelRef("a/model", "2" * 64, "a model")
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return hint()
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        return typing.cast(Any, hint)(
            **{part.name: one_of(hints[part.name]) for part in dataclasses.fields(hint)}
        )
    return {str: "text", int: 3, float: 0.5, bool: False}[hint]


def others(value: Any, hint: Any) -> list[Any]:
    """Values that differ from `value` in one place each: every field of it at least once."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        inner = next(arg for arg in args if arg is not type(None))
        return [*others(value, inner), *([None] if type(None) in args else [])]
    if origin is Literal:
        return [arg for arg in args if arg != value]
    if origin in (tuple, list, Sequence):
        kind = type(value)
        if not value:
            return [kind([one_of(args[0])])]
        return [kind([*value, *value]), *(kind([other, *value[1:]]) for other in others(value[0], args[0]))]
    if hint in (Ref, ModelRef):
        return [dataclasses.replace(value, digest="9" * 64)]
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        left_out = getattr(hint, "NOT_IN_CACHE_KEY", {})
        counted = {n: f.annotation for n, f in hint.model_fields.items() if n not in left_out}
        return [
            value.model_copy(update={name: other})
            for name, inner in counted.items()
            for other in others(getattr(value, name), plain_type(inner))
        ]
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        return [
            dataclasses.replace(value, **{part.name: other})
            for part in dataclasses.fields(hint)
            for other in others(getattr(value, part.name), hints[part.name])
        ]
    if hint is bool:
        return [not value]
    return [value + "x" if hint is str else value + 1]


def plain_type(hint: Any) -> Any:
    """`Annotated[int, ...]` -> int."""
    return typing.get_args(hint)[0] if typing.get_origin(hint) is typing.Annotated else hint


def hints_of(step: StageDefinition) -> dict[str, Any]:
    hints = typing.get_type_hints(step.body)
    return {name: hints[name] for name in step.parameters}


def test_every_stage_has_a_step() -> None:
    assert set(STAGES) == set(StageName)


@pytest.mark.parametrize("name", StageName)
def test_every_parameter_of_a_step_changes_its_key(name: StageName) -> None:
    step = STAGES[name]
    hints = hints_of(step)
    arguments = {parameter: one_of(hint) for parameter, hint in hints.items()}
    found = None
    if step.looks_up is not None:
        found = one_of(typing.get_type_hints(step.looks_up)["return"])
        looked_up = {step.key_of(arguments, other).digest for other in others(found, type(found))}
        assert len(looked_up | {step.key_of(arguments, found).digest}) == 1 + len(others(found, type(found)))
    keys = {step.key_of(arguments, found).digest}
    for parameter, hint in hints.items():
        changed = [
            step.key_of({**arguments, parameter: other}, found).digest
            for other in others(arguments[parameter], hint)
        ]
        assert changed
        if reason := step.not_in_key.get(parameter):
            assert len(reason) > 20
            assert {*changed} <= keys
        else:
            assert len({*changed} - keys) == len(changed), parameter
            keys.update(changed)


def test_what_fits_a_run_to_its_machine_is_no_part_of_a_key_and_says_why() -> None:
    for section, field in IterationSettings.model_fields.items():
        if not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            continue
        settings = getattr(IterationSettings(), section)
        for name, reason in type(settings).NOT_IN_CACHE_KEY.items():
            assert reason
            now = getattr(settings, name)
            others_of: dict[type, Any] = {list: ["http://host"], str: f"{now}x"}
            value = others_of.get(type(now)) or now + 1
            other = settings.model_copy(update={name: value})
            assert exact(other) == exact(settings)


class Colour(Enum):
    RED = "red"


@dataclasses.dataclass(frozen=True)
class Point:
    x: float
    y: tuple[int, ...]


def test_different_values_have_different_keys() -> None:
    values = [
        None, True, False, 0, 1, 1.0, -0.5, "1", "", "\ud800", "\\ud800", (), [()], [""], ["1,2"], ["1", "2"],
        [1, 2], [[1, 2]], [1, [2]], {}, {"a": None}, {"a": ()}, Point(1, ()), Point(1.5, ()), Point(1, (1,)),
    ]  # fmt: skip
    assert len({stage_key("n", 1, {"part": value}).digest for value in values}) == len(values)
    # The same in other containers.
    assert stage_key("n", 1, {"part": {2, 1}}) == stage_key("n", 1, {"part": (1, 2)})
    assert stage_key("n", 1, {"part": Colour.RED}) == stage_key("n", 1, {"part": "red"})


class Opaque:
    """Its text holds its address."""


@pytest.mark.parametrize("value", [Opaque(), float("nan"), float("inf"), {1: 2}, b"bytes", Path("/a"), len])
def test_a_key_refuses_what_it_cannot_write_exactly(value: Any) -> None:
    with pytest.raises(FlywheelError, match=r"cannot hold rule\.limits\[1\]: .* has no exact text; pass"):
        stage_key("n", 1, {"rule": {"limits": [1, value]}})


def test_two_parts_of_a_key_with_one_name_are_refused() -> None:
    with pytest.raises(FlywheelError, match="are called 'cpu_s'"):
        stage_key("execute", 1, {"cpu_s": 1, "settings": IterationSettings().sandbox})


def test_names_of_inputs_and_settings_in_a_manifest() -> None:
    first, second = Ref("p", "1", 1), ModelRef("m", "2", "")
    engine = {"kind": "auto", "replay": "r", "served_model": "", "endpoint": "auto"}
    key = stage_key(
        "n", 1, {"problems": first, "reference": None, "rows": [{"number": 7}, first], "model": second,
                 "settings": EngineSettings(replay="r"), "seed": 0}
    )  # fmt: skip
    assert key.inputs == {"problems": "1", "rows[1]": "1", "model": "2"}
    assert key.settings == {"rows": [{"number": 7}, None], **engine, "seed": 0}


@dataclasses.dataclass(frozen=True)
class Weather:
    sky: str


class Rows(Statistics):
    """What the toy counts."""

    kind: Literal["toy"] = "toy"
    rows: int


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> tuple[StageDefinition, list[int]]:
    """A step over one table, and the lengths that it has computed."""
    monkeypatch.setattr(stages, "STAGES", {})
    computed: list[int] = []

    def weather(context: IterationContext, sky: str) -> Weather:
        return Weather(f"{sky} in {context.iteration}")

    @stage(StageName.AGREE, 1, looks_up=weather, not_in_key={"sky": "it is looked up"})
    def step(stage: Stage, found: Weather, rows: int, sky: str = "blue") -> None:
        computed.append(rows)
        stage.write(
            "dropped", Dropped, [Dropped(found.sky, "", str(number), "", "") for number in range(rows)]
        )
        stage.statistics = Rows(rows=rows)

    return stages.STAGES[StageName.AGREE], computed


def test_a_step_is_computed_once_for_the_same_arguments(toy: Any, tmp_path: Path) -> None:
    step, computed = toy
    context = IterationContext(str(tmp_path / "w"), 1, 0)

    def run(context: IterationContext, *args: Any, **kwargs: Any) -> Any:
        returned = step.run(context, step.arguments(*args, **kwargs))
        return returned if hasattr(returned, "tables") else returned.result()

    first = run(context.labelled("first"), 2)
    second = run(context.labelled("second"), rows=2, sky="blue")
    assert computed == [2]
    assert (first.stage, second.stage) == ("agree-first", "agree-second")
    assert (first.reused, second.reused) == (False, True)
    assert first.tables == second.tables
    assert first.statistics_as(Rows) == second.statistics_as(Rows) == Rows(rows=2)
    assert first.inputs == {"sky": "blue in 1"}
    workspace = Workspace(context.root)
    assert [one.stage for one in workspace.stages(1)] == ["agree-first", "agree-second"]
    assert {row.stage for row in workspace.read(first.tables["dropped"], Dropped)} == {"blue in 1"}
    run(context, 3)
    run(context, 2, "grey")
    assert computed == [2, 3, 2]


def test_what_a_step_does_not_have_cannot_be_left_out_of_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "STAGES", {})
    with pytest.raises(TypeError, match=r"names \['slots'\], no parameters of it"):

        @stage(StageName.AGREE, 1, not_in_key={"slots": "a machine's"})
        def step(stage: Stage, rows: int) -> None: ...


def test_two_steps_cannot_have_one_name() -> None:
    with pytest.raises(TypeError, match="stage agree is that of tasks"):

        @stage(StageName.AGREE, 1)
        def step(stage: Stage, rows: int) -> None: ...


@pytest.mark.server
def test_prefect_knows_a_step_by_its_name_and_parameters(
    prefect_server: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "STAGES", {})
    seen: list[tuple[str, str, list[str]]] = []

    @stage(StageName.TRAIN, 1, label_from="objective")
    def step(stage: Stage, objective: str, rows: int = 1) -> None:
        task_run = TaskRunContext.get()
        assert task_run is not None
        seen.append((task_run.task.name, task_run.task_run.name, [*task_run.parameters]))

    @flow
    def run() -> list[str]:
        context = IterationContext(str(tmp_path / "w"), 1, 0)
        return [step(context, "sft").stage, step(context, "sft", rows=1).stage]

    assert run() == ["train-sft", "train-sft"]
    assert seen == [("train", "train-sft", ["context", "objective", "rows"])]
    assert [*inspect.signature(step).parameters] == ["context", "objective", "rows"]


def test_the_engine_of_recorded_answers_is_their_digest(tmp_path: Path) -> None:
    recording = tmp_path / "recording.jsonl"
    recording.write_text("{}")
    first = engine_version(EngineSettings(replay=str(recording)))
    moved = recording.rename(tmp_path / "moved.jsonl")
    assert engine_version(EngineSettings(replay=str(moved))) == first
    moved.write_text("{} ")
    assert engine_version(EngineSettings(replay=str(moved))) != first
    with pytest.raises(FlywheelError, match="cannot be read: No such file or directory; set"):
        engine_version(EngineSettings(replay=str(recording)))
    assert re.fullmatch(r"vllm(-cpu)? \d+\.\S+", engine_version(EngineSettings()))
